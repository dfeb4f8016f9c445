//! Many hypotheses tested at once by permutation, so that no number of questions makes chance look like a result.
//!
//! The statistics of all hypotheses are computed as they were observed and for every deal of a permutation that permutes
//! jointly: what depends on each other stays dependent. Westfall and Young's step-down maxT procedure (Resampling-based
//! multiple testing, 1993; the algorithm of Ge, Dudoit and Speed, Resampling-based multiple testing for microarray data
//! analysis, Test 12, 2003, box 2) compares each hypothesis with the largest statistic of all that are less clear. Its
//! smallest p-value is 1 / (deals + 1), however many hypotheses there are; with Holm's correction of Monte-Carlo p-values
//! it would grow with their number until nothing could be rejected. The observed order counts as a deal of its own, so
//! that a p-value is never 0 and the size is never above its level (Phipson and Smyth, Permutation p-values should never
//! be zero, Statistical Applications in Genetics and Molecular Biology 9, 2010).

use serde::{Deserialize, Serialize};

/// A p-value with the smallest that the test could have given on these pictures.
///
/// Where the smallest is above the level, the test could not have rejected: not rejecting says nothing then.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestOutcome {
    /// Of the data as they are, corrected for all hypotheses that were tested together.
    pub p: f64,
    /// Of data that speak as clearly as they can against the hypothesis.
    pub smallest_possible_p: f64,
}

impl TestOutcome {
    /// Whether the hypothesis is rejected at this level.
    pub fn rejects(&self, level: f64) -> bool {
        self.p <= level
    }

    /// Whether the test could reject at this level at all.
    pub fn could_reject(&self, level: f64) -> bool {
        self.smallest_possible_p <= level
    }
}

/// The statistics of several hypotheses, larger ones speaking more clearly against theirs: as observed, and as each deal
/// gives them.
#[derive(Clone, Debug)]
pub struct Deals {
    observed: Vec<f64>,
    /// One row a deal.
    dealt: Vec<f64>,
}

impl Deals {
    /// With the observed statistics alone.
    pub fn new(observed: Vec<f64>) -> Deals {
        Deals { observed, dealt: Vec::new() }
    }

    /// With one more deal.
    ///
    /// # Panics
    /// When it has another number of statistics.
    pub fn push(&mut self, statistics: &[f64]) {
        assert_eq!(statistics.len(), self.observed.len(), "one statistic a hypothesis");
        self.dealt.extend_from_slice(statistics);
    }

    /// Tests all hypotheses together; each statistic is standardised by what it is on average over all deals.
    pub fn max_t(self) -> MaxT {
        self.max_t_with(|_| 0.0)
    }

    /// The same, where the standard deviation of a hypothesis counts as at least what `least_deviation` says.
    pub fn max_t_with(self, least_deviation: impl Fn(usize) -> f64) -> MaxT {
        let hypotheses = self.observed.len();
        let Deals { mut observed, mut dealt } = self;
        let scale = |at: usize| Scale::of(at, &observed, &dealt).at_least(least_deviation(at));
        let scales: Vec<Scale> = (0..hypotheses).map(scale).collect();
        let standardise = |row: &mut [f64]| {
            row.iter_mut()
                .zip(&scales)
                .for_each(|(statistic, scale)| *statistic = scale.standardise(*statistic));
        };
        standardise(&mut observed);
        dealt.chunks_mut(hypotheses.max(1)).for_each(standardise);
        let deals = dealt.len() / hypotheses.max(1);
        let mut largest: Vec<f64> = dealt.chunks(hypotheses.max(1)).map(largest).collect();
        largest.sort_unstable_by(|a, b| b.total_cmp(a));
        MaxT { p_values: step_down(&observed, &dealt), scales, largest, deals }
    }
}

/// What a joint test of several hypotheses gave.
#[derive(Clone, Debug)]
pub struct MaxT {
    p_values: Vec<f64>,
    scales: Vec<Scale>,
    /// The largest standardised statistic of each deal, the largest first.
    largest: Vec<f64>,
    deals: usize,
}

impl MaxT {
    /// The corrected p-value of each hypothesis, in their order.
    pub fn p_values(&self) -> &[f64] {
        &self.p_values
    }

    /// The smallest p-value that so many deals can give.
    pub fn smallest_possible_p(&self) -> f64 {
        1.0 / (1 + self.deals) as f64
    }

