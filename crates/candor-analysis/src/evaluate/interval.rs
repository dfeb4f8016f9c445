//! How far a share that was measured on `n` pictures may be off.

use serde::{Deserialize, Serialize};

/// The 97.5 % quantile of the standard normal distribution: two-sided 95 %.
const Z_95: f64 = 1.959_963_984_540_054;

/// A 95 % confidence interval of a share, within 0..=1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Wilson's score interval for `successes` out of `trials` (E. B. Wilson, "Probable inference, the law of
    /// succession, and statistical inference", JASA 22, 1927, without continuity correction). Unlike the textbook
    /// interval p ± 1.96 √(p(1−p)/n) it stays within 0..=1 and does not shrink to a point at 0 or 100 %.
    /// It knows only chance in the choice of pictures: pictures that depend on each other (one person's, one
    /// site's) make it too narrow.
    ///
    /// # Panics
    /// When `trials` is zero or `successes` is more than `trials`.
    pub fn wilson(successes: u64, trials: u64) -> Interval {
        assert!(trials > 0 && successes <= trials, "{successes} of {trials} is not a share");
        let (p, n, z2) = (successes as f64 / trials as f64, trials as f64, Z_95 * Z_95);
        let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z_95 / (1.0 + z2 / n) * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
        // At 0 and at n one end is exact; rounding would leave it a hair away.
        let low = if successes == 0 { 0.0 } else { centre - half };
        let high = if successes == trials { 1.0 } else { centre + half };
        Interval { low, high }
    }

    /// [`Interval::wilson`] of a share of `trials`, to the nearest whole number of successes.
    ///
    /// # Panics
    /// When `trials` is zero or `share` lies outside 0..=1.
    pub fn of_share(share: f64, trials: usize) -> Interval {
        Interval::wilson((share * trials as f64).round() as u64, trials as u64)
    }

    /// Whether `value` lies within, ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// Upper less lower end.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_pictures_narrow_it_and_the_ends_are_exact() {
        let none = Interval::wilson(0, 10);
        assert_eq!(none.low, 0.0);
        assert!((none.high - 0.277_533).abs() < 1e-6, "{none:?}");
        assert_eq!(Interval::wilson(10, 10).high, 1.0);
        let widths = [10, 100, 1000].map(|n| Interval::wilson(n / 2, n).width());
        assert!(widths.is_sorted_by(|a, b| a > b), "{widths:?}");
    }

    #[test]
    #[should_panic(expected = "3 of 2 is not a share")]
    fn more_successes_than_trials_are_no_share() {
        Interval::wilson(3, 2);
    }
}
