//! How alike different pictures of a set are: what a pair has to exceed by far to be copies.
//!
//! Around a picture, different pictures lie as points do in a space of some dimension: of the k that are within the distance
//! of the k-th, the nearest is `x` times nearer with a probability of about `k · x^-dimension`. The dimension follows from how
//! much further the 2k-th is than the k-th (Levina & Bickel, "Maximum likelihood estimation of intrinsic dimension", 2004; Facco
//! et al., "Estimating the intrinsic dimension of datasets by a minimal neighborhood information", 2017). Since only
//! pictures from the k-th on enter, up to k copies of a picture change nothing. Drawn digits and signs have few dimensions, and
//! chance brings some close together; photographs have many, and never does.

use rayon::prelude::*;

use super::fine::Fine;
use super::{Likeness, WHOLE};

/// The neighbour to which a copy's distance is compared.
const NEIGHBOUR: usize = 20;
/// How many pairs of different pictures may be taken for copies in a whole set.
const EXPECTED: f64 = 0.01;
/// A copy is so many times nearer at least, however many dimensions there are.
const LEAST_TIMES: f64 = 2.0;
/// Pictures of which the dimension is estimated.
const SAMPLED: usize = 300;
/// Of more pictures only so many are looked at.
const MOST: usize = 10_000;
/// With fewer pictures than this nothing is known of how alike different ones are.
const FEWEST: usize = 12;

/// Signs that differ between a picture and its copy where nothing is known of others: a correlation of .995.
const WITHOUT_OTHERS: u8 = 8;
/// Signs of a sketch, and so many differ at most between copies: a correlation of .92.
const SIGNS: f64 = 256.0;
const MOST_SIGNS: f64 = 32.0;

/// The distance of two fine structures at unit length with this correlation.
pub(super) fn distance(likeness: f32) -> f64 {
    f64::from((2.0 - 2.0 * likeness).max(0.0)).sqrt()
}

/// Different pictures of one set.
pub(super) struct Crowd<'a> {
    pictures: Vec<(usize, &'a Fine)>,
    neighbour: usize,
    /// How many times nearer than its neighbour a copy is; infinite where the set is too small to tell.
    times: f64,
    /// Pairs that are further apart are not copies of each other, wherever they are.
    largest_radius: f64,
}

impl<'a> Crowd<'a> {
    /// Of the fine structures of pictures that are in no order (flat ones are left out), which stand for a set of `size`;
    /// two are laid over each other in `lays` ways.
    pub(super) fn of(fine: &'a [Option<Fine>], size: usize, lays: usize) -> Crowd<'a> {
        let shown: Vec<(usize, &Fine)> =
            fine.iter().enumerate().filter_map(|(at, fine)| Some((at, fine.as_ref()?))).collect();
        let step = shown.len().div_ceil(MOST).max(1);
        let pictures: Vec<(usize, &Fine)> = shown.into_iter().step_by(step).collect();
        // Of a part of the set, the k-th neighbour is a later one of the whole.
        let each_stands_for = size as f64 / pictures.len().max(1) as f64;
        let neighbour = (NEIGHBOUR as f64 / each_stands_for) as usize;
        let neighbour = neighbour.clamp(1, (pictures.len() / 4).max(1));
        let mut crowd = Crowd { pictures, neighbour, times: f64::INFINITY, largest_radius: 0.0 };
        if crowd.pictures.len() < FEWEST {
            return crowd;
        }
        let every = crowd.pictures.len().div_ceil(SAMPLED);
        let sampled: Vec<(usize, &Fine)> = crowd.pictures.iter().copied().step_by(every).collect();
        let two: Vec<[f64; 2]> = sampled
            .par_iter()
            .map(|&(at, fine)| {
                let distances = crowd.sorted_distances(std::slice::from_ref(fine), Some(at));
                [distances[neighbour - 1], distances[2 * neighbour - 1]]
            })
            .collect();
        let mut ratios: Vec<f64> = two.iter().map(|[near, far]| far / near.max(1e-6)).collect();
        ratios.sort_by(f64::total_cmp);
        let dimension = 2f64.ln() / ratios[ratios.len() / 2].max(1.0 + 1e-6).ln();
        let tries = size as f64 * each_stands_for * (neighbour * lays) as f64 / EXPECTED;
        crowd.times = tries.powf(1.0 / dimension).max(LEAST_TIMES);
        crowd.largest_radius = 1.2 * two.iter().map(|[near, _]| *near).fold(0.0, f64::max) / crowd.times;
        crowd
    }

    /// Below this correlation no pair of the set is taken for copies.
    pub(super) fn least_likeness(&self) -> f32 {
        (1.0 - self.largest_radius.powi(2) / 2.0) as f32
    }

    /// Within which distance a picture's copies lie; `own` is its place, where it is one of the set. `forms`: as it is, and in a
    /// mirror where that is asked for.
    pub(super) fn radius(&self, forms: &[Fine], own: Option<usize>) -> Option<f64> {
        let distances = self.sorted_distances(forms, own);
        Some(distances.get(self.neighbour - 1)? / self.times).filter(|radius| *radius > 0.0)
    }

    /// To the other pictures, as far as needed: the `2 · neighbour` nearest, ascending.
    fn sorted_distances(&self, forms: &[Fine], own: Option<usize>) -> Vec<f64> {
        let nearest =
            |other: &Fine| forms.iter().map(|fine| fine.correlation(other)).fold(f32::MIN, f32::max);
        let others = self.pictures.iter().filter(|(at, _)| Some(*at) != own);
        let mut likeness: Vec<f32> = others.map(|(_, other)| nearest(other)).collect();
        likeness.sort_unstable_by(|a, b| b.total_cmp(a));
        likeness.into_iter().take(2 * self.neighbour).map(distance).collect()
    }
}

/// Pictures of a set, to learn from how alike its different pictures are.
#[derive(Default)]
pub struct Others {
    fine: Vec<Option<Fine>>,
    size: usize,
}

impl Others {
    /// Of pictures in no order, which stand for a set of `size`.
    pub fn of(pictures: &[Likeness], size: usize) -> Others {
        Others { fine: pictures.iter().map(|picture| Fine::of(picture, WHOLE, false)).collect(), size }
    }

    /// In how many of the 256 signs of its sketch a copy of `picture` differs from it at most: what differs in more may be
    /// another picture of the set. With too few others to compare, only nearly equal sketches count as those of copies.
    pub fn most_different_signs(&self, picture: &Likeness) -> u8 {
        let forms = [false, true].map(|mirrored| Fine::of(picture, WHOLE, mirrored));
        let [Some(as_it_is), Some(mirrored)] = forms else { return 0 };
        let crowd = Crowd::of(&self.fine, self.size, 2);
        if !crowd.times.is_finite() {
            return WITHOUT_OTHERS;
        }
        let Some(radius) = crowd.radius(&[as_it_is, mirrored], None) else { return 0 };
        let angle = (1.0 - radius.powi(2) / 2.0).clamp(-1.0, 1.0).acos();
        let signs = SIGNS * angle / std::f64::consts::PI;
        // Signs are drawn: less one standard error, so that what lies further away is seldom within.
        (signs - signs.sqrt()).clamp(0.0, MOST_SIGNS) as u8
    }
}
