//! `compare`: several runs on the same pictures. On validation; on test only when asked, and then that is a look.
//!
//! Nothing is computed again and no picture is read: the runs' saved answers are enough. Only where the test split is
//! asked for and a run was never judged on it is that done first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use candor_analysis::LabelledPredictions;
use candor_analysis::baseline::Verdict;
use candor_analysis::evaluate::Accuracy;
use candor_analysis::interval::{
    Bootstrap, Difference, Groups, McNemar, Measure, ModelPair, TestOutcome, compare_pairs, paired_difference,
};
use candor_core::{Reporter, SampleId, Seed, Subset};
use serde::Serialize;

use super::evaluate::{EvaluateRequest, evaluate};
use crate::error::{Result, WorkflowError};
use crate::judge::{SavedAnswer, read_saved_answers};
use crate::looks::{count_again, looks_in_folders};
use crate::pictures::{SourceRecord, SplitRecord};
use crate::recipe::{Recipe, RecipeError};
use crate::run_dir::{PREDICTIONS, RECIPE, RunDir, SOURCE, SPLIT};
use crate::units::saved_names;

/// Corrected p-values up to this are clear.
const CLEAR: f64 = 0.05;

/// What is to be compared.
#[derive(Clone, Debug)]
pub struct CompareRequest {
    /// At least two folders of runs.
    pub runs: Vec<PathBuf>,
    /// On the test split instead of validation: a look for each run.
    pub test: bool,
    /// Threads to compute on where a run has to be judged first, 0 for all cores.
    pub threads: usize,
}

/// Several runs on the same pictures.
#[derive(Clone, Debug, Serialize)]
pub struct RunComparison {
    /// On which pictures.
    pub subset: Subset,
    /// How many there are.
    pub pictures: usize,
    /// Groups that were resampled; as many as pictures where none belong together.
    pub groups: usize,
    /// In the order in which they were asked for.
    pub runs: Vec<ComparedRun>,
    /// Every pair of runs.
    pub pairs: Vec<ComparedPair>,
    /// The place in `runs` of the one that is clearly better than every other; none where chance explains its lead.
    pub best: Option<usize>,
    /// Looks at these test pictures so far by all runs in the runs' folders, this one included; only on test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<usize>,
}

/// One run.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedRun {
    /// Its folder.
    pub run: PathBuf,
    /// The architecture's name, or `own layers`.
    pub architecture: String,
    /// Of the training.
    pub seed: u64,
    /// Share of right answers, with Wilson's interval.
    pub accuracy: Accuracy,
    /// Mean surprise about the truth, in nats.
    pub log_loss: f64,
}

/// Two runs: the second less the first.
#[derive(Clone, Debug, Serialize)]
pub struct ComparedPair {
    /// Its place in `runs`.
    pub first: usize,
    /// Its place in `runs`.
    pub second: usize,
    /// Of the accuracies, by the paired bootstrap over groups. `None` where there are too few groups.
    pub difference: Option<Difference>,
    /// What only one of them gets right.
    pub mcnemar: McNemar,
    /// The test of equal accuracy, groups as units, corrected for all pairs.
    pub test: TestOutcome,
    /// The smallest difference that would be detected four times out of five; none where none would be.
    pub detectable: Option<f64>,
    /// What follows: a difference is clear where the corrected p-value is at most .05 and the interval leaves out 0.
    pub verdict: Verdict,
}

/// Compares runs that have the same classes and the same split.
///
/// # Errors
/// When there are fewer than two runs, one is named twice, they have other classes or another split, or one has no
/// answers yet.
pub fn compare(request: &CompareRequest, reporter: &dyn Reporter) -> Result<RunComparison> {
    different(&request.runs)?;
    let subset = if request.test { Subset::Test } else { Subset::Validation };
    let begun: Vec<Begun> = request.runs.iter().map(|run| Begun::read(run)).collect::<Result<_>>()?;
    for other in &begun[1..] {
        begun[0].check_comparable(other)?;
    }
    let test = begun[0].test_fingerprint();
    if request.test {
        begun.iter().try_for_each(|begun| look(begun, test, request.threads, reporter))?;
    }
    let judged: Vec<Judged> = begun.iter().map(|begun| begun.judged(subset)).collect::<Result<_>>()?;
    for (begun_other, other) in begun.iter().zip(&judged).skip(1) {
        if (&judged[0].ids, judged[0].predictions.truth()) != (&other.ids, other.predictions.truth()) {
            let reason = format!(
                "their answers are for other {subset} pictures; judge both again: candor evaluate RUN"
            );
            return Err(begun[0].incomparable(begun_other, reason));
        }
    }
    let folders: BTreeSet<PathBuf> = request.runs.iter().map(|run| parent(run)).collect();
    let looks = request.test.then(|| looks_in_folders(&folders, test)).transpose()?;
    Ok(compared(subset, begun, judged, looks))
}

