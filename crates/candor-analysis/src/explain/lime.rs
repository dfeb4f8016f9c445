//! LIME.

use super::linear::{least_squares, scores_of_selections, spread};
use super::{ExplainError, Map, Method, Subject, slic};

pub(super) static METHOD: Method = Method {
    id: "lime",
    title: "LIME",
    shows: "Which patches of the picture the score depends on, by a straight-line model fitted to the scores of pictures with \
            patches switched off at random.",
    misleads: "The patches are found by colour, before anything is asked of the network. Other patches, another number of \
               pictures or another width of the neighbourhood give another map.",
    reference: "Ribeiro, Singh and Guestrin, “‘Why should I trust you?’ Explaining the predictions of any classifier”, KDD 2016.",
    adds_up: false,
    explain,
};

/// Patches, about; and pictures with some of them.
pub(super) const PATCHES: usize = 40;
const PICTURES: usize = 600;
/// Width of the neighbourhood, in cosine distance; and weight of the ridge: those of the authors' package.
const WIDTH: f64 = 0.25;
const RIDGE: f64 = 1.0;
/// Of the patches: how much space counts beside colour.
pub(super) const COMPACTNESS: f32 = 0.2;

fn explain(subject: &Subject<'_>, picture: &[f32], classes: &[usize]) -> Result<Vec<Map>, ExplainError> {
    let patches = slic(picture, subject.size(), PATCHES, COMPACTNESS);
    let mut rng = subject.seed_of(METHOD.id, picture).rng();
    let mut selections = vec![vec![true; patches.count]];
    selections.extend((1..PICTURES).map(|_| (0..patches.count).map(|_| rng.below(2) == 1).collect()));
    let scores = scores_of_selections(subject, picture, &patches, &selections, classes)?;
    let weights: Vec<f64> = selections.iter().map(|kept| nearness(kept)).collect();
    let rows: Vec<Vec<f64>> = selections
        .iter()
        .map(|kept| std::iter::once(1.0).chain(kept.iter().map(|&is| f64::from(u8::from(is)))).collect())
        .collect();
    let of_class = |scores: Vec<f64>| {
        let mean = scores.iter().zip(&weights).map(|(y, w)| y * w).sum::<f64>() / weights.iter().sum::<f64>();
        let y: Vec<f64> = scores.iter().map(|score| score - mean).collect();
        spread(&patches, &least_squares(&rows, &y, &weights, RIDGE)[1..])
    };
    Ok(scores.into_iter().map(of_class).collect())
}

/// e^(−d²/width²) of the cosine distance to the whole picture.
fn nearness(kept: &[bool]) -> f64 {
    let share = kept.iter().filter(|&&is| is).count() as f64 / kept.len() as f64;
    let distance = 1.0 - share.sqrt();
    (-distance * distance / (WIDTH * WIDTH)).exp().sqrt()
}
