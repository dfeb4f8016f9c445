//! `compare`: several runs on the same pictures. On validation; on test only when asked, and then that is a look.
//!
//! Nothing is computed again and no picture is read: the runs' saved answers are enough. Only where the test split is
//! asked for and a run was never judged on it is that done first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use candor_analysis::LabelledPredictions;
use candor_analysis::baseline::Verdict;
use candor_analysis::evaluate::Accuracy;
use candor_analysis::interval::{Bootstrap, Difference, Groups, McNemar, Measure, holm, paired_difference};
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
    /// The place in `runs` of the one with the most right answers; the first of equals.
    pub best: usize,
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
    /// The bootstrap's p-value by Holm's correction for all pairs.
    pub bootstrap_p_holm: Option<f64>,
    /// The exact test of the same.
    pub mcnemar: McNemar,
    /// Its p-value by Holm's correction for all pairs.
    pub mcnemar_p_holm: f64,
    /// What follows, by the corrected p-values.
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
    let groups = Groups::of(&judged[0].groups);
    let pictures = judged[0].predictions.len();
    let plan =
        Bootstrap::for_size(Seed(0).derive("compare"), pictures, judged[0].predictions.classes().len());
    let places = (0..judged.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
    let mut pairs = places
        .map(|(first, second)| pair((first, second), &judged, &groups, plan))
        .collect::<Vec<ComparedPair>>();
    correct(&mut pairs);
    let runs: Vec<ComparedRun> =
        begun.into_iter().zip(&judged).map(|(begun, judged)| run(begun, &judged.predictions)).collect();
    let best = (0..runs.len()).rev().max_by_key(|&place| runs[place].accuracy.correct).unwrap_or(0);
    RunComparison { subset, pictures, groups: groups.count(), runs, pairs, best, looks }
}

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

fn pair(
    (first, second): (usize, usize),
    judged: &[Judged],
    groups: &Groups,
    plan: Bootstrap,
) -> ComparedPair {
    let (a, b) = (&judged[first].predictions, &judged[second].predictions);
    let same = "it was checked that both answered for the same pictures";
    let mcnemar = McNemar::of(a, b).expect(same);
    let difference = paired_difference(a, b, groups, Measure::Accuracy, plan).expect(same);
    let bootstrap_p_holm = difference.as_ref().map(|difference| difference.p_value);
    let mcnemar_p_holm = mcnemar.p_value;
    let verdict = Verdict::NoClearDifference;
    ComparedPair { first, second, difference, bootstrap_p_holm, mcnemar, mcnemar_p_holm, verdict }
}

/// Corrects all p-values for their number, and draws the conclusions.
fn correct(pairs: &mut [ComparedPair]) {
    let mcnemar = holm(&pairs.iter().map(|pair| pair.mcnemar.p_value).collect::<Vec<_>>());
    let bootstrap = holm(&pairs.iter().map(|pair| pair.bootstrap_p_holm.unwrap_or(1.0)).collect::<Vec<_>>());
    for ((pair, mcnemar), bootstrap) in pairs.iter_mut().zip(mcnemar).zip(bootstrap) {
        pair.mcnemar_p_holm = mcnemar;
        pair.bootstrap_p_holm = pair.bootstrap_p_holm.map(|_| bootstrap);
        let corrected = McNemar { p_value: mcnemar.max(bootstrap), ..pair.mcnemar };
        pair.verdict = Verdict::of(pair.difference.as_ref(), &corrected);
    }
}