    /// The outcome for one hypothesis, of which data can be dealt in `arrangements` ways that differ.
    pub fn outcome(&self, hypothesis: usize, arrangements: f64) -> TestOutcome {
        let smallest_possible_p = self.smallest_possible_p().max(1.0 / arrangements.max(1.0));
        TestOutcome { p: self.p_values[hypothesis], smallest_possible_p }
    }

    /// The standardised statistic that is above those of chance alone, of all hypotheses, but for a share of `level`.
    /// `None` where so few deals cannot tell.
    pub fn critical(&self, level: f64) -> Option<f64> {
        // With the observed order as a deal of its own: rejected is what fewer than this many deals reach.
        let as_large = (level * (1 + self.deals) as f64).floor() as usize;
        (as_large > 0).then(|| self.largest.get(as_large - 1).copied()).flatten()
    }

    /// The same in the scale of one hypothesis' own statistic.
    pub fn threshold(&self, hypothesis: usize, level: f64) -> Option<f64> {
        let scale = self.scales[hypothesis];
        self.critical(level).map(|critical| scale.mean + critical * scale.deviation)
    }

    /// The mean of a hypothesis' own statistic over all deals.
    pub fn mean(&self, hypothesis: usize) -> f64 {
        self.scales[hypothesis].mean
    }
}

/// Mean and standard deviation of a statistic over all deals and the observed order. The hypotheses are weighed alike by
/// them, and as every order counts the same in them, the test stays exact.
#[derive(Clone, Copy, Debug)]
struct Scale {
    mean: f64,
    deviation: f64,
}

impl Scale {
    fn of(hypothesis: usize, observed: &[f64], dealt: &[f64]) -> Scale {
        let all = || {
            dealt[hypothesis.min(dealt.len())..].iter().step_by(observed.len()).chain([&observed[hypothesis]])
        };
        let count = all().count() as f64;
        let mean = all().sum::<f64>() / count;
        let variance = all().map(|statistic| (statistic - mean).powi(2)).sum::<f64>() / count;
        Scale { mean, deviation: variance.sqrt() }
    }

    fn at_least(self, deviation: f64) -> Scale {
        Scale { deviation: if self.is_constant() { 0.0 } else { self.deviation.max(deviation) }, ..self }
    }

    fn is_constant(self) -> bool {
        self.deviation <= 1e-12 * self.mean.abs()
    }

    /// A statistic that is the same in every deal says nothing, and is never the largest.
    fn standardise(self, statistic: f64) -> f64 {
        match self.is_constant() {
            true => f64::NEG_INFINITY,
            false => (statistic - self.mean) / self.deviation,
        }
    }
}

