//! Pooling over the whole picture: one value a channel.

use serde::{Deserialize, Serialize};

use super::{LayerConfig, LayerProblem, expect_image, only};
use crate::Shape;

macro_rules! global_pool {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Whether a picture of one pixel comes out instead of a vector, for a layer that needs a picture.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            pub keep: bool,
        }

        impl LayerConfig for $name {
            fn describe(&self) -> String {
                if self.keep { "as one pixel".to_owned() } else { String::new() }
            }

            fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, LayerProblem> {
                let input = only(inputs)?;
                let (_, _, channels) = expect_image(input)?;
                Ok(if self.keep { Shape::image(1, 1, channels) } else { Shape::Features(channels) })
            }
        }
    };
}

global_pool! {
    /// The largest value of each channel. The gradient goes to the first of equal largest values.
    GlobalMaxPool
}

global_pool! {
    /// The mean of each channel.
    GlobalAvgPool
}
