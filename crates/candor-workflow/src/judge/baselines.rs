//! `baselines.json`: the model beside simple ones, on the validation and on the test pictures.
//!
//! The simple models learn from all of the run's training pictures, or from as many as are affordable, drawn by the split's
//! seed. The test pictures are seen here only where they were looked at already: a look is counted where the
//! model's own answers are made.

use std::collections::{BTreeMap, BTreeSet};

use candor_analysis::Units;
use candor_analysis::baseline::{
    BASELINES, Baseline, BaselineComparison, LeftOut, Lesson, Rows, View, affordable,
};
use candor_analysis::interval::Bootstrap;
use candor_core::{Image, Progress, Reporter, Stage, Subset};
use candor_report::part_in_training;
use rayon::prelude::*;

use super::Answers;
use crate::error::{Result, WorkflowError};
use crate::run::Run;
use crate::run_dir;
use crate::threads::in_pool;

/// Comparisons by subset, as in `baselines.json`.
pub(crate) type Comparisons = BTreeMap<Subset, BaselineComparison>;

/// What one baseline answers for each subset, or why it does not.
type Outcome = std::result::Result<Vec<Vec<usize>>, LeftOut>;

/// What the run has saved.
pub(crate) fn saved_comparisons(run: &Run) -> Result<Comparisons> {
    if run.dir.has(run_dir::BASELINES) {
        run.dir.read_json(run_dir::BASELINES)
    } else {
        Ok(Comparisons::new())
    }
}

/// Holds the answers for validation and test against the simple models, where that was not done yet or the answers
/// are `fresh`, and writes it down.
pub(super) fn compare(
    run: &Run,
    units: &Units,
    answers: &BTreeMap<Subset, Answers>,
    fresh: &[Subset],
    reporter: &dyn Reporter,
) -> Result<()> {
    let mut comparisons = saved_comparisons(run)?;
    let is_open = |subset: &Subset| {
        *subset != Subset::Train && (fresh.contains(subset) || !comparisons.contains_key(subset))
    };
    let open: Vec<(Subset, &Answers)> =
        answers.iter().map(|(&subset, answers)| (subset, answers)).filter(|(s, _)| is_open(s)).collect();
    if open.is_empty() || run.split.train().is_empty() {
        return Ok(());
    }
    comparisons.extend(compared(run, units, &open, reporter)?);
    run.dir.write_json(run_dir::BASELINES, &comparisons)
}

fn compared(
    run: &Run,
    units: &Units,
    open: &[(Subset, &Answers)],
    reporter: &dyn Reporter,
) -> Result<Comparisons> {
    let lesson = drawn(run);
    let outcomes = outcomes(run, &lesson, open, reporter)?;
    let (mut guesses, mut left_out) = (vec![Vec::new(); open.len()], Vec::new());
    for (baseline, outcome) in BASELINES.iter().zip(outcomes) {
        match outcome {
            Ok(answers) => {
                guesses.iter_mut().zip(answers).for_each(|(all, one)| all.push((baseline.id, one)))
            }
            Err(reason) => left_out.push(reason),
        }
    }
    let epochs = run.history()?.epochs.len();
    let mut comparisons = Comparisons::new();
    for (&(subset, answers), guesses) in open.iter().zip(&guesses) {
        let model = answers.labelled(run)?;
        let groups = units.groups(&answers.indices);
        let plan = Bootstrap::for_size(seed(run), model.len(), model.classes().len());
        let learned_from = (lesson.len(), run.split.train().len());
        let comparison = BaselineComparison::of(&model, guesses, &groups, plan, learned_from);
        let left_out = left_out.clone();
        let epoch_chosen_here = part_in_training(subset, epochs).is_some();
        comparisons.extend(
            comparison.map(|found| (subset, BaselineComparison { left_out, epoch_chosen_here, ..found })),
        );
    }
    Ok(comparisons)
}

/// Every baseline's outcome, in their order.
fn outcomes(
    run: &Run,
    lesson: &[usize],
    open: &[(Subset, &Answers)],
    reporter: &dyn Reporter,
) -> Result<Vec<Outcome>> {
    let views: BTreeSet<View> = BASELINES.iter().map(|baseline| baseline.view).collect();
    let seen = |view: View| {
        let of_subset = |(_, answers): &(Subset, &Answers)| rows(run, view, &answers.indices);
        (rows(run, view, lesson), open.iter().map(of_subset).collect::<Vec<Rows>>())
    };
    let labels: Vec<usize> = lesson.iter().map(|&index| run.prepared.samples[index].class).collect();
    let classes = run.record.classes.len();
    let stopped = || WorkflowError::Stopped { run: Some(run.dir.path().to_owned()) };
    in_pool(run.threads, || {
        let seen: BTreeMap<View, _> = views.into_iter().map(|view| (view, seen(view))).collect();
        let outcome = |(done, baseline): (usize, &&'static Baseline)| {
            if reporter.cancelled() {
                return Err(stopped());
            }
            let total = BASELINES.len() as u64;
            let message = format!("simple models: {}", baseline.title);
            reporter.progress(Progress { stage: Stage::Evaluate, done: done as u64, total, message });
            let (known, new) = &seen[&baseline.view];
            let learned = baseline.learn(&Lesson::new(known, &labels, classes));
            Ok(learned
                .map(|learned| new.iter().map(|rows| learned.guess(rows)).collect())
                .map_err(|error| LeftOut { id: baseline.id.to_owned(), reason: error.kind().to_string() }))
        };
        BASELINES.par_iter().enumerate().map(outcome).collect()
    })
}

/// The training pictures to learn from.
fn drawn(run: &Run) -> Vec<usize> {
    let mut indices = run.split.train().to_vec();
    let mut counts = vec![0; run.record.classes.len()];
    indices.iter().for_each(|&index| counts[run.prepared.samples[index].class] += 1);
    let affordable = affordable(&counts, run.prepared.preprocessing.channels.count());
    if indices.len() > affordable {
        seed(run).derive("pictures").rng().shuffle(&mut indices);
        indices.truncate(affordable);
        indices.sort_unstable();
    }
    indices
}

fn seed(run: &Run) -> candor_core::Seed {
    run.recipe.split.seed.derive("baselines")
}

fn rows(run: &Run, view: View, indices: &[usize]) -> Rows {
    let input = run.prepared.preprocessing;
    let row = |&index: &usize| {
        let pixels = run.prepared.image(index).to_vec();
        let image = Image::new(input.width, input.height, input.channels, pixels);
        view.row(&image.expect("prepared pictures have this size"))
    };
    Rows::of(indices.par_iter().map(row).collect())
}
