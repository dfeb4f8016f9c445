//! The epochs: learn, validate, keep the best, save where it stands; stop cleanly, and go on to the same bits.

mod batches;
mod checkpoint;
mod frozen;
mod groups;
mod history;
mod kept_features;
mod session;

use candor_core::Reporter;
use candor_data::prepare::Prepared;
use candor_engine::{Isa, Network, Parameters, Precision, TrainingConfig};

use batches::BatchMaker;
pub(crate) use batches::gather;
use batches::label;
use checkpoint::Checkpoint;
pub use checkpoint::Finish;
use frozen::{Features, Halves};
pub use groups::FairnessError;
pub(crate) use groups::{Groups, grouping};
pub use history::History;
use kept_features::KeptFeatures;
use session::Session;
pub(crate) use session::{RangeTest, in_words};

use crate::error::{Result, WorkflowError};
use crate::initial;
use crate::recipe::Recipe;
use crate::run_dir::{self, RunDir};

/// All that a training needs.
pub(crate) struct Training<'a> {
    pub run: &'a RunDir,
    pub recipe: &'a Recipe,
    pub network: &'a Network,
    pub pictures: &'a Prepared,
    /// Indices to learn from.
    pub train: &'a [usize],
    /// Indices that choose the best epoch; may be empty.
    pub validation: &'a [usize],
    /// A class for each of the pictures in the place of their own, for trainings on permuted labels.
    pub labels: Option<&'a [usize]>,
    /// Between which the training is fair, where the recipe asks for it.
    pub groups: Option<Groups>,
    pub threads: usize,
    pub reporter: &'a dyn Reporter,
}

/// A training that ended by itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trained {
    pub best: Parameters,
    pub best_epoch: usize,
}

impl Training<'_> {
    /// Trains from the beginning, or from where the run's checkpoint stands.
    ///
    /// # Errors
    /// `Stopped` when the person asked to stop (all is saved), `Diverged` when the loss is no number any more.
    pub fn run(&self) -> Result<Trained> {
        if self.train.is_empty() {
            return Err(WorkflowError::EmptySubset { subset: candor_core::Subset::Train });
        }
        let saved = self.saved()?;
        if saved.as_ref().is_none_or(|checkpoint| checkpoint.progress.finished.is_none()) {
            self.tell_of_precision();
            let kept = self.kept_features()?;
            let mut session = Session::start(self, self.config(), &kept, saved)?;
            while !session.has_ended() {
                session.epoch()?;
            }
        }
        let path = self.run.file(run_dir::CHECKPOINT);
        let incomplete =
            || WorkflowError::damaged(&path, "it says the training has ended, but holds no model");
        let (best, best_epoch) = self.best_so_far()?.ok_or_else(incomplete)?;
        run_dir::FEATURES.iter().try_for_each(|name| self.run.remove(name))?;
        Ok(Trained { best, best_epoch })
    }

    /// Trains from the beginning and leaves nothing on the disk: for the audit, which trains a recipe many times.
    ///
    /// # Errors
    /// `Stopped` when the person asked to stop, `Diverged` when the loss is no number any more, and where layers are frozen.
    pub fn run_in_memory(&self) -> Result<Trained> {
        let kept = KeptFeatures::default();
        let mut session = Session::start(self, self.config(), &kept, None)?.unsaved();
        while !session.has_ended() {
            session.epoch()?;
        }
        Ok(session.into_trained())
    }

    /// Who asks for bf16 expects speed.
    fn tell_of_precision(&self) {
        if self.recipe.training.precision == Precision::Bf16 && !Isa::detect().multiplies_bf16() {
            self.reporter.note(
                "precision bf16 makes no training faster on this machine, and many slower than f32: numbers are rounded as the \
                 recipe says, by ordinary instructions",
            );
        }
    }

    /// The weights of the best epoch so far and its number, where an epoch has ended.
    pub fn best_so_far(&self) -> Result<Option<(Parameters, usize)>> {
        let Some((best, epoch)) = self.saved()?.and_then(|saved| saved.best.zip(saved.progress.best_epoch))
        else {
            return Ok(None);
        };
        let whole = match self.halves()? {
            Some(halves) => halves.join(self.network, &self.initial()?, &best)?,
            None => best,
        };
        Ok(Some((whole, epoch)))
    }

    fn initial(&self) -> Result<Parameters> {
        initial::of_run(self.run, self.network, &self.recipe.training)
    }

    /// The network in two, where layers are frozen.
    fn halves(&self) -> Result<Option<Halves>> {
        self.recipe.training.freeze.as_ref().map(|freeze| Halves::of(self.network, freeze)).transpose()
    }

    fn maker<'b>(&'b self, features: Option<&'b Features>) -> BatchMaker<'b> {
        BatchMaker {
            pictures: self.pictures,
            indices: self.train,
            labels: self.labels,
            augmentation: self.recipe.augmentation,
            batch_size: self.recipe.training.batch_size,
            seed: self.recipe.training.seed,
            variants: self.recipe.training.variants,
            features,
            groups: self.groups.as_ref(),
            threads: self.threads,
        }
    }

    fn config(&self) -> TrainingConfig {
        let training = &self.recipe.training;
        TrainingConfig {
            loss: training.loss,
            loss_settings: training.loss_settings(&self.class_counts()),
            fairness: self.groups.as_ref().map(|groups| groups.fairness),
            clip_norm: training.clip_norm,
            average: training.ema,
            optimizer: training.optimizer,
            schedule: training.schedule,
            steps: self.steps_per_epoch() * training.epochs as u64,
            batch_size: training.batch_size,
            precision: training.precision,
            threads: self.threads,
            seed: training.seed.derive("dropout").0,
        }
    }

    /// Training pictures of each class.
    fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.network.output().len().max(2)];
        self.train.iter().for_each(|&index| counts[label(self.pictures, self.labels, index)] += 1);
        counts
    }

    fn steps_per_epoch(&self) -> u64 {
        (self.train.len() * self.recipe.augmentation.factor).div_ceil(self.recipe.training.batch_size) as u64
    }

    fn saved(&self) -> Result<Option<Checkpoint>> {
        if !self.run.has(run_dir::CHECKPOINT) {
            return Ok(None);
        }
        let bytes = self.run.read(run_dir::CHECKPOINT)?;
        let halves = self.halves()?;
        let learning = halves.as_ref().map_or(self.network, |halves| &halves.back);
        Checkpoint::parse(&self.run.file(run_dir::CHECKPOINT), &bytes, learning).map(Some)
    }
}
