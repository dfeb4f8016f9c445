//! A training under way: step after step, epoch after epoch, saved so that it goes on from where it was cut off.

mod range_test;

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use candor_core::{Progress as Told, Stage};
use candor_engine::{Parameters, Trainer, TrainingConfig};
pub(crate) use range_test::RangeTest;

use super::batches::{BatchMaker, ReadyBatch, gather, label};
use super::checkpoint::{Checkpoint, Finish, Progress};
use super::frozen::{Front, Halves};
use super::history::{EpochRecord, Figures, History, Totals};
use super::kept_features::KeptFeatures;
use super::{Trained, Training};
use crate::error::{Result, WorkflowError};
use crate::rates::{as_written, tenth};
use crate::recipe::Keep;
use crate::run_dir;

/// Inside an epoch, the training is saved this often: what a power cut can take is never more.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// An epoch whose loss is so many times that of the first is told. Small sets make it swing; this is no swing.
const GROWN: f64 = 1.5;

/// A training under way.
pub(super) struct Session<'a> {
    training: &'a Training<'a>,
    maker: BatchMaker<'a>,
    kept: &'a KeptFeatures,
    /// Frozen layers whose outputs are not kept, because every epoch has new variants.
    front: Option<Front>,
    trainer: Trainer,
    progress: Progress,
    best: Option<Parameters>,
    saved_at: Instant,
    /// Whether it is saved at all.
    is_saved: bool,
    sitting: Sitting,
}

/// What was done since the training was started or resumed, for the time that is left.
struct Sitting {
    started: Instant,
    pictures: u64,
    warned: bool,
}

impl<'a> Session<'a> {
    pub fn has_ended(&self) -> bool {
        self.progress.finished.is_some()
    }

