//! `status`: a study in a page.

use std::path::{Path, PathBuf};

use candor_data::study::{RUNS, Status, Study};
use serde::Serialize;

use super::forget::Mark;
use crate::error::Result;
use crate::looks::Look;
use crate::run_dir::{LOOKS, MARKS, MODEL, RECIPE};

/// A study, and the runs in it.
#[derive(Clone, Debug, Serialize)]
pub struct StudyStatus {
    /// The pictures.
    #[serde(flatten)]
    pub pictures: Status,
    /// The trainings in its folder `runs`, by name.
    pub runs: Vec<RunStatus>,
}

/// A run in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunStatus {
    /// Its folder.
    pub run: PathBuf,
    /// Whether it has a model.
    pub trained: bool,
    /// How often its test split was looked at.
    pub looks: usize,
    /// How often pictures that it saw were taken out of the study.
    pub marks: usize,
}

/// Looks at the study in the folder `study`.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn status(study: &Path) -> Result<StudyStatus> {
    let pictures = Study::read(study)?.status()?;
    let runs = runs_of(study).into_iter().map(|run| run_status(&run)).collect();
    Ok(StudyStatus { pictures, runs })
}

/// The folders of the runs in a study, by name.
pub(crate) fn runs_of(study: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(study.join(RUNS)).into_iter().flatten().flatten();
    let mut runs: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|path| path.join(RECIPE).is_file()).collect();
    runs.sort();
    runs
}

fn run_status(run: &Path) -> RunStatus {
    // A run that is being written may have no looks yet: that is none.
    let looks = std::fs::read(run.join(LOOKS)).ok();
    let looks: Option<Vec<Look>> = looks.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let marks = std::fs::read(run.join(MARKS)).ok();
    let marks: Option<Vec<Mark>> = marks.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    RunStatus {
        run: run.to_owned(),
        trained: run.join(MODEL).is_file(),
        looks: looks.map_or(0, |looks| looks.len()),
        marks: marks.map_or(0, |marks| marks.len()),
    }
}
