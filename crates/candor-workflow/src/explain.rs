//! The explanation of a run: its methods one after another, each held to the gate before its maps are drawn.
//!
//! `RUN/explain/<method>.json` says what the gate measured, `<method>.svg` and `.png` show the maps where it let them pass, and
//! `<method>-average.svg` where the evidence lies on average. Begun again, what still holds is kept.

use std::fs;
use std::path::{Path, PathBuf};

use candor_analysis::explain::gate::{self, Competence, Passport, Sight};
use candor_analysis::explain::{ExplainError, METHODS, Map, Method, Subject, ace, choose_background};
use candor_core::{Classifier, DifferentiableClassifier, Image, Progress, Reporter, SampleId, Stage, Subset};
use candor_data::decode::{Limits, read_image};
use candor_report::{EvidenceFigure, EvidenceRow};
use serde::{Deserialize, Serialize};

use crate::error::{Result, WorkflowError};
use crate::judge::{Answers, saved_answers};
use crate::model::TrainedModel;
use crate::run::Run;
use crate::run_dir::{self, EXPLAIN};

/// Pictures that the gate looks at.
const AT_THE_GATE: usize = 6;
/// Pictures of each class in the average maps, at most.
const AVERAGED: usize = 20;
/// The border is this share of the shorter side.
const BORDER: usize = 8;

/// What one method showed, or why it shows nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplainedMethod {
    /// The method's id.
    pub method: String,
    /// What people call it.
    pub title: String,
    /// What the gate measured; none where the method has nothing to look at in this network.
    pub passport: Option<Passport>,
    /// Why no map is shown, in whole sentences; empty where the maps passed.
    pub refused: Vec<String>,
    /// The figures that were drawn, in the run's folder.
    pub figures: Vec<String>,
    /// Share of the evidence for the true class that lies on the border (an eighth of the shorter side on each edge), averaged
    /// over the pictures of the average maps.
    pub share_on_border: Option<f64>,
}

/// What is explained, and how.
pub(crate) struct Plan<'a> {
    pub methods: &'a [&'static Method],
    pub files: &'a [PathBuf],
    pub background: usize,
}

/// What stands in `explain/<method>.json`.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of everything that the maps were made of.
    fingerprint: SampleId,
    /// Of the model and its answers alone.
    model: SampleId,
    explained: ExplainedMethod,
}

/// A picture to be explained.
struct Shown {
    label: Vec<String>,
    input: Vec<f32>,
    image: Image,
    /// What the network says.
    predicted: usize,
}

/// Which pictures stand for what.
struct Material {
    model: TrainedModel,
    background: Vec<f32>,
    shown: Vec<Shown>,
    /// Inputs with their classes.
    averaged: Vec<(Vec<f32>, usize)>,
    competence: Competence,
}

/// Explains with each method, keeps what still holds, and gives all in the order asked for.
///
/// # Errors
/// `ExplainStopped` when the person asked to stop: what was explained until then is on the disk.
pub(crate) fn explain_run(
    run: &Run,
    plan: &Plan<'_>,
    reporter: &dyn Reporter,
) -> Result<Vec<ExplainedMethod>> {
    let folder = run.dir.file(EXPLAIN);
    fs::create_dir_all(&folder).map_err(WorkflowError::file(&folder, "made"))?;
    let made_of = made_of(run, plan)?;
    let mut material = None;
    let mut all = Vec::new();
    for (number, &method) in plan.methods.iter().enumerate() {
        let name = file_of(method);
        let own = format!("{} {}", method.id, env!("CARGO_PKG_VERSION"));
        let fingerprint = SampleId::of(&[own.as_bytes(), &made_of].concat());
        // What another version wrote, or a file that was cut off, is made again.
        let kept = run.dir.read_json(&name).ok().filter(|kept: &Kept| kept.fingerprint == fingerprint);
        if let Some(kept) = kept {
            all.push(kept.explained);
            continue;
        }
        let (done, total) = (number as u64, plan.methods.len() as u64);
        reporter.progress(Progress { stage: Stage::Explain, done, total, message: method.id.to_owned() });
        let material = match &mut material {
            Some(material) => material,
            empty => empty.insert(Material::read(run, plan)?),
        };
        let explained = material.explain(run, method, reporter).map_err(|error| match error {
            Failure::Explain(ExplainError::Stopped) => {
                WorkflowError::ExplainStopped { run: run.dir.path().to_owned() }
            }
            Failure::Explain(error) => WorkflowError::Explain { method: method.id, error },
            Failure::Write(error) => error,
        })?;
        let model = SampleId::of(&of_model(run)?);
        run.dir.write_json(&name, &Kept { fingerprint, model, explained: explained.clone() })?;
        all.push(explained);
    }
    Ok(all)
}

