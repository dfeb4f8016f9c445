//! The stand-in network that checks train where the run's own recipe takes too long: small, so that a hundred trainings take
//! minutes. What it shows is a hint.

use std::sync::{Mutex, MutexGuard};
use std::thread;

use candor_analysis::audit::{Answers, LearnError, Learner, LearnerKind, Task};
use candor_core::{
    Channels, Classifier, ClassifyError, DifferentiableClassifier, Evidence, Fit, Image, Prediction,
    Preprocessing, Quantity, Reporter,
};
use candor_engine::layer::{Activation, Conv2d, Dense, Flatten, Layer, MaxPool2d};
use candor_engine::{
    Batch, EngineError, Inputs, Network, Optimizer, Parameters, Shape, Trainer, TrainingConfig,
};
use rayon::prelude::*;

use super::own_recipe::side_by_side;
use crate::differentiate::Gradients;
use crate::error::{Result, WorkflowError};

/// Longest side of what the network sees, in pixels.
const SIDE: usize = 28;
/// Smaller pictures than this have no room for two convolutions with pooling.
const LEAST_SIDE: usize = 10;
/// Pictures that a training sees in all; epochs follow from it.
const PICTURES_SEEN: usize = 16_000;
/// Epochs at least and at most.
const EPOCHS: [usize; 2] = [5, 30];
/// Pictures a step, at most; of few pictures half as many, so that there are steps enough.
const BATCH: usize = 32;
const FEW: usize = 400;
const LEARNING_RATE: f32 = 0.002;

/// All pictures of a case as the network sees them: small, and of one size.
pub struct Pixels {
    height: usize,
    width: usize,
    channels: usize,
    values: Vec<u8>,
}

impl Pixels {
    /// Of `pictures` pictures of one size that `seen` gives.
    ///
    /// # Panics
    /// When there is no picture.
    pub fn of(pictures: usize, seen: impl Fn(usize) -> Image + Sync) -> Pixels {
        let first = seen(0);
        let longest = first.width().max(first.height()).max(1);
        let scaled = |side: usize| if longest <= SIDE { side } else { (side * SIDE).div_ceil(longest) };
        let (height, width, channels) = (scaled(first.height()), scaled(first.width()), first.channels());
        let input = Preprocessing { height, width, channels, fit: Fit::Stretch };
        let values =
            (0..pictures).into_par_iter().flat_map_iter(|index| input.apply(&seen(index)).into_pixels());
        Pixels { height, width, channels: channels.count(), values: values.collect() }
    }

    fn bytes(&self) -> usize {
        self.height * self.width * self.channels
    }

    fn image(&self, index: usize) -> &[u8] {
        &self.values[index * self.bytes()..(index + 1) * self.bytes()]
    }

    fn gather(&self, indices: &[usize]) -> Vec<u8> {
        indices.iter().flat_map(|&index| self.image(index)).copied().collect()
    }
}

/// Trains a network with two convolutions on small pictures; on tiny ones a linear one.
pub struct NetworkLearner<'a> {
    pixels: &'a Pixels,
    classes: usize,
    network: Network,
    kind: LearnerKind,
    own_recipe_seconds: Option<f64>,
    threads: usize,
    reporter: &'a dyn Reporter,
}

