//! Several p-values at once: whoever asks often enough finds something.

/// Holm's correction (A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6,
/// 1979): p-values that may be held against the usual .05 although several were asked for, in the same order.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, index) in order.into_iter().enumerate() {
        largest = largest.max(p_values[index] * (p_values.len() - rank) as f64).min(1.0);
        corrected[index] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_statsmodels_multipletests() {
        // statsmodels.stats.multitest.multipletests(p, method="holm")[1]
        let cases: [(&[f64], &[f64]); 4] = [
            (&[], &[]),
            (&[0.04], &[0.04]),
            (&[0.01, 0.04, 0.03, 0.005], &[0.03, 0.06, 0.06, 0.02]),
            (&[0.6, 0.5, 0.001], &[1.0, 1.0, 0.003]),
        ];
        for (p_values, expected) in cases {
            let corrected = holm(p_values);
            assert!(corrected.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{corrected:?}");
        }
    }
}
