//! `study`: the whole path, from the pictures to the report.

use candor_core::Reporter;

use super::train::{RunRequest, RunResult, begin};
use crate::error::Result;

/// Imports, splits, trains, judges on all three subsets, and writes the report. What the request leaves open is chosen
/// by the pictures, and told.
///
/// # Errors
/// When the pictures, the recipe or the folder cannot be used, the training diverges, or the person stops it.
pub fn study(request: &RunRequest, reporter: &dyn Reporter) -> Result<RunResult> {
    begin(request, true, reporter)
}
