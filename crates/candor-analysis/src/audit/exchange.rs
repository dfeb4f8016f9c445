//! What a change of the pictures costs the network: the test of whether it depends on what was changed.
//!
//! A part of every picture is exchanged for that of another one. The pictures still look as they usually do, but the part
//! no longer says anything of their class. The loss is counted as a share of what the network gains over naming the most
//! frequent class, with a 95 % interval: Student's, over units as the independent things (Cochran, Sampling Techniques,
//! 1977, section 6.3, a ratio of sums over clusters).

use std::collections::BTreeMap;

use candor_core::{Classifier, Image, Rng};

use super::{AuditErrorKind, Case};
use crate::evaluate::Interval;
use crate::interval::student;

/// Pictures with the network's answers for them as they are.
pub(super) struct Asked<'a> {
    case: &'a Case<'a>,
    classifier: &'a dyn Classifier,
    /// Samples of the case.
    pub indices: Vec<usize>,
    /// As the network sees them.
    pub images: Vec<Image>,
    /// What it answered for each.
    pub answers: Vec<usize>,
    /// The accuracy of naming the most frequent class.
    pub chance: f64,
}

/// What a change costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Loss {
    /// Accuracy on the pictures as they are.
    pub before: f64,
    /// Accuracy on the changed ones.
    pub after: f64,
    /// Share of the gain over chance that is lost.
    pub share: f64,
    /// Its 95 % interval; it may reach beyond 0 and 1.
    pub interval: Interval,
}

/// One picture in an estimate of a loss: what it lost, what there was to lose, and its unit.
struct Outcome {
    lost: f64,
    gain: f64,
    unit: usize,
}

impl<'a> Asked<'a> {
    /// Asks the network about the pictures at `indices` as they are.
    ///
    /// # Errors
    /// When it cannot answer.
    pub fn of(
        case: &'a Case<'a>,
        classifier: &'a dyn Classifier,
        indices: Vec<usize>,
    ) -> Result<Asked<'a>, AuditErrorKind> {
        let images: Vec<Image> = indices.iter().map(|&index| (case.seen)(index)).collect();
        let chance = case.majority(&indices);
        let mut asked = Asked { case, classifier, indices, images, answers: Vec::new(), chance };
        asked.answers = asked.answers(&asked.images)?;
        Ok(asked)
    }

    /// The class of the picture at `place`.
    pub fn class(&self, place: usize) -> usize {
        self.case.samples()[self.indices[place]].class
    }

    /// Accuracy on the pictures as they are.
    pub fn accuracy(&self) -> f64 {
        let right = (0..self.answers.len()).filter(|&place| self.answers[place] == self.class(place)).count();
        right as f64 / self.answers.len().max(1) as f64
    }

    /// Accuracy above that of naming the most frequent class.
    pub fn gain(&self) -> f64 {
        self.accuracy() - self.chance
    }

    /// The answers for changed pictures.
    ///
    /// # Errors
    /// When the network cannot answer.
    pub fn answers(&self, images: &[Image]) -> Result<Vec<usize>, AuditErrorKind> {
        Ok(self.classifier.predict(images)?.iter().map(|answer| answer.class()).collect())
    }

    /// For each picture another one, of another unit where there is one.
    pub fn partners(&self, rng: &mut Rng) -> Vec<usize> {
        let unit = |place: usize| self.unit(place);
        let partner = |own: usize| {
            let draw = |rng: &mut Rng| (own + 1 + rng.below(self.images.len() - 1)) % self.images.len();
            let first = draw(rng);
            (0..8).fold(first, |found, _| if unit(found) == unit(own) { draw(rng) } else { found })
        };
        (0..self.images.len()).map(partner).collect()
    }

    /// What `change` costs, which makes the pictures of one round; several rounds make the estimate finer.
    ///
    /// # Errors
    /// When the network cannot answer.
    pub fn loss(
        &self,
        rounds: usize,
        mut change: impl FnMut(usize) -> Vec<Image>,
    ) -> Result<Loss, AuditErrorKind> {
        let mut right = vec![0usize; self.images.len()];
        for round in 0..rounds {
            let answers = self.answers(&change(round))?;
            right.iter_mut().zip(answers).enumerate().for_each(|(place, (right, answer))| {
                *right += usize::from(answer == self.class(place));
            });
        }
        let before = |place: usize| f64::from(u8::from(self.answers[place] == self.class(place)));
        let after = |place: usize| right[place] as f64 / rounds.max(1) as f64;
        let outcome = |place: usize| Outcome {
            lost: before(place) - after(place),
            gain: before(place) - self.chance,
            unit: self.unit(place),
        };
        let outcomes: Vec<Outcome> = (0..right.len()).map(outcome).collect();
        let (share, interval) = ratio(&outcomes);
        let after = (0..right.len()).map(after).sum::<f64>() / right.len().max(1) as f64;
        Ok(Loss { before: self.accuracy(), after, share, interval })
    }

    /// How far other pictures are taken for `class` once they hold a part of its pictures: `images` are those at `places`,
    /// none of this class. The share is that of the way to the recall of the class itself.
    ///
    /// # Errors
    /// When the network cannot answer.
    pub fn pull(&self, class: usize, places: &[usize], images: &[Image]) -> Result<Loss, AuditErrorKind> {
        let is = |answer: usize| f64::from(u8::from(answer == class));
        let own: Vec<usize> = (0..self.answers.len()).filter(|&place| self.class(place) == class).collect();
        let recall = own.iter().map(|&place| is(self.answers[place])).sum::<f64>() / own.len().max(1) as f64;
        let before =
            places.iter().map(|&place| is(self.answers[place])).sum::<f64>() / places.len().max(1) as f64;
        let answers = self.answers(images)?;
        let after = answers.iter().map(|&answer| is(answer)).sum::<f64>() / places.len().max(1) as f64;
        let outcome = |(&place, &answer): (&usize, &usize)| Outcome {
            lost: is(answer) - is(self.answers[place]),
            gain: recall - before,
            unit: self.unit(place),
        };
        let outcomes: Vec<Outcome> = places.iter().zip(&answers).map(outcome).collect();
        let (share, interval) = ratio(&outcomes);
        Ok(Loss { before, after, share, interval })
    }

    fn unit(&self, place: usize) -> usize {
        self.case.units.unit(self.indices[place])
    }
}

