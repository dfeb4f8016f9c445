//! The largest gap between two groups, and how far it may be off.

use super::tally::Tally;
use crate::evaluate::Interval;

/// The groups with the largest and the smallest share of a mistake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    /// Where the mistake is made most often.
    pub most: Tally,
    /// Where it is made least often.
    pub least: Tally,
    /// Difference of their shares.
    pub size: f64,
    /// 95 %, of these two groups had they been chosen before looking.
    pub interval: Interval,
}

impl Gap {
    /// Among groups of at least `pictures` pictures. `None` where there are not two.
    pub fn largest(tallies: &[Tally], pictures: usize) -> Option<Gap> {
        let large: Vec<&Tally> = tallies.iter().filter(|tally| tally.pictures >= pictures).collect();
        let by_share = |a: &&&Tally, b: &&&Tally| a.share().total_cmp(&b.share());
        let (&&most, &&least) = (large.iter().max_by(by_share)?, large.iter().min_by(by_share)?);
        (large.len() > 1).then(|| Gap {
            most,
            least,
            size: most.share() - least.share(),
            interval: newcombe(most.for_differences(), least.for_differences()),
        })
    }
}

/// Newcombe's interval of the difference p − q of two shares, from the interval of each.
pub fn newcombe((p, of_p): (f64, Interval), (q, of_q): (f64, Interval)) -> Interval {
    let below = ((p - of_p.low).powi(2) + (of_q.high - q).powi(2)).sqrt();
    let above = ((of_p.high - p).powi(2) + (q - of_q.low).powi(2)).sqrt();
    Interval { low: p - q - below, high: p - q + above }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(group: usize, mistakes: usize, pictures: usize) -> Tally {
        let interval = Interval::of_counts(mistakes as u64, pictures as u64);
        Tally { group, pictures, mistakes, independent: pictures, interval }
    }

    #[test]
    fn the_interval_is_newcombes() {
        // Newcombe (1998), table II, example (a): 56/70 and 48/80 give .0524 to .3339 by method 10.
        let gap = Gap::largest(&[tally(0, 48, 80), tally(1, 56, 70)], 20).unwrap();
        assert!((gap.size - 0.2).abs() < 1e-12 && (gap.most.group, gap.least.group) == (1, 0));
        assert!((gap.interval.low - 0.0524).abs() < 1e-4, "{:?}", gap.interval);
        assert!((gap.interval.high - 0.3339).abs() < 1e-4, "{:?}", gap.interval);
    }

    #[test]
    fn small_groups_decide_nothing() {
        let gap = Gap::largest(&[tally(0, 196, 392), tally(1, 196, 392), tally(2, 9, 10)], 20).unwrap();
        assert_eq!(gap.size, 0.0);
        assert!(Gap::largest(&[tally(0, 3, 300), tally(1, 9, 10)], 20).is_none());
    }
}
