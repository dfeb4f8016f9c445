//! `report`: writing a run's report again, and what others read of it: a model card, a description of the pictures.

use std::path::{Path, PathBuf};

use candor_core::Reporter;
use candor_report::{PICTURE_TABLE, croissant, data_sheet, model_card, reforms};

use super::evaluate::open;
use super::train::{RunResult, result};
use crate::error::{Result, WorkflowError};
use crate::judge::{figures, saved_answers};
use crate::report::{InShort, picture_table, report_of, write};
use crate::run_dir::{HISTORY_JSON, RunDir, write_atomically};

/// The Hub shows a model's README.md as its card.
const CARD: &str = "README.md";
/// What Croissant descriptions are called.
const CROISSANT: &str = "croissant.json";
/// The REFORMS checklist and the data sheet.
const REFORMS: &str = "REFORMS.md";
const DATA_SHEET: &str = "DATASHEET.md";

/// Which report is to be written again, and what beside it.
#[derive(Clone, Debug, Default)]
pub struct ReportRequest {
    /// The run's folder.
    pub run: PathBuf,
    /// A folder for a model card as the Hugging Face Hub reads it, `README.md`.
    pub card: Option<PathBuf>,
    /// A folder for a Croissant description of the pictures, `croissant.json`, and the table that it describes.
    pub croissant: Option<PathBuf>,
    /// A folder for the REFORMS checklist and a data sheet, filled in as far as the run knows.
    pub checklists: Option<PathBuf>,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// Writes the report of a run again, from what it has saved; this is no look at the test split.
///
/// # Errors
/// When the run was not trained yet, its pictures cannot be read, or a folder cannot be written.
pub fn render_report(request: &ReportRequest, reporter: &dyn Reporter) -> Result<RunResult> {
    let dir = RunDir::open(&request.run)?;
    if !dir.has(HISTORY_JSON) {
        return Err(WorkflowError::NotAModel {
            path: request.run.clone(),
            reason: "its training has not finished an epoch yet".into(),
        });
    }
    let run = open(dir, request.threads, reporter)?;
    let report = report_of(&run)?;
    write(&run.dir, &report)?;
    if let Some(folder) = &request.card {
        write_into(folder, CARD, model_card(&report).as_bytes())?;
    }
    if let Some(folder) = &request.croissant {
        let table = picture_table(&run)?;
        write_into(folder, PICTURE_TABLE, &table)?;
        write_into(folder, CROISSANT, croissant(&report, &table).as_bytes())?;
    }
    if let Some(folder) = &request.checklists {
        write_into(folder, REFORMS, reforms(&report).as_bytes())?;
        write_into(folder, DATA_SHEET, data_sheet(&report).as_bytes())?;
    }
    result(&run, figures(&run, &saved_answers(&run)?)?, InShort::of(&report))
}

fn write_into(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(WorkflowError::file(folder, "made"))?;
    write_atomically(&folder.join(name), content)
}
