//! Functions applied to each value, and the layer that does only that.

use serde::{Deserialize, Serialize};

use super::{LayerConfig, LayerProblem};
use crate::Shape;

/// A function applied to each value; softmax normalises a whole vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// The value itself.
    #[default]
    Linear,
    /// max(0, x).
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e⁻ˣ).
    Sigmoid,
    /// eˣ divided by the sum of eˣ over the vector.
    Softmax,
}

impl Activation {
    /// The word for it in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Linear => "linear",
            Activation::Relu => "relu",
            Activation::Tanh => "tanh",
            Activation::Sigmoid => "sigmoid",
            Activation::Softmax => "softmax",
        }
    }

    /// Whether it never falls as its input grows, so that it and a maximum may change places.
    pub(crate) fn is_monotonic(self) -> bool {
        !matches!(self, Activation::Softmax)
    }

    /// Whether its derivative can be told from its output; else the input must be kept for it.
    pub(crate) fn gradient_from_output(self) -> bool {
        true
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

    fn output_shape(&self, input: Shape) -> Result<Shape, LayerProblem> {
        self.function.check(input)
    }
}
