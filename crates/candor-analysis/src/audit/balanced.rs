//! Balanced accuracy with its interval: every class counts alike, so that naming the frequent one is no merit.

use super::{Answers, Case};
use crate::evaluate::Interval;

/// The mean recall of the classes that occur, on some pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct BalancedAccuracy {
    pub value: f64,
    /// 95 %, with units as units.
    pub interval: Interval,
    /// What guessing gives: one share for each class that occurs.
    pub chance: f64,
    pub pictures: usize,
}

impl BalancedAccuracy {
    /// Of the pictures of `answers` that `counts` says yes to. `None` without any.
    pub fn of(
        case: &Case<'_>,
        answers: &Answers,
        counts: impl Fn(usize) -> bool,
    ) -> Option<BalancedAccuracy> {
        let counted: Vec<(usize, usize)> = answers
            .indices
            .iter()
            .copied()
            .zip(answers.classes())
            .filter(|&(index, _)| counts(index))
            .collect();
        let indices: Vec<usize> = counted.iter().map(|&(index, _)| index).collect();
        let label = |place: usize| case.samples()[indices[place]].class;
        let recall = |class: usize| {
            let hit = |place: usize| (label(place) == class).then(|| counted[place].1 == class);
            let known: Vec<bool> = (0..counted.len()).filter_map(hit).collect();
            let hits = known.iter().filter(|&&hit| hit).count();
            Some((hits as f64 / known.len() as f64, case.units.share_interval(&indices, hit)?))
        };
        let recalls: Vec<(f64, Interval)> = (0..case.classes().len()).filter_map(recall).collect();
        let value = recalls.iter().map(|(recall, _)| recall).sum::<f64>() / recalls.len() as f64;
        let chance = 1.0 / recalls.len() as f64;
        (!recalls.is_empty()).then(|| BalancedAccuracy {
            value,
            interval: mean_interval(&recalls),
            chance,
            pictures: indices.len(),
        })
    }

    /// `81% (72% to 88%)`
    pub fn in_words(&self) -> String {
        let share = |share: f64| format!("{:.0}%", 100.0 * share);
        format!("{} ({} to {})", share(self.value), share(self.interval.low), share(self.interval.high))
    }
}

/// The 95 % interval of a mean of independent shares, from the interval of each: their distances from the shares are added in
/// squares (Zou & Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27, 2008).
fn mean_interval(shares: &[(f64, Interval)]) -> Interval {
    let count = shares.len() as f64;
    let mean = shares.iter().map(|(share, _)| share).sum::<f64>() / count;
    let distance = |of: &dyn Fn(&(f64, Interval)) -> f64| {
        shares.iter().map(|share| of(share).powi(2)).sum::<f64>().sqrt() / count
    };
    let low = (mean - distance(&|(share, interval)| share - interval.low)).max(0.0);
    let high = (mean + distance(&|(share, interval)| interval.high - share)).min(1.0);
    Interval { low, high }
}

#[cfg(test)]
mod tests {
    use candor_core::Seed;

    use super::*;

    #[test]
    fn the_interval_of_a_mean_recall_has_its_coverage() {
        // Of 1,000 intervals of 95 % between 925 and 974 cover with probability .998 (binomial).
        for (large, small) in [(120, 15), (40, 40), (300, 8)] {
            let mut covered = 0;
            for draw in 0..1_000 {
                let mut rng = Seed(15).at(draw).rng();
                let mut of = |share: f64, pictures: u64| {
                    let hits = (0..pictures).filter(|_| rng.unit() < share).count() as u64;
                    (hits as f64 / pictures as f64, Interval::of_counts(hits, pictures))
                };
                let interval = mean_interval(&[of(0.9, large), of(0.6, small)]);
                covered += u64::from((interval.low..=interval.high).contains(&0.75));
            }
            assert!((925..=985).contains(&covered), "{large} and {small}: {covered} of 1,000");
        }
    }
}
