//! `explain`: where in the pictures does a run see its evidence?

use std::path::PathBuf;

use candor_analysis::explain::ace;
use candor_core::Reporter;
use serde::Serialize;

use super::evaluate::open;
use crate::concepts::{ExplainedConcepts, explain_concepts};
use crate::error::{Result, WorkflowError};
use crate::explain::{ExplainedMethod, ExplainedView, Plan, chosen, explain_run};
use crate::report::write_report;
use crate::run::Run;
use crate::run_dir::{REPORT_HTML, RunDir};

/// Which run, how, and of which pictures.
#[derive(Clone, Debug)]
pub struct ExplainRequest {
    /// The run's folder.
    pub run: PathBuf,
    /// The ids of methods and views; when empty, all that draw maps and all views.
    pub methods: Vec<String>,
    /// The class whose concepts are asked for, where `ace` is among the methods; all classes without.
    pub class: Option<String>,
    /// Picture files; when empty, of each class one that the run was right on and one that it was wrong on, of those that it
    /// was judged on before.
    pub pictures: Vec<PathBuf>,
    /// Training pictures that stand for "any picture".
    pub background: usize,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// What the methods showed.
#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    /// The run's folder.
    pub run: PathBuf,
    /// One a method, in the order of the registry.
    pub methods: Vec<ExplainedMethod>,
    /// What was seen of the network, in the order of the registry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub views: Vec<ExplainedView>,
    /// The concepts of each class that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub concepts: Vec<ExplainedConcepts>,
    /// The report's page, with the figures in it.
    pub report: PathBuf,
}

/// Explains with each method and writes each into the run as soon as it is known. What still holds is kept; this is no look at
/// the test split.
///
/// # Errors
/// When there is no such method, the run was not trained and judged, a picture cannot be read, or the person stops it.
pub fn explain(request: &ExplainRequest, reporter: &dyn Reporter) -> Result<Explained> {
    let (methods, views) = chosen(&request.methods)?;
    let dir = RunDir::open(&request.run)?;
    crate::model::model_file(&request.run)?;
    let run = open(dir, request.threads, reporter)?;
    let (files, background) = (&request.pictures[..], request.background);
    let explained =
        explain_run(&run, &Plan { methods: &methods, views: &views, files, background }, reporter)?;
    let concepts = match request.methods.iter().any(|id| id == ace::ID) {
        true => explain_concepts(&run, &classes(&run, request.class.as_deref())?, reporter)?,
        false => Vec::new(),
    };
    write_report(&run)?;
    Ok(Explained {
        run: request.run.clone(),
        methods: explained.methods,
        views: explained.views,
        concepts,
        report: run.dir.file(REPORT_HTML),
    })
}

/// The class of this name; all of them without one.
fn classes(run: &Run, name: Option<&str>) -> Result<Vec<usize>> {
    let all = &run.record.classes;
    let Some(name) = name else { return Ok((0..all.len()).collect()) };
    match all.iter().position(|class| class == name) {
        Some(class) => Ok(vec![class]),
        None => Err(WorkflowError::NoSuchClass { class: name.to_owned(), known: all.join(", ") }),
    }
}
