//! What training makes smaller.

use serde::{Deserialize, Serialize};

/// How far the outputs are from the truth, as a mean over the samples of a batch.
///
/// With one output unit the truth is 0 or 1; with more, it is one-hot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Categorical cross-entropy of a softmax: −ln p\[truth\].
    #[default]
    CrossEntropy,
    /// Binary cross-entropy of a sigmoid: −y ln p − (1 − y) ln (1 − p), a mean over the units.
    BinaryCrossEntropy,
    /// (p − y)², a mean over the units.
    MeanSquaredError,
}

impl Loss {
    /// The word for it in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Loss::CrossEntropy => "cross-entropy",
            Loss::BinaryCrossEntropy => "binary-cross-entropy",
            Loss::MeanSquaredError => "mean-squared-error",
        }
    }
}