/// The share of the gain that is lost, with its 95 % interval by units.
fn ratio(outcomes: &[Outcome]) -> (f64, Interval) {
    let pictures = outcomes.len().max(1) as f64;
    let gain = outcomes.iter().map(|outcome| outcome.gain).sum::<f64>().max(1e-9);
    let share = outcomes.iter().map(|outcome| outcome.lost).sum::<f64>() / gain;
    let mut units: BTreeMap<usize, f64> = BTreeMap::new();
    for outcome in outcomes {
        *units.entry(outcome.unit).or_default() += outcome.lost - share * outcome.gain;
    }
    let count = units.len().max(2) as f64;
    // One unit more that errs, so that the interval of a change without any effect is not a single point.
    let unseen = (pictures / count).powi(2);
    let squares = units.values().map(|residual| residual * residual).sum::<f64>() + unseen;
    let error = (count / (count - 1.0) * squares).sqrt() / gain;
    let half = student::two_sided_quantile(0.05, count - 1.0) * error;
    (share, Interval { low: share - half, high: share + half })
}

/// The share of samples that are right, with its 95 % interval by units. Without any it may be anything.
pub(super) fn share_by_units(case: &Case<'_>, right: impl Iterator<Item = (usize, bool)>) -> (f64, Interval) {
    let (indices, right): (Vec<usize>, Vec<bool>) = right.unzip();
    let share = right.iter().filter(|right| **right).count() as f64 / right.len().max(1) as f64;
    let interval = case.units.share_interval(&indices, |place| Some(right[place]));
    (share, interval.unwrap_or(Interval { low: 0.0, high: 1.0 }))
}

/// The picture with the values of `other` where `mask` holds, one entry a pixel.
pub(super) fn exchanged(image: &Image, other: &Image, mask: &[bool]) -> Image {
    let channels = image.channels().count();
    let mut pixels = image.pixels().to_vec();
    for (place, _) in mask.iter().enumerate().filter(|(_, inside)| **inside) {
        let values = place * channels..(place + 1) * channels;
        pixels[values.clone()].copy_from_slice(&other.pixels()[values]);
    }
    Image::new(image.width(), image.height(), image.channels(), pixels).expect("the sides stay as they are")
}

/// Per cent without a sign where it rounds to nothing: `96%`.
pub(super) fn per_cent(share: f64) -> String {
    format!("{:.0}%", (100.0 * share).round() + 0.0)
}

impl Loss {
    /// `96% (88–100%)`, cut to 0 to 100 %.
    pub fn words(&self) -> String {
        let cut = |share: f64| per_cent(share.clamp(0.0, 1.0));
        let [low, high] = [self.interval.low, self.interval.high].map(cut);
        format!("{} ({}–{high})", cut(self.share), low.trim_end_matches('%'))
    }
}

#[cfg(test)]
mod tests {
    use candor_core::Seed;

    use super::*;

    const CHANCE: f64 = 0.5;

    /// Pictures of which nine of ten are right, and a share of `lost` of the units no longer after a change.
    fn outcomes(units: usize, of_a_unit: usize, lost: f64, rng: &mut Rng) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        for unit in 0..units {
            let loses = rng.unit() < lost;
            for _ in 0..of_a_unit {
                let right = f64::from(u8::from(rng.unit() < 0.9));
                let lost = if loses { right } else { 0.0 };
                outcomes.push(Outcome { lost, gain: right - CHANCE, unit });
            }
        }
        outcomes
    }

    #[test]
    fn the_interval_holds_the_truth_19_times_in_20_with_units_and_without() {
        for (units, of_a_unit, lost) in [(100, 1, 0.3), (40, 1, 0.5), (30, 8, 0.3), (200, 2, 0.1)] {
            let mut rng = Seed(11).at(units as u64).rng();
            let truth = 0.9 * lost / (0.9 - CHANCE);
            let draws = (0..1000).map(|_| ratio(&outcomes(units, of_a_unit, lost, &mut rng)).1);
            let held = draws.filter(|interval| interval.contains(truth)).count();
            assert!((930..=985).contains(&held), "{units} units of {of_a_unit}: {held} of 1000");
        }
    }

    #[test]
    fn a_change_without_effect_has_an_interval_all_the_same() {
        let all_right = |count: usize| -> Vec<Outcome> {
            (0..count).map(|unit| Outcome { lost: 0.0, gain: 0.5, unit }).collect()
        };
        let (share, interval) = ratio(&all_right(20));
        assert_eq!(share, 0.0);
        assert!(interval.high > 0.15, "3 of 20 could be lost and never be seen: {interval:?}");
        assert!(ratio(&all_right(400)).1.high < 0.02);
        let interval = Interval { low: 0.884, high: 1.04 };
        assert_eq!(Loss { before: 1.0, after: 0.5, share: 0.96, interval }.words(), "96% (88–100%)");
    }
}
