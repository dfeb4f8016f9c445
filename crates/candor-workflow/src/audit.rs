//! The audit of a run: its checks one after another, each finding on the disk as soon as it is known.
//!
//! `RUN/audit/<check>.json` holds a finding with the fingerprint of what it was made of: recipe, pictures, split, answers and
//! settings. Begun again, what still holds is kept; what was made of something else is made again. How much is trained is
//! planned once and written down (`plan`): the run's own recipe where the budget allows, else a small network, named as such.

mod learner;
mod own_recipe;
mod plan;
mod stated;

use std::collections::BTreeMap;
use std::fs;

use candor_analysis::Units;
use candor_analysis::audit::{
    Answers, AuditError, AuditErrorKind, CHECKS, Case, Check, Cost, Facts, Finding, Learner, Settings,
    StatedFigures,
};
use candor_analysis::near_duplicates::{Copies, copies_among};
use candor_core::{Classifier, Dataset, Image, Progress, Reporter, SampleId, Seed, Stage, Subset};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use learner::{NetworkLearner, Pixels, Taught};
use own_recipe::OwnRecipe;
pub use plan::AuditEffort;
use plan::Plan;
pub(crate) use stated::claim;

use crate::error::{Result, WorkflowError};
use crate::judge::saved_answers;
use crate::model::TrainedModel;
use crate::run::Run;
use crate::run_dir::{self, AUDIT};
use crate::threads::in_pool;
use crate::units::saved_units;

/// What stands in `audit/<check>.json`.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of everything that the finding was made of.
    fingerprint: SampleId,
    /// What was trained for it.
    #[serde(default)]
    effort: String,
    finding: Finding,
}

/// What is asked of an audit besides its checks.
#[derive(Clone, Copy)]
pub(crate) struct Thoroughness {
    pub seed: Seed,
    pub effort: AuditEffort,
}

/// What an audit works with, read once.
struct Material {
    facts: Vec<Facts>,
    copies: Vec<Copies>,
    units: Units,
    answers: BTreeMap<Subset, Answers>,
    model: Option<TrainedModel>,
    learner_pixels: learner::Pixels,
}

/// Runs `checks`, keeps what still holds of earlier findings, and gives all in the order asked for.
///
/// # Errors
/// `Stopped` when the person asked to stop: what was found until then is on the disk.
pub(crate) fn run_checks(
    run: &Run,
    checks: &[&'static Check],
    thoroughness: Thoroughness,
    reporter: &dyn Reporter,
) -> Result<Vec<Finding>> {
    let folder = run.dir.file(AUDIT);
    fs::create_dir_all(&folder).map_err(WorkflowError::file(&folder, "made"))?;
    // Before anything is said to be made of them.
    saved_units(run, reporter)?;
    let made_of = MadeOf::read(run)?;
    let mut material = None;
    let mut plan = None;
    let mut findings = Vec::new();
    for &check in checks {
        // What sums up needs the findings that were made before as well, whatever is asked for now.
        let earlier = if check.sums_up() { saved_findings(run)? } else { Vec::new() };
        if plan.is_none() && Plan::concerns(check) {
            let material = material_of(&mut material, run, reporter)?;
            plan = Some(material.plan(run, &made_of, thoroughness, reporter)?);
        }
        let effort = plan.as_ref().map_or_else(String::new, |plan: &Plan| plan.effort(check));
        let fingerprint = made_of.fingerprint(check, &effort, &earlier);
        if let Some(kept) = kept(run, check).filter(|kept| kept.fingerprint == fingerprint) {
            findings.push(kept.finding);
            continue;
        }
        let asked = Asked { run, made_of: &made_of, earlier: &earlier, seed: thoroughness.seed, reporter };
        let finding = material_of(&mut material, run, reporter)?.ask(check, plan.as_ref(), &asked)?;
        run.dir.write_json(&file_of(check), &Kept { fingerprint, effort, finding: finding.clone() })?;
        findings.push(finding);
    }
    let sums = CHECKS.into_iter().filter(|check| check.sums_up() && kept(run, check).is_some());
    let sums: Vec<&'static Check> =
        sums.filter(|sum| checks.iter().all(|check| check.id != sum.id)).collect();
    if !sums.is_empty() && checks.iter().any(|check| !check.sums_up()) {
        // What was summed up before is summed up anew, so that the page does not contradict itself.
        run_checks(run, &sums, thoroughness, reporter)?;
    }
    Ok(findings)
}

/// Reads the material where that was not done yet.
fn material_of<'a>(
    material: &'a mut Option<Material>,
    run: &Run,
    reporter: &dyn Reporter,
) -> Result<&'a Material> {
    match material {
        Some(material) => Ok(material),
        empty => Ok(empty.insert(Material::read(run, reporter)?)),
    }
}

