//! Weighted least squares, and what LIME and KernelSHAP share: a picture of which patches are switched off.

use super::{ExplainError, Map, Subject, Superpixels};

/// Pictures that are asked about at a time.
const AT_ONCE: usize = 128;

/// The coefficients b that make Σ w (y − x·b)² + `ridge` |b|² smallest, for rows x of `columns` values.
pub(super) fn least_squares(rows: &[Vec<f64>], y: &[f64], weights: &[f64], ridge: f64) -> Vec<f64> {
    let columns = rows.first().map_or(0, Vec::len);
    let (mut a, mut b) = (vec![vec![0.0; columns]; columns], vec![0.0; columns]);
    for ((row, y), weight) in rows.iter().zip(y).zip(weights) {
        for i in (0..columns).filter(|&i| row[i] != 0.0) {
            b[i] += weight * row[i] * y;
            (0..=i).for_each(|j| a[i][j] += weight * row[i] * row[j]);
        }
    }
    (0..columns).for_each(|i| a[i][i] += ridge);
    solve(a, b)
}

/// Solves a · x = b for a symmetric positive definite matrix, of which the lower half is given (Cholesky).
fn solve(mut a: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
            // A direction that nothing was learned of gets no share.
            a[i][j] = match (i == j, a[i][j] - sum) {
                (true, rest) => rest.max(1e-12).sqrt(),
                (false, rest) => rest / a[j][j],
            };
        }
        b[i] = (b[i] - (0..i).map(|k| a[i][k] * b[k]).sum::<f64>()) / a[i][i];
    }
    for i in (0..n).rev() {
        b[i] = (b[i] - (i + 1..n).map(|k| a[k][i] * b[k]).sum::<f64>()) / a[i][i];
    }
    b
}

/// The scores of `classes` for the picture with only some of its patches, the others replaced by the background's mean: for
/// each class, one score a selection.
pub(super) fn scores_of_selections(
    subject: &Subject<'_>,
    picture: &[f32],
    patches: &Superpixels,
    selections: &[Vec<bool>],
    classes: &[usize],
) -> Result<Vec<Vec<f64>>, ExplainError> {
    let channels = picture.len() / patches.of.len();
    let number = subject.network.classes().len();
    let mut all = vec![Vec::with_capacity(selections.len()); classes.len()];
    for some in selections.chunks(AT_ONCE) {
        subject.go_on()?;
        let inputs = some.iter().flat_map(|kept| {
            let value = |at: usize| {
                if kept[patches.of[at / channels]] { picture[at] } else { subject.mean()[at] }
            };
            (0..picture.len()).map(value)
        });
        let scores = subject.network.evidence(&inputs.collect::<Vec<f32>>())?.scores;
        for (of_class, &class) in all.iter_mut().zip(classes) {
            of_class.extend(scores.iter().skip(class).step_by(number).map(|&score| f64::from(score)));
        }
    }
    Ok(all)
}

/// A map in which each patch's value is spread evenly over its pixels.
pub(super) fn spread(patches: &Superpixels, values: &[f64]) -> Map {
    let mut sizes = vec![0_usize; patches.count];
    patches.of.iter().for_each(|&patch| sizes[patch] += 1);
    let value = |&patch: &usize| (values[patch] / sizes[patch] as f64) as f32;
    let values = patches.of.iter().map(value).collect();
    Map { height: patches.height, width: patches.width, values, gap: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_of_a_plane_are_found() {
        let rows: Vec<Vec<f64>> = (0..12).map(|i| vec![1.0, f64::from(i % 4), f64::from(i / 4)]).collect();
        let y: Vec<f64> = rows.iter().map(|row| 2.0 - 3.0 * row[1] + 0.5 * row[2]).collect();
        let found = least_squares(&rows, &y, &[1.0; 12], 0.0);
        for (got, expected) in found.iter().zip([2.0, -3.0, 0.5]) {
            assert!((got - expected).abs() < 1e-9, "{found:?}");
        }
    }
}
