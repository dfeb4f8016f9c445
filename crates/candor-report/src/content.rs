//! What a report says, as plain values. The order of the fields is the order of the page.

use std::collections::BTreeMap;

use candor_analysis::Evaluation;
use candor_analysis::audit::Finding;
use candor_analysis::baseline::BaselineComparison;
use candor_analysis::evaluate::Interval;
use candor_analysis::explain::gate::Passport;
use candor_analysis::interval::Intervals;
use candor_core::{Image, Preprocessing, Problem, Provenance, SampleId, Subset};
use serde::Serialize;

use crate::figures::Scale;

/// A whole report: the pictures, one model or several side by side, and how to get the same again.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The heading: what was studied.
    pub title: String,
    /// Three lines in plain words. [`Summary::of`] writes them from a model's figures and from the audit.
    pub summary: Summary,
    /// The pictures.
    pub data: Data,
    /// The models, at least one. Several are shown side by side, each under its name.
    pub models: Vec<Model>,
    /// What the comparison of several models teaches, in plain words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lesson: Option<String>,
    /// How far the model may be believed, as far as that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<Audit>,
    /// Where the evidence is, one entry an explanation that was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub explanations: Vec<Explanation>,
    /// The id of the method whose maps stand beside the pictures of the galleries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gallery_maps: Option<String>,
    /// How to get the same result again.
    pub reproduce: Reproduce,
}

/// What one method of explanation showed, or why it shows nothing.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The method's id.
    pub method: String,
    /// What the gate measured; none where the method has nothing to look at in the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passport: Option<Passport>,
    /// Why no map is shown; empty where one is.
    pub refused: Vec<String>,
    /// What is to be said beside the figure: of concepts, how many speak for the class, against it, and neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Share of the evidence for the true class that lies on the border, in 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_on_border: Option<f64>,
    /// The same of the faces in them, and how much of these pictures the faces cover, both in 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_on_face: Option<[f64; 2]>,
    /// The figure, SVG; on the page only.
    #[serde(skip)]
    pub drawing: Option<String>,
}

/// What the checks of the audit found.
#[derive(Clone, Debug, Serialize)]
pub struct Audit {
    /// One entry a check that was asked, in the order of the registry.
    pub findings: Vec<AuditedFinding>,
    /// The ids of the checks that were not asked.
    pub not_asked: Vec<String>,
    /// The command that asks them.
    pub command: String,
}

/// A finding with its pictures.
#[derive(Clone, Debug, Serialize)]
pub struct AuditedFinding {
    /// The verdict with its grounds.
    #[serde(flatten)]
    pub finding: Finding,
    /// The pictures of its evidence, in the order of [`Finding::evidence`]; the finding names them in the JSON.
    #[serde(skip)]
    pub pictures: Vec<Vec<Picture>>,
}

impl Audit {
    /// The finding to read first: the worst, of equals the first.
    pub fn first(&self) -> Option<&Finding> {
        self.findings.iter().map(|audited| &audited.finding).rev().max_by_key(|finding| finding.verdict)
    }
}

/// The top of the report, for a reader who reads nothing else. Plain sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// What was learned.
    pub learned: String,
    /// How sure that is.
    pub certainty: String,
    /// What to look at first.
    pub look_first: String,
}

/// The pictures that the models saw.
#[derive(Clone, Debug, Serialize)]
pub struct Data {
    /// Where they were read from, as the person named it.
    pub source: String,
    /// Class names, in the order of all labels in the report.
    pub classes: Vec<String>,
    /// Pictures of each class in each subset.
    pub counts: Vec<SubsetCounts>,
    /// How many come from where, the place with most pictures first.
    pub origins: Vec<Origin>,
    /// How many belong together, where the source says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupSizes>,
    /// How large the originals are, where known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<PictureSizes>,
    /// What the models see of a picture.
    pub input: Preprocessing,
    /// How the subsets were chosen, in a sentence.
    pub split: String,
    /// A few pictures of each class, for the grid. Without answers. Of more than 60 not all may be shown.
    pub samples: Vec<Picture>,
    /// What was left out, and why. The page lists the first fifty and counts the rest.
    pub left_out: Vec<Problem>,
}

/// Pictures of each class in one subset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubsetCounts {
    /// Which subset.
    pub subset: Subset,
    /// One count a class, in class order.
    pub per_class: Vec<usize>,
}

/// A place that pictures come from: a web site, a file of many pictures, or else the source itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The site's host, the file's name, or the source's.
    pub name: String,
    /// Pictures from there in each subset, in the order of [`Data::counts`].
    pub pictures: Vec<usize>,
}

impl Origin {
    /// Pictures from there in all subsets.
    pub fn total(&self) -> usize {
        self.pictures.iter().sum()
    }
}

