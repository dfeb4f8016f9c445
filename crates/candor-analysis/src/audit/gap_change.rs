//! Whether another training made the gap between groups smaller by more than chance, and what that cost each group.

use candor_core::{Sample, Seed};
use serde::{Deserialize, Serialize};

use super::{Answers, Grouping};
use crate::Units;
use crate::evaluate::Interval;
use crate::interval::student::two_sided_quantile;
use crate::interval::{Deals, MaxT, TestOutcome};

/// Groups with fewer pictures are not compared.
const LEAST: usize = 20;
const DEALS: usize = 1_999;
const LEVEL: f64 = 0.05;
/// Standard deviations beyond the critical value for a power of 80 %.
const POWER: f64 = 0.842;

/// Of what the gap is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GapKind {
    /// Shares of right predictions.
    EqualAccuracy,
    /// Shares of the predictions that are of a class, for the class where they differ most.
    DemographicParity,
    /// The same among the pictures of one true class.
    EqualizedOdds,
}

/// One training beside that without fairness, on the same pictures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GapChange {
    /// By how much the gap is smaller, a share.
    pub reduction: f64,
    /// Of the hypothesis that both trainings treat the groups alike, one-sided and corrected for all trainings.
    pub outcome: TestOutcome,
    /// The smallest reduction that would be detected four times out of five; `None` where none would be.
    pub detectable: Option<f64>,
    /// What it did to the share of right predictions of all pictures.
    pub all: AccuracyChange,
    /// The same of each group.
    pub groups: Vec<AccuracyChange>,
}

/// How the share of right predictions changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccuracyChange {
    /// The group; empty for all pictures.
    pub name: String,
    /// How many pictures it has.
    pub pictures: usize,
    /// Share with fairness less share without.
    pub change: f64,
    /// Its 95 % interval: Student's, of the units' changes; at least 3 in as many as there are units to each side.
    pub interval: Interval,
}

/// The pictures with what is known of them.
struct Pictures<'a> {
    truth: Vec<usize>,
    group: Vec<Option<usize>>,
    names: &'a [String],
    classes: usize,
    /// Places by unit.
    units: Vec<Vec<usize>>,
    kind: GapKind,
}

/// Each of `with` beside `without`: predictions for the same samples, of which `units` belong together. Were two trainings
/// alike, then the predictions for a unit could as well be exchanged between them: that is done by the toss of a coin for
/// each unit, for all trainings at once. `None` where fewer than two groups have enough pictures.
///
/// # Panics
/// When the predictions are for different samples.
pub fn gap_changes(
    (samples, classes): (&[Sample], &[String]),
    (grouping, units): (&Grouping, &Units),
    kind: GapKind,
    (without, with): (&Answers, &[Answers]),
    seed: Seed,
) -> Option<Vec<GapChange>> {
    assert!(
        with.iter().all(|one| one.indices == without.indices),
        "all trainings predict for the same samples"
    );
    let places: std::collections::HashMap<usize, usize> =
        without.indices.iter().enumerate().map(|(at, &index)| (index, at)).collect();
    let of_unit = |unit: Vec<usize>| unit.into_iter().map(|index| places[&index]).collect();
    let pictures = Pictures {
        truth: without.indices.iter().map(|&index| samples[index].class).collect(),
        group: without.indices.iter().map(|&index| grouping.of[index]).collect(),
        names: &grouping.names,
        classes: classes.len(),
        units: units.members(&without.indices).into_iter().map(of_unit).collect(),
        kind,
    };
    let before = without.classes();
    let after: Vec<Vec<usize>> = with.iter().map(Answers::classes).collect();
    let reductions = |is_exchanged: &[bool]| -> Option<Vec<f64>> {
        after.iter().map(|after| pictures.reduction(&before, after, is_exchanged)).collect()
    };
    let as_they_are = vec![false; before.len()];
    let observed = reductions(&as_they_are)?;
    let mut all = Deals::new(observed.clone());
    for deal in 0..DEALS {
        let mut rng = seed.at(deal as u64).rng();
        let mut is_exchanged = as_they_are.clone();
        for unit in &pictures.units {
            let coin = rng.below(2) == 1;
            unit.iter().for_each(|&at| is_exchanged[at] = coin);
        }
        all.push(&reductions(&is_exchanged)?);
    }
    let test = all.max_t();
    let change = |(number, after): (usize, &Vec<usize>)| GapChange {
        reduction: observed[number],
        outcome: test.outcome(number, 2.0_f64.powi(pictures.changed_units(&before, after) as i32)),
        detectable: detectable(&test, number),
        all: pictures.accuracy_change(None, &before, after),
        groups: (0..grouping.names.len())
            .map(|group| pictures.accuracy_change(Some(group), &before, after))
            .filter(|change| change.pictures > 0)
            .collect(),
    };
    Some(after.iter().enumerate().map(change).collect())
}

