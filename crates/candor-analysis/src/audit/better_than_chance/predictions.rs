//! The permutation test of saved predictions: nothing is trained, so it is exact for this very classifier.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use candor_core::{Rng, Seed, Subset};

use super::super::balanced::BalancedAccuracy;
use super::super::folds::exchange;
use super::super::{Case, Finding, Series, Sources, Unit};
use super::{CERTAIN, ID};
use crate::evaluate::Interval;

/// Permutations at most, and at least where there are very many pictures.
const PERMUTATIONS: [usize; 2] = [999, 9_999];
/// Labels that are permuted in all.
const WORK: usize = 20_000_000;
/// Standard errors that a gain has to lie above the critical value to be found in four of five cases.
const POWER_80: f64 = 0.84;
/// Values that differ by rounding alone are equal.
const SAME: f64 = 1e-9;

/// What permuted labels give, and what the real ones do. Shares are balanced accuracies.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PredictionTest {
    pub subset: Subset,
    /// Pictures that the run has not seen, and units of them.
    pub pictures: usize,
    pub units: usize,
    /// Pictures that are left out because a copy or another picture of the group was learned from.
    pub left_out: usize,
    pub observed: f64,
    pub interval: Interval,
    pub chance: f64,
    pub p: f64,
    /// Of the labellings that there are, the share of the best.
    pub smallest_p: f64,
    /// The gain over chance that would have been found at [`CERTAIN`] in four of five cases.
    pub detectable: f64,
    null: Vec<f64>,
}

impl PredictionTest {
    /// Of the predictions on pictures that the run has not seen; labels permuted within sources, where those are given.
    /// `None` without such predictions.
    pub fn of(case: &Case<'_>, sources: Option<&Sources>) -> Option<PredictionTest> {
        let (subset, answers) = case.judged()?;
        let is_new = is_new(case, subset);
        let interval = BalancedAccuracy::of(case, answers, &is_new)?.interval;
        let (said, all): (Vec<usize>, &[usize]) = (answers.classes(), &answers.indices);
        let new: Vec<usize> = (0..all.len()).filter(|&place| is_new(all[place])).collect();
        let indices: Vec<usize> = new.iter().map(|&place| all[place]).collect();
        let said: Vec<usize> = new.iter().map(|&place| said[place]).collect();
        let labels: Vec<usize> = indices.iter().map(|&index| case.samples()[index].class).collect();
        let place_of: HashMap<usize, usize> =
            indices.iter().enumerate().map(|(place, &index)| (index, place)).collect();
        let units: Vec<Vec<usize>> = case.units.members(&indices);
        let units: Vec<Vec<usize>> =
            units.into_iter().map(|unit| unit.iter().map(|index| place_of[index]).collect()).collect();
        let stratum = |unit: &[usize]| sources.and_then(|sources| sources.of[indices[unit[0]]]);
        let strata = strata(&units, stratum);
        let scored = Scored { said: &said, classes: case.classes().len() };
        let seed = case.seed(ID).derive(if sources.is_some() { "within sources" } else { "predictions" });
        let times = (WORK / indices.len()).clamp(PERMUTATIONS[0], PERMUTATIONS[1]);
        let null = null(&strata, &labels, &scored, times, seed);
        let observed = scored.balanced_accuracy(&labels);
        let (chance, spread) = mean_and_spread(&null);
        let best = null.iter().copied().fold(observed, f64::max);
        Some(PredictionTest {
            subset,
            pictures: indices.len(),
            units: units.len(),
            left_out: all.len() - indices.len(),
            observed,
            interval,
            chance,
            p: p_value(&null, observed),
            smallest_p: p_value(&null, best),
            detectable: critical(&null).map_or(f64::NAN, |critical| critical - chance + POWER_80 * spread),
            null,
        })
    }

    /// The upper end of the gain over chance.
    pub fn most_gain(&self) -> f64 {
        self.interval.high - self.chance
    }

    /// `it is right for 91% (85% to 95%) of 120 test pictures, every class counting alike, where permuted labels give 50%`
    pub fn in_words(&self) -> String {
        let PredictionTest { observed, interval, chance, pictures, .. } = self;
        let share = |share: f64| format!("{:.0}%", 100.0 * share);
        format!(
            "it is right for {} ({} to {}) of {pictures} {} pictures, every class counting alike, where permuted labels give {}",
            share(*observed),
            share(interval.low),
            share(interval.high),
            self.subset.name(),
            share(*chance)
        )
    }

    /// `120 pictures`, or `120 pictures in 8 groups`.
    pub fn independent_in_words(&self) -> String {
        let PredictionTest { pictures, units, .. } = self;
        match pictures == units {
            true => format!("{pictures} pictures"),
            false => format!("{pictures} pictures in {units} groups"),
        }
    }

