//! The fully connected layer.

use serde::{Deserialize, Serialize};

use super::{Activation, LayerConfig, LayerProblem, ParameterSpec, expect_positive, only};
use crate::Shape;

/// y\[o\] = b\[o\] + Σ w\[o, i\] · x\[i\]: every output sees every input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dense {
    /// Values that come out.
    pub units: usize,
    /// Whether a trained constant is added to each.
    #[serde(default = "yes")]
    pub bias: bool,
    /// Applied to the output.
    #[serde(default)]
    pub activation: Activation,
}

impl Dense {
    /// With bias and this activation.
    pub fn new(units: usize, activation: Activation) -> Dense {
        Dense { units, bias: true, activation }
    }
}

impl LayerConfig for Dense {
    fn describe(&self) -> String {
        format!("{}{}", self.units, self.activation.suffix())
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        let input = only(inputs)?;
        expect_positive("units", self.units)?;
        match input {
            Shape::Features(_) => Ok(Shape::Features(self.units)),
            Shape::Image { .. } => Err(LayerProblem::Input(
                "it needs a vector: put a flatten or global pooling layer before it".into(),
            )),
        }
    }

    fn parameters(&self, input: Shape) -> Vec<ParameterSpec> {
        let inputs = input.len();
        let weight = ParameterSpec::weight(vec![self.units, inputs], inputs, self.units);
        let bias = ParameterSpec::bias(self.units);
        if self.bias { vec![weight, bias] } else { vec![weight] }
    }

    fn multiply_adds(&self, input: Shape, _output: Shape) -> u64 {
        (input.len() * self.units) as u64
    }
}

fn yes() -> bool {
    true
}
