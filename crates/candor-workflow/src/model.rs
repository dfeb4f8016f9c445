//! A trained model: weights with all that is needed to use them, in one file.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use candor_core::{
    Classifier, ClassifyError, DifferentiableClassifier, Evidence, Image, Prediction, Preprocessing,
    Quantity, SampleId,
};
use candor_data::prepare::Prepared;
use candor_engine::{Inputs, NamedLayer, Network, Parameters, Predictor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::differentiate::{Gradients, with};
use crate::error::{Result, WorkflowError};
use crate::inside::Inside;
use crate::recipe::{Recipe, shape_of};
use crate::run_dir::{self, write_atomically};
use crate::tensors::{TensorFile, serialize};
use crate::train::gather;

/// Raised when older models can no longer be read.
const FORMAT: u32 = 1;

/// Pictures that are answered for at a time: enough to keep all cores busy.
const BATCH: usize = 128;

/// A network that answers in the words of its classes, for pictures of any size.
pub struct TrainedModel {
    about: About,
    network: Network,
    parameters: Parameters,
    predictor: Mutex<Predictor>,
    /// Compiled when they are first asked for.
    gradients: Mutex<Option<Gradients>>,
    inside: Mutex<Inside>,
    threads: usize,
}

/// What a model's file says of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct About {
    model_format: u32,
    /// candor's version that wrote it.
    pub candor: String,
    /// The architecture's name, or `own layers`.
    pub architecture: String,
    /// Class names, in the order of the probabilities.
    pub classes: Vec<String>,
    /// From a picture to the input.
    pub preprocessing: Preprocessing,
    /// From the input to the answer: what the file means does not change when an architecture does.
    pub layers: Vec<NamedLayer>,
    /// How it was trained.
    pub recipe: Recipe,
    /// The fingerprint of the pictures of its run.
    pub pictures: SampleId,
    /// The epoch that it comes from, counted from 1.
    pub epoch: usize,
}

impl TrainedModel {
    /// Puts a model together from what a training left.
    ///
    /// # Errors
    /// When the recipe's network does not fit classes or weights.
    pub fn new(
        recipe: &Recipe,
        classes: &[String],
        parameters: Parameters,
        pictures: SampleId,
        epoch: usize,
        threads: usize,
    ) -> Result<TrainedModel> {
        let network = recipe.build(classes.len())?;
        let about = About {
            model_format: FORMAT,
            candor: env!("CARGO_PKG_VERSION").to_owned(),
            architecture: recipe.network_name().to_owned(),
            classes: classes.to_vec(),
            preprocessing: recipe.preprocessing,
            layers: network.layers(),
            recipe: recipe.clone(),
            pictures,
            epoch,
        };
        TrainedModel::assemble(about, network, parameters, threads)
    }

    fn assemble(
        about: About,
        network: Network,
        parameters: Parameters,
        threads: usize,
    ) -> Result<TrainedModel> {
        let predictor = Mutex::new(Predictor::new(&network, &parameters, BATCH, threads)?);
        Ok(TrainedModel {
            about,
            network,
            parameters,
            predictor,
            gradients: Mutex::default(),
            inside: Mutex::default(),
            threads,
        })
    }

    /// Loads the model of a run, or a model file, to compute on `threads` threads (0 for all cores).
    ///
    /// # Errors
    /// When there is no model, or the file is damaged or not candor's.
    pub fn load(path: &Path, threads: usize) -> Result<TrainedModel> {
        let file = model_file(path)?;
        let bytes = std::fs::read(&file).map_err(WorkflowError::file(&file, "read"))?;
        let tensors = TensorFile::parse(&file, &bytes)?;
        let not_a_model =
            |reason: &str| WorkflowError::NotAModel { path: file.clone(), reason: reason.into() };
        let about: About = tensors.metadata()?.ok_or_else(|| {
            not_a_model(
                "it holds weights, but not what is needed to use them (classes, layers, preprocessing)",
            )
        })?;
        if about.model_format != FORMAT {
            return Err(not_a_model("it was written by another version of candor"));
        }
        let network = Network::new(shape_of(&about.preprocessing), about.layers.iter().cloned())?;
        let parameters = tensors.group("", &network)?;
        TrainedModel::assemble(about, network, parameters, threads)
    }

    /// The same model with other weights.
    pub(crate) fn with_parameters(&self, parameters: Parameters) -> Result<TrainedModel> {
        TrainedModel::assemble(self.about.clone(), self.network.clone(), parameters, self.threads)
    }

    pub(crate) fn inside(&self) -> &Mutex<Inside> {
        &self.inside
    }

    /// Writes the model file, whole or not at all.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn save(&self, path: &Path) -> Result<()> {
        write_atomically(path, &self.to_bytes())
    }

    fn to_bytes(&self) -> Vec<u8> {
        serialize(&[("", &self.parameters)], &self.about)
    }

    /// The SHA-256 of the model's file.
    pub fn fingerprint(&self) -> SampleId {
        SampleId::of(&self.to_bytes())
    }

    /// What it is.
    pub fn about(&self) -> &About {
        &self.about
    }

    /// Its layers.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Its weights.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Threads that it computes on, 0 for all cores.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The probabilities for prepared pictures at `indices`: one row a picture, one value a class.
    ///
    /// # Errors
    /// When the pictures were prepared for another input.
    pub fn answer(&self, pictures: &Prepared, indices: &[usize]) -> Result<Vec<f32>> {
        if pictures.preprocessing != self.about.preprocessing {
            return Err(ClassifyError("the pictures were prepared for another model's input".into()).into());
        }
        let rows = indices.chunks(BATCH).map(|some| {
            let batch = gather(pictures, some);
            self.probabilities(&batch.pixels, some.len())
        });
        Ok(rows.collect::<std::result::Result<Vec<_>, _>>()?.concat())
    }

    /// One row a picture, one value a class; a single sigmoid unit is the probability of the second class.
    fn probabilities(&self, pixels: &[u8], pictures: usize) -> std::result::Result<Vec<f32>, ClassifyError> {
        let mut outputs = vec![0.0; pictures * self.network.output().len()];
        let mut predictor =
            self.predictor.lock().map_err(|_| ClassifyError("it has crashed before".into()))?;
        predictor.predict(Inputs::Bytes(pixels), &mut outputs);
        Ok(to_probabilities(outputs, self.network.output().len(), self.about.classes.len()))
    }
}