    /// Which pictures were used.
    pub fn used(&self) -> String {
        let left_out = match self.left_out {
            0 => String::new(),
            1 => " (1 is left out because its group or a copy of it was learned from)".to_owned(),
            some => {
                format!(" ({some} are left out because their groups or copies of them were learned from)")
            }
        };
        format!(
            "saved predictions for {} of {}{left_out}, by {} permutations",
            self.independent_in_words(),
            self.subset.name(),
            self.null.len()
        )
    }

    /// Adds the numbers.
    pub fn figures(&self, finding: Finding) -> Finding {
        finding
            .figure_within("balanced accuracy", self.observed, self.interval, Unit::Share)
            .figure("balanced accuracy, permuted labels (mean)", self.chance, Unit::Share)
            .figure("p-value", self.p, Unit::PValue)
            .figure("smallest p-value there could be", self.smallest_p, Unit::PValue)
            .figure("largest gain that is not excluded", self.most_gain(), Unit::Points)
            .figure("smallest gain that would have been detected", self.detectable, Unit::Points)
            .with_series(Series::distribution(
                "What permuted labels give on the saved predictions, and what the real ones do",
                "balanced accuracy",
                &self.null[..self.null.len().min(PERMUTATIONS[0])],
                self.observed,
            ))
    }
}

/// Whether the run has seen nothing of a picture's unit before it predicts for a subset, nor anything so similar that it may be
/// a copy; validation chose its epoch.
pub(in super::super) fn is_new<'a>(case: &'a Case<'_>, subset: Subset) -> impl Fn(usize) -> bool + 'a {
    let validation: &[usize] = if subset == Subset::Test { &case.split.validation } else { &[] };
    let seen = case.split.train.iter().chain(validation);
    let mut seen: BTreeSet<usize> = seen.map(|&index| case.units.unit(index)).collect();
    let pairs = case.copies.iter().map(|pair| [pair.first, pair.second].map(|index| case.units.unit(index)));
    let beside = pairs.filter(|units| units.iter().any(|unit| seen.contains(unit)));
    let beside: Vec<usize> = beside.flatten().collect();
    seen.extend(beside);
    move |index| !seen.contains(&case.units.unit(index))
}

/// The units of each stratum.
fn strata(units: &[Vec<usize>], of: impl Fn(&[usize]) -> Option<usize>) -> Vec<Vec<Vec<usize>>> {
    let mut strata = BTreeMap::<Option<usize>, Vec<Vec<usize>>>::new();
    units.iter().for_each(|unit| strata.entry(of(unit)).or_default().push(unit.clone()));
    strata.into_values().collect()
}

/// Predicted classes.
pub(super) struct Scored<'a> {
    pub said: &'a [usize],
    pub classes: usize,
}

impl Scored<'_> {
    /// Mean recall of the classes that occur among `labels`.
    pub fn balanced_accuracy(&self, labels: &[usize]) -> f64 {
        let mut counts = vec![[0u32; 2]; self.classes];
        for (&said, &label) in self.said.iter().zip(labels) {
            counts[label][0] += 1;
            counts[label][1] += u32::from(said == label);
        }
        let occurring: Vec<&[u32; 2]> = counts.iter().filter(|count| count[0] > 0).collect();
        occurring.iter().map(|count| f64::from(count[1]) / f64::from(count[0])).sum::<f64>()
            / occurring.len() as f64
    }
}

/// Balanced accuracies under labels that are permuted within strata, among whole units.
pub(super) fn null(
    strata: &[Vec<Vec<usize>>],
    labels: &[usize],
    scored: &Scored<'_>,
    times: usize,
    seed: Seed,
) -> Vec<f64> {
    let one = |number: u64| {
        let (mut permuted, mut rng) = (labels.to_vec(), seed.at(number).rng());
        strata.iter().for_each(|units| permute(units, &mut permuted, &mut rng));
        scored.balanced_accuracy(&permuted)
    };
    (0..times as u64).map(one).collect()
}

/// Single pictures exchange labels directly: the same permutation, without a list for each.
fn permute(units: &[Vec<usize>], labels: &mut [usize], rng: &mut Rng) {
    if units.iter().any(|unit| unit.len() > 1) {
        return exchange(units, labels, rng);
    }
    for last in (1..units.len()).rev() {
        labels.swap(units[last][0], units[rng.below(last + 1)][0]);
    }
}

