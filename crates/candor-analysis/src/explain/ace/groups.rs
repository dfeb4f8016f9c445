//! Patches of some pictures that look alike to the network, put together. The pictures of a class and random pictures go
//! through the same steps.

use std::collections::HashSet;

use candor_core::Seed;

use super::clusters::clusters;
use super::patches::Described;

/// Groups that the patches are put into, at most.
const CLUSTERS: usize = 20;
/// A part recurs: its patches come from this share of the pictures at least, and from so many.
const RECURS: f64 = 0.1;
const FEWEST: usize = 3;
/// Patches nearest to the middle of a group that stand for it.
const TYPICAL: usize = 40;

/// A patch of one of some pictures. A picture that was drawn twice is two.
#[derive(Clone, Copy)]
pub(super) struct Member<'a> {
    pub picture: usize,
    pub described: &'a Described,
}

/// Patches that look alike and recur.
pub(super) struct Group<'a> {
    /// The most typical ones, at most one of a picture before each picture had its turn.
    pub typical: Vec<&'a Described>,
    /// The pictures that it occurs in, ascending.
    pub found_in: Vec<usize>,
}

/// The parts that recur in `pictures` pictures.
pub(super) fn groups<'a>(members: &[Member<'a>], pictures: usize, seed: Seed) -> Vec<Group<'a>> {
    let points: Vec<&[f32]> = members.iter().map(|member| member.described.features.as_slice()).collect();
    let fewest = ((pictures as f64 * RECURS).ceil() as usize).max(FEWEST);
    let clusters = clusters(&points, CLUSTERS, seed);
    let groups = clusters
        .iter()
        .map(|cluster| Group { typical: typical(cluster, members), found_in: pictures_of(cluster, members) });
    groups.filter(|group| group.found_in.len() >= fewest).collect()
}

/// Ascending, each once.
fn pictures_of(cluster: &[usize], members: &[Member<'_>]) -> Vec<usize> {
    let mut pictures: Vec<usize> = cluster.iter().map(|&at| members[at].picture).collect();
    pictures.sort_unstable();
    pictures.dedup();
    pictures
}

/// The first of a cluster, which comes with the nearest to its middle first, so that every picture has its turn.
fn typical<'a>(cluster: &[usize], members: &[Member<'a>]) -> Vec<&'a Described> {
    let mut taken: Vec<&Described> = Vec::new();
    let mut left: Vec<usize> = cluster.to_vec();
    while taken.len() < TYPICAL && !left.is_empty() {
        let mut seen = HashSet::new();
        let (now, later): (Vec<usize>, Vec<usize>) =
            left.into_iter().partition(|&at| seen.insert(members[at].picture));
        taken.extend(now.into_iter().map(|at| members[at].described));
        left = later;
    }
    taken.truncate(TYPICAL);
    taken
}
