//! Accuracy: the share of pictures whose most probable class is the true one.

use serde::{Deserialize, Serialize};

use super::{ConfusionMatrix, Interval, MetricInfo};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "accuracy",
    title: "Accuracy",
    shows: "The share of pictures whose most probable class is the true one, with the range in which it would fall \
            for other pictures from the same source, 95 times out of 100.",
    misleads: "When one class dominates, always naming that class scores high. On the pictures that the model learned \
               from it says nothing. The range is too narrow when several pictures show the same person or place.",
    reference: "Interval: Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927)",
};

/// Right answers out of all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Accuracy {
    /// Right answers.
    pub correct: u64,
    /// All answers.
    pub pictures: u64,
    /// Their ratio, in 0..=1.
    pub value: f64,
    /// Wilson's 95 % interval of the ratio.
    pub interval: Interval,
}

impl Accuracy {
    /// From the diagonal of the confusion matrix.
    pub fn of(matrix: &ConfusionMatrix) -> Accuracy {
        Accuracy::of_counts(matrix.correct(), matrix.pictures())
    }

    /// From `correct` answers out of `pictures`.
    ///
    /// # Panics
    /// When `pictures` is zero or less than `correct`.
    pub fn of_counts(correct: u64, pictures: u64) -> Accuracy {
        let value = correct as f64 / pictures as f64;
        Accuracy { correct, pictures, value, interval: Interval::wilson(correct, pictures) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_matrix_contradicts_the_published_accuracies() {
        let published = [[30, 14, 0, 15], [8, 30, 9, 19], [9, 13, 20, 8], [14, 12, 3, 31]];
        let matrix = ConfusionMatrix::from_counts(published.map(|row| row.to_vec()).to_vec()).unwrap();
        let accuracy = Accuracy::of(&matrix);
        assert_eq!((accuracy.correct, accuracy.pictures), (111, 235));
        assert!(!accuracy.interval.contains(0.571) && !accuracy.interval.contains(0.546), "{accuracy:?}");
    }
}
