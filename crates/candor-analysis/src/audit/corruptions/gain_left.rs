//! How much of what a classifier gains over naming the most frequent class is left after a change of the pictures.
//!
//! Both gains come from the same pictures, so their ratio is taken as paired: Fieller's interval ("Some problems in interval
//! estimation", Journal of the Royal Statistical Society B 16, 1954), with variances over whole units, because pictures of one
//! unit err together. How many pictures there are of each class is taken as given, as is what naming the most frequent one gives.

use std::collections::HashMap;

use crate::evaluate::Interval;
use crate::interval::student;

/// A picture before and after the change.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture {
    pub class: usize,
    pub unit: usize,
    /// Whether it was predicted correctly.
    pub before: bool,
    pub after: bool,
}

/// The ratio of the gain after to the gain before, with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct GainLeft {
    pub share: f64,
    pub interval: Interval,
}

/// The gain over `chance` of pictures that were predicted correctly or not, before and after; each with its class and its unit.
/// The interval misses the truth with probability `alpha`. `None` where the gain before is not clearly above zero, so that
/// there is no ratio.
pub(super) fn gain_left(pictures: &[Picture], chance: f64, alpha: f64) -> Option<GainLeft> {
    let number = pictures.len() as f64;
    let correct = |correct: bool| f64::from(u8::from(correct));
    let mean = |of: &dyn Fn(&Picture) -> bool| {
        pictures.iter().map(|picture| correct(of(picture))).sum::<f64>() / number - chance
    };
    let (b, a) = (mean(&|picture| picture.before), mean(&|picture| picture.after));
    let mut classes: HashMap<usize, (f64, f64, f64)> = HashMap::new();
    for picture in pictures {
        let class = classes.entry(picture.class).or_default();
        *class = (class.0 + 1.0, class.1 + correct(picture.before), class.2 + correct(picture.after));
    }
    // Of each unit the sums of what its pictures differ from the means of their classes by.
    let mut sums: HashMap<usize, (f64, f64)> = HashMap::new();
    for picture in pictures {
        let (size, before, after) = classes[&picture.class];
        let sum = sums.entry(picture.unit).or_default();
        *sum =
            (sum.0 + correct(picture.before) - before / size, sum.1 + correct(picture.after) - after / size);
    }
    let units = sums.len() as f64;
    if units < 2.0 {
        return None;
    }
    let scale = units / ((units - 1.0) * number * number);
    let total = |of: fn(&(f64, f64)) -> f64| {
        let mut terms: Vec<f64> = sums.values().map(of).collect();
        // The order of a hash map is not that of the pictures: a sum must not depend on it.
        terms.sort_by(f64::total_cmp);
        scale * terms.iter().sum::<f64>()
    };
    let (vb, va, covariance) = (total(|s| s.0 * s.0), total(|s| s.1 * s.1), total(|s| s.0 * s.1));
    let t2 = student::two_sided_quantile(alpha, units - 1.0).powi(2);
    // (a − f b)² = t² (va − 2 f cov + f² vb), for f.
    let square = b * b - t2 * vb;
    if b <= 0.0 || square <= 0.0 {
        return None;
    }
    let (half, constant) = (a * b - t2 * covariance, a * a - t2 * va);
    let root = (half * half - square * constant).max(0.0).sqrt();
    Some(GainLeft {
        share: a / b,
        interval: Interval { low: (half - root) / square, high: (half + root) / square },
    })
}

#[cfg(test)]
mod tests {
    use candor_core::{Rng, Seed};

    use super::*;

    #[test]
    fn what_changes_nothing_leaves_everything_and_no_gain_has_no_share() {
        let picture = |i: usize, before: bool| Picture { class: i % 2, unit: i, before, after: before };
        let good: Vec<Picture> = (0..60).map(|i| picture(i, !i.is_multiple_of(5))).collect();
        let left = gain_left(&good, 0.5, 0.05).unwrap();
        assert!((left.share - 1.0).abs() < 1e-12 && left.interval.width() < 1e-6, "{left:?}");
        let none: Vec<Picture> = (0..60).map(|i| picture(i, i % 4 < 2)).collect();
        assert_eq!(gain_left(&none, 0.5, 0.05), None);
        let one: Vec<Picture> = good.iter().map(|picture| Picture { unit: 0, ..*picture }).collect();
        assert_eq!(gain_left(&one, 0.5, 0.05), None, "one unit has no spread");
    }

    #[test]
    fn a_rule_that_names_one_class_always_leaves_nothing() {
        let picture =
            |i: usize| Picture { class: i % 2, unit: i, before: !i.is_multiple_of(9), after: i % 2 == 1 };
        let left = gain_left(&(0..100).map(picture).collect::<Vec<_>>(), 0.5, 0.05).unwrap();
        assert!(left.share.abs() < 1e-12 && left.interval.high < 0.01, "{left:?}");
    }

    /// `units` of `size` pictures that are correct or wrong together, a third of them of class 0.
    fn draw(rng: &mut Rng, units: usize, size: usize) -> Vec<Picture> {
        let mut pictures = Vec::new();
        for unit in 0..units {
            let class = usize::from(unit % 3 > 0);
            let before = rng.unit() < 0.8;
            // Of the correct ones three quarters stay correct.
            let after = before && rng.unit() < 0.75;
            pictures.extend((0..size).map(|_| Picture { class, unit, before, after }));
        }
        pictures
    }

    #[test]
    fn the_interval_covers_the_truth_about_as_often_as_it_says_in_units_of_one_and_of_four() {
        let chance = 1.0 / 3.0;
        let truth = (0.6 - chance) / (0.8 - chance);
        for (units, size) in [(150, 1), (60, 4)] {
            let mut rng = Seed(11).at(size as u64).rng();
            let mut covered = 0;
            for _ in 0..1000 {
                let left = gain_left(&draw(&mut rng, units, size), chance, 0.05);
                covered += usize::from(left.is_some_and(|left| left.interval.contains(truth)));
            }
            // 93 to 97 %: beyond what 1,000 draws of a 95 % interval leave open on either side.
            assert!((930..=970).contains(&covered), "{units} units of {size}: {covered} of 1000");
        }
    }
}
