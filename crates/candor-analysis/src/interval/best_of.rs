//! A model beside the best of several others, when which is the best was seen on the same pictures.

use super::bootstrap::{percentile_interval, quantile_at, tail_of};
use super::{Bootstrap, Difference, Groups, McNemar, Measure};
use crate::evaluate::Interval;

/// A model's accuracy less that of the best of some others.
#[derive(Clone, Debug, PartialEq)]
pub struct BestDifference {
    /// The place of the best of the others; the first of equals.
    pub best: usize,
    /// By the paired bootstrap over groups; `None` with fewer than two groups.
    pub difference: Option<Difference>,
    /// The exact test of the same; `only_first` counts what only the best of the others gets right.
    pub mcnemar: McNemar,
}

/// Compares which pictures `model` gets right with which each of `others` does; `None` without others. The choice of the best
/// flatters it, which both sides take into account:
///
/// - that the model is *better* is claimed against all of the others, so the p-value is the largest of theirs (Berger,
///   "Multiparameter hypothesis testing and acceptance sampling", Technometrics 24, 1982), and the lower end of the interval
///   comes from resamplings in each of which the best is chosen anew;
/// - that it is *worse* is claimed against one that was chosen of k: the p-value is k times its own, and the upper end of
///   the interval is that of level .025 / k (Bonferroni).
///
/// # Panics
/// When `groups` is not a partition of the pictures, or the lengths differ.
pub fn difference_to_best(
    model: &[bool],
    others: &[Vec<bool>],
    groups: &Groups,
    plan: Bootstrap,
) -> Option<BestDifference> {
    assert!(others.iter().all(|other| other.len() == model.len()), "one answer a picture");
    assert_eq!(groups.pictures(), model.len(), "every picture belongs to one group");
    let hits = |right: &[bool]| right.iter().filter(|&&right| right).count();
    let best = (0..others.len()).rev().max_by_key(|&other| hits(&others[other]))?;
    let value = (hits(model) as f64 - hits(&others[best]) as f64) / model.len() as f64;
    let drawn = Drawn::of(model, others, groups, plan);
    let exact: Vec<McNemar> = others.iter().map(|other| mcnemar(other, model)).collect();
    let choices = others.len() as f64;
    let p_of = |each: &dyn Fn(usize) -> f64| match value >= 0.0 {
        true => (0..others.len()).map(each).fold(0.0, f64::max),
        false => (choices * each(best)).min(1.0),
    };
    let interval =
        percentile_interval(drawn.smallest(), groups.count(), plan.resamples).map(|anew| Interval {
            low: anew.low,
            high: quantile_at(&drawn.sorted(best), 1.0 - tail_of(groups.count(), 0.05 / choices)),
        });
    let difference = interval.map(|interval| Difference {
        measure: Measure::Accuracy,
        value,
        interval,
        p_value: p_of(&|other| super::paired::two_sided(&drawn.0[other])),
    });
    let mcnemar = McNemar { p_value: p_of(&|other| exact[other].p_value), ..exact[best] };
    Some(BestDifference { best, difference, mcnemar })
}

fn mcnemar(first: &[bool], second: &[bool]) -> McNemar {
    let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|&(&a, &b)| a && !b).count() as u64;
    McNemar::of_counts(only(first, second), only(second, first))
}

/// The differences to each of the others, one a resampling.
struct Drawn(Vec<Vec<f64>>);

impl Drawn {
    fn of(model: &[bool], others: &[Vec<bool>], groups: &Groups, plan: Bootstrap) -> Drawn {
        let mut drawn = vec![Vec::with_capacity(plan.resamples as usize); others.len()];
        plan.resample(groups, 0..plan.resamples, |weights| {
            let right = |of: &[bool]| {
                let counts = of.iter().zip(weights);
                counts.map(|(&right, &weight)| u64::from(right) * u64::from(weight)).sum::<u64>() as f64
            };
            let (all, own) = (weights.iter().map(|&weight| f64::from(weight)).sum::<f64>(), right(model));
            drawn.iter_mut().zip(others).for_each(|(drawn, other)| drawn.push((own - right(other)) / all));
        });
        Drawn(drawn)
    }

    /// The difference to the best of each resampling.
    fn smallest(&self) -> Vec<f64> {
        let of = |place: usize| self.0.iter().map(|drawn| drawn[place]).fold(f64::INFINITY, f64::min);
        (0..self.0[0].len()).map(of).collect()
    }

    fn sorted(&self, other: usize) -> Vec<f64> {
        let mut values = self.0[other].clone();
        values.sort_unstable_by(f64::total_cmp);
        values
    }
}

#[cfg(test)]
mod tests {
    use candor_core::Seed;

    use super::*;

    const PLAN: Bootstrap = Bootstrap { resamples: 300, seed: Seed(1) };

    fn right(pictures: usize, share: f64, seed: Seed) -> Vec<bool> {
        let mut rng = seed.rng();
        (0..pictures).map(|_| rng.unit() < share).collect()
    }

    #[test]
    fn among_equals_the_chosen_best_is_seldom_called_better_or_worse() {
        // All models are right for 80 %: of 400 worlds at most 31 may reject at .05 (binomial, .999), on either side.
        let (mut better, mut worse, mut missed) = (0, 0, 0);
        for world in 0..400 {
            let of = |name: &str, number| right(150, 0.8, Seed(3).at(world).derive(name).at(number));
            let others: Vec<Vec<bool>> = (0..10).map(|number| of("other", number)).collect();
            let found = difference_to_best(&of("model", 0), &others, &Groups::singles(150), PLAN).unwrap();
            let difference = found.difference.unwrap();
            better += u32::from(difference.interval.low > 0.0 && found.mcnemar.p_value < 0.05);
            worse += u32::from(difference.interval.high < 0.0 && found.mcnemar.p_value < 0.05);
            missed += u32::from(!difference.interval.contains(0.0));
        }
        assert!(better <= 2 && worse <= 31 && missed <= 31, "{better} {worse} {missed}");
    }

    #[test]
    fn what_is_clear_is_found_and_the_first_of_equals_is_the_best() {
        let model: Vec<bool> = (0..200).map(|i| i % 20 != 0).collect();
        let others = [2, 5, 5].map(|n| (0..200).map(|i| i % n != 1).collect::<Vec<bool>>());
        let found = difference_to_best(&model, &others, &Groups::singles(200), PLAN).unwrap();
        let difference = found.difference.unwrap();
        assert_eq!((found.best, (difference.value * 1_000.0).round()), (1, 150.0));
        assert!(difference.interval.low > 0.05 && difference.p_value < 0.05 && found.mcnemar.p_value < 0.01);
        let turned = difference_to_best(&others[0], &[model], &Groups::singles(200), PLAN).unwrap();
        assert!(turned.difference.unwrap().interval.high < 0.0 && turned.mcnemar.p_value < 0.01);
        assert!(difference_to_best(&others[0], &[], &Groups::singles(200), PLAN).is_none());
    }
}
