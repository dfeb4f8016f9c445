//! How good a classifier's answers are: every metric of one subset, gathered in an [`Evaluation`].
//!
//! Each metric is one file with its definition, its code and its tests; [`METRICS`] lists them. All agree with
//! scikit-learn where it has the same metric (`tests/goldens`).

mod accuracy;
mod class_distribution;
mod classification_report;
mod confusion_matrix;
mod gallery;
mod interval;
mod log_loss;
mod majority_baseline;
mod predictions;
mod registry;

use serde::{Deserialize, Serialize};

pub use accuracy::Accuracy;
pub use class_distribution::ClassDistribution;
pub use classification_report::{ClassScores, ClassificationReport, MeanScores};
pub use confusion_matrix::{Confusion, ConfusionMatrix, ConfusionMatrixError};
pub use gallery::{ClassGallery, Pick, galleries};
pub use interval::Interval;
pub use log_loss::log_loss;
pub use majority_baseline::MajorityBaseline;
pub use predictions::{LabelledPredictions, PredictionsError, PredictionsErrorKind};
pub use registry::{METRICS, MetricInfo};

/// Everything that is measured on one subset. In JSON each metric stands under its id in [`METRICS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Class names, in the order of all per-class values.
    pub classes: Vec<String>,
    /// Pictures judged.
    pub pictures: usize,
    /// Share of right answers, with its 95 % interval.
    pub accuracy: Accuracy,
    /// Mean surprise about the true class, in nats.
    pub log_loss: f64,
    /// What always naming the most frequent class would reach.
    pub majority_baseline: MajorityBaseline,
    /// Precision, recall, F1 and support of each class, and their means.
    pub classification_report: ClassificationReport,
    /// Which class is taken for which.
    pub confusion_matrix: ConfusionMatrix,
    /// Share of each class, real against predicted.
    pub class_distribution: ClassDistribution,
}

impl Evaluation {
    /// Measures everything.
    pub fn of(predictions: &LabelledPredictions) -> Evaluation {
        let confusion_matrix = ConfusionMatrix::of(predictions);
        Evaluation {
            classes: predictions.classes().to_vec(),
            pictures: predictions.len(),
            accuracy: Accuracy::of(&confusion_matrix),
            log_loss: log_loss(predictions),
            majority_baseline: MajorityBaseline::of(&confusion_matrix),
            classification_report: ClassificationReport::of(predictions.classes(), &confusion_matrix),
            class_distribution: ClassDistribution::of(&confusion_matrix),
            confusion_matrix,
        }
    }
}
