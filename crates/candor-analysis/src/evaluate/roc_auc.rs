//! ROC AUC: how often a picture of a class is ranked above a picture of another.

use serde::{Deserialize, Serialize};

use super::ranking::Ranking;
use super::{MetricInfo, Score};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "roc_auc",
    title: "ROC AUC",
    shows: "For each class: the probability that a picture of it gets a higher probability of it than a picture of \
            another class does. 1 is a perfect order, .5 is chance. It needs no threshold.",
    misleads: "With a rare class it stays high although most alarms are false: read the average precision beside it. It \
               says nothing on whether the probabilities themselves are right.",
    reference: "Hanley and McNeil, The meaning and use of the area under a receiver operating characteristic (ROC) curve, \
                Radiology 143 (1982)",
};

/// The area under the curve of true against false positives, one class against the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RocAuc {
    /// One value a class, in class order, in 0..=1. Undefined where no picture, or every picture, is of the class.
    pub classes: Vec<Score>,
    /// The plain mean over the classes; undefined as soon as one class has no value, as in scikit-learn's
    /// `roc_auc_score` with `multi_class="ovr"`.
    pub macro_mean: Score,
}

impl RocAuc {
    pub(super) fn of(rankings: &[Ranking]) -> RocAuc {
        let classes: Vec<Score> = rankings.iter().map(|ranking| ranking.roc_auc(|_| 1)).collect();
        RocAuc { macro_mean: Score::mean(&classes), classes }
    }
}
