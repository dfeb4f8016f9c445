//! What `candor crop` leaves to be looked at: `crops.html`, a contact sheet, and `failures.jsonl`, one line for each picture out
//! of which nothing was cut. Both are made from what is known of the crops, and can be made again at any time.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use candor_core::{Area, Problem};
use candor_data::decode::{Limits, read_image};
use candor_data::faces::Which;
use candor_data::study::{CroppedHow, DERIVED, FoundFace, Searched, Study};
use candor_report::{CropSheet, MOST_ON_A_SHEET, SheetPicture, crop_sheet_html, framed_thumbnail};
use rayon::prelude::*;

use crate::error::{Result, WorkflowError};
use crate::run_dir::write_atomically;

/// The contact sheet.
pub const SHEET: &str = "crops.html";
/// The pictures out of which nothing was cut, as JSON lines.
pub const FAILURES: &str = "failures.jsonl";

/// Where both are.
#[derive(Clone, Debug)]
pub(crate) struct SheetFiles {
    pub sheet: PathBuf,
    pub failures: PathBuf,
}

/// Writes both for a study; nothing where faces were never looked for. `problems` are pictures that could not be read.
pub(crate) fn write_of_study(study: &Study, problems: &[Problem]) -> Result<Option<SheetFiles>> {
    let Some(made) = study.cropping()? else { return Ok(None) };
    let folder = study.path().join(DERIVED);
    write(&folder, &study.path().display().to_string(), &made, &study.searched()?, problems).map(Some)
}

/// Takes both away from a study.
pub(crate) fn remove(study: &Path) -> Result<()> {
    for name in [SHEET, FAILURES] {
        let path = study.join(DERIVED).join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(WorkflowError::file(&path, "removed")(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes both into `folder`.
pub(crate) fn write(
    folder: &Path,
    title: &str,
    made: &CroppedHow,
    searched: &[Searched],
    problems: &[Problem],
) -> Result<SheetFiles> {
    let files = SheetFiles { sheet: folder.join(SHEET), failures: folder.join(FAILURES) };
    let lines: Vec<String> = searched
        .iter()
        .filter(|picture| picture.failure.is_some())
        .map(serde_json::to_string)
        .chain(problems.iter().map(unreadable))
        .collect::<serde_json::Result<_>>()
        .map_err(|error| WorkflowError::damaged(&files.failures, error))?;
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    write_atomically(&files.failures, text.as_bytes())?;
    write_atomically(&files.sheet, sheet(title, made, searched).as_bytes())?;
    Ok(files)
}

fn unreadable(problem: &Problem) -> serde_json::Result<String> {
    serde_json::to_string(&serde_json::json!({ "file": problem.place, "failure": problem.reason }))
}

fn sheet(title: &str, made: &CroppedHow, searched: &[Searched]) -> String {
    let failed: Vec<&Searched> = searched.iter().filter(|picture| picture.failure.is_some()).collect();
    let mut cut: Vec<(&Searched, &FoundFace)> =
        searched.iter().flat_map(|picture| picture.faces.iter().map(move |face| (picture, face))).collect();
    cut.retain(|(_, face)| face.crop.is_some());
    cut.sort_by(|a, b| a.1.face.score.total_cmp(&b.1.face.score));
    let shown = failed.par_iter().take(MOST_ON_A_SHEET).filter_map(|picture| failure(picture));
    let crops = cut.par_iter().take(MOST_ON_A_SHEET).filter_map(|(picture, face)| one(picture, face));
    let sheet = CropSheet {
        title,
        version: env!("CARGO_PKG_VERSION"),
        how: &in_words(made),
        failures: shown.collect(),
        all_failures: failed.len(),
        crops: crops.collect(),
        all_crops: cut.len(),
    };
    crop_sheet_html(&sheet)
}

/// What cannot be read any more is not shown.
fn failure(picture: &Searched) -> Option<SheetPicture> {
    let image = read_image(&picture.original, &Limits::default()).ok()?;
    let found: Vec<Area> = picture.faces.iter().map(|face| face.face.area).collect();
    Some(SheetPicture {
        image: framed_thumbnail(&image, &found),
        file: picture.file.clone(),
        class: picture.class.clone(),
        note: picture.failure.clone().unwrap_or_default(),
    })
}

fn one(picture: &Searched, face: &FoundFace) -> Option<SheetPicture> {
    let image = read_image(&face.crop.as_ref()?.file, &Limits::default()).ok()?;
    Some(SheetPicture {
        image: framed_thumbnail(&image, &[]),
        file: picture.file.clone(),
        class: picture.class.clone(),
        note: format!("score {:.1}, {} px", face.face.score, face.face.area.width),
    })
}

/// The detector and what was done with what it found.
pub(crate) fn in_words(made: &CroppedHow) -> String {
    let which = match made.how.which {
        Which::One => "The only face of a picture",
        Which::Largest => "The largest face of a picture",
        Which::All => "All faces",
    };
    let side = made.how.side_px;
    format!("{which}, with {} of it on each side, {side}×{side} pixels; {}", made.how.margin, made.detector)
}
