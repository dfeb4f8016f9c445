//! The report of a run, made of what the run has: nothing is judged again here.

use std::collections::BTreeMap;

use candor_analysis::LabelledPredictions;
use candor_analysis::audit::{CHECKS, ChangedPicture, Evidence, Finding, Shown};
use candor_analysis::evaluate::{Pick, galleries, least_certain};
use candor_core::{Dataset, Image, Subset};
use candor_engine::{Isa, LayerSummary, Network, Optimizer, Precision, Schedule, Shape};
use candor_report::{
    Answer, Audit, AuditedFinding, Data, Fact, Gallery, Model, NetworkDrawing, Picture, Report, Reproduce,
    SubsetCounts, SubsetEvaluation, Summary, Training, thumbnail,
};
use rayon::prelude::*;

use crate::audit::saved_findings;
use crate::error::Result;
use crate::explain::saved_gallery;
use crate::judge::{Answers, Judgements, figures, saved_answers, saved_comparisons};
use crate::pictures::quoted;
use crate::recipe::{Choice, ClassWeights, Recipe, TrainingRecipe, describe_augmentation};
use crate::run::Run;
use crate::run_dir::{MARKS, REPORT_HTML, REPORT_JSON, RunDir};
use crate::threads::in_pool;
use crate::train::{Finish, History};
use crate::units::MOST_PICTURES;
use crate::verbs::Mark;

mod explanations;
mod origins;
mod picture_table;

use explanations::explanation_section;
use origins::{group_sizes, origins};
pub(crate) use picture_table::picture_table;

/// Pictures in the grid of examples, at most.
const GRID: usize = 60;

/// Pictures in each list of a gallery (B9, D2: five).
const GALLERY: usize = 5;

/// The least certain answers that are shown.
const LEAST_CERTAIN: usize = 10;

/// Exhibits of a finding that are shown.
const MOST_EVIDENCE: usize = 24;

/// What a report calls a model among others.
pub(crate) struct Naming<'a> {
    pub title: String,
    pub model: &'a str,
    pub note: Option<String>,
}

impl Naming<'_> {
    /// The usual name: what was studied.
    pub fn of(run: &Run) -> Naming<'static> {
        let shuffled = run.record.spec.shuffle_labels.is_some();
        let shuffled =
            shuffled.then(|| "The labels were shuffled: there is nothing to learn but chance.".to_owned());
        // A mark that cannot be read must not hide what there is to say.
        let marks: Vec<Mark> = run.dir.read_json(MARKS).unwrap_or_default();
        let marks = marks.iter().map(|mark| format!("{}: {}.", mark.when, mark.what));
        let notes: Vec<String> = shuffled.into_iter().chain(marks).collect();
        let note = (!notes.is_empty()).then(|| notes.join(" "));
        Naming { title: run.record.spec.short_name(), model: "the model", note }
    }
}

/// What a report says, for those who do not open it.
pub(crate) struct InShort {
    pub summary: Summary,
    /// On the last subset that was judged: test where there is one.
    pub judged: Option<SubsetEvaluation>,
    /// The audit's finding to read first.
    pub audit: Option<Finding>,
}

impl InShort {
    /// Of the first model.
    pub fn of(report: &Report) -> InShort {
        let judged = report.models.first().and_then(Model::judged).cloned();
        let audit = report.audit.as_ref().and_then(Audit::first).cloned();
        InShort { summary: report.summary.clone(), judged, audit }
    }
}

/// Writes `report.html` and `report.json` of a run with one model.
pub(crate) fn write_report(run: &Run) -> Result<InShort> {
    let report = report_of(run)?;
    write(&run.dir, &report)?;
    Ok(InShort::of(&report))
}

