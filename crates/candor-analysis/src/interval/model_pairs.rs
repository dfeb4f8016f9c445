//! Every pair of several models on the same pictures: which differ in accuracy by more than chance?

use candor_core::Seed;
use serde::{Deserialize, Serialize};

use super::normal::normal_quantile;
use super::{Deals, Groups, PairingError, TestOutcome};
use crate::evaluate::LabelledPredictions;

/// Sign patterns are all tried where so many units or fewer tell any two models apart, else so many are drawn.
const FEW_UNITS: usize = 12;
const DEALS: usize = 4_999;
/// Of a two-sided test; and four times out of five.
const LEVEL: f64 = 0.05;
const POWER: f64 = 0.8;

/// Two of the models, by their places, and what the test of all pairs says about them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelPair {
    /// The one before.
    pub first: usize,
    /// The one after.
    pub second: usize,
    /// Pictures that the second gets right less those that the first gets right, as a share of all.
    pub difference: f64,
    /// Of the hypothesis that both are equally accurate, corrected for all pairs.
    pub outcome: TestOutcome,
    /// The smallest difference that would be detected four times out of five; `None` where none would be.
    pub detectable: Option<f64>,
}

/// Tests all pairs of models together. Were two models equally accurate, then the difference of a unit (a picture, a
/// person) would be as likely with the other sign: signs are changed by unit, for all pairs alike, and each pair's sum
/// over its root of squares is compared with the largest of all that are not clearer (Romano and Wolf, Exact and approximate
/// stepdown methods for multiple hypothesis testing, JASA 100, 2005). Of two models and single pictures this is McNemar's
/// test.
///
/// # Errors
/// When two models did not predict for the same pictures.
///
/// # Panics
/// When `groups` is not a partition of the pictures.
pub fn compare_pairs(
    models: &[LabelledPredictions],
    groups: &Groups,
    seed: Seed,
) -> Result<Vec<ModelPair>, PairingError> {
    for other in models.iter().skip(1) {
        PairingError::check(&models[0], other)?;
    }
    let places: Vec<(usize, usize)> =
        (0..models.len()).flat_map(|second| (0..second).map(move |first| (first, second))).collect();
    let Some(model) = models.first().filter(|_| !places.is_empty()) else { return Ok(Vec::new()) };
    assert_eq!(groups.pictures(), model.len(), "every picture belongs to one group");
    let differences = Differences::of(models, &places, groups);
    let test = differences.deals(seed).max_t();
    let units = &differences.units;
    let fallback = normal_quantile(1.0 - LEVEL / (2 * places.len()) as f64);
    let pair = |(number, &(first, second)): (usize, &(usize, usize))| {
        let sum: f64 = units.iter().map(|unit| unit[number]).sum();
        let squares: f64 = units.iter().map(|unit| unit[number].powi(2)).sum();
        let telling = units.iter().filter(|unit| unit[number] != 0.0).count() as i32;
        let critical = test.threshold(number, LEVEL).filter(|_| squares > 0.0).unwrap_or(fallback);
        ModelPair {
            first,
            second,
            difference: sum / model.len() as f64,
            // A pattern of signs and its opposite give the same.
            outcome: test.outcome(number, 2.0_f64.powi(telling - 1)),
            detectable: detectable(critical, squares, model.len(), groups.count()),
        }
    };
    Ok(places.iter().enumerate().map(pair).collect())
}

/// The difference that gives the critical value four times out of five: where the models differ as often as they do, or
/// where all that differs speaks for one of them.
fn detectable(critical: f64, squares: f64, pictures: usize, units: usize) -> Option<f64> {
    let needed = critical + normal_quantile(POWER);
    let as_often = needed * squares.sqrt() / pictures as f64;
    let one_sided = needed.powi(2) / units as f64;
    Some(as_often.max(one_sided)).filter(|&difference| difference <= 1.0)
}

/// Of each unit that tells two models apart, and of each pair: how many more of its pictures the second model gets right.
struct Differences {
    pairs: usize,
    units: Vec<Vec<f64>>,
}

impl Differences {
    fn of(models: &[LabelledPredictions], places: &[(usize, usize)], groups: &Groups) -> Differences {
        let right =
            |model: usize, at: usize| i32::from(models[model].predicted()[at] == models[model].truth()[at]);
        let unit = |members: &[u32]| -> Vec<f64> {
            let of = |&(first, second): &(usize, usize)| {
                let difference = |&at: &u32| right(second, at as usize) - right(first, at as usize);
                f64::from(members.iter().map(difference).sum::<i32>())
            };
            places.iter().map(of).collect()
        };
        let all = groups.iter().map(unit);
        let units = all.filter(|unit| unit.iter().any(|&difference| difference != 0.0)).collect();
        Differences { pairs: places.len(), units }
    }

    fn deals(&self, seed: Seed) -> Deals {
        let mut all = Deals::new(self.statistics(|_| false));
        match self.units.len() {
            few @ 0..=FEW_UNITS => {
                (1..1usize << few)
                    .for_each(|signs| all.push(&self.statistics(|unit| signs >> unit & 1 == 1)));
            }
            _ => (0..DEALS).for_each(|deal| {
                let mut rng = seed.at(deal as u64).rng();
                let signs: Vec<bool> = self.units.iter().map(|_| rng.below(2) == 1).collect();
                all.push(&self.statistics(|unit| signs[unit]));
            }),
        }
        all
    }

