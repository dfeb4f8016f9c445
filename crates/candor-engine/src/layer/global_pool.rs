//! Pooling over the whole picture: one value a channel.

use serde::{Deserialize, Serialize};

use super::{LayerConfig, LayerProblem, expect_image};
use crate::Shape;

macro_rules! global_pool {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {}

        impl LayerConfig for $name {
            fn describe(&self) -> String {
                String::new()
            }

            fn output_shape(&self, input: Shape) -> Result<Shape, LayerProblem> {
                expect_image(input).map(|(_, _, channels)| Shape::Features(channels))
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