/// What there is to say of a run with one model.
pub(crate) fn report_of(run: &Run) -> Result<Report> {
    let naming = Naming::of(run);
    let mut model = model_section(run, &naming)?;
    let maps = saved_gallery(run)?;
    for picture in model.answered_mut() {
        picture.map = maps.as_ref().and_then(|maps| maps.maps.get(&picture.id)).map(thumbnail);
    }
    let audit = audit_section(run)?;
    Ok(Report {
        title: naming.title,
        summary: Summary::of(&model, audit.as_ref()),
        data: data_section(run),
        models: vec![model],
        lesson: None,
        audit,
        explanations: explanation_section(run)?,
        gallery_maps: maps.map(|maps| maps.method),
        reproduce: reproduce(run, &command(run)),
    })
}

/// What the checks found that were asked, with the pictures of their evidence; `None` where nothing was asked yet.
fn audit_section(run: &Run) -> Result<Option<Audit>> {
    let findings = saved_findings(run)?;
    if findings.is_empty() {
        return Ok(None);
    }
    let not_asked = CHECKS.iter().filter(|check| findings.iter().all(|finding| finding.check != check.id));
    let not_asked = not_asked.map(|check| check.id.to_owned()).collect();
    let shown = |finding: Finding| AuditedFinding { pictures: evidence(run, &finding), finding };
    let command = format!("candor audit {}", quoted(&run.dir.path().display().to_string()));
    Ok(Some(Audit { findings: findings.into_iter().map(shown).collect(), not_asked, command }))
}

fn evidence(run: &Run, finding: &Finding) -> Vec<Vec<Picture>> {
    let of = |evidence: &Evidence| {
        let there = evidence.pictures.iter().filter(|shown| shown.index < run.prepared.len());
        let (shown, wanted): (Vec<&Shown>, Vec<_>) = there.map(|shown| (shown, (shown.index, None))).unzip();
        let mut found = pictures(run, wanted);
        for (picture, shown) in found.iter_mut().zip(shown) {
            if let Some(image) = shown.changed.as_ref().and_then(ChangedPicture::image) {
                picture.image = thumbnail(&image);
            }
        }
        found
    };
    finding.evidence.iter().take(MOST_EVIDENCE).map(of).collect()
}

/// Writes a report into `dir`.
pub(crate) fn write(dir: &RunDir, report: &Report) -> Result<()> {
    dir.write(REPORT_HTML, candor_report::render_html(report))?;
    dir.write(REPORT_JSON, candor_report::to_json(report))
}

/// The command that makes the same run again.
fn command(run: &Run) -> String {
    let verb = if run.record.study { "study" } else { "train" };
    let recipe = run.dir.file(crate::run_dir::RECIPE);
    let recipe = std::path::absolute(&recipe).unwrap_or(recipe);
    let source = run.record.spec.command();
    format!("candor {verb} {source} --recipe {} --out again", quoted(&recipe.display().to_string()))
}

pub(crate) fn reproduce(run: &Run, command: &str) -> Reproduce {
    let threads = match run.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    Reproduce {
        command: command.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: run.recipe.training.seed.0,
        facts: vec![
            Fact::new("Fingerprint of the pictures", run.record.fingerprint.to_string()),
            Fact::new("Instruction set", Isa::detect().name()),
            Fact::new("Threads (they change no result)", threads.to_string()),
            Fact::new("Processor", format!("{}, {}", std::env::consts::ARCH, std::env::consts::OS)),
        ],
    }
}

pub(crate) fn data_section(run: &Run) -> Data {
    let (classes, samples) = (&run.record.classes, &run.prepared.samples);
    let count =
        |subset| SubsetCounts { subset, per_class: run.split.per_class(subset, samples, classes.len()) };
    let subsets: Vec<Subset> =
        Subset::ALL.into_iter().filter(|&subset| run.split.count(subset) > 0).collect();
    Data {
        source: run.record.spec.places().join("; test pictures: "),
        classes: classes.clone(),
        counts: subsets.iter().copied().map(count).collect(),
        origins: origins(run, &subsets),
        groups: group_sizes(samples),
        sizes: run.pictures.sizes(),
        input: run.recipe.preprocessing,
        split: split_sentence(run),
        samples: grid(run),
        left_out: run.problems.clone(),
    }
}