    /// |Σ d| / √Σ d² of each pair, with the signs of some units changed.
    fn statistics(&self, is_changed: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut sums = vec![(0.0, 0.0); self.pairs];
        for (number, unit) in self.units.iter().enumerate() {
            let sign = if is_changed(number) { -1.0 } else { 1.0 };
            for (sum, difference) in sums.iter_mut().zip(unit) {
                *sum = (sum.0 + sign * difference, sum.1 + difference * difference);
            }
        }
        sums.into_iter().map(|(sum, squares): (f64, f64)| sum.abs() / squares.sqrt().max(1.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::interval::McNemar;

    /// Models of the two classes in turns that are right where `right` says so of a picture.
    fn models(
        count: usize,
        pictures: usize,
        right: impl Fn(usize, usize) -> bool,
    ) -> Vec<LabelledPredictions> {
        let truth: Vec<usize> = (0..pictures).map(|at| at % 2).collect();
        let of = |model: usize| {
            let row =
                |at: usize| if right(model, at) == (truth[at] == 0) { [0.75, 0.25] } else { [0.25, 0.75] };
            let probabilities = (0..pictures).flat_map(row).collect();
            LabelledPredictions::new(vec!["a".into(), "b".into()], truth.clone(), probabilities).unwrap()
        };
        (0..count).map(of).collect()
    }

    fn lucky(seed: u64, model: usize, at: usize, share: f64) -> bool {
        Seed(seed).at(model as u64).at(at as u64).rng().unit() < share
    }

    #[test]
    fn two_models_and_few_pictures_are_mcnemars() {
        for (only_first, only_second) in [(0, 5), (1, 9), (3, 3), (0, 6), (2, 10)] {
            let models = models(2, 20, |model, at| match at {
                at if at < only_first => model == 0,
                at if at < only_first + only_second => model == 1,
                _ => true,
            });
            let pairs = compare_pairs(&models, &Groups::singles(20), Seed(1)).unwrap();
            let expected = McNemar::of_counts(only_first as u64, only_second as u64).p_value;
            assert!((pairs[0].outcome.p - expected).abs() < 1e-9, "{pairs:?} for {expected}");
            let smallest = 2.0_f64.powi(1 - (only_first + only_second) as i32);
            assert_eq!(pairs[0].outcome.smallest_possible_p, smallest);
        }
    }

    #[test]
    fn a_clear_difference_is_found_among_any_number_of_models() {
        for count in [2, 12, 20] {
            let models =
                models(count, 400, |model, at| lucky(1, model, at, if model == 0 { 0.6 } else { 0.9 }));
            let pairs = compare_pairs(&models, &Groups::singles(400), Seed(2)).unwrap();
            assert_eq!(pairs.len(), count * (count - 1) / 2);
            let (with, without): (Vec<&ModelPair>, Vec<&ModelPair>) =
                pairs.iter().partition(|pair| pair.first == 0);
            assert!(with.iter().all(|pair| pair.outcome.rejects(LEVEL) && pair.difference > 0.2), "{with:?}");
            assert!(with.iter().all(|pair| pair.detectable.unwrap() < 0.15), "{with:?}");
            assert!(without.iter().filter(|pair| pair.outcome.rejects(LEVEL)).count() <= 1, "{count}");
        }
    }

    #[test]
    fn of_equal_models_one_comparison_in_twenty_finds_a_winner() {
        let found = (0..100).filter(|&seed| {
            let models = models(4, 60, |model, at| lucky(100 + seed, model, at, 0.8));
            let pairs = compare_pairs(&models, &Groups::singles(60), Seed(seed)).unwrap();
            pairs.iter().any(|pair| pair.outcome.rejects(LEVEL))
        });
        // Exact binomial: of 100 with .05 each at most 11, 99.6 times out of 100.
        let found = found.count();
        assert!(found <= 11, "{found}");
    }

    #[test]
    fn pictures_of_one_person_count_once_and_equal_models_differ_in_nothing() {
        let models = models(2, 60, |model, at| model == 1 || at >= 30);
        let people: Vec<Option<String>> = (0..60).map(|at| Some((at / 10).to_string())).collect();
        let pair = compare_pairs(&models, &Groups::of(&people), Seed(1)).unwrap()[0];
        assert!(pair.outcome.smallest_possible_p == 0.25 && !pair.outcome.rejects(LEVEL), "{pair:?}");
        let same = [models[0].clone(), models[0].clone()];
        let pair = compare_pairs(&same, &Groups::singles(60), Seed(1)).unwrap()[0];
        assert_eq!((pair.difference, pair.outcome.p), (0.0, 1.0));
        assert!(pair.detectable.is_some_and(|smallest| smallest > 0.05 && smallest < 0.2), "{pair:?}");
        assert_eq!(compare_pairs(&models[..1], &Groups::singles(60), Seed(1)).unwrap(), []);
    }
}
