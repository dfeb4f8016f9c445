//! `lesson regression`: a line learned by gradient descent from two columns of a table.

use std::path::PathBuf;

use candor_analysis::lesson::regression::{Regression, Settings, learn};
use candor_core::Reporter;
use candor_report::{RegressionLesson, regression_html};
use serde::Serialize;

use super::columns::Columns;
use super::{Lectured, page, quoted, quoted_path, write};
use crate::error::{Result, WorkflowError};
use crate::run_dir::RunDir;

/// Which columns, and how the line is learned.
#[derive(Clone, Debug)]
pub struct RegressionRequest {
    /// A CSV.
    pub file: PathBuf,
    /// The column of x.
    pub x: String,
    /// The column of y.
    pub y: String,
    /// Start, learning rate, steps and where to predict.
    pub settings: Settings,
    /// The folder for the page, which must not exist or be empty.
    pub out: PathBuf,
}

/// What was learned.
#[derive(Clone, Debug, Serialize)]
pub struct RegressionResult {
    /// Where the points came from.
    pub file: PathBuf,
    /// The columns of x and y.
    pub columns: [String; 2],
    /// The whole lesson.
    pub regression: Regression,
}

/// Learns the line and writes the page. Rows with an empty cell are left out.
///
/// # Errors
/// When the table lacks a column, holds what is no number, or its points have no line; names file and row.
pub fn regression_lesson(
    request: &RegressionRequest,
    reporter: &dyn Reporter,
) -> Result<Lectured<RegressionResult>> {
    let RegressionRequest { file, x, y, settings, out } = request;
    let table = Columns::read(file, reporter)?;
    let columns = [table.column(x, "x")?, table.column(y, "y")?];
    let rows = table.rows(&columns);
    let numbers =
        |column: usize| rows.iter().map(|row| row.number(columns[column])).collect::<Result<Vec<f64>>>();
    let refused =
        |error: super::RegressionError| WorkflowError::Lesson { path: file.clone(), error: error.into() };
    let found = learn(&numbers(0)?, &numbers(1)?, settings).map_err(refused)?;
    let dir = RunDir::create(out)?;
    let (source, sentences, command) = (file.display().to_string(), found.sentences(), command(request));
    let page = page("regression", &source, &sentences, &command);
    let html = regression_html(&RegressionLesson { page, names: [x, y], found: &found });
    let lesson = page.lesson;
    let result = RegressionResult { file: file.clone(), columns: [x.clone(), y.clone()], regression: found };
    write(&dir, lesson, sentences, result, html)
}

fn command(request: &RegressionRequest) -> String {
    let RegressionRequest { file, x, y, settings, .. } = request;
    let mut command =
        format!("candor lesson regression {} --x {} --y {}", quoted_path(file), quoted(x), quoted(y));
    let Settings { start, rate, steps, at } = *settings;
    if start != Settings::default().start {
        command += &format!(" --start {} {}", start[0], start[1]);
    }
    command += &rate.map_or_else(String::new, |rate| format!(" --rate {rate}"));
    command += &steps.map_or_else(String::new, |steps| format!(" --steps {steps}"));
    command + &at.map_or_else(String::new, |at| format!(" --at {at}"))
}