/// How the subsets came about. The shares are those that came out, not those that a recipe asked for: a source may bring its
/// split along, and groups are kept whole.
fn split_sentence(run: &Run) -> String {
    let [train, validation, test] = Subset::ALL.map(|subset| run.split.count(subset));
    let all = (train + validation + test).max(1);
    let per_cent = |pictures: usize| format!("{:.0}%", 100.0 * pictures as f64 / all as f64);
    let shares = format!(
        "{} of the pictures are for training, {} for validation and {} for test.",
        per_cent(train),
        per_cent(validation),
        per_cent(test)
    );
    let grouped = run.pictures.samples().iter().any(|sample| sample.group.is_some());
    let groups = if grouped { " Pictures of one group are in one subset." } else { "" };
    let copies = match run.prepared.len() <= MOST_PICTURES {
        true => "",
        false => " Near copies were not looked for among so many pictures: some may be in several subsets.",
    };
    let drawn = format!("drawn at random within each class (seed {})", run.recipe.split.seed.0);
    let origin = match run.pictures.predefined() {
        Some(_) => format!("The split comes with the source; whatever it leaves open is {drawn}."),
        None => format!("The split is {drawn}."),
    };
    format!("{origin} {shares}{groups}{copies}")
}

/// As many training pictures of each class as fit, by turns: the test split is not for looking at.
fn grid(run: &Run) -> Vec<Picture> {
    let classes = run.record.classes.len();
    let of_class = |class: usize| {
        let is_of_class = move |&&index: &&usize| run.prepared.samples[index].class == class;
        run.split.train().iter().filter(is_of_class).copied().take((GRID / classes).clamp(1, 6))
    };
    pictures(run, (0..classes).flat_map(of_class).take(GRID).map(|index| (index, None)).collect())
}

/// Read on all threads. Only the thumbnails are kept: originals of a camera would fill the memory.
fn pictures(run: &Run, wanted: Vec<(usize, Option<Answer>)>) -> Vec<Picture> {
    let picture = |(index, answer): (usize, Option<Answer>)| {
        let sample = &run.prepared.samples[index];
        Picture {
            image: thumbnail(&original(run, index)),
            id: sample.id,
            provenance: sample.provenance.clone(),
            truth: sample.class,
            answer,
            map: None,
        }
    };
    in_pool(run.threads, || wanted.into_par_iter().map(picture).collect())
}

/// The original, or what the model sees of it where that is gone.
fn original(run: &Run, index: usize) -> Image {
    let prepared = || {
        let input = run.prepared.preprocessing;
        let pixels = run.prepared.image(index).to_vec();
        Image::new(input.width, input.height, input.channels, pixels)
            .expect("prepared pictures have this size")
    };
    run.pictures.image(index).unwrap_or_else(|_| prepared())
}

pub(crate) fn model_section(run: &Run, naming: &Naming<'_>) -> Result<Model> {
    let answers = saved_answers(run)?;
    let history = run.history()?;
    let last = match answers.values().last() {
        Some(answers) => Some((answers, answers.labelled(run)?)),
        None => None,
    };
    Ok(Model {
        name: naming.model.to_owned(),
        note: naming.note.clone(),
        baselines: saved_comparisons(run)?,
        training: Training {
            recipe: recipe_facts(run, &history),
            recipe_toml: run.recipe.to_toml(),
            seconds: history.seconds(),
            images_per_second: history.images_per_second(),
            history: history.for_report(),
        },
        evaluations: evaluations(figures(run, &answers)?, history.epochs.len()),
        galleries: gallery_section(run, last.as_ref()),
        least_certain: least_certain_section(run, last.as_ref()),
        network: drawing(run.recipe.network_name(), &run.network),
    })
}

fn evaluations(judgements: Judgements, epochs: usize) -> Vec<SubsetEvaluation> {
    let of = |(subset, judgement): (Subset, crate::judge::Judgement)| {
        SubsetEvaluation::new(subset, epochs, judgement.looks, judgement.evaluation, judgement.intervals)
    };
    judgements.into_iter().map(of).collect()
}

/// The answers on the last subset that was judged, test where there is one, as they are and with the truth.
type Judged<'a> = (&'a Answers, LabelledPredictions);

