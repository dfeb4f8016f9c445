//! Layers that join several tensors into one.

use serde::{Deserialize, Serialize};

use super::{LayerConfig, LayerProblem, expect_image};
use crate::Shape;

/// The sum of two or more inputs of the same shape: what a residual connection ends in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Add {}

/// The channels of two or more inputs of the same height and width behind each other, in the order of the inputs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concat {}

/// The first input times the second, value by value; where the second has one pixel, its values go for every pixel: with
/// a global average pooling that keeps its dimensions and two 1×1 convolutions it makes a squeeze-and-excitation block
/// (Hu et al., 2018).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Multiply {}

impl LayerConfig for Add {
    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        expect_several(inputs)?;
        if inputs.iter().any(|&input| input != inputs[0]) {
            return Err(LayerProblem::Input("it needs inputs of one shape".into()));
        }
        Ok(inputs[0])
    }
}

impl LayerConfig for Concat {
    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        expect_several(inputs)?;
        let (height, width, _) = expect_image(inputs[0])?;
        let mut sum = 0;
        for &input in inputs {
            let (rows, columns, channels) = expect_image(input)?;
            if (rows, columns) != (height, width) {
                return Err(LayerProblem::Input("it needs inputs of one height and width".into()));
            }
            sum += channels;
        }
        Ok(Shape::image(height, width, sum))
    }
}

impl LayerConfig for Multiply {
    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        expect_several(inputs)?;
        let [first, second] = inputs else {
            return Err(LayerProblem::Input("it takes two inputs".into()));
        };
        let (_, _, channels) = expect_image(*first)?;
        if second != first && *second != Shape::image(1, 1, channels) {
            let needs = format!("the second input must have the shape of the first, or 1×1×{channels}");
            return Err(LayerProblem::Input(needs));
        }
        Ok(*first)
    }
}

fn expect_several(inputs: &[Shape]) -> Result<(), LayerProblem> {
    inputs.iter().try_for_each(|&input| expect_image(input).map(|_| ()))?;
    if inputs.len() < 2 {
        return Err(LayerProblem::Input("it joins two or more: name them in `inputs`".into()));
    }
    Ok(())
}
