//! How good a classifier's answers are: every metric of one subset, gathered in an [`Evaluation`].
//!
//! Each metric is one file with its definition, its code and its tests; [`METRICS`] lists them. All agree with
//! scikit-learn where it has the same metric (`tests/goldens`).

mod accuracy;
mod average_precision;
mod balanced_accuracy;
pub(crate) mod brier_score;
pub(crate) mod calibration;
mod class_distribution;
pub(crate) mod classification_report;
mod cohen_kappa;
mod confusion_matrix;
mod gallery;
mod interval;
pub(crate) mod log_loss;
mod majority_baseline;
mod matthews_correlation;
mod predictions;
pub(crate) mod ranking;
mod registry;
mod roc_auc;
mod score;
pub(crate) mod top_k_accuracy;

use serde::{Deserialize, Serialize};

pub use accuracy::Accuracy;
pub use average_precision::AveragePrecision;
pub use balanced_accuracy::balanced_accuracy;
pub use brier_score::brier_score;
pub use calibration::{Calibration, ReliabilityBin};
pub use class_distribution::ClassDistribution;
pub use classification_report::{ClassScores, ClassificationReport, MeanScores};
pub use cohen_kappa::cohen_kappa;
pub use confusion_matrix::{Confusion, ConfusionMatrix, ConfusionMatrixError};
pub use gallery::{ClassGallery, Pick, galleries, least_certain};
pub use interval::Interval;
pub use log_loss::log_loss;
pub use majority_baseline::MajorityBaseline;
pub use matthews_correlation::matthews_correlation;
pub use predictions::{LabelledPredictions, PredictionsError, PredictionsErrorKind};
pub use registry::{METRICS, MetricInfo};
pub use roc_auc::RocAuc;
pub use score::{Score, Undefined};
pub use top_k_accuracy::TopKAccuracy;

use crate::interval::Groups;

/// Everything that is measured on one subset. In JSON each metric stands under its id in [`METRICS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Class names, in the order of all per-class values.
    pub classes: Vec<String>,
    /// Pictures judged.
    pub pictures: usize,
    /// Share of right answers, with its 95 % interval.
    pub accuracy: Accuracy,
    /// Share of right answers within each class, averaged over the classes that occur.
    pub balanced_accuracy: f64,
    /// Share of pictures whose class is among the k most probable, for a few k; empty below four classes.
    pub top_k_accuracy: Vec<TopKAccuracy>,
    /// Mean surprise about the true class, in nats.
    pub log_loss: f64,
    /// Mean squared distance between probabilities and truth, in 0..=2.
    pub brier_score: f64,
    /// What always naming the most frequent class would reach.
    pub majority_baseline: MajorityBaseline,
    /// Agreement with the truth beyond chance.
    pub cohen_kappa: Score,
    /// Correlation of true and predicted class, in −1..=1.
    pub matthews_correlation: f64,
    /// Precision, recall, F1 and support of each class, and their means.
    pub classification_report: ClassificationReport,
    /// Which class is taken for which.
    pub confusion_matrix: ConfusionMatrix,
    /// Share of each class, real against predicted.
    pub class_distribution: ClassDistribution,
    /// How often a picture of a class is ranked above another, one class against the rest.
    pub roc_auc: RocAuc,
    /// How clean the list of each class's surest pictures is.
    pub average_precision: AveragePrecision,
    /// Whether the model is right as often as it says, in 15 bins.
    pub calibration: Calibration,
}

impl Evaluation {
    /// Measures everything, of pictures that do not depend on each other.
    pub fn of(predictions: &LabelledPredictions) -> Evaluation {
        Evaluation::of_groups(predictions, &Groups::singles(predictions.len()))
    }

    /// Measures everything; pictures of one group err together, which makes the intervals wider.
    ///
    /// # Panics
    /// When `groups` is not a partition of the pictures.
    pub fn of_groups(predictions: &LabelledPredictions, groups: &Groups) -> Evaluation {
        assert_eq!(groups.pictures(), predictions.len(), "every picture belongs to one group");
        let is_right = |index: usize| predictions.predicted()[index] == predictions.truth()[index];
        let confusion_matrix = ConfusionMatrix::of(predictions);
        let rankings = ranking::rankings(predictions);
        Evaluation {
            classes: predictions.classes().to_vec(),
            pictures: predictions.len(),
            accuracy: Accuracy::of_groups(groups, is_right),
            balanced_accuracy: balanced_accuracy(&confusion_matrix),
            top_k_accuracy: TopKAccuracy::all(predictions, groups),
            log_loss: log_loss(predictions),
            brier_score: brier_score(predictions),
            majority_baseline: MajorityBaseline::of(&confusion_matrix),
            cohen_kappa: cohen_kappa(&confusion_matrix),
            matthews_correlation: matthews_correlation(&confusion_matrix),
            classification_report: ClassificationReport::of(predictions.classes(), &confusion_matrix),
            class_distribution: ClassDistribution::of(&confusion_matrix),
            confusion_matrix,
            roc_auc: RocAuc::of(&rankings),
            average_precision: AveragePrecision::of(&rankings),
            calibration: Calibration::of(predictions, Calibration::DEFAULT_BINS),
        }
    }
}
