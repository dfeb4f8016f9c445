//! Scenario × check: what each check may say of data sets whose truth is known, and what would be false there.
//!
//! The pictures come from [`super::planted::scenarios`]. The classifier under audit is a small one that learns from them in
//! milliseconds ([`Brain`]), so that it uses a shortcut where there is one. A row lists the verdicts that are true; a phrase
//! that would be false may occur nowhere in the finding. The claims are asked last: none may be supported that is not true.

mod brain;
mod expected;

use std::collections::BTreeMap;

use candor_core::{Dataset, Image, Seed, Silent, Subset};

use self::brain::Retrained;
use self::expected::{EXPECTED, Expected};
use super::planted::Planted;
use super::planted::scenarios::{SCENARIOS, Scenario};
use super::{Answers, Case, Check, Finding, Settings};
use crate::Units;
use crate::near_duplicates::{copies_among, verified};

/// The findings of the checks that a row lists, and then of `claims`.
fn findings(expected: &Expected, planted: &Planted) -> Vec<Finding> {
    let labels = planted.labels();
    let features: Vec<Vec<f64>> =
        (0..planted.len()).map(|index| expected.brain.features(planted.picture(index))).collect();
    let retrained =
        Retrained { brain: expected.brain, features: &features, classes: planted.classes().len() };
    let own = retrained.train(&labels, &planted.split.train);
    let answers: BTreeMap<Subset, Answers> = Subset::ALL
        .into_iter()
        .map(|subset| (subset, own.answer(&features, planted.split.indices(subset))))
        .collect();
    let facts = planted.facts();
    let likenesses: Vec<_> = facts.iter().map(|facts| &facts.likeness).collect();
    let copies = copies_among(&likenesses, |_| true).expect("it is not stopped");
    let units = Units::of(planted.samples(), &verified(&copies));
    let classifier = own.classifier(planted.classes());
    let case = Case {
        pictures: planted,
        seen: &|index| -> Image { planted.picture(index).clone() },
        facts: &facts,
        copies: &copies,
        units: &units,
        split: &planted.split,
        answers: &answers,
        classifier: Some(&classifier),
        detector: None,
        purpose: None,
        stated: &[],
        findings: &[],
        settings: Settings { seed: Seed(1), permutations: 39 },
        reporter: &Silent,
    };
    let ask = |id: &str, findings: &[Finding]| {
        let check = Check::find(id).expect("the check exists");
        check.run(&Case { findings, ..case }, &retrained).expect("nobody stops it")
    };
    let mut found: Vec<Finding> = expected.checks.iter().map(|(id, _)| ask(id, &[])).collect();
    found.push(ask("claims", &found));
    found
}

/// What is false in a scenario's findings, one line each.
fn falsehoods(expected: &Expected, found: &[Finding]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |finding: &Finding, why: String| {
        lines.push(format!(
            "{}: {} ({}): {why}: {}",
            expected.scenario,
            finding.check,
            finding.verdict.name(),
            finding.headline
        ));
    };
    for ((id, allowed), finding) in expected.checks.iter().zip(found) {
        assert_eq!(*id, finding.check);
        if !allowed.contains(&finding.verdict) {
            say(finding, "this verdict is not true".to_owned());
        }
    }
    for finding in found {
        let text = serde_json::to_string(finding).expect("a finding can be written");
        for phrase in expected.never.iter().filter(|phrase| text.contains(**phrase)) {
            say(finding, format!("“{phrase}” is not true"));
        }
    }
    let claims = found.last().expect("claims are asked");
    let supported = claims.tables[0].rows.iter().filter(|row| row[0] == "supported");
    for row in supported {
        for phrase in expected.unsupported.iter().filter(|phrase| row[1].contains(**phrase)) {
            say(claims, format!("a claim with “{phrase}” is supported"));
        }
    }
    lines
}

fn check(rows: impl Iterator<Item = &'static Expected>) {
    let lines: Vec<String> = rows
        .flat_map(|expected| {
            let scenario = Scenario::find(expected.scenario).expect("the scenario exists");
            let found = findings(expected, &scenario.draw(Seed(1)));
            falsehoods(expected, &found)
        })
        .collect();
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn every_scenario_has_a_row_and_every_row_a_scenario() {
    let rows: Vec<&str> = EXPECTED.iter().map(|expected| expected.scenario).collect();
    let scenarios: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    assert_eq!(rows, scenarios);
}

// In parts, so that they run beside each other.

#[test]
fn nothing_false_is_said_where_nothing_can_be_learned_or_all_can() {
    check(EXPECTED[..9].iter());
}

#[test]
fn sound_data_is_not_called_unsound() {
    check(EXPECTED[9..17].iter());
}

#[test]
fn random_labels_and_what_sits_in_the_file_or_the_sensor_are_not_passed() {
    check(EXPECTED[17..23].iter());
}

#[test]
fn small_shortcuts_are_not_passed() {
    check(EXPECTED[23..27].iter());
}

#[test]
fn copies_and_wrong_labels_are_not_passed() {
    check(EXPECTED[27..].iter());
}
