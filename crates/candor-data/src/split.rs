//! Which pictures a model learns from, is chosen by, and is judged on.
//!
//! By class, by seed, and without tearing apart what belongs together: samples of one group, and exact copies of one
//! picture, come into one subset.

use std::collections::{BTreeMap, BTreeSet};

use candor_core::{Dataset, Problem, Sample, Seed, Split, Subset};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The share of each subset; they add up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fractions {
    /// Share to learn from, above 0.
    pub train: f64,
    /// Share that chooses the best epoch, 0 for none.
    pub validation: f64,
    /// Share to be judged on, 0 for none.
    pub test: f64,
}

impl Default for Fractions {
    /// 70 % train, 10 % validation, 20 % test.
    fn default() -> Fractions {
        Fractions { train: 0.7, validation: 0.1, test: 0.2 }
    }
}

impl Fractions {
    fn of(&self, subset: Subset) -> f64 {
        match subset {
            Subset::Train => self.train,
            Subset::Validation => self.validation,
            Subset::Test => self.test,
        }
    }

    fn check(self) -> Result<Fractions, SplitError> {
        let Fractions { train, validation, test } = self;
        let sensible = train > 0.0 && validation >= 0.0 && test >= 0.0;
        if sensible && (train + validation + test - 1.0).abs() < 1e-6 {
            Ok(self)
        } else {
            Err(SplitError::Fractions { train, validation, test })
        }
    }
}

/// A split, and what has to be said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Parts {
    /// The assignment.
    pub split: Split,
    /// What the split could not do: a class that is missing in a subset because all its pictures are in one group, or
    /// copies of one picture on both sides of a predefined split.
    pub problems: Vec<Problem>,
}

/// A data set that cannot be split as asked.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum SplitError {
    /// The shares make no sense.
    #[error(
        "the shares of train ({train}), validation ({validation}) and test ({test}) must add up to 1, that of train must be above 0 and none below"
    )]
    Fractions { train: f64, validation: f64, test: f64 },
    /// No samples at all.
    #[error("there are no pictures to split")]
    Empty,
    /// Folds that are none.
    #[error("{count} folds are none: at least 2 are needed, one to be judged on and one to learn from")]
    TooFewFolds { count: usize },
    /// A predefined split without anything to learn from.
    #[error("the source brings a split along in which there are no training pictures")]
    NothingToLearnFrom,
    /// Classes that cannot be in every subset.
    #[error(
        "too few pictures of {}: each class needs at least {needed}, one for each of {}. Add pictures or leave the class out",
        list(classes),
        names(subsets)
    )]
    TooFewPictures { classes: Vec<(String, usize)>, needed: usize, subsets: Vec<Subset> },
}

fn list(classes: &[(String, usize)]) -> String {
    let each: Vec<String> =
        classes.iter().map(|(class, pictures)| format!("\"{class}\" ({pictures})")).collect();
    each.join(", ")
}

fn names(subsets: &[Subset]) -> String {
    subsets.iter().map(|subset| subset.name()).collect::<Vec<_>>().join(", ")
}

/// Splits the samples of `dataset` by class, by `seed`; the order of the threads plays no part.
///
/// With `predefined` (one subset a sample) that assignment is kept, and only a subset that is missing in it
/// (validation, test) is cut from its train part: `fractions` say how much, as a share of what is cut plus what is left
/// to train (.7 and .1 cut an eighth of the train part for validation). A share of 0 cuts nothing.
///
/// # Errors
/// When the shares make no sense, there is nothing to split, or a class has fewer pictures than there are subsets.
///
/// # Panics
/// When `predefined` has another length than the samples.
pub fn split(
    dataset: &dyn Dataset,
    predefined: Option<&[Subset]>,
    fractions: Fractions,
    seed: Seed,
) -> Result<Parts, SplitError> {
    let keeping = predefined.map_or(Keeping::Nothing, Keeping::Predefined);
    split_samples(dataset.classes(), dataset.samples(), keeping, fractions, seed)
}

