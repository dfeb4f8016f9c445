//! How exact the operands of a network's products are while it learns.

use serde::{Deserialize, Serialize};

/// The numbers that convolutions and dense layers multiply while a network learns.
///
/// Only the operands of products are concerned, forward and of both gradients. Sums run in `f32`, and the weights themselves,
/// biases, batch norms, losses, gradients and what the optimiser remembers stay `f32`. Depthwise convolutions, and those of
/// inputs with one or three channels, are computed in `f32` always: they have too few products to gain by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Rounded to the nearest number with eight significant bits and the exponents of `f32`, of two to the even one.
    Bf16,
}

impl Precision {
    /// All of them.
    pub const ALL: [Precision; 2] = [Precision::F32, Precision::Bf16];

    /// The word for it in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        }
    }
}
