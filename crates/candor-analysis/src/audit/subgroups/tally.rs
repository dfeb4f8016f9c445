//! Counting errors by group, and whether the groups differ by more than chance.

use std::collections::HashMap;

use candor_core::Seed;

use super::super::attributes::Grouping;
use super::super::{Answers, Case};
use crate::evaluate::Interval;

/// Dealings-out of the groups' names, at most; stopped early once so many were at least as uneven (Besag and Clifford,
/// Sequential Monte Carlo p-values, Biometrika 78, 1991).
const DEALINGS: usize = 999;
const ENOUGH: usize = 50;

/// The judged pictures: which are wrong, and which belong together.
pub(super) struct Judged {
    pub classes: usize,
    indices: Vec<usize>,
    truth: Vec<usize>,
    wrong: Vec<bool>,
    /// Whose picture it is: a group's, or its own.
    units: Vec<usize>,
}

/// The errors of one group.
pub(super) struct Tally {
    /// Its place among the grouping's names.
    pub group: usize,
    pub pictures: usize,
    pub wrong: usize,
    /// Pictures that do not depend on each other: people, bursts, single pictures.
    pub independent: usize,
    /// Of the first class, taken for the second; and how many are of the first.
    pub false_positives: (usize, usize),
    /// Of the second class, taken for the first; and how many are of the second.
    pub false_negatives: (usize, usize),
}

impl Judged {
    pub fn of(case: &Case<'_>, answers: &Answers) -> Judged {
        let truth: Vec<usize> = answers.indices.iter().map(|&index| case.samples()[index].class).collect();
        let wrong = answers.classes().iter().zip(&truth).map(|(said, truth)| said != truth).collect();
        let mut known: HashMap<String, usize> = HashMap::new();
        let unit = |&index: &usize| {
            let name = case.samples()[index].group.clone().unwrap_or_else(|| format!("\0{index}"));
            let fresh = known.len();
            *known.entry(name).or_insert(fresh)
        };
        let units = answers.indices.iter().map(unit).collect();
        Judged { classes: case.classes().len(), indices: answers.indices.clone(), truth, wrong, units }
    }

    /// Share of wrong answers.
    pub fn error(&self) -> f64 {
        self.wrong.iter().filter(|&&wrong| wrong).count() as f64 / self.wrong.len().max(1) as f64
    }

    /// One a group that occurs among the judged pictures.
    pub fn tallies(&self, grouping: &Grouping) -> Vec<Tally> {
        let of = |group| {
            let here = move |&at: &usize| grouping.of[self.indices[at]] == Some(group);
            let members: Vec<usize> = (0..self.indices.len()).filter(here).collect();
            (!members.is_empty()).then(|| self.tally(group, &members))
        };
        (0..grouping.names.len()).filter_map(of).collect()
    }

    fn tally(&self, group: usize, members: &[usize]) -> Tally {
        let of_class = |class| {
            let all: Vec<&usize> = members.iter().filter(|&&at| self.truth[at] == class).collect();
            (all.iter().filter(|&&&at| self.wrong[at]).count(), all.len())
        };
        let mut units: Vec<usize> = members.iter().map(|&at| self.units[at]).collect();
        units.sort_unstable();
        units.dedup();
        Tally {
            group,
            pictures: members.len(),
            wrong: members.iter().filter(|&&at| self.wrong[at]).count(),
            independent: units.len(),
            false_positives: of_class(0),
            false_negatives: of_class(1),
        }
    }

    /// The probability of errors at least as uneven among groups of `least` pictures, were the groups' names dealt out by
    /// chance. Where every unit is of one group, units are dealt to; else pictures.
    pub fn p_value(&self, grouping: &Grouping, least: usize, seed: Seed) -> f64 {
        let (cards, holders) = self.cards(grouping, least);
        let observed = self.unevenness(&cards, &holders);
        if observed == 0.0 {
            return 1.0;
        }
        let (mut rng, mut dealt, mut as_uneven) = (seed.rng(), cards, 0);
        for dealing in 1..=DEALINGS {
            rng.shuffle(&mut dealt);
            // Sums in another order may differ in the last bit.
            as_uneven += usize::from(self.unevenness(&dealt, &holders) >= observed * (1.0 - 1e-12));
            if as_uneven == ENOUGH {
                return as_uneven as f64 / dealing as f64;
            }
        }
        (1 + as_uneven) as f64 / (1 + DEALINGS) as f64
    }