impl<'a> NetworkLearner<'a> {
    /// For pictures of `classes` classes, on `threads` threads (0 for all cores), which change no result.
    ///
    /// # Errors
    /// When the pictures have no pixel.
    pub fn new(
        pixels: &'a Pixels,
        classes: usize,
        threads: usize,
        reporter: &'a dyn Reporter,
    ) -> Result<NetworkLearner<'a>> {
        let input = Shape::image(pixels.height, pixels.width, pixels.channels);
        let network = Network::new(input, layers(pixels, classes))?;
        let (kind, own_recipe_seconds) = (LearnerKind::Surrogate, None);
        Ok(NetworkLearner { pixels, classes, network, kind, own_recipe_seconds, threads, reporter })
    }

    /// Of an audit whose classifier is this very network: what it learns is the run's own recipe.
    pub fn into_own_recipe(self) -> NetworkLearner<'a> {
        NetworkLearner { kind: LearnerKind::OwnRecipe, ..self }
    }

    /// In the place of the run's own recipe, of which one training takes so long.
    pub(super) fn instead_of_recipe(self, seconds: Option<f64>) -> NetworkLearner<'a> {
        NetworkLearner { own_recipe_seconds: seconds, ..self }
    }

    /// What one task teaches, as a classifier for pictures of any size; [`Task::answer`] plays no part.
    ///
    /// # Errors
    /// When the person asked to stop, or the network cannot learn.
    pub fn teach(&self, task: &Task, classes: &[String]) -> std::result::Result<Taught, LearnError> {
        let trainer = self.trained(task, self.threads)?;
        let failed = |error: WorkflowError| LearnError::Failed { reason: error.to_string() };
        let gradients = Gradients::new(&self.network, trainer.parameters(), self.classes, self.threads);
        let gradients = Mutex::new(gradients.map_err(failed)?);
        let Pixels { height, width, channels, .. } = *self.pixels;
        let channels = if channels == 1 { Channels::Grey } else { Channels::Rgb };
        let input = Preprocessing { height, width, channels, fit: Fit::Stretch };
        Ok(Taught { trainer: Mutex::new(trainer), gradients, input, classes: classes.to_vec() })
    }

    fn train(&self, task: &Task, threads: usize) -> std::result::Result<Answers, LearnError> {
        Ok(self.answers(&mut self.trained(task, threads)?, &task.answer))
    }

    fn trained(&self, task: &Task, threads: usize) -> std::result::Result<Trainer, LearnError> {
        let failed = |error: EngineError| LearnError::Failed { reason: error.to_string() };
        let config = TrainingConfig {
            optimizer: Optimizer::adam(LEARNING_RATE),
            batch_size: BATCH,
            threads,
            seed: task.seed.derive("dropout").0,
            ..TrainingConfig::default()
        };
        let weights = Parameters::initial(&self.network, task.seed.derive("weights").0);
        let mut trainer = Trainer::new(&self.network, weights, &config).map_err(failed)?;
        for epoch in 0..epochs(task.learn.len()) {
            let mut order = task.learn.clone();
            task.seed.derive("shuffle").at(epoch as u64).rng().shuffle(&mut order);
            for batch in order.chunks(if order.len() < FEW { BATCH / 2 } else { BATCH }) {
                if self.reporter.cancelled() {
                    return Err(LearnError::Stopped);
                }
                let targets: Vec<usize> = batch.iter().map(|&index| task.labels[index]).collect();
                let pixels = self.pixels.gather(batch);
                trainer.step(Batch { inputs: Inputs::Bytes(&pixels), targets: &targets });
            }
        }
        Ok(trainer)
    }

    fn answers(&self, trainer: &mut Trainer, indices: &[usize]) -> Answers {
        let mut probabilities = vec![0.0; indices.len() * self.classes];
        for (some, rows) in indices.chunks(BATCH).zip(probabilities.chunks_mut(BATCH * self.classes)) {
            trainer.predict(Inputs::Bytes(&self.pixels.gather(some)), rows);
        }
        Answers { indices: indices.to_vec(), probabilities }
    }
}

impl Learner for NetworkLearner<'_> {
    fn kind(&self) -> LearnerKind {
        self.kind
    }

    fn own_recipe_seconds(&self) -> Option<f64> {
        self.own_recipe_seconds
    }

    fn summary(&self) -> String {
        let Pixels { height, width, .. } = self.pixels;
        let kind = if is_tiny(self.pixels) { "a linear network" } else { "a network with two convolutions" };
        format!("{kind} on {width}×{height} pixels")
    }

    fn learn(&self, tasks: &[Task]) -> std::result::Result<Vec<Answers>, LearnError> {
        let threads = match self.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        match tasks {
            [task] => Ok(vec![self.train(task, threads)?]),
            // Each on one thread: small networks have little to share out.
            tasks => side_by_side(tasks, threads.min(tasks.len()), |task| self.train(task, 1)),
        }
    }
}

/// A small network that has learned.
pub struct Taught {
    trainer: Mutex<Trainer>,
    gradients: Mutex<Gradients>,
    input: Preprocessing,
    classes: Vec<String>,
}

impl Classifier for Taught {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn predict(&self, images: &[Image]) -> std::result::Result<Vec<Prediction>, ClassifyError> {
        let mut trainer = self.trainer.lock().map_err(|_| ClassifyError("it has crashed before".into()))?;
        let mut predictions = Vec::with_capacity(images.len());
        for some in images.chunks(BATCH) {
            let pixels: Vec<u8> =
                some.iter().flat_map(|image| self.input.apply(image).into_pixels()).collect();
            let mut rows = vec![0.0; some.len() * self.classes.len()];
            trainer.predict(Inputs::Bytes(&pixels), &mut rows);
            let rows = rows.chunks_exact(self.classes.len());
            predictions.extend(rows.map(|row| Prediction { probabilities: row.to_vec() }));
        }
        Ok(predictions)
    }