    pub fn start(
        training: &'a Training<'a>,
        config: TrainingConfig,
        kept: &'a KeptFeatures,
        saved: Option<Checkpoint>,
    ) -> Result<Session<'a>> {
        let whole = training.initial()?;
        let mut front = None;
        let mut trainer = match training.halves()? {
            None => Trainer::new(training.network, whole, &config)?,
            Some(halves) => {
                if kept.train.is_none() {
                    front = Some(Front::new(&halves.front, &whole, training.threads)?);
                }
                Trainer::new(&halves.back, Halves::part(&halves.back, &whole)?, &config)?
            }
        };
        let (mut progress, mut best) = (Progress::default(), None);
        if let Some(checkpoint) = saved {
            trainer.restore(&checkpoint.trainer)?;
            (progress, best) = (checkpoint.progress, checkpoint.best);
        }
        let maker = training.maker(kept.train.as_ref());
        let sitting = Sitting { started: Instant::now(), pictures: 0, warned: false };
        Ok(Session {
            training,
            maker,
            kept,
            front,
            trainer,
            progress,
            best,
            saved_at: Instant::now(),
            is_saved: true,
            sitting,
        })
    }

    /// The same training without a trace on the disk.
    pub fn unsaved(self) -> Session<'a> {
        Session { is_saved: false, ..self }
    }

    /// What it came to.
    ///
    /// # Panics
    /// When no epoch has ended.
    pub fn into_trained(self) -> Trained {
        let (best, best_epoch) = self.best.zip(self.progress.best_epoch).expect("an epoch has ended");
        Trained { best, best_epoch }
    }

    /// Learns, validates and saves what is left of the epoch under way.
    pub fn epoch(&mut self) -> Result<()> {
        let started = Instant::now();
        let before = self.progress.seconds;
        let already = self.progress.totals.pictures;
        self.learn(started)?;
        let learned = (self.progress.totals.pictures - already) as f64;
        let images_per_second = learned / started.elapsed().as_secs_f64().max(1e-9);
        let validation = self.validate()?;
        let seconds = before + started.elapsed().as_secs_f64();
        self.end_epoch(validation, seconds, images_per_second);
        self.save()
    }

    /// Takes the steps of the epoch under way that are still to take.
    fn learn(&mut self, started: Instant) -> Result<()> {
        let epoch = self.progress.history.len();
        let (mut outcome, before) = (Ok(()), self.progress.seconds);
        let maker = self.maker;
        maker.each(epoch, self.progress.batches, |batch| {
            self.progress.seconds = before + started.elapsed().as_secs_f64();
            let batch = batch.map_err(|error| self.unreadable(error));
            outcome = batch.and_then(|mut batch| {
                self.through_front(&mut batch);
                self.step(&batch)
            });
            if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        outcome
    }

    /// Takes pictures through frozen layers whose outputs are not kept.
    fn through_front(&mut self, batch: &mut ReadyBatch) {
        if let Some(front) = &mut self.front {
            batch.features = front.features(&batch.pixels, batch.targets.len());
        }
    }

    fn unreadable(&self, error: std::io::Error) -> WorkflowError {
        WorkflowError::file(&self.training.run.file(run_dir::FEATURES[0]), "read")(error)
    }

    fn step(&mut self, batch: &ReadyBatch) -> Result<()> {
        if self.training.reporter.cancelled() {
            self.save()?;
            return Err(WorkflowError::Stopped { run: Some(self.training.run.path().to_owned()) });
        }
        let outcome = self.trainer.step_in_groups(batch.batch(), &batch.groups);
        if !outcome.loss.is_finite() {
            let learning_rate = self.training.recipe.training.optimizer.learning_rate();
            let epoch = self.progress.history.len() + 1;
            return Err(WorkflowError::Diverged { epoch, loss: outcome.loss, learning_rate });
        }
        self.progress.totals.add(outcome, batch.targets.len());
        self.progress.batches += 1;
        self.sitting.pictures += batch.targets.len() as u64;
        self.tell();
        if self.saved_at.elapsed() >= SAVE_EVERY {
            self.save()?;
        }
        Ok(())
    }

    fn validate(&mut self) -> Result<Option<Figures>> {
        let size = self.training.recipe.training.batch_size;
        let mut totals = Totals::default();
        let Session { training, kept, trainer, .. } = self;
        trainer.with_kept_parameters(|trainer| {
            for (part, indices) in training.validation.chunks(size).enumerate() {
                let mut batch = gather(training.pictures, indices);
                if training.labels.is_some() {
                    let own = |&index: &usize| label(training.pictures, training.labels, index);
                    batch.targets = indices.iter().map(own).collect();
                }
                if let Some(kept) = &kept.validation {
                    let rows = part * size..part * size + indices.len();
                    let path = training.run.file(run_dir::FEATURES[1]);
                    batch.features = kept.rows(rows).map_err(WorkflowError::file(&path, "read"))?;
                }
                totals.add(trainer.evaluate(batch.batch()), indices.len());
            }
            Ok((totals.pictures > 0).then(|| totals.figures()))
        })
    }

    fn end_epoch(&mut self, validation: Option<Figures>, seconds: f64, images_per_second: f64) {
        let training = &self.training.recipe.training;
        let record = EpochRecord {
            epoch: self.progress.history.len() + 1,
            train: self.progress.totals.figures(),
            validation,
            learning_rate: as_written(self.training.config().learning_rate_at(self.last_step_of_epoch())),
            seconds,
            images_per_second,
        };
        self.warn_of_growing_loss(&record);
        let progress = &mut self.progress;
        let best = progress.best_epoch.map(|epoch| progress.history[epoch - 1]);
        progress.history.push(record);
        (progress.batches, progress.totals, progress.seconds) = (0, Totals::default(), 0.0);
        if best.is_none_or(|best| is_better(training.keep, &record, &best)) {
            progress.best_epoch = Some(record.epoch);
            self.best = Some(self.trainer.kept_parameters().clone());
        }
        let waited = record.epoch - progress.best_epoch.unwrap_or(record.epoch);
        progress.finished = match () {
            () if record.epoch >= training.epochs => Some(Finish::AllEpochs),
            () if training.early_stopping > 0 && waited >= training.early_stopping => {
                Some(Finish::EarlyStopping)
            }
            () => None,
        };
    }

    fn last_step_of_epoch(&self) -> u64 {
        (self.progress.history.len() as u64 + 1) * self.training.steps_per_epoch() - 1
    }

    /// A loss that grows is no error: some recover. But the person should know.
    fn warn_of_growing_loss(&mut self, record: &EpochRecord) {
        let Some(first) = self.progress.history.first().map(|epoch| epoch.train.loss) else { return };
        if self.sitting.warned || record.train.loss <= GROWN * first {
            return;
        }
        self.sitting.warned = true;
        let rate = self.training.recipe.training.optimizer.learning_rate();
        self.training.reporter.note(&format!(
            "the loss has grown from {first:.3} in the first epoch to {:.3}: the learning rate of {rate} may be too \
             large; try --learning-rate {}",
            record.train.loss,
            tenth(rate)
        ));
    }

    fn tell(&self) {
        let (epochs, epoch) = (self.training.recipe.training.epochs, self.progress.history.len() + 1);
        let an_epoch = self.maker.pictures_per_epoch();
        let done = ((epoch - 1) * an_epoch) as u64 + self.progress.totals.pictures;
        let total = (epochs * an_epoch) as u64;
        let rate = self.sitting.pictures as f64 / self.sitting.started.elapsed().as_secs_f64().max(1e-9);
        let left = Duration::from_secs_f64((total - done) as f64 / rate.max(1e-9));
        let Figures { loss, accuracy } = self.progress.totals.figures();
        let before = self.progress.history.last().and_then(|epoch| epoch.validation);
        let validation = before.map_or_else(String::new, |f| format!(" · validation {:.3}", f.accuracy));
        let message = format!(
            "epoch {epoch}/{epochs} · loss {loss:.3} · accuracy {accuracy:.3} · {rate:.0} images/s · {} left{validation}",
            in_words(left)
        );
        self.training.reporter.progress(Told { stage: Stage::Train, done, total, message });
    }

    /// Puts checkpoint and history onto the disk.
    fn save(&mut self) -> Result<()> {
        self.saved_at = Instant::now();
        if !self.is_saved {
            return Ok(());
        }
        let Training { run, recipe, .. } = self.training;
        let checkpoint = Checkpoint {
            progress: self.progress.clone(),
            trainer: self.trainer.state(),
            best: self.best.clone(),
        };
        run.write(run_dir::CHECKPOINT, checkpoint.to_bytes())?;
        let Progress { history, best_epoch, finished, .. } = self.progress.clone();
        let history = History { loss: recipe.training.loss, best_epoch, finished, epochs: history };
        run.write(run_dir::HISTORY_CSV, candor_report::history_csv(&history.for_report()))?;
        run.write_json(run_dir::HISTORY_JSON, &history)
    }
}

/// With validation pictures by what the recipe keeps; without, the later epoch.
fn is_better(keep: Keep, new: &EpochRecord, best: &EpochRecord) -> bool {
    let (Some(new), Some(best)) = (new.validation, best.validation) else { return true };
    match keep {
        Keep::Last => true,
        Keep::Loss => new.loss < best.loss,
        Keep::Accuracy => {
            new.accuracy > best.accuracy || (new.accuracy == best.accuracy && new.loss < best.loss)
        }
    }
}

/// `42 s`, `3 min`, `2 h 05 min`.
pub(crate) fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..90 => format!("{seconds} s"),
        90..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(validation: Option<(f64, f64)>) -> EpochRecord {
        let figures = |(accuracy, loss)| Figures { loss, accuracy };
        EpochRecord {
            epoch: 1,
            train: figures((0.5, 1.0)),
            validation: validation.map(figures),
            learning_rate: 0.1,
            seconds: 1.0,
            images_per_second: 1.0,
        }
    }

    #[test]
    fn an_epoch_is_better_by_what_the_recipe_keeps() {
        let cases = [
            (Keep::Accuracy, Some((0.8, 0.9)), Some((0.7, 0.1)), true),
            (Keep::Accuracy, Some((0.7, 0.5)), Some((0.7, 0.6)), true),
            (Keep::Accuracy, Some((0.7, 0.6)), Some((0.7, 0.6)), false),
            (Keep::Loss, Some((0.8, 0.9)), Some((0.7, 0.1)), false),
            (Keep::Loss, Some((0.1, 0.05)), Some((0.7, 0.1)), true),
            (Keep::Last, Some((0.1, 9.0)), Some((0.7, 0.1)), true),
            (Keep::Accuracy, None, None, true),
        ];
        for (keep, new, best, expected) in cases {
            assert_eq!(is_better(keep, &record(new), &record(best)), expected, "{keep:?} {new:?} {best:?}");
        }
    }

    #[test]
    fn time_left_is_told_in_words() {
        let words = [0, 59, 100, 3_600, 7_500].map(|s| in_words(Duration::from_secs(s)));
        assert_eq!(words, ["0 s", "59 s", "2 min", "1 h 00 min", "2 h 05 min"]);
    }
}
