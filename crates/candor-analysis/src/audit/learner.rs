//! How a check trains without knowing networks: it says what to learn from and whom to answer for.

use candor_core::Seed;
use thiserror::Error;

use super::Answers;

/// One training: labels, members, and whom to answer for. Indices are those of the case's samples.
#[derive(Clone, Debug)]
pub struct Task {
    /// One label a sample of the case (also of those that play no part): the true ones, or permuted ones.
    pub labels: Vec<usize>,
    /// Learned from.
    pub learn: Vec<usize>,
    /// Answered for after learning.
    pub answer: Vec<usize>,
    /// Of the initial weights and the order of the pictures.
    pub seed: Seed,
}

/// What learns when a check trains: only the run's own recipe can speak for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LearnerKind {
    /// The run's own network, input size, augmentation, optimizer and rule for the epochs.
    OwnRecipe,
    /// A small stand-in network: what it shows is a hint about the pictures, never a result about the run.
    Surrogate,
}

/// Trains a network on what a task says, from the beginning each time.
pub trait Learner {
    /// Whether it is the run's own recipe. What does not say so is a stand-in.
    fn kind(&self) -> LearnerKind {
        LearnerKind::Surrogate
    }

    /// What learns, in words that go on from “it was asked of”: `a network with two convolutions on 28×28 pixels`.
    fn summary(&self) -> String;

    /// What one training of the run's own recipe takes here, in seconds, where that is known: also where a stand-in
    /// learns because it takes too long.
    fn own_recipe_seconds(&self) -> Option<f64> {
        None
    }

    /// The answers of one network a task, in order, and one row for each of [`Task::answer`]. The same task gives the same
    /// answers, whatever else is learned beside it.
    ///
    /// # Errors
    /// When the person asked to stop, or the network cannot learn from these pictures.
    fn learn(&self, tasks: &[Task]) -> Result<Vec<Answers>, LearnError>;
}

/// A learner without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LearnError {
    /// The person asked to stop.
    #[error("stopped")]
    Stopped,
    /// More trainings than the budget has for this check.
    #[error("more trainings than the budget allows")]
    OverBudget,
    /// The network could not be made or trained.
    #[error("{reason}")]
    Failed {
        /// Why.
        reason: String,
    },
}
