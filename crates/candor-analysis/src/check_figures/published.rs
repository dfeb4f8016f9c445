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
    /// Number of evaluated pictures, where it was stated.
    pub pictures: Option<u64>,
    /// Class names, in the order of the matrix.
    pub classes: Vec<String>,
    /// Evaluated pictures of each class, in class order; empty where not published.
    pub class_counts: Vec<u64>,
    /// Rows true, columns predicted.
    pub confusion_matrix: Option<PublishedMatrix>,
    /// One entry a model.
    pub accuracies: Vec<PublishedAccuracy>,
    /// Precision, recall, F1: one entry a figure.
    pub scores: Vec<PublishedScore>,
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
    /// Per cent of the pictures of a class: each row adds up to 100.
    RowPerCent,
    /// Shares of the pictures of a class: each row adds up to 1.
    RowShares,
}

impl CellUnit {
    fn is_per_cent(self) -> bool {
        matches!(self, CellUnit::PerCent | CellUnit::RowPerCent)
    }
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
    /// agree with at least one of the accuracies, and the others are doubtful.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_matrix: Option<bool>,
    /// The mean over so many folds of a cross-validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<u64>,
    /// Pictures of each fold; without them a mean over folds cannot be checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fold_pictures: Vec<u64>,
    /// The mean over so many trainings, each evaluated on the same pictures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<u64>,
}

/// A precision, recall or F1 as it was printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedScore {
    /// The model that it is of, as it is called among the accuracies; empty where there is one only.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it measures.
    pub metric: Metric,
    /// The class that it is of; none for an average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// How the classes were averaged; none for a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average: Option<Average>,
    /// The figure.
    pub value: PublishedNumber,
    /// Whether the matrix is of this very model and these very pictures; taken for granted where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_matrix: Option<bool>,
}

/// What a published score measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Of those predicted as a class, the share that is of it.
    Precision,
    /// Of those of a class, the share that is predicted as it. Its macro average is the balanced accuracy.
    Recall,
    /// The harmonic mean of both.
    F1,
}

impl Metric {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Precision => "precision",
            Metric::Recall => "recall",
            Metric::F1 => "F1",
        }
    }
}

/// How scores of classes were averaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Average {
    /// Every class counts the same.
    Macro,
    /// Every class counts by its pictures.
    Weighted,
    /// All pictures together: with one class a picture, the accuracy.
    Micro,
}

impl Average {
    /// As people write it.
    pub fn name(self) -> &'static str {
        match self {
            Average::Macro => "macro",
            Average::Weighted => "weighted",
            Average::Micro => "micro",
        }
    }
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
    #[error(
        "there is nothing to check; give a confusion matrix, accuracies, scores or class shares (candor check-figures --template shows how)"
    )]
    Nothing,
    #[error("0 pictures cannot be evaluated; give the number of evaluated pictures, or leave it out")]
    NoPictures,
    #[error("{pictures} pictures are more than can be checked; give at most {most}")]
    TooManyPictures { pictures: u64, most: u64 },
    #[error("{actual} values, but there are {expected} classes; give one a class")]
    Length { expected: usize, actual: usize },
    #[error("{value} is not a whole number of pictures; is the unit \"per-cent\" or \"shares\"?")]
    NotACount { value: String },
    #[error("{value} is more than everything; is the unit right?")]
    AboveAll { value: String },
    #[error("no picture is counted")]
    Empty,
    #[error("give either \"class\" or \"average\"")]
    ClassOrAverage,
    #[error("\"{class}\" is not among the classes; write it as in \"classes\", or as \"class 1\"")]
    UnknownClass { class: String },
    #[error("0 is not a number of folds or runs; leave it out for a single evaluation")]
    NoFolds,
    #[error("{sizes} fold sizes, but {folds} folds")]
    FoldSizes { sizes: usize, folds: u64 },
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
        let lists = self.accuracies.is_empty() && self.scores.is_empty();
        if self.confusion_matrix.is_none() && lists && shares.clone().next().is_none() {
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
        if !self.class_counts.is_empty() {
            let actual = self.class_counts.len();
            check_length("class_counts", *classes.get_or_insert(actual), actual)?;
            if self.class_counts.iter().all(|&count| count == 0) {
                return Err(FiguresError::new("class_counts", FiguresErrorKind::Empty));
            }
            if let Some(&pictures) = self.class_counts.iter().find(|&&count| count > MOST_PICTURES) {
                let kind = FiguresErrorKind::TooManyPictures { pictures, most: MOST_PICTURES };
                return Err(FiguresError::new("class_counts", kind));
            }
        }
        for (name, list) in shares {
            check_length(name, *classes.get_or_insert(list.len()), list.len())?;
            list.iter().try_for_each(|share| check_share(name, share, is_per_cent(list)))?;
        }
        let check = |accuracy: &PublishedAccuracy| {
            let per_cent = is_per_cent(std::slice::from_ref(&accuracy.value));
            let place = format!("accuracy of {}", accuracy.name);
            check_share(&place, &accuracy.value, per_cent)?;
            accuracy.validate(&place)
        };
        self.accuracies.iter().try_for_each(check)?;
        self.scores.iter().try_for_each(|score| score.validate(self))
    }

    /// The place of a class called so: by its name, or by its number as `class 2`.
    pub(super) fn class_called(&self, name: &str) -> Option<usize> {
        let classes = self.classes.len().max(self.class_counts.len());
        let matrix = self.confusion_matrix.as_ref().map_or(0, |matrix| matrix.cells.len());
        (0..classes.max(matrix)).find(|&class| self.class_name(class) == name)
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
                    unit => check_share(&place, cell, unit.is_per_cent())?,
                }
            }
        }
        if self.cells.iter().flatten().all(|cell| cell.mantissa() == 0) {
            return Err(FiguresError::new("confusion_matrix", FiguresErrorKind::Empty));
        }
        Ok(())
    }

    pub(super) fn shares(&self) -> ShareTable {
        ShareTable::of(self.cells.iter().flatten(), self.unit.is_per_cent())
    }

    /// Each row as shares of one whole.
    pub(super) fn row_tables(&self) -> Vec<ShareTable> {
        self.cells.iter().map(|row| ShareTable::of(row.iter(), self.unit.is_per_cent())).collect()
    }

    /// Whether each row adds up to one, so that the cells are shares of the rows and not of all pictures.
    pub(super) fn rows_are_whole(&self) -> bool {
        self.cells.len() > 1 && self.row_tables().iter().all(ShareTable::is_whole)
    }
}

