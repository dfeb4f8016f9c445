//! What was published, as a person types it in.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::PublishedNumber;
use super::table::ShareTable;

/// Larger stated numbers are refused: sums over a matrix have to fit 64 bits.
const MOST_PICTURES: u64 = 1_000_000_000_000;

/// Everything that was printed of one evaluation. All parts are optional; the more there is, the more can be checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PublishedFigures {
    /// Number of judged pictures, where it was stated.
    pub pictures: Option<u64>,
    /// Class names, in the order of the matrix.
    pub classes: Vec<String>,
    /// Rows true, columns predicted.
    pub confusion_matrix: Option<PublishedMatrix>,
    /// One entry a model.
    pub accuracies: Vec<PublishedAccuracy>,
    /// How often each class occurs and is named.
    pub class_shares: Option<ClassShares>,
}

/// A confusion matrix as it was printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedMatrix {
    /// What the cells are.
    pub unit: CellUnit,
    /// `cells[truth][predicted]`.
    pub cells: Vec<Vec<PublishedNumber>>,
}

/// What the cells of a matrix are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellUnit {
    /// Pictures.
    Counts,
    /// Per cent of all pictures (not of the row).
    PerCent,
    /// Shares of all pictures, adding up to 1.
    Shares,
}

/// An accuracy as it was printed, a share or in per cent (with the sign, or above 1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedAccuracy {
    /// What it is the accuracy of.
    pub name: String,
    /// The figure.
    pub value: PublishedNumber,
    /// Whether the matrix is of this very model and these very pictures. Where nothing is said, the matrix has to
    /// agree with at least one of the accuracies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_matrix: Option<bool>,
}

/// Shares of the classes, in class order; in per cent where one has the sign or is above 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClassShares {
    /// How often each class occurs; empty where not published.
    pub real: Vec<PublishedNumber>,
    /// How often each class is named; empty where not published.
    pub predicted: Vec<PublishedNumber>,
}

/// Figures that cannot be checked as they stand.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {kind}")]
pub struct FiguresError {
    place: String,
    kind: FiguresErrorKind,
}

/// What is wrong with the figures.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum FiguresErrorKind {
    #[error("there is nothing to check; give a confusion matrix, accuracies or class shares")]
    Nothing,
    #[error("0 pictures cannot be judged; give the number of judged pictures, or leave it out")]
    NoPictures,
    #[error("{pictures} pictures are more than can be checked; give at most {most}")]
    TooManyPictures { pictures: u64, most: u64 },
    #[error("{actual} values, but there are {expected} classes; give one a class")]
    Length { expected: usize, actual: usize },
    #[error("{value} is no whole number of pictures; is the unit \"per-cent\" or \"shares\"?")]
    NotACount { value: String },
    #[error("{value} is more than everything; is the unit right?")]
    AboveAll { value: String },
    #[error("no picture is counted")]
    Empty,
}

impl FiguresError {
    pub(super) fn new(place: impl Into<String>, kind: FiguresErrorKind) -> FiguresError {
        FiguresError { place: place.into(), kind }
    }

    /// What is wrong.
    pub fn kind(&self) -> &FiguresErrorKind {
        &self.kind
    }

    /// Which part of the input, rows and columns counted from 1.
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl PublishedFigures {
    /// Finds what makes a check impossible.
    pub(super) fn validate(&self) -> Result<(), FiguresError> {
        let shares = self.class_shares.iter().flat_map(ClassShares::lists);
        if self.confusion_matrix.is_none() && self.accuracies.is_empty() && shares.clone().next().is_none() {
            return Err(FiguresError::new("published figures", FiguresErrorKind::Nothing));
        }
        if self.pictures == Some(0) {
            return Err(FiguresError::new("pictures", FiguresErrorKind::NoPictures));
        }
        if let Some(pictures) = self.pictures.filter(|&pictures| pictures > MOST_PICTURES) {
            let kind = FiguresErrorKind::TooManyPictures { pictures, most: MOST_PICTURES };
            return Err(FiguresError::new("pictures", kind));
        }
        let mut classes = (!self.classes.is_empty()).then_some(self.classes.len());
        if let Some(matrix) = &self.confusion_matrix {
            check_length(
                "confusion_matrix, rows",
                *classes.get_or_insert(matrix.cells.len()),
                matrix.cells.len(),
            )?;
            matrix.validate()?;
        }
        for (name, list) in shares {
            check_length(name, *classes.get_or_insert(list.len()), list.len())?;
            list.iter().try_for_each(|share| check_share(name, share, is_per_cent(list)))?;
        }
        let check = |accuracy: &PublishedAccuracy| {
            let per_cent = is_per_cent(std::slice::from_ref(&accuracy.value));
            check_share(&format!("accuracy of {}", accuracy.name), &accuracy.value, per_cent)
        };
        self.accuracies.iter().try_for_each(check)
    }

    /// The name of a class, or its number counted from 1.
    pub(super) fn class_name(&self, class: usize) -> String {
        self.classes.get(class).cloned().unwrap_or_else(|| format!("class {}", class + 1))
    }
}

impl PublishedMatrix {
    fn validate(&self) -> Result<(), FiguresError> {
        for (row, cells) in self.cells.iter().enumerate() {
            check_length(&format!("confusion_matrix, row {}", row + 1), self.cells.len(), cells.len())?;
            for (column, cell) in cells.iter().enumerate() {
                let place = format!("confusion_matrix, row {}, column {}", row + 1, column + 1);
                match self.unit {
                    CellUnit::Counts => check_count(&place, cell)?,
                    unit => check_share(&place, cell, unit == CellUnit::PerCent)?,
                }
            }
        }
        if self.cells.iter().flatten().all(|cell| cell.mantissa() == 0) {
            return Err(FiguresError::new("confusion_matrix", FiguresErrorKind::Empty));
        }
        Ok(())
    }