/// The findings on the disk that hold for the run as it is, whatever effort was asked for, in the registry's order.
pub(crate) fn saved_findings(run: &Run) -> Result<Vec<Finding>> {
    if !run.dir.file(AUDIT).is_dir() {
        return Ok(Vec::new());
    }
    let made_of = MadeOf::read(run)?;
    let mut findings = Vec::new();
    for kept in CHECKS.iter().filter_map(|check| Some((check, kept(run, check)?))) {
        let (check, Kept { fingerprint: of_then, effort, finding }) = kept;
        let earlier = if check.sums_up() { findings.as_slice() } else { &[] };
        if of_then == made_of.fingerprint(check, &effort, earlier) {
            findings.push(finding);
        }
    }
    Ok(findings)
}

/// The checks that take seconds, for the end of a study.
pub(crate) fn cheap() -> Vec<&'static Check> {
    CHECKS.into_iter().filter(|check| check.cost == Cost::Cheap).collect()
}

fn file_of(check: &Check) -> String {
    format!("{AUDIT}/{}.json", check.id)
}

/// What another version wrote, or a file that was cut off, is made again.
fn kept(run: &Run, check: &Check) -> Option<Kept> {
    run.dir.read_json(&file_of(check)).ok()
}

/// What findings are made of.
struct MadeOf {
    /// Recipe, pictures, what of them belongs together, split and answers: whatever every finding depends on.
    all: Vec<u8>,
    /// Recipe, pictures and split: what a training depends on.
    training: SampleId,
    /// The figures that are told of the run, on which few depend.
    stated: Vec<StatedFigures>,
}

impl MadeOf {
    fn read(run: &Run) -> Result<MadeOf> {
        let mut all = run.dir.read(run_dir::RECIPE)?;
        let part = |name| run.dir.has(name).then(|| run.dir.read(name)).transpose();
        let (split, units) = (part(run_dir::SPLIT)?, part(run_dir::UNITS)?);
        let pictures = run.record.fingerprint.to_string();
        let of_training =
            [&all, &split.unwrap_or_default(), &units.unwrap_or_default()].map(Vec::as_slice).concat();
        let training = SampleId::of(&[&of_training, pictures.as_bytes()].concat());
        for name in [run_dir::SPLIT, run_dir::PREDICTIONS, run_dir::UNITS] {
            if run.dir.has(name) {
                all.extend(run.dir.read(name)?);
            }
        }
        all.extend(run.record.fingerprint.to_string().bytes());
        Ok(MadeOf { all, training, stated: stated::figures(run) })
    }

    /// Of a finding: besides that, of the check and the effort.
    fn fingerprint(&self, check: &Check, effort: &str, earlier: &[Finding]) -> SampleId {
        // A check is no ground of its own sum.
        let others = earlier.iter().filter(|finding| finding.check != check.id);
        // What sums up quotes the headlines.
        let verdicts: String = others
            .map(|finding| format!(" {}={} {}", finding.check, finding.verdict.name(), finding.headline))
            .collect();
        let own = format!("{} {effort} {}{verdicts}", check.id, env!("CARGO_PKG_VERSION"));
        let stated = match check.reads_stated_figures() {
            true => serde_json::to_vec(&self.stated).expect("plain data can be written"),
            false => Vec::new(),
        };
        SampleId::of(&[own.as_bytes(), &self.all, &stated].concat())
    }
}

impl Material {
    fn read(run: &Run, reporter: &dyn Reporter) -> Result<Material> {
        let facts = in_pool(run.threads, || facts(run, reporter))?;
        let saved = saved_units(run, reporter)?;
        let copies = match saved.near_copies_sought {
            true => saved.near_copies.clone(),
            // The check on copies asks for them however long it takes.
            false => {
                let likenesses: Vec<_> = facts.iter().map(|facts| &facts.likeness).collect();
                let copies = in_pool(run.threads, || copies_among(&likenesses, |_| !reporter.cancelled()));
                copies.ok_or(WorkflowError::Stopped { run: None })?
            }
        };
        let of = |answers: crate::judge::Answers| Answers {
            indices: answers.indices,
            probabilities: answers.probabilities,
        };
        let answers = saved_answers(run)?.into_iter().map(|(subset, answers)| (subset, of(answers)));
        let path = run.dir.file(run_dir::MODEL);
        let model = path.is_file().then(|| TrainedModel::load(&path, run.threads)).transpose()?;
        let learner_pixels =
            in_pool(run.threads, || learner::Pixels::of(run.prepared.len(), |index| seen(run, index)));
        Ok(Material {
            facts,
            units: saved.units(&run.prepared.samples),
            copies,
            answers: answers.collect(),
            model,
            learner_pixels,
        })
    }

