//! The points, the line that fits them best, and the descent to it.

use super::{Fit, MOST_STEPS, Outcome, RegressionError, Step, TriedRate};
use crate::evaluate::Interval;
use crate::interval::student::two_sided_quantile;

/// It has arrived where the gradient is this share of what it was.
const ARRIVED: f64 = 1e-7;
/// And it flies off where the gradient is so many times what it was.
const FLOWN: f64 = 1e9;
/// Steps that are kept from the beginning on; later ones with growing gaps.
const KEPT: usize = 30;
const KEPT_GROWTH: f64 = 1.04;

pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    sum / count as f64
}

/// The points and the means that the gradient needs.
pub(super) struct Points<'a> {
    x: &'a [f64],
    y: &'a [f64],
    mean_x: f64,
    mean_y: f64,
    mean_xx: f64,
    mean_xy: f64,
    /// Mean of (x − mean x)².
    variance_x: f64,
}

/// Where a descent went, and how it ended.
pub(super) struct Descent {
    pub path: Vec<Step>,
    pub outcome: Outcome,
}

impl<'a> Points<'a> {
    pub fn new(x: &'a [f64], y: &'a [f64]) -> Result<Points<'a>, RegressionError> {
        if x.len() != y.len() {
            return Err(RegressionError::Unequal { x: x.len(), y: y.len() });
        }
        if x.len() < 2 {
            return Err(RegressionError::TooFew { points: x.len() });
        }
        let both = || x.iter().zip(y);
        let (mean_x, mean_y) = (mean(x.iter().copied()), mean(y.iter().copied()));
        let points = Points {
            x,
            y,
            mean_x,
            mean_y,
            mean_xx: mean(x.iter().map(|x| x * x)),
            mean_xy: mean(both().map(|(x, y)| x * y)),
            variance_x: mean(x.iter().map(|x| (x - mean_x).powi(2))),
        };
        let all = [points.mean_xx, points.mean_xy, mean(y.iter().map(|y| y * y)), points.mean_xx.powi(2)];
        if !all.iter().all(|value| value.is_finite()) {
            return Err(RegressionError::TooLarge);
        }
        if x.iter().all(|other| other == &x[0]) {
            return Err(RegressionError::AllAlike { x: x[0] });
        }
        Ok(points)
    }

    fn fit(&self, w: f64, b: f64) -> Fit {
        Fit { w, b, loss: mean(self.x.iter().zip(self.y).map(|(x, y)| (w * x + b - y).powi(2))) }
    }

    pub fn range(&self) -> std::ops::RangeInclusive<f64> {
        let fold = |f: fn(f64, f64) -> f64, start| self.x.iter().copied().fold(start, f);
        fold(f64::min, f64::INFINITY)..=fold(f64::max, f64::NEG_INFINITY)
    }

    /// (2/n)·Σ(f(x) − y)·x and (2/n)·Σ(f(x) − y).
    fn gradient(&self, w: f64, b: f64) -> [f64; 2] {
        [2.0 * (w * self.mean_xx + b * self.mean_x - self.mean_xy), 2.0 * (w * self.mean_x + b - self.mean_y)]
    }

    /// Eigenvalues of 2·[mean x², mean x; mean x, 1]. The smaller one from the determinant, which is 4 · the variance of x: a
    /// difference of two large numbers would lose it.
    pub fn curvatures(&self) -> [f64; 2] {
        let half_trace = self.mean_xx + 1.0;
        let large = half_trace + ((self.mean_xx - 1.0).powi(2) + 4.0 * self.mean_x.powi(2)).sqrt();
        [large, 4.0 * self.variance_x / large]
    }

    pub fn least_squares(&self) -> Fit {
        let products = self.x.iter().zip(self.y).map(|(x, y)| (x - self.mean_x) * (y - self.mean_y));
        let w = mean(products) / self.variance_x;
        self.fit(w, self.mean_y - w * self.mean_x)
    }

    pub fn descend(&self, start: [f64; 2], rate: f64, steps: Option<usize>) -> Descent {
        let [mut w, mut b] = start;
        let size = |[dw, db]: [f64; 2]| dw.hypot(db);
        let first = size(self.gradient(w, b));
        let mut path = vec![Step { step: 0, fit: self.fit(w, b) }];
        let mut next = 1.0;
        let mut outcome = if first == 0.0 { Outcome::Arrived } else { Outcome::OnTheWay };
        let most = steps.unwrap_or(MOST_STEPS);
        let mut step = 0;
        while step < most && outcome == Outcome::OnTheWay {
            let [dw, db] = self.gradient(w, b);
            (w, b) = (w - rate * dw, b - rate * db);
            step += 1;
            let now = size(self.gradient(w, b));
            if now.is_nan() || now > FLOWN * first {
                outcome = Outcome::Diverges;
            } else if steps.is_none() && now <= ARRIVED * first {
                outcome = Outcome::Arrived;
            }
            if step as f64 >= next || outcome != Outcome::OnTheWay || step == most {
                path.push(Step { step, fit: self.fit(w, b) });
                next = if step < KEPT { next + 1.0 } else { (next * KEPT_GROWTH).max(next + 1.0) };
            }
        }
        // Asked for a number of steps it takes them all, and may have arrived before.
        let now = size(self.gradient(w, b));
        if outcome == Outcome::OnTheWay {
            outcome = match () {
                () if now <= ARRIVED * first => Outcome::Arrived,
                () if rate * self.curvatures()[0] > 2.0 && now > first => Outcome::Diverges,
                () => Outcome::OnTheWay,
            };
        }
        Descent { path, outcome }
    }

    pub fn tried(&self, start: [f64; 2], rate: f64) -> TriedRate {
        let Descent { path, outcome } = self.descend(start, rate, None);
        let last = path[path.len() - 1];
        TriedRate { rate, outcome, steps: last.step, end: last.fit }
    }

    /// The standard deviation around the line, with n − 2 degrees of freedom, and Student's t at 95 %.
    fn scatter(&self, fit: &Fit) -> Option<(f64, f64)> {
        let n = self.x.len() as f64;
        (n > 2.0).then(|| ((fit.loss * n / (n - 2.0)).sqrt(), two_sided_quantile(0.05, n - 2.0)))
    }

    pub fn slope_interval(&self, fit: &Fit) -> Option<Interval> {
        let (scatter, t) = self.scatter(fit)?;
        let half = t * scatter / (self.variance_x * self.x.len() as f64).sqrt();
        Some(Interval { low: fit.w - half, high: fit.w + half })
    }

    pub fn prediction_interval(&self, fit: &Fit, x: f64) -> Option<Interval> {
        let (scatter, t) = self.scatter(fit)?;
        let n = self.x.len() as f64;
        let half = t * scatter * (1.0 + (1.0 + (x - self.mean_x).powi(2) / self.variance_x) / n).sqrt();
        let middle = fit.w * x + fit.b;
        Some(Interval { low: middle - half, high: middle + half })
    }
}
