//! `train --fairness-frontier`: what fairness costs. One training without it and one for each of several weights, all on the
//! same split; accuracy against gap, on validation. None is suggested whose smaller gap chance explains.

use std::path::PathBuf;

use candor_analysis::audit::{Answers, GapChange, gap_changes};
use candor_analysis::evaluate::Interval;
use candor_core::{Reporter, Seed, Silent, Subset};
use candor_report::{FrontierPoint, frontier_svg};
use serde::{Deserialize, Serialize};

use super::train::{RunRequest, train_and_judge};
use crate::error::{Result, WorkflowError};
use crate::fairness::{FairnessFigures, gap_kind, on_validation};
use crate::pictures::SourceSpec;
use crate::recipe::{FairnessMeans, FairnessRecipe, RecipeError, RecipeFile, fairness_of};
use crate::report::write_report;
use crate::run::{Beginning, Run};
use crate::run_dir::{FRONTIER_JSON, FRONTIER_REQUEST, FRONTIER_SVG, RECIPE, RunDir};
use crate::train::grouping;
use crate::units::units;

/// Weights of the penalty that are tried where none are given.
const WEIGHTS: [f32; 5] = [1.0, 3.0, 10.0, 30.0, 100.0];
/// Step sizes of group DRO that are tried where none are given.
const STEP_SIZES: [f32; 4] = [0.001, 0.01, 0.1, 1.0];
/// What the suggested training may cost in accuracy.
const AFFORDED: f64 = 0.02;
/// Corrected p-values up to this are clear.
const CLEAR: f64 = 0.05;

/// A frontier to be drawn.
#[derive(Clone, Debug)]
pub struct FrontierRequest {
    /// The training, its recipe with `[fairness]`.
    pub run: RunRequest,
    /// Weights of the penalty, or step sizes of group DRO; empty for the usual ones.
    pub strengths: Vec<f32>,
}

/// What fairness costs.
#[derive(Clone, Debug, Serialize)]
pub struct FairnessFrontier {
    /// The column whose groups are meant.
    pub attribute: String,
    /// One for each training, that without fairness first, then by rising strength.
    pub runs: Vec<FrontierRun>,
    /// Place among the runs of the smallest gap for at most two points of accuracy, among those whose gap is smaller than
    /// without fairness by more than chance explains; none where there is none.
    pub suggestion: Option<usize>,
    /// The drawing.
    pub plot: PathBuf,
    /// The same as a table, for machines.
    pub table: PathBuf,
}

/// One training of a frontier.
#[derive(Clone, Debug, Serialize)]
pub struct FrontierRun {
    /// The run's folder.
    pub run: PathBuf,
    /// Weight or step size; none without fairness.
    pub strength: Option<f32>,
    /// Share of right answers on validation.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub interval: Interval,
    /// The groups and their gaps on validation.
    pub fairness: FairnessFigures,
    /// What changed beside the training without fairness; none for that one, and where groups are too small.
    pub change: Option<GapChange>,
}

/// What has to be the same for a frontier to go on where it stopped.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    source: SourceSpec,
    recipe: RecipeFile,
    strengths: Vec<f32>,
}

/// Trains once without fairness and once with each strength; each training is a run of its own in the request's folder. Asked
/// again with the same request, what is done is kept.
///
/// # Errors
/// As [`train`](super::train); also when the recipe names no attribute, or there are no validation pictures.
pub fn fairness_frontier(request: &FrontierRequest, reporter: &dyn Reporter) -> Result<FairnessFrontier> {
    let typed = &request.run.recipe;
    let fairness = fairness_of(&typed.fairness)?.ok_or(RecipeError::Value {
        key: "fairness.attribute",
        value: "nothing".to_owned(),
        needs: "the name of a column of the source: --fairness-attribute",
    })?;
    let strengths = strengths(&request.strengths, fairness.method);
    let asked = Asked { source: request.run.source.absolute(), recipe: typed.clone(), strengths };
    let dir = folder(&request.run, &asked)?;
    let mut trainings = Vec::new();
    for strength in std::iter::once(None).chain(asked.strengths.iter().copied().map(Some)) {
        let name = strength.map_or_else(|| "without".to_owned(), |strength| format!("with-{strength}"));
        let with = |strength| typed.fairness.with_strength(strength, fairness.method);
        let recipe = RecipeFile { fairness: strength.map_or_else(Default::default, with), ..typed.clone() };
        let one = RunRequest { recipe, out: dir.file(&name), baselines: false, ..request.run.clone() };
        reporter.note(&match strength {
            None => "training without fairness".to_owned(),
            Some(strength) => format!("training with {} {strength}", strength_name(fairness.method)),
        });
        trainings.push(trained(&one, strength, &fairness, reporter)?);
    }
    let runs = with_changes(trainings, &fairness)?;
    let result = FairnessFrontier {
        attribute: fairness.attribute,
        suggestion: suggestion(&runs),
        plot: dir.file(FRONTIER_SVG),
        table: dir.file(FRONTIER_JSON),
        runs,
    };
    dir.write(FRONTIER_SVG, frontier_svg(&points(&result)))?;
    dir.write_json(FRONTIER_JSON, &result)?;
    Ok(result)
}

