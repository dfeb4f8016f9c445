//! What has to be said beside every figure: the findings that warn or fail, or that nothing was audited. Whoever copies a figure
//! out of a card or a table copies these words with it.

use candor_analysis::audit::{Check, Finding, Verdict};

use crate::{Audit, Report};

/// Sums up the others: its warnings are theirs.
const SUM: &str = "claims";

/// What has to be said beside the figures of a report, one sentence or two an entry, what is worst first.
pub fn cautions(report: &Report) -> Vec<String> {
    match &report.audit {
        None => vec![
            "This model was not audited (candor audit): nothing was checked that could make its figures misleading."
                .to_owned(),
        ],
        Some(audit) => of_audit(audit),
    }
}

fn of_audit(audit: &Audit) -> Vec<String> {
    let found: Vec<&Finding> = bad(audit).collect();
    let mut all: Vec<String> = found.iter().map(|finding| caution(finding)).collect();
    if all.is_empty() {
        all.push(
            "No check of the audit that was run warns or fails. That does not prove that nothing is wrong."
                .to_owned(),
        );
    }
    match &audit.not_asked[..] {
        [] => {}
        [one] => all.push(format!("One check was not run: {one}.")),
        several => all.push(format!("{} checks were not run: {}.", several.len(), several.join(", "))),
    }
    all
}

/// The findings that warn or fail, the fails first.
pub(crate) fn bad(audit: &Audit) -> impl Iterator<Item = &Finding> {
    let of = |verdict| {
        let findings = audit.findings.iter().map(|audited| &audited.finding);
        findings.filter(move |finding| finding.verdict == verdict && finding.check != SUM)
    };
    of(Verdict::Fail).chain(of(Verdict::Warn))
}

/// `Fail, Copies across the splits: 73 of the 119 …`
fn caution(finding: &Finding) -> String {
    let verdict = if finding.verdict == Verdict::Fail { "Fail" } else { "Warning" };
    let title = Check::find(&finding.check).map_or(finding.check.as_str(), |check| check.title);
    let of =
        if finding.is_of_another_network() { ", about a small network in the place of this one" } else { "" };
    format!("{verdict}, {title}{of}: {}", finding.headline)
}

/// The finding of a check about this very network; `None` where it was not run, or another network was tested.
pub(crate) fn of_this_network<'a>(audit: Option<&'a Audit>, check: &str) -> Option<&'a Finding> {
    let findings = audit?.findings.iter().map(|audited| &audited.finding);
    findings.into_iter().find(|finding| finding.check == check && !finding.is_of_another_network())
}
