//! Functions applied to each value, and the layer that does only that.

use serde::{Deserialize, Serialize};

use super::{LayerConfig, LayerProblem, only};
use crate::Shape;

/// A function applied to each value; softmax normalises a whole vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// The value itself.
    #[default]
    Linear,
    /// max(0, x).
    Relu,
    /// x where it is positive, else a hundredth of it ([`LEAKY_SLOPE`]; Maas, Hannun and Ng, 2013).
    LeakyRelu,
    /// min(max(0, x), 6) (Howard and others, 2017, as MobileNet has it).
    Relu6,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// x / (1 + e⁻ˣ), also called swish (Elfwing, Uchibe and Doya, 2018).
    Silu,
    /// x · min(max(0, x + 3), 6) / 6, a SiLU of straight lines (Howard and others, 2019, section 5.2).
    HardSwish,
    /// x · Φ(x), where Φ is the standard normal distribution: the exact form with erf, not the one with tanh (Hendrycks
    /// and Gimpel, 2016).
    Gelu,
    /// eˣ divided by the sum of eˣ over the vector.
    Softmax,
}

/// The slope of a leaky ReLU where its input is negative: PyTorch's default (Keras' is .3 or .2, by version).
pub const LEAKY_SLOPE: f32 = 0.01;

impl Activation {
    /// Every activation, in the order of the docs.
    pub const ALL: [Activation; 10] = [
        Activation::Linear,
        Activation::Relu,
        Activation::LeakyRelu,
        Activation::Relu6,
        Activation::Tanh,
        Activation::Sigmoid,
        Activation::Silu,
        Activation::HardSwish,
        Activation::Gelu,
        Activation::Softmax,
    ];

    /// The word for it in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Linear => "linear",
            Activation::Relu => "relu",
            Activation::LeakyRelu => "leaky-relu",
            Activation::Relu6 => "relu6",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::Silu => "silu",
            Activation::HardSwish => "hard-swish",
            Activation::Gelu => "gelu",
            Activation::Softmax => "softmax",
        }
    }

    /// Whether it never falls as its input grows, so that it and a maximum may change places.
    pub(crate) fn is_monotonic(self) -> bool {
        !matches!(self, Activation::Silu | Activation::HardSwish | Activation::Gelu | Activation::Softmax)
    }

    /// Whether its derivative can be told from its output; else the input must be kept for it.
    pub(crate) fn gradient_from_output(self) -> bool {
        !matches!(self, Activation::Silu | Activation::HardSwish | Activation::Gelu)
    }

    /// `, relu` behind a layer's other settings; nothing for the linear one.
    pub(super) fn suffix(self) -> String {
        match self {
            Activation::Linear => String::new(),
            other => format!(", {}", other.name()),
        }
    }

    /// Softmax over feature maps would need to say over what; it is refused.
    pub(super) fn check(self, output: Shape) -> Result<Shape, LayerProblem> {
        match (self, output) {
            (Activation::Softmax, Shape::Image { .. }) => Err(LayerProblem::Input(
                "softmax needs a vector: put it behind a dense or global pooling layer".into(),
            )),
            _ => Ok(output),
        }
    }
}

/// An activation as a layer of its own: `{ kind = "activation", function = "tanh" }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivationLayer {
    /// The function.
    pub function: Activation,
}

impl LayerConfig for ActivationLayer {
    fn describe(&self) -> String {
        self.function.name().to_owned()
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        let input = only(inputs)?;
        self.function.check(input)
    }
}
