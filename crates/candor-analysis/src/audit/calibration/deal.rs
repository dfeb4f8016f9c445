//! Predictions that are drawn anew as right, each with the probability that it states.

use candor_core::{Rng, Seed};

use super::super::{Answers, Case};
use crate::LabelledPredictions;
use crate::evaluate::Calibration;
use crate::evaluate::calibration::bin_of;

/// What was stated, and whether it was right.
pub(super) struct Predicted {
    indices: Vec<usize>,
    stated: Vec<f64>,
    bins: Vec<usize>,
    right: Vec<bool>,
    /// Places by unit.
    units: Vec<Vec<usize>>,
    unit_of: Vec<usize>,
}

/// How much pictures of one unit share their luck: the probability that a picture is right or wrong by the unit's draw
/// and not by its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SharedLuck(f64);

/// Two-sided 90 %: the upper end is exceeded one time in twenty.
const QUANTILE: f64 = 1.645;
/// Fewer units of several pictures do not show how much they share: everything is taken.
const UNITS: usize = 10;

impl SharedLuck {
    /// From the correlation of what was right beyond what was stated, within units; the upper end of its jackknife
    /// interval, so that it is rather taken too large.
    pub fn of(predicted: &Predicted) -> SharedLuck {
        let mean = |values: &mut dyn Iterator<Item = f64>, n: usize| values.sum::<f64>() / n.max(1) as f64;
        let beyond = |at: usize| f64::from(u8::from(predicted.right[at])) - predicted.stated[at];
        let all = predicted.stated.len();
        let middle = mean(&mut (0..all).map(beyond), all);
        // Of each unit: Σ r r' and Σ √(v v') over its pairs of pictures.
        let pairs = |unit: &&Vec<usize>| {
            let of = |value: &dyn Fn(usize) -> f64| {
                let (sum, squares) = unit.iter().fold((0.0, 0.0), |(sum, squares), &at| {
                    let value = value(at);
                    (sum + value, squares + value * value)
                });
                sum * sum - squares
            };
            let spread = |at: usize| (predicted.stated[at] * (1.0 - predicted.stated[at])).max(0.0).sqrt();
            (of(&|at| beyond(at) - middle), of(&spread))
        };
        let several: Vec<(f64, f64)> =
            predicted.units.iter().filter(|unit| unit.len() > 1).map(|unit| pairs(&unit)).collect();
        if several.is_empty() {
            return SharedLuck(0.0);
        }
        if several.len() < UNITS {
            return SharedLuck(1.0);
        }
        let (joint, alone) = several.iter().fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let without: Vec<f64> =
            several.iter().map(|one| (joint - one.0) / (alone - one.1).max(1e-9)).collect();
        let m = several.len() as f64;
        let centre = without.iter().sum::<f64>() / m;
        let variance = (m - 1.0) / m * without.iter().map(|one| (one - centre).powi(2)).sum::<f64>();
        let correlation = (joint / alone.max(1e-9) + QUANTILE * variance.sqrt()).clamp(0.0, 1.0);
        SharedLuck(correlation.sqrt())
    }
}

impl Predicted {
    pub fn of(case: &Case<'_>, answers: &Answers, predictions: &LabelledPredictions) -> Predicted {
        let all = predictions.len();
        let stated: Vec<f64> = (0..all).map(|at| f64::from(predictions.confidence(at))).collect();
        let mut unit_of = vec![0; all];
        let units = case.units.members(&answers.indices);
        let places: std::collections::HashMap<usize, usize> =
            answers.indices.iter().enumerate().map(|(at, &index)| (index, at)).collect();
        let units: Vec<Vec<usize>> =
            units.into_iter().map(|unit| unit.into_iter().map(|index| places[&index]).collect()).collect();
        for (number, unit) in units.iter().enumerate() {
            unit.iter().for_each(|&at| unit_of[at] = number);
        }
        let bin = |&stated: &f64| bin_of(stated, Calibration::DEFAULT_BINS);
        Predicted {
            indices: answers.indices.clone(),
            bins: stated.iter().map(bin).collect(),
            right: (0..all).map(|at| predictions.truth()[at] == predictions.predicted()[at]).collect(),
            stated,
            units,
            unit_of,
        }
    }

    /// Whether each was right.
    pub fn right(&self) -> &[bool] {
        &self.right
    }

    /// The probability that it states for a picture.
    pub fn stated(&self, at: usize) -> f64 {
        self.stated[at]
    }

    /// A picture's place among the case's samples.
    pub fn index(&self, at: usize) -> usize {
        self.indices[at]
    }

    /// The expected calibration error of some of the pictures, were they `right`.
    pub fn calibration_error(&self, members: &[usize], right: &[bool]) -> f64 {
        let mut gaps = [0.0; Calibration::DEFAULT_BINS];
        for &at in members {
            gaps[self.bins[at]] += f64::from(u8::from(right[at])) - self.stated[at];
        }
        gaps.iter().map(|gap| gap.abs()).sum::<f64>() / members.len() as f64
    }

    /// Each right with the probability that it states less `too_sure`; what shares its luck by the draw of its unit.
    pub fn draw(&self, too_sure: f64, luck: SharedLuck, rng: &mut Rng) -> Vec<bool> {
        let of_unit: Vec<f64> = self.units.iter().map(|_| rng.unit()).collect();
        let one = |at: usize| {
            let (shares, own) = (rng.unit() < luck.0, rng.unit());
            let drawn = if shares { of_unit[self.unit_of[at]] } else { own };
            drawn < self.stated[at] - too_sure
        };
        (0..self.stated.len()).map(one).collect()
    }

    /// By how much a model has to be too sure for its error on `members` to exceed `threshold` four times out of five.
    /// `None` where it never does.
    pub fn smallest_detectable(
        &self,
        members: &[usize],
        luck: SharedLuck,
        threshold: f64,
        seed: Seed,
    ) -> Option<f64> {
        const DRAWS: u64 = 200;
        const STEPS: usize = 8;
        let is_detected = |too_sure: f64| {
            let found = (0..DRAWS).filter(|&draw| {
                let right = self.draw(too_sure, luck, &mut seed.at(draw).rng());
                self.calibration_error(members, &right) > threshold
            });
            5 * found.count() as u64 >= 4 * DRAWS
        };
        let (mut low, mut high) = (0.0, 1.0);
        if !is_detected(high) {
            return None;
        }
        for _ in 0..STEPS {
            let middle = 0.5 * (low + high);
            if is_detected(middle) { high = middle } else { low = middle }
        }
        Some(high)
    }
}
