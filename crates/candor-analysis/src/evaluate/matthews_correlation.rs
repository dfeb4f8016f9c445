//! Matthews correlation coefficient: how truth and answers vary together.

use super::{ConfusionMatrix, MetricInfo};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "matthews_correlation",
    title: "Matthews correlation",
    shows: "The correlation between true and predicted class, for any number of classes: 1 is perfect, 0 is no relation. \
            It is high only when every class is answered well, rare ones too.",
    misleads: "Where all pictures are of one class, or all answers name one, there is no correlation to measure: it is set \
               to 0 then.",
    reference: "Gorodkin, Comparing two K-category assignments by a K-category correlation coefficient, Computational \
                Biology and Chemistry 28 (2004)",
};

/// Gorodkin's R_K in −1..=1 (for two classes Matthews' coefficient). Where truth or answers do not vary the
/// correlation is 0/0; as scikit-learn's `matthews_corrcoef` this gives 0 then.
pub fn matthews_correlation(matrix: &ConfusionMatrix) -> f64 {
    let (support, predicted) = (matrix.support(), matrix.predicted());
    let n = matrix.pictures() as f64;
    let dot = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(&a, &b)| a as f64 * b as f64).sum::<f64>();
    let covariance = matrix.correct() as f64 * n - dot(&support, &predicted);
    let variances = (n * n - dot(&support, &support)) * (n * n - dot(&predicted, &predicted));
    if variances == 0.0 { 0.0 } else { covariance / variances.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn perfect_inverted_and_without_variation() {
        let cases: [([[u64; 2]; 2], f64); 4] = [
            ([[4, 0], [0, 6]], 1.0),
            ([[0, 4], [6, 0]], -1.0),
            ([[4, 0], [6, 0]], 0.0),
            ([[2, 2], [3, 3]], 0.0),
        ];
        for (counts, expected) in cases {
            let matrix = ConfusionMatrix::from_counts(counts.map(|row| row.to_vec()).to_vec()).unwrap();
            assert!((matthews_correlation(&matrix) - expected).abs() < 1e-15, "{counts:?}");
        }
    }
}
