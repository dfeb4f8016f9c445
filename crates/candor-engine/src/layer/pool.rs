//! Pooling over windows.

use serde::{Deserialize, Serialize};

use super::conv2d::window_output;
use super::{LayerConfig, LayerProblem, Padding, expect_image, only};
use crate::{Pair, Shape};

macro_rules! pool {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Rows and columns of the window.
            #[serde(default = "two")]
            pub size: Pair,
            /// Steps between two windows; the window's size where it is left out.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub stride: Option<Pair>,
            /// Whether windows may reach over the border; what lies there does not count.
            #[serde(default)]
            pub padding: Padding,
        }

        impl $name {
            /// Square windows of `side` that lie side by side.
            pub fn new(side: usize) -> $name {
                $name { size: Pair::square(side), stride: None, padding: Padding::Valid }
            }

            /// Steps between two windows.
            pub fn stride(&self) -> Pair {
                self.stride.unwrap_or(self.size)
            }
        }

        impl LayerConfig for $name {
            fn describe(&self) -> String {
                let stride = self.stride.map_or(String::new(), |stride| format!(" stride {stride}"));
                let padding = if self.padding == Padding::Same { " same" } else { "" };
                format!("{}{stride}{padding}", self.size)
            }

            fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
                let input = only(inputs)?;
                let (height, width, channels) = expect_image(input)?;
                let (rows, columns) = window_output(height, width, self.size, self.stride(), self.padding)?;
                Ok(Shape::image(rows, columns, channels))
            }
        }
    };
}

pool! {
    /// The largest value in each window. The gradient goes to the first of equal largest values.
    MaxPool2d
}

pool! {
    /// The mean of each window; with `same` padding the mean of what lies inside the picture (TensorFlow's rule).
    AvgPool2d
}

fn two() -> Pair {
    Pair::square(2)
}
