//! Cohen's kappa: agreement with the truth beyond what chance would give.

use super::{ConfusionMatrix, MetricInfo, Score, Undefined};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "cohen_kappa",
    title: "Cohen's kappa",
    shows: "How much of the agreement that chance leaves open the model reaches: 1 is perfect, 0 is what naming each \
            class as often as the model does, but at random, would give; below 0 is worse than that.",
    misleads: "Its size depends on how frequent the classes are: values of data sets with other shares cannot be compared, \
               and the customary words for it (fair, moderate, ...) are arbitrary.",
    reference: "Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20 (1960)",
};

/// (observed − expected agreement) / (1 − expected agreement), at most 1. Undefined when truth and answers are one
/// and the same class throughout.
pub fn cohen_kappa(matrix: &ConfusionMatrix) -> Score {
    let n = matrix.pictures() as f64;
    let expected: f64 =
        matrix.support().iter().zip(matrix.predicted()).map(|(&t, p)| t as f64 * p as f64).sum::<f64>() / n;
    // Both sides are whole numbers of pictures times n here, so "equal" is exact and not a matter of rounding.
    if expected == n {
        return Undefined::OnlyOneClass.into();
    }
    Score::from((matrix.correct() as f64 - expected) / (n - expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cohen_s_own_example_and_the_case_without_an_answer() {
        // Cohen (1960), table 1, as counts out of 200: kappa = .492.
        let counts = vec![vec![88, 14, 18], vec![10, 40, 10], vec![2, 6, 12]];
        let value = cohen_kappa(&ConfusionMatrix::from_counts(counts).unwrap()).value().unwrap();
        assert!((value - 0.492).abs() < 5e-4, "{value}");
        let one = ConfusionMatrix::from_counts(vec![vec![3, 0], vec![0, 0]]).unwrap();
        assert_eq!(cohen_kappa(&one).undefined(), Some(Undefined::OnlyOneClass));
        let missed = ConfusionMatrix::from_counts(vec![vec![0, 3], vec![0, 0]]).unwrap();
        assert_eq!(cohen_kappa(&missed).value(), Some(0.0));
    }
}
