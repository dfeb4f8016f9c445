//! Batch normalisation.

use serde::{Deserialize, Serialize};

use super::{Initial, LayerConfig, LayerProblem, ParameterSpec, only};
use crate::Shape;

/// Batch normalisation (Ioffe and Szegedy, 2015, algorithm 1): y = γ · (x − μ) / √(σ² + ε) + β, for each channel of a
/// picture or each value of a vector.
///
/// While training, μ and σ² are the mean and the (biased) variance over the batch and all pixels, and running means of
/// both are kept: r ← (1 − momentum) · r + momentum · new, the variance unbiased, as PyTorch has it. When the network
/// answers, the running means stand for them. Settings are PyTorch's; Keras' `momentum` is one minus this one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// The share of a new batch in the running means, in 0..=1.
    #[serde(default = "momentum")]
    pub momentum: f32,
    /// Added to the variance; above 0.
    #[serde(default = "epsilon")]
    pub epsilon: f32,
}

impl Default for BatchNorm {
    fn default() -> BatchNorm {
        BatchNorm { momentum: momentum(), epsilon: epsilon() }
    }
}

impl LayerConfig for BatchNorm {
    fn describe(&self) -> String {
        let momentum =
            if self.momentum == momentum() { String::new() } else { format!("momentum {}", self.momentum) };
        let epsilon =
            if self.epsilon == epsilon() { String::new() } else { format!(" epsilon {}", self.epsilon) };
        format!("{momentum}{epsilon}").trim().to_owned()
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        let input = only(inputs)?;
        let refuse =
            |name, value: f32, needs| Err(LayerProblem::Setting { name, value: value.to_string(), needs });
        if !(0.0..=1.0).contains(&self.momentum) {
            return refuse("momentum", self.momentum, "from 0 to 1");
        }
        if !(self.epsilon > 0.0 && self.epsilon.is_finite()) {
            return refuse("epsilon", self.epsilon, "above 0");
        }
        Ok(input)
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let channels = match input {
            Shape::Image { channels, .. } | Shape::Features(channels) => channels,
        };
        let tensor = |name, value, trained| ParameterSpec {
            name,
            shape: vec![channels],
            initial: Initial::Constant(value),
            trained,
        };
        vec![
            tensor("weight", 1.0, true),
            tensor("bias", 0.0, true),
            tensor("running_mean", 0.0, false),
            tensor("running_var", 1.0, false),
        ]
    }
}

fn momentum() -> f32 {
    0.1
}

fn epsilon() -> f32 {
    1e-5
}
