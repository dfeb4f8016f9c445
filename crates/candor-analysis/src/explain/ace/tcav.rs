//! Testing with concept activation vectors: does the score rise along the direction from random patches to a concept?

use candor_core::{Quantity, Seed};

use super::super::{ExplainError, Subject};
use super::patches::Described;
use crate::interval::student::two_sided_p;

/// Draws of random patches that a concept is held against, and draws of random patches against each other.
const DRAWS: u64 = 20;
/// Gradients that are asked for at a time.
const AT_ONCE: usize = 64;

/// What more of a concept does to the score.
pub(super) struct Tested {
    pub score: f64,
    pub random_score: f64,
    pub pull: f64,
    pub p: f64,
}

/// The gradients of a class's score at its pictures, and what concepts are held against.
pub(super) struct Tcav<'a> {
    /// Picture by picture, map by map.
    gradients: Vec<f32>,
    /// Cells of a map, and maps.
    cells: usize,
    maps: usize,
    random: &'a [Described],
}

impl<'a> Tcav<'a> {
    pub fn new(
        subject: &Subject<'_>,
        pictures: &[f32],
        class: usize,
        (layer, [rows, columns, maps]): (&str, [usize; 3]),
        random: &'a [Described],
    ) -> Result<Tcav<'a>, ExplainError> {
        let len = subject.input_len();
        let mut gradients = Vec::new();
        for some in pictures.chunks(AT_ONCE * len) {
            subject.go_on()?;
            let of = vec![Quantity::Score(class); some.len() / len];
            gradients.extend(subject.network.map_gradient(some, layer, &of)?);
        }
        Ok(Tcav { gradients, cells: rows * columns, maps, random })
    }

    /// Holds a concept's patches against random ones, and random ones against each other at the same places.
    pub fn test(&self, concept: &[&Described], seed: Seed) -> Tested {
        let slopes = self.slopes(&self.places(concept));
        let size = concept.len().min(self.random.len() / 2).max(1);
        let of_concept = mean(concept.iter().copied(), self.maps);
        let (mut scores, mut random_scores, mut pull) = (Vec::new(), Vec::new(), 0.0);
        for draw in 0..DRAWS {
            let mut order: Vec<usize> = (0..self.random.len()).collect();
            seed.at(draw).rng().shuffle(&mut order);
            let drawn =
                |from: usize| mean(order.iter().skip(from).take(size).map(|&at| &self.random[at]), self.maps);
            let (first, second) = (drawn(0), drawn(size));
            let (rises, points) = self.rises(&slopes, &difference(&of_concept, &first));
            scores.push(rises);
            pull += points / DRAWS as f64;
            random_scores.push(self.rises(&slopes, &difference(&second, &first)).0);
        }
        let (score, random_score) = (average(&scores), average(&random_scores));
        Tested { score, random_score, pull, p: welch(&scores, &random_scores) }
    }

    /// The share of the concept's patches in each cell.
    fn places(&self, concept: &[&Described]) -> Vec<f32> {
        let mut places = vec![0.0; self.cells];
        for described in concept {
            places.iter_mut().zip(&described.cover).for_each(|(sum, share)| *sum += share);
        }
        // A concept as large as its patches: where all of them lie, the maps rise by the whole difference.
        let most = places.iter().fold(f32::MIN_POSITIVE, |most: f32, &place| most.max(place));
        places.iter_mut().for_each(|place| *place /= most);
        places
    }

    /// For each picture, how fast the score rises with each map at these places.
    fn slopes(&self, places: &[f32]) -> Vec<f32> {
        let slope = |map: &[f32]| map.iter().zip(places).map(|(gradient, place)| gradient * place).sum();
        self.gradients.chunks_exact(self.cells).map(slope).collect()
    }

    /// The share of pictures whose score rises along a direction, and the mean rise.
    fn rises(&self, slopes: &[f32], direction: &[f32]) -> (f64, f64) {
        let along = slopes.chunks_exact(self.maps).map(|slopes| {
            slopes.iter().zip(direction).map(|(slope, step)| f64::from(slope * step)).sum::<f64>()
        });
        let along: Vec<f64> = along.collect();
        let rising = along.iter().filter(|&&rise| rise > 0.0).count();
        (rising as f64 / along.len() as f64, average(&along))
    }
}

fn mean<'a>(patches: impl Iterator<Item = &'a Described>, maps: usize) -> Vec<f32> {
    let (mut sums, mut count) = (vec![0.0_f32; maps], 0);
    for described in patches {
        count += 1;
        sums.iter_mut().zip(&described.features).for_each(|(sum, value)| *sum += value);
    }
    sums.iter_mut().for_each(|sum| *sum /= count.max(1) as f32);
    sums
}

fn difference(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Two-sided p-value of Welch's t-test (Welch, Biometrika 34, 1947); where neither side scatters, 1 for equal means and 0 else.
fn welch(a: &[f64], b: &[f64]) -> f64 {
    let of_mean = |values: &[f64]| {
        let (n, mean) = (values.len() as f64, average(values));
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, variance / n, n)
    };
    let ((mean_a, a, n), (mean_b, b, m)) = (of_mean(a), of_mean(b));
    if a + b == 0.0 {
        return if mean_a == mean_b { 1.0 } else { 0.0 };
    }
    let freedom = (a + b).powi(2) / (a * a / (n - 1.0) + b * b / (m - 1.0));
    two_sided_p((mean_a - mean_b) / (a + b).sqrt(), freedom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_scipy_s_welch_test() {
        // scipy.stats.ttest_ind(a, b, equal_var=False).pvalue
        let p = welch(&[0.9, 1.0, 0.95, 0.97], &[0.4, 0.7, 0.5, 0.65, 0.2]);
        assert!((p - 0.005_574_6).abs() < 1e-6, "{p}");
        assert_eq!((welch(&[1.0; 3], &[1.0; 4]), welch(&[1.0; 3], &[0.5; 4])), (1.0, 0.0));
    }
}