fn largest(row: &[f64]) -> f64 {
    row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Of standardised statistics: each hypothesis is compared with the largest of itself and of those that are less clear.
fn step_down(observed: &[f64], dealt: &[f64]) -> Vec<f64> {
    let hypotheses = observed.len();
    let mut order: Vec<usize> = (0..hypotheses).collect();
    order.sort_by(|&a, &b| observed[a].total_cmp(&observed[b]));
    // The observed order is one of the deals.
    let mut as_large = vec![1usize; hypotheses];
    for row in dealt.chunks(hypotheses.max(1)) {
        let mut largest = f64::NEG_INFINITY;
        for &hypothesis in &order {
            largest = largest.max(row[hypothesis]);
            // Sums in another order may differ in the last bits.
            as_large[hypothesis] += usize::from(largest >= observed[hypothesis] - 1e-9);
        }
    }
    let deals = dealt.len() / hypotheses.max(1);
    let mut p_values = vec![1.0; hypotheses];
    let mut smallest = 0.0_f64;
    for &hypothesis in order.iter().rev() {
        smallest = smallest.max(as_large[hypothesis] as f64 / (1 + deals) as f64);
        p_values[hypothesis] = smallest;
    }
    p_values
}

/// In how many ways things can be dealt to groups of these sizes so that not the same things are together: below it no
/// permutation of them can give a smaller p-value than 1 in so many. Infinite where there are very many.
pub fn arrangements(sizes: &[usize]) -> f64 {
    let log_factorial = |n: usize| libm::lgamma(n as f64 + 1.0);
    let mut sorted = sizes.to_vec();
    sorted.sort_unstable();
    // Groups of one size that exchange all their members hold the same things together as before.
    let alike = sorted.chunk_by(|a, b| a == b).map(|run| log_factorial(run.len())).sum::<f64>();
    let log = log_factorial(sizes.iter().sum())
        - sizes.iter().map(|&size| log_factorial(size)).sum::<f64>()
        - alike;
    log.exp().round().max(1.0)
}

#[cfg(test)]
mod tests {
    use candor_core::{Rng, Seed};

    use super::*;

    /// Sum of noise of `pictures` pictures in two halves, for as many hypotheses as `halves`; `shift` is added to the
    /// first half of the first.
    fn study(pictures: usize, hypotheses: usize, shift: f64, deals: usize, seed: Seed) -> MaxT {
        let mut rng = seed.rng();
        let mut order: Vec<usize> = (0..pictures).collect();
        let halves: Vec<Vec<bool>> = (0..hypotheses)
            .map(|_| {
                rng.shuffle(&mut order);
                order.iter().map(|&at| at < pictures / 2).collect()
            })
            .collect();
        let normal = |rng: &mut Rng| (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
        let values: Vec<f64> =
            (0..pictures).map(|at| normal(&mut rng) + if halves[0][at] { shift } else { 0.0 }).collect();
        let statistics = |order: &[usize]| -> Vec<f64> {
            let of = |half: &Vec<bool>| {
                let sum = |is: bool| {
                    (0..pictures).filter(|&at| half[at] == is).map(|at| values[order[at]]).sum::<f64>()
                };
                (sum(true) - sum(false)).abs()
            };
            halves.iter().map(of).collect()
        };
        let mut order: Vec<usize> = (0..pictures).collect();
        let mut all = Deals::new(statistics(&order));
        for _ in 0..deals {
            rng.shuffle(&mut order);
            all.push(&statistics(&order));
        }
        all.max_t()
    }

    #[test]
    fn of_many_hypotheses_without_an_effect_one_is_rejected_one_time_in_twenty() {
        let rejected = (0..1000).filter(|&draw| {
            let p_values = study(24, 8, 0.0, 99, Seed(1).at(draw)).p_values;
            p_values.into_iter().any(|p| p <= 0.05)
        });
        // Exact binomial: 99 times in 100 between 33 and 69 of 1,000 where the size is .05.
        let rejected = rejected.count();
        assert!((33..=69).contains(&rejected), "{rejected}");
    }

    #[test]
    fn what_is_clear_is_rejected_among_any_number_of_hypotheses() {
        for hypotheses in [1, 50, 400] {
            let test = study(60, hypotheses, 3.0, 199, Seed(2));
            assert_eq!(test.p_values()[0], test.smallest_possible_p(), "{hypotheses}");
            assert!(test.p_values()[1..].iter().filter(|&&p| p <= 0.05).count() <= hypotheses / 20);
        }
    }

    #[test]
    fn a_statistic_above_its_threshold_is_rejected() {
        let deals = |observed: f64| {
            let mut deals = Deals::new(vec![observed, 0.5]);
            let mut rng = Seed(3).rng();
            (0..199).for_each(|_| deals.push(&[rng.unit(), rng.unit()]));
            deals.max_t()
        };
        let threshold = deals(0.5).threshold(0, 0.05).unwrap();
        assert!(
            deals(threshold + 0.01).p_values()[0] <= 0.05 && deals(threshold - 0.01).p_values()[0] > 0.05
        );
        assert_eq!(deals(0.5).critical(0.001), None, "199 deals reach .005");
    }

    #[test]
    fn what_never_differs_says_nothing_and_takes_no_part() {
        let mut deals = Deals::new(vec![1.0, 5.0]);
        (0..19).for_each(|deal| deals.push(&[1.0, f64::from(deal % 4)]));
        let test = deals.max_t();
        assert_eq!(test.p_values(), [1.0, 0.05]);
    }

    #[test]
    fn few_things_can_be_dealt_in_few_ways() {
        for (sizes, ways) in
            [(&[3, 3][..], 10.0), (&[1, 5], 6.0), (&[2, 2, 2], 15.0), (&[4], 1.0), (&[4, 4], 35.0)]
        {
            assert_eq!(arrangements(sizes), ways, "{sizes:?}");
        }
        assert!(arrangements(&[800, 800]).is_infinite());
        let outcome = TestOutcome { p: 0.1, smallest_possible_p: 0.1 };
        assert!(!outcome.rejects(0.05) && !outcome.could_reject(0.05));
    }
}
