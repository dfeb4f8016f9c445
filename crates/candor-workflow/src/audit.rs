//! The audit of a run: its checks one after another, each finding on the disk as soon as it is known.
//!
//! `RUN/audit/<check>.json` holds a finding with the fingerprint of what it was made of: recipe, pictures, split, answers and
//! settings. Begun again, what still holds is kept; what was made of something else is made again.

mod learner;
mod stated;

use std::collections::BTreeMap;
use std::fs;

use candor_analysis::Units;
use candor_analysis::audit::{
    Answers, AuditErrorKind, CHECKS, Case, Check, Cost, Facts, Finding, Learner, Settings, StatedFigures,
};
use candor_core::{Classifier, Dataset, Image, Progress, Reporter, SampleId, Stage, Subset};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

pub use learner::{NetworkLearner, Pixels, Taught};
pub(crate) use stated::claim;

use crate::error::{Result, WorkflowError};
use crate::judge::saved_answers;
use crate::model::TrainedModel;
use crate::run::Run;
use crate::run_dir::{self, AUDIT};
use crate::threads::in_pool;
use crate::units::units;

/// What stands in `audit/<check>.json`.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of everything that the finding was made of.
    fingerprint: SampleId,
    finding: Finding,
}

/// What an audit works with, read once.
struct Material {
    facts: Vec<Facts>,
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
    settings: Settings,
    reporter: &dyn Reporter,
) -> Result<Vec<Finding>> {
    let folder = run.dir.file(AUDIT);
    fs::create_dir_all(&folder).map_err(WorkflowError::file(&folder, "made"))?;
    // Before anything is said to be made of them.
    units(run, reporter)?;
    let made_of = MadeOf::read(run)?;
    let mut material = None;
    let mut findings = Vec::new();
    for &check in checks {
        // What sums up needs the findings that were made before as well, whatever is asked for now.
        let earlier = if check.sums_up() { saved_findings(run)? } else { Vec::new() };
        let fingerprint = made_of.fingerprint(check, settings.permutations, &earlier);
        if let Some(kept) = kept(run, check).filter(|kept| kept.fingerprint == fingerprint) {
            findings.push(kept.finding);
            continue;
        }
        let material = match &mut material {
            Some(material) => material,
            empty => empty.insert(Material::read(run, reporter)?),
        };
        let finding = material.ask(run, check, &made_of.stated, &earlier, settings, reporter)?;
        run.dir.write_json(&file_of(check), &Kept { fingerprint, finding: finding.clone() })?;
        findings.push(finding);
    }
    let sums = CHECKS.into_iter().filter(|check| check.sums_up() && kept(run, check).is_some());
    let sums: Vec<&'static Check> =
        sums.filter(|sum| checks.iter().all(|check| check.id != sum.id)).collect();
    if !sums.is_empty() && checks.iter().any(|check| !check.sums_up()) {
        // What was summed up before is summed up anew, so that the page does not contradict itself.
        run_checks(run, &sums, settings, reporter)?;
    }
    Ok(findings)
}

/// The findings on the disk that hold for the run as it is, whatever effort was asked for, in the registry's order.
pub(crate) fn saved_findings(run: &Run) -> Result<Vec<Finding>> {
    if !run.dir.file(AUDIT).is_dir() {
        return Ok(Vec::new());
    }
    let made_of = MadeOf::read(run)?;
    let mut findings = Vec::new();
    for kept in CHECKS.iter().filter_map(|check| Some((check, kept(run, check)?))) {
        let (check, Kept { fingerprint: of_then, finding }) = kept;
        let permutations = finding.asked_permutations.unwrap_or_default();
        let earlier = if check.sums_up() { findings.as_slice() } else { &[] };
        if of_then == made_of.fingerprint(check, permutations, earlier) {
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
    /// The figures that are told of the run, on which few depend.
    stated: Vec<StatedFigures>,
}

impl MadeOf {
    fn read(run: &Run) -> Result<MadeOf> {
        let mut all = run.dir.read(run_dir::RECIPE)?;
        for name in [run_dir::SPLIT, run_dir::PREDICTIONS, run_dir::UNITS] {
            if run.dir.has(name) {
                all.extend(run.dir.read(name)?);
            }
        }
        all.extend(run.record.fingerprint.to_string().bytes());
        Ok(MadeOf { all, stated: stated::figures(run) })
    }

    /// Of a finding: besides that, of the check and the effort.
    fn fingerprint(&self, check: &Check, permutations: usize, earlier: &[Finding]) -> SampleId {
        let effort = if check.permutes { permutations } else { 0 };
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
            units: units(run, reporter)?,
            answers: answers.collect(),
            model,
            learner_pixels,
        })
    }

    fn ask(
        &self,
        run: &Run,
        check: &'static Check,
        stated: &[StatedFigures],
        earlier: &[Finding],
        settings: Settings,
        reporter: &dyn Reporter,
    ) -> Result<Finding> {
        reporter.progress(Progress { stage: Stage::Audit, done: 0, total: 0, message: check.id.to_owned() });
        let learner =
            NetworkLearner::new(&self.learner_pixels, run.record.classes.len(), run.threads, reporter)?;
        let seen = |index: usize| seen(run, index);
        let case = Case {
            pictures: &run.pictures,
            seen: &seen,
            facts: &self.facts,
            units: &self.units,
            split: run.split.for_audit(),
            answers: &self.answers,
            classifier: self.model.as_ref().map(|model| model as &dyn Classifier),
            detector: Some(candor_data::faces::detector()),
            purpose: run.recipe.purpose.as_deref(),
            stated,
            findings: earlier,
            settings,
            reporter,
        };
        let finding = check.run(&case, &learner as &dyn Learner).map_err(|error| match error.kind() {
            AuditErrorKind::Stopped => WorkflowError::Stopped { run: None },
            _ => WorkflowError::Audit(error),
        })?;
        Ok(Finding { asked_permutations: check.permutes.then_some(settings.permutations), ..finding })
    }
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
