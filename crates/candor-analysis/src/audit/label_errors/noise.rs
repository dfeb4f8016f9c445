//! How many labels are wrong, and which? From answers of two rows of networks that had not seen the pictures.
//!
//! A network alone cannot tell: that it contradicts a label, however surely, may be its own error. But two networks that
//! learned from different pictures contradict each other about as often as they err (Jiang, Nagarajan, Baek & Kolter,
//! "Assessing generalization of SGD via disagreement", 2022), and wrong labels do not bring them apart. So the labels are
//! contradicted more often than the networks contradict each other by about the share of wrong labels. Networks that learned
//! little contradict each other often, and then nothing is claimed.
//!
//! Which labels are wrong follows from the probabilities, the mean of both networks', flattened by a temperature (Guo et al.,
//! "On calibration of modern neural networks", 2017) that was fitted on the other folds: small networks are too sure.

use super::confident_learning::{most_probable, rows};
use crate::evaluate::Interval;

/// Temperatures that are tried, from .5 to 16, evenly by their logarithm.
const TEMPERATURES: usize = 41;
const COLDEST: f64 = 0.5;
const HOTTEST: f64 = 16.0;
/// Errors that networks share (pictures that are hard for all of them) are not seen in how often they contradict each other:
/// before a wrong label is claimed, so many times as many contradictions are taken for their own errors. Of small networks on
/// 300 photographs of cats and dogs with true labels it was 1.4 times as many.
const OWN_ERRORS: f64 = 1.5;
/// Standard errors to either side of a 95 % interval.
const ERRORS: f64 = 1.96;

/// How many labels are wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WrongLabels {
    /// How often the networks contradict the labels.
    pub contradicted: f64,
    /// How often they contradict each other.
    pub disagreement: f64,
    /// The estimated share of wrong labels.
    pub share: f64,
    /// At least so many, with the networks' own errors counted generously.
    pub low: f64,
    /// At most so many: every contradiction.
    pub high: f64,
}

/// From n `labels` and n × `classes` probabilities of `two` rows of networks; `unit` says which pictures belong together.
pub fn wrong_labels(labels: &[usize], two: [&[f32]; 2], classes: usize, unit: &[usize]) -> WrongLabels {
    let answers =
        two.map(|probabilities| rows(probabilities, classes).map(most_probable).collect::<Vec<_>>());
    let pair = |at: usize| [answers[0][at], answers[1][at]];
    let contradicted = |at: usize| pair(at).iter().filter(|&&class| class != labels[at]).count() as f64 / 2.0;
    let disagree = |at: usize| f64::from(u8::from(answers[0][at] != answers[1][at]));
    let count = labels.len();
    let mean = |of: &dyn Fn(usize) -> f64| (0..count).map(of).sum::<f64>() / count.max(1) as f64;
    let (errors, disagreement) = (mean(&contradicted), mean(&disagree));
    let generous = |at: usize| contradicted(at) - OWN_ERRORS * disagree(at);
    let low = mean(&generous) - ERRORS * standard_error(&generous, unit);
    let units = unit.iter().max().map_or(0, |last| last + 1);
    let wilson = Interval::wilson((errors * units as f64).round() as u64, units as u64);
    let high = (errors + ERRORS * standard_error(&contradicted, unit)).max(wilson.high);
    WrongLabels {
        contradicted: errors,
        disagreement,
        share: (errors - disagreement).max(0.0),
        low: low.max(0.0),
        high: high.min(1.0),
    }
}

/// Of the mean of what pictures give, where those of one unit depend on each other.
fn standard_error(of: &dyn Fn(usize) -> f64, unit: &[usize]) -> f64 {
    let count = unit.len().max(1) as f64;
    let mean = (0..unit.len()).map(of).sum::<f64>() / count;
    let mut sums = vec![0.0; unit.iter().max().map_or(0, |last| last + 1)];
    unit.iter().enumerate().for_each(|(at, &unit)| sums[unit] += of(at) - mean);
    sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt() / count
}

/// What calibrated probabilities say of each label.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibrated {
    /// In the order of those that were given.
    pub probabilities: Vec<f32>,
    /// How probable it is of each label that it is wrong.
    pub wrong: Vec<f64>,
    /// The mean temperature: above 1 the networks were too sure.
    pub temperature: f64,
}