    pub(super) fn shares(&self) -> ShareTable {
        ShareTable::of(self.cells.iter().flatten(), self.unit == CellUnit::PerCent)
    }
}

impl PublishedAccuracy {
    pub(super) fn share(&self) -> ShareTable {
        let value = std::slice::from_ref(&self.value);
        ShareTable::of(value.iter(), is_per_cent(value))
    }
}

impl ClassShares {
    /// The lists that were published.
    pub(super) fn lists(&self) -> impl Iterator<Item = (&'static str, &[PublishedNumber])> + Clone {
        let lists = [("real class shares", &self.real[..]), ("predicted class shares", &self.predicted[..])];
        lists.into_iter().filter(|(_, list)| !list.is_empty())
    }
}

/// The shares of a list as one table.
pub(super) fn share_table(list: &[PublishedNumber]) -> ShareTable {
    ShareTable::of(list.iter(), is_per_cent(list))
}

fn is_per_cent(list: &[PublishedNumber]) -> bool {
    list.iter().any(|number| number.per_cent() || number.above_one())
}

fn check_length(place: &str, expected: usize, actual: usize) -> Result<(), FiguresError> {
    if expected == actual {
        return Ok(());
    }
    Err(FiguresError::new(place, FiguresErrorKind::Length { expected, actual }))
}

fn check_count(place: &str, cell: &PublishedNumber) -> Result<(), FiguresError> {
    if cell.per_cent() || cell.decimals() > 0 {
        return Err(FiguresError::new(place, FiguresErrorKind::NotACount { value: cell.to_string() }));
    }
    Ok(())
}

fn check_share(place: &str, share: &PublishedNumber, per_cent: bool) -> Result<(), FiguresError> {
    let whole = 10u64.pow(share.decimals()) * if per_cent { 100 } else { 1 };
    if share.mantissa() > whole {
        return Err(FiguresError::new(place, FiguresErrorKind::AboveAll { value: share.to_string() }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_name_the_place() {
        let cases = [
            (
                "pictures = 9000000000000000000\n[[accuracies]]\nname = 'a'\nvalue = 1",
                "pictures: 9000000000000000000 pic",
            ),
            ("", "published figures: there is nothing to check"),
            ("pictures = 0\n[[accuracies]]\nname = 'a'\nvalue = 1", "pictures: 0 pictures"),
            (
                "[[accuracies]]\nname = 'cnn'\nvalue = '571 %'",
                "accuracy of cnn: 571 % is more than everything",
            ),
            (
                "[confusion_matrix]\nunit = 'counts'\ncells = [[1, 2], [3]]",
                "confusion_matrix, row 2: 1 values, but there are 2 classes",
            ),
            (
                "[confusion_matrix]\nunit = 'counts'\ncells = [[1, 2], [3, 0.5]]",
                "confusion_matrix, row 2, column 2: 0.5 is no whole number",
            ),
            (
                "[confusion_matrix]\nunit = 'shares'\ncells = [[12.5]]",
                "confusion_matrix, row 1, column 1: 12.5 is more",
            ),
            ("[confusion_matrix]\nunit = 'counts'\ncells = [[0]]", "confusion_matrix: no picture is counted"),
            (
                "classes = ['a']\n[class_shares]\nreal = [0.5, 0.5]",
                "real class shares: 2 values, but there are 1",
            ),
        ];
        for (text, message) in cases {
            let figures: PublishedFigures = toml::from_str(text).unwrap();
            let error = figures.validate().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
