//! Naive Bayes on pixels, multinomial: a picture is light that falls on the pixels by the chances of its class.
//!
//! Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, section 13.2.

use ndarray::Axis;

use super::naive_bayes::{LinearBayes, log_priors, sums};
use super::{Baseline, BaselineErrorKind, Learned, Lesson, View};

pub(super) static BASELINE: Baseline = Baseline {
    id: "multinomial-naive-bayes",
    title: "naive Bayes (multinomial)",
    view: View::Pixels,
    summary: "Looks where the light of a picture falls, as if pixels knew nothing of each other; how much light there \
              is does not matter.",
    learn,
};

/// The weights are the logarithms of each pixel's share of a class's light (Laplace smoothing).
fn learn(lesson: &Lesson<'_>) -> Result<Box<dyn Learned>, BaselineErrorKind> {
    let light = sums(lesson, &lesson.rows.0) + 1.0;
    let all = light.sum_axis(Axis(1)).insert_axis(Axis(1));
    let weights = (light / all).mapv(f64::ln);
    Ok(Box::new(LinearBayes { threshold: None, weights, offsets: log_priors(lesson) }))
}