/// The share of labellings that do at least as well as `value`, the real one among them.
pub(super) fn p_value(null: &[f64], value: f64) -> f64 {
    let as_good = null.iter().filter(|&&permuted| permuted >= value - SAME).count();
    (1 + as_good) as f64 / (1 + null.len()) as f64
}

/// The smallest value whose p-value is at most [`CERTAIN`]; `None` where there is none.
fn critical(null: &[f64]) -> Option<f64> {
    let mut sorted = null.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.into_iter().find(|&value| p_value(null, value) <= CERTAIN)
}

fn mean_and_spread(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / values.len() as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of `draws` sets of predictions that know nothing reach p ≤ .05 and p ≤ .01: pictures in units of a size, classes with
    /// these shares.
    fn rejected(draws: u64, units: usize, size: usize, shares: &[f64]) -> [u64; 2] {
        let mut rejected = [0; 2];
        for draw in 0..draws {
            let mut rng = Seed(11).at(draw).rng();
            let mut lot = || {
                let at = rng.unit();
                let cumulated = shares.iter().scan(0.0, |sum, share| {
                    *sum += share;
                    Some(*sum)
                });
                cumulated.take_while(|&sum| sum <= at).count().min(shares.len() - 1)
            };
            // Pictures of one unit look alike and are mostly predicted alike; the predictions favour the frequent class, too.
            let classes: Vec<(usize, usize)> = (0..units).map(|_| (lot(), lot())).collect();
            let each = || classes.iter().flat_map(|&class| std::iter::repeat_n(class, size));
            let (labels, said): (Vec<usize>, Vec<usize>) = each().unzip();
            let places: Vec<Vec<usize>> =
                (0..units).map(|unit| (unit * size..(unit + 1) * size).collect()).collect();
            let scored = Scored { said: &said, classes: shares.len() };
            let null = null(&[places], &labels, &scored, 199, Seed(12).at(draw));
            let p = p_value(&null, scored.balanced_accuracy(&labels));
            rejected[0] += u64::from(p <= 0.05);
            rejected[1] += u64::from(p <= 0.01);
        }
        rejected
    }

    #[test]
    fn the_test_keeps_its_level_grouped_or_not_with_rare_classes_and_with_several() {
        // Of 1,000 tests at .05 up to 72 reject with probability .999, of those at .01 up to 21 (binomial).
        for (name, units, size, shares) in [
            ("single pictures", 60, 1, &[0.5, 0.5][..]),
            ("a rare class", 80, 1, &[0.9, 0.1]),
            ("four classes", 80, 1, &[0.4, 0.3, 0.2, 0.1]),
            ("groups", 30, 4, &[0.5, 0.5]),
            ("groups with a rare class", 40, 3, &[0.9, 0.1]),
        ] {
            let [at_level, certain] = rejected(1_000, units, size, shares);
            assert!(at_level <= 72 && certain <= 21, "{name}: {at_level} and {certain} of 1,000");
            assert!(at_level >= 5, "{name}: {at_level} of 1,000, a test that never rejects");
        }
    }

    #[test]
    fn without_groups_torn_apart_groups_would_be_called_better_than_chance() {
        // The same predictions, units taken for single pictures: what the units are for.
        let mut wrongly = 0;
        for draw in 0..200 {
            let mut rng = Seed(13).at(draw).rng();
            let classes: Vec<(usize, usize)> = (0..30).map(|_| (rng.below(2), rng.below(2))).collect();
            let (labels, said): (Vec<usize>, Vec<usize>) =
                classes.iter().flat_map(|&class| std::iter::repeat_n(class, 4)).unzip();
            let singles = (0..120).map(|place| vec![place]).collect();
            let scored = Scored { said: &said, classes: 2 };
            let null = null(&[singles], &labels, &scored, 199, Seed(14).at(draw));
            wrongly += u64::from(p_value(&null, scored.balanced_accuracy(&labels)) <= 0.05);
        }
        assert!(wrongly > 24, "{wrongly} of 200");
    }

    #[test]
    fn a_permutation_within_strata_sees_nothing_where_each_has_one_class() {
        let labels = [0, 0, 0, 1, 1, 1];
        let units: Vec<Vec<usize>> = (0..6).map(|place| vec![place]).collect();
        let scored = Scored { said: &labels, classes: 2 };
        let parted = strata(&units, |unit| Some(labels[unit[0]]));
        assert!(null(&parted, &labels, &scored, 50, Seed(1)).iter().all(|&value| value == 1.0));
        let whole = strata(&units, |_| None);
        // Two of twenty ways to share six labels out are as good: the right one, and none other is.
        let p = p_value(&null(&whole, &labels, &scored, 9_999, Seed(1)), 1.0);
        assert!((p - 0.05).abs() < 0.01, "{p}");
    }
}
