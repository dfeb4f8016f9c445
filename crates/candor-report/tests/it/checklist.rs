//! The checklists: every item is there, what the run knows is told, and what it cannot know is a blank.

use candor_analysis::audit::{Basis, Finding, Verdict};
use candor_report::{AuditedFinding, data_sheet, reforms};

use crate::fixture::{Wanted, report};

#[test]
fn all_32_items_of_reforms_are_numbered_as_in_the_paper_and_blanks_are_visible() {
    let text = reforms(&report(&Wanted { classes: 3, models: 1, layers: 6, picture_px: 20 }));
    let items = [3, 5, 7, 3, 6, 3, 3, 2];
    for (module, count) in items.into_iter().enumerate() {
        for place in 0..count {
            let number = format!("**{}{}. ", module + 1, char::from(b'a' + place));
            assert_eq!(text.matches(&number).count(), 1, "{number}");
        }
    }
    assert_eq!(text.matches("?**").count(), 32, "{text}");
    assert!(
        text.contains("About which population or distribution is a claim made?**  \n☐ **to be filled in**")
    );
    assert!(text.contains("How many samples are there, and how many of each outcome?**  \n"));
}

#[test]
fn the_data_sheet_counts_the_pictures_and_leaves_consent_to_people() {
    let text = data_sheet(&report(&Wanted { classes: 3, models: 1, layers: 6, picture_px: 20 }));
    let answer = |question: &str| text.split(question).nth(1).unwrap().lines().nth(1).unwrap().to_owned();
    assert!(answer("how many are there?").contains("pictures: train "), "{text}");
    assert!(answer("did they consent").starts_with('☐'), "{text}");
    assert!(!text.to_lowercase().contains("compliant"));
}

#[test]
fn the_accuracy_comes_with_what_the_audit_found_and_what_it_did_not_ask() {
    let mut report = report(&Wanted { classes: 3, models: 1, layers: 6, picture_px: 20 });
    let answer =
        |text: &str, question: &str| text.split(question).nth(1).unwrap().lines().nth(1).unwrap().to_owned();
    let bad: Vec<String> = report
        .audit
        .iter()
        .flat_map(|audit| &audit.findings)
        .map(|audited| &audited.finding)
        .filter(|finding| finding.verdict > Verdict::Inconclusive && finding.check != "claims")
        .map(|finding| finding.headline.clone())
        .collect();
    assert!(!bad.is_empty(), "the fixture has a finding that warns or fails");
    let uncertain = answer(&reforms(&report), "How uncertain are they?");
    assert!(bad.iter().all(|headline| uncertain.contains(headline)), "{uncertain}");
    report.audit = None;
    let text = reforms(&report);
    assert!(answer(&text, "How uncertain are they?").contains("was not audited"));
    assert!(answer(&text, "Which statistical tests?").starts_with("Not run: `better-than-chance`"), "{text}");
}

#[test]
fn a_finding_about_another_network_is_not_an_answer_about_this_one() {
    let mut report = report(&Wanted { classes: 3, models: 1, layers: 6, picture_px: 20 });
    let finding =
        Finding { check: "seed-variance".into(), ..Finding::new(Verdict::Pass, "It scatters little.", "") }
            .basis(Basis::Surrogate);
    let audit = report.audit.as_mut().unwrap();
    audit.findings = vec![AuditedFinding { finding, pictures: vec![] }];
    let text = reforms(&report);
    assert!(
        text.contains("about a small network trained in the place of this one; this one was not tested"),
        "{text}"
    );
}
