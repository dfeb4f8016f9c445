//! What may be said: sentences that the findings bear out, those that they do not, and where the law has a word.

mod law;

use std::collections::BTreeSet;

use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Table, Topic, Unit, Verdict};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: "claims",
    title: "What may be said",
    topic: Topic::MaySay,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Which sentences do the findings bear out, which do they not, and does the law touch this use?",
    how: "Each sentence that people say of a classifier rests on some checks: it may be said where all of them pass, may not \
          where one warns or fails, and is open where one was not asked or could not tell. The class names, the names and \
          values of the attributes and the purpose in the recipe are searched for words that occur in uses which the EU's AI \
          Act or the GDPR restrict; each note quotes the article and from when it applies.",
    fail_means: "This check never fails: it sums up the others.",
    misleads: "Words are searched, not uses: a note may be beside the point, and none does not mean that a use is allowed. \
               This is no legal advice. Articles are quoted as published in the Official Journal in 2016 and 2024; later \
               amendments are not known to candor.",
    reference: "Regulation (EU) 2024/1689 (AI Act), Articles 5, 6 and 113 and Annex III; Regulation (EU) 2016/679 (GDPR), \
                Article 9",
    scale: Scale::UNWRITTEN,
    run,
};

/// A sentence, and the checks that it rests on.
struct Claim {
    says: &'static str,
    rests_on: &'static [&'static str],
}

static CLAIMS: [Claim; 9] = [
    Claim {
        says: "On pictures like these, its answers are better than guessing.",
        rests_on: &["better-than-chance"],
    },
    Claim {
        says: "The accuracy is that of pictures which it has not seen.",
        rests_on: &["duplicates-across-splits", "split-drift"],
    },
    Claim { says: "The figures that are told of it agree with its answers.", rests_on: &["figures"] },
    Claim {
        says: "It tells the classes apart by the thing, not by its surroundings, its file or its source.",
        rests_on: &["nothing-to-see", "shortcut-regions"],
    },
    Claim {
        says: "It works on pictures from a source that it has not seen.",
        rests_on: &["leave-one-source-out"],
    },
    Claim {
        says: "Another split or seed would have given about the same accuracy.",
        rests_on: &["seed-variance"],
    },
    Claim {
        says: "It errs about as often for every group of pictures that is told apart.",
        rests_on: &["subgroups"],
    },
    Claim { says: "Where it says 90%, it is right nine times out of ten.", rests_on: &["calibration"] },
    Claim {
        says: "It keeps working when pictures are a little noisy, blurred, dark or compressed.",
        rests_on: &["corruptions"],
    },
];

/// Nothing that is measured here bears these out.
const NEVER: [&str; 4] = [
    "It is not easily fooled by changes made on purpose.",
    "It knows what causes a picture to belong to a class.",
    "What it says of one picture or person is true.",
    "It works on pictures of another kind, place or time.",
];

/// What can be said of a sentence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Supported,
    Open,
    NotSupported,
}

impl Standing {
    fn words(self) -> &'static str {
        match self {
            Standing::Supported => "supported",
            Standing::Open => "open",
            Standing::NotSupported => "not supported",
        }
    }
}

/// A sentence with its standing and the grounds.
struct Judged {
    says: String,
    standing: Standing,
    because: String,
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let notes = law::notes(&words_of(case));
    let judged: Vec<Judged> =
        accuracy(case).into_iter().chain(CLAIMS.iter().map(|claim| judge(case, claim))).collect();
    let count = |standing| judged.iter().filter(|one| one.standing == standing).count();
    let (supported, open, against) =
        (count(Standing::Supported), count(Standing::Open), count(Standing::NotSupported));
    let verdict = match (notes.len(), against, supported, open) {
        (0, 0, 1.., 0) => Verdict::Pass,
        (0, 0, ..) => Verdict::Inconclusive,
        _ => Verdict::Warn,
    };
    let finding = Finding::new(verdict, headline(supported, open, against, &notes), meaning(verdict))
        .advice(advice(verdict, open, &notes))
        .used("the findings of the other checks, class names, attributes and the recipe's purpose")
        .figure("sentences that are supported", supported as f64, Unit::Count)
        .figure("sentences that are open", open as f64, Unit::Count)
        .figure("sentences that are not supported", against as f64, Unit::Count)
        .with_table(sentences(judged));
    Ok(if notes.is_empty() { finding } else { finding.with_table(law::table(&notes)) })
}

