//! Splits of a check's own: folds that keep together what belongs together, and labels permuted in the same way.

use std::collections::HashMap;

use candor_core::{Rng, Seed};

use crate::Units;

/// Of fewer pictures than this each is judged once, in five folds; of more, every third.
const FEW: usize = 200;
const FOLDS: usize = 5;
const SHARES: usize = 3;

/// One cut: who to learn from and whom to judge, ascending indices of samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    pub learn: Vec<usize>,
    pub judge: Vec<usize>,
}

/// `k` folds of `pool` with about as many of each label and no unit torn apart; each sample is judged in one of them.
pub(super) fn folds(units: &Units, pool: &[usize], labels: &[usize], k: usize, seed: Seed) -> Vec<Cut> {
    let mut units = units.members(pool);
    seed.rng().shuffle(&mut units);
    units.sort_by_key(|unit| std::cmp::Reverse(unit.len()));
    let classes = pool.iter().map(|&index| labels[index] + 1).max().unwrap_or(1);
    let (mut counts, mut sizes) = (vec![vec![0; classes]; k], vec![0; k]);
    let mut fold_of = HashMap::new();
    for unit in &units {
        let label = labels[unit[0]];
        let fold = (0..k).min_by_key(|&fold| (counts[fold][label], sizes[fold], fold)).expect("k is above 0");
        for &index in unit {
            counts[fold][labels[index]] += 1;
            fold_of.insert(index, fold);
        }
        sizes[fold] += unit.len();
    }
    let cut = |fold: usize| {
        let (judge, learn) = pool.iter().partition(|index| fold_of[*index] == fold);
        Cut { learn, judge }
    };
    (0..k).map(cut).filter(|cut| !cut.judge.is_empty() && !cut.learn.is_empty()).collect()
}

/// What one estimate of an accuracy trains on: all folds of a small pool, one cut of a large one.
pub(super) fn cuts(units: &Units, pool: &[usize], labels: &[usize], seed: Seed) -> Vec<Cut> {
    match pool.len() {
        0..FEW => folds(units, pool, labels, FOLDS, seed),
        _ => folds(units, pool, labels, SHARES, seed).into_iter().take(1).collect(),
    }
}

/// Cuts about `share` of `learn` off, whole units and as many of each label as can be: who is learned from, and who chooses the
/// epoch. Nobody where the share is 0 or everything is one unit.
pub fn validation_cut(
    units: &Units,
    learn: &[usize],
    labels: &[usize],
    share: f64,
    seed: Seed,
) -> (Vec<usize>, Vec<usize>) {
    let parts = if share > 0.0 { (1.0 / share).round().max(2.0) as usize } else { 1 };
    // With more parts than pictures some are empty: the first that is not is the smallest that can be had.
    match folds(units, learn, labels, parts.min(learn.len().max(1)), seed).into_iter().next() {
        Some(cut) if share > 0.0 => (cut.learn, cut.judge),
        _ => (learn.to_vec(), Vec::new()),
    }
}

/// The labels of all samples, those of `pool` permuted as [`exchange`] permutes those of units.
pub(super) fn permuted(units: &Units, pool: &[usize], labels: &[usize], seed: Seed) -> Vec<usize> {
    let mut new = labels.to_vec();
    exchange(&units.members(pool), &mut new, &mut seed.rng());
    new
}