/// Of n `labels`, of which `share` are wrong, and n × `classes` `probabilities`; `fold` says which pictures were left out
/// together. A label is drawn with the calibrated probability, or, of a wrong one, among the other classes.
pub fn calibrated(
    labels: &[usize],
    probabilities: &[f32],
    classes: usize,
    fold: &[usize],
    share: f64,
) -> Calibrated {
    let logs: Vec<Vec<f64>> = rows(probabilities, classes)
        .map(|row| row.iter().map(|&value| f64::from(value).max(1e-7).ln()).collect())
        .collect();
    let temperatures: Vec<f64> = (0..TEMPERATURES)
        .map(|at| COLDEST * (HOTTEST / COLDEST).powf(at as f64 / (TEMPERATURES - 1) as f64))
        .collect();
    let by_error = |own: f64| share * (1.0 - own) / (classes.max(2) - 1) as f64;
    let own = |temperature: f64| {
        let of =
            |(logs, &label): (&Vec<f64>, &usize)| tempered(logs, temperature)[label].clamp(1e-9, 1.0 - 1e-9);
        logs.iter().zip(labels).map(of).collect::<Vec<f64>>()
    };
    let owns: Vec<Vec<f64>> = temperatures.iter().map(|&temperature| own(temperature)).collect();
    let folds = fold.iter().max().map_or(0, |last| last + 1);
    let chosen: Vec<usize> = (0..folds)
        .map(|left_out| {
            let likelihood = |own: &Vec<f64>| {
                let others = own.iter().zip(fold).filter(|(_, fold)| **fold != left_out);
                others.map(|(&own, _)| ((1.0 - share) * own + by_error(own)).ln()).sum::<f64>()
            };
            let fits: Vec<f64> = owns.iter().map(likelihood).collect();
            (1..fits.len()).fold(0, |best, at| if fits[at] > fits[best] { at } else { best })
        })
        .collect();
    let rows = logs.iter().zip(fold).flat_map(|(logs, &fold)| tempered(logs, temperatures[chosen[fold]]));
    let wrong = |(at, &fold): (usize, &usize)| {
        let own = owns[chosen[fold]][at];
        by_error(own) / ((1.0 - share) * own + by_error(own))
    };
    Calibrated {
        probabilities: rows.map(|value| value as f32).collect(),
        wrong: fold.iter().enumerate().map(wrong).collect(),
        temperature: chosen.iter().map(|&at| temperatures[at]).sum::<f64>() / folds.max(1) as f64,
    }
}

