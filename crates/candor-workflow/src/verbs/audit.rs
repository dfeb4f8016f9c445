//! `audit`: how far may a run be believed?

use std::path::PathBuf;

use candor_analysis::audit::{CHECKS, Check, Finding, Verdict};
use candor_core::Reporter;
use serde::Serialize;

use super::evaluate::open;
use super::repair::{Repaired, repair};
use crate::audit::{AuditEffort, Thoroughness, claim, run_checks};
use crate::error::{Result, WorkflowError};
use crate::report::write_report;
use crate::run_dir::{REPORT_HTML, RunDir};

/// Which run, and how thoroughly.
#[derive(Clone, Debug)]
pub struct AuditRequest {
    /// The run's folder.
    pub run: PathBuf,
    /// The ids of the checks; all when empty.
    pub only: Vec<String>,
    /// How long it may take, and how often labels are permuted.
    pub effort: AuditEffort,
    /// Whether copies across the splits are repaired: split again, trained again, compared.
    pub repair: bool,
    /// A file with figures that somebody claims of the classifier, as `check-figures` reads it; kept with the run.
    pub figures: Option<PathBuf>,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// What the checks found.
#[derive(Clone, Debug, Serialize)]
pub struct Audited {
    /// The run's folder.
    pub run: PathBuf,
    /// The worst verdict; `None` where nothing was asked.
    pub worst: Option<Verdict>,
    /// One finding a check, in the order of the registry.
    pub findings: Vec<Finding>,
    /// The report's page, with the findings in it.
    pub report: PathBuf,
    /// The run again without copies across its splits, where that was asked for and there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repaired: Option<Repaired>,
}

impl Audited {
    /// The finding to read first: the worst, of equals the first.
    pub fn first(&self) -> Option<&Finding> {
        self.findings.iter().rev().max_by_key(|finding| finding.verdict)
    }
}

/// Asks the checks, writes each finding into the run as soon as it is known, and the report anew. Findings that still
/// hold are kept; this is no look at the test split.
///
/// # Errors
/// When there is no such check, the run was not trained, or the person stops it.
pub fn audit(request: &AuditRequest, reporter: &dyn Reporter) -> Result<Audited> {
    let checks = chosen(&request.only)?;
    let dir = RunDir::open(&request.run)?;
    crate::model::model_file(&request.run)?;
    let run = open(dir, request.threads, reporter)?;
    let seed = run.recipe.training.seed;
    let thoroughness = Thoroughness { seed, effort: request.effort };
    let again = |error: WorkflowError| match error.is_stop() {
        true => WorkflowError::AuditStopped { run: request.run.clone() },
        false => error,
    };
    if let Some(file) = &request.figures {
        claim(&run, file)?;
    }
    let findings = run_checks(&run, &checks, thoroughness, reporter).map_err(again)?;
    write_report(&run)?;
    let repaired = if request.repair { repair(&run, reporter).map_err(again)? } else { None };
    let worst = findings.iter().map(|finding| finding.verdict).max();
    Ok(Audited { run: request.run.clone(), worst, findings, report: run.dir.file(REPORT_HTML), repaired })
}

/// The checks of these ids in the order of the registry.
fn chosen(only: &[String]) -> Result<Vec<&'static Check>> {
    if let Some(unknown) = only.iter().find(|id| Check::find(id).is_none()) {
        let known = CHECKS.iter().map(|check| check.id).collect::<Vec<_>>().join(", ");
        return Err(WorkflowError::UnknownCheck { id: unknown.clone(), known });
    }
    let is_wanted = |check: &&'static Check| only.is_empty() || only.iter().any(|id| id == check.id);
    Ok(CHECKS.into_iter().filter(is_wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_chosen_by_id_and_an_unknown_one_is_told_with_those_there_are() {
        assert_eq!(chosen(&[]).unwrap().len(), CHECKS.len());
        let ids = ["nothing-to-see", "better-than-chance"].map(String::from);
        let found: Vec<&str> = chosen(&ids).unwrap().iter().map(|check| check.id).collect();
        assert_eq!(found, ["better-than-chance", "nothing-to-see"]);
        let error = chosen(&["fairness".into()]).unwrap_err().to_string();
        assert!(error.contains("\"fairness\"") && error.contains("nothing-to-see"), "{error}");
    }
}
