//! The largest gap between two groups, how far it may be off, and what gap could have been seen.

use super::tally::Tally;
use crate::evaluate::Interval;

/// Two-sided 5 % and 80 % power: 1.96 + 0.84 standard errors.
const STANDARD_ERRORS: f64 = 2.8;

/// The groups with the most and the fewest errors.
pub(super) struct Gap {
    /// Place among the tallies of the group that errs most.
    pub most: usize,
    /// Place among the tallies of the group that errs least.
    pub least: usize,
    /// Difference of their errors.
    pub size: f64,
    /// 95 %, of these two groups had they been chosen before looking.
    pub interval: Interval,
    /// The smallest gap between the smallest group and all others that would be found four times out of five.
    pub visible: f64,
}

impl Gap {
    /// Among groups of at least `pictures` pictures. `None` where there are not two.
    pub fn largest(tallies: &[Tally], pictures: usize) -> Option<Gap> {
        let large: Vec<usize> = (0..tallies.len()).filter(|&at| tallies[at].pictures >= pictures).collect();
        let by_error = |a: &&usize, b: &&usize| tallies[**a].error().total_cmp(&tallies[**b].error());
        let (&most, &least) = (large.iter().max_by(by_error)?, large.iter().min_by(by_error)?);
        (large.len() > 1).then(|| Gap {
            most,
            least,
            size: tallies[most].error() - tallies[least].error(),
            interval: difference(&tallies[most], &tallies[least]),
            visible: visible(large.iter().map(|&at| &tallies[at])),
        })
    }
}

fn difference(a: &Tally, b: &Tally) -> Interval {
    newcombe((a.error(), a.interval()), (b.error(), b.interval()))
}

/// Newcombe's interval of the difference p − q of two shares, from Wilson's of each.
pub fn newcombe((p, of_p): (f64, Interval), (q, of_q): (f64, Interval)) -> Interval {
    let below = ((p - of_p.low).powi(2) + (of_q.high - q).powi(2)).sqrt();
    let above = ((of_p.high - p).powi(2) + (q - of_q.low).powi(2)).sqrt();
    Interval { low: p - q - below, high: p - q + above }
}

fn visible<'a>(groups: impl Iterator<Item = &'a Tally> + Clone) -> f64 {
    let independent = groups.clone().map(|tally| tally.independent as f64);
    let all: f64 = independent.clone().sum();
    let smallest = independent.fold(all, f64::min);
    let (wrong, pictures) = groups.fold((0, 0), |sum, tally| (sum.0 + tally.wrong, sum.1 + tally.pictures));
    // Of 0 or 1 the normal approximation knows no spread: take what one error more would give.
    let share = (wrong as f64 / pictures as f64).clamp(1.0 / (all + 2.0), 1.0 - 1.0 / (all + 2.0));
    STANDARD_ERRORS * (share * (1.0 - share) * (1.0 / smallest + 1.0 / (all - smallest).max(1.0))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(group: usize, wrong: usize, pictures: usize) -> Tally {
        Tally {
            group,
            pictures,
            wrong,
            independent: pictures,
            false_positives: (0, 0),
            false_negatives: (0, 0),
        }
    }

    #[test]
    fn the_interval_is_newcombes() {
        // Newcombe (1998), table II, example (a): 56/70 and 48/80 give .0524 to .3339 by method 10.
        let gap = Gap::largest(&[tally(0, 48, 80), tally(1, 56, 70)], 20).unwrap();
        assert!((gap.size - 0.2).abs() < 1e-12 && (gap.most, gap.least) == (1, 0));
        assert!((gap.interval.low - 0.0524).abs() < 1e-4, "{:?}", gap.interval);
        assert!((gap.interval.high - 0.3339).abs() < 1e-4, "{:?}", gap.interval);
    }

    #[test]
    fn what_could_be_seen_is_the_textbooks_and_small_groups_decide_nothing() {
        // 392 pictures in each of two groups, errors near 50 %: ten points.
        let gap = Gap::largest(&[tally(0, 196, 392), tally(1, 196, 392), tally(2, 9, 10)], 20).unwrap();
        assert!((gap.visible - 0.1).abs() < 1e-3 && gap.size == 0.0, "{}", gap.visible);
        assert!(Gap::largest(&[tally(0, 3, 300), tally(1, 9, 10)], 20).is_none());
    }
}
