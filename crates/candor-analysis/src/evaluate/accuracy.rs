//! Accuracy: the share of pictures whose most probable class is the true one.

use serde::{Deserialize, Serialize};

use super::{ConfusionMatrix, Interval, MetricInfo};
use crate::interval::{Groups, share_interval};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "accuracy",
    title: "Accuracy",
    shows: "The share of pictures whose most probable class is the true one, with the range in which it would fall \
            for other pictures from the same source, 95 times out of 100.",
    misleads: "When one class dominates, always naming that class scores high. On the pictures that the model learned \
               from it says nothing. Pictures that belong together (groups, near copies) are counted \
               as such; where nobody said which belong together, the range is too narrow.",
    reference: "Interval: Agresti & Coull, The American Statistician 52 (1998), with the effective sample size of Korn & \
                Graubard, Survey Methodology 24 (1998), where pictures belong together",
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
    /// The 95 % interval of the ratio; pictures that belong together count as
    /// [`share_interval`](crate::interval::share_interval) has it, where groups were given.
    pub interval: Interval,
}

impl Accuracy {
    /// From the diagonal of the confusion matrix, of pictures that do not depend on each other.
    pub fn of(matrix: &ConfusionMatrix) -> Accuracy {
        Accuracy::of_counts(matrix.correct(), matrix.pictures())
    }

    /// Of the pictures of `groups`, right where `hit` says so; those of one group err together.
    ///
    /// # Panics
    /// When there are no pictures.
    pub fn of_groups(groups: &Groups, hit: impl Fn(usize) -> bool) -> Accuracy {
        let pictures = groups.pictures() as u64;
        let correct = (0..groups.pictures()).filter(|&picture| hit(picture)).count() as u64;
        let interval = share_interval(groups, |picture| Some(hit(picture))).expect("there are pictures");
        Accuracy { correct, pictures, value: correct as f64 / pictures as f64, interval }
    }

    /// From `correct` answers out of `pictures` that do not depend on each other.
    ///
    /// # Panics
    /// When `pictures` is zero or less than `correct`.
    pub fn of_counts(correct: u64, pictures: u64) -> Accuracy {
        let value = correct as f64 / pictures as f64;
        Accuracy { correct, pictures, value, interval: Interval::of_counts(correct, pictures) }
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
