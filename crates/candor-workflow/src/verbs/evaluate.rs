//! `evaluate`: judging a trained run on its own pictures, or its model on others.

use std::path::PathBuf;

use candor_analysis::Evaluation;
use candor_core::{Dataset, Reporter, Subset};
use serde::Serialize;

use super::train::{RunResult, SubsetFigures, result};
use crate::error::{Result, WorkflowError};
use crate::judge::{Answers, Uncertainty, judge, judgement};
use crate::model::TrainedModel;
use crate::pictures::{Pictures, SourceSpec, classes_among};
use crate::report::write_report;
use crate::run::Run;
use crate::run_dir::{MODEL, RunDir};
use crate::threads::in_pool;
use crate::units::units_of;

/// What is to be judged, and on what.
#[derive(Clone, Debug)]
pub struct EvaluateRequest {
    /// The run's folder.
    pub run: PathBuf,
    /// The subsets; all when empty. Looking at the test split is counted.
    pub on: Vec<Subset>,
    /// Other pictures instead, all of them.
    pub source: Option<SourceSpec>,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// A judgement of a run's own pictures, or of others.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Evaluated {
    /// The run with its figures.
    Run(Box<RunResult>),
    /// Pictures from elsewhere.
    Elsewhere {
        /// The model.
        model: PathBuf,
        /// Where the pictures come from.
        source: String,
        /// In short.
        figures: SubsetFigures,
        /// All metrics.
        evaluation: Box<Evaluation>,
    },
}

/// Judges a trained run on the subsets asked for and writes its report anew, or judges its model on other pictures.
///
/// # Errors
/// When there is no trained model, or the pictures cannot be read.
pub fn evaluate(request: &EvaluateRequest, reporter: &dyn Reporter) -> Result<Evaluated> {
    if let Some(source) = &request.source {
        return elsewhere(request, source, reporter);
    }
    let dir = RunDir::open(&request.run)?;
    let model = TrainedModel::load(&dir.file(MODEL), request.threads)?;
    let run = open(dir, request.threads, reporter)?;
    let subsets = if request.on.is_empty() { &Subset::ALL[..] } else { &request.on };
    if let [only] = subsets
        && run.split.count(*only) == 0
    {
        return Err(WorkflowError::EmptySubset { subset: *only });
    }
    let judgements = judge(&run, &model, subsets, reporter)?;
    let short = write_report(&run)?;
    Ok(Evaluated::Run(Box::new(result(&run, judgements, short)?)))
}

/// The run, with a word on pictures that have changed since it began.
pub(super) fn open(dir: RunDir, threads: usize, reporter: &dyn Reporter) -> Result<Run> {
    let (run, difference) = Run::open(dir, threads, reporter)?;
    if let Some(difference) = difference {
        reporter.note(&format!(
            "the pictures have changed since the run began: {difference}; those of the split that are still there are used"
        ));
    }
    Ok(run)
}

fn elsewhere(request: &EvaluateRequest, source: &SourceSpec, reporter: &dyn Reporter) -> Result<Evaluated> {
    let model = TrainedModel::load(&request.run, request.threads)?;
    let about = model.about();
    let (prepared, units) = in_pool(request.threads, || -> Result<_> {
        let mut pictures = Pictures::open(source, reporter)?;
        let class_of = classes_among(pictures.classes(), &about.classes, source.name().as_ref())?;
        let mut prepared = pictures.prepare(about.preprocessing, reporter)?;
        prepared.samples.iter_mut().for_each(|sample| sample.class = class_of[sample.class]);
        let units = units_of(&pictures, &prepared.samples, reporter)?;
        Ok((prepared, units))
    })?;
    let indices: Vec<usize> = (0..prepared.len()).collect();
    let probabilities = model.answer(&prepared, &indices)?;
    let answers = Answers { indices, probabilities };
    let predictions = answers.labelled_as(&about.classes, &prepared.samples)?;
    let uncertainty = Uncertainty {
        groups: units.groups(&answers.indices),
        seed: about.recipe.training.seed.derive("intervals"),
        threads: request.threads,
        known: None,
    };
    let judged = judgement(&predictions, about.recipe.training.loss, None, &uncertainty);
    Ok(Evaluated::Elsewhere {
        model: request.run.clone(),
        source: source.name(),
        evaluation: Box::new(judged.evaluation.clone()),
        figures: SubsetFigures::of(judged),
    })
}

#[cfg(test)]
mod tests {
    use candor_core::Silent;

    use super::*;

    #[test]
    fn a_folder_that_is_no_run_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let request =
            EvaluateRequest { run: dir.path().to_owned(), on: Vec::new(), source: None, threads: 1 };
        let error = evaluate(&request, &Silent).unwrap_err();
        assert!(matches!(error, WorkflowError::NotARun { .. }), "{error}");
    }
}