/// Permutes what units carry: the class of each of their members, or the group that a column names. `units` are places in
/// `labels`; what is in no unit keeps its label.
///
/// Each unit takes over the labels of another one, drawn without replacement, in random order: a unit of one label gives that
/// label, and a unit of several gives them in its own shares. A smaller unit takes a random part of them, a larger one takes
/// them several times. So units stay as pure or as mixed as they are, and one mixed unit among pure ones changes nothing for
/// the others. Single pictures simply exchange labels.
///
/// It is the permutation of the hypothesis that the labels of a unit have shares of their own, drawn for each unit alike
/// and whatever it shows, and that within a unit a label says nothing of the picture: exact for units of one label or of one
/// size (Winkler and others, "Multi-level block permutation", NeuroImage 123, 2015), else close to it (simulated below).
pub(super) fn exchange(units: &[Vec<usize>], labels: &mut [usize], rng: &mut Rng) {
    let mut donors: Vec<Vec<usize>> =
        units.iter().map(|unit| unit.iter().map(|&place| labels[place]).collect()).collect();
    rng.shuffle(&mut donors);
    for (unit, mut donated) in units.iter().zip(donors) {
        let mut taken = Vec::with_capacity(unit.len() + donated.len());
        while taken.len() < unit.len() {
            rng.shuffle(&mut donated);
            taken.extend_from_slice(&donated);
        }
        unit.iter().zip(taken).for_each(|(&place, label)| labels[place] = label);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Fake;
    use super::*;

    fn grouped(group: impl Fn(usize) -> Option<String>) -> Fake {
        let mut fake = Fake::bright(60);
        fake.samples.iter_mut().enumerate().for_each(|(index, sample)| sample.group = group(index));
        fake
    }

    #[test]
    fn folds_judge_each_sample_once_and_tear_no_group_apart() {
        let fake = grouped(|index| (index < 40).then(|| (index / 4).to_string()));
        let (pool, labels): (Vec<usize>, Vec<usize>) = ((0..60).collect(), (0..60).map(|i| i % 2).collect());
        let cuts = folds(&fake.units(), &pool, &labels, 5, Seed(2));
        let mut judged: Vec<usize> = cuts.iter().flat_map(|cut| cut.judge.clone()).collect();
        judged.sort_unstable();
        assert_eq!(judged, pool);
        for cut in &cuts {
            assert_eq!(cut.learn.len() + cut.judge.len(), 60);
            let whole =
                |index: &usize| *index >= 40 || (0..4).all(|i| cut.judge.contains(&(index / 4 * 4 + i)));
            assert!(cut.judge.iter().all(whole), "{cut:?}");
            assert!((9..=15).contains(&cut.judge.len()), "{cut:?}");
        }
    }

    #[test]
    fn a_validation_share_is_cut_by_units() {
        let fake = grouped(|index| Some((index / 4).to_string()));
        let (learn, labels): (Vec<usize>, Vec<usize>) = ((0..60).collect(), (0..60).map(|i| i % 2).collect());
        let (train, validation) = validation_cut(&fake.units(), &learn, &labels, 0.125, Seed(2));
        assert_eq!((train.len() + validation.len(), validation.len()), (60, 8));
        assert!(validation.chunks(4).all(|unit| unit.iter().all(|index| index / 4 == unit[0] / 4)));
        assert_eq!(validation_cut(&fake.units(), &learn, &labels, 0.0, Seed(2)), (learn.clone(), vec![]));
        assert_eq!(validation_cut(&fake.units(), &learn[..4], &labels, 0.1, Seed(2)).1, Vec::<usize>::new());
    }

    #[test]
    fn permuted_labels_keep_units_and_counts() {
        let pool: Vec<usize> = (0..40).collect();
        let labels: Vec<usize> = (0..60).map(|i| i / 4 % 2).collect();
        let pure = grouped(|index| Some((index / 4).to_string()));
        let new = permuted(&pure.units(), &pool, &labels, Seed(3));
        assert_ne!(new, labels);
        assert_eq!(new[40..], labels[40..], "whoever is not in the pool keeps its label");
        assert!(new[..40].chunks(4).all(|unit| unit.iter().all(|label| *label == unit[0])));
        assert_eq!(new.iter().sum::<usize>(), labels.iter().sum::<usize>());
        let mixed = grouped(|index| Some((index / 10).to_string()));
        let new = permuted(&mixed.units(), &pool, &labels, Seed(3));
        let count = |labels: &[usize]| {
            let mut counts: Vec<usize> = labels[..40].chunks(10).map(|unit| unit.iter().sum()).collect();
            counts.sort_unstable();
            counts
        };
        assert_eq!(count(&new), count(&labels), "units of both labels stay as mixed as they are");
    }

    /// 30 units of 1 to 12 members; the first of each unit in `torn` is of the other label.
    fn people(torn: &[usize], seed: Seed) -> (Vec<Vec<usize>>, Vec<usize>) {
        let (mut rng, mut units, mut labels) = (seed.rng(), Vec::new(), Vec::new());
        for person in 0..30 {
            let (size, label) = (1 + rng.below(12), rng.below(2));
            units.push((labels.len()..labels.len() + size).collect::<Vec<usize>>());
            labels.extend(
                (0..size).map(|at| if at == 0 && torn.contains(&person) { 1 - label } else { label }),
            );
        }
        (units, labels)
    }

    #[test]
    fn one_torn_unit_leaves_the_others_whole() {
        let (units, labels) = people(&[7], Seed(4));
        for number in 0..50 {
            let mut new = labels.clone();
            exchange(&units, &mut new, &mut Seed(5).at(number).rng());
            let is_mixed = |unit: &&Vec<usize>| unit.iter().any(|&place| new[place] != new[unit[0]]);
            assert!(units.iter().filter(is_mixed).count() <= 1, "{number}");
        }
    }

    /// Errors that depend on the person alone, labels that depend on neither: how often is p at most .05?
    fn rejected(torn: &[usize], shares_of_their_own: bool, worlds: u64) -> u64 {
        let rejects = |world: &u64| {
            let seed = Seed(6).at(*world);
            let (units, mut labels) = people(torn, seed);
            let mut rng = seed.derive("errors").rng();
            let mut wrong = vec![false; labels.len()];
            for unit in &units {
                let (error, share) = (rng.unit(), rng.unit());
                for &place in unit {
                    wrong[place] = rng.unit() < error;
                    if shares_of_their_own {
                        labels[place] = usize::from(rng.unit() < share);
                    }
                }
            }
            let gap = |labels: &[usize]| {
                let of = |label: usize| {
                    let places = || (0..labels.len()).filter(|&place| labels[place] == label);
                    places().filter(|&place| wrong[place]).count() as f64 / places().count().max(1) as f64
                };
                (of(0) - of(1)).abs()
            };
            let as_large = (0..99).filter(|_| {
                let mut new = labels.clone();
                exchange(&units, &mut new, &mut rng);
                gap(&new) >= gap(&labels) - 1e-12
            });
            as_large.count() < 5
        };
        (0..worlds).filter(rejects).count() as u64
    }

    #[test]
    fn the_test_keeps_its_level_with_pure_torn_and_mixed_units() {
        // Of 1,000 tests at .05 up to 72 reject with probability .999 (binomial).
        let all: Vec<usize> = (0..30).collect();
        for (name, torn, own) in
            [("pure", &[][..], false), ("one", &[7], false), ("all", &all, false), ("own", &[], true)]
        {
            let rejected = rejected(torn, own, 1_000);
            assert!((5..=72).contains(&rejected), "{name}: {rejected} of 1,000");
        }
    }
}
