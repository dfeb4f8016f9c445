//! Counting a kind of mistake by group.

use super::super::attributes::Grouping;
use super::super::{Answers, Case};
use super::rate::Rate;
use crate::evaluate::Interval;
use crate::interval::{Groups, share_interval};

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
    /// 95 % interval of the share, pictures of one unit counting as such.
    pub interval: Interval,
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
        let (pictures, independent) = (members.len(), units.len());
        let mistakes = members.iter().filter(|&&at| self.happens(rate, at)).count();
        let interval = match independent == pictures {
            true => Interval::of_counts(mistakes as u64, pictures as u64),
            false => {
                let names: Vec<Option<String>> =
                    members.iter().map(|&at| Some(self.units[at].to_string())).collect();
                let is_mistake = |place: usize| Some(self.happens(rate, members[place]));
                share_interval(&Groups::of(&names), is_mistake).expect("a tally has pictures")
            }
        };
        Tally { group, pictures, mistakes, independent, interval }
    }
}

impl Tally {
    pub fn share(&self) -> f64 {
        self.mistakes as f64 / self.pictures as f64
    }

    /// The interval of which Newcombe's for differences is built: Wilson's where each picture is a unit.
    pub fn for_differences(&self) -> (f64, Interval) {
        let interval = match self.independent == self.pictures {
            true => Interval::wilson(self.mistakes as u64, self.pictures as u64),
            false => self.interval,
        };
        (self.share(), interval)
    }

    /// `12% (8 to 19)`
    pub fn written(&self) -> String {
        let Interval { low, high } = self.interval;
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
