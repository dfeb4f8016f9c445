//! Words of a study's description that occur in uses which a law restricts.
//!
//! The articles are quoted from the Official Journal: Regulation (EU) 2024/1689 (OJ L, 12 July 2024) and Regulation (EU)
//! 2016/679 (OJ L 119, 4 May 2016), both without later amendments. Dates are those of Article 113 of the first and Article 99
//! of the second. Regulation (EU) 2026/1744 (OJ, 24 July 2026) moved the duties for high-risk systems; its text was not at
//! hand, only the Commission's announcement (<https://digital-strategy.ec.europa.eu/en/news/ai-omnibus-enters-force>), so the
//! new date is given with that source and the quotations are marked as those of 2024.

use super::super::Table;

/// An article with the words that point to it.
pub(super) struct Article {
    pub name: &'static str,
    /// What it says, word for word; `[…]` where something was left out.
    quote: &'static str,
    applies: &'static str,
    /// Beginnings of words that point to it, wherever they stand.
    stems: &'static [&'static [&'static str]],
}

/// Origin, belief and sexuality: what more than one article protects.
const SENSITIVE: &[&str] = &[
    "race",
    "racial",
    "ethnic",
    "politic",
    "religio",
    "muslim",
    "christian",
    "jewish",
    "hindu",
    "homosex",
    "heterosex",
    "bisex",
    "gay",
    "lesbian",
    "queer",
    "sexual",
];

/// An article, and what pointed to it.
pub(super) struct Note {
    pub article: &'static Article,
    /// `“criminal” is a class`
    pub found: String,
}

const PROHIBITED: &str = "since 2 February 2025 (AI Act, Article 113(a))";
const HIGH_RISK: &str = "from 2 December 2027, according to the European Commission's announcement of Regulation (EU) 2026/1744; the version \
                         of 12 July 2024 that is quoted here says 2 August 2026. The amending text may change the article as well: read \
                         the consolidated version";
const GDPR: &str = "since 25 May 2018 (GDPR, Article 99)";

static ARTICLES: [Article; 10] = [
    Article {
        name: "AI Act, Article 5(1)(d)",
        quote: "[prohibited:] […] an AI system for making risk assessments of natural persons in order to assess or predict \
                the risk of a natural person committing a criminal offence, based solely on the profiling of a natural person \
                or on assessing their personality traits and characteristics […]",
        applies: PROHIBITED,
        stems: &[&[
            "crime",
            "crimin",
            "offender",
            "felon",
            "convict",
            "recidiv",
            "delinquen",
            "terroris",
            "thief",
            "thieves",
        ]],
    },
    Article {
        name: "AI Act, Article 5(1)(e)",
        quote: "[prohibited:] […] AI systems that create or expand facial recognition databases through the untargeted \
                scraping of facial images from the internet or CCTV footage",
        applies: PROHIBITED,
        stems: &[&["facial", "cctv", "surveillance"]],
    },
    Article {
        name: "AI Act, Article 5(1)(f)",
        quote: "[prohibited:] […] AI systems to infer emotions of a natural person in the areas of workplace and education \
                institutions, except where the use of the AI system is intended to be put in place or into the market for \
                medical or safety reasons",
        applies: PROHIBITED,
        stems: &[&[
            "emotion",
            "happy",
            "happiness",
            "angry",
            "anger",
            "sadness",
            "mood",
            "stressed",
            "bored",
            "attentive",
        ]],
    },
    Article {
        name: "AI Act, Article 5(1)(g)",
        quote: "[prohibited:] […] biometric categorisation systems that categorise individually natural persons based on \
                their biometric data to deduce or infer their race, political opinions, trade union membership, religious or \
                philosophical beliefs, sex life or sexual orientation […]",
        applies: PROHIBITED,
        stems: &[SENSITIVE, &["unionis"]],
    },
    Article {
        name: "AI Act, Annex III, point 1",
        quote: "Biometrics, in so far as their use is permitted under relevant Union or national law: […] AI systems intended \
                to be used for biometric categorisation, according to sensitive or protected attributes or characteristics \
                based on the inference of those attributes or characteristics; […] for emotion recognition",
        applies: HIGH_RISK,
        stems: &[&[
            "biometric",
            "facial",
            "ethnic",
            "race",
            "racial",
            "emotion",
            "skin",
            "gender",
            "sexual",
            "religio",
        ]],
    },
    Article {
        name: "AI Act, Annex III, point 3",
        quote: "Education and vocational training: (a) AI systems intended to be used to determine access or admission or to \
                assign natural persons to educational and vocational training institutions at all levels […]",
        applies: HIGH_RISK,
        stems: &[&["admission", "pupil", "exam", "cheat", "proctor"]],
    },
    Article {
        name: "AI Act, Annex III, point 4",
        quote: "Employment, workers’ management and access to self-employment: (a) AI systems intended to be used for the \
                recruitment or selection of natural persons […]",
        applies: HIGH_RISK,
        stems: &[&["hire", "hiring", "recruit", "applicant", "employee", "employab", "workplace"]],
    },
    Article {
        name: "AI Act, Annex III, point 6",
        quote: "Law enforcement, in so far as their use is permitted under relevant Union or national law: […]",
        applies: HIGH_RISK,
        stems: &[&["police", "policing", "suspect", "crime", "crimin", "offender", "recidiv"]],
    },
    Article {
        name: "AI Act, Annex III, point 7",
        quote: "Migration, asylum and border control management, in so far as their use is permitted under relevant Union or \
                national law: […]",
        applies: HIGH_RISK,
        stems: &[&["migra", "immigra", "asylum", "refugee", "border control"]],
    },
    Article {
        name: "GDPR, Article 9(1)",
        quote: "Processing of personal data revealing racial or ethnic origin, political opinions, religious or philosophical \
                beliefs, or trade union membership, and the processing of genetic data, biometric data for the purpose of \
                uniquely identifying a natural person, data concerning health or data concerning a natural person's sex life \
                or sexual orientation shall be prohibited.",
        applies: GDPR,
        stems: &[
            SENSITIVE,
            &[
                "unionist",
                "genetic",
                "biometric",
                "patient",
                "disease",
                "diagnos",
                "disab",
                "cancer",
                "tumor",
                "tumour",
                "health",
                "depress",
                "autis",
            ],
        ],
    },
];

/// One note an article at most, for the first of `words` (where it stands, what stands there) that points to it.
pub(super) fn notes(words: &[(String, String)]) -> Vec<Note> {
    let of = |article: &'static Article| {
        let first = words.iter().find(|one| article.is_touched_by(&one.1))?;
        Some(Note { article, found: format!("“{}” is {}", first.1, described(&first.0)) })
    };
    ARTICLES.iter().filter_map(of).collect()
}

