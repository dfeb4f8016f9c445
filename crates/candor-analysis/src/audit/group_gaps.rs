//! How differently a classifier treats the groups that a column names: by each definition of fairness that a training can
//! aim at. Values in, values out; whether a gap is more than chance is the check on subgroups' question.

use candor_core::Sample;
use serde::{Deserialize, Serialize};

use super::subgroups::newcombe;
use super::{Answers, Grouping};
use crate::Units;
use crate::evaluate::Interval;

/// Groups with fewer pictures are shown, but not compared.
const LEAST: usize = 20;

/// The groups of a column on some judged pictures, and the gaps between them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupGaps {
    /// The column.
    pub attribute: String,
    /// Each group that occurs.
    pub groups: Vec<GroupAccuracy>,
    /// Between the groups with the most and the fewest right answers.
    pub equal_accuracy: Option<GroupGap>,
    /// Between the groups to which a class is answered most and least often, for the class where that differs most.
    pub demographic_parity: Option<GroupGap>,
    /// The same among the pictures of one true class, for the two classes where that differs most.
    pub equalized_odds: Option<GroupGap>,
}

/// How often the classifier is right for one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupAccuracy {
    /// The group.
    pub name: String,
    /// Judged pictures.
    pub pictures: usize,
    /// Share of right answers.
    pub accuracy: f64,
    /// Its 95 % interval; what belongs together counts as such.
    pub interval: Interval,
    /// Whether it has too few pictures to be compared.
    pub too_few: bool,
}

/// The largest difference of a share between two groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupGap {
    /// Difference of the shares, in 0..=1.
    pub size: f64,
    /// 95 %, of these two groups had they been chosen before looking (Newcombe's).
    pub interval: Interval,
    /// The group with the larger share.
    pub most: String,
    /// The group with the smaller one.
    pub least: String,
    /// Of what: `right answers`, `answers “fork”`, `answers “fork” where it is “scissors”`.
    pub of: String,
}

/// The judged pictures.
struct Judged<'a> {
    units: &'a Units,
    grouping: &'a Grouping,
    indices: &'a [usize],
    said: Vec<usize>,
}

impl GroupGaps {
    /// Of the groups of `grouping`, a partition of `samples` with `units`, in a classifier's answers for some of them.
    pub fn of(
        samples: &[Sample],
        units: &Units,
        classes: &[String],
        grouping: &Grouping,
        answers: &Answers,
    ) -> GroupGaps {
        let said = answers.classes();
        let judged = Judged { units, grouping, indices: &answers.indices, said };
        let truth = |at: usize| samples[answers.indices[at]].class;
        let parity = (0..classes.len()).filter_map(|class| {
            let of = format!("answers “{}”", classes[class]);
            judged.gap(of, |_| true, |at| judged.said[at] == class)
        });
        let pairs = (0..classes.len()).flat_map(|is| (0..classes.len()).map(move |class| (is, class)));
        let odds = pairs.filter_map(|(is, class)| {
            let of = format!("answers “{}” where it is “{}”", classes[class], classes[is]);
            judged.gap(of, |at| truth(at) == is, |at| judged.said[at] == class)
        });
        let right = |at: usize| judged.said[at] == truth(at);
        GroupGaps {
            attribute: grouping.what.clone(),
            groups: judged.groups(right),
            equal_accuracy: judged.gap("right answers".to_owned(), |_| true, right),
            demographic_parity: largest(parity),
            equalized_odds: largest(odds),
        }
    }
}

fn largest(gaps: impl Iterator<Item = GroupGap>) -> Option<GroupGap> {
    // The first of equals.
    gaps.reduce(|best, gap| if gap.size > best.size { gap } else { best })
}

