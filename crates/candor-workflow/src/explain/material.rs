//! What is explained, and with what: the model, pictures that it answered for before, and pictures to compare them with.

use std::cell::OnceCell;
use std::path::Path;

use candor_analysis::explain::choose_background;
use candor_analysis::explain::gate::Competence;
use candor_analysis::explain::gate::orders::RandomOrders;
use candor_core::{Area, Classifier, DifferentiableClassifier, Image, Subset};
use candor_data::decode::{Limits, read_image};

use super::Plan;
use crate::error::{Result, WorkflowError};
use crate::judge::{Answers, saved_answers};
use crate::model::TrainedModel;
use crate::run::Run;
use crate::run_dir;

/// Pictures of each class in the average maps, at most.
const AVERAGED: usize = 20;

/// A picture to be explained.
pub(super) struct Shown {
    pub label: Vec<String>,
    pub input: Vec<f32>,
    pub image: Image,
    /// What the network says.
    pub predicted: usize,
}

/// Which pictures stand for what.
pub(super) struct Material {
    pub model: TrainedModel,
    pub background: Vec<f32>,
    pub shown: Vec<Shown>,
    pub averaged: Vec<Averaged>,
    pub competence: Competence,
    /// The face in each averaged picture; looked for when first asked for.
    pub faces: OnceCell<Vec<Option<Area>>>,
    /// What random orders do at the gate; drawn when first asked for.
    pub orders: OnceCell<RandomOrders>,
}

/// One of the pictures that average maps are made of.
pub(super) struct Averaged {
    pub input: Vec<f32>,
    pub class: usize,
}

impl Material {
    pub fn read(run: &Run, plan: &Plan<'_>) -> Result<Material> {
        let model = TrainedModel::load(&run.dir.file(run_dir::MODEL), run.threads)?;
        let samples = &run.prepared.samples;
        let classes = run.record.classes.len();
        let train: Vec<(usize, usize)> =
            run.split.train().iter().map(|&index| (index, samples[index].class)).collect();
        let seed = run.recipe.training.seed;
        let background = choose_background(&train, classes, plan.background, seed);
        let background = background.into_iter().flat_map(|index| input(run, index)).collect();
        let (verdicts, competence) = judged(run)?;
        let shown = match plan.files {
            [] => one_right_and_one_wrong(&verdicts, classes).map(|verdict| shown_of(run, verdict)).collect(),
            files => files.iter().map(|file| shown_file(&model, file)).collect::<Result<Vec<_>>>()?,
        };
        let mut taken = vec![0; classes];
        let averaged = verdicts.iter().filter(|verdict| {
            taken[verdict.truth] += 1;
            taken[verdict.truth] <= AVERAGED
        });
        let averaged = averaged
            .map(|verdict| Averaged { input: input(run, verdict.index), class: verdict.truth })
            .collect();
        Ok(Material {
            model,
            background,
            shown,
            averaged,
            competence,
            faces: OnceCell::new(),
            orders: OnceCell::new(),
        })
    }

    /// The inputs that are shown, one behind the other.
    pub fn shown_inputs(&self) -> Vec<f32> {
        self.shown.iter().flat_map(|shown| &shown.input).copied().collect()
    }

    /// An input as a picture.
    pub fn image_of(&self, input: &[f32]) -> Image {
        let size = self.model.input();
        let pixels = input.iter().map(|value| (255.0 * value).round() as u8).collect();
        Image::new(size.width, size.height, size.channels, pixels).expect("inputs have this size")
    }
}

/// The answers that were given for the last subset that was judged, and how often they were right. Never a new look: what is
/// shown of the test split was answered for, and counted, before.
pub(crate) fn judged(run: &Run) -> Result<(Vec<Verdict>, Competence)> {
    let (samples, classes) = (&run.prepared.samples, run.record.classes.len());
    let saved = saved_answers(run)?;
    let judged = [Subset::Test, Subset::Validation, Subset::Train];
    let judged =
        judged.into_iter().find_map(|subset| saved.get(&subset).filter(|all| !all.indices.is_empty()));
    let judged = judged.ok_or_else(|| WorkflowError::NotJudged {
        run: run.dir.path().to_owned(),
        subset: Subset::Validation,
    })?;
    let verdicts = verdicts(judged, classes, |index| samples[index].class);
    let mut counts = vec![0; classes];
    verdicts.iter().for_each(|verdict| counts[verdict.truth] += 1);
    let competence = Competence {
        right: verdicts.iter().filter(|verdict| verdict.is_right()).count(),
        of: verdicts.len(),
        most_frequent: counts.into_iter().max().unwrap_or(0),
    };
    Ok((verdicts, competence))
}

/// An answer that was given before.
#[derive(Clone, Copy)]
pub(crate) struct Verdict {
    pub index: usize,
    pub truth: usize,
    pub predicted: usize,
    confidence: f32,
}

impl Verdict {
    fn is_right(&self) -> bool {
        self.truth == self.predicted
    }
}

fn verdicts(answers: &Answers, classes: usize, truth: impl Fn(usize) -> usize) -> Vec<Verdict> {
    let rows = answers.indices.iter().zip(answers.probabilities.chunks_exact(classes));
    let verdict = |(&index, row): (&usize, &[f32])| {
        let answer = candor_core::Prediction { probabilities: row.to_vec() };
        Verdict { index, truth: truth(index), predicted: answer.class(), confidence: answer.confidence() }
    };
    rows.map(verdict).collect()
}

/// Of each class the surest right answer and the surest wrong one, where there is one.
fn one_right_and_one_wrong(verdicts: &[Verdict], classes: usize) -> impl Iterator<Item = Verdict> + '_ {
    (0..classes).flat_map(move |class| {
        [true, false].into_iter().filter_map(move |is_right| {
            let of_class = verdicts.iter().filter(|v| v.truth == class && v.is_right() == is_right);
            // Of equals the first, whatever the order of evaluation.
            of_class.copied().reduce(|best, next| if next.confidence > best.confidence { next } else { best })
        })
    })
}

pub(crate) fn input(run: &Run, index: usize) -> Vec<f32> {
    run.prepared.image(index).iter().map(|&value| f32::from(value) / 255.0).collect()
}

fn shown_of(run: &Run, verdict: Verdict) -> Shown {
    let (size, names) = (run.prepared.preprocessing, &run.record.classes);
    let pixels = run.prepared.image(verdict.index).to_vec();
    let image = Image::new(size.width, size.height, size.channels, pixels);
    let is = if verdict.is_right() { "right" } else { "wrong" };
    let says = format!("says {}, {:.0} %", names[verdict.predicted], 100.0 * verdict.confidence);
    Shown {
        label: vec![format!("{}: {is}", names[verdict.truth]), says],
        input: input(run, verdict.index),
        image: image.expect("prepared pictures have this size"),
        predicted: verdict.predicted,
    }
}

fn shown_file(model: &TrainedModel, file: &Path) -> Result<Shown> {
    let unreadable = |error: candor_core::ReadError| WorkflowError::Picture {
        path: file.to_owned(),
        reason: error.reason,
    };
    let original = read_image(file, &Limits::default()).map_err(unreadable)?;
    let image = model.input().apply(&original);
    let answer = model.predict(std::slice::from_ref(&image))?.remove(0);
    let name = file
        .file_name()
        .map_or_else(|| file.display().to_string(), |name| name.to_string_lossy().into_owned());
    let says = format!("says {}, {:.0} %", model.classes()[answer.class()], 100.0 * answer.confidence());
    Ok(Shown { label: vec![name, says], input: model.preprocess(&image), image, predicted: answer.class() })
}
