//! How small a difference the test could have detected.

use crate::interval::normal::normal_cdf;

/// Four times out of five.
const POWER: f64 = 0.8;

/// Added to the variance of a group's number of mistakes, so that one mistake in a tiny group is not among the largest of
/// all statistics (as in Tusher, Tibshirani and Chu, Significance analysis of microarrays applied to the ionizing radiation
/// response, PNAS 98, 2001).
pub(super) const STEADY: f64 = 0.5;

/// The statistic whose spread hardly depends on the number of groups: the cube root of chi-squared (Wilson and Hilferty,
/// The distribution of chi-square, PNAS 17, 1931).
pub(super) fn cube_root(chi_squared: f64) -> f64 {
    chi_squared.max(0.0).cbrt()
}

/// Of the cube root of chi-squared with so many degrees of freedom: its mean and its standard deviation.
fn wilson_hilferty(degrees: f64) -> (f64, f64) {
    let variance = 2.0 / (9.0 * degrees);
    (degrees.cbrt() * (1.0 - variance), degrees.cbrt() * variance.sqrt())
}

/// What the cube root of chi-squared deviates by where mistakes are not rare: rarer ones are not weighed up to it.
pub(super) fn least_deviation(degrees: f64) -> f64 {
    wilson_hilferty(degrees).1
}

/// By how much chi-squared is larger than it would be of independent pictures, from the mean of its cube root.
pub(super) fn inflation(mean_cube_root: f64, degrees: f64) -> f64 {
    let (mean, _) = wilson_hilferty(degrees);
    (mean_cube_root / mean).powi(3)
}

/// The smallest difference between one group and all others together that is found four times out of five, the smallest
/// group taken. `sizes` are the independent pictures of each group, `share` is that of all, and `critical` the number of
/// standard deviations above which the largest of all statistics is rejected. `None` where not even the largest possible
/// difference is found so often.
pub(super) fn smallest_detectable(sizes: &[f64], share: f64, critical: f64) -> Option<f64> {
    let degrees = sizes.len() as f64 - 1.0;
    let (mean, deviation) = wilson_hilferty(degrees);
    let threshold = (mean + critical * deviation).max(0.0).powi(3);
    let all: f64 = sizes.iter().sum();
    let smallest = sizes.iter().copied().fold(all, f64::min);
    // Of a share above one half a group can be better by more than it can be worse.
    let share = share.min(1.0 - share);
    let needed = bisect(0.0, 1e4, |noncentrality| exceeds(threshold, degrees, noncentrality) >= POWER)?;
    let noncentrality = |difference: f64| {
        let pooled = share + difference * smallest / all;
        let of = |n: f64| {
            let beyond = difference * smallest * (all - smallest) / all;
            beyond.powi(2) / (n * pooled * (1.0 - pooled) + STEADY)
        };
        of(smallest) + of(all - smallest)
    };
    bisect(0.0, 1.0 - share, |difference| noncentrality(difference) >= needed)
}

/// Where a condition that holds from some point on begins to hold. `None` where it does not hold at `high`.
fn bisect(mut low: f64, mut high: f64, holds: impl Fn(f64) -> bool) -> Option<f64> {
    if !holds(high) {
        return None;
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if holds(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

/// The probability that noncentral chi-squared exceeds `x` (Sankaran, On the non-central chi-square distribution,
/// Biometrika 46, 1959).
fn exceeds(x: f64, degrees: f64, noncentrality: f64) -> f64 {
    let (k, l) = (degrees, noncentrality);
    let h = 1.0 - 2.0 * (k + l) * (k + 3.0 * l) / (3.0 * (k + 2.0 * l).powi(2));
    let p = (k + 2.0 * l) / (k + l).powi(2);
    let m = (h - 1.0) * (1.0 - 3.0 * h);
    let mean = 1.0 + h * p * (h - 1.0 - 0.5 * (2.0 - h) * m * p);
    let deviation = h * (2.0 * p).sqrt() * (1.0 + 0.5 * m * p);
    1.0 - normal_cdf(((x / (k + l)).powf(h) - mean) / deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exceeding_equals_scipy() {
        // scipy.stats.ncx2.sf(x, degrees, noncentrality); Sankaran's formula is good to about .005.
        let cases = [
            (3.841459, 1.0, 7.85, 0.80006),
            (5.991465, 2.0, 9.63, 0.79980),
            (11.0705, 5.0, 12.83, 0.80009),
            (20.0, 3.0, 4.5, 0.02123),
        ];
        for (x, degrees, noncentrality, expected) in cases {
            assert!((exceeds(x, degrees, noncentrality) - expected).abs() < 0.005, "{x}");
        }
    }

    #[test]
    fn of_one_hypothesis_it_is_the_textbooks() {
        // Chi-squared with one degree of freedom is rejected above 3.84: some 1.64 standard deviations of its cube root.
        let (mean, deviation) = wilson_hilferty(1.0);
        let critical = (3.841459_f64.cbrt() - mean) / deviation;
        let found = smallest_detectable(&[392.0, 392.0], 0.45, critical).unwrap();
        // Two groups of 392 near one half: ten points (Cohen's h = .2, power .80).
        assert!((found - 0.1).abs() < 0.003, "{found}");
    }

    #[test]
    fn it_is_never_above_one_hundred_points() {
        assert_eq!(smallest_detectable(&[2.0, 3.0], 0.2, 3.0), None);
        assert_eq!(smallest_detectable(&[20.0, 20.0], 0.98, 60.0), None);
        let few = smallest_detectable(&[20.0, 200.0], 0.0, 3.0).unwrap();
        assert!(few > 0.02 && few < 0.4, "{few}");
        let more = smallest_detectable(&[200.0, 200.0], 0.1, 4.0).unwrap();
        assert!(more < smallest_detectable(&[100.0, 200.0], 0.1, 4.0).unwrap());
        assert!(more > smallest_detectable(&[200.0, 200.0], 0.1, 3.0).unwrap());
        assert!((inflation(wilson_hilferty(2.0).0, 2.0) - 1.0).abs() < 1e-12);
    }
}
