//! Larger pictures from smaller ones.

use serde::{Deserialize, Serialize};

use super::{LayerConfig, LayerProblem, expect_image, expect_positive, only};
use crate::{Pair, Shape};

/// Every pixel `factor` times, downwards and sideways (nearest neighbour).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Upsample2d {
    /// Rows and columns that a pixel becomes.
    pub factor: Pair,
}

impl LayerConfig for Upsample2d {
    fn describe(&self) -> String {
        self.factor.to_string()
    }

    fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
        let input = only(inputs)?;
        let (height, width, channels) = expect_image(input)?;
        expect_positive("factor", self.factor.rows.min(self.factor.columns))?;
        Ok(Shape::image(height * self.factor.rows, width * self.factor.columns, channels))
    }
}
