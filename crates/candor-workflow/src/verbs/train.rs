//! `train` and `resume`: a run without, or with, its judgement.

use std::path::{Path, PathBuf};

use candor_analysis::audit::{Finding, Settings};
use candor_analysis::baseline::BaselineComparison;
use candor_analysis::evaluate::{ConfusionMatrix, Interval};
use candor_core::{Channels, Problem, Reporter, Stage, Subset};
use candor_report::{Scale, SubsetEvaluation, Summary, part_in_training, per_cent};
use serde::Serialize;

use crate::audit::{cheap, run_checks};
use crate::error::Result;
use crate::fairness::{self, FairnessFigures};
use crate::judge::{Judgement, Judgements, judge, saved_answers, saved_comparisons};
use crate::pictures::SourceSpec;
use crate::recipe::{Choice, RecipeFile};
use crate::report::{InShort, write_report};
use crate::run::{Beginning, Run};
use crate::run_dir::{REPORT_HTML, RunDir};
use crate::train::Finish;

/// A new run.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// Where the pictures are.
    pub source: SourceSpec,
    /// What was typed: a recipe file, flags, or both.
    pub recipe: RecipeFile,
    /// The run's folder, which must not exist or be empty.
    pub out: PathBuf,
    /// Whether simple models are judged beside it.
    pub baselines: bool,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
pub struct RunResult {
    /// The run's folder.
    pub run: PathBuf,
    /// The model.
    pub model: ModelFacts,
    /// Pictures in each subset.
    pub split: SplitCounts,
    /// On the pictures that it learned from, measured after training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub train: Option<SubsetFigures>,
    /// On the pictures that chose the best epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<SubsetFigures>,
    /// On pictures that it never saw; only once the test split was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<SubsetFigures>,
    /// Epochs that were done.
    pub epochs: usize,
    /// Whether the recipe's patience ended the training.
    pub stopped_early: bool,
    /// Wall-clock time of the training.
    pub training_seconds: f64,
    /// Pictures learned from in a second.
    pub images_per_second: f64,
    /// How differently it treats the groups between which it was trained to be fair, where the recipe asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fairness: Option<FairnessFigures>,
    /// What candor chose.
    pub choices: Vec<Choice>,
    /// What was left out.
    pub problems: Vec<Problem>,
    /// The report's page.
    pub report: PathBuf,
    /// What was learned, how sure that is, what to look at first.
    pub summary: Summary,
    /// The audit's finding to read first, where there is one: the worst.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Finding>,
    /// All figures on the last subset that was judged, test where there is one; `evaluation.json` has those of all.
    #[serde(skip)]
    pub judged: Option<SubsetEvaluation>,
}

/// A model in a few words.
#[derive(Clone, Debug, Serialize)]
pub struct ModelFacts {
    /// The architecture's name, or `own layers`.
    pub architecture: String,
    /// Trained values.
    pub parameters: usize,
    /// Multiply-adds for one picture.
    pub multiply_adds: u64,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Grey or RGB.
    pub channels: Channels,
    /// Class names.
    pub classes: Vec<String>,
    /// The epoch that was kept, counted from 1.
    pub epoch: usize,
}

/// Pictures in each subset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SplitCounts {
    /// To learn from.
    pub train: usize,
    /// To choose the best epoch.
    pub validation: usize,
    /// To be judged on.
    pub test: usize,
}

/// A subset's figures in short; `evaluation.json` has them all.
#[derive(Clone, Debug, Serialize)]
pub struct SubsetFigures {
    /// Pictures judged.
    pub pictures: usize,
    /// Share of right answers.
    pub accuracy: f64,
    /// Its 95 % interval; `None` where the pictures had a part in the training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
    /// That part, in short: `best of 12 epochs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_in_training: Option<String>,
    /// What always naming the most frequent class would reach.
    pub majority_baseline: f64,
    /// The loss that was trained on.
    pub loss: f64,
    /// Rows true, columns predicted.
    pub confusion_matrix: ConfusionMatrix,
    /// Looks at the test split so far, this one included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<usize>,
    /// The model beside simple ones on the same pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baselines: Option<Box<BaselineComparison>>,
}

/// Trains a new run, and judges it on what it learned from and on validation. The test split stays sealed.
///
/// # Errors
/// When the pictures, the recipe or the folder cannot be used, the training diverges, or the person stops it.
pub fn train(request: &RunRequest, reporter: &dyn Reporter) -> Result<RunResult> {
    begin(request, false, reporter)
}

/// Goes on with a run that was stopped or killed. The result is the same to the bit as without the interruption.
///
/// # Errors
/// As [`train`]; also when the pictures are no longer the same.
pub fn resume(run: &Path, threads: usize, reporter: &dyn Reporter) -> Result<RunResult> {
    let run = Run::open_unchanged(RunDir::open(run)?, threads, reporter)?;
    finish(&run, reporter)
}

