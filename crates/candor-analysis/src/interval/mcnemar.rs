//! McNemar's exact test: is one of two models right more often on the same pictures?

use serde::{Deserialize, Serialize};

use crate::evaluate::LabelledPredictions;

use super::PairingError;

/// Only pictures on which exactly one of the two is right tell them apart; if the models were equally good each of
/// these would be a coin's toss (McNemar, "Note on the sampling error of the difference between correlated
/// proportions or percentages", Psychometrika 12, 1947; the binomial form). It takes pictures as independent: where
/// many show the same person or site, believe the interval of [`paired_difference`](super::paired_difference).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    /// Pictures that only the first model gets right.
    pub only_first: u64,
    /// Pictures that only the second model gets right.
    pub only_second: u64,
    /// Two-sided probability of a split at least as uneven, in 0..=1.
    pub p_value: f64,
}

impl McNemar {
    /// Compares two models' answers.
    ///
    /// # Errors
    /// When the two did not judge the same pictures.
    pub fn of(first: &LabelledPredictions, second: &LabelledPredictions) -> Result<McNemar, PairingError> {
        PairingError::check(first, second)?;
        let (mut only_first, mut only_second) = (0, 0);
        for (&truth, (&a, &b)) in first.truth().iter().zip(first.predicted().iter().zip(second.predicted())) {
            only_first += u64::from(a == truth && b != truth);
            only_second += u64::from(a != truth && b == truth);
        }
        Ok(McNemar::of_counts(only_first, only_second))
    }

    /// From the two counts.
    pub fn of_counts(only_first: u64, only_second: u64) -> McNemar {
        let (few, all) = (only_first.min(only_second), only_first + only_second);
        // Twice the lower tail of Binomial(all, 1/2); the terms as logarithms, because 2^-all soon underflows.
        let mut log_term = -(all as f64) * std::f64::consts::LN_2;
        let mut tail = log_term.exp();
        for hits in 1..=few {
            log_term += ((all - hits + 1) as f64 / hits as f64).ln();
            tail += log_term.exp();
        }
        McNemar { only_first, only_second, p_value: (2.0 * tail).min(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_scipy_s_binomtest() {
        // scipy.stats.binomtest(few, all, .5).pvalue
        let cases: [(u64, u64, f64); 7] = [
            (0, 0, 1.0),
            (0, 5, 0.0625),
            (0, 6, 0.03125),
            (3, 3, 1.0),
            (10, 25, 0.016673847800121),
            (40, 60, 0.056887933640981),
            (1200, 1300, 0.047681865221043),
        ];
        for (few, many, expected) in cases {
            for test in [McNemar::of_counts(few, many), McNemar::of_counts(many, few)] {
                assert!((test.p_value - expected).abs() < 1e-9, "{test:?} instead of {expected}");
            }
        }
    }
}