/// All words of the study's own description, with where they stand.
fn words_of(case: &Case<'_>) -> Vec<(String, String)> {
    let place = |where_: &str, text: &str| (where_.to_owned(), text.to_owned());
    let classes = case.classes().iter().map(|class| place("a class", class));
    let attributes: BTreeSet<(String, String)> = case
        .samples()
        .iter()
        .flat_map(|sample| &sample.attributes)
        .flat_map(|(column, value)| {
            [place("a column", column), place(&format!("the column “{column}”"), value)]
        })
        .collect();
    let purpose = case.purpose.iter().map(|purpose| place("the recipe's purpose", purpose));
    classes.chain(purpose).chain(attributes).collect()
}

/// How often it was right can always be said of the pictures that it was judged on; of others like them, as far as so many
/// independent ones tell.
fn accuracy(case: &Case<'_>) -> Option<Judged> {
    let (subset, answers) = case.judged()?;
    let (pictures, accuracy) = (answers.indices.len(), answers.accuracy(&case.labels()));
    let Interval { low, high } = Interval::of_share(accuracy, case.independent(&answers.indices));
    let says = format!(
        "Of {pictures} {subset} pictures it names {} rightly: {:.1}%, and on as many others like them between {:.0}% \
         and {:.0}%.",
        (accuracy * pictures as f64).round(),
        100.0 * accuracy,
        100.0 * low,
        100.0 * high
    );
    Some(Judged { says, standing: Standing::Supported, because: "counted".to_owned() })
}

fn judge(case: &Case<'_>, claim: &Claim) -> Judged {
    let grounds: Vec<(&str, Option<Verdict>)> = claim
        .rests_on
        .iter()
        .map(|&id| {
            (id, case.findings.iter().find(|finding| finding.check == id).map(|finding| finding.verdict))
        })
        .collect();
    let standing = grounds.iter().map(|(_, verdict)| standing(*verdict)).max().unwrap_or(Standing::Open);
    let ground = |(id, verdict): &(&str, Option<Verdict>)| {
        format!("{id}: {}", verdict.map_or("not asked", Verdict::name))
    };
    let because = grounds.iter().map(ground).collect::<Vec<_>>().join(", ");
    Judged { says: claim.says.to_owned(), standing, because }
}

fn standing(verdict: Option<Verdict>) -> Standing {
    match verdict {
        Some(Verdict::Pass) => Standing::Supported,
        Some(Verdict::Warn | Verdict::Fail) => Standing::NotSupported,
        Some(Verdict::Inconclusive) | None => Standing::Open,
    }
}

fn sentences(mut judged: Vec<Judged>) -> Table {
    judged.sort_by_key(|one| one.standing);
    let never = NEVER.map(|says| Judged {
        says: says.to_owned(),
        standing: Standing::NotSupported,
        because: "nothing that is measured here can show it".to_owned(),
    });
    let row = |one: Judged| vec![one.standing.words().to_owned(), one.says, one.because];
    Table {
        title: "What the findings say of what people say".to_owned(),
        heading: ["standing", "sentence", "because"].map(String::from).to_vec(),
        rows: judged.into_iter().chain(never).map(row).collect(),
    }
}

fn headline(supported: usize, open: usize, against: usize, notes: &[law::Note]) -> String {
    let counts = format!(
        "Of {} sentences {supported} are supported, {against} are not, {open} are open",
        supported + open + against
    );
    match notes {
        [] => format!("{counts}."),
        [note, ..] => format!("{counts}; the law has a word: {} ({}).", note.article.name, note.found),
    }
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => {
            "The usual sentences are borne out by these findings, for pictures like these and no others."
        }
        Verdict::Inconclusive => {
            "Some sentences can neither be said nor denied, because a check was not asked or could not tell."
        }
        _ => {
            "Whoever reads of this classifier may take more from it than these findings bear out, or a law may restrict what \
             it is for. A note says that words of a restricted use occur, not that this use is one, and none says that it is \
             allowed."
        }
    }
}

