//! Brier score: the squared distance between the probabilities and the truth.

use super::{LabelledPredictions, MetricInfo};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "brier_score",
    title: "Brier score",
    shows: "The squared distance between the predicted probabilities and the truth (1 for the true class, 0 for the \
            others), added over the classes and averaged over the pictures: from 0, certain and right, to 2, certain \
            and wrong. Naming k classes with equal probability scores 1 - 1/k.",
    misleads: "It mixes two things, telling classes apart and knowing how sure to be: read it beside the calibration. For \
               two classes many authors give half of it.",
    reference: "Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review 78 (1950)",
};

/// The mean over the pictures of Σ (pₖ − [k is the true class])², in 0..=2: Brier's own definition, for two classes
/// as well (scikit-learn's `brier_score_loss` with `scale_by_half=False`).
pub fn brier_score(predictions: &LabelledPredictions) -> f64 {
    let total: f64 = (0..predictions.len()).map(|index| squared_distance(predictions, index)).sum();
    total / predictions.len() as f64
}

/// One picture's part of the score.
pub(crate) fn squared_distance(predictions: &LabelledPredictions, index: usize) -> f64 {
    let truth = predictions.truth()[index];
    let distance = |(class, &value): (usize, &f32)| f64::from(value) - f64::from(u8::from(class == truth));
    predictions.probabilities(index).iter().enumerate().map(|cell| distance(cell).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_from_certain_and_right_over_undecided_to_certain_and_wrong() {
        for (probabilities, expected) in [([1.0, 0.0], 0.0), ([0.5, 0.5], 0.5), ([0.0, 1.0], 2.0)] {
            let classes = vec!["a".into(), "b".into()];
            let predictions = LabelledPredictions::new(classes, vec![0], probabilities.to_vec()).unwrap();
            assert_eq!(brier_score(&predictions), expected);
        }
    }
}
