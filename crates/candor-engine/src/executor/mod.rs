//! Takes a network through its steps.

use crate::{EngineError, Loss, Network, Optimizer, Parameters};

/// The pixels of a batch: one sample behind the other, each height × width × channels, row-major.
#[derive(Clone, Copy, Debug)]
pub enum Inputs<'a> {
    /// Bytes; each enters the network as value / 255.
    Bytes(&'a [u8]),
    /// Values that enter the network as they are.
    Floats(&'a [f32]),
}

/// Samples with the class of each: what a training step learns from.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// One input for each target.
    pub inputs: Inputs<'a>,
    /// The class of each sample.
    pub targets: &'a [usize],
}

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingConfig {
    /// What is made smaller.
    pub loss: Loss,
    /// How.
    pub optimizer: Optimizer,
    /// The largest number of samples in a step.
    pub batch_size: usize,
    /// Threads to compute on; 0 for all cores. Does not change any result.
    pub threads: usize,
    /// Of dropout.
    pub seed: u64,
}

impl Default for TrainingConfig {
    fn default() -> TrainingConfig {
        TrainingConfig {
            loss: Loss::CrossEntropy,
            optimizer: Optimizer::default(),
            batch_size: 32,
            threads: 0,
            seed: 0,
        }
    }
}

/// What a step says of its batch, before the parameters changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepOutcome {
    /// The loss, a mean over the samples.
    pub loss: f32,
    /// Samples whose most probable class was the right one (one unit: on the right side of .5).
    pub correct: usize,
}

/// Everything that a training needs to go on where it stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainerState {
    /// Steps taken.
    pub step: u64,
    /// The weights.
    pub parameters: Parameters,
    /// What the optimiser remembers for each parameter: (velocity) or (m, v).
    pub slots: Vec<Parameters>,
}

/// A network that learns.
pub struct Trainer {}

impl Trainer {
    /// Compiles `network` for training.
    ///
    /// # Errors
    /// When the parameters do not belong to the network, or the loss does not go with its last layer.
    pub fn new(
        _network: &Network,
        _parameters: Parameters,
        _config: &TrainingConfig,
    ) -> Result<Trainer, EngineError> {
        todo!()
    }

    /// One step: forward, backward, update. Up to `batch_size` samples.
    ///
    /// # Panics
    /// When the batch is empty or larger than `batch_size`, its inputs have the wrong size, or a target is not a class.
    pub fn step(&mut self, _batch: Batch<'_>) -> StepOutcome {
        todo!()
    }

    /// The gradients of the loss of a batch, without changing anything. Dropout is off.
    pub fn gradients(&mut self, _batch: Batch<'_>) -> (StepOutcome, Parameters) {
        todo!()
    }

    /// Loss and correct answers on up to `batch_size` samples; nothing is learned and nothing dropped out.
    pub fn evaluate(&mut self, _batch: Batch<'_>) -> StepOutcome {
        todo!()
    }

    /// The outputs for up to `batch_size` samples, one row a sample.
    pub fn predict(&mut self, _inputs: Inputs<'_>, _outputs: &mut [f32]) {
        todo!()
    }

    /// The parameters as they are now.
    pub fn parameters(&self) -> Parameters {
        todo!()
    }

    /// What is needed to go on from here.
    pub fn state(&self) -> TrainerState {
        todo!()
    }

    /// Goes on from a saved state.
    ///
    /// # Errors
    /// When it belongs to another network or optimiser.
    pub fn restore(&mut self, _state: &TrainerState) -> Result<(), EngineError> {
        todo!()
    }
}

/// A network that answers.
pub struct Predictor {}

impl Predictor {
    /// Compiles `network` for answering up to `batch_size` samples at a time on `threads` threads (0 for all cores).
    ///
    /// # Errors
    /// When the parameters do not belong to the network.
    pub fn new(
        _network: &Network,
        _parameters: &Parameters,
        _batch_size: usize,
        _threads: usize,
    ) -> Result<Predictor, EngineError> {
        todo!()
    }

    /// The outputs of any number of samples, one row a sample.
    ///
    /// # Panics
    /// When `outputs` has not one row for each sample.
    pub fn predict(&mut self, _inputs: Inputs<'_>, _outputs: &mut [f32]) {
        todo!()
    }
}
