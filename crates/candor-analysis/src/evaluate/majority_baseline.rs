//! The majority baseline: what a model reaches that never looks at the picture.

use serde::{Deserialize, Serialize};

use super::{ConfusionMatrix, MetricInfo};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "majority_baseline",
    title: "Majority baseline",
    shows: "The accuracy of always naming the class that is most frequent among the judged pictures, without looking at \
            any. A model that is not clearly above it has learned nothing useful.",
    misleads: "It is a low bar: a model that reads the background or the photographer passes it as well.",
    reference: "Holte, Very simple classification rules perform well on most commonly used datasets, Machine Learning 11 (1993)",
};

/// Always naming the most frequent class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MajorityBaseline {
    /// The most frequent true class; the first of equals.
    pub class: usize,
    /// Its share of the pictures, in 0..=1.
    pub accuracy: f64,
}

impl MajorityBaseline {
    /// From the rows of the confusion matrix.
    pub fn of(matrix: &ConfusionMatrix) -> MajorityBaseline {
        let support = matrix.support();
        let most = support.iter().copied().max().unwrap_or(0);
        let class = support.iter().position(|&count| count == most).unwrap_or(0);
        MajorityBaseline { class, accuracy: most as f64 / matrix.pictures() as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_the_first_of_the_most_frequent_classes() {
        let matrix = ConfusionMatrix::from_counts(vec![vec![1, 0, 0], vec![2, 1, 0], vec![0, 1, 2]]).unwrap();
        assert_eq!(MajorityBaseline::of(&matrix), MajorityBaseline { class: 1, accuracy: 3.0 / 7.0 });
    }
}
