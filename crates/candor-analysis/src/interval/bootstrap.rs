//! The bootstrap: what a figure would have been on other pictures of the same kind.

use std::ops::Range;

use candor_core::Seed;
use serde::{Deserialize, Serialize};

use super::normal::normal_cdf;
use super::student::two_sided_quantile;
use super::tally::{Prepared, Tally};
use super::{Groups, Measure};
use crate::evaluate::{Interval, LabelledPredictions};

/// How often to resample, and from which seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Resamplings, at least 1; 2,000 give the ends of the interval to about a fiftieth of its width.
    pub resamples: u32,
    /// The one source of randomness.
    pub seed: Seed,
}

/// Beyond this many pictures times classes times resamplings, fewer resamplings are made.
const MOST_WORK: usize = 1_000_000_000;

impl Bootstrap {
    /// 2,000 resamplings.
    pub fn new(seed: Seed) -> Bootstrap {
        Bootstrap { resamples: 2_000, seed }
    }

    /// 2,000 resamplings, and fewer (but at least 200, which give the ends of the interval to about a tenth of its
    /// width) where so many pictures and classes were judged that they would take minutes: there intervals are narrow
    /// and their ends matter less.
    pub fn for_size(seed: Seed, pictures: usize, classes: usize) -> Bootstrap {
        let affordable = MOST_WORK / (pictures * classes).max(1);
        Bootstrap { resamples: affordable.clamp(200, 2_000) as u32, seed }
    }

    /// Calls `each` with the weights of the resamplings in `range`: how often each picture was drawn. What a resampling
    /// draws depends on its number alone.
    pub(super) fn resample(self, groups: &Groups, range: Range<u32>, mut each: impl FnMut(&[u32])) {
        let mut weights = vec![0; groups.pictures()];
        for index in range {
            groups.draw(&mut self.seed.at(index.into()).rng(), &mut weights);
            each(&weights);
        }
    }
}

/// A figure with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Which figure.
    pub measure: Measure,
    /// Its value on the pictures as they are.
    pub value: f64,
    /// Where it would lie, 95 times out of 100, for other pictures of the same kind.
    pub interval: Interval,
    /// Resamplings that had a value; fewer than asked for where a rare class was not drawn.
    pub resamples: u32,
}

/// The intervals of several figures from the same resamplings, in the order of `measures`. `None` where the figure
/// itself is undefined or fewer than half of the resamplings had a value.
///
/// # Panics
/// When `groups` is not a partition of the judged pictures.
pub fn bootstrap(
    predictions: &LabelledPredictions,
    groups: &Groups,
    measures: &[Measure],
    plan: Bootstrap,
) -> Vec<Option<Estimate>> {
    let resampling = Resampling::new(predictions, groups, measures, plan);
    resampling.estimates([resampling.draw(0..plan.resamples)])
}

/// A bootstrap taken apart, for those who have threads: [`draw`](Resampling::draw) parts of it anywhere, and put them
/// together in their order.
pub struct Resampling<'a> {
    prepared: Prepared<'a>,
    groups: &'a Groups,
    measures: &'a [Measure],
    plan: Bootstrap,
}

/// What some of the resamplings gave: the values of each measure.
pub struct Draws(Vec<Vec<f64>>);

impl<'a> Resampling<'a> {
    /// Prepares the work that all resamplings share.
    ///
    /// # Panics
    /// When `groups` is not a partition of the judged pictures.
    pub fn new(
        predictions: &'a LabelledPredictions,
        groups: &'a Groups,
        measures: &'a [Measure],
        plan: Bootstrap,
    ) -> Resampling<'a> {
        assert_eq!(groups.pictures(), predictions.len(), "every picture belongs to one group");
        Resampling { prepared: Prepared::of(predictions, measures), groups, measures, plan }
    }

    /// The resamplings whose numbers lie in `range`.
    pub fn draw(&self, range: Range<u32>) -> Draws {
        let mut drawn: Vec<Vec<f64>> = vec![Vec::with_capacity(range.len()); self.measures.len()];
        let mut tally = Tally::empty(&self.prepared);
        self.plan.resample(self.groups, range, |weights| {
            tally.count(&self.prepared, weights);
            for (values, measure) in drawn.iter_mut().zip(self.measures) {
                values.extend(measure.read(&tally));
            }
        });
        Draws(drawn)
    }

    /// The intervals, from parts that together hold every resampling once, in any cut but in order.
    pub fn estimates(&self, parts: impl IntoIterator<Item = Draws>) -> Vec<Option<Estimate>> {
        let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); self.measures.len()];
        for Draws(part) in parts {
            drawn.iter_mut().zip(part).for_each(|(values, part)| values.extend(part));
        }
        let as_they_are = Tally::of(&self.prepared, &vec![1; self.groups.pictures()]);
        let estimate = |(&measure, values): (&Measure, Vec<f64>)| {
            let resamples = values.len() as u32;
            let value = measure.read(&as_they_are)?;
            let interval = percentile_interval(values, self.groups.count(), self.plan.resamples)?;
            Some(Estimate { measure, value, interval, resamples })
        };
        self.measures.iter().zip(drawn).map(estimate).collect()
    }
}