fn gallery_section(run: &Run, judged: Option<&Judged<'_>>) -> Vec<Gallery> {
    let Some((answers, predictions)) = judged else { return Vec::new() };
    let all = galleries(predictions, GALLERY).into_iter().map(|gallery| Gallery {
        class: gallery.class,
        right: picked(run, answers, &gallery.right),
        missed: picked(run, answers, &gallery.missed),
        false_alarms: picked(run, answers, &gallery.false_alarms),
    });
    all.collect()
}

/// The pictures of the galleries and the least certain ones, each once, with the class that was named.
pub(crate) fn gallery_answers(run: &Run) -> Result<Vec<(usize, usize)>> {
    let answers = saved_answers(run)?;
    let Some(answers) = answers.values().last() else { return Ok(Vec::new()) };
    let predictions = answers.labelled(run)?;
    let picks = galleries(&predictions, GALLERY)
        .into_iter()
        .flat_map(|gallery| [gallery.right, gallery.missed, gallery.false_alarms].concat())
        .chain(least_certain(&predictions, LEAST_CERTAIN));
    let all: BTreeMap<usize, usize> =
        picks.map(|pick| (answers.indices[pick.index], pick.predicted)).collect();
    Ok(all.into_iter().collect())
}

fn least_certain_section(run: &Run, judged: Option<&Judged<'_>>) -> Vec<Picture> {
    judged.map_or_else(Vec::new, |(answers, predictions)| {
        picked(run, answers, &least_certain(predictions, LEAST_CERTAIN))
    })
}

fn picked(run: &Run, answers: &Answers, picks: &[Pick]) -> Vec<Picture> {
    let wanted = picks.iter().map(|pick| {
        let answer = Answer { predicted: pick.predicted, probability: pick.probability };
        (answers.indices[pick.index], Some(answer))
    });
    pictures(run, wanted.collect())
}

fn recipe_facts(run: &Run, history: &History) -> Vec<Fact> {
    let Recipe { training, augmentation, .. } = &run.recipe;
    let mut facts = vec![
        Fact::new("Architecture", run.recipe.network_name()),
        Fact::new("Parameters", candor_report::count(run.network.parameter_count() as u64)),
        Fact::new("Optimiser", optimizer(&training.optimizer)),
        Fact::new("Learning rate on the way", schedule(training.schedule)),
        Fact::new("Batch size", training.batch_size.to_string()),
        Fact::new("Augmentation", describe_augmentation(augmentation)),
        Fact::new("Seed", training.seed.0.to_string()),
    ];
    facts.extend(unusual_settings(training));
    facts.extend(run.recipe.fairness.iter().map(|fairness| Fact::new("Fair to all", fairness.sentence())));
    facts.extend(group_facts(run));
    if history.finished == Some(Finish::EarlyStopping) {
        let (done, most) = (history.epochs.len(), training.epochs);
        facts.push(Fact::new("Stopped early", format!("after {done} of {most} epochs: no better one came")));
    }
    facts.extend(run.choices.iter().map(chosen));
    facts
}

/// What the training made of the groups that it was to treat alike.
fn group_facts(run: &Run) -> Vec<Fact> {
    let Ok(Some(figures)) = crate::fairness::of_run(run) else { return Vec::new() };
    let name = format!("Groups of “{}” on {}", figures.gaps.attribute, figures.subset);
    vec![Fact::new(name, figures.sentence())]
}

/// Settings that most trainings leave alone, where this one does not.
fn unusual_settings(training: &TrainingRecipe) -> impl Iterator<Item = Fact> {
    let weights = match &training.class_weights {
        ClassWeights::None => None,
        ClassWeights::Balanced => Some("balanced: every class counts the same".to_owned()),
        ClassWeights::Given(weights) => {
            Some(weights.iter().map(f32::to_string).collect::<Vec<_>>().join(", "))
        }
    };
    let number = |name: &str, value: f32| (value > 0.0).then(|| Fact::new(name, value.to_string()));
    let settings = [
        (training.precision == Precision::Bf16).then(|| Fact::new("Multiplied", "numbers rounded to bf16")),
        number("Label smoothing", training.label_smoothing),
        weights.map(|weights| Fact::new("Class weights", weights)),
        number("Gradients shortened to", training.clip_norm),
        number("Share of the past in the averaged weights", training.ema),
    ];
    settings.into_iter().flatten()
}

