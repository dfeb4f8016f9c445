//! Zeros around the picture.

use serde::{Deserialize, Serialize};

use super::{LayerConfig, LayerProblem, expect_image, only};
use crate::Shape;

/// Rows and columns of zeros on each side: explicit padding, as networks from elsewhere have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ZeroPad2d {
    /// Rows above.
    pub top: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns on the left.
    pub left: usize,
    /// Columns on the right.
    pub right: usize,
}

impl LayerConfig for ZeroPad2d {
    fn describe(&self) -> String {
        let ZeroPad2d { top, bottom, left, right } = self;
        format!("top {top}, bottom {bottom}, left {left}, right {right}")
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        let input = only(inputs)?;
        let (height, width, channels) = expect_image(input)?;
        Ok(Shape::image(self.top + height + self.bottom, self.left + width + self.right, channels))
    }
}