fn described(place: &str) -> String {
    if place.starts_with("the column") { format!("in {place}") } else { place.to_owned() }
}

impl Article {
    fn is_touched_by(&self, text: &str) -> bool {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).collect();
        let points = |stem: &&str| match stem.contains(' ') {
            true => lower.contains(*stem),
            false => words.iter().any(|word| is_of(word, stem)),
        };
        self.stems.iter().copied().flatten().any(points)
    }
}

/// Short stems are whole words (“race”, not “racecar”; “gay”), with a plural; longer ones are beginnings.
fn is_of(word: &str, stem: &str) -> bool {
    let rest = word.strip_prefix(stem);
    rest.is_some_and(|rest| stem.len() > 4 || matches!(rest, "" | "s" | "d"))
}

/// The articles with their words.
pub(super) fn table(notes: &[Note]) -> Table {
    let row = |note: &Note| {
        let Article { name, quote, applies, .. } = note.article;
        vec![name.to_string(), note.found.clone(), quote.to_string(), applies.to_string()]
    };
    Table {
        title: "Articles of law that words in this study point to (not legal advice)".to_owned(),
        heading: ["article", "because", "it says (version of first publication)", "applies"]
            .map(String::from)
            .to_vec(),
        rows: notes.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn articles(text: &str) -> Vec<&'static str> {
        notes(&[("a class".to_owned(), text.to_owned())]).iter().map(|note| note.article.name).collect()
    }

    #[test]
    fn words_point_to_their_articles_and_likenesses_do_not() {
        let cases: [(&str, &[&str]); 8] = [
            ("Criminals", &["AI Act, Article 5(1)(d)", "AI Act, Annex III, point 6"]),
            ("crimson racecar", &[]),
            ("T-shirt/top", &[]),
            ("happy", &["AI Act, Article 5(1)(f)"]),
            ("race", &["AI Act, Article 5(1)(g)", "AI Act, Annex III, point 1", "GDPR, Article 9(1)"]),
            ("patient_with_tumour", &["GDPR, Article 9(1)"]),
            ("gayness", &[]),
            ("hiring", &["AI Act, Annex III, point 4"]),
        ];
        for (text, expected) in cases {
            assert_eq!(articles(text), expected, "{text}");
        }
    }

    #[test]
    fn a_note_says_where_the_word_stands() {
        let found = notes(&[("the column “label”".into(), "Ethnic group".into())]);
        assert_eq!(found[0].found, "“Ethnic group” is in the column “label”");
    }

    #[test]
    fn the_date_of_high_risk_duties_has_its_source_and_names_the_version_that_is_quoted() {
        let found = notes(&[("a class".to_owned(), "hiring".to_owned())]);
        let row = &table(&found).rows[0];
        for words in ["2 December 2027", "European Commission", "2026/1744", "12 July 2024"] {
            assert!(row[3].contains(words), "{words}: {row:?}");
        }
    }

    #[test]
    fn no_note_says_that_a_use_is_allowed() {
        for article in &ARTICLES {
            let text = [article.name, article.quote, article.applies].concat().to_lowercase();
            assert!(!text.contains("complian") && !text.contains("allowed"), "{text}");
        }
    }
}
