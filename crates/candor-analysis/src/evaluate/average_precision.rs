//! Average precision: how clean the list of a class's surest pictures is.

use serde::{Deserialize, Serialize};

use super::ranking::Ranking;
use super::{MetricInfo, Score};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "average_precision",
    title: "Average precision",
    shows: "For each class: go down the list of pictures from the highest probability of it; the average, over its own \
            pictures, of the share of right ones down to there. 1 is a list with all of them first; chance is the \
            share of the class.",
    misleads: "Chance is the class's share, so classes of different frequency, and data sets with different shares, cannot \
               be compared.",
    reference: "Davis and Goadrich, The relationship between precision-recall and ROC curves, ICML (2006); without \
                interpolation, as scikit-learn",
};

/// The area under the curve of precision against recall as a sum of steps, one class against the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AveragePrecision {
    /// One value a class, in class order, in 0..=1. Undefined where no picture is of the class: scikit-learn's
    /// `average_precision_score` warns and returns 0 there, which would read as a bad model.
    pub classes: Vec<Score>,
    /// The plain mean over the classes; undefined as soon as one class has no value.
    pub macro_mean: Score,
}

impl AveragePrecision {
    pub(super) fn of(rankings: &[Ranking]) -> AveragePrecision {
        let classes: Vec<Score> = rankings.iter().map(|ranking| ranking.average_precision(|_| 1)).collect();
        AveragePrecision { macro_mean: Score::mean(&classes), classes }
    }
}
