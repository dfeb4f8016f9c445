//! What may be said: claims that the findings support, those that they do not, and where a law may restrict the use.

mod law;
mod list;

use std::collections::BTreeSet;

use list::{CLAIMS, Claim, NEVER};

use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Table, Topic, Unit, Verdict};
use candor_core::Subset;

pub(super) static CHECK: Check = Check {
    id: "claims",
    title: "What may be said",
    topic: Topic::MaySay,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Which claims do the findings support, which do they not, and may a law restrict this use?",
    how: "Each claim states what was tested and rests on one or more checks; it is as strong as the weakest of them. It is supported \
          if all of them pass, and not supported if one warns or fails. It is not tested if one was not run, or tested another \
          network in the place of this one, and undecided if one was inconclusive. The class names, the names and values of the \
          attributes and the purpose in the recipe are searched for words that occur in uses that the EU's AI Act or the GDPR \
          restrict; each note quotes the article and says from when it applies.",
    fail_means: "This check never fails: it sums up the others.",
    misleads: "A supported claim holds for pictures like these. The search for restricted uses looks for words, not for uses: a note \
               may be beside the point, and the absence of a note does not mean that a use is permitted. This is not legal advice. \
               Articles are quoted as first published in the Official Journal in 2016 and 2024; they and their dates may have been \
               amended since.",
    reference: "Regulation (EU) 2024/1689 (AI Act), Articles 5, 6 and 113 and Annex III; Regulation (EU) 2016/679 (GDPR), \
                Article 9",
    scale: Scale {
        pass: "Every claim is supported, and no word points to an article of law.",
        inconclusive: "No claim is contradicted, but at least one is not tested or undecided, and no word points to an article of law.",
        warn: "At least one claim is not supported, or at least one word points to an article of law.",
        fail: "",
    },
    run,
};

/// What can be said of a claim, the strongest first: a claim is as strong as the weakest check under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Supported,
    Undecided,
    NotTested,
    NotSupported,
}

impl Standing {
    fn words(self) -> &'static str {
        match self {
            Standing::Supported => "supported",
            Standing::Undecided => "undecided",
            Standing::NotTested => "not tested",
            Standing::NotSupported => "not supported",
        }
    }
}

/// A claim with its standing and the grounds.
struct Judged {
    says: String,
    standing: Standing,
    because: String,
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let notes = law::notes(&words_of(case));
    let judged: Vec<Judged> =
        counted(case).into_iter().chain(CLAIMS.iter().map(|claim| judge(case, claim))).collect();
    let counts = Counts::of(&judged);
    let verdict = match (notes.len(), counts.against, counts.open()) {
        (0, 0, 0) => Verdict::Pass,
        (0, 0, _) => Verdict::Inconclusive,
        _ => Verdict::Warn,
    };
    let finding = Finding::new(verdict, headline(counts, &notes), meaning(verdict))
        .advice(advice(case, verdict, &notes))
        .used("the findings of the other checks, class names, attributes and the recipe's purpose")
        .figure("claims that are supported", counts.supported as f64, Unit::Count)
        .figure("claims that are not supported", counts.against as f64, Unit::Count)
        .figure("claims that are undecided", counts.undecided as f64, Unit::Count)
        .figure("claims that are not tested", counts.untested as f64, Unit::Count)
        .with_table(table(judged))
        .with_table(never());
    Ok(if notes.is_empty() { finding } else { finding.with_table(law::table(&notes)) })
}

/// How many claims there are of each standing.
#[derive(Clone, Copy)]
struct Counts {
    supported: usize,
    undecided: usize,
    untested: usize,
    against: usize,
}

impl Counts {
    fn of(judged: &[Judged]) -> Counts {
        let count = |standing| judged.iter().filter(|one| one.standing == standing).count();
        Counts {
            supported: count(Standing::Supported),
            undecided: count(Standing::Undecided),
            untested: count(Standing::NotTested),
            against: count(Standing::NotSupported),
        }
    }

    fn open(self) -> usize {
        self.undecided + self.untested
    }
}

/// All words of the study's own description, with where they occur.
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

/// How often it was correct on the pictures that it was evaluated on can always be said.
fn counted(case: &Case<'_>) -> Option<Judged> {
    let (subset, answers) = case.judged()?;
    let (pictures, accuracy) = (answers.indices.len(), answers.accuracy(&case.labels()));
    let says = format!(
        "Of {pictures} {subset} pictures it predicted {} correctly ({:.1}%).",
        (accuracy * pictures as f64).round(),
        100.0 * accuracy
    );
    Some(Judged { says, standing: Standing::Supported, because: "counted".to_owned() })
}