/// How pictures of one person, site or burst belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GroupSizes {
    /// Groups.
    pub groups: usize,
    /// Pictures in the smallest one.
    pub smallest: usize,
    /// Pictures in the largest one.
    pub largest: usize,
    /// Pictures that belong to no group.
    pub ungrouped: usize,
}

/// Width and height in pixels of the originals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PictureSizes {
    /// The one with the fewest pixels.
    pub smallest: (usize, usize),
    /// The one in the middle when ordered by pixels.
    pub median: (usize, usize),
    /// The one with the most pixels.
    pub largest: (usize, usize),
}

/// One picture as the report shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Picture {
    /// The pixels. The page shows a thumbnail: hand in what [`thumbnail`](crate::thumbnail) makes of a large original,
    /// so that a thousand of them fit into memory. Not in the JSON.
    #[serde(skip)]
    pub image: Image,
    /// The original's SHA-256.
    pub id: SampleId,
    /// Where the original came from.
    pub provenance: Provenance,
    /// Index of its class.
    pub truth: usize,
    /// What the model said, in a gallery.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Where the evidence for that answer is; on the page only.
    #[serde(skip)]
    pub map: Option<Image>,
}

/// What a model said of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Answer {
    /// Index of the most probable class.
    pub predicted: usize,
    /// Its probability, in 0..=1.
    pub probability: f32,
}

/// One trained model: how it learned, how it was judged, what it is made of.
#[derive(Clone, Debug, Serialize)]
pub struct Model {
    /// What it is called beside the others: `real labels`, `shuffled labels`.
    pub name: String,
    /// One sentence about what is special about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// How it learned.
    pub training: Training,
    /// How it was judged, one entry a subset, in the order train, validation, test.
    pub evaluations: Vec<SubsetEvaluation>,
    /// The model beside simple ones, by subset.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub baselines: BTreeMap<Subset, BaselineComparison>,
    /// Pictures that it got right and wrong, one entry a class.
    pub galleries: Vec<Gallery>,
    /// The pictures that it was least sure of, the least certain first (see
    /// [`candor_analysis::evaluate::least_certain`]). All have answers.
    pub least_certain: Vec<Picture>,
    /// What it is made of. Models with equal drawings share one on the page.
    pub network: NetworkDrawing,
}

impl Model {
    /// The pictures that it answered for, to be changed.
    pub fn answered_mut(&mut self) -> impl Iterator<Item = &mut Picture> {
        fn lists(gallery: &mut Gallery) -> impl Iterator<Item = &mut Picture> {
            let Gallery { right, missed, false_alarms, .. } = gallery;
            right.iter_mut().chain(missed).chain(false_alarms)
        }
        self.galleries.iter_mut().flat_map(lists).chain(&mut self.least_certain)
    }
}

/// How a model learned.
#[derive(Clone, Debug, Serialize)]
pub struct Training {
    /// Loss and accuracy after each epoch.
    pub history: History,
    /// The choices worth knowing: architecture, optimiser, batch size, augmentation, seed.
    pub recipe: Vec<Fact>,
    /// The resolved recipe as it is saved with the run.
    pub recipe_toml: String,
    /// Wall-clock time of the training, in seconds.
    pub seconds: f64,
    /// Pictures learned from a second.
    pub images_per_second: f64,
}

/// A name and its value, as a line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// What it is.
    pub name: String,
    /// Its value, with its unit.
    pub value: String,
}

impl Fact {
    /// A name and its value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Fact {
        Fact { name: name.into(), value: value.into() }
    }
}

/// Loss and accuracy after each epoch, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct History {
    /// What the loss is: `categorical cross-entropy`, `mean squared error`. Shown on the axis.
    pub loss_name: String,
    /// One entry an epoch.
    pub epochs: Vec<Epoch>,
    /// The number of the epoch whose weights were kept, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub best_epoch: Option<usize>,
}

impl History {
    /// Whether any epoch was tried on pictures that the model does not learn from.
    pub fn is_validated(&self) -> bool {
        self.epochs.iter().any(|epoch| epoch.validation.is_some())
    }
}

/// One epoch's figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Epoch {
    /// Its number, counted from 1.
    pub epoch: usize,
    /// On the pictures that the model learns from.
    pub train: Scores,
    /// On the pictures that choose the best epoch, where there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Scores>,
    /// Learning rate at the epoch's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Wall-clock time of the epoch, in seconds.
    pub seconds: f64,
}

/// Loss and accuracy on one subset. A value that is not finite (a training that diverged) is drawn as a gap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// At least 0.
    pub loss: f64,
    /// In 0..=1.
    pub accuracy: f64,
}

/// How a model was judged on one subset.
#[derive(Clone, Debug, Serialize)]
pub struct SubsetEvaluation {
    /// Which subset.
    pub subset: Subset,
    /// How often this subset was looked at so far, this time included. Counted for the test split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub looks: Option<usize>,
    /// All metrics.
    pub evaluation: Evaluation,
    /// How far each of them may be off; without any where the pictures had a part in the training.
    pub intervals: Intervals,
    /// That part in short, where it makes the figures too good: `best of 12 epochs`, `learned from`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_in_training: Option<String>,
}

