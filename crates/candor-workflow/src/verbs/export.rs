//! `export`: a trained model for other programs.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::Result;
use crate::model::TrainedModel;
use crate::onnx::{PIXELS, PROBABILITIES, ends_in_probabilities, to_onnx};
use crate::run_dir::write_atomically;

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
