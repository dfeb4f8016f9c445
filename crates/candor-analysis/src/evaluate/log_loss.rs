//! Log loss: how surprised the model is by the truth.

use super::{LabelledPredictions, MetricInfo};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "log_loss",
    title: "Log loss",
    shows: "How surprised the model is by the true class, on average: the negative logarithm of the probability that \
            it gave to it, in nats. 0 is certainty about the truth; naming k classes with equal probability costs ln k.",
    misleads: "A few confident errors outweigh many good answers. Values of data sets with different numbers of classes \
               cannot be compared.",
    reference: "Good, Rational decisions, Journal of the Royal Statistical Society B 14 (1952)",
};

/// The mean of −ln p(true class) in nats (cross-entropy), at least 0. Probabilities are clipped to ε..=1−ε with
/// the ε of single precision, 2⁻²³, as scikit-learn's `log_loss` does for such values: certainty about a wrong class
/// costs 15.9 instead of infinity.
pub fn log_loss(predictions: &LabelledPredictions) -> f64 {
    let total: f64 = (0..predictions.len()).map(|index| surprise(predictions, index)).sum();
    total / predictions.len() as f64
}

/// One picture's part of the loss.
pub(crate) fn surprise(predictions: &LabelledPredictions, index: usize) -> f64 {
    let probability = predictions.probabilities(index)[predictions.truth()[index]];
    -f64::from(probability.clamp(f32::EPSILON, 1.0 - f32::EPSILON)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undecided_costs_ln_k_and_certainty_about_a_wrong_class_stays_finite() {
        let loss = |truth, probabilities: [f32; 4]| {
            let classes = ["a", "b", "c", "d"].map(String::from).to_vec();
            log_loss(&LabelledPredictions::new(classes, vec![truth], probabilities.to_vec()).unwrap())
        };
        assert!((loss(2, [0.25; 4]) - 4f64.ln()).abs() < 1e-12);
        assert!((loss(0, [0.0, 1.0, 0.0, 0.0]) - 15.942_385).abs() < 1e-6);
        assert!(loss(1, [0.0, 1.0, 0.0, 0.0]) < 2e-7);
    }
}