/// What part the pictures of `subset` had in a training of which the best of `epochs` was kept, where it makes figures of
/// them too good for an interval: the model learned from them, or the epoch was chosen by them.
pub fn part_in_training(subset: Subset, epochs: usize) -> Option<String> {
    match subset {
        Subset::Train => Some("learned from".to_owned()),
        Subset::Validation if epochs > 1 => Some(format!("best of {epochs} epochs")),
        Subset::Validation | Subset::Test => None,
    }
}

impl SubsetEvaluation {
    /// The figures of a subset after a training of `epochs`; intervals are left out where none holds.
    pub fn new(
        subset: Subset,
        epochs: usize,
        looks: Option<usize>,
        evaluation: Evaluation,
        intervals: Intervals,
    ) -> SubsetEvaluation {
        let part_in_training = part_in_training(subset, epochs);
        let intervals = if part_in_training.is_some() { intervals.left_out() } else { intervals };
        SubsetEvaluation { subset, looks, evaluation, intervals, part_in_training }
    }

    /// The figures of `predictions`, each picture independent of the others, with rough intervals: for tests.
    #[cfg(test)]
    pub(crate) fn alone(
        subset: Subset,
        looks: Option<usize>,
        predictions: &candor_analysis::LabelledPredictions,
    ) -> SubsetEvaluation {
        use candor_analysis::interval::{Bootstrap, Groups};
        let evaluation = Evaluation::of(predictions);
        let plan = Bootstrap { resamples: 40, seed: candor_core::Seed(1) };
        let groups = Groups::singles(predictions.len());
        let intervals = Intervals::of(predictions, &evaluation, &groups, plan);
        SubsetEvaluation::new(subset, 1, looks, evaluation, intervals)
    }

    /// `89.3% (88.7% to 89.9%)`, or `91% (best of 12 epochs)` where no interval holds.
    pub fn accuracy_in_words(&self) -> String {
        let (value, interval) = (self.evaluation.accuracy.value, self.accuracy_interval());
        match &self.part_in_training {
            Some(part) => format!("{} ({part})", Scale::PerCent.write(value, interval)),
            None => Scale::PerCent.write_both(value, interval),
        }
    }

    /// The 95 % interval of the accuracy; what belongs together counts as such. Where the pictures had a part in the training
    /// it is good for nothing but the number of digits.
    pub fn accuracy_interval(&self) -> Interval {
        self.intervals.accuracy.unwrap_or(self.evaluation.accuracy.interval)
    }
}

/// Pictures of one class worth looking at, the surest answers first
/// (see [`candor_analysis::evaluate::galleries`]). All pictures have answers.
#[derive(Clone, Debug, Serialize)]
pub struct Gallery {
    /// Index of the class.
    pub class: usize,
    /// Pictures of this class that were given it.
    pub right: Vec<Picture>,
    /// Pictures of this class that were given another one.
    pub missed: Vec<Picture>,
    /// Pictures of another class that were given this one.
    pub false_alarms: Vec<Picture>,
}

/// A network as a person would draw it: blocks from the input to the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NetworkDrawing {
    /// The architecture's name.
    pub name: String,
    /// What goes in.
    pub input: Shape,
    /// The layers in order, at least one.
    pub layers: Vec<Layer>,
}

/// One layer of a drawing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// What kind of layer, for colour and for the table: `Conv2d`, `MaxPool`, `Dense`, `Dropout`.
    pub kind: String,
    /// What it is called in the drawing, with its settings: `Conv 32 3×3 valid, ReLU`.
    pub label: String,
    /// What comes out of it, for one picture.
    pub output: Shape,
    /// Trainable and fixed parameters.
    pub parameters: u64,
    /// Multiply-adds for one picture.
    pub multiply_adds: u64,
}

/// The shape of what flows between layers, for one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Shape {
    /// A stack of maps.
    Maps {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Maps.
        channels: usize,
    },
    /// A list of values.
    Vector {
        /// Values.
        units: usize,
    },
}

impl NetworkDrawing {
    /// Parameters of all layers.
    pub fn parameters(&self) -> u64 {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    /// Multiply-adds of all layers for one picture.
    pub fn multiply_adds(&self) -> u64 {
        self.layers.iter().map(|layer| layer.multiply_adds).sum()
    }
}

/// How to get the same result again.
#[derive(Clone, Debug, Serialize)]
pub struct Reproduce {
    /// The one command.
    pub command: String,
    /// candor's version.
    pub version: String,
    /// The seed of all random decisions.
    pub seed: u64,
    /// Machine, threads, instruction set, fingerprint of the data: whatever else is worth knowing.
    pub facts: Vec<Fact>,
}
