//! Which pictures belong together, so that a resampling takes all of them or none.

use std::collections::HashMap;

use candor_core::Rng;

/// A partition of the pictures 0..n. Without groups each picture is its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// Pictures in the order of their groups.
    members: Vec<u32>,
    /// Where each group begins in `members`, and the end of the last.
    starts: Vec<u32>,
}

impl Groups {
    /// Each of `pictures` pictures stands for itself.
    pub fn singles(pictures: usize) -> Groups {
        let pictures = pictures as u32;
        Groups { members: (0..pictures).collect(), starts: (0..=pictures).collect() }
    }

    /// One name a picture; pictures without one stand for themselves. The order of the groups is that of their
    /// first pictures.
    pub fn of<S: AsRef<str>>(names: &[Option<S>]) -> Groups {
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut groups: Vec<Vec<u32>> = Vec::new();
        for (picture, name) in (0u32..).zip(names) {
            let fresh = groups.len();
            let group = name.as_ref().map_or(fresh, |name| *known.entry(name.as_ref()).or_insert(fresh));
            if group == fresh {
                groups.push(Vec::new());
            }
            groups[group].push(picture);
        }
        let mut starts = vec![0];
        starts.extend(groups.iter().scan(0, |end, group| {
            *end += group.len() as u32;
            Some(*end)
        }));
        Groups { members: groups.concat(), starts }
    }

    /// How many groups there are.
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many pictures there are.
    pub fn pictures(&self) -> usize {
        self.members.len()
    }

    /// The pictures of each group.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|ends| &self.members[ends[0] as usize..ends[1] as usize])
    }

    /// Draws as many groups as there are, with replacement: `weights[picture]` becomes how often each was drawn.
    pub(super) fn draw(&self, rng: &mut Rng, weights: &mut [u32]) {
        weights.fill(0);
        for _ in 0..self.count() {
            let group = rng.below(self.count());
            for &picture in &self.members[self.starts[group] as usize..self.starts[group + 1] as usize] {
                weights[picture as usize] += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_core::Seed;

    #[test]
    fn a_group_is_drawn_as_a_whole_and_the_nameless_stand_alone() {
        let groups = Groups::of(&[Some("ann"), None, Some("bob"), Some("ann"), None]);
        assert_eq!((groups.count(), groups.pictures()), (4, 5));
        let mut weights = [0; 5];
        for index in 0..50 {
            groups.draw(&mut Seed(1).at(index).rng(), &mut weights);
            assert_eq!(weights[0], weights[3], "ann's pictures stay together");
            assert_eq!(weights[0] + weights[1] + weights[2] + weights[4], 4, "{weights:?}");
        }
        assert_eq!(Groups::of::<&str>(&[None, None]), Groups::singles(2));
    }
}