/// What of a split is settled before it is made.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keeping<'a> {
    /// Nothing.
    Nothing,
    /// One subset a sample; what is missing among the subsets is cut from train.
    Predefined(&'a [Subset]),
    /// An earlier split: those that were in it stay where they were, new ones fill up.
    Earlier(&'a [Option<Subset>]),
}

/// [`split`], of samples alone.
pub(crate) fn split_samples(
    classes: &[String],
    samples: &[Sample],
    keeping: Keeping<'_>,
    fractions: Fractions,
    seed: Seed,
) -> Result<Parts, SplitError> {
    let fractions = fractions.check()?;
    if samples.is_empty() {
        return Err(SplitError::Empty);
    }
    let mut assigned: Vec<Subset> = match keeping {
        Keeping::Predefined(subsets) => subsets.to_vec(),
        _ => vec![Subset::Train; samples.len()],
    };
    assert_eq!(assigned.len(), samples.len(), "one subset for each sample");
    let pool: Vec<usize> = (0..samples.len()).filter(|&index| assigned[index] == Subset::Train).collect();
    if pool.is_empty() {
        return Err(SplitError::NothingToLearnFrom);
    }
    let shares = shares_of_pool(&assigned, fractions);
    let quotas = quotas(samples, &pool, classes, &shares)?;
    // What was in a subset that is no longer asked for is dealt out anew.
    let part_before = |index: usize| match keeping {
        Keeping::Earlier(subsets) => {
            subsets[index].and_then(|subset| shares.iter().position(|share| share.0 == subset))
        }
        _ => None,
    };
    for (index, part) in assign(samples, &pool, quotas, &part_before, seed.derive("split")) {
        assigned[index] = shares[part].0;
    }
    let mut problems = missing_classes(samples, classes, &assigned);
    problems.extend(torn_apart(samples, &assigned));
    Ok(Parts { split: collect(&assigned), problems })
}

/// Deals the samples out into `count` folds of the same size, by class and by seed, without tearing apart what belongs
/// together. One fold a sample, from 0.
///
/// # Errors
/// When there are fewer than two folds, or a class has fewer pictures than there are folds.
pub(crate) fn folds(
    classes: &[String],
    samples: &[Sample],
    count: usize,
    seed: Seed,
) -> Result<Vec<usize>, SplitError> {
    if samples.is_empty() {
        return Err(SplitError::Empty);
    }
    if count < 2 {
        return Err(SplitError::TooFewFolds { count });
    }
    let pool: Vec<usize> = (0..samples.len()).collect();
    let shares = vec![(Subset::Test, 1.0 / count as f64); count];
    let quotas = quotas(samples, &pool, classes, &shares)?;
    let mut fold = vec![0; samples.len()];
    for (index, part) in assign(samples, &pool, quotas, &|_| None, seed.derive("folds")) {
        fold[index] = part;
    }
    Ok(fold)
}

/// The subsets that the pool is cut into, with their shares: train, and those that nothing is assigned to yet.
fn shares_of_pool(assigned: &[Subset], fractions: Fractions) -> Vec<(Subset, f64)> {
    let cut = |subset: &Subset| {
        *subset == Subset::Train || (fractions.of(*subset) > 0.0 && !assigned.contains(subset))
    };
    let subsets: Vec<Subset> = Subset::ALL.into_iter().filter(cut).collect();
    let total: f64 = subsets.iter().map(|&subset| fractions.of(subset)).sum();
    subsets.into_iter().map(|subset| (subset, fractions.of(subset) / total)).collect()
}

/// For each class, how many of its pictures in the pool each subset is to get.
fn quotas(
    samples: &[Sample],
    pool: &[usize],
    classes: &[String],
    shares: &[(Subset, f64)],
) -> Result<Vec<Vec<i64>>, SplitError> {
    let mut pictures = vec![0; classes.len()];
    pool.iter().for_each(|&index| pictures[samples[index].class] += 1);
    let needed = shares.len();
    let too_few: Vec<(String, usize)> =
        classes.iter().cloned().zip(pictures.iter().copied()).filter(|&(_, n)| n < needed).collect();
    if !too_few.is_empty() {
        let subsets = shares.iter().map(|&(subset, _)| subset).collect();
        return Err(SplitError::TooFewPictures { classes: too_few, needed, subsets });
    }
    Ok(pictures.into_iter().map(|n| apportion(n, shares)).collect())
}

/// Divides `pictures` by largest remainder, so that every subset is less than one picture from its share; then gives
/// one to a subset that has none, from the one that has most.
fn apportion(pictures: usize, shares: &[(Subset, f64)]) -> Vec<i64> {
    let exact: Vec<f64> = shares.iter().map(|&(_, share)| pictures as f64 * share).collect();
    // A share like .7 of 10 is 7 - 1e-15 in floating point and must not lose a picture for it.
    let mut quota: Vec<i64> = exact.iter().map(|exact| (exact + 1e-9).floor() as i64).collect();
    let mut by_remainder: Vec<usize> = (0..shares.len()).collect();
    let remainder = |at: usize| exact[at] - quota[at] as f64;
    by_remainder.sort_by(|&a, &b| remainder(b).total_cmp(&remainder(a)));
    let left = pictures - quota.iter().sum::<i64>() as usize;
    by_remainder.iter().take(left).for_each(|&at| quota[at] += 1);
    while let Some(none) = quota.iter().position(|&n| n == 0) {
        let most = (0..quota.len()).max_by_key(|&at| quota[at]).expect("there is a subset");
        quota[most] -= 1;
        quota[none] += 1;
    }
    quota
}

/// Gives every unit (samples that stay together) to the part that lacks most of its classes: large units first, those
/// of one size in random order. Single samples fill the quotas exactly. A sample that had a part before keeps it, and what
/// belongs to it comes there too. The part of each sample of the pool.
fn assign(
    samples: &[Sample],
    pool: &[usize],
    mut lacking: Vec<Vec<i64>>,
    part_before: &dyn Fn(usize) -> Option<usize>,
    seed: Seed,
) -> Vec<(usize, usize)> {
    let mut units = units(samples, pool);
    seed.rng().shuffle(&mut units);
    let held = |unit: &Vec<usize>| unit.iter().any(|&index| part_before(index).is_some());
    units.sort_by_key(|unit| (!held(unit), std::cmp::Reverse(unit.len())));
    let parts = lacking.first().map_or(0, Vec::len);
    let mut assigned = Vec::with_capacity(pool.len());
    for unit in units {
        let mut held = vec![0; parts];
        unit.iter().filter_map(|&index| part_before(index)).for_each(|part| held[part] += 1);
        let lacks = |at: usize| unit.iter().map(|&index| lacking[samples[index].class][at]).sum::<i64>();
        let rank = |at: usize| (held[at], lacks(at));
        let mut best = 0;
        for at in 1..parts {
            if rank(at) > rank(best) {
                best = at;
            }
        }
        for &index in &unit {
            let part = part_before(index).unwrap_or(best);
            lacking[samples[index].class][part] -= 1;
            assigned.push((index, part));
        }
    }
    assigned
}

/// The pool's samples in units that must not be torn apart: chains of equal groups and equal ids. In the order of each
/// unit's first sample.
fn units(samples: &[Sample], pool: &[usize]) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..pool.len()).collect();
    let (mut by_id, mut by_group) = (BTreeMap::new(), BTreeMap::new());
    for (at, &index) in pool.iter().enumerate() {
        let sample = &samples[index];
        let same_id = *by_id.entry(sample.id).or_insert(at);
        join(&mut parent, at, same_id);
        if let Some(group) = &sample.group {
            let same_group = *by_group.entry(group).or_insert(at);
            join(&mut parent, at, same_group);
        }
    }
    let mut units: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, &index) in pool.iter().enumerate() {
        units.entry(root(&mut parent, at)).or_default().push(index);
    }
    units.into_values().collect()
}

