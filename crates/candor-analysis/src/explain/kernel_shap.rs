//! KernelSHAP on superpixels.

use super::lime::{COMPACTNESS, PATCHES};
use super::linear::{least_squares, scores_of_selections, spread};
use super::{ExplainError, Map, Method, Subject, slic};

pub(super) static METHOD: Method = Method {
    id: "kernel-shap",
    title: "KernelSHAP on superpixels",
    shows: "What each patch of the picture adds to the score, on average over all orders in which patches could be switched on \
            (Shapley values). The values of all patches add up to the difference of the scores.",
    misleads: "The orders are sampled: the value of a patch may be off by a few per cent. A patch that is switched off shows the \
               background's mean, which no real picture does.",
    reference: "Lundberg and Lee, “A unified approach to interpreting model predictions”, NeurIPS 2017, section 4.1; with \
                complements drawn in pairs (Covert and Lee, AISTATS 2021).",
    adds_up: true,
    explain,
};

/// Selections of patches that are asked about.
const SELECTIONS: usize = 2000;

fn explain(subject: &Subject<'_>, picture: &[f32], classes: &[usize]) -> Result<Vec<Map>, ExplainError> {
    let patches = slic(picture, subject.size(), PATCHES, COMPACTNESS);
    let count = patches.count;
    let mut rng = subject.seed_of(METHOD.id, picture).rng();
    let mut selections = vec![vec![false; count], vec![true; count]];
    let share = size_shares(count);
    while count > 1 && selections.len() < SELECTIONS {
        let mut left = rng.unit();
        let size = 1 + share
            .iter()
            .take_while(|share| {
                left -= **share;
                left > 0.0
            })
            .count()
            .min(count - 2);
        let mut order: Vec<usize> = (0..count).collect();
        rng.shuffle(&mut order);
        let mut kept = vec![false; count];
        order[..size].iter().for_each(|&patch| kept[patch] = true);
        selections.push(kept.iter().map(|is| !is).collect());
        selections.push(kept);
    }
    let scores = scores_of_selections(subject, picture, &patches, &selections, classes)?;
    Ok(scores.iter().map(|scores| shapley(&selections, scores, |values| spread(&patches, values))).collect())
}

/// How often a selection of 1, 2, … patches is drawn: as the Shapley kernel weighs all of that size together.
fn size_shares(count: usize) -> Vec<f64> {
    let weights: Vec<f64> = (1..count).map(|size| 1.0 / (size * (count - size)) as f64).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// Shapley values from the scores of selections, of which the first is empty and the second whole. The last value is what the
/// others leave of the whole difference, so that they add up.
fn shapley(selections: &[Vec<bool>], scores: &[f64], map: impl Fn(&[f64]) -> Map) -> Map {
    let difference = scores[1] - scores[0];
    let value = |is: bool| f64::from(u8::from(is));
    let (rows, y): (Vec<Vec<f64>>, Vec<f64>) = selections
        .iter()
        .zip(scores)
        .skip(2)
        .map(|(kept, score)| {
            let (last, others) = kept.split_last().expect("a picture has a patch");
            let row = others.iter().map(|&is| value(is) - value(*last)).collect::<Vec<f64>>();
            (row, score - scores[0] - value(*last) * difference)
        })
        .unzip();
    let mut values = least_squares(&rows, &y, &vec![1.0; rows.len()], 1e-9);
    values.push(difference - values.iter().sum::<f64>());
    let map = map(&values);
    Map { gap: Some((map.sum() - difference) as f32), ..map }
}
