//! Random weights, layer by layer: do the maps follow what the network learned?
//!
//! As Adebayo and others (“Sanity checks for saliency maps”, NeurIPS 2018, section 3.1) do it: the layers get new random weights one
//! after another, from the last one down, and those that have them keep them; the sizes of the values, without their signs, are
//! compared with those before, by Spearman's rank correlation and by structural similarity (Wang and others, 2004). Signs are left out
//! because they turn around by chance, and half of them turned make any map look different.

use serde::{Deserialize, Serialize};

use super::super::{ExplainError, Map, Method, Subject};
use super::Sight;

/// How alike the sizes of maps may be before and after all weights were randomised: Spearman's rank correlation, a mean over pictures.
pub const MOST_ALIKE: f64 = 0.8;
/// Of deeper networks several layers get their random weights at a time, so that there are not more steps than this.
const MOST_STEPS: usize = 6;
/// Random weights for all layers are drawn so often: one draw may be alike by chance.
const DRAWS: u64 = 3;
/// Side of the window of structural similarity, px, and its constants for values up to 1.
const WINDOW: usize = 7;
const C1: f64 = 0.0001;
const C2: f64 = 0.0009;

/// How alike the sizes of the maps' values are before and after the last layers got random weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Randomised {
    /// How many layers have random weights.
    pub layers: usize,
    /// Spearman's rank correlation, in −1..=1: a mean over pictures, and over the draws of weights.
    pub alike: f64,
    /// Structural similarity, in −1..=1, of the maps on a scale that each fills.
    pub structure: f64,
}

/// Compares the maps of `sights` with those of the same pictures before networks with more and more random layers.
pub(super) fn randomise(
    method: &Method,
    subject: &Subject<'_>,
    sights: &[Sight<'_>],
    tell: &dyn Fn(&str),
) -> Result<Vec<Randomised>, ExplainError> {
    let trained = subject.network.layers().into_iter().filter(|layer| layer.is_trained);
    let layers: Vec<String> = trained.map(|layer| layer.name).collect();
    let pictures: Vec<f32> = sights.iter().flat_map(|sight| sight.picture).copied().collect();
    let one_draw = |count: usize, draw: u64| {
        let seed = subject.seed.derive("explain").derive("randomised").at(draw);
        let network = subject.network.randomised(&layers[layers.len() - count..], seed)?;
        let subject = subject.before(&*network, &pictures)?;
        let mut sums = [0.0; 2];
        for sight in sights {
            let map = &method.explain(&subject, sight.picture, &[sight.class])?[0];
            let (before, after) = (sizes(sight.map), sizes(map));
            sums[0] += rank_correlation(&before, &after);
            sums[1] += structural_similarity(&before, &after, (map.height, map.width));
        }
        Ok::<_, ExplainError>(sums.map(|sum| sum / sights.len() as f64))
    };
    let step = |count: usize| {
        tell(&format!("gate: random weights in {count} of {} layers", layers.len()));
        let draws = if count == layers.len() { DRAWS } else { 1 };
        let all: Vec<[f64; 2]> = (0..draws).map(|draw| one_draw(count, draw)).collect::<Result<_, _>>()?;
        let mean = |which: usize| all.iter().map(|of_draw| of_draw[which]).sum::<f64>() / draws as f64;
        Ok(Randomised { layers: count, alike: mean(0), structure: mean(1) })
    };
    steps(layers.len()).into_iter().map(step).collect()
}

/// How many layers are random after each step.
fn steps(layers: usize) -> Vec<usize> {
    let steps = layers.min(MOST_STEPS);
    (1..=steps).map(|step| (step * layers).div_ceil(steps)).collect()
}

fn sizes(map: &Map) -> Vec<f32> {
    map.values.iter().map(|value| value.abs()).collect()
}

/// Spearman's rank correlation, equal values with their mean rank; 0 where one side has only one value.
fn rank_correlation(a: &[f32], b: &[f32]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    if spread > 0.0 { product(&a, &b) / spread } else { 0.0 }
}

fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let same = order[start..].iter().take_while(|&&at| values[at] == values[order[start]]).count();
        let rank = start as f64 + (same as f64 - 1.0) / 2.0;
        order[start..start + same].iter().for_each(|&at| ranks[at] = rank);
        start += same;
    }
    ranks
}

/// The mean over all windows of the structural similarity of two maps without signs, each on a scale from 0 to its largest value.
fn structural_similarity(a: &[f32], b: &[f32], (height, width): (usize, usize)) -> f64 {
    let scaled = |values: &[f32]| {
        let largest = values.iter().fold(f32::MIN_POSITIVE, |largest, &value| largest.max(value));
        values.iter().map(|value| f64::from(value / largest)).collect::<Vec<f64>>()
    };
    let (a, b) = (scaled(a), scaled(b));
    let (rows, columns) = (WINDOW.min(height), WINDOW.min(width));
    let count = (rows * columns) as f64;
    let of_window = |top: usize, left: usize| {
        let [mut sum_a, mut sum_b, mut aa, mut bb, mut ab] = [0.0; 5];
        for at in (top..top + rows).flat_map(|y| (left..left + columns).map(move |x| y * width + x)) {
            (sum_a, sum_b) = (sum_a + a[at], sum_b + b[at]);
            (aa, bb, ab) = (aa + a[at] * a[at], bb + b[at] * b[at], ab + a[at] * b[at]);
        }
        let (mean_a, mean_b) = (sum_a / count, sum_b / count);
        let (var_a, var_b, both) =
            (aa / count - mean_a * mean_a, bb / count - mean_b * mean_b, ab / count - mean_a * mean_b);
        (2.0 * mean_a * mean_b + C1) * (2.0 * both + C2)
            / ((mean_a * mean_a + mean_b * mean_b + C1) * (var_a + var_b + C2))
    };
    let windows = (0..=height - rows).flat_map(|top| (0..=width - columns).map(move |left| (top, left)));
    let all: Vec<f64> = windows.map(|(top, left)| of_window(top, left)).collect();
    all.iter().sum::<f64>() / all.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_books() {
        assert!((rank_correlation(&[1.0, 2.0, 3.0, 4.0], &[10.0, 20.0, 30.0, 40.0]) - 1.0).abs() < 1e-12);
        assert!((rank_correlation(&[1.0, 2.0, 3.0], &[3.0, 1.0, 2.0]) + 0.5).abs() < 1e-12);
        assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), 0.0);
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [1.5, 0.0, 1.5]);
    }

    #[test]
    fn equal_maps_have_equal_structure_whatever_their_scale_and_others_have_not() {
        let a: Vec<f32> = (0..100).map(|at| (at % 7) as f32).collect();
        let larger: Vec<f32> = a.iter().map(|value| 3.0 * value).collect();
        let turned: Vec<f32> = a.iter().map(|value| 6.0 - value).collect();
        assert!((structural_similarity(&a, &larger, (10, 10)) - 1.0).abs() < 1e-6);
        assert!(structural_similarity(&a, &turned, (10, 10)) < 0.0);
    }

    #[test]
    fn every_layer_has_its_step_and_deep_networks_have_few() {
        assert_eq!(steps(1), [1]);
        assert_eq!(steps(4), [1, 2, 3, 4]);
        assert_eq!(steps(53), [9, 18, 27, 36, 45, 53]);
        assert!(steps(0).is_empty());
    }
}