/// Union-find with path halving; the smaller root stays, so that a unit is named by its first sample.
pub(crate) fn root(parent: &mut [usize], mut at: usize) -> usize {
    while parent[at] != at {
        parent[at] = parent[parent[at]];
        at = parent[at];
    }
    at
}

pub(crate) fn join(parent: &mut [usize], a: usize, b: usize) {
    let (a, b) = (root(parent, a), root(parent, b));
    parent[a.max(b)] = a.min(b);
}

fn missing_classes(samples: &[Sample], classes: &[String], assigned: &[Subset]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for subset in Subset::ALL.into_iter().filter(|subset| assigned.contains(subset)) {
        let mut present = vec![false; classes.len()];
        let members = samples.iter().zip(assigned).filter(|&(_, &assigned)| assigned == subset);
        members.for_each(|(sample, _)| present[sample.class] = true);
        for (class, _) in classes.iter().zip(present).filter(|(_, present)| !present) {
            let reason = format!(
                "no picture of this class is in {subset}: its groups, or the split that the source brings along, keep them elsewhere"
            );
            problems.push(Problem { place: format!("class \"{class}\""), reason });
        }
    }
    problems
}

/// Exact copies and groups that a settled split tears apart: the test says less than it seems to.
fn torn_apart(samples: &[Sample], assigned: &[Subset]) -> Vec<Problem> {
    let copies = also_in_train(samples, assigned, |sample| Some(sample.id.to_string()));
    let of_groups = also_in_train(samples, assigned, |sample| sample.group.clone());
    let told = [
        (copies, "are exact copies of training pictures"),
        (of_groups, "belong to a group that is in train too, or are near copies of training pictures"),
    ];
    let torn = told.into_iter().filter(|&(pictures, _)| pictures > 0);
    torn.map(|(pictures, what)| Problem {
        place: "what was split before".to_owned(),
        reason: format!("{pictures} pictures of validation and test {what}"),
    })
    .collect()
}

