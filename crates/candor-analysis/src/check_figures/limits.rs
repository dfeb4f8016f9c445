//! What a number of pictures can show and what not.

use serde::{Deserialize, Serialize};

use crate::evaluate::Interval;
use crate::interval::McNemar;

/// The normal quantiles of a two-sided test at 5 % and of finding what is there 4 times out of 5.
const Z_TEST: f64 = 1.959_963_984_540_054;
const Z_POWER: f64 = 0.841_621_233_572_914;

/// How fine a scale so many pictures are. Differences are between shares, .05 being five points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Judged pictures.
    pub pictures: u64,
    /// The accuracy about which the other values were computed.
    pub accuracy: f64,
    /// Wilson's 95 % interval of that accuracy.
    pub interval: Interval,
    /// The smallest true difference between two models that a two-sided test at 5 % finds 4 times out of 5, when the
    /// models err independently of each other: (z.975 + z.80) √(2 p (1−p) / n), at most 1. Models that err on the
    /// same pictures can be told apart more finely.
    pub smallest_difference: f64,
    /// Pictures by which two models must differ at least for McNemar's exact test to reach 5 %, even if the better is
    /// right wherever the other is.
    pub fewest_pictures: u64,
}

impl Limits {
    /// For `correct` right answers out of `pictures`.
    ///
    /// # Panics
    /// When `pictures` is zero or less than `correct`.
    pub fn of(correct: u64, pictures: u64) -> Limits {
        let (interval, n) = (Interval::of_counts(correct, pictures), pictures as f64);
        let accuracy = correct as f64 / n;
        // At 0 and at 1 the formula would promise that anything can be seen; half a picture keeps it sober.
        let p = accuracy.clamp(0.5 / n, 1.0 - 0.5 / n);
        let smallest = (Z_TEST + Z_POWER) * (2.0 * p * (1.0 - p) / n).sqrt();
        let significant = |&pictures: &u64| McNemar::of_counts(0, pictures).p_value < 0.05;
        let fewest_pictures = (1..).find(significant).expect("the test gets sharper with every picture");
        Limits { pictures, accuracy, interval, smallest_difference: smallest.min(1.0), fewest_pictures }
    }

    /// The smallest difference in accuracy that could ever be told from chance on these pictures.
    pub fn never_below(&self) -> f64 {
        self.fewest_pictures as f64 / self.pictures as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_pictures_show_finer_differences() {
        let limits = Limits::of(111, 235);
        assert!((limits.smallest_difference - 0.129).abs() < 5e-4, "{limits:?}");
        assert_eq!(limits.fewest_pictures, 6, "2 · 2^-5 is above, 2 · 2^-6 below 5 %");
        let sharper = Limits::of(11_100, 23_500);
        assert!((limits.smallest_difference / sharper.smallest_difference - 10.0).abs() < 1e-9);
        assert!(Limits::of(5, 5).smallest_difference > 0.0);
    }
}
