//! Takes a network through its steps.
//!
//! A network is compiled into two parts. The feature part goes through blocks of samples on all cores, each in a
//! worker's cache ([`features`], [`step`]); the head works on the whole batch as matrix products ([`head`]). What the
//! feature part computed is kept for the whole batch until the way back: joined with its pooling a convolution leaves
//! little to keep, and only so can the head be a product over the batch.

mod features;
mod fold;
mod head;
mod plan;
mod step;
mod trainer;

pub use trainer::{Predictor, Trainer, input_gradient};

use crate::random::Stream;
use crate::{Loss, Optimizer, Parameters, Schedule};

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

/// What a pass through the network is for.
#[derive(Clone, Copy)]
enum Mode {
    /// Batch norms use the batch's own statistics, and values are dropped where there is a stream to draw from.
    Learn { dropout: Option<Stream> },
    /// Batch norms use their running means, and nothing is dropped.
    Answer,
}

impl Mode {
    fn is_learning(self) -> bool {
        matches!(self, Mode::Learn { .. })
    }

    /// The stream that dropout draws from, if anything is dropped.
    fn dropout(self) -> Option<Stream> {
        match self {
            Mode::Learn { dropout } => dropout,
            Mode::Answer => None,
        }
    }
}

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainingConfig {
    /// What is made smaller.
    pub loss: Loss,
    /// How.
    pub optimizer: Optimizer,
    /// How the optimiser's learning rate changes on the way.
    pub schedule: Schedule,
    /// Steps that the training is planned to take in all; the schedule is stretched over them.
    pub steps: u64,
    /// The largest number of samples in a step.
    pub batch_size: usize,
    /// Threads to compute on; 0 for all cores. Does not change any result.
    pub threads: usize,
    /// Of dropout.
    pub seed: u64,
}

impl TrainingConfig {
    /// The learning rate of step `step`, counted from 0: the optimiser's, its decay, and the schedule.
    pub fn learning_rate_at(&self, step: u64) -> f32 {
        self.optimizer.decayed_learning_rate(step) * self.schedule.share(step, self.steps)
    }
}

impl Default for TrainingConfig {
    fn default() -> TrainingConfig {
        TrainingConfig {
            loss: Loss::CrossEntropy,
            optimizer: Optimizer::default(),
            schedule: Schedule::Constant,
            steps: 0,
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
