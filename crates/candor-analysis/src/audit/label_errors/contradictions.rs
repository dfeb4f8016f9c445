//! Copies of one picture under different classes: facts about labels that need no network.

use std::collections::BTreeMap;

use super::super::{Basis, Case, Evidence, Finding, Shown, Verdict};
use crate::Units;

/// Copies of one picture that carry different labels.
pub(super) struct Contradictions {
    /// The copies of each such picture, ascending.
    pub clusters: Vec<Vec<usize>>,
    /// So many labels are wrong at least, where each picture is of one class.
    pub least_wrong: usize,
}

/// Among all samples, those with equal bytes and verified copies.
pub(super) fn contradictions(case: &Case<'_>) -> Contradictions {
    // What one group holds are not copies of each other.
    let mut alone = case.samples().to_vec();
    alone.iter_mut().for_each(|sample| sample.group = None);
    let copies = Units::of(&alone, &crate::near_duplicates::verified(case.copies));
    let labels = case.labels();
    let all: Vec<usize> = (0..labels.len()).collect();
    let differ = |members: &Vec<usize>| members.iter().any(|&index| labels[index] != labels[members[0]]);
    let clusters: Vec<Vec<usize>> = copies.members(&all).into_iter().filter(differ).collect();
    let wrong = |members: &Vec<usize>| {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        members.iter().for_each(|&index| *counts.entry(labels[index]).or_default() += 1);
        members.len() - counts.values().max().copied().unwrap_or(0)
    };
    Contradictions { least_wrong: clusters.iter().map(wrong).sum(), clusters }
}

impl Contradictions {
    /// `finding`, which says what networks found, with these facts before it: they are at least a warning, and no hint, whatever
    /// network looked at the other labels.
    pub fn come_first(&self, finding: Finding) -> Finding {
        if self.clusters.is_empty() {
            return finding;
        }
        let basis = if finding.basis == Basis::Surrogate { Basis::Pictures } else { finding.basis };
        let headline = format!("{}{}", self.sentence(), finding.headline);
        Finding { verdict: finding.verdict.max(Verdict::Warn), headline, basis, ..finding }
    }

    /// Each cluster with its labels.
    pub fn evidence(&self, case: &Case<'_>) -> Vec<Evidence> {
        let exhibit = |members: &Vec<usize>| {
            let equal =
                members.iter().all(|&index| case.samples()[index].id == case.samples()[members[0]].id);
            let name = |&index: &usize| format!("“{}”", case.classes()[case.samples()[index].class]);
            let what = if equal { "the same file" } else { "copies of one picture" };
            let names: Vec<String> = members.iter().map(name).collect();
            Evidence {
                note: format!("{what}, labelled {}", names.join(" and ")),
                pictures: members.iter().map(|&index| Shown::of(case, index)).collect(),
            }
        };
        self.clusters.iter().map(exhibit).collect()
    }

    /// In a sentence; empty where there are none.
    pub fn sentence(&self) -> String {
        let labels = match self.least_wrong {
            1 => "at least 1 label is wrong".to_owned(),
            some => format!("at least {some} labels are wrong"),
        };
        match self.clusters.len() {
            0 => String::new(),
            1 => format!("Copies of 1 picture carry different labels: {labels}. "),
            some => format!("Copies of {some} pictures carry different labels: {labels}. "),
        }
    }
}
