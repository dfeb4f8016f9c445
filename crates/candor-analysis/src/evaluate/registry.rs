//! The list of metrics. The report, the command line and the manual read titles and explanations from here.

use super::{
    accuracy, class_distribution, classification_report, confusion_matrix, log_loss, majority_baseline,
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
    log_loss::INFO,
    majority_baseline::INFO,
    classification_report::INFO,
    confusion_matrix::INFO,
    class_distribution::INFO,
];
