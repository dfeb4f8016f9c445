//! Takes a network through its steps.
//!
//! A network is compiled into two parts. The feature part goes through blocks of samples on all cores, each in a
//! worker's cache ([`features`], [`step`]); the head works on the whole batch as matrix products ([`head`]). What the
//! feature part computed is kept for the whole batch until the way back: joined with its pooling a convolution leaves
//! little to keep, and only so can the head be a product over the batch.

mod apart;
mod compiled;
mod deep_lift;
mod differentiator;
mod features;
mod fold;
mod head;
mod normalisation;
mod operands;
mod plan;
mod step;
mod threads;
mod trainer;

pub use deep_lift::DeepLift;
pub use differentiator::Differentiator;
pub use trainer::{Predictor, Trainer};

use std::ops::Range;

use crate::loss::{LossSettings, Objective};
use crate::optimizer::{not_negative, share};
use crate::random::Stream;
use crate::{EngineError, Fairness, Loss, Network, Optimizer, Parameters, Precision, Schedule};

/// The pixels of a batch: one sample behind the other, each height × width × channels, row-major.
#[derive(Clone, Copy, Debug)]
pub enum Inputs<'a> {
    /// Bytes; each enters the network as value / 255.
    Bytes(&'a [u8]),
    /// Values that enter the network as they are.
    Floats(&'a [f32]),
}

impl<'a> Inputs<'a> {
    /// The values at `range`.
    fn slice(self, range: Range<usize>) -> Inputs<'a> {
        match self {
            Inputs::Bytes(bytes) => Inputs::Bytes(&bytes[range]),
            Inputs::Floats(values) => Inputs::Floats(&values[range]),
        }
    }

    /// How many values there are.
    fn len(self) -> usize {
        match self {
            Inputs::Bytes(bytes) => bytes.len(),
            Inputs::Floats(values) => values.len(),
        }
    }
}

/// Which values at a network's end are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// What the last layer gives.
    Output,
    /// What stands before the activation of the last layer, such as before a softmax; the output itself where there is
    /// none.
    Score,
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
    /// Label smoothing, class weights, the focus of the focal loss.
    pub loss_settings: LossSettings,
    /// How groups of samples are to be treated alike, for [`Trainer::step_in_groups`].
    pub fairness: Option<Fairness>,
    /// How.
    pub optimizer: Optimizer,
    /// How the optimiser's learning rate changes on the way.
    pub schedule: Schedule,
    /// Steps that the training is planned to take in all; the schedule is stretched over them.
    pub steps: u64,
    /// All gradients together are shortened to this length where they are longer (Pascanu et al., "On the difficulty of
    /// training recurrent neural networks", 2013, algorithm 1); 0 leaves them as they are.
    pub clip_norm: f32,
    /// Share of the past in a moving average of the weights, which [`Trainer::kept_parameters`] gives (Polyak and
    /// Juditsky, 1992); 0 for none. The average warms up: step t (from 0) uses at most (1 + t) / (10 + t).
    pub average: f32,
    /// The largest number of samples in a step.
    pub batch_size: usize,
    /// What convolutions and dense layers multiply.
    pub precision: Precision,
    /// Threads to compute on; 0 for all cores. Does not change any result.
    pub threads: usize,
    /// Of dropout.
    pub seed: u64,
}

impl TrainingConfig {
    /// The learning rate of step `step`, counted from 0: the optimiser's, its decay, and the schedule.
    pub fn learning_rate_at(&self, step: u64) -> f32 {
        self.optimizer.rule().rate_at(step) * self.schedule.share(step, self.steps)
    }

    /// Refuses settings that cannot be meant, or do not go with each other or the network.
    fn check(&self, network: &Network) -> Result<(), EngineError> {
        self.loss.check(network)?;
        self.loss_settings.check(self.loss, network)?;
        self.fairness.as_ref().map_or(Ok(()), Fairness::check)?;
        self.optimizer.check()?;
        self.schedule.check()?;
        not_negative("clip_norm", self.clip_norm)?;
        share("average", self.average)
    }

    fn objective(&self) -> Objective<'_> {
        Objective { loss: self.loss, settings: &self.loss_settings }
    }

    /// What clipping multiplies gradients with; `norm` is asked for only where they are clipped.
    fn gradient_scale(&self, norm: impl FnOnce() -> f32) -> f32 {
        // The small number is PyTorch's.
        if self.clip_norm > 0.0 { (self.clip_norm / (norm() + 1e-6)).min(1.0) } else { 1.0 }
    }

    fn averages(&self) -> bool {
        self.average > 0.0
    }

    fn past_in_average(&self, step: u64) -> f32 {
        self.average.min((1.0 + step as f32) / (10.0 + step as f32))
    }
}

impl Default for TrainingConfig {
    fn default() -> TrainingConfig {
        TrainingConfig {
            loss: Loss::CrossEntropy,
            loss_settings: LossSettings::default(),
            fairness: None,
            optimizer: Optimizer::default(),
            schedule: Schedule::Constant,
            steps: 0,
            clip_norm: 0.0,
            average: 0.0,
            batch_size: 32,
            precision: Precision::F32,
            threads: 0,
            seed: 0,
        }
    }
}

/// What a step says of its batch, before the parameters changed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepOutcome {
    /// The loss, a mean over the samples; of a step with [`TrainingConfig::fairness`], the fair one.
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
    /// What the optimiser remembers for each parameter, such as (m, v); behind it, where weights are averaged, the average.
    pub slots: Vec<Parameters>,
    /// What the fairness remembers: the weights of the groups with group DRO, else nothing.
    pub group_weights: Vec<f64>,
}
