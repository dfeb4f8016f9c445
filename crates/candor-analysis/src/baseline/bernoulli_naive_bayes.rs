//! Naive Bayes on pixels, Bernoulli: each pixel is light or dark.
//!
//! Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, section 13.3.

use ndarray::{Array1, Axis};

use super::naive_bayes::{LinearBayes, binary, log_priors, sums};
use super::{Baseline, BaselineErrorKind, Learned, Lesson, View};

/// A value above it is light.
const LIGHT: f64 = 0.5;

pub(super) static BASELINE: Baseline = Baseline {
    id: "bernoulli-naive-bayes",
    title: "naive Bayes (Bernoulli)",
    view: View::Pixels,
    summary: "Asks of each pixel only whether it is light or dark, as if pixels knew nothing of each other.",
    learn,
};

/// With p the share of light pixels (Laplace smoothing): log p where light and log (1 − p) where dark, as weights
/// log p − log (1 − p) and the sum of log (1 − p).
fn learn(lesson: &Lesson<'_>) -> Result<Box<dyn Learned>, BaselineErrorKind> {
    let threshold = Some(LIGHT);
    let counts: Array1<f64> = lesson.counts().into_iter().map(|count| count as f64 + 2.0).collect();
    let light = (sums(lesson, &binary(&lesson.rows.0, threshold)) + 1.0) / &counts.insert_axis(Axis(1));
    let dark = light.mapv(|share| (1.0 - share).ln());
    let offsets = log_priors(lesson) + dark.sum_axis(Axis(1));
    let weights = light.mapv(f64::ln) - dark;
    Ok(Box::new(LinearBayes { threshold, weights, offsets }))
}
