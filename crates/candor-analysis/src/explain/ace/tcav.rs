//! Testing with concept activation vectors: does the score rise along the direction from random patches to a concept?

use candor_core::{Quantity, Seed};

use super::super::{ExplainError, Subject};
use super::patches::Described;

/// Directions of a concept. Each comes from a resample of its own of the concept's patches, and random patches of its own.
const DRAWS: u64 = 20;
/// Gradients that are asked for at a time.
const AT_ONCE: usize = 64;

/// The gradients of a class's score at its pictures.
pub(super) struct Tcav {
    /// Picture by picture, map by map.
    gradients: Vec<f32>,
    /// Their mean over the pictures.
    mean_gradient: Vec<f32>,
    /// Cells of a map, and maps.
    cells: usize,
    maps: usize,
}

impl Tcav {
    pub fn new(
        subject: &Subject<'_>,
        pictures: &[f32],
        class: usize,
        (layer, [rows, columns, maps]): (&str, [usize; 3]),
    ) -> Result<Tcav, ExplainError> {
        let len = subject.input_len();
        let mut gradients = Vec::new();
        for some in pictures.chunks(AT_ONCE * len) {
            subject.go_on()?;
            let of = vec![Quantity::Score(class); some.len() / len];
            gradients.extend(subject.network.map_gradient(some, layer, &of)?);
        }
        let values = rows * columns * maps;
        let count = (gradients.len() / values.max(1)).max(1) as f32;
        let mean = |at: usize| gradients[at..].iter().step_by(values).sum::<f32>() / count;
        let mean_gradient = (0..values.min(gradients.len())).map(mean).collect();
        Ok(Tcav { gradients, mean_gradient, cells: rows * columns, maps })
    }

    /// The share of the pictures whose score rises with more of `patches`, at the places where they lie: the mean over directions.
    pub fn score(&self, patches: &[&Described], others: &[&[Described]], seed: Seed) -> f64 {
        let slopes = self.slopes(&self.gradients, &self.places(patches));
        let directions = self.directions(patches, others, seed);
        let rises = directions.iter().map(|direction| self.share_rising(&slopes, direction));
        rises.sum::<f64>() / directions.len() as f64
    }

    /// The points by which the score rises with more of `patches`: the mean over directions and pictures.
    pub fn pull(&self, patches: &[&Described], others: &[&[Described]], seed: Seed) -> f64 {
        let slopes = self.slopes(&self.mean_gradient, &self.places(patches));
        let directions = self.directions(patches, others, seed);
        directions.iter().map(|direction| along(&slopes, direction)).sum::<f64>() / directions.len() as f64
    }

    /// A direction for each draw: the mean of patches drawn from `patches` minus the mean of as many random ones of `others`.
    fn directions(&self, patches: &[&Described], others: &[&[Described]], seed: Seed) -> Vec<Vec<f32>> {
        let direction = |draw: u64| {
            let mut rng = seed.at(draw).rng();
            let of_concept = mean((0..patches.len()).map(|_| patches[rng.below(patches.len())]), self.maps);
            let random = (0..patches.len()).map(|_| {
                let picture = others[rng.below(others.len())];
                &picture[rng.below(picture.len())]
            });
            let of_random = mean(random, self.maps);
            of_concept.iter().zip(&of_random).map(|(a, b)| a - b).collect()
        };
        (0..DRAWS).map(direction).collect()
    }

    /// The share of the patches in each cell.
    fn places(&self, patches: &[&Described]) -> Vec<f32> {
        let mut places = vec![0.0; self.cells];
        for described in patches {
            places.iter_mut().zip(&described.cover).for_each(|(sum, share)| *sum += share);
        }
        // A concept as large as its patches: where all of them lie, the maps rise by the whole difference.
        let most = places.iter().fold(f32::MIN_POSITIVE, |most: f32, &place| most.max(place));
        places.iter_mut().for_each(|place| *place /= most);
        places
    }

    /// For each picture, how fast the score rises with each map at these places.
    fn slopes(&self, gradients: &[f32], places: &[f32]) -> Vec<f32> {
        let slope = |map: &[f32]| map.iter().zip(places).map(|(gradient, place)| gradient * place).sum();
        gradients.chunks_exact(self.cells).map(slope).collect()
    }

    /// The share of pictures whose score rises along a direction.
    fn share_rising(&self, slopes: &[f32], direction: &[f32]) -> f64 {
        let rises = slopes.chunks_exact(self.maps).map(|slopes| along(slopes, direction) > 0.0);
        rises.filter(|&rises| rises).count() as f64 / (slopes.len() / self.maps) as f64
    }
}

fn along(slopes: &[f32], direction: &[f32]) -> f64 {
    slopes.iter().zip(direction).map(|(slope, step)| f64::from(slope * step)).sum()
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