fn strength_name(means: FairnessMeans) -> &'static str {
    match means {
        FairnessMeans::Penalty { .. } => "weight",
        FairnessMeans::GroupDro { .. } => "step size",
    }
}

fn strengths(given: &[f32], means: FairnessMeans) -> Vec<f32> {
    let mut all = match (given, means) {
        ([], FairnessMeans::Penalty { .. }) => WEIGHTS.to_vec(),
        ([], FairnessMeans::GroupDro { .. }) => STEP_SIZES.to_vec(),
        (given, _) => given.to_vec(),
    };
    all.sort_by(f32::total_cmp);
    all.dedup();
    all
}

/// The folder of all, new or begun by the same request.
fn folder(request: &RunRequest, asked: &Asked) -> Result<RunDir> {
    let file = request.out.join(FRONTIER_REQUEST);
    if file.is_file() {
        let dir = RunDir::take(&request.out)?;
        let before: Option<Asked> = dir.read_json(FRONTIER_REQUEST).ok();
        return match before.as_ref() == Some(asked) {
            true => Ok(dir),
            false => Err(WorkflowError::NotEmpty { path: request.out.clone() }),
        };
    }
    let dir = RunDir::create(&request.out)?;
    dir.write_json(FRONTIER_REQUEST, asked)?;
    Ok(dir)
}

/// A training with what it predicted on validation.
struct Training {
    run: Run,
    figures: FrontierRun,
    answers: Answers,
}

/// Trains, or goes on, or reads what is done.
fn trained(
    request: &RunRequest,
    strength: Option<f32>,
    fairness: &FairnessRecipe,
    reporter: &dyn Reporter,
) -> Result<Training> {
    let run = match request.out.join(RECIPE).is_file() {
        true => Run::open_unchanged(RunDir::open(&request.out)?, request.threads, reporter)?,
        false => {
            let &RunRequest { ref source, ref recipe, baselines, threads, .. } = request;
            let beginning = Beginning { source, recipe, study: false, baselines, threads };
            Run::begin(RunDir::create(&request.out)?, &beginning, reporter)?
        }
    };
    let judgements = train_and_judge(&run, reporter)?;
    write_report(&run)?;
    let none = WorkflowError::EmptySubset { subset: Subset::Validation };
    let (Some(judgement), Some((figures, answers))) =
        (judgements.get(&Subset::Validation), on_validation(&run, fairness)?)
    else {
        return Err(none);
    };
    let (accuracy, intervals) = (&judgement.evaluation.accuracy, &judgement.intervals);
    let figures = FrontierRun {
        run: request.out.clone(),
        strength,
        accuracy: accuracy.value,
        interval: intervals.accuracy.unwrap_or(accuracy.interval),
        fairness: figures,
        change: None,
    };
    Ok(Training { run, figures, answers })
}

/// Each training beside the first, which is that without fairness.
fn with_changes(trainings: Vec<Training>, fairness: &FairnessRecipe) -> Result<Vec<FrontierRun>> {
    let Some((without, with)) = trainings.split_first() else { return Ok(Vec::new()) };
    let samples = &without.run.prepared.samples;
    let grouping = grouping(&fairness.attribute, samples).map_err(RecipeError::from)?;
    let units = units(&without.run, &Silent)?;
    let answers: Vec<Answers> = with.iter().map(|training| training.answers.clone()).collect();
    let changes = gap_changes(
        (samples, &without.run.record.classes),
        (&grouping, &units),
        gap_kind(fairness.definition),
        (&without.answers, &answers),
        Seed(0).derive("fairness frontier"),
    );
    let changes =
        std::iter::once(None).chain(changes.into_iter().flatten().map(Some)).chain(std::iter::repeat(None));
    let run = |(training, change): (Training, Option<GapChange>)| FrontierRun { change, ..training.figures };
    Ok(trainings.into_iter().zip(changes).map(run).collect())
}

/// The smallest gap among those that cost little and that are smaller by more than chance explains.
fn suggestion(runs: &[FrontierRun]) -> Option<usize> {
    let without = runs.first()?;
    let is_clear = |run: &FrontierRun| {
        run.change.as_ref().is_some_and(|change| change.reduction > 0.0 && change.outcome.rejects(CLEAR))
    };
    let afforded = |run: &FrontierRun| run.accuracy >= without.accuracy - AFFORDED;
    let sized = runs.iter().enumerate().filter(|(_, run)| is_clear(run) && afforded(run));
    let sized = sized.filter_map(|(place, run)| Some((place, run.fairness.gap()?.size)));
    sized.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(place, _)| place)
}

fn points(frontier: &FairnessFrontier) -> Vec<FrontierPoint> {
    let point = |(place, run): (usize, &FrontierRun)| {
        let gap = run.fairness.gap()?;
        Some(FrontierPoint {
            label: run.strength.map_or_else(|| "without".to_owned(), |strength| strength.to_string()),
            gap: gap.size,
            gap_interval: gap.interval,
            accuracy: run.accuracy,
            accuracy_interval: run.interval,
            suggested: frontier.suggestion == Some(place),
        })
    };
    frontier.runs.iter().enumerate().filter_map(point).collect()
}