fn advice(verdict: Verdict, open: usize, notes: &[law::Note]) -> String {
    if verdict == Verdict::Pass {
        return String::new();
    }
    let ask = if open > 0 { " Run the checks that were not asked: candor audit." } else { "" };
    let law = if notes.is_empty() {
        ""
    } else {
        " Have somebody who knows the law read the articles that are quoted on the page before it is used or published, and \
         write down what it is for (--purpose)."
    };
    format!("Say only what is supported, with its figures, and print what is not beside it.{ask}{law}")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bright, Fake};
    use super::*;

    fn found(check: &str, verdict: Verdict) -> Finding {
        Finding { check: check.into(), ..Finding::new(verdict, "x", "y") }
    }

    fn asked(fake: &Fake, findings: &[Finding], purpose: Option<&str>) -> Finding {
        fake.with(|case| CHECK.run(&Case { findings, purpose, ..*case }, &Bright(fake)).unwrap())
    }

    fn all(verdict: Verdict) -> Vec<Finding> {
        CLAIMS.iter().flat_map(|claim| claim.rests_on).map(|id| found(id, verdict)).collect()
    }

    #[test]
    fn every_ground_is_a_check_and_open_until_it_is_asked() {
        for id in CLAIMS.iter().flat_map(|claim| claim.rests_on) {
            assert!(Check::find(id).is_some(), "{id}");
        }
        let fake = Fake::bright(40);
        assert_eq!(asked(&fake, &all(Verdict::Pass), None).verdict, Verdict::Pass);
        let nothing = asked(&fake, &[], None);
        assert_eq!(
            (nothing.verdict, nothing.value("sentences that are open")),
            (Verdict::Inconclusive, Some(9.0))
        );
        let judged = &nothing.tables[0].rows[0];
        assert!(judged[0] == "supported" && judged[1].contains("10 test pictures it names 10"), "{judged:?}");
    }

    #[test]
    fn what_a_check_denies_may_not_be_said() {
        let mut findings = all(Verdict::Pass);
        findings[0].verdict = Verdict::Fail;
        let finding = asked(&Fake::bright(40), &findings, None);
        assert_eq!(finding.verdict, Verdict::Warn);
        let row = finding.tables[0].rows.iter().find(|row| row[1].contains("guessing")).unwrap();
        assert_eq!((row[0].as_str(), row[2].as_str()), ("not supported", "better-than-chance: fail"));
    }

    #[test]
    fn a_purpose_or_a_class_that_the_law_touches_is_told_with_article_and_date() {
        let mut fake = Fake::bright(40);
        fake.classes = vec!["not criminal".into(), "criminal".into()];
        let finding = asked(&fake, &all(Verdict::Pass), None);
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(
            finding.headline.contains("Article 5(1)(d)") && finding.headline.contains("“not criminal”"),
            "{finding:?}"
        );
        let law = &finding.tables[1];
        assert!(law.rows[0][3].contains("2 February 2025"), "{law:?}");
        let plain = asked(&Fake::bright(40), &all(Verdict::Pass), Some("sort household waste"));
        assert_eq!((plain.verdict, plain.tables.len()), (Verdict::Pass, 1));
        let hiring = asked(&Fake::bright(40), &all(Verdict::Pass), Some("choose whom to hire"));
        assert!(hiring.headline.contains("Annex III, point 4"), "{}", hiring.headline);
    }

    #[test]
    fn it_never_says_that_a_use_is_allowed() {
        let finding = asked(&Fake::bright(40), &all(Verdict::Pass), Some("emotion at work"));
        let text = serde_json::to_string(&finding).unwrap().to_lowercase();
        assert!(!text.contains("complian") && !text.contains("lawful\""), "{text}");
    }
}