impl PublishedAccuracy {
    /// The accuracy of one evaluation; `of_matrix` where the matrix is of this very model and these very pictures.
    pub fn new(
        name: impl Into<String>,
        value: PublishedNumber,
        of_matrix: Option<bool>,
    ) -> PublishedAccuracy {
        PublishedAccuracy {
            name: name.into(),
            value,
            of_matrix,
            folds: None,
            fold_pictures: Vec::new(),
            runs: None,
        }
    }

    /// Whether it is a mean over folds or runs, and not of one evaluation.
    pub(super) fn is_mean(&self) -> bool {
        self.folds.is_some() || !self.fold_pictures.is_empty() || self.runs.is_some()
    }

    fn validate(&self, place: &str) -> Result<(), FiguresError> {
        if self.folds == Some(0) || self.runs == Some(0) || self.fold_pictures.contains(&0) {
            return Err(FiguresError::new(place, FiguresErrorKind::NoFolds));
        }
        if let Some(&pictures) = self.fold_pictures.iter().find(|&&pictures| pictures > MOST_PICTURES) {
            let kind = FiguresErrorKind::TooManyPictures { pictures, most: MOST_PICTURES };
            return Err(FiguresError::new(place, kind));
        }
        let sizes = self.fold_pictures.len();
        match self.folds {
            Some(folds) if sizes > 0 && sizes as u64 != folds => {
                Err(FiguresError::new(place, FiguresErrorKind::FoldSizes { sizes, folds }))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn share(&self) -> ShareTable {
        let value = std::slice::from_ref(&self.value);
        ShareTable::of(value.iter(), is_per_cent(value))
    }
}

impl PublishedScore {
    /// `recall of “cs”`, `macro F1`.
    pub(super) fn title(&self) -> String {
        let what = match (&self.class, self.average) {
            (Some(class), _) => format!("{} of “{class}”", self.metric.name()),
            (None, Some(average)) => format!("{} {}", average.name(), self.metric.name()),
            (None, None) => self.metric.name().to_owned(),
        };
        if self.name.is_empty() { what } else { format!("{}, {what}", self.name) }
    }

    pub(super) fn share(&self) -> ShareTable {
        share_table(std::slice::from_ref(&self.value))
    }

    fn validate(&self, figures: &PublishedFigures) -> Result<(), FiguresError> {
        let place = self.title();
        check_share(&place, &self.value, is_per_cent(std::slice::from_ref(&self.value)))?;
        match (&self.class, self.average) {
            (Some(class), None) => match figures.class_called(class) {
                // Without any list of classes the name is all there is.
                None if !figures.classes.is_empty() || figures.confusion_matrix.is_some() => {
                    Err(FiguresError::new(place, FiguresErrorKind::UnknownClass { class: class.clone() }))
                }
                _ => Ok(()),
            },
            (None, Some(_)) => Ok(()),
            _ => Err(FiguresError::new(place, FiguresErrorKind::ClassOrAverage)),
        }
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
                "confusion_matrix, row 2, column 2: 0.5 is not a whole number",
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
