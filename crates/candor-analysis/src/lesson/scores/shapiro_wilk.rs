//! The test of Shapiro and Wilk: do values look as if drawn from a normal distribution?
//!
//! S. S. Shapiro and M. B. Wilk, “An analysis of variance test for normality (complete samples)”, Biometrika 52, 1965, in the
//! approximation of P. Royston, “Remark AS R94”, Applied Statistics 44, 1995, which SciPy and R have too.

use serde::Serialize;

use crate::interval::normal::{normal_cdf, normal_quantile};

/// What the test found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ShapiroWilk {
    /// 1 where the values lie as those of a normal distribution do.
    pub w: f64,
    /// The probability of so small a W if they come from one.
    pub p: f64,
}

/// Values that the approximation was made for.
const FEWEST: usize = 3;
const MOST: usize = 5000;

impl ShapiroWilk {
    /// Of 3 to 5000 values that are not all alike; none of others.
    pub fn of(values: &[f64]) -> Option<ShapiroWilk> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        if !(FEWEST..=MOST).contains(&n) || sorted[0] == sorted[n - 1] {
            return None;
        }
        let mean = sorted.iter().sum::<f64>() / n as f64;
        let squares: f64 = sorted.iter().map(|value| (value - mean).powi(2)).sum();
        let weights = weights(n);
        let linear: f64 = weights.iter().enumerate().map(|(i, a)| a * (sorted[n - 1 - i] - sorted[i])).sum();
        let w = (linear * linear / squares).min(1.0);
        Some(ShapiroWilk { w, p: p_value(w, n) })
    }
}

/// Of the upper half of the values, the largest first.
fn weights(n: usize) -> Vec<f64> {
    if n == 3 {
        return vec![0.5_f64.sqrt()];
    }
    let expected = |i: usize| -normal_quantile((i as f64 + 0.625) / (n as f64 + 0.25));
    let m: Vec<f64> = (0..n / 2).map(expected).collect();
    let all = 2.0 * m.iter().map(|m| m * m).sum::<f64>();
    let (length, u) = (all.sqrt(), 1.0 / (n as f64).sqrt());
    let first =
        polynomial(&[0.0, 0.221_157, -0.147_981, -2.071_19, 4.434_685, -2.706_056], u) + m[0] / length;
    if n <= 5 {
        let scale = ((all - 2.0 * m[0] * m[0]) / (1.0 - 2.0 * first * first)).sqrt();
        return (0..n / 2).map(|i| if i == 0 { first } else { m[i] / scale }).collect();
    }
    let second =
        polynomial(&[0.0, 0.042_981, -0.293_762, -1.752_461, 5.682_633, -3.582_633], u) + m[1] / length;
    let rest = all - 2.0 * (m[0] * m[0] + m[1] * m[1]);
    let scale = (rest / (1.0 - 2.0 * (first * first + second * second))).sqrt();
    let weight = |i: usize| [first, second].get(i).copied().unwrap_or(m[i] / scale);
    (0..n / 2).map(weight).collect()
}

fn p_value(w: f64, count: usize) -> f64 {
    let n = count as f64;
    if count == 3 {
        let p = 6.0 / std::f64::consts::PI * (w.sqrt().asin() - 0.75_f64.sqrt().asin());
        return p.clamp(0.0, 1.0);
    }
    let y = (1.0 - w).ln();
    let (value, mean, deviation) = if count <= 11 {
        let limit = polynomial(&[-2.273, 0.459], n);
        if y >= limit {
            return 0.0;
        }
        let mean = polynomial(&[0.544, -0.399_78, 0.025_054, -6.714e-4], n);
        (-(limit - y).ln(), mean, polynomial(&[1.3822, -0.778_57, 0.062_767, -0.002_032_2], n).exp())
    } else {
        let x = n.ln();
        let mean = polynomial(&[-1.5861, -0.310_82, -0.083_751, 0.003_891_5], x);
        (y, mean, polynomial(&[-0.4803, -0.082_676, 0.003_030_2], x).exp())
    };
    normal_cdf(-(value - mean) / deviation)
}

/// Coefficients from the constant on.
fn polynomial(coefficients: &[f64], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_scipy_s_shapiro() {
        let squares: Vec<f64> = (1..=40).map(|i| f64::from(i * i)).collect();
        let cases: [(&[f64], f64, f64); 6] = [
            (&[5.0, 10.0, 15.0, 25.0], 0.971_373_665, 0.849_970_819),
            (
                &[148.0, 154.0, 158.0, 160.0, 161.0, 162.0, 166.0, 170.0, 182.0, 195.0, 236.0],
                0.788_814_695,
                0.006_703_814,
            ),
            (&[0.1, 0.9, 0.2], 0.842_105_263, 0.219_559_185),
            (&[1.0, 2.0, 3.0, 4.0, 9.0], 0.866_960_711, 0.254_333_840),
            (&[2.1, 2.3, 2.2, 2.0, 2.4, 2.2, 6.0, 2.1], 0.506_536_591, 0.000_012_385),
            (&squares, 0.899_290_109, 0.001_823_049),
        ];
        for (values, w, p) in cases {
            let found = ShapiroWilk::of(values).unwrap();
            assert!((found.w - w).abs() < 1e-6 && (found.p - p).abs() < 1e-6, "{found:?}, not {w}, {p}");
        }
        assert_eq!(ShapiroWilk::of(&[1.0, 2.0]), None);
        assert_eq!(ShapiroWilk::of(&[2.0; 9]), None);
    }
}
