//! Which pictures a model learns from, is chosen by, and is judged on.
//!
//! By class, by seed, and without tearing apart what belongs together: samples of one group, and exact copies of one
//! picture, come into one subset.

use candor_core::{Dataset, Problem, Seed, Split, Subset};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The share of each subset; they add up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fractions {
    /// Share to learn from, above 0.
    pub train: f64,
    /// Share that chooses the best epoch, 0 for none.
    pub validation: f64,
    /// Share to be judged on, 0 for none.
    pub test: f64,
}

impl Default for Fractions {
    /// 70 % train, 10 % validation, 20 % test.
    fn default() -> Fractions {
        Fractions { train: 0.7, validation: 0.1, test: 0.2 }
    }
}

/// A split, and what has to be said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// The assignment.
    pub split: Split,
    /// What the split could not do: a class that is missing in a subset because all its pictures are in one group, or
    /// copies of one picture on both sides of a predefined split.
    pub problems: Vec<Problem>,
}

/// A data set that cannot be split as asked.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The shares make no sense.
    #[error(
        "the shares train {train}, validation {validation}, test {test} must not be negative, train must be above 0, and they must add up to 1"
    )]
    #[allow(missing_docs)]
    Fractions { train: f64, validation: f64, test: f64 },
}

/// Splits the samples of `dataset` by class, by `seed`; the order of the threads plays no part.
///
/// With `predefined` (one subset a sample) that assignment is kept, and only a subset that is missing in it
/// (validation, test) is cut from its train part, in the proportion that `fractions` give to the two.
///
/// # Errors
/// When the shares make no sense, there is nothing to split, or a class has fewer pictures than there are subsets.
pub fn split(
    dataset: &dyn Dataset,
    predefined: Option<&[Subset]>,
    fractions: Fractions,
    seed: Seed,
) -> Result<Parts, SplitError> {
    let _ = (dataset, predefined, fractions, seed);
    todo!()
}
