//! The layers that a network can be made of: what each is called, what it needs, what shape comes out, which
//! parameters it has. How they are computed stands in `kernel/` and `executor/`.
//!
//! One file a layer; [`KINDS`] is the registry that the recipe, the command line and the docs are fed from.

mod activation;
mod batch_norm;
mod conv2d;
mod dense;
mod dropout;
mod flatten;
mod global_pool;
mod join;
mod pool;
mod upsample;
mod zero_pad;

use serde::{Deserialize, Serialize};

pub use activation::{Activation, ActivationLayer, LEAKY_SLOPE};
pub use batch_norm::BatchNorm;
pub use conv2d::{Conv2d, Padding, WindowGeometry};
pub use dense::Dense;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use global_pool::{GlobalAvgPool, GlobalMaxPool};
pub use join::{Add, Concat, Multiply};
pub use pool::{AvgPool2d, MaxPool2d};
pub use upsample::Upsample2d;
pub use zero_pad::ZeroPad2d;

use crate::Shape;

/// What every layer says of itself.
pub trait LayerConfig {
    /// The settings in a few words, for tables: `32 3×3 valid, relu`.
    fn describe(&self) -> String {
        String::new()
    }

    /// What comes out for one sample of these shapes. Only layers that join take more than one.
    ///
    /// # Errors
    /// A setting that is impossible, or inputs that do not fit.
    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem>;

    /// Its tensors, in PyTorch's order and names.
    fn parameters(&self, _input: Shape) -> Vec<ParameterSpec> {
        Vec::new()
    }

    /// Multiply-adds for one sample, forward. Additions of biases, comparisons and activations are not counted.
    fn multiply_adds(&self, _input: Shape, _output: Shape) -> u64 {
        0
    }
}

/// Why a layer cannot stand where it was put; [`crate::Network`] adds its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerProblem {
    /// The input has the wrong shape; holds what is needed.
    Input(String),
    /// A setting is out of range.
    Setting {
        /// Its name in the recipe.
        name: &'static str,
        /// What was given.
        value: String,
        /// What is allowed.
        needs: &'static str,
    },
}

/// One tensor of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct ParameterSpec {
    /// `weight` or `bias`; the full name is `layer.weight`.
    pub name: &'static str,
    /// In PyTorch's order: `[out, in / groups, rows, columns]`, `[out, in]`, `[out]`.
    pub shape: Vec<usize>,
    /// What it holds before training.
    pub initial: Initial,
    /// Whether gradients change it; the running means of a batch norm follow the data instead.
    pub trained: bool,
}

/// What a tensor holds before training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Initial {
    /// Uniform in ±√(6 / (fan in + fan out)).
    Glorot {
        /// Inputs that one output sums over.
        fan_in: usize,
        /// Outputs that one input reaches.
        fan_out: usize,
    },
    /// The same value everywhere.
    Constant(f32),
}

impl ParameterSpec {
    /// A weight that starts at random.
    pub(crate) fn weight(shape: Vec<usize>, fan_in: usize, fan_out: usize) -> ParameterSpec {
        let initial = Initial::Glorot { fan_in, fan_out };
        ParameterSpec { name: "weight", shape, initial, trained: true }
    }

    /// A bias, which starts at zero.
    pub(crate) fn bias(units: usize) -> ParameterSpec {
        ParameterSpec { name: "bias", shape: vec![units], initial: Initial::Constant(0.0), trained: true }
    }

    /// Values in the tensor.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether the tensor holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

macro_rules! layers {
    ($($(#[$doc:meta])* $variant:ident($config:ty) = $kind:literal: $summary:literal),+ $(,)?) => {
        /// A layer with its settings. In a recipe: `{ kind = "conv2d", filters = 32, kernel = 3 }`.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum Layer {
            $(#[doc = $summary] #[serde(rename = $kind)] $variant($config),)+
        }

        /// Every kind of layer with one line about it, in the order of the docs.
        pub const KINDS: &[(&str, &str)] = &[$(($kind, $summary)),+];

        impl Layer {
            /// The name of its kind, as in a recipe.
            pub fn kind(&self) -> &'static str {
                match self { $(Layer::$variant(_) => $kind),+ }
            }

            /// Its settings, seen through what all layers have in common.
            pub fn config(&self) -> &dyn LayerConfig {
                match self { $(Layer::$variant(config) => config),+ }
            }
        }

        $(impl From<$config> for Layer {
            fn from(config: $config) -> Layer {
                Layer::$variant(config)
            }
        })+
    };
}

layers! {
    Conv2d(Conv2d) = "conv2d": "2-D convolution (cross-correlation), any kernel, stride and groups, valid or same padding",
    MaxPool2d(MaxPool2d) = "max-pool2d": "the largest value in each window",
    AvgPool2d(AvgPool2d) = "avg-pool2d": "the mean of each window; padding does not count",
    GlobalMaxPool(GlobalMaxPool) = "global-max-pool": "the largest value of each channel",
    GlobalAvgPool(GlobalAvgPool) = "global-avg-pool": "the mean of each channel",
    BatchNorm(BatchNorm) = "batch-norm": "brings each channel to mean 0 and variance 1 over the batch, then scales and shifts it",
    Add(Add) = "add": "the sum of several inputs of the same shape (a residual connection)",
    Concat(Concat) = "concat": "the channels of several inputs behind each other",
    Multiply(Multiply) = "multiply": "one input times another, or times one value a channel (squeeze and excitation)",
    ZeroPad2d(ZeroPad2d) = "zero-pad2d": "zeros around the picture",
    Upsample2d(Upsample2d) = "upsample2d": "every pixel repeated (nearest neighbour)",
    Flatten(Flatten) = "flatten": "a picture as a vector, channel by channel (PyTorch's order)",
    Dense(Dense) = "dense": "every output sees every input",
    Dropout(Dropout) = "dropout": "sets values to zero at random while training, and scales the others up",
    Activation(ActivationLayer) = "activation": "a function applied to each value (softmax: to the whole vector)",
}

/// The input of a layer that takes one.
fn only(inputs: &[Shape]) -> Result<Shape, LayerProblem> {
    match inputs {
        [input] => Ok(*input),
        _ => Err(LayerProblem::Input("it takes one input".into())),
    }
}

/// The image that a layer needs as its input.
fn expect_image(input: Shape) -> Result<(usize, usize, usize), LayerProblem> {
    match input {
        Shape::Image { height, width, channels } => Ok((height, width, channels)),
        Shape::Features(_) => Err(LayerProblem::Input(
            "it needs height × width × channels: put it before the flatten or global pooling layer".into(),
        )),
    }
}

fn expect_positive(name: &'static str, value: usize) -> Result<(), LayerProblem> {
    if value == 0 {
        return Err(LayerProblem::Setting { name, value: "0".into(), needs: "at least 1" });
    }
    Ok(())
}
