//! Top-k accuracy: how often the true class is among the k most probable ones.

use serde::{Deserialize, Serialize};

use super::{Accuracy, LabelledPredictions, MetricInfo};
use crate::interval::Groups;

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "top_k_accuracy",
    title: "Top-k accuracy",
    shows: "The share of pictures whose true class is among the k most probable ones: how good a short list of \
            suggestions would be.",
    misleads: "Guessing scores k out of the number of classes. It is therefore given only for k up to half of the classes.",
    reference: "Russakovsky et al., ImageNet large scale visual recognition challenge, IJCV 115 (2015), section 4",
};

/// The values of k that an evaluation gives, as far as they are at most half of the classes.
const SHOWN: [usize; 3] = [2, 3, 5];

/// Right answers among the `k` most probable classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopKAccuracy {
    /// Length of the short list.
    pub k: usize,
    /// Pictures whose class is on it, with the 95 % interval of their share.
    pub hits: Accuracy,
}

impl TopKAccuracy {
    /// For one `k`, at least 1. Of equally probable classes the first is named first, so that k = 1 is the accuracy
    /// (scikit-learn's `top_k_accuracy_score` takes the last).
    pub fn of(predictions: &LabelledPredictions, groups: &Groups, k: usize) -> TopKAccuracy {
        TopKAccuracy { k, hits: Accuracy::of_groups(groups, |index| rank_of_truth(predictions, index) < k) }
    }

    /// For k = 2, 3 and 5, as far as they are at most half of the classes.
    pub fn all(predictions: &LabelledPredictions, groups: &Groups) -> Vec<TopKAccuracy> {
        let classes = predictions.classes().len();
        let shown = SHOWN.into_iter().filter(|k| 2 * k <= classes);
        shown.map(|k| TopKAccuracy::of(predictions, groups, k)).collect()
    }
}

/// How many classes are named before the true one.
pub(crate) fn rank_of_truth(predictions: &LabelledPredictions, index: usize) -> usize {
    let (truth, values) = (predictions.truth()[index], predictions.probabilities(index));
    let before =
        |&(class, &value): &(usize, &f32)| value > values[truth] || (value == values[truth] && class < truth);
    values.iter().enumerate().filter(before).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_are_named_in_class_order_and_the_first_name_is_the_accuracy() {
        let classes = ["a", "b", "c", "d"].map(String::from).to_vec();
        let probabilities = vec![0.4, 0.4, 0.2, 0.0, 0.1, 0.2, 0.3, 0.4, 0.25, 0.25, 0.25, 0.25];
        let predictions = LabelledPredictions::new(classes, vec![1, 2, 2], probabilities).unwrap();
        let groups = Groups::singles(3);
        let hits = [1, 2, 3, 4].map(|k| TopKAccuracy::of(&predictions, &groups, k).hits.correct);
        assert_eq!(hits, [0, 2, 3, 3]);
        assert_eq!(TopKAccuracy::all(&predictions, &groups), [TopKAccuracy::of(&predictions, &groups, 2)]);
    }
}