pub(super) fn begin(request: &RunRequest, study: bool, reporter: &dyn Reporter) -> Result<RunResult> {
    let dir = RunDir::create(&request.out)?;
    let &RunRequest { ref source, ref recipe, baselines, threads, .. } = request;
    let run = Run::begin(dir, &Beginning { source, recipe, study, baselines, threads }, reporter)?;
    finish(&run, reporter)
}

/// Trains to the end, judges, and writes the report.
pub(super) fn finish(run: &Run, reporter: &dyn Reporter) -> Result<RunResult> {
    let judgements = train_and_judge(run, reporter)?;
    if run.record.study {
        let settings = Settings { seed: run.recipe.training.seed, ..Settings::default() };
        run_checks(run, &cheap(), settings, reporter)?;
    }
    reporter.progress(candor_core::Progress {
        stage: Stage::Report,
        done: 0,
        total: 1,
        message: String::new(),
    });
    let short = write_report(run)?;
    result(run, judgements, short)
}

pub(super) fn train_and_judge(run: &Run, reporter: &dyn Reporter) -> Result<Judgements> {
    let model = run.train(reporter)?;
    let subsets = match run.record.study {
        true => &Subset::ALL[..],
        false => &[Subset::Train, Subset::Validation],
    };
    // A run that is resumed after its end was judged already: no need for another look at the test split.
    let known = saved_answers(run)?;
    let open: Vec<Subset> = subsets.iter().copied().filter(|subset| !known.contains_key(subset)).collect();
    judge(run, &model, &open, reporter)
}

pub(super) fn result(run: &Run, mut judgements: Judgements, short: InShort) -> Result<RunResult> {
    let history = run.history()?;
    let mut comparisons = saved_comparisons(run)?;
    let mut figures = |subset| {
        let figures = judgements.remove(&subset).map(SubsetFigures::of)?.after(subset, history.epochs.len());
        Some(SubsetFigures { baselines: comparisons.remove(&subset).map(Box::new), ..figures })
    };
    let count = |subset| run.split.count(subset);
    let input = run.recipe.preprocessing;
    Ok(RunResult {
        run: run.dir.path().to_owned(),
        model: ModelFacts {
            architecture: run.recipe.network_name().to_owned(),
            parameters: run.network.parameter_count(),
            multiply_adds: run.network.multiply_adds(),
            height: input.height,
            width: input.width,
            channels: input.channels,
            classes: run.record.classes.clone(),
            epoch: history.best_epoch.unwrap_or_default(),
        },
        split: SplitCounts {
            train: count(Subset::Train),
            validation: count(Subset::Validation),
            test: count(Subset::Test),
        },
        train: figures(Subset::Train),
        validation: figures(Subset::Validation),
        test: figures(Subset::Test),
        epochs: history.epochs.len(),
        stopped_early: history.finished == Some(Finish::EarlyStopping),
        training_seconds: history.seconds(),
        images_per_second: history.images_per_second(),
        fairness: fairness::of_run(run)?,
        choices: run.choices.clone(),
        problems: run.problems.clone(),
        report: run.dir.file(REPORT_HTML),
        summary: short.summary,
        audit: short.audit,
        judged: short.judged,
    })
}

impl SubsetFigures {
    /// `89.3% (88.7% to 89.9%)`, or `91% (best of 12 epochs)` where no interval holds.
    pub fn accuracy_in_words(&self) -> String {
        match (self.interval, &self.part_in_training) {
            (Some(interval), _) => Scale::PerCent.write_both(self.accuracy, interval),
            (None, part) => {
                let share = per_cent(self.accuracy, self.pictures as u64);
                part.as_ref().map_or(share.clone(), |part| format!("{share} ({part})"))
            }
        }
    }

    /// The same of the pictures of `subset` after a training of `epochs`: without an interval where none holds.
    pub(super) fn after(self, subset: Subset, epochs: usize) -> SubsetFigures {
        let part_in_training = part_in_training(subset, epochs);
        let interval = self.interval.filter(|_| part_in_training.is_none());
        SubsetFigures { interval, part_in_training, ..self }
    }

    pub(super) fn of(judgement: Judgement) -> SubsetFigures {
        let Judgement { loss, looks, evaluation, intervals } = judgement;
        SubsetFigures {
            pictures: evaluation.pictures,
            accuracy: evaluation.accuracy.value,
            interval: Some(intervals.accuracy.unwrap_or(evaluation.accuracy.interval)),
            part_in_training: None,
            majority_baseline: evaluation.majority_baseline.accuracy,
            loss,
            confusion_matrix: evaluation.confusion_matrix,
            looks,
            baselines: None,
        }
    }
}
