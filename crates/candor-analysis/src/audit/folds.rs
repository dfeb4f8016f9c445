//! Splits of a check's own: folds that keep together what belongs together, and labels permuted in the same way.

use std::collections::HashMap;

use candor_core::Seed;

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

/// The labels of all samples, those of `pool` permuted: units of one label exchange it as a whole, within a unit of
/// several labels they change places. So whatever units have in common stays as it was, but for the labels.
pub(super) fn permuted(units: &Units, pool: &[usize], labels: &[usize], seed: Seed) -> Vec<usize> {
    let mut rng = seed.rng();
    let (mut new, units) = (labels.to_vec(), units.members(pool));
    let is_pure = |unit: &&Vec<usize>| unit.iter().all(|&index| labels[index] == labels[unit[0]]);
    let pure: Vec<&Vec<usize>> = units.iter().filter(is_pure).collect();
    let mut exchanged: Vec<usize> = pure.iter().map(|unit| labels[unit[0]]).collect();
    rng.shuffle(&mut exchanged);
    for (unit, label) in pure.iter().zip(exchanged) {
        unit.iter().for_each(|&index| new[index] = label);
    }
    for unit in units.iter().filter(|unit| !is_pure(unit)) {
        let mut within: Vec<usize> = unit.iter().map(|&index| labels[index]).collect();
        rng.shuffle(&mut within);
        unit.iter().zip(within).for_each(|(&index, label)| new[index] = label);
    }
    new
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
        let count =
            |labels: &[usize]| labels.chunks(10).map(|unit| unit.iter().sum()).collect::<Vec<usize>>();
        assert_eq!(count(&new), count(&labels), "within a group of both labels they stay in the group");
    }
}