/// A choice that candor made stands in the report with its reason.
fn chosen(choice: &Choice) -> Fact {
    let name = choice.setting.rsplit('.').next().unwrap_or(&choice.setting).replace('_', " ");
    let Choice { value, reason, flag, .. } = choice;
    Fact::new(
        format!("Chosen by candor: {name}"),
        format!("{value}, because {reason}. To choose yourself: {flag}"),
    )
}

/// `Adam, learning rate 0.001`
pub(crate) fn optimizer(optimizer: &Optimizer) -> String {
    let (name, more) = match optimizer {
        Optimizer::Sgd(sgd) => {
            let kind = if sgd.nesterov { "Nesterov momentum" } else { "momentum" };
            ("SGD", vec![(kind, sgd.momentum), ("decay", sgd.decay)])
        }
        Optimizer::RmsProp(rule) => ("RMSprop", vec![("momentum", rule.momentum)]),
        Optimizer::Adam(_) => ("Adam", vec![]),
        Optimizer::AdamW(_) => ("AdamW", vec![]),
        Optimizer::Lion(_) => ("Lion", vec![]),
    };
    let settings = more.into_iter().chain([("weight decay", optimizer.weight_decay())]);
    let settings = settings.filter(|(_, value)| *value > 0.0).map(|(key, value)| format!(", {key} {value}"));
    format!("{name}, learning rate {}{}", optimizer.learning_rate(), settings.collect::<String>())
}

/// `rises over the first 30%, then falls to zero`
fn schedule(schedule: Schedule) -> String {
    let rise = |warmup: f32| {
        format!("rises over the first {:.0}% of the training, then falls to zero", 100.0 * warmup)
    };
    match schedule {
        Schedule::Constant => "stays the same".to_owned(),
        Schedule::Cosine { warmup: 0.0 } => "falls to zero along a cosine".to_owned(),
        Schedule::Cosine { warmup } | Schedule::OneCycle { warmup } => rise(warmup),
        Schedule::InverseTime { decay } => {
            format!("falls evenly slower, to 1/{} of itself", 1.0 + decay)
        }
        Schedule::Step { every, factor } => {
            format!("is multiplied by {factor} after each {:.0}% of the training", 100.0 * every)
        }
    }
}

/// A network as the report draws it.
pub(crate) fn drawing(name: &str, network: &Network) -> NetworkDrawing {
    NetworkDrawing {
        name: name.to_owned(),
        input: shape(network.input()),
        layers: network.summary().iter().map(layer).collect(),
    }
}

fn layer(summary: &LayerSummary) -> candor_report::Layer {
    candor_report::Layer {
        kind: summary.kind.to_owned(),
        label: label(summary),
        output: shape(summary.output),
        parameters: summary.parameters as u64,
        multiply_adds: summary.multiply_adds,
    }
}

/// `Conv 32 3×3 valid, relu`
pub(crate) fn label(summary: &LayerSummary) -> String {
    let kind = match summary.kind {
        "conv2d" => "Conv",
        "max-pool2d" => "Max pool",
        "avg-pool2d" => "Mean pool",
        "global-max-pool" => "Global max pool",
        "global-avg-pool" => "Global mean pool",
        "flatten" => "Flatten",
        "dense" => "Dense",
        "dropout" => "Dropout",
        "activation" => "Activation",
        other => other,
    };
    format!("{kind} {}", summary.settings).trim_end().to_owned()
}

fn shape(shape: Shape) -> candor_report::Shape {
    match shape {
        Shape::Image { height, width, channels } => candor_report::Shape::Maps { height, width, channels },
        Shape::Features(units) => candor_report::Shape::Vector { units },
    }
}
