//! Dropout (Srivastava et al., "Dropout: A simple way to prevent neural networks from overfitting", 2014).

use serde::{Deserialize, Serialize};

use super::{LayerConfig, LayerProblem, only};
use crate::Shape;

/// While training, sets each value to zero with probability `rate` and divides the others by 1 − `rate`; otherwise
/// does nothing. Which values are dropped depends on (seed, step, sample, layer, position) alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// In 0..1.
    pub rate: f32,
}

impl LayerConfig for Dropout {
    fn describe(&self) -> String {
        self.rate.to_string()
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        let input = only(inputs)?;
        if !(0.0..1.0).contains(&self.rate) {
            let value = self.rate.to_string();
            return Err(LayerProblem::Setting { name: "rate", value, needs: "at least 0 and below 1" });
        }
        Ok(input)
    }
}