/// How many samples outside of train share their key with one in train.
fn also_in_train(samples: &[Sample], assigned: &[Subset], key: fn(&Sample) -> Option<String>) -> usize {
    let keyed = || samples.iter().zip(assigned).filter_map(|(sample, &subset)| Some((key(sample)?, subset)));
    let learnt: BTreeSet<String> =
        keyed().filter(|&(_, subset)| subset == Subset::Train).map(|(key, _)| key).collect();
    keyed().filter(|(key, subset)| *subset != Subset::Train && learnt.contains(key)).count()
}

fn collect(assigned: &[Subset]) -> Split {
    let of = |subset: Subset| (0..assigned.len()).filter(|&index| assigned[index] == subset).collect();
    Split { train: of(Subset::Train), validation: of(Subset::Validation), test: of(Subset::Test) }
}

#[cfg(test)]
mod tests {
    use candor_core::{Image, Provenance, ReadError, SampleId};
    use proptest::prelude::*;

    use super::*;

    struct Fake {
        classes: Vec<String>,
        samples: Vec<Sample>,
    }

    impl Dataset for Fake {
        fn classes(&self) -> &[String] {
            &self.classes
        }

        fn samples(&self) -> &[Sample] {
            &self.samples
        }

        fn image(&self, _: usize) -> Result<Image, ReadError> {
            unreachable!("a split looks at no picture")
        }
    }

    /// One sample for each (class, group, content).
    fn fake(samples: &[(usize, Option<u8>, usize)]) -> Fake {
        let classes = samples.iter().map(|sample| sample.0 + 1).max().unwrap_or(0);
        let sample = |&(class, group, content): &(usize, Option<u8>, usize)| Sample {
            id: SampleId::of(&content.to_le_bytes()),
            class,
            group: group.map(|group| group.to_string()),
            provenance: Provenance::default(),
            attributes: BTreeMap::new(),
        };
        Fake {
            classes: (0..classes).map(|class| class.to_string()).collect(),
            samples: samples.iter().map(sample).collect(),
        }
    }

