//! Balanced accuracy: the mean over the classes of the share that was found.

use super::{ConfusionMatrix, MetricInfo};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "balanced_accuracy",
    title: "Balanced accuracy",
    shows: "The share of right answers within each class, averaged over the classes that occur: every class counts \
            alike, however rare. Always naming one of k classes scores 1/k.",
    misleads: "A class of three pictures weighs as much as one of three thousand, so one rare class can move it a lot.",
    reference: "Brodersen, Ong, Stephan and Buhmann, The balanced accuracy and its posterior distribution, ICPR (2010)",
};

/// The mean recall of the classes that have a picture, in 0..=1. Classes without one are left out, as
/// scikit-learn's `balanced_accuracy_score` does.
pub fn balanced_accuracy(matrix: &ConfusionMatrix) -> f64 {
    let (mut total, mut classes) = (0.0, 0);
    for (class, row) in matrix.counts().iter().enumerate() {
        let support: u64 = row.iter().sum();
        if support > 0 {
            total += row[class] as f64 / support as f64;
            classes += 1;
        }
    }
    total / f64::from(classes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_class_counts_as_much_as_a_frequent_one_and_an_empty_one_not_at_all() {
        let matrix =
            ConfusionMatrix::from_counts(vec![vec![98, 0, 0], vec![2, 0, 0], vec![0, 0, 0]]).unwrap();
        assert_eq!(balanced_accuracy(&matrix), 0.5);
    }
}
