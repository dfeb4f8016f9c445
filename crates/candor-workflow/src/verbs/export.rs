//! `export`: a trained model, or pictures with their labels, for other programs.

use std::path::{Path, PathBuf};

use candor_core::Reporter;
use candor_data::export::{LAYOUTS, Written, export};
use candor_data::source::{Source, SourceOptions};
use candor_data::study::Study;
use serde::Serialize;

use crate::error::{Result, WorkflowError};
use crate::model::TrainedModel;
use crate::onnx::{PIXELS, PROBABILITIES, ends_in_probabilities, to_onnx};
use crate::run_dir::write_atomically;
use crate::threads::in_pool;
use crate::writing::write_study;

/// A file that was written, and how it is used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exported {
    /// The file.
    pub file: PathBuf,
    /// Its size.
    pub bytes: usize,
    /// The input's name.
    pub input: &'static str,
    /// The input's shape: rows, columns, colours.
    pub input_shape: [usize; 3],
    /// The output's name.
    pub output: &'static str,
    /// What its columns mean.
    pub classes: Vec<String>,
    /// Whether the outputs are probabilities: not where the network ends in something else than softmax or a sigmoid.
    pub probabilities: bool,
}

/// Writes the model of a run, or of a model file, as ONNX.
///
/// # Errors
/// When there is no model, or the file cannot be written.
pub fn export_onnx(model: &Path, file: &Path) -> Result<Exported> {
    // The weights are only copied: one thread is plenty.
    let model = TrainedModel::load(model, 1)?;
    let bytes = to_onnx(&model);
    write_atomically(file, &bytes)?;
    let input = model.about().preprocessing;
    Ok(Exported {
        file: file.to_owned(),
        bytes: bytes.len(),
        input: PIXELS,
        input_shape: [input.height, input.width, input.channels.count()],
        output: PROBABILITIES,
        classes: model.about().classes.clone(),
        probabilities: ends_in_probabilities(model.network()),
    })
}

/// Which pictures are to be written, and how.
#[derive(Clone, Debug)]
pub struct ExportPicturesRequest {
    /// A study, or another source.
    pub source: PathBuf,
    /// How it is read.
    pub options: SourceOptions,
    /// The name of one of the layouts.
    pub layout: String,
    /// A new or empty folder.
    pub out: PathBuf,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// Writes pictures with their classes, subsets, groups and further columns, the originals byte for byte.
///
/// # Errors
/// When there are no pictures, the layout does not exist, the folder is not empty, or the person stops it.
pub fn export_pictures(request: &ExportPicturesRequest, reporter: &dyn Reporter) -> Result<Written> {
    let ExportPicturesRequest { source, options, layout, out, threads } = request;
    let known = || LAYOUTS.map(|layout| layout.name).join(", ");
    let unknown = || WorkflowError::UnknownLayout { asked: layout.clone(), known: known() };
    let layout = LAYOUTS.into_iter().find(|known| known.name == layout).ok_or_else(unknown)?;
    in_pool(*threads, || {
        // Held until the end: nothing is taken out of a study while its pictures are written elsewhere.
        let mut study = Study::is_at(source).then(|| write_study(source, reporter)).transpose()?;
        let source = Source::open_part(source, options, reporter)?;
        Ok(export(&source, layout, out, study.as_mut(), reporter)?)
    })
}
