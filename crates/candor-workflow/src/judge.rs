//! How good a model is on each part of a split: its answers, the figures made of them, and both on the disk.

mod answers;
mod baselines;
mod parquet;
mod uncertainty;

use std::collections::BTreeMap;

use candor_analysis::interval::Intervals;
use candor_analysis::{Evaluation, LabelledPredictions};
use candor_core::{Progress, Reporter, Silent, Stage, Subset};
use candor_engine::Loss;
use serde::{Deserialize, Serialize};

pub(crate) use answers::{Answers, SavedAnswer, read_answers, read_saved_answers, write_answers};
pub(crate) use baselines::saved_comparisons;
pub(crate) use uncertainty::Uncertainty;

use crate::error::{Result, WorkflowError};
use crate::model::TrainedModel;
use crate::run::Run;
use crate::run_dir;
use crate::units::units;

/// Pictures that are answered for between two signs of life.
const SOME: usize = 2_048;

/// The figures of one subset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The loss that was trained on, a mean over the pictures.
    pub loss: f64,
    /// How often the test split was looked at, this time included; only there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<usize>,
    /// All metrics.
    #[serde(flatten)]
    pub evaluation: Evaluation,
    /// How far each of them may be off.
    pub intervals: Intervals,
}

/// Judgements by subset, as in `evaluation.json`.
pub(crate) type Judgements = BTreeMap<Subset, Judgement>;

/// Judges `model` on `subsets` (those without pictures are passed over), and writes answers and figures into the run
/// beside those of the other subsets; then how simple models do on the same pictures.
pub(crate) fn judge(
    run: &Run,
    model: &TrainedModel,
    subsets: &[Subset],
    reporter: &dyn Reporter,
) -> Result<Judgements> {
    let mut answers = saved_answers(run)?;
    for &subset in subsets.iter().filter(|&&subset| run.split.count(subset) > 0) {
        answers.insert(subset, answer(run, model, subset, reporter)?);
    }
    write_answers(&run.dir, &run.record.classes, &run.prepared.samples, &answers)?;
    // Before the figures: their intervals count what belongs together as one.
    let units = units(run, reporter)?;
    let judgements = figures(run, &answers)?;
    run.dir.write_json(run_dir::EVALUATION, &judgements)?;
    if run.record.baselines {
        baselines::compare(run, &units, &answers, subsets, reporter)?;
    }
    Ok(judgements)
}

/// The figures of all answers that the run has. Intervals that it has of the same figures are not resampled again.
pub(crate) fn figures(run: &Run, answers: &BTreeMap<Subset, Answers>) -> Result<Judgements> {
    let (looks, units) = (run.looks()?, units(run, &Silent)?);
    // What another version wrote, or a half-known format, is no hindrance: then the intervals are made again.
    let known: Judgements = run.dir.read_json(run_dir::EVALUATION).unwrap_or_default();
    let of = |(&subset, answers): (&Subset, &Answers)| {
        let predictions = answers.labelled(run)?;
        let looks = (subset == Subset::Test).then_some(looks);
        let uncertainty = Uncertainty {
            groups: units.groups(&answers.indices),
            seed: run.recipe.training.seed.derive("intervals").derive(subset.name()),
            threads: run.threads,
            known: known.get(&subset),
        };
        Ok((subset, judgement(&predictions, run.recipe.training.loss, looks, &uncertainty)))
    };
    answers.iter().map(of).collect()
}

/// The figures of some predictions.
pub(crate) fn judgement(
    predictions: &LabelledPredictions,
    loss: Loss,
    looks: Option<usize>,
    uncertainty: &Uncertainty<'_>,
) -> Judgement {
    let evaluation = Evaluation::of_groups(predictions, &uncertainty.groups);
    let loss = match loss {
        // The same number whatever the training weighed, smoothed or looked away from, so that trainings can be compared;
        // for two classes the binary and the categorical loss are one.
        Loss::CrossEntropy | Loss::BinaryCrossEntropy | Loss::Focal => evaluation.log_loss,
        Loss::MeanSquaredError => mean_squared_error(predictions),
    };
    let intervals = uncertainty.intervals(predictions, &evaluation);
    Judgement { loss, looks, evaluation, intervals }
}

/// A mean over pictures and classes; two classes give what one unit would give.
fn mean_squared_error(predictions: &LabelledPredictions) -> f64 {
    let squares = predictions.truth().iter().enumerate().flat_map(|(index, &truth)| {
        predictions.probabilities(index).iter().enumerate().map(move |(class, &probability)| {
            let wanted = if class == truth { 1.0 } else { 0.0 };
            (f64::from(probability) - wanted).powi(2)
        })
    });
    squares.sum::<f64>() / (predictions.len() * predictions.classes().len()) as f64
}

/// What the run has saved of an earlier judgement of the same model.
pub(crate) fn saved_answers(run: &Run) -> Result<BTreeMap<Subset, Answers>> {
    match run.dir.has(run_dir::PREDICTIONS) {
        true => read_answers(&run.dir, &run.record.classes, &run.prepared.samples),
        false => Ok(BTreeMap::new()),
    }
}

fn answer(run: &Run, model: &TrainedModel, subset: Subset, reporter: &dyn Reporter) -> Result<Answers> {
    let answers = |indices: &[usize]| answers_for(run, model, indices, subset, reporter);
    match subset {
        Subset::Train => answers(run.split.train()),
        Subset::Validation => answers(run.split.validation()),
        Subset::Test => {
            let look = |indices: &[usize]| {
                let answers = answers(indices)?;
                let accuracy = Evaluation::of(&answers.labelled(run)?).accuracy.value;
                Ok((answers, accuracy))
            };
            let (answers, _) =
                run.split.look_at_test(&run.dir, run.test_fingerprint(), model.fingerprint(), look)?;
            Ok(answers)
        }
    }
}

fn answers_for(
    run: &Run,
    model: &TrainedModel,
    indices: &[usize],
    subset: Subset,
    reporter: &dyn Reporter,
) -> Result<Answers> {
    let mut probabilities = Vec::with_capacity(indices.len() * run.record.classes.len());
    for (part, some) in indices.chunks(SOME).enumerate() {
        if reporter.cancelled() {
            return Err(WorkflowError::Stopped { run: Some(run.dir.path().to_owned()) });
        }
        let (done, total) = ((part * SOME) as u64, indices.len() as u64);
        reporter.progress(Progress { stage: Stage::Evaluate, done, total, message: subset.name().into() });
        probabilities.extend(model.answer(&run.prepared, some)?);
    }
    Ok(Answers { indices: indices.to_vec(), probabilities })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_squared_error_of_two_classes_is_that_of_one_unit() {
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let predictions = LabelledPredictions::new(classes, vec![0, 1], vec![0.75, 0.25, 0.5, 0.5]).unwrap();
        assert_eq!(mean_squared_error(&predictions), (0.0625 + 0.25) / 2.0);
    }
}
