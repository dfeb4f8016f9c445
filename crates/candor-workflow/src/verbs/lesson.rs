//! `lesson`: a lesson for the class, on its own numbers or pictures, with a page.
//!
//! The arithmetic lies in `candor_analysis::lesson`, the drawing in candor-report; here files are read and written.

mod columns;
mod convolution;
mod random_labels;
mod regression;
mod scores;

use std::path::{Path, PathBuf};

use candor_analysis::lesson::Lesson;
use candor_analysis::lesson::convolution::KernelError;
use candor_analysis::lesson::regression::RegressionError;
use candor_analysis::lesson::scores::ScoresError;
use candor_report::LessonPage;
use serde::Serialize;
use thiserror::Error;

pub use convolution::{ConvolutionRequest, ConvolutionResult, SIDE_PX as LESSON_SIDE_PX, convolution_lesson};
pub use random_labels::{LearnedLabels, RandomLabelsRequest, RandomLabelsResult, random_labels_lesson};
pub use regression::{RegressionRequest, RegressionResult, regression_lesson};
pub use scores::{ScoresRequest, ScoresResult, scores_lesson};

use crate::error::Result;
use crate::pictures::quoted;
use crate::run_dir::RunDir;

/// The page of a lesson, in its folder.
const PAGE: &str = "lesson.html";
/// Its figures, in the same folder.
const FIGURES: &str = "lesson.json";

/// Why a lesson cannot be given on a file.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum LessonError {
    #[error("row {row}: \"{text}\" in the column \"{column}\" is no number{}", hint(text))]
    NoNumber { row: u64, column: String, text: String },
    #[error("row {row}: \"{text}\" in the column \"{column}\" is no number of cases: write a whole number")]
    NoCount { row: u64, column: String, text: String },
    #[error(transparent)]
    Regression(#[from] RegressionError),
    #[error(transparent)]
    Scores(#[from] ScoresError),
    #[error("among \"{group}\": {error}")]
    ScoresAmong { group: String, error: ScoresError },
    #[error(transparent)]
    Kernel(#[from] KernelError),
}

fn hint(text: &str) -> &'static str {
    match text.replace(',', ".").parse::<f64>() {
        Ok(_) if text.contains(',') => ": write it with a point, such as 4.3",
        _ => "",
    }
}

/// What a lesson gave.
#[derive(Clone, Debug, Serialize)]
pub struct Lectured<T> {
    /// The lesson's id.
    pub lesson: &'static str,
    /// What came of it, in whole sentences.
    pub sentences: Vec<String>,
    /// Its figures.
    #[serde(flatten)]
    pub result: T,
    /// The page.
    pub page: PathBuf,
}

/// Writes the page and the figures into `dir`.
fn write<T: Serialize>(
    dir: &RunDir,
    lesson: &'static Lesson,
    sentences: Vec<String>,
    result: T,
    html: String,
) -> Result<Lectured<T>> {
    dir.write(PAGE, html)?;
    let lectured = Lectured { lesson: lesson.id, sentences, result, page: dir.file(PAGE) };
    dir.write_json(FIGURES, &lectured)?;
    Ok(lectured)
}

/// The registered lesson, and what its page needs.
fn page<'a>(id: &str, source: &'a str, sentences: &'a [String], command: &'a str) -> LessonPage<'a> {
    let lesson = Lesson::find(id).expect("the lessons with a verb are registered");
    LessonPage { lesson, source, sentences, command, version: env!("CARGO_PKG_VERSION") }
}

fn quoted_path(path: &Path) -> String {
    quoted(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_comma_is_recognised() {
        let error = |text: &str| {
            LessonError::NoNumber { row: 3, column: "tax".into(), text: text.into() }.to_string()
        };
        assert_eq!(
            error("4,3"),
            "row 3: \"4,3\" in the column \"tax\" is no number: write it with a point, such as 4.3"
        );
        assert_eq!(error("abc"), "row 3: \"abc\" in the column \"tax\" is no number");
    }
}
