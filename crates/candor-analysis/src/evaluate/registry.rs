//! The list of metrics. The report, the command line and the manual read titles and explanations from here.

use super::{
    accuracy, average_precision, balanced_accuracy, brier_score, calibration, class_distribution,
    classification_report, cohen_kappa, confusion_matrix, log_loss, majority_baseline, matthews_correlation,
    roc_auc, top_k_accuracy,
};

/// What a metric is called and how it should be read. The text is shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricInfo {
    /// The name of its field in [`Evaluation`](super::Evaluation) and in JSON.
    pub id: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// *What it shows.*
    pub shows: &'static str,
    /// *When it misleads.*
    pub misleads: &'static str,
    /// *Reference.*
    pub reference: &'static str,
}

impl MetricInfo {
    /// The metric with this id.
    pub fn find(id: &str) -> Option<&'static MetricInfo> {
        METRICS.iter().find(|metric| metric.id == id)
    }
}

/// Every metric, in the order in which a reader meets them.
pub const METRICS: &[MetricInfo] = &[
    accuracy::INFO,
    balanced_accuracy::INFO,
    top_k_accuracy::INFO,
    log_loss::INFO,
    brier_score::INFO,
    majority_baseline::INFO,
    cohen_kappa::INFO,
    matthews_correlation::INFO,
    classification_report::INFO,
    confusion_matrix::INFO,
    class_distribution::INFO,
    roc_auc::INFO,
    average_precision::INFO,
    calibration::INFO,
];
