//! What a run does: the network, its input, the split, the augmentation and the training.
//!
//! What a person types ([`RecipeFile`]: a file, flags, or both) may leave anything out; what it means ([`Recipe`])
//! leaves nothing out and is saved with the run. One function lies between the two: [`resolve`].

mod choose;
mod class_weights;
mod error;
mod fairness;
mod file;
mod freeze;
mod keys;
mod resolve;
mod settings;

use std::path::PathBuf;

use candor_core::{Preprocessing, Seed};
use candor_data::augment::Augmentation;
use candor_data::split::Fractions;
use candor_engine::layer::{Activation, Layer};
use candor_engine::{
    Loss, LossSettings, NamedLayer, Network, Optimizer, Precision, Schedule, Shape, architecture,
};
use serde::{Deserialize, Serialize};

pub use choose::{Choice, Facts};
pub use class_weights::ClassWeights;
pub use error::RecipeError;
pub(crate) use fairness::fairness as fairness_of;
pub use fairness::{FairnessMeans, FairnessRecipe, FairnessWord};
pub use file::{
    AugmentationFile, FairnessFile, LayerText, NetworkFile, OptimizerFile, PreprocessingFile, RecipeFile,
    ScheduleFile, ScheduleKind, SplitFile, TrainingFile,
};
pub use freeze::Freeze;
pub use keys::{KEYS, RecipeKey};
pub(crate) use resolve::describe as describe_augmentation;
pub use resolve::resolve;

/// All settings of a run. The number of threads is none of them: it does not change any result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// What the classifier is for, in the person's words: it changes no weight, but the audit looks for what the law says
    /// of such a use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// How much wider or narrower an architecture's layers are than as published, for those that have a width.
    #[serde(default = "as_published", skip_serializing_if = "is_as_published")]
    pub width_multiplier: f32,
    /// The network.
    #[serde(flatten)]
    pub network: NetworkRecipe,
    /// From a picture to the network's input.
    pub preprocessing: Preprocessing,
    /// Which pictures the model learns from, is chosen by, and is judged on.
    pub split: SplitRecipe,
    /// How the network learns.
    pub training: TrainingRecipe,
    /// How training pictures are varied.
    pub augmentation: Augmentation,
    /// Between whom the training is fair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fairness: Option<FairnessRecipe>,
}

/// A network by its name, or layer by layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NetworkRecipe {
    /// One of candor's architectures, adapted to the input and the classes at hand.
    Architecture(String),
    /// A network of the person's own.
    Network {
        /// From the input to the answer.
        layers: Vec<NamedLayer>,
    },
}

/// Shares of the subsets, and what decides who comes where.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRecipe {
    /// Share to learn from.
    pub train: f64,
    /// Share that chooses the best epoch.
    pub validation: f64,
    /// Share to be judged on.
    pub test: f64,
    /// Of the split alone, so that one split can serve many trainings.
    pub seed: Seed,
}

/// How the network learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecipe {
    /// Passes over the training pictures, at most.
    pub epochs: usize,
    /// Pictures a step.
    pub batch_size: usize,
    /// What learning multiplies.
    #[serde(default)]
    pub precision: Precision,
    /// What is made smaller.
    pub loss: Loss,
    /// Share of the truth that the cross-entropies spread over all classes.
    #[serde(default)]
    pub label_smoothing: f32,
    /// How far the focal loss looks away from what is right already.
    #[serde(default = "usual_focal_gamma")]
    pub focal_gamma: f32,
    /// What each class counts.
    #[serde(default)]
    pub class_weights: ClassWeights,
    /// Of the initial weights, the order of the pictures, dropout and augmentation.
    pub seed: Seed,
    /// Stops after so many epochs without a better one on validation; 0 never stops early.
    pub early_stopping: usize,
    /// What makes an epoch better than another.
    pub keep: Keep,
    /// All gradients together are shortened to this length where they are longer; 0 leaves them as they are.
    #[serde(default)]
    pub clip_norm: f32,
    /// Share of the past in a moving average of the weights, which becomes the model; 0 for none.
    #[serde(default)]
    pub ema: f32,
    /// Layers that do not learn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freeze: Option<Freeze>,
    /// Different variants of each training picture in the whole training; 0 for new ones every epoch.
    #[serde(default)]
    pub variants: usize,
    /// A run or model file whose weights the training begins with, where names and shapes agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init: Option<PathBuf>,
    /// How the loss is made smaller.
    pub optimizer: Optimizer,
    /// How the learning rate changes on the way.
    #[serde(default)]
    pub schedule: Schedule,
}

