//! Confusion matrix: which class is taken for which.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{LabelledPredictions, MetricInfo};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "confusion_matrix",
    title: "Confusion matrix",
    shows: "For each true class (row) how many of its pictures were given each class (column). Right answers lie on the \
            diagonal; a strongly coloured cell beside it is a pair of classes that the model mixes up.",
    misleads: "Rare classes look pale when counts are compared: read along the row. A mistake in the labels looks like a \
               mistake of the model.",
    reference: "Townsend, Theoretical analysis of an alphabetic confusion matrix, Perception & Psychophysics 9 (1971)",
};

/// Counts of true against predicted class, a square of k × k.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<u64>>", into = "Vec<Vec<u64>>")]
pub struct ConfusionMatrix {
    counts: Vec<Vec<u64>>,
}

/// Counts that are no confusion matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum ConfusionMatrixError {
    #[error("row {row} of the confusion matrix has {cells} cells; a square of {rows} rows needs {rows}")]
    NotSquare { row: usize, cells: usize, rows: usize },
    #[error("the confusion matrix counts no picture")]
    Empty,
}

/// One pair of different classes that is mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// The true class.
    pub truth: usize,
    /// What the model called it.
    pub predicted: usize,
    /// How many pictures.
    pub pictures: u64,
}

impl ConfusionMatrix {
    /// Counts the pictures.
    pub fn of(predictions: &LabelledPredictions) -> ConfusionMatrix {
        let k = predictions.classes().len();
        let mut counts = vec![vec![0; k]; k];
        for (&truth, &predicted) in predictions.truth().iter().zip(predictions.predicted()) {
            counts[truth][predicted] += 1;
        }
        ConfusionMatrix { counts }
    }

    /// Counts again into the same cells, the picture at an index `weights[index]` times.
    pub(crate) fn recount(&mut self, predictions: &LabelledPredictions, weights: &[u32]) {
        self.counts.iter_mut().for_each(|row| row.fill(0));
        let answers = predictions.truth().iter().zip(predictions.predicted());
        for ((&truth, &predicted), &weight) in answers.zip(weights) {
            self.counts[truth][predicted] += u64::from(weight);
        }
    }

    /// Takes published counts, rows true, columns predicted.
    ///
    /// # Errors
    /// When the rows are not as long as there are rows, or when no picture was counted.
    pub fn from_counts(counts: Vec<Vec<u64>>) -> Result<ConfusionMatrix, ConfusionMatrixError> {
        let rows = counts.len();
        if let Some(row) = counts.iter().position(|row| row.len() != rows) {
            return Err(ConfusionMatrixError::NotSquare { row, cells: counts[row].len(), rows });
        }
        if counts.iter().flatten().all(|&count| count == 0) {
            return Err(ConfusionMatrixError::Empty);
        }
        Ok(ConfusionMatrix { counts })
    }

    /// The counts: `counts()[truth][predicted]`.
    pub fn counts(&self) -> &[Vec<u64>] {
        &self.counts
    }

    /// All pictures.
    pub fn pictures(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Pictures on the diagonal.
    pub fn correct(&self) -> u64 {
        self.counts.iter().enumerate().map(|(class, row)| row[class]).sum()
    }

    /// Pictures of each true class: the sums of the rows.
    pub fn support(&self) -> Vec<u64> {
        self.counts.iter().map(|row| row.iter().sum()).collect()
    }

    /// How often each class is named: the sums of the columns.
    pub fn predicted(&self) -> Vec<u64> {
        (0..self.counts.len()).map(|class| self.counts.iter().map(|row| row[class]).sum()).collect()
    }

    /// The cells in per cent of all pictures.
    pub fn per_cent(&self) -> Vec<Vec<f64>> {
        let pictures = self.pictures() as f64;
        self.counts
            .iter()
            .map(|row| row.iter().map(|&count| 100.0 * count as f64 / pictures).collect())
            .collect()
    }

    /// The cells as shares of their row, in 0..=1: what the pictures of each class were taken for. The row of a
    /// class without a picture is 0 throughout, as scikit-learn's `confusion_matrix` with `normalize="true"` has it.
    pub fn by_row(&self) -> Vec<Vec<f64>> {
        let shares = |row: &Vec<u64>| {
            let support = row.iter().sum::<u64>().max(1) as f64;
            row.iter().map(|&count| count as f64 / support).collect()
        };
        self.counts.iter().map(shares).collect()
    }

    /// The `most` pairs of different classes that are mixed up most often, most frequent first, pairs without a
    /// picture left out.
    pub fn confusions(&self, most: usize) -> Vec<Confusion> {
        let mut pairs: Vec<Confusion> = self.off_diagonal().filter(|pair| pair.pictures > 0).collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.pictures));
        pairs.truncate(most);
        pairs
    }

    fn off_diagonal(&self) -> impl Iterator<Item = Confusion> {
        self.counts.iter().enumerate().flat_map(|(truth, row)| {
            let cell = move |(predicted, &pictures)| Confusion { truth, predicted, pictures };
            row.iter().enumerate().map(cell).filter(move |pair| pair.predicted != truth)
        })
    }
}

impl TryFrom<Vec<Vec<u64>>> for ConfusionMatrix {
    type Error = ConfusionMatrixError;

    fn try_from(counts: Vec<Vec<u64>>) -> Result<ConfusionMatrix, ConfusionMatrixError> {
        ConfusionMatrix::from_counts(counts)
    }
}

impl From<ConfusionMatrix> for Vec<Vec<u64>> {
    fn from(matrix: ConfusionMatrix) -> Vec<Vec<u64>> {
        matrix.counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published() -> ConfusionMatrix {
        let counts = [[30, 14, 0, 15], [8, 30, 9, 19], [9, 13, 20, 8], [14, 12, 3, 31]];
        ConfusionMatrix::from_counts(counts.map(|row| row.to_vec()).to_vec()).unwrap()
    }

    #[test]
    fn per_cent_of_all_pictures_is_what_the_study_published() {
        let expected = [
            [12.766, 5.957, 0.0, 6.383],
            [3.404, 12.766, 3.830, 8.085],
            [3.830, 5.532, 8.511, 3.404],
            [5.957, 5.106, 1.277, 13.191],
        ];
        for (row, expected) in published().per_cent().iter().zip(expected) {
            let rounded: Vec<f64> = row.iter().map(|v| (v * 1e3).round() / 1e3).collect();
            assert_eq!(rounded, expected);
        }
    }

    #[test]
    fn sums_and_the_worst_pairs() {
        let matrix = published();
        assert_eq!(matrix.support(), [59, 66, 50, 60]);
        assert_eq!(matrix.predicted(), [61, 69, 32, 73]);
        assert_eq!((matrix.correct(), matrix.pictures()), (111, 235));
        let worst = matrix.confusions(2).into_iter().map(|pair| (pair.truth, pair.predicted, pair.pictures));
        assert_eq!(worst.collect::<Vec<_>>(), [(1, 3, 19), (0, 3, 15)]);
        assert_eq!(matrix.confusions(99).len(), 11, "the pair without a picture is left out");
    }

    #[test]
    fn only_square_counts_of_something_are_a_matrix() {
        let not_square = ConfusionMatrixError::NotSquare { row: 1, cells: 1, rows: 2 };
        let cases = [
            (vec![], ConfusionMatrixError::Empty),
            (vec![vec![0, 0], vec![0, 0]], ConfusionMatrixError::Empty),
            (vec![vec![1, 2], vec![3]], not_square),
        ];
        for (counts, error) in cases {
            assert_eq!(ConfusionMatrix::from_counts(counts), Err(error));
        }
    }
}