fn detectable(test: &MaxT, number: usize) -> Option<f64> {
    let (threshold, critical) = (test.threshold(number, LEVEL)?, test.critical(LEVEL)?);
    let deviation = (threshold - test.mean(number)) / critical;
    Some(threshold + POWER * deviation).filter(|&reduction| deviation > 0.0 && reduction <= 1.0)
}

impl Pictures<'_> {
    /// The gap before less the gap after, where the predictions for some pictures are exchanged.
    fn reduction(&self, before: &[usize], after: &[usize], is_exchanged: &[bool]) -> Option<f64> {
        let pick = |first: &[usize], second: &[usize]| -> Vec<usize> {
            let places = is_exchanged.iter().enumerate();
            places.map(|(at, &exchanged)| if exchanged { second[at] } else { first[at] }).collect()
        };
        Some(self.gap(&pick(before, after))? - self.gap(&pick(after, before))?)
    }

    /// The largest difference of a share between two groups of enough pictures.
    fn gap(&self, predicted: &[usize]) -> Option<f64> {
        // Of each (condition, counted class): pictures and how many count, by group.
        let (conditions, counted) = match self.kind {
            GapKind::EqualAccuracy => (1, 1),
            GapKind::DemographicParity => (1, self.classes),
            GapKind::EqualizedOdds => (self.classes, self.classes),
        };
        let groups = self.names.len();
        let (mut all, mut counts) =
            (vec![0usize; conditions * groups], vec![0usize; conditions * counted * groups]);
        for ((&truth, group), &predicted) in self.truth.iter().zip(&self.group).zip(predicted) {
            let Some(group) = group else { continue };
            let condition = if self.kind == GapKind::EqualizedOdds { truth } else { 0 };
            all[condition * groups + group] += 1;
            match self.kind {
                GapKind::EqualAccuracy => counts[*group] += usize::from(predicted == truth),
                _ => counts[(condition * counted + predicted) * groups + group] += 1,
            }
        }
        let gap = |cell: usize| {
            let sizes = &all[cell / counted * groups..][..groups];
            let large = (0..groups).filter(|&group| sizes[group] >= LEAST);
            let shares: Vec<f64> =
                large.map(|group| counts[cell * groups + group] as f64 / sizes[group] as f64).collect();
            let ends = shares.iter().copied().reduce(f64::max).zip(shares.iter().copied().reduce(f64::min));
            ends.filter(|_| shares.len() > 1).map(|(most, least)| most - least)
        };
        (0..conditions * counted).filter_map(gap).reduce(f64::max)
    }

    /// Units of which at least one prediction changed.
    fn changed_units(&self, before: &[usize], after: &[usize]) -> usize {
        self.units.iter().filter(|unit| unit.iter().any(|&at| before[at] != after[at])).count()
    }

    fn accuracy_change(&self, group: Option<usize>, before: &[usize], after: &[usize]) -> AccuracyChange {
        let is_in = |at: usize| group.is_none() || self.group[at] == group;
        let right = |predicted: &[usize], at: usize| f64::from(u8::from(predicted[at] == self.truth[at]));
        // Of each unit: its pictures, and how many more of them are right.
        let of_unit = |unit: &Vec<usize>| {
            let here = unit.iter().filter(|&&at| is_in(at));
            here.fold((0.0, 0.0), |sum, &at| (sum.0 + 1.0, sum.1 + right(after, at) - right(before, at)))
        };
        let units: Vec<(f64, f64)> = self.units.iter().map(of_unit).filter(|unit| unit.0 > 0.0).collect();
        let (pictures, more) = units.iter().fold((0.0, 0.0), |sum, unit| (sum.0 + unit.0, sum.1 + unit.1));
        let (m, change) = (units.len() as f64, if pictures > 0.0 { more / pictures } else { 0.0 });
        let squares: f64 = units.iter().map(|unit| (unit.1 - change * unit.0).powi(2)).sum();
        let half = match units.len() {
            0 | 1 => 2.0,
            _ => {
                let error = (squares * m / (m - 1.0)).sqrt() / pictures;
                (two_sided_quantile(0.05, m - 1.0) * error).max(3.0 / m)
            }
        };
        AccuracyChange {
            name: group.map_or_else(String::new, |group| self.names[group].clone()),
            pictures: pictures as usize,
            change,
            interval: Interval { low: (change - half).max(-1.0), high: (change + half).min(1.0) },
        }
    }
}