/// A claim with the finding of each check that it rests on.
fn judge(case: &Case<'_>, claim: &Claim) -> Judged {
    let grounds = claim.rests_on.iter().map(|&check| {
        let finding = case.findings.iter().find(|finding| finding.check == check);
        (standing(finding), because(check, finding))
    });
    let validation = case.judged().is_none_or(|(subset, _)| subset != Subset::Test);
    let epoch = (claim.needs_test && validation).then(|| {
        let because = "it was not evaluated on test pictures, and the best epoch was chosen on validation";
        (Standing::NotTested, because.to_owned())
    });
    let (standings, grounds): (Vec<Standing>, Vec<String>) = grounds.chain(epoch).unzip();
    Judged {
        says: (claim.says)(case),
        standing: standings.into_iter().max().unwrap_or(Standing::NotTested),
        because: grounds.join(" "),
    }
}

fn standing(finding: Option<&Finding>) -> Standing {
    match finding {
        None => Standing::NotTested,
        Some(finding) if finding.is_of_another_network() => Standing::NotTested,
        Some(finding) => match finding.verdict {
            Verdict::Pass => Standing::Supported,
            Verdict::Inconclusive => Standing::Undecided,
            Verdict::Warn | Verdict::Fail => Standing::NotSupported,
        },
    }
}

/// `corruptions (fail): The worst of …`
fn because(check: &str, finding: Option<&Finding>) -> String {
    match finding {
        None => format!("{check}: not run."),
        Some(finding) if finding.is_of_another_network() => {
            format!("{check}: not tested on this network, only on a small one in its place.")
        }
        Some(finding) => format!("{check} ({}): {}", finding.verdict.name(), finding.headline),
    }
}

fn table(mut judged: Vec<Judged>) -> Table {
    judged.sort_by_key(|one| one.standing);
    let row = |one: Judged| vec![one.standing.words().to_owned(), one.says, one.because];
    Table {
        title: "Claims, and what they rest on".to_owned(),
        heading: ["standing", "claim", "because"].map(String::from).to_vec(),
        rows: judged.into_iter().map(row).collect(),
    }
}

fn never() -> Table {
    Table {
        title: "Claims that no check can support".to_owned(),
        heading: vec!["claim".to_owned()],
        rows: NEVER.iter().map(|&says| vec![says.to_owned()]).collect(),
    }
}

/// `3 claims supported, 2 not supported, 5 not tested.`
fn headline(counts: Counts, notes: &[law::Note]) -> String {
    let Counts { supported, undecided, untested, against } = counts;
    let claims = if supported == 1 { "claim" } else { "claims" };
    let undecided = if undecided > 0 { format!(", {undecided} undecided") } else { String::new() };
    let counts =
        format!("{supported} {claims} supported, {against} not supported{undecided}, {untested} not tested.");
    match notes {
        [] => counts,
        [note, ..] => {
            format!("{counts} A law may restrict this use: see {} ({}).", note.article.name, note.found)
        }
    }
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => {
            "The findings support every claim in the list, for pictures like these and no others."
        }
        Verdict::Inconclusive => {
            "No claim in the list is contradicted, but some can be neither made nor denied: they were not tested, or the test could \
             not tell."
        }
        _ => {
            "Readers may believe more of this classifier than the findings support, or a law may restrict its use. A note on a law says \
             that words of a restricted use occur, not that this is such a use; the absence of a note does not mean that a use is \
             permitted."
        }
    }
}

fn advice(case: &Case<'_>, verdict: Verdict, notes: &[law::Note]) -> String {
    if verdict == Verdict::Pass {
        return String::new();
    }
    let not_run = not_run(case);
    let run = match not_run.len() {
        0 => String::new(),
        1 => format!(" One check was not run: candor audit RUN --only {}.", not_run[0]),
        some => format!(" {some} checks were not run: candor audit RUN --only {}.", not_run.join(",")),
    };
    let law = match notes {
        [] => "",
        _ => {
            " Before it is used or published, have a lawyer read the articles quoted on the page, and write down its purpose \
             (--purpose)."
        }
    };
    format!(
        "Make only the claims that are supported, with their figures, and name those that are not.{run}{law}"
    )
}