/// The expanded percentile interval. Resampling m groups varies like √((m−1)/m) of what it should and takes the
/// normal quantile where Student's belongs; Hesterberg widens the percentiles by both. Fewer than 5 groups widen it no further.
pub(super) fn percentile_interval(mut values: Vec<f64>, groups: usize, resamples: u32) -> Option<Interval> {
    if groups < 2 || values.is_empty() || values.len() * 2 < resamples as usize {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let tail = tail_of(groups, 0.05);
    Some(Interval { low: quantile_at(&values, tail), high: quantile_at(&values, 1.0 - tail) })
}

/// The share of resamplings beyond each end of an interval that misses the truth with probability `level`.
pub(super) fn tail_of(groups: usize, level: f64) -> f64 {
    let m = groups as f64;
    normal_cdf(-two_sided_quantile(level, (m - 1.0).max(4.0)) * (m / (m - 1.0)).sqrt())
}

/// Between the two nearest of the sorted values.
pub(super) fn quantile_at(sorted: &[f64], share: f64) -> f64 {
    let position = share * (sorted.len() - 1) as f64;
    let (below, part) = (position.floor() as usize, position.fract());
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + part * (sorted[above] - sorted[below])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(pictures: usize) -> LabelledPredictions {
        let mut rng = Seed(5).rng();
        let truth: Vec<usize> = (0..pictures).map(|_| rng.below(3)).collect();
        let probabilities = truth.iter().flat_map(|&class| {
            let named = if rng.unit() < 0.7 { class } else { rng.below(3) };
            (0..3).map(move |other| if other == named { 0.5 } else { 0.25 })
        });
        let probabilities = probabilities.collect();
        LabelledPredictions::new(["a", "b", "c"].map(String::from).to_vec(), truth, probabilities).unwrap()
    }

    const ALL: [Measure; 20] = [
        Measure::Accuracy,
        Measure::BalancedAccuracy,
        Measure::MacroF1,
        Measure::WeightedF1,
        Measure::TopK(1),
        Measure::CohenKappa,
        Measure::MatthewsCorrelation,
        Measure::LogLoss,
        Measure::BrierScore,
        Measure::RocAuc,
        Measure::AveragePrecision,
        Measure::CalibrationError,
        Measure::MacroPrecision,
        Measure::MacroRecall,
        Measure::WeightedPrecision,
        Measure::Precision(0),
        Measure::Recall(1),
        Measure::F1(2),
        Measure::ClassRocAuc(0),
        Measure::ClassAveragePrecision(2),
    ];

    #[test]
    fn every_measure_has_an_interval_around_its_value_and_the_seed_decides() {
        let (predictions, groups) = (predictions(120), Groups::singles(120));
        let plan = Bootstrap { resamples: 300, seed: Seed(1) };
        let estimates = bootstrap(&predictions, &groups, &ALL, plan);
        for (estimate, measure) in estimates.iter().zip(ALL) {
            let estimate = estimate.unwrap_or_else(|| panic!("{measure:?}"));
            assert_eq!((estimate.measure, estimate.resamples), (measure, 300));
            assert!(
                estimate.interval.contains(estimate.value) && estimate.interval.width() > 0.0,
                "{estimate:?}"
            );
        }
        assert_eq!(estimates[0].unwrap().interval, estimates[4].unwrap().interval, "top-1 is the accuracy");
        assert_eq!(estimates, bootstrap(&predictions, &groups, &ALL, plan));
        let resampling = Resampling::new(&predictions, &groups, &ALL, plan);
        let parts = [resampling.draw(0..7), resampling.draw(7..250), resampling.draw(250..300)];
        assert_eq!(estimates, resampling.estimates(parts), "parts make the same whole");
        let other = Bootstrap { seed: Seed(2), ..plan };
        assert_ne!(estimates, bootstrap(&predictions, &groups, &ALL, other));
    }

    #[test]
    fn pictures_that_err_together_make_the_interval_wider() {
        let all = predictions(200);
        let wrong_first = {
            let mut order: Vec<usize> = (0..200).collect();
            order.sort_by_key(|&i| all.truth()[i] == all.predicted()[i]);
            order
        };
        let mut names = vec![None; 200];
        wrong_first
            .iter()
            .enumerate()
            .for_each(|(place, &i)| names[i] = Some(format!("site {}", place / 10)));
        let width = |groups: &Groups| {
            bootstrap(&all, groups, &[Measure::Accuracy], Bootstrap::new(Seed(3)))[0]
                .unwrap()
                .interval
                .width()
        };
        let (grouped, single) = (width(&Groups::of(&names)), width(&Groups::singles(200)));
        assert!(grouped > 2.0 * single, "{grouped} {single}");
    }

    #[test]
    fn a_large_set_is_resampled_less_often() {
        let resamples = |pictures, classes| Bootstrap::for_size(Seed(1), pictures, classes).resamples;
        assert_eq!([resamples(0, 0), resamples(10_000, 10), resamples(50_000, 1_000)], [2_000, 2_000, 200]);
    }

    #[test]
    fn one_group_alone_and_an_undefined_figure_have_no_interval() {
        let all = predictions(20);
        let plan = Bootstrap { resamples: 50, seed: Seed(1) };
        assert_eq!(bootstrap(&all, &Groups::of(&[Some("site"); 20]), &[Measure::Accuracy], plan), [None]);
        let classes = vec!["a".into(), "b".into()];
        let one_class = LabelledPredictions::new(classes, vec![0, 0], vec![1.0, 0.0, 1.0, 0.0]).unwrap();
        let measures = [Measure::RocAuc, Measure::CohenKappa];
        assert_eq!(bootstrap(&one_class, &Groups::singles(2), &measures, plan), [None, None]);
    }
}
