//! A figure that may not exist: its value, or the reason why there is none.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a figure cannot be computed from these pictures. The text is shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Undefined {
    /// Nothing to find: the class does not occur among the judged pictures.
    #[error("no judged picture is of this class; judge pictures that include it")]
    NoPictureOfClass,
    /// Nothing to tell apart: every judged picture is of this class.
    #[error("every judged picture is of this class, so there is nothing to tell it from")]
    EveryPictureOfClass,
    /// Truth and answers are one and the same class throughout, so chance alone agrees perfectly.
    #[error("all pictures are of one class and all answers name it: chance would do as well")]
    OnlyOneClass,
    /// A mean over classes of which one has no value.
    #[error("at least one class has no value of its own, so there is no mean over the classes")]
    ClassWithoutValue,
}

/// A value, or why there is none. In JSON `{"value": 0.93}` or `{"value": null, "undefined": "only-one-class"}`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    value: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undefined: Option<Undefined>,
}

impl Score {
    /// The value where there is one.
    pub fn value(&self) -> Option<f64> {
        self.value
    }

    /// Why there is no value.
    pub fn undefined(&self) -> Option<Undefined> {
        self.undefined
    }

    /// The plain mean of `scores`, in order; undefined as soon as one of them is.
    pub(crate) fn mean(scores: &[Score]) -> Score {
        let values: Option<Vec<f64>> = scores.iter().map(Score::value).collect();
        match values {
            Some(values) => Score::from(values.iter().sum::<f64>() / values.len() as f64),
            None => Score::from(Undefined::ClassWithoutValue),
        }
    }
}

impl From<f64> for Score {
    fn from(value: f64) -> Score {
        Score { value: Some(value), undefined: None }
    }
}

impl From<Undefined> for Score {
    fn from(reason: Undefined) -> Score {
        Score { value: None, undefined: Some(reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_with_a_hole_in_it_is_no_mean() {
        let (half, one, hole) =
            (Score::from(0.5), Score::from(1.0), Score::from(Undefined::NoPictureOfClass));
        assert_eq!(Score::mean(&[half, one]).value(), Some(0.75));
        assert_eq!(Score::mean(&[half, hole]).undefined(), Some(Undefined::ClassWithoutValue));
    }
}