    /// How much is trained.
    fn plan(
        &self,
        run: &Run,
        made_of: &MadeOf,
        thoroughness: Thoroughness,
        reporter: &dyn Reporter,
    ) -> Result<Plan> {
        let own = OwnRecipe::of(run, &self.units, made_of.training, reporter);
        let own = own.as_ref().map_err(|why| *why);
        let asked = Asked { run, made_of, earlier: &[], seed: thoroughness.seed, reporter };
        self.with_case(&asked, 0, |case| Plan::of(run, case, own, made_of.training, thoroughness.effort))
    }

    fn ask(&self, check: &'static Check, plan: Option<&Plan>, asked: &Asked<'_>) -> Result<Finding> {
        let Asked { run, reporter, .. } = *asked;
        reporter.progress(Progress { stage: Stage::Audit, done: 0, total: 0, message: check.id.to_owned() });
        let permutations = plan.map_or(0, |plan| plan.permutations);
        let finding = match self.ask_own_recipe(check, plan, asked, permutations) {
            Some(Err(error)) if matches!(error.kind(), AuditErrorKind::OverBudget) => None,
            finding => finding,
        };
        let finding = match finding {
            Some(finding) => finding,
            None => {
                let classes = run.record.classes.len();
                let learner = NetworkLearner::new(&self.learner_pixels, classes, run.threads, reporter)?;
                let learner = learner.instead_of_recipe(plan.and_then(|plan| plan.seconds_a_training));
                self.with_case(asked, permutations, |case| check.run(case, &learner as &dyn Learner))
            }
        };
        let finding = finding.map_err(|error| match error.kind() {
            AuditErrorKind::Stopped => WorkflowError::Stopped { run: None },
            _ => WorkflowError::Audit(error),
        })?;
        Ok(Finding { asked_permutations: check.permutes.then_some(permutations), ..finding })
    }

    /// With trainings of the run's own recipe, where the plan has some for this check.
    fn ask_own_recipe(
        &self,
        check: &'static Check,
        plan: Option<&Plan>,
        asked: &Asked<'_>,
        permutations: usize,
    ) -> Option<std::result::Result<Finding, AuditError>> {
        let (trainings, seconds) =
            plan.and_then(|plan| Some((plan.trainings(check)?, plan.seconds_a_training?)))?;
        let own = OwnRecipe::of(asked.run, &self.units, asked.made_of.training, asked.reporter).ok()?;
        let own = own.with_budget(trainings, seconds);
        Some(self.with_case(asked, permutations, |case| check.run(case, &own as &dyn Learner)))
    }

    fn with_case<T>(&self, asked: &Asked<'_>, permutations: usize, ask: impl FnOnce(&Case<'_>) -> T) -> T {
        let &Asked { run, made_of, earlier, seed, reporter } = asked;
        let seen = |index: usize| seen(run, index);
        ask(&Case {
            pictures: &run.pictures,
            seen: &seen,
            facts: &self.facts,
            copies: &self.copies,
            units: &self.units,
            split: run.split.for_audit(),
            answers: &self.answers,
            classifier: self.model.as_ref().map(|model| model as &dyn Classifier),
            detector: Some(candor_data::faces::detector()),
            purpose: run.recipe.purpose.as_deref(),
            stated: &made_of.stated,
            findings: earlier,
            settings: Settings { seed, permutations },
            reporter,
        })
    }
}

/// What a check is asked with.
struct Asked<'a> {
    run: &'a Run,
    made_of: &'a MadeOf,
    earlier: &'a [Finding],
    seed: Seed,
    reporter: &'a dyn Reporter,
}

/// A picture as the network sees it.
fn seen(run: &Run, index: usize) -> Image {
    let input = run.prepared.preprocessing;
    let pixels = run.prepared.image(index).to_vec();
    Image::new(input.width, input.height, input.channels, pixels).expect("prepared pictures have this size")
}

/// What is known of each original. One that is gone is described by what the network sees of it.
fn facts(run: &Run, reporter: &dyn Reporter) -> Result<Vec<Facts>> {
    let of = |index: usize| {
        if reporter.cancelled() {
            return Err(WorkflowError::Stopped { run: None });
        }
        let file = run.pictures.file(index).and_then(|path| fs::read(path).ok());
        let image = run.pictures.image(index).unwrap_or_else(|_| seen(run, index));
        Ok(Facts::of(&image, file.as_deref()))
    };
    (0..run.prepared.len()).into_par_iter().map(of).collect()
}
