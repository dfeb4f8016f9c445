//! A picture as a vector.

use serde::{Deserialize, Serialize};

use super::{LayerConfig, LayerProblem, only};
use crate::Shape;

/// A picture as a vector, channel by channel, each row by row: PyTorch's order, so that the weights of the dense
/// layer behind it are exchangeable with PyTorch's (Keras has the channels innermost).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

impl LayerConfig for Flatten {
    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        let input = only(inputs)?;
        Ok(Shape::Features(input.len()))
    }
}
