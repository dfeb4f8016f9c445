//! `check-figures`: published figures held against each other. Needs neither model nor pictures.

use std::fs;
use std::path::Path;

use candor_analysis::check_figures::{CheckedFigures, PublishedFigures, check};

use crate::error::{Result, WorkflowError};

/// Checks the figures that stand in a TOML file, or in a JSON file of the same structure.
///
/// # Errors
/// When the file cannot be read, is not of that structure, or holds a figure that is none; names row and column.
pub fn check_figures(file: &Path) -> Result<CheckedFigures> {
    let text = fs::read_to_string(file).map_err(WorkflowError::file(file, "read"))?;
    let refuse = |reason: String| WorkflowError::Figures { path: file.to_owned(), reason };
    let figures: PublishedFigures = match file.extension().is_some_and(|extension| extension == "json") {
        true => serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?,
        false => toml::from_str(&text).map_err(|error| refuse(error.to_string().trim_end().to_owned()))?,
    };
    check(&figures).map_err(|error| refuse(error.to_string()))
}