fn different(runs: &[PathBuf]) -> Result<()> {
    let real = |run: &PathBuf| std::fs::canonicalize(run).unwrap_or_else(|_| run.clone());
    let all: BTreeSet<PathBuf> = runs.iter().map(real).collect();
    match all.len() == runs.len() && runs.len() > 1 {
        true => Ok(()),
        false => Err(WorkflowError::TooFewRuns { different: all.len() }),
    }
}

fn parent(run: &Path) -> PathBuf {
    let absolute = std::path::absolute(run).unwrap_or_else(|_| run.to_owned());
    absolute.parent().unwrap_or(&absolute).to_owned()
}

/// One look at the test split by one run: by judging it where that was never done.
fn look(begun: &Begun, test: SampleId, threads: usize, reporter: &dyn Reporter) -> Result<()> {
    let dir = RunDir::open(&begun.path)?;
    if begun.answers(&dir)?.iter().any(|answer| answer.subset == Subset::Test) {
        return count_again(&dir, test);
    }
    drop(dir);
    let on = vec![Subset::Test];
    evaluate(&EvaluateRequest { run: begun.path.clone(), on, source: None, threads }, reporter).map(drop)
}

/// What a run wrote down when it began.
struct Begun {
    path: PathBuf,
    recipe: Recipe,
    record: SourceRecord,
    split: SplitRecord,
}

/// A run's answers on one subset, in the order of the pictures' ids.
struct Judged {
    ids: Vec<SampleId>,
    predictions: LabelledPredictions,
    /// What belongs together: the units of the run, or the groups where it saved none.
    groups: Vec<Option<String>>,
}

impl Begun {
    fn read(path: &Path) -> Result<Begun> {
        let dir = RunDir::open(path)?;
        let text = String::from_utf8(dir.read(RECIPE)?)
            .map_err(|error| WorkflowError::damaged(&dir.file(RECIPE), error))?;
        let recipe = toml::from_str(&text).map_err(RecipeError::from)?;
        let (record, split) = (dir.read_json(SOURCE)?, dir.read_json(SPLIT)?);
        Ok(Begun { path: path.to_owned(), recipe, record, split })
    }

    fn check_comparable(&self, other: &Begun) -> Result<()> {
        let (ours, theirs) = (&self.record.classes, &other.record.classes);
        if ours != theirs {
            return Err(self.incomparable(
                other,
                format!("their classes differ: {} and {}", ours.join(", "), theirs.join(", ")),
            ));
        }
        for subset in Subset::ALL {
            let [ours, theirs] = [self, other].map(|begun| begun.ids(subset));
            let others = theirs.iter().filter(|id| ours.binary_search(id).is_err()).count();
            if ours != theirs {
                let reason = format!(
                    "their splits differ: of the {} {subset} pictures of the second, {others} are none of the first's {}",
                    theirs.len(),
                    ours.len()
                );
                return Err(self.incomparable(other, reason));
            }
        }
        Ok(())
    }

    fn incomparable(&self, other: &Begun, reason: String) -> WorkflowError {
        WorkflowError::Incomparable { first: self.path.clone(), second: other.path.clone(), reason }
    }

    fn ids(&self, subset: Subset) -> Vec<SampleId> {
        let mut ids = self.split.ids.get(&subset).cloned().unwrap_or_default();
        ids.sort_unstable();
        ids
    }

    /// What identifies the test pictures, in whatever order.
    fn test_fingerprint(&self) -> SampleId {
        crate::looks::fingerprint(self.ids(Subset::Test))
    }

    fn answers(&self, dir: &RunDir) -> Result<Vec<SavedAnswer>> {
        if dir.has(PREDICTIONS) { read_saved_answers(dir, &self.record.classes) } else { Ok(Vec::new()) }
    }