    fn distinct(pictures: &[usize]) -> Fake {
        let mut samples = Vec::new();
        for (class, &n) in pictures.iter().enumerate() {
            (0..n).for_each(|_| samples.push((class, None, samples.len())));
        }
        fake(&samples)
    }

    fn sizes(parts: &Parts) -> [usize; 3] {
        Subset::ALL.map(|subset| parts.split.indices(subset).len())
    }

    #[test]
    fn quotas_are_by_largest_remainder_and_never_zero() {
        let shares = shares_of_pool(&[Subset::Train], Fractions::default());
        for (pictures, expected) in [
            (3, [1, 1, 1]),
            (4, [2, 1, 1]),
            (5, [3, 1, 1]),
            (10, [7, 1, 2]),
            (20, [14, 2, 4]),
            (1369, [958, 137, 274]),
        ] {
            assert_eq!(apportion(pictures, &shares), expected, "{pictures}");
        }
    }

    #[test]
    fn a_predefined_test_is_kept_and_validation_is_cut_from_train() {
        let dataset = distinct(&[60, 40]);
        let subsets: Vec<Subset> =
            (0..100).map(|i| if i % 5 == 0 { Subset::Test } else { Subset::Train }).collect();
        let parts = split(&dataset, Some(&subsets), Fractions::default(), Seed(1)).unwrap();
        assert_eq!(sizes(&parts), [70, 10, 20]);
        assert_eq!(parts.split.test, (0..100).step_by(5).collect::<Vec<_>>());
        let no_validation = Fractions { train: 0.8, validation: 0.0, test: 0.2 };
        assert_eq!(sizes(&split(&dataset, Some(&subsets), no_validation, Seed(1)).unwrap()), [80, 0, 20]);
    }

    #[test]
    fn what_cannot_be_split_is_refused_with_the_reason() {
        let fails =
            |dataset: &Fake, fractions| split(dataset, None, fractions, Seed(0)).unwrap_err().to_string();
        assert_eq!(
            fails(&distinct(&[10, 2, 1]), Fractions::default()),
            "too few pictures of \"1\" (2), \"2\" (1): each class needs at least 3, one for each of train, validation, test. Add pictures or leave the class out"
        );
        let wrong = Fractions { train: 0.7, validation: 0.7, test: 0.2 };
        assert!(fails(&distinct(&[9, 9]), wrong).contains("must add up to 1"));
        assert_eq!(fails(&distinct(&[]), Fractions::default()), "there are no pictures to split");
    }

    #[test]
    fn a_class_in_one_group_and_copies_across_a_predefined_split_are_told() {
        let one_group: Vec<_> =
            (0..40).map(|i| (i % 2, Some(if i % 2 == 0 { 9 } else { i as u8 }), i)).collect();
        let parts = split(&fake(&one_group), None, Fractions::default(), Seed(2)).unwrap();
        assert!(!parts.problems.is_empty() && parts.problems[0].place == "class \"0\"", "{parts:?}");

        let copies: Vec<_> = (0..40).map(|i| (i % 2, None, i / 4)).collect();
        let subsets: Vec<Subset> =
            (0..40).map(|i| if i % 4 == 0 { Subset::Test } else { Subset::Train }).collect();
        let fractions = Fractions { train: 0.8, validation: 0.0, test: 0.2 };
        let parts = split(&fake(&copies), Some(&subsets), fractions, Seed(2)).unwrap();
        assert!(parts.problems.iter().any(|p| p.reason.starts_with("10 pictures")), "{:?}", parts.problems);
    }

    #[test]
    fn seeds_differ_and_a_seed_repeats() {
        let dataset = distinct(&[50, 50]);
        let by = |seed| split(&dataset, None, Fractions::default(), Seed(seed)).unwrap().split;
        assert_eq!(by(1), by(1));
        assert_ne!(by(1), by(2));
    }

