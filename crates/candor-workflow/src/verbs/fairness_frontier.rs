//! `train --fairness-frontier`: what fairness costs. One training without it and one for each of several weights, all on the
//! same split; accuracy against gap, on validation.

use std::path::PathBuf;

use candor_analysis::evaluate::Interval;
use candor_core::Reporter;
use candor_report::{FrontierPoint, frontier_svg};
use serde::{Deserialize, Serialize};

use super::train::{RunRequest, train_and_judge};
use crate::error::{Result, WorkflowError};
use crate::fairness::{FairnessFigures, figures};
use crate::pictures::SourceSpec;
use crate::recipe::{FairnessMeans, FairnessRecipe, RecipeError, RecipeFile, fairness_of};
use crate::report::write_report;
use crate::run::{Beginning, Run};
use crate::run_dir::{FRONTIER_JSON, FRONTIER_REQUEST, FRONTIER_SVG, RECIPE, RunDir};

/// Weights of the penalty that are tried where none are given.
const WEIGHTS: [f32; 5] = [1.0, 3.0, 10.0, 30.0, 100.0];
/// Step sizes of group DRO that are tried where none are given.
const STEP_SIZES: [f32; 4] = [0.001, 0.01, 0.1, 1.0];
/// What the suggested training may cost in accuracy.
const AFFORDED: f64 = 0.02;

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
    /// Place among the runs of the smallest gap for at most two points of accuracy; none where no run is better than that
    /// without fairness.
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
    let mut runs = Vec::new();
    for strength in std::iter::once(None).chain(asked.strengths.iter().copied().map(Some)) {
        let name = strength.map_or_else(|| "without".to_owned(), |strength| format!("with-{strength}"));
        let with = |strength| typed.fairness.with_strength(strength, fairness.method);
        let recipe = RecipeFile { fairness: strength.map_or_else(Default::default, with), ..typed.clone() };
        let one = RunRequest { recipe, out: dir.file(&name), baselines: false, ..request.run.clone() };
        reporter.note(&match strength {
            None => "training without fairness".to_owned(),
            Some(strength) => format!("training with {} {strength}", strength_name(fairness.method)),
        });
        runs.push(trained(&one, strength, &fairness, reporter)?);
    }
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

/// Trains, or goes on, or reads what is done.
fn trained(
    request: &RunRequest,
    strength: Option<f32>,
    fairness: &FairnessRecipe,
    reporter: &dyn Reporter,
) -> Result<FrontierRun> {
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
    let none = WorkflowError::EmptySubset { subset: candor_core::Subset::Validation };
    let (Some(judgement), Some(fairness)) =
        (judgements.get(&candor_core::Subset::Validation), figures(&run, fairness)?)
    else {
        return Err(none);
    };
    let (accuracy, intervals) = (&judgement.evaluation.accuracy, &judgement.intervals);
    Ok(FrontierRun {
        run: request.out.clone(),
        strength,
        accuracy: accuracy.value,
        interval: intervals.accuracy.unwrap_or(accuracy.interval),
        fairness,
    })
}

/// The smallest gap among those that cost little, where it is smaller than without.
fn suggestion(runs: &[FrontierRun]) -> Option<usize> {
    let size = |run: &FrontierRun| run.fairness.gap().map(|gap| gap.size);
    let (without, rest) = runs.split_first()?;
    let afforded = rest.iter().enumerate().filter(|(_, run)| run.accuracy >= without.accuracy - AFFORDED);
    let sized = afforded.filter_map(|(place, run)| Some((place + 1, size(run)?)));
    let (place, gap) = sized.min_by(|a, b| a.1.total_cmp(&b.1))?;
    (gap < size(without)?).then_some(place)
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
