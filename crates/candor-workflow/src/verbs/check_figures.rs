//! `check-figures`: published figures compared with each other. Needs neither model nor pictures.

use std::fs;
use std::path::Path;

use candor_analysis::check_figures::{CheckedFigures, PublishedFigures, check};

use crate::error::{Result, WorkflowError};

/// Checks the figures that stand in a TOML file, or in a JSON file of the same structure.
///
/// # Errors
/// When the file cannot be read, is not of that structure, or holds something that is not a figure; names row and column.
pub fn check_figures(file: &Path) -> Result<CheckedFigures> {
    check(&published_figures(file)?).map_err(|error| refused(file, error.to_string()))
}

/// The figures that stand in a file, not yet checked.
pub(crate) fn published_figures(file: &Path) -> Result<PublishedFigures> {
    let text = fs::read_to_string(file).map_err(WorkflowError::file(file, "read"))?;
    match file.extension().is_some_and(|extension| extension == "json") {
        true => serde_json::from_str(&text).map_err(|error| refused(file, error.to_string())),
        false => {
            toml::from_str(&text).map_err(|error| refused(file, error.to_string().trim_end().to_owned()))
        }
    }
}

fn refused(file: &Path, reason: String) -> WorkflowError {
    WorkflowError::Figures { path: file.to_owned(), reason }
}