impl Judged<'_> {
    /// Places of the pictures of a group that meet a condition.
    fn members(&self, group: usize, condition: impl Fn(usize) -> bool) -> Vec<usize> {
        let is_of = |&at: &usize| self.grouping.of[self.indices[at]] == Some(group) && condition(at);
        (0..self.indices.len()).filter(is_of).collect()
    }

    fn share(&self, members: &[usize], counts: impl Fn(usize) -> bool) -> (f64, Interval) {
        let share = members.iter().filter(|&&at| counts(at)).count() as f64 / members.len() as f64;
        let indices: Vec<usize> = members.iter().map(|&at| self.indices[at]).collect();
        let interval = self.units.share_interval(&indices, |at| Some(counts(members[at])));
        (share, interval.expect("a share is of some pictures"))
    }

    fn groups(&self, right: impl Fn(usize) -> bool) -> Vec<GroupAccuracy> {
        let of = |(group, name): (usize, &String)| {
            let members = self.members(group, |_| true);
            let pictures = members.len();
            let (accuracy, interval) = (pictures > 0).then(|| self.share(&members, &right))?;
            Some(GroupAccuracy {
                name: name.clone(),
                pictures,
                accuracy,
                interval,
                too_few: pictures < LEAST,
            })
        };
        self.grouping.names.iter().enumerate().filter_map(of).collect()
    }

    /// The largest difference in how often `counts` holds, among groups with enough pictures that meet `condition`.
    fn gap(
        &self,
        of: String,
        condition: impl Fn(usize) -> bool,
        counts: impl Fn(usize) -> bool,
    ) -> Option<GroupGap> {
        let share = |group: usize| {
            let members = self.members(group, &condition);
            (members.len() >= LEAST).then(|| (group, self.share(&members, &counts)))
        };
        let shares: Vec<(usize, (f64, Interval))> =
            (0..self.grouping.names.len()).filter_map(share).collect();
        let by_share = |a: &&(usize, (f64, Interval)), b: &&(usize, (f64, Interval))| a.1.0.total_cmp(&b.1.0);
        let (most, least) = (shares.iter().max_by(by_share)?, shares.iter().min_by(by_share)?);
        let name = |group: usize| self.grouping.names[group].clone();
        (shares.len() > 1).then(|| GroupGap {
            size: most.1.0 - least.1.0,
            interval: newcombe(most.1, least.1),
            most: name(most.0),
            least: name(least.0),
            of,
        })
    }
}

#[cfg(test)]
mod tests {
    use candor_core::Subset;

    use super::super::testing::Fake;
    use super::*;

    /// Right for nine of ten of group a; says class 0 of everything else of group b.
    fn gaps() -> GroupGaps {
        let mut fake = Fake::bright(800);
        let group = |index: usize| index / 8 % 2;
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.attributes.insert("place".into(), ["a", "b"][group(index)].into());
        }
        let classes: Vec<usize> = fake.samples.iter().map(|sample| sample.class).collect();
        fake.answer(|index| if group(index) == 0 { index / 16 % 10 != 0 } else { classes[index] == 0 });
        let grouping = Grouping::by_column(&fake.samples, "place").unwrap();
        assert!(Grouping::by_column(&fake.samples, "age").is_none());
        GroupGaps::of(&fake.samples, &fake.units(), &fake.classes, &grouping, &fake.answers[&Subset::Test])
    }

    #[test]
    fn each_definition_sees_its_own_gap() {
        let gaps = gaps();
        let sizes: Vec<(usize, f64)> =
            gaps.groups.iter().map(|group| (group.pictures, group.accuracy)).collect();
        assert_eq!(sizes, [(100, 0.9), (100, 0.5)]);
        let accuracy = gaps.equal_accuracy.unwrap();
        assert!((accuracy.size - 0.4).abs() < 1e-9 && accuracy.most == "a", "{accuracy:?}");
        assert!(accuracy.interval.low > 0.25 && accuracy.interval.high < 0.55, "{accuracy:?}");
        // Group a is told each class as often; group b is always told class 0.
        let parity = gaps.demographic_parity.unwrap();
        assert!((parity.size - 0.5).abs() < 1e-9, "{parity:?}");
        let odds = gaps.equalized_odds.unwrap();
        assert!((odds.size - 0.9).abs() < 1e-9 && odds.of.ends_with("where it is “light”"), "{odds:?}");
    }
}