    /// The group of each holder, and of each holder the places of its pictures.
    fn cards(&self, grouping: &Grouping, least: usize) -> (Vec<usize>, Vec<Vec<usize>>) {
        let tallies = self.tallies(grouping);
        let large: Vec<usize> =
            tallies.iter().filter(|tally| tally.pictures >= least).map(|tally| tally.group).collect();
        let group = |at: usize| grouping.of[self.indices[at]].filter(|group| large.contains(group));
        let told = (0..self.indices.len()).filter_map(|at| Some((at, group(at)?)));
        let mut by_unit: HashMap<usize, (usize, Vec<usize>)> = HashMap::new();
        let mut torn = false;
        for (at, group) in told.clone() {
            let holder = by_unit.entry(self.units[at]).or_insert((group, Vec::new()));
            torn |= holder.0 != group;
            holder.1.push(at);
        }
        if torn {
            return told.map(|(at, group)| (group, vec![at])).unzip();
        }
        let mut holders: Vec<(usize, Vec<usize>)> = by_unit.into_values().collect();
        holders.sort_unstable_by_key(|(_, members)| members[0]);
        holders.into_iter().unzip()
    }

    /// Pearson's chi-squared of errors by group.
    fn unevenness(&self, cards: &[usize], holders: &[Vec<usize>]) -> f64 {
        let groups = cards.iter().max().map_or(0, |most| most + 1);
        let mut counts = vec![(0.0, 0.0); groups];
        for (&group, members) in cards.iter().zip(holders) {
            counts[group].0 += members.len() as f64;
            counts[group].1 += members.iter().filter(|&&at| self.wrong[at]).count() as f64;
        }
        let (all, wrong) = counts.iter().fold((0.0, 0.0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
        let share = wrong / f64::max(all, 1.0);
        if share == 0.0 || share == 1.0 {
            return 0.0;
        }
        let of = |&(n, wrong): &(f64, f64)| (wrong - n * share).powi(2) / (n * share * (1.0 - share));
        counts.iter().filter(|(n, _)| *n > 0.0).map(of).sum()
    }
}

impl Tally {
    pub fn error(&self) -> f64 {
        self.wrong as f64 / self.pictures as f64
    }

    /// Wilson's, with as many trials as do not depend on each other.
    pub fn interval(&self) -> Interval {
        let hits = (self.error() * self.independent as f64).round() as u64;
        Interval::wilson(hits, self.independent as u64)
    }

    /// `12% (8 to 19)`
    pub fn written(&self) -> String {
        let Interval { low, high } = self.interval();
        format!("{:.0}% ({:.0} to {:.0})", 100.0 * self.error(), 100.0 * low, 100.0 * high)
    }

    /// `9% of 120`
    pub fn rate((wrong, all): (usize, usize)) -> String {
        if all == 0 {
            "–".to_owned()
        } else {
            format!("{:.0}% of {all}", 100.0 * wrong as f64 / all as f64)
        }
    }

    /// Standard errors from the share of all pictures. `None` where nothing is wrong at all, or everything.
    pub fn z(&self, error: f64) -> Option<f64> {
        let spread = (error * (1.0 - error) / self.independent as f64).sqrt();
        (spread > 0.0).then(|| (self.error() - error) / spread)
    }

    /// Place among the groups, 0 (fewest errors) to 100; equals share theirs. `None` where it is alone.
    pub fn percentile(&self, all: &[Tally]) -> Option<f64> {
        let others = all.iter().filter(|other| other.group != self.group);
        let place = |other: &Tally| match other.error().total_cmp(&self.error()) {
            std::cmp::Ordering::Less => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.0,
        };
        let places: Vec<f64> = others.map(place).collect();
        (!places.is_empty()).then(|| 100.0 * places.iter().sum::<f64>() / places.len() as f64)
    }
}