enum Failure {
    Explain(ExplainError),
    Write(WorkflowError),
}

impl From<ExplainError> for Failure {
    fn from(error: ExplainError) -> Failure {
        Failure::Explain(error)
    }
}

impl From<WorkflowError> for Failure {
    fn from(error: WorkflowError) -> Failure {
        Failure::Write(error)
    }
}

/// The explanations on the disk that are of the run's model, whatever pictures were asked for, in the registry's order.
pub(crate) fn saved_explanations(run: &Run) -> Result<Vec<ExplainedMethod>> {
    if !run.dir.file(EXPLAIN).is_dir() {
        return Ok(Vec::new());
    }
    let model = SampleId::of(&of_model(run)?);
    let kept =
        |method: &&Method| run.dir.read_json(&file_of(method)).ok().filter(|kept: &Kept| kept.model == model);
    Ok(METHODS.iter().filter_map(kept).map(|kept| kept.explained).collect())
}

fn file_of(method: &Method) -> String {
    format!("{EXPLAIN}/{}.json", method.id)
}

pub(crate) fn of_model(run: &Run) -> Result<Vec<u8>> {
    let mut bytes = run.dir.read(run_dir::MODEL)?;
    if run.dir.has(run_dir::PREDICTIONS) {
        bytes.extend(run.dir.read(run_dir::PREDICTIONS)?);
    }
    Ok(bytes)
}