/// Which epoch's weights become the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// The one with the best validation accuracy; of equals the one with the smaller validation loss.
    #[default]
    Accuracy,
    /// The one with the smallest validation loss.
    Loss,
    /// The last one, whatever validation says.
    Last,
}

impl Recipe {
    /// The recipe as a TOML file, with nothing left out. [`RecipeFile::parse`] reads it back.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a recipe holds nothing that TOML cannot say")
    }

    /// The network for `classes` classes.
    ///
    /// # Errors
    /// When the layers do not fit the input or each other, or the outputs do not fit the classes.
    pub fn build(&self, classes: usize) -> Result<Network, RecipeError> {
        let input = shape_of(&self.preprocessing);
        let network = match &self.network {
            NetworkRecipe::Architecture(name) => self.build_architecture(name, input, classes)?,
            NetworkRecipe::Network { layers } => Network::new(input, layers.iter().cloned())?,
        };
        self.training.class_weights.check(classes)?;
        if let Some(freeze) = &self.training.freeze {
            network.split_after(freeze.last())?;
        }
        match network.output().len() {
            units if units == classes || (units == 1 && classes == 2) => Ok(network),
            units => Err(RecipeError::Outputs { units, classes }),
        }
    }

    fn build_architecture(&self, name: &str, input: Shape, classes: usize) -> Result<Network, RecipeError> {
        let (architecture, width) = (find_architecture(name)?, self.width_multiplier);
        let refuse = |needs| RecipeError::Value { key: "width_multiplier", value: width.to_string(), needs };
        if !(0.05..=8.0).contains(&width) {
            return Err(refuse("from 0.05 to 8"));
        }
        if !architecture.has_width && !is_as_published(&width) {
            return Err(refuse("1: only mobilenet-v2 can be made wider or narrower"));
        }
        Ok(Network::new(input, architecture.layers_of_width(input, classes, width))?)
    }

    /// The architecture's name, or `own layers`.
    pub fn network_name(&self) -> &str {
        match &self.network {
            NetworkRecipe::Architecture(name) => name,
            NetworkRecipe::Network { .. } => "own layers",
        }
    }
}

impl TrainingRecipe {
    /// What the loss is told, where `counts` of each class are learned from.
    pub fn loss_settings(&self, counts: &[usize]) -> LossSettings {
        LossSettings {
            label_smoothing: self.label_smoothing,
            class_weights: self.class_weights.weights(counts),
            focal_gamma: self.focal_gamma,
        }
    }
}

impl SplitRecipe {
    /// The shares alone.
    pub fn fractions(&self) -> Fractions {
        Fractions { train: self.train, validation: self.validation, test: self.test }
    }
}

fn as_published() -> f32 {
    1.0
}

fn is_as_published(width: &f32) -> bool {
    *width == as_published()
}

/// The architecture called `name`.
///
/// # Errors
/// Lists the names that there are.
pub fn find_architecture(name: &str) -> Result<&'static architecture::Architecture, RecipeError> {
    architecture::find(name).ok_or_else(|| RecipeError::Architecture(name.to_owned()))
}

/// The input that the network sees.
pub fn shape_of(preprocessing: &Preprocessing) -> Shape {
    Shape::image(preprocessing.height, preprocessing.width, preprocessing.channels.count())
}

fn usual_focal_gamma() -> f32 {
    LossSettings::default().focal_gamma
}

/// The loss that goes with the last layer of a network of the person's own.
fn loss_for(layers: &[NamedLayer]) -> Loss {
    let activation = layers.last().map(|last| match &last.layer {
        Layer::Dense(dense) => dense.activation,
        Layer::Activation(layer) => layer.function,
        _ => Activation::Linear,
    });
    match activation {
        Some(Activation::Softmax) => Loss::CrossEntropy,
        Some(Activation::Sigmoid) => Loss::BinaryCrossEntropy,
        _ => Loss::MeanSquaredError,
    }
}
