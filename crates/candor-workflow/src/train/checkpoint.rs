//! Where a training stands, such that it can go on from there and end with the same bits.

use std::path::Path;

use candor_engine::{Network, Parameters, TrainerState};
use serde::{Deserialize, Serialize};

use super::history::{EpochRecord, Totals};
use crate::error::{Result, WorkflowError};
use crate::tensors::{TensorFile, serialize};

/// Raised when older checkpoints can no longer be read.
const FORMAT: u32 = 1;

/// Everything but the weights.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// One entry for each epoch that has ended.
    pub history: Vec<EpochRecord>,
    /// Batches of the epoch under way that were learned from.
    pub batches: usize,
    /// Their figures.
    pub totals: Totals,
    /// Time spent in the epoch under way before this sitting, in seconds.
    pub seconds: f64,
    /// The epoch that is the best so far, counted from 1.
    pub best_epoch: Option<usize>,
    /// Why the training is over, once it is.
    pub finished: Option<Finish>,
}

/// Why a training ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finish {
    /// All epochs were done.
    AllEpochs,
    /// No better epoch came for as long as the recipe's patience.
    EarlyStopping,
}

/// A training that can be taken up again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Checkpoint {
    pub progress: Progress,
    pub trainer: TrainerState,
    pub best: Option<Parameters>,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    checkpoint_format: u32,
    step: u64,
    slots: usize,
    /// Of group DRO.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    group_weights: Vec<f64>,
    progress: Progress,
}

impl Checkpoint {
    /// The bytes of `checkpoint.safetensors`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let slots: Vec<String> = (0..self.trainer.slots.len()).map(|slot| format!("slot{slot}/")).collect();
        let mut groups = vec![("now/", &self.trainer.parameters)];
        groups.extend(slots.iter().map(String::as_str).zip(&self.trainer.slots));
        groups.extend(self.best.iter().map(|best| ("best/", best)));
        let metadata = Metadata {
            checkpoint_format: FORMAT,
            step: self.trainer.step,
            slots: self.trainer.slots.len(),
            group_weights: self.trainer.group_weights.clone(),
            progress: self.progress.clone(),
        };
        serialize(&groups, &metadata)
    }

    /// Reads what [`Checkpoint::to_bytes`] wrote for the same network.
    pub fn parse(path: &Path, bytes: &[u8], network: &Network) -> Result<Checkpoint> {
        let file = TensorFile::parse(path, bytes)?;
        let no_metadata = || WorkflowError::damaged(path, "it does not say what it holds");
        let metadata: Metadata = file.metadata()?.ok_or_else(no_metadata)?;
        if metadata.checkpoint_format != FORMAT {
            let format = metadata.checkpoint_format;
            let reason = format!("it has format {format}, this candor reads format {FORMAT}");
            return Err(WorkflowError::damaged(path, reason));
        }
        let slots = (0..metadata.slots).map(|slot| file.group(&format!("slot{slot}/"), network));
        let trainer = TrainerState {
            step: metadata.step,
            parameters: file.group("now/", network)?,
            slots: slots.collect::<Result<_>>()?,
            group_weights: metadata.group_weights,
        };
        let best = metadata.progress.best_epoch.map(|_| file.group("best/", network)).transpose()?;
        Ok(Checkpoint { progress: metadata.progress, trainer, best })
    }
}

#[cfg(test)]
mod tests {
    use candor_engine::{Shape, architecture};

    use super::*;

    #[test]
    fn what_is_saved_comes_back_to_the_bit() {
        let network = architecture::find("linear").unwrap().build(Shape::image(4, 4, 1), 3).unwrap();
        let weights = |seed| Parameters::initial(&network, seed);
        let mut totals = Totals::default();
        totals.add(candor_engine::StepOutcome { loss: 0.1, correct: 1 }, 3);
        let checkpoint = Checkpoint {
            progress: Progress {
                batches: 7,
                totals,
                seconds: 0.1 + 0.2,
                best_epoch: Some(2),
                ..Progress::default()
            },
            trainer: TrainerState {
                step: 9,
                parameters: weights(1),
                slots: vec![weights(2), weights(3)],
                group_weights: vec![0.1 + 0.2, 0.7],
            },
            best: Some(weights(4)),
        };
        let read = Checkpoint::parse("c".as_ref(), &checkpoint.to_bytes(), &network).unwrap();
        assert_eq!(read, checkpoint);
    }
}