/// What the last layer gives, as probabilities. Outputs of a network that does not end in softmax or sigmoid are cut
/// to 0..=1 and scaled to add up to 1.
pub(crate) fn to_probabilities(outputs: Vec<f32>, units: usize, classes: usize) -> Vec<f32> {
    if units == 1 && classes == 2 {
        return outputs.iter().flat_map(|&p| [1.0 - p.clamp(0.0, 1.0), p.clamp(0.0, 1.0)]).collect();
    }
    let mut rows = outputs;
    for row in rows.chunks_exact_mut(units) {
        let is_distribution = row.iter().all(|p| (0.0..=1.0).contains(p));
        let sum: f32 = row.iter().map(|p| p.clamp(0.0, 1.0)).sum();
        if is_distribution && (sum - 1.0).abs() < 1e-4 {
            continue;
        }
        let even = 1.0 / units as f32;
        row.iter_mut().for_each(|p| *p = if sum > 0.0 { p.clamp(0.0, 1.0) / sum } else { even });
    }
    rows
}

/// The file of the model at `path`, a run's folder or a model file.
pub(crate) fn model_file(path: &Path) -> Result<PathBuf> {
    let not_a_model =
        |reason: &str| WorkflowError::NotAModel { path: path.to_owned(), reason: reason.into() };
    if path.is_file() {
        return Ok(path.to_owned());
    }
    let file = path.join(run_dir::MODEL);
    match () {
        () if file.is_file() => Ok(file),
        () if !path.exists() => Err(not_a_model("there is no such file or folder")),
        () if path.join(run_dir::CHECKPOINT).is_file() => {
            Err(not_a_model("its training has not finished an epoch yet; `candor resume` goes on with it"))
        }
        () => Err(not_a_model("the folder has no model.safetensors")),
    }
}

impl Classifier for TrainedModel {
    fn classes(&self) -> &[String] {
        &self.about.classes
    }

    fn predict(&self, images: &[Image]) -> std::result::Result<Vec<Prediction>, ClassifyError> {
        let classes = self.about.classes.len();
        let mut predictions = Vec::with_capacity(images.len());
        for some in images.chunks(BATCH) {
            let prepared: Vec<Vec<u8>> =
                some.par_iter().map(|image| self.about.preprocessing.apply(image).into_pixels()).collect();
            let rows = self.probabilities(&prepared.concat(), some.len())?;
            predictions
                .extend(rows.chunks_exact(classes).map(|row| Prediction { probabilities: row.to_vec() }));
        }
        Ok(predictions)
    }

    fn differentiable(&self) -> Option<&dyn DifferentiableClassifier> {
        Some(self)
    }
}

impl DifferentiableClassifier for TrainedModel {
    fn input(&self) -> &Preprocessing {
        &self.about.preprocessing
    }

    fn evidence(&self, inputs: &[f32]) -> std::result::Result<Evidence, ClassifyError> {
        self.with_gradients(|gradients| gradients.evidence(inputs))
    }

    fn gradient(&self, inputs: &[f32], of: &[Quantity]) -> std::result::Result<Vec<f32>, ClassifyError> {
        self.with_gradients(|gradients| gradients.gradient(inputs, of))
    }
}

impl TrainedModel {
    fn with_gradients<T>(
        &self,
        work: impl FnOnce(&mut Gradients) -> std::result::Result<T, ClassifyError>,
    ) -> std::result::Result<T, ClassifyError> {
        let compile =
            || Gradients::new(&self.network, &self.parameters, self.about.classes.len(), self.threads);
        with(&self.gradients, compile, work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_become_probabilities() {
        let cases = [
            (vec![0.25, 1.0], 1, 2, vec![0.75, 0.25, 0.0, 1.0]),
            (vec![0.2, 0.8], 2, 2, vec![0.2, 0.8]),
            (vec![1.0, 3.0], 2, 2, vec![0.5, 0.5]),
            (vec![-1.0, 0.5, 0.25], 3, 3, vec![0.0, 2.0 / 3.0, 1.0 / 3.0]),
            (vec![-1.0, -2.0], 2, 2, vec![0.5, 0.5]),
        ];
        for (outputs, units, classes, expected) in cases {
            assert_eq!(to_probabilities(outputs.clone(), units, classes), expected, "{outputs:?}");
        }
    }

    #[test]
    fn what_is_no_model_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let error = |path: &Path| TrainedModel::load(path, 1).err().unwrap().to_string();
        assert!(error(&dir.path().join("x")).ends_with("there is no such file or folder"));
        assert!(error(dir.path()).ends_with("the folder has no model.safetensors"));
        let file = dir.path().join("model.safetensors");
        std::fs::write(&file, "not tensors").unwrap();
        assert!(error(&file).contains("model.safetensors: is damaged"), "{}", error(&file));
    }
}