    fn differentiable(&self) -> Option<&dyn DifferentiableClassifier> {
        Some(self)
    }
}

impl DifferentiableClassifier for Taught {
    fn input(&self) -> &Preprocessing {
        &self.input
    }

    fn evidence(&self, inputs: &[f32]) -> std::result::Result<Evidence, ClassifyError> {
        self.gradients()?.evidence(inputs)
    }

    fn gradient(&self, inputs: &[f32], of: &[Quantity]) -> std::result::Result<Vec<f32>, ClassifyError> {
        self.gradients()?.gradient(inputs, of)
    }
}

impl Taught {
    fn gradients(&self) -> std::result::Result<MutexGuard<'_, Gradients>, ClassifyError> {
        self.gradients.lock().map_err(|_| ClassifyError("it has crashed before".into()))
    }
}

fn is_tiny(pixels: &Pixels) -> bool {
    pixels.height.min(pixels.width) < LEAST_SIDE
}

fn layers(pixels: &Pixels, classes: usize) -> Vec<Layer> {
    let answer = Dense::new(classes, Activation::Softmax).into();
    if is_tiny(pixels) {
        return vec![Flatten {}.into(), answer];
    }
    vec![
        Conv2d::new(16, 3).activation(Activation::Relu).into(),
        MaxPool2d::new(2).into(),
        Conv2d::new(32, 3).activation(Activation::Relu).into(),
        MaxPool2d::new(2).into(),
        Flatten {}.into(),
        answer,
    ]
}

/// As many as it takes to see [`PICTURES_SEEN`] pictures.
fn epochs(pictures: usize) -> usize {
    let [least, most] = EPOCHS;
    (PICTURES_SEEN / pictures.max(1)).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use candor_core::{Seed, Silent};

    use super::*;

    /// Class 1 is lighter in the upper half, on noise.
    fn pixels() -> Pixels {
        Pixels::of(60, |index| {
            let mut rng = Seed(3).at(index as u64).rng();
            let light = |i: usize| if i < 72 && index % 2 == 1 { 110 } else { 30 };
            let values = (0..144).map(|i| (light(i) + rng.below(60)) as u8).collect();
            Image::new(12, 12, Channels::Grey, values).unwrap()
        })
    }

    fn task(seed: u64) -> Task {
        let labels = (0..60).map(|index| index % 2).collect();
        Task { labels, learn: (0..40).collect(), answer: (40..60).collect(), seed: Seed(seed) }
    }

    #[test]
    fn it_learns_and_threads_and_company_change_no_answer() {
        let pixels = pixels();
        let learner = |threads| NetworkLearner::new(&pixels, 2, threads, &Silent).unwrap();
        let alone = learner(1).learn(&[task(1)]).unwrap();
        assert!(alone[0].accuracy(&task(1).labels) > 0.9);
        let beside = learner(3).learn(&[task(2), task(1), task(3)]).unwrap();
        assert_eq!((beside.len(), &beside[1]), (3, &alone[0]));
        assert_ne!(beside[0], beside[1]);
        let taught = learner(1).teach(&task(1), &["a".into(), "b".into()]).unwrap();
        let image = Image::new(12, 12, Channels::Grey, pixels.image(41).to_vec()).unwrap();
        assert_eq!(
            taught.predict(std::slice::from_ref(&image)).unwrap()[0].probabilities,
            alone[0].probabilities[2..4]
        );
        let evidence = taught.evidence(&taught.preprocess(&image)).unwrap();
        for (got, expected) in evidence.probabilities.iter().zip(&alone[0].probabilities[2..4]) {
            assert!((got - expected).abs() < 1e-5, "{evidence:?}");
        }
        assert!(learner(1).summary().ends_with("two convolutions on 12×12 pixels"));
    }

    #[test]
    fn large_pictures_become_small_in_their_proportion() {
        let pixels = Pixels::of(2, |_| Image::filled(60, 30, Channels::Rgb, 7));
        assert_eq!((pixels.height, pixels.width, pixels.values.len()), (14, 28, 2 * 14 * 28 * 3));
    }
}
