//! Counting a kind of mistake by group.

use super::super::attributes::Grouping;
use super::super::{Answers, Case};
use super::rate::Rate;
use crate::evaluate::Interval;

/// The predictions that are compared: what is true, what was predicted, and which pictures belong together.
pub(super) struct Predicted {
    /// Number of classes.
    pub classes: usize,
    /// Places among the case's samples.
    pub indices: Vec<usize>,
    pub truth: Vec<usize>,
    pub predicted: Vec<usize>,
    /// The unit of each picture.
    pub units: Vec<usize>,
}

/// How often a kind of mistake is made in one group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    /// Its place among the grouping's names.
    pub group: usize,
    /// Pictures of which the mistake can be made.
    pub pictures: usize,
    /// Pictures of which it is made.
    pub mistakes: usize,
    /// Units of these pictures.
    pub independent: usize,
}

impl Predicted {
    pub fn of(case: &Case<'_>, answers: &Answers) -> Predicted {
        Predicted {
            classes: case.classes().len(),
            truth: answers.indices.iter().map(|&index| case.samples()[index].class).collect(),
            predicted: answers.classes(),
            units: answers.indices.iter().map(|&index| case.units.unit(index)).collect(),
            indices: answers.indices.clone(),
        }
    }

    /// Share of wrong predictions.
    pub fn error(&self) -> f64 {
        let wrong = self.truth.iter().zip(&self.predicted).filter(|(truth, predicted)| truth != predicted);
        wrong.count() as f64 / self.truth.len().max(1) as f64
    }

    /// The pictures of which a mistake can be made: places among the predictions.
    pub fn concerned(&self, rate: Rate) -> Vec<usize> {
        (0..self.truth.len()).filter(|&at| rate.concerns(self.truth[at])).collect()
    }

    /// Whether the mistake is made of a picture.
    pub fn happens(&self, rate: Rate, at: usize) -> bool {
        rate.happens(self.truth[at], self.predicted[at])
    }

    /// One a group that occurs.
    pub fn tallies(&self, grouping: &Grouping, rate: Rate) -> Vec<Tally> {
        let concerned = self.concerned(rate);
        let of = |group| {
            let here = |&&at: &&usize| grouping.of[self.indices[at]] == Some(group);
            let members: Vec<usize> = concerned.iter().filter(here).copied().collect();
            (!members.is_empty()).then(|| self.tally(group, rate, &members))
        };
        (0..grouping.names.len()).filter_map(of).collect()
    }

    fn tally(&self, group: usize, rate: Rate, members: &[usize]) -> Tally {
        let mut units: Vec<usize> = members.iter().map(|&at| self.units[at]).collect();
        units.sort_unstable();
        units.dedup();
        Tally {
            group,
            pictures: members.len(),
            mistakes: members.iter().filter(|&&at| self.happens(rate, at)).count(),
            independent: units.len(),
        }
    }
}

impl Tally {
    pub fn share(&self) -> f64 {
        self.mistakes as f64 / self.pictures as f64
    }

    /// Wilson's, with as many trials as there are units.
    pub fn interval(&self) -> Interval {
        Interval::of_share(self.share(), self.independent)
    }

    /// `12% (8 to 19)`
    pub fn written(&self) -> String {
        let Interval { low, high } = self.interval();
        format!("{:.0}% ({:.0} to {:.0})", 100.0 * self.share(), 100.0 * low, 100.0 * high)
    }

    /// Standard errors from the share of all pictures. `None` where nothing is wrong at all, or everything.
    pub fn z(&self, share: f64) -> Option<f64> {
        let spread = (share * (1.0 - share) / self.independent as f64).sqrt();
        (spread > 0.0).then(|| (self.share() - share) / spread)
    }

    /// Place among the groups, 0 (fewest errors) to 100; equals share theirs. `None` where it is alone.
    pub fn percentile(&self, all: &[Tally]) -> Option<f64> {
        let others = all.iter().filter(|other| other.group != self.group);
        let place = |other: &Tally| match other.share().total_cmp(&self.share()) {
            std::cmp::Ordering::Less => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.0,
        };
        let places: Vec<f64> = others.map(place).collect();
        (!places.is_empty()).then(|| 100.0 * places.iter().sum::<f64>() / places.len() as f64)
    }
}
