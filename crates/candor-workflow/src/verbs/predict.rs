//! `predict`: what a model says of picture files.

use std::fs;
use std::path::{Path, PathBuf};

use candor_core::{Classifier, Image, Problem, Progress, ReadError, Reporter, Stage};
use candor_data::decode::{Limits, read_image};
use rayon::prelude::*;
use serde::Serialize;

use crate::error::{Result, WorkflowError};
use crate::model::TrainedModel;
use crate::threads::in_pool;

/// Pictures that are held in memory at a time.
const SOME: usize = 64;

/// Files of a folder with other endings are passed over. A file that was named itself is always tried.
const ENDINGS: [&str; 10] = ["jpg", "jpeg", "jpe", "jfif", "png", "gif", "bmp", "tif", "tiff", "webp"];

/// Which model, on which files.
#[derive(Clone, Debug)]
pub struct PredictRequest {
    /// A run's folder or a model file.
    pub model: PathBuf,
    /// Picture files and folders of them.
    pub files: Vec<PathBuf>,
    /// What a picture may cost.
    pub limits: Limits,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// What a model says of some files.
#[derive(Clone, Debug, Serialize)]
pub struct Predictions {
    /// The model.
    pub model: PathBuf,
    /// Class names, in the order of the probabilities.
    pub classes: Vec<String>,
    /// One entry for each picture that could be read.
    pub predictions: Vec<PredictedFile>,
    /// Files that could not be read, and why.
    pub problems: Vec<Problem>,
}

/// What a model says of one file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PredictedFile {
    /// The file.
    pub file: PathBuf,
    /// The most probable class.
    pub label: String,
    /// Its probability, in 0..=1.
    pub probability: f32,
    /// One value a class, in class order.
    pub probabilities: Vec<f32>,
}

/// Answers for every file that can be read; the others are reported and listed. Pictures are prepared as the model's
/// training pictures were.
///
/// # Errors
/// When there is no model, or the person asked to stop. A file that cannot be read is no error but a problem.
pub fn predict(request: &PredictRequest, reporter: &dyn Reporter) -> Result<Predictions> {
    let model = TrainedModel::load(&request.model, request.threads)?;
    let mut result = Predictions {
        model: request.model.clone(),
        classes: model.classes().to_vec(),
        predictions: Vec::new(),
        problems: Vec::new(),
    };
    let listed = list(&request.files);
    let total = listed.len() as u64;
    for (part, some) in listed.chunks(SOME).enumerate() {
        if reporter.cancelled() {
            return Err(WorkflowError::Stopped { run: None });
        }
        let done = (part * SOME) as u64;
        reporter.progress(Progress { stage: Stage::Predict, done, total, message: String::new() });
        let read =
            in_pool(request.threads, || some.par_iter().map(|file| read(file, &request.limits)).collect());
        result.answer(&model, read, reporter)?;
    }
    Ok(result)
}

type Listed = std::result::Result<PathBuf, ReadError>;

fn read(file: &Listed, limits: &Limits) -> std::result::Result<(PathBuf, Image), ReadError> {
    let file = file.clone()?;
    let image = read_image(&file, limits)?;
    Ok((file, image))
}

impl Predictions {
    fn answer(
        &mut self,
        model: &TrainedModel,
        read: Vec<std::result::Result<(PathBuf, Image), ReadError>>,
        reporter: &dyn Reporter,
    ) -> Result<()> {
        let (mut files, mut images) = (Vec::new(), Vec::new());
        for one in read {
            match one {
                Ok((file, image)) => {
                    files.push(file);
                    images.push(image);
                }
                Err(ReadError { place, reason }) => {
                    let problem = Problem { place, reason };
                    reporter.problem(problem.clone());
                    self.problems.push(problem);
                }
            }
        }
        let answers = model.predict(&images)?;
        self.predictions.extend(files.into_iter().zip(answers).map(|(file, answer)| PredictedFile {
            file,
            label: self.classes[answer.class()].clone(),
            probability: answer.confidence(),
            probabilities: answer.probabilities,
        }));
        Ok(())
    }
}

/// Files as they were named, folders as the pictures inside them, sorted.
fn list(named: &[PathBuf]) -> Vec<Listed> {
    let mut listed = Vec::new();
    for path in named {
        match path.is_dir() {
            true => list_folder(path, &mut listed),
            false => listed.push(Ok(path.clone())),
        }
    }
    listed
}

/// Links to folders are not followed: they could lead round in circles.
fn list_folder(folder: &Path, listed: &mut Vec<Listed>) {
    let failed = |error: std::io::Error| ReadError {
        place: folder.display().to_string(),
        reason: format!("the folder cannot be read: {error}"),
    };
    let mut entries: Vec<fs::DirEntry> = match fs::read_dir(folder).and_then(Iterator::collect) {
        Ok(entries) => entries,
        Err(error) => return listed.push(Err(failed(error))),
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        match entry.file_type() {
            _ if hidden => {}
            Ok(kind) if kind.is_dir() => list_folder(&entry.path(), listed),
            _ if has_picture_ending(&entry.path()) => listed.push(Ok(entry.path())),
            _ => {}
        }
    }
}

fn has_picture_ending(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_listed_in_order_without_what_is_no_picture() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("b")).unwrap();
        for name in ["c.JPG", "a.png", "notes.txt", ".hidden.png", "b/d.webp"] {
            fs::write(at(name), "").unwrap();
        }
        let listed: Vec<PathBuf> =
            list(&[dir.path().to_owned(), at("notes.txt")]).into_iter().flatten().collect();
        assert_eq!(listed, ["a.png", "b/d.webp", "c.JPG", "notes.txt"].map(at));
    }
}