/// A row flattened (above 1) or sharpened by a temperature.
fn tempered(logs: &[f64], temperature: f64) -> Vec<f64> {
    let most = logs.iter().copied().fold(f64::MIN, f64::max);
    let powers: Vec<f64> = logs.iter().map(|log| ((log - most) / temperature).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use candor_core::{Rng, Seed};

    use super::*;

    const CLASSES: usize = 4;

    struct Drawn {
        labels: Vec<usize>,
        two: [Vec<f32>; 2],
        wrong: Vec<bool>,
    }

    /// Two networks that each err on `errors` of the pictures by themselves and on `shared` of them together, as sure as of the
    /// others; of the labels, `flipped` are wrong.
    fn drawn(pictures: usize, [errors, shared, flipped]: [f64; 3], rng: &mut Rng) -> Drawn {
        let mut drawn = Drawn { labels: Vec::new(), two: [Vec::new(), Vec::new()], wrong: Vec::new() };
        let other = |class: usize, rng: &mut Rng| (class + 1 + rng.below(CLASSES - 1)) % CLASSES;
        for _ in 0..pictures {
            let class = rng.below(CLASSES);
            let seen = if rng.unit() < shared { other(class, rng) } else { class };
            for network in &mut drawn.two {
                let answer = if rng.unit() < errors { other(seen, rng) } else { seen };
                let sure = rng.range(0.9, 0.999);
                let rest = (1.0 - sure) / (CLASSES - 1) as f64;
                network.extend((0..CLASSES).map(|at| if at == answer { sure } else { rest } as f32));
            }
            let is_wrong = rng.unit() < flipped;
            drawn.labels.push(if is_wrong { other(class, rng) } else { class });
            drawn.wrong.push(is_wrong);
        }
        drawn
    }

    fn claimed(drawn: &Drawn) -> WrongLabels {
        let unit: Vec<usize> = (0..drawn.labels.len()).collect();
        wrong_labels(&drawn.labels, [&drawn.two[0], &drawn.two[1]], CLASSES, &unit)
    }

    #[test]
    fn errors_of_networks_are_not_claimed_to_be_wrong_labels() {
        let mut rng = Seed(4).rng();
        for (errors, shared) in [(0.02, 0.005), (0.1, 0.05), (0.3, 0.1), (0.5, 0.0)] {
            let low = |rng: &mut Rng| claimed(&drawn(500, [errors, shared, 0.0], rng)).low;
            let claimed = (0..200).filter(|_| low(&mut rng) >= 0.02).count();
            // Were it 5 % of the time, 20 of 200 would come in 1 of 300 such tests.
            assert!(claimed < 20, "{claimed} of 200 at {errors}, {shared}");
        }
    }

    #[test]
    fn wrong_labels_are_found_where_networks_agree_and_lie_within_the_interval() {
        let mut rng = Seed(5).rng();
        for (errors, flipped, least) in [(0.02, 0.1, 0.02), (0.02, 0.3, 0.08), (0.1, 0.3, 0.02)] {
            let mut held = 0;
            for _ in 0..100 {
                let WrongLabels { low, high, .. } = claimed(&drawn(1000, [errors, 0.01, flipped], &mut rng));
                held += usize::from(low <= flipped && flipped <= high && low >= least);
            }
            assert!(held >= 90, "{held} of 100 at {errors}, {flipped}");
        }
    }

    /// Two networks that each see a noisy trace of the class, a part of the noise in common, and are twice too sure of it.
    fn drawn_from_traces(pictures: usize, flipped: f64, rng: &mut Rng) -> Drawn {
        let mut drawn = Drawn { labels: Vec::new(), two: [Vec::new(), Vec::new()], wrong: Vec::new() };
        let noise = |rng: &mut Rng| 0.7 * (0..3).map(|_| rng.range(-1.0, 1.0)).sum::<f64>();
        for _ in 0..pictures {
            let class = rng.below(CLASSES);
            let mut trace: Vec<f64> = (0..CLASSES).map(|_| noise(rng)).collect();
            trace[class] += 3.0;
            for network in &mut drawn.two {
                let seen: Vec<f64> = trace.iter().map(|value| value + noise(rng)).collect();
                network.extend(tempered(&seen, 0.5).iter().map(|&p| p as f32));
            }
            let is_wrong = rng.unit() < flipped;
            let other = (class + 1 + rng.below(CLASSES - 1)) % CLASSES;
            drawn.labels.push(if is_wrong { other } else { class });
            drawn.wrong.push(is_wrong);
        }
        drawn
    }

    #[test]
    fn the_expected_precision_is_the_real_one_and_pictures_of_one_unit_count_as_one() {
        let drawn = drawn_from_traces(4000, 0.1, &mut Seed(6).rng());
        let [first, second] = &drawn.two;
        let mean: Vec<f32> = first.iter().zip(second).map(|(a, b)| (a + b) / 2.0).collect();
        let fold: Vec<usize> = (0..4000).map(|at| at / 800).collect();
        let found = calibrated(&drawn.labels, &mean, CLASSES, &fold, claimed(&drawn).share);
        let suspected: Vec<usize> = (0..4000).filter(|&at| found.wrong[at] > 0.5).collect();
        let expected = suspected.iter().map(|&at| found.wrong[at]).sum::<f64>() / suspected.len() as f64;
        let real = suspected.iter().filter(|&&at| drawn.wrong[at]).count() as f64 / suspected.len() as f64;
        assert!(
            suspected.len() > 300 && (expected - real).abs() < 0.1,
            "{} {expected} {real}",
            suspected.len()
        );
        let fours: Vec<usize> = (0..4000).map(|at| at % 40).collect();
        let alone: Vec<usize> = (0..4000).collect();
        let width = |unit: &[usize]| {
            let found = wrong_labels(&drawn.labels, [first, second], CLASSES, unit);
            found.high - found.low
        };
        assert!(width(&fours) > width(&alone));
    }
}