#[cfg(test)]
mod tests {
    use candor_core::Subset;

    use super::super::testing::Fake;
    use super::*;

    /// Two groups by turns of eight; `right` says what is right without and with, of a place within the group.
    fn changes(pictures: usize, right: impl Fn(bool, usize, u64) -> [f64; 2], seed: u64) -> Vec<GapChange> {
        let mut fake = Fake::bright(pictures);
        let few = |index: usize| index / 8 % 2 == 1;
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.attributes.insert("place".into(), if few(index) { "few" } else { "many" }.into());
        }
        let lucky =
            |salt: u64, index: usize, share: f64| Seed(seed).at(salt).at(index as u64).rng().unit() < share;
        let mut trained = |salt: u64, which: usize| {
            fake.answer(|index| lucky(salt, index, right(few(index), index, salt)[which]));
            fake.answers[&Subset::Test].clone()
        };
        let (without, with) = (trained(0, 0), [trained(1, 1), trained(2, 1), trained(3, 1)]);
        let grouping = Grouping::by_column(&fake.samples, "place").unwrap();
        let (data, parts) = ((&fake.samples[..], &fake.classes[..]), (&grouping, &fake.units()));
        gap_changes(data, parts, GapKind::EqualAccuracy, (&without, &with), Seed(seed)).unwrap()
    }

    #[test]
    fn a_gap_that_was_closed_is_found_with_what_it_cost() {
        let changes = changes(1600, |few, _, _| if few { [0.6, 0.9] } else { [0.95, 0.9] }, 1);
        for change in &changes {
            assert!(change.outcome.rejects(LEVEL) && change.reduction > 0.2, "{change:?}");
            let (few, many) = (&change.groups[0], &change.groups[1]);
            assert!(few.name == "few" && few.interval.low > 0.15 && many.change < 0.02, "{change:?}");
        }
    }

    #[test]
    fn trainings_that_are_alike_are_one_time_in_twenty_called_better() {
        let found = (0..60).filter(|&seed| {
            let changes = changes(480, |few, _, _| if few { [0.7, 0.7] } else { [0.9, 0.9] }, 100 + seed);
            changes.iter().any(|change| change.outcome.rejects(LEVEL))
        });
        // Exact binomial: of 60 with .05 each at most 7, 99 times out of 100.
        let found = found.count();
        assert!(found <= 7, "{found}");
    }

    #[test]
    fn one_picture_each_way_is_chance_and_the_same_predictions_are_no_change() {
        // Picture 6 is right without and wrong with, 14 the other way round: both are test pictures of one group each.
        let right = |index: usize, which: usize| match index {
            6 => which == 0,
            14 => which == 1,
            index => index % 5 > 0,
        };
        let changes =
            changes(480, |_, index, salt| [f64::from(u8::from(right(index, usize::from(salt > 0)))); 2], 3);
        for change in changes {
            assert!(!change.outcome.rejects(LEVEL) && !change.outcome.could_reject(LEVEL), "{change:?}");
            assert!(change.all.change == 0.0 && change.all.interval.width() > 0.0, "{change:?}");
        }
    }
}