    proptest! {
        #[test]
        fn every_sample_is_in_one_subset_and_shares_hold_to_a_picture(
            pictures in proptest::collection::vec(10usize..80, 2..6),
            (validation, test) in (0u32..4, 0u32..4),
            seed in any::<u64>(),
        ) {
            let (validation, test) = (f64::from(validation) / 10.0, f64::from(test) / 10.0);
            let fractions = Fractions { train: 1.0 - validation - test, validation, test };
            let dataset = distinct(&pictures);
            let parts = split(&dataset, None, fractions, Seed(seed)).unwrap();
            let mut all: Vec<usize> =
                Subset::ALL.iter().flat_map(|&s| parts.split.indices(s).to_vec()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..dataset.samples.len()).collect::<Vec<_>>());
            for (class, &n) in pictures.iter().enumerate() {
                for subset in Subset::ALL {
                    let in_subset = parts.split.indices(subset).iter();
                    let got = in_subset.filter(|&&index| dataset.samples[index].class == class).count();
                    prop_assert!((got as f64 - n as f64 * fractions.of(subset)).abs() < 1.0 + 1e-6);
                }
            }
        }

        #[test]
        fn new_pictures_move_no_old_ones_and_fill_what_is_lacking(
            old in proptest::collection::vec(10usize..60, 2..4),
            new in 0usize..40,
            seed in any::<u64>(),
        ) {
            let before = distinct(&old);
            let parts = split(&before, None, Fractions::default(), Seed(seed)).unwrap();
            let mut samples = before.samples.clone();
            let added = |number: usize| Sample { id: SampleId::of(&[7, number as u8]), class: number % old.len(), ..samples[0].clone() };
            samples.extend((0..new).map(added).collect::<Vec<_>>());
            let subset_of = |index: usize| Subset::ALL.into_iter().find(|&s| parts.split.indices(s).contains(&index));
            let earlier: Vec<Option<Subset>> = (0..samples.len()).map(subset_of).collect();
            let grown = split_samples(&before.classes, &samples, Keeping::Earlier(&earlier), Fractions::default(), Seed(seed)).unwrap();
            prop_assert_eq!(grown.split.len(), samples.len());
            for (at, subset) in Subset::ALL.into_iter().enumerate() {
                let now = grown.split.indices(subset);
                prop_assert!(parts.split.indices(subset).iter().all(|index| now.contains(index)));
                for class in 0..old.len() {
                    let of_class = samples.iter().filter(|sample| sample.class == class).count() as f64;
                    let got = now.iter().filter(|&&index| samples[index].class == class).count() as f64;
                    let share = [0.7, 0.1, 0.2][at] * of_class;
                    prop_assert!((got - share).abs() < 2.0, "{} of {} in {}", got, of_class, subset);
                }
            }
        }

        #[test]
        fn folds_are_of_one_size_in_every_class(
            pictures in proptest::collection::vec(10usize..60, 2..4),
            count in 2usize..8,
            seed in any::<u64>(),
        ) {
            let dataset = distinct(&pictures);
            let fold = folds(&dataset.classes, &dataset.samples, count, Seed(seed)).unwrap();
            for (class, &n) in pictures.iter().enumerate() {
                for number in 0..count {
                    let got = (0..fold.len()).filter(|&at| fold[at] == number && dataset.samples[at].class == class).count();
                    prop_assert!((got as f64 - n as f64 / count as f64).abs() < 1.0);
                }
            }
        }

        #[test]
        fn groups_and_copies_stay_together(
            samples in proptest::collection::vec((0usize..3, proptest::option::of(0u8..30), 0usize..150), 60..200),
            seed in any::<u64>(),
        ) {
            let dataset = fake(&samples);
            let Ok(parts) = split(&dataset, None, Fractions::default(), Seed(seed)) else { return Ok(()) };
            let (mut by_id, mut by_group) = (BTreeMap::new(), BTreeMap::new());
            for subset in Subset::ALL {
                for &index in parts.split.indices(subset) {
                    let sample = &dataset.samples[index];
                    prop_assert_eq!(*by_id.entry(sample.id).or_insert(subset), subset);
                    if let Some(group) = &sample.group {
                        prop_assert_eq!(*by_group.entry(group.clone()).or_insert(subset), subset);
                    }
                }
            }
        }
    }
}