/// Model, answers, and what was asked for.
fn made_of(run: &Run, plan: &Plan<'_>) -> Result<Vec<u8>> {
    let mut bytes = of_model(run)?;
    bytes.extend(plan.background.to_le_bytes());
    for file in plan.files {
        bytes.extend(fs::read(file).map_err(WorkflowError::file(file, "read"))?);
    }
    Ok(bytes)
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

impl Material {
    fn read(run: &Run, plan: &Plan<'_>) -> Result<Material> {
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
        let averaged = averaged.map(|verdict| (input(run, verdict.index), verdict.truth)).collect();
        Ok(Material { model, background, shown, averaged, competence })
    }

    fn explain(
        &self,
        run: &Run,
        method: &Method,
        reporter: &dyn Reporter,
    ) -> std::result::Result<ExplainedMethod, Failure> {
        let pictures: Vec<f32> = self.shown.iter().flat_map(|shown| &shown.input).copied().collect();
        let seed = run.recipe.training.seed;
        let subject = Subject::new(&self.model, &self.background, &pictures, seed, reporter)?;
        let mut explained = ExplainedMethod {
            method: method.id.to_owned(),
            title: method.title.to_owned(),
            passport: None,
            refused: Vec::new(),
            figures: Vec::new(),
            share_on_border: None,
        };
        match self.passport(method, &subject) {
            Ok(passport) => {
                explained.refused.clone_from(&passport.failures);
                explained.passport = Some(passport);
            }
            Err(ExplainError::NoFeatureMaps) => {
                explained.refused.push(ExplainError::NoFeatureMaps.to_string())
            }
            Err(error) => return Err(error.into()),
        }
        if explained.refused.is_empty() {
            self.draw(run, method, &subject, &mut explained)?;
        } else {
            for ending in ["svg", "png"] {
                remove(run, &format!("{EXPLAIN}/{}.{ending}", method.id))?;
            }
            remove(run, &format!("{EXPLAIN}/{}-average.svg", method.id))?;
        }
        Ok(explained)
    }

    fn passport(
        &self,
        method: &Method,
        subject: &Subject<'_>,
    ) -> std::result::Result<Passport, ExplainError> {
        let step = self.shown.len().div_ceil(AT_THE_GATE).max(1);
        let chosen: Vec<&Shown> = self.shown.iter().step_by(step).collect();
        let map = |shown: &&Shown| Ok(method.explain(subject, &shown.input, &[shown.predicted])?.remove(0));
        let maps: Vec<Map> = chosen.iter().map(map).collect::<std::result::Result<_, ExplainError>>()?;
        let sights: Vec<Sight<'_>> = chosen
            .iter()
            .zip(&maps)
            .map(|(shown, map)| Sight { picture: &shown.input, class: shown.predicted, map })
            .collect();
        gate::check(method, subject, &sights, self.competence)
    }

    fn draw(
        &self,
        run: &Run,
        method: &Method,
        subject: &Subject<'_>,
        explained: &mut ExplainedMethod,
    ) -> std::result::Result<(), Failure> {
        let names = self.model.classes();
        let classes: Vec<usize> = (0..names.len()).collect();
        let maps = self.shown.iter().map(|shown| method.explain(subject, &shown.input, &classes));
        let maps: Vec<Vec<Map>> = maps.collect::<std::result::Result<_, ExplainError>>()?;
        let rows: Vec<EvidenceRow<'_>> = self
            .shown
            .iter()
            .zip(&maps)
            .map(|(shown, maps)| EvidenceRow {
                label: shown.label.clone(),
                picture: &shown.image,
                maps: maps.iter().collect(),
            })
            .collect();
        let figure = EvidenceFigure::new(&rows, names);
        let mut write = |name: String, content: Vec<u8>| {
            run.dir.write(&name, content)?;
            explained.figures.push(name);
            Ok::<(), WorkflowError>(())
        };
        write(format!("{EXPLAIN}/{}.svg", method.id), figure.svg().into_bytes())?;
        write(format!("{EXPLAIN}/{}.png", method.id), figure.png())?;
        let mut of_class: Vec<Vec<Map>> = vec![Vec::new(); names.len()];
        for (input, class) in &self.averaged {
            subject.go_on()?;
            of_class[*class].push(method.explain(subject, input, &[*class])?.remove(0));
        }
        let all: Vec<&Map> = of_class.iter().flatten().collect();
        if let Some(first) = all.first() {
            let border = (first.height.min(first.width) / BORDER).max(1);
            let shares = all.iter().map(|map| map.share_on_border(border));
            explained.share_on_border = Some(shares.sum::<f64>() / all.len() as f64);
        }
        let means: Vec<(usize, Map)> = of_class
            .iter()
            .enumerate()
            .filter_map(|(class, maps)| Some((class, Map::mean(&maps.iter().collect::<Vec<_>>())?)))
            .collect();
        let paper = Image::filled(
            self.model.input().width,
            self.model.input().height,
            self.model.input().channels,
            255,
        );
        let pictures: Vec<Image> = means.iter().map(|(class, _)| self.mean_picture(*class, &paper)).collect();
        let rows: Vec<EvidenceRow<'_>> = means
            .iter()
            .zip(&pictures)
            .map(|((class, map), picture)| EvidenceRow {
                label: vec![names[*class].clone(), format!("mean of {}", of_class[*class].len())],
                picture,
                maps: vec![map],
            })
            .collect();
        let columns = ["its evidence".to_owned()];
        let name = format!("{EXPLAIN}/{}-average.svg", method.id);
        run.dir.write(&name, EvidenceFigure::new(&rows, &columns).svg())?;
        explained.figures.push(name);
        Ok(())
    }

    /// The mean of the averaged pictures of one class.
    fn mean_picture(&self, class: usize, like: &Image) -> Image {
        let of_class: Vec<&Vec<f32>> =
            self.averaged.iter().filter(|(_, of)| *of == class).map(|(input, _)| input).collect();
        let mean = |at: usize| {
            let sum: f32 = of_class.iter().map(|input| input[at]).sum();
            (255.0 * sum / of_class.len().max(1) as f32).round() as u8
        };
        let pixels = (0..like.pixels().len()).map(mean).collect();
        Image::new(like.width(), like.height(), like.channels(), pixels).expect("inputs have this size")
    }
}

/// An older figure must not stay beside a refusal.
pub(crate) fn remove(run: &Run, name: &str) -> Result<()> {
    if run.dir.has(name) { run.dir.remove(name) } else { Ok(()) }
}

/// An answer that was given before.
#[derive(Clone, Copy)]
pub(crate) struct Verdict {
    pub index: usize,
    pub truth: usize,
    predicted: usize,
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

/// The methods of these ids that draw maps, in the order of the registry; all when there is none.
pub(crate) fn chosen(only: &[String]) -> Result<Vec<&'static Method>> {
    if let Some(unknown) = only.iter().find(|id| Method::find(id).is_none() && *id != ace::ID) {
        let known = METHODS.iter().map(|method| method.id).chain([ace::ID]).collect::<Vec<_>>().join(", ");
        return Err(WorkflowError::UnknownMethod { id: unknown.clone(), known });
    }
    let is_wanted = |method: &&'static Method| only.is_empty() || only.iter().any(|id| id == method.id);
    Ok(METHODS.into_iter().filter(is_wanted).collect())
}
