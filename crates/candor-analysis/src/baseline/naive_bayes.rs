//! What the three naive Bayes models share. They are counts and means, written here: `linfa-bayes` 0.8.1 prints its
//! tables to standard error and breaks ties by the order of a hash map, which changes from run to run.

use ndarray::{Array1, Array2, Axis};

use super::{Learned, Lesson, Rows, largest};

/// A model whose log-likelihood is linear in the values: one row of weights and one offset a class.
pub(super) struct LinearBayes {
    /// Prepares the values: `None` takes them as they are.
    pub threshold: Option<f64>,
    /// Class × value.
    pub weights: Array2<f64>,
    /// One a class; −∞ for a class that was never seen.
    pub offsets: Array1<f64>,
}

impl Learned for LinearBayes {
    fn guess(&self, rows: &Rows) -> Vec<usize> {
        let scores = binary(&rows.0, self.threshold).dot(&self.weights.t()) + &self.offsets;
        scores.outer_iter().map(|row| largest(row.iter().copied())).collect()
    }
}

/// 1 above the threshold and 0 elsewhere; the values themselves without one.
pub(super) fn binary(values: &Array2<f64>, threshold: Option<f64>) -> Array2<f64> {
    match threshold {
        None => values.clone(),
        Some(threshold) => values.mapv(|value| if value > threshold { 1.0 } else { 0.0 }),
    }
}

/// The logarithm of each class's share of the pictures.
pub(super) fn log_priors(lesson: &Lesson<'_>) -> Array1<f64> {
    let all = lesson.labels.len() as f64;
    lesson.counts().into_iter().map(|count| (count as f64 / all).ln()).collect()
}

/// Class × value: the sum of each value over the pictures of each class.
pub(super) fn sums(lesson: &Lesson<'_>, values: &Array2<f64>) -> Array2<f64> {
    let mut sums = Array2::zeros((lesson.classes, values.ncols()));
    for (row, &label) in values.outer_iter().zip(lesson.labels) {
        let mut sum = sums.index_axis_mut(Axis(0), label);
        sum += &row;
    }
    sums
}