/// The checks that a claim rests on and that have no finding, in the order of the claims.
fn not_run(case: &Case<'_>) -> Vec<&'static str> {
    let mut checks: Vec<&str> = Vec::new();
    for &check in CLAIMS.iter().flat_map(|claim| claim.rests_on) {
        let was_run = case.findings.iter().any(|finding| finding.check == check);
        if !was_run && !checks.contains(&check) {
            checks.push(check);
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::super::Basis;
    use super::super::testing::{Bright, Fake};
    use super::*;

    fn found(check: &str, verdict: Verdict) -> Finding {
        Finding { check: check.into(), ..Finding::new(verdict, "What was found.", "y") }
    }

    fn asked(fake: &Fake, findings: &[Finding], purpose: Option<&str>) -> Finding {
        fake.with(|case| CHECK.run(&Case { findings, purpose, ..*case }, &Bright(fake)).unwrap())
    }

    /// Each check that a claim rests on, once.
    fn all(verdict: Verdict) -> Vec<Finding> {
        let checks: BTreeSet<&str> = CLAIMS.iter().flat_map(|claim| claim.rests_on).copied().collect();
        checks.into_iter().map(|id| found(id, verdict)).collect()
    }

    /// The row of a claim that contains `words`.
    fn row<'a>(finding: &'a Finding, words: &str) -> &'a [String] {
        finding.tables[0].rows.iter().find(|row| row[1].contains(words)).expect("the claim is listed")
    }

    #[test]
    fn every_ground_is_a_check_and_every_claim_is_supported_where_all_pass() {
        for id in CLAIMS.iter().flat_map(|claim| claim.rests_on) {
            assert!(Check::find(id).is_some(), "{id}");
        }
        let finding = asked(&Fake::bright(40), &all(Verdict::Pass), None);
        assert_eq!(finding.verdict, Verdict::Pass, "{}", finding.headline);
        assert_eq!(finding.headline, "12 claims supported, 0 not supported, 0 not tested.");
        assert!(finding.advice.is_empty());
    }

    /// Each claim is printed as supported only where each of its checks passes: whatever else one finds, it is not.
    #[test]
    fn a_claim_is_as_strong_as_the_weakest_check_under_it() {
        let fake = Fake::bright(40);
        for claim in &CLAIMS {
            let says = fake.with(|case| (claim.says)(case));
            for &check in claim.rests_on {
                for (verdict, expected) in [
                    (Some(Verdict::Fail), "not supported"),
                    (Some(Verdict::Warn), "not supported"),
                    (Some(Verdict::Inconclusive), "undecided"),
                    (None, "not tested"),
                ] {
                    let mut findings = all(Verdict::Pass);
                    findings.retain(|finding| finding.check != check);
                    findings.extend(verdict.map(|verdict| found(check, verdict)));
                    let finding = asked(&fake, &findings, None);
                    assert_eq!(row(&finding, &says)[0], expected, "{says} ({check}: {verdict:?})");
                    assert_ne!(finding.verdict, Verdict::Pass);
                }
            }
        }
    }

    #[test]
    fn the_headline_counts_every_claim_of_the_list_once() {
        let fake = Fake::bright(40);
        let nothing = asked(&fake, &[], None);
        assert_eq!(nothing.headline, "1 claim supported, 0 not supported, 11 not tested.");
        assert!(
            nothing.advice.contains("10 checks were not run")
                || nothing.advice.contains("checks were not run")
        );
        let mut findings = all(Verdict::Pass);
        findings[0].verdict = Verdict::Fail;
        findings[1].verdict = Verdict::Inconclusive;
        let finding = asked(&fake, &findings, None);
        let count = |standing: &str| finding.tables[0].rows.iter().filter(|row| row[0] == standing).count();
        let expected = format!(
            "{} claims supported, {} not supported, {} undecided, {} not tested.",
            count("supported"),
            count("not supported"),
            count("undecided"),
            count("not tested")
        );
        assert_eq!(finding.headline, expected);
        assert_eq!(finding.tables[0].rows.len(), 12);
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_asked_for_after_a_complete_audit() {
        let fake = Fake::bright(40);
        let complete = asked(&fake, &all(Verdict::Inconclusive), None);
        assert!(!complete.advice.contains("not run"), "{}", complete.advice);
        let mut findings = all(Verdict::Pass);
        findings.retain(|finding| finding.check != "corruptions");
        let missing = asked(&fake, &findings, None);
        assert!(missing.advice.contains("One check was not run: candor audit RUN --only corruptions."));
    }

    #[test]
    fn the_ground_of_a_claim_is_printed_with_its_figures() {
        let mut findings = all(Verdict::Pass);
        let place = findings.iter().position(|finding| finding.check == "better-than-chance").unwrap();
        findings[place].verdict = Verdict::Fail;
        findings[place].headline = "48 of 100 are correct; chance gives 50.".into();
        let finding = asked(&Fake::bright(40), &findings, None);
        assert_eq!(finding.verdict, Verdict::Warn);
        let row = row(&finding, "better than chance");
        assert_eq!(row[0], "not supported");
        assert!(row[2].contains("better-than-chance (fail): 48 of 100 are correct"), "{row:?}");
    }

    #[test]
    fn validation_pictures_say_nothing_of_new_ones() {
        let mut fake = Fake::bright(40);
        let says = |fake: &Fake| row(&asked(fake, &all(Verdict::Pass), None), "other pictures").to_vec();
        assert_eq!(says(&fake)[0], "supported");
        fake.answers.remove(&Subset::Test);
        assert_eq!(says(&fake)[0], "not tested");
        assert!(says(&fake)[2].contains("chosen on validation"), "{:?}", says(&fake));
    }

    #[test]
    fn copies_take_the_ground_from_every_claim_about_unseen_pictures() {
        let mut findings = all(Verdict::Pass);
        findings.iter_mut().filter(|finding| finding.check == "duplicates-across-splits").for_each(
            |finding| {
                finding.verdict = Verdict::Fail;
            },
        );
        let finding = asked(&Fake::bright(40), &findings, None);
        for words in ["not trained on", "On other pictures"] {
            assert_eq!(row(&finding, words)[0], "not supported", "{words}");
        }
    }

    #[test]
    fn a_purpose_or_a_class_that_a_law_touches_is_named_with_article_and_date() {
        let mut fake = Fake::bright(40);
        fake.classes = vec!["not criminal".into(), "criminal".into()];
        let finding = asked(&fake, &all(Verdict::Pass), None);
        assert_eq!(finding.verdict, Verdict::Warn);
        assert!(
            finding.headline.contains("Article 5(1)(d)") && finding.headline.contains("“not criminal”"),
            "{finding:?}"
        );
        let law = &finding.tables[2];
        assert!(law.rows[0][3].contains("2 February 2025"), "{law:?}");
        let plain = asked(&Fake::bright(40), &all(Verdict::Pass), Some("sort household waste"));
        assert_eq!((plain.verdict, plain.tables.len()), (Verdict::Pass, 2));
        let hiring = asked(&Fake::bright(40), &all(Verdict::Pass), Some("choose whom to hire"));
        assert!(hiring.headline.contains("Annex III, point 4"), "{}", hiring.headline);
    }

    #[test]
    fn it_never_says_that_a_use_is_allowed() {
        let finding = asked(&Fake::bright(40), &all(Verdict::Pass), Some("emotion at work"));
        let text = serde_json::to_string(&finding).unwrap().to_lowercase();
        assert!(!text.contains("complian") && !text.contains("lawful\""), "{text}");
    }

    #[test]
    fn what_another_network_shows_is_neither_supported_nor_denied() {
        for verdict in [Verdict::Pass, Verdict::Warn, Verdict::Fail] {
            for (basis, expected) in [
                (Basis::Surrogate, "not tested"),
                (Basis::OwnRecipe, standing_of(verdict)),
                (Basis::Predictions, standing_of(verdict)),
            ] {
                let mut findings = all(Verdict::Pass);
                findings.iter_mut().filter(|finding| finding.check == "seed-variance").for_each(|finding| {
                    (finding.verdict, finding.basis) = (verdict, basis);
                });
                let finding = asked(&Fake::bright(40), &findings, None);
                let row = row(&finding, "on another split");
                assert_eq!(row[0], expected, "{verdict:?} {basis:?}");
                let says_so = row[2].contains("not tested on this network");
                assert_eq!(says_so, basis == Basis::Surrogate, "{row:?}");
                assert!(!finding.advice.contains("not run"), "{}", finding.advice);
            }
        }
    }

    fn standing_of(verdict: Verdict) -> &'static str {
        if verdict == Verdict::Pass { "supported" } else { "not supported" }
    }
}
