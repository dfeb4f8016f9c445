//! Columns of a table as numbers. Rows with an empty cell are left out, and told.

use std::path::Path;

use candor_core::{Problem, Reporter};
use candor_data::source::Table;

use super::LessonError;
use crate::error::{Result, WorkflowError};

/// A table whose cells are asked for.
pub(super) struct Columns<'a> {
    path: &'a Path,
    table: Table,
    reporter: &'a dyn Reporter,
}

/// A column that there is.
#[derive(Clone, Copy)]
pub(super) struct Column<'a> {
    at: usize,
    name: &'a str,
}

/// A row with something in each column that was asked for.
pub(super) struct Row<'a> {
    path: &'a Path,
    line: u64,
    cells: &'a [String],
}

impl<'a> Columns<'a> {
    pub fn read(path: &'a Path, reporter: &'a dyn Reporter) -> Result<Columns<'a>> {
        Ok(Columns { path, table: Table::read(path)?, reporter })
    }

    pub fn column<'b>(&self, name: &'b str, role: &'static str) -> Result<Column<'b>> {
        Ok(Column { at: self.table.column(name, role)?, name })
    }

    /// The rows in which none of `wanted` is empty.
    pub fn rows(&self, wanted: &[Column<'_>]) -> Vec<Row<'_>> {
        let mut kept = Vec::new();
        for (line, cells) in &self.table.rows {
            let empty = wanted.iter().find(|column| cells.get(column.at).is_none_or(String::is_empty));
            match empty {
                None => kept.push(Row { path: self.path, line: *line, cells }),
                Some(column) => self.reporter.problem(Problem {
                    place: format!("{}, row {line}", self.path.display()),
                    reason: format!("nothing stands in the column \"{}\"", column.name),
                }),
            }
        }
        kept
    }
}

impl Row<'_> {
    pub fn text(&self, column: Column<'_>) -> &str {
        &self.cells[column.at]
    }

    pub fn number(&self, column: Column<'_>) -> Result<f64> {
        let text = self.text(column);
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(self.refused(LessonError::NoNumber {
                row: self.line,
                column: column.name.to_owned(),
                text: text.to_owned(),
            })),
        }
    }

    pub fn count(&self, column: Column<'_>) -> Result<u64> {
        let text = self.text(column);
        let wrong = |_| {
            self.refused(LessonError::NoCount {
                row: self.line,
                column: column.name.to_owned(),
                text: text.to_owned(),
            })
        };
        text.parse().map_err(wrong)
    }

    fn refused(&self, error: LessonError) -> WorkflowError {
        WorkflowError::Lesson { path: self.path.to_owned(), error }
    }
}