    fn judged(&self, subset: Subset) -> Result<Judged> {
        let dir = RunDir::open(&self.path)?;
        let mut answers = self.answers(&dir)?;
        answers.retain(|answer| answer.subset == subset);
        // Of equal pictures the order is that of the run, which is that of their source.
        answers.sort_by_key(|answer| (answer.id, answer.index));
        if answers.is_empty() {
            return Err(WorkflowError::NotJudged { run: self.path.clone(), subset });
        }
        let truth = answers.iter().map(|answer| answer.truth).collect();
        let probabilities = answers.iter().flat_map(|answer| answer.probabilities.iter().copied()).collect();
        let indices: Vec<usize> = answers.iter().map(|answer| answer.index).collect();
        let groups = || answers.iter().map(|answer| answer.group.clone()).collect();
        let units = saved_names(&dir, self.record.fingerprint, &indices);
        Ok(Judged {
            ids: answers.iter().map(|answer| answer.id).collect(),
            predictions: LabelledPredictions::new(self.record.classes.clone(), truth, probabilities)?,
            groups: units.unwrap_or_else(groups),
        })
    }
}

fn compared(subset: Subset, begun: Vec<Begun>, judged: Vec<Judged>, looks: Option<usize>) -> RunComparison {
    // Copies of one file are one unit, too.
    let unit =
        |(id, group): (&SampleId, &Option<String>)| Some(group.clone().unwrap_or_else(|| id.to_string()));
    let units: Vec<Option<String>> = judged[0].ids.iter().zip(&judged[0].groups).map(unit).collect();
    let groups = Groups::of(&units);
    let pictures = judged[0].predictions.len();
    let seed = Seed(0).derive("compare");
    let plan = Bootstrap::for_size(seed, pictures, judged[0].predictions.classes().len());
    let models: Vec<LabelledPredictions> = judged.into_iter().map(|judged| judged.predictions).collect();
    let tested = compare_pairs(&models, &groups, seed.derive("pairs")).expect(SAME_PICTURES);
    let pairs: Vec<ComparedPair> =
        tested.into_iter().map(|tested| pair(tested, &models, &groups, plan)).collect();
    let runs: Vec<ComparedRun> =
        begun.into_iter().zip(&models).map(|(begun, model)| run(begun, model)).collect();
    let best = best(runs.len(), &pairs);
    RunComparison { subset, pictures, groups: groups.count(), runs, pairs, best, looks }
}

const SAME_PICTURES: &str = "it was checked that all predicted for the same pictures";

fn run(begun: Begun, predictions: &LabelledPredictions) -> ComparedRun {
    let evaluation = candor_analysis::Evaluation::of(predictions);
    ComparedRun {
        architecture: begun.recipe.network_name().to_owned(),
        seed: begun.recipe.training.seed.0,
        run: begun.path,
        accuracy: evaluation.accuracy,
        log_loss: evaluation.log_loss,
    }
}

fn pair(tested: ModelPair, models: &[LabelledPredictions], groups: &Groups, plan: Bootstrap) -> ComparedPair {
    let ModelPair { first, second, outcome, detectable, .. } = tested;
    let (a, b) = (&models[first], &models[second]);
    let mcnemar = McNemar::of(a, b).expect(SAME_PICTURES);
    let difference = paired_difference(a, b, groups, Measure::Accuracy, plan).expect(SAME_PICTURES);
    let verdict = verdict(difference.as_ref(), outcome);
    ComparedPair { first, second, difference, mcnemar, test: outcome, detectable, verdict }
}

fn verdict(difference: Option<&Difference>, outcome: TestOutcome) -> Verdict {
    match difference.filter(|_| outcome.rejects(CLEAR)) {
        Some(Difference { interval, .. }) if interval.low > 0.0 => Verdict::Better,
        Some(Difference { interval, .. }) if interval.high < 0.0 => Verdict::Worse,
        _ => Verdict::NoClearDifference,
    }
}

/// The run that clearly beats every other.
fn best(runs: usize, pairs: &[ComparedPair]) -> Option<usize> {
    let beats_all = |&run: &usize| {
        let of_run = pairs.iter().filter(|pair| pair.first == run || pair.second == run);
        of_run.filter(|pair| pair.winner() == Some(run)).count() + 1 == runs
    };
    (0..runs).find(beats_all)
}

impl ComparedPair {
    /// The place of the run that is clearly better, if one is.
    pub fn winner(&self) -> Option<usize> {
        match self.verdict {
            Verdict::Better => Some(self.second),
            Verdict::Worse => Some(self.first),
            Verdict::NoClearDifference => None,
        }
    }
}
