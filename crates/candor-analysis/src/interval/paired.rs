//! The difference between two models that judged the same pictures.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::bootstrap::percentile_interval;
use super::tally::{Prepared, Tally};
use super::{Bootstrap, Groups, Measure};
use crate::evaluate::{Interval, LabelledPredictions};

/// Two models whose answers cannot be compared picture by picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum PairingError {
    #[error("the first model judged {first} pictures and the second {second}; judge both on the same ones")]
    Pictures { first: usize, second: usize },
    #[error("the two models have different classes; only models of the same classes can be compared")]
    Classes,
    #[error(
        "picture {index} (counted from 0) has another true class for the second model; are the orders the same?"
    )]
    Truth { index: usize },
}

impl PairingError {
    pub(super) fn check(
        first: &LabelledPredictions,
        second: &LabelledPredictions,
    ) -> Result<(), PairingError> {
        if first.len() != second.len() {
            return Err(PairingError::Pictures { first: first.len(), second: second.len() });
        }
        if first.classes() != second.classes() {
            return Err(PairingError::Classes);
        }
        match first.truth().iter().zip(second.truth()).position(|(a, b)| a != b) {
            Some(index) => Err(PairingError::Truth { index }),
            None => Ok(()),
        }
    }
}

/// Second model less first model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Which figure.
    pub measure: Measure,
    /// Value of the second less that of the first, on the pictures as they are.
    pub value: f64,
    /// Its 95 % interval; 0 within it means that the pictures do not tell which is better.
    pub interval: Interval,
    /// Two-sided: how often a difference this clear comes about without any, at least 2 / (resamples + 1).
    pub p_value: f64,
}

/// The paired bootstrap: both models are judged on the same resampled groups, so that hard pictures are hard for both
/// and cancel. `None` where the figure is undefined for one of them, or for most resamplings.
///
/// # Errors
/// When the two did not judge the same pictures.
///
/// # Panics
/// When `groups` is not a partition of the judged pictures.
pub fn paired_difference(
    first: &LabelledPredictions,
    second: &LabelledPredictions,
    groups: &Groups,
    measure: Measure,
    plan: Bootstrap,
) -> Result<Option<Difference>, PairingError> {
    PairingError::check(first, second)?;
    assert_eq!(groups.pictures(), first.len(), "every picture belongs to one group");
    let models = [first, second].map(|model| Prepared::of(model, &[measure]));
    let mut tallies = models.each_ref().map(Tally::empty);
    let mut differences = Vec::with_capacity(plan.resamples as usize);
    plan.resample(groups, 0..plan.resamples, |weights| {
        for (tally, model) in tallies.iter_mut().zip(&models) {
            tally.count(model, weights);
        }
        let [a, b] = tallies.each_ref().map(|tally| measure.read(tally));
        differences.extend(a.zip(b).map(|(a, b)| b - a));
    });
    let value = measure.value(first).zip(measure.value(second)).map(|(a, b)| b - a);
    let p_value = two_sided(&differences);
    let interval = percentile_interval(differences, groups.count(), plan.resamples);
    Ok(value.zip(interval).map(|(value, interval)| Difference { measure, value, interval, p_value }))
}

/// Twice the smaller share of resamplings on either side of 0, one added on both sides of the fraction so that it is
/// never 0 (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 4.2).
pub(super) fn two_sided(differences: &[f64]) -> f64 {
    let share = |side: fn(&&f64) -> bool| {
        (differences.iter().filter(side).count() + 1) as f64 / (differences.len() + 1) as f64
    };
    (2.0 * share(|d| **d <= 0.0).min(share(|d| **d >= 0.0))).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::McNemar;
    use candor_core::Seed;

    /// Two classes in turns; the model errs on the pictures that `wrong` says.
    fn model(pictures: usize, wrong: impl Fn(usize) -> bool) -> LabelledPredictions {
        let truth: Vec<usize> = (0..pictures).map(|index| index % 2).collect();
        let probabilities = truth.iter().enumerate().flat_map(|(index, &class)| {
            if (class == 0) != wrong(index) { [0.75, 0.25] } else { [0.25, 0.75] }
        });
        let probabilities = probabilities.collect();
        LabelledPredictions::new(vec!["a".into(), "b".into()], truth, probabilities).unwrap()
    }

    fn compare(a: &LabelledPredictions, b: &LabelledPredictions) -> Difference {
        let groups = Groups::singles(a.len());
        paired_difference(a, b, &groups, Measure::Accuracy, Bootstrap::new(Seed(9))).unwrap().unwrap()
    }

    #[test]
    fn a_clear_difference_is_found_and_none_is_not() {
        let (bad, good) = (model(200, |i| i % 4 == 0), model(200, |i| i % 8 == 0));
        let clear = compare(&bad, &good);
        assert_eq!(clear.value, 0.125);
        assert!(clear.interval.low > 0.0 && clear.p_value < 0.01, "{clear:?}");
        assert!(McNemar::of(&bad, &good).unwrap().p_value < 0.01);
        let other = compare(&bad, &model(200, |i| i % 4 == 1));
        assert!(other.interval.contains(0.0) && other.p_value > 0.5, "{other:?}");
        assert_eq!(compare(&bad, &bad).p_value, 1.0);
    }

    #[test]
    fn models_that_judged_other_pictures_are_refused() {
        let a = model(4, |_| false);
        let shifted = LabelledPredictions::new(a.classes().to_vec(), vec![1, 0, 1, 0], vec![0.5; 8]).unwrap();
        let other = LabelledPredictions::new(vec!["x".into(), "y".into()], vec![0; 4], vec![0.5; 8]).unwrap();
        let cases = [
            (model(5, |_| false), PairingError::Pictures { first: 4, second: 5 }),
            (other, PairingError::Classes),
            (shifted, PairingError::Truth { index: 0 }),
        ];
        for (b, error) in cases {
            assert_eq!(McNemar::of(&a, &b), Err(error));
        }
    }
}
