//! What belongs together is one unit: copies of one file, one group (a person, a burst, a web page), near copies.
//!
//! A unit is kept whole in every split, fold, bootstrap, permutation and interval. Pictures of one unit err together, so
//! they count as one where a test or an interval asks how much the pictures can tell.

use std::collections::HashMap;

use candor_core::Sample;

use crate::evaluate::Interval;
use crate::interval::{Groups, share_interval};

/// A partition of all samples of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// The unit of each sample, counted from 0 in the order of their first samples.
    of: Vec<usize>,
    /// The pairs of near copies, ascending.
    near_copies: Vec<(usize, usize)>,
}

impl Units {
    /// Joins samples with equal bytes, of one group, and the pairs of `near_copies` (places among `samples`).
    ///
    /// # Panics
    /// When a pair names a sample that does not exist.
    pub fn of(samples: &[Sample], near_copies: &[(usize, usize)]) -> Units {
        let mut parents: Vec<usize> = (0..samples.len()).collect();
        let (mut files, mut groups) = (HashMap::new(), HashMap::new());
        for (index, sample) in samples.iter().enumerate() {
            join(&mut parents, index, *files.entry(sample.id).or_insert(index));
            if let Some(group) = &sample.group {
                join(&mut parents, index, *groups.entry(group.as_str()).or_insert(index));
            }
        }
        near_copies.iter().for_each(|&(first, second)| join(&mut parents, first, second));
        let mut numbers = HashMap::new();
        let of = (0..samples.len()).map(|index| {
            let fresh = numbers.len();
            *numbers.entry(root(&mut parents, index)).or_insert(fresh)
        });
        let mut near_copies: Vec<(usize, usize)> =
            near_copies.iter().map(|&(first, second)| (first.min(second), first.max(second))).collect();
        near_copies.sort_unstable();
        Units { of: of.collect(), near_copies }
    }

    /// The same of copies and near copies alone, whatever group they are of.
    pub fn of_copies(&self, samples: &[Sample]) -> Units {
        let alone: Vec<Sample> =
            samples.iter().map(|sample| Sample { group: None, ..sample.clone() }).collect();
        Units::of(&alone, &self.near_copies)
    }

    /// The unit of a sample.
    pub fn unit(&self, index: usize) -> usize {
        self.of[index]
    }

    /// The samples of `indices` by unit, in the order of their first samples there.
    pub fn members(&self, indices: &[usize]) -> Vec<Vec<usize>> {
        let (mut known, mut units) = (HashMap::new(), Vec::<Vec<usize>>::new());
        for &index in indices {
            let unit = *known.entry(self.of[index]).or_insert(units.len());
            if unit == units.len() {
                units.push(Vec::new());
            }
            units[unit].push(index);
        }
        units
    }

    /// How many units the samples of `indices` belong to: as many as can be taken as independent.
    pub fn count(&self, indices: &[usize]) -> usize {
        self.members(indices).len()
    }

    /// The 95 % interval of the share of `indices` for whose place among them `hit` says yes, of those for which it says
    /// anything ([`share_interval`]). `None` without any.
    pub fn share_interval(&self, indices: &[usize], hit: impl Fn(usize) -> Option<bool>) -> Option<Interval> {
        share_interval(&self.groups(indices), hit)
    }

    /// The units of `indices` as a resampling draws them: picture `i` of the groups is `indices[i]`.
    pub fn groups(&self, indices: &[usize]) -> Groups {
        let names: Vec<Option<String>> =
            indices.iter().map(|&index| Some(self.of[index].to_string())).collect();
        Groups::of(&names)
    }
}

fn root(parents: &mut [usize], index: usize) -> usize {
    let mut at = index;
    while parents[at] != at {
        parents[at] = parents[parents[at]];
        at = parents[at];
    }
    at
}

/// The smaller root becomes the root of both, so that the order of the pairs changes nothing.
fn join(parents: &mut [usize], first: usize, second: usize) {
    let (first, second) = (root(parents, first), root(parents, second));
    parents[first.max(second)] = first.min(second);
}

#[cfg(test)]
mod tests {
    use candor_core::{Provenance, SampleId};

    use super::*;

    fn samples(files: &[&str], groups: &[Option<&str>]) -> Vec<Sample> {
        let sample = |(file, group): (&&str, &Option<&str>)| Sample {
            id: SampleId::of(file.as_bytes()),
            class: 0,
            group: group.map(str::to_owned),
            provenance: Provenance { file: (*file).to_owned(), row: None, url: None },
            attributes: Default::default(),
        };
        files.iter().zip(groups).map(sample).collect()
    }

    #[test]
    fn equal_bytes_groups_and_near_copies_join_and_chains_of_them_too() {
        let samples =
            samples(&["a", "a", "b", "c", "d", "e"], &[None, Some("ann"), Some("ann"), None, None, None]);
        let units = Units::of(&samples, &[(3, 4)]);
        assert_eq!(units.members(&[0, 1, 2, 3, 4, 5]), [vec![0, 1, 2], vec![3, 4], vec![5]]);
        assert_eq!(units.count(&[2, 5, 3]), 3);
        assert_eq!(units.groups(&[1, 2, 5]).count(), 2);
        let copies = units.of_copies(&samples);
        assert_eq!(copies.members(&[0, 1, 2, 3, 4, 5]), [vec![0, 1], vec![2], vec![3, 4], vec![5]]);
        assert_eq!(Units::of(&samples, &[(3, 4), (4, 5)]), Units::of(&samples, &[(5, 4), (4, 3)]));
    }
}
