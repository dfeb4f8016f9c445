//! The epochs: learn, validate, keep the best, save where it stands; stop cleanly, and go on to the same bits.

mod batches;
mod checkpoint;
mod frozen;
mod history;
mod range_test;

use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use candor_core::{Progress as Told, Reporter, Stage};
use candor_data::prepare::Prepared;
use candor_engine::{Network, Parameters, Trainer, TrainingConfig};

pub(crate) use batches::gather;
use batches::{BatchMaker, ReadyBatch};
pub use checkpoint::Finish;
use checkpoint::{Checkpoint, Progress};
use frozen::{Features, Front, Halves};
use history::Totals;
pub use history::{EpochRecord, Figures, History};
pub(crate) use range_test::RangeTest;

use crate::error::{Result, WorkflowError};
use crate::initial;
use crate::memory::memory;
use crate::rates::{as_written, tenth};
use crate::recipe::{Keep, Recipe};
use crate::run_dir::{self, RunDir};

/// Inside an epoch, the training is saved this often: what a power cut can take is never more.
const SAVE_EVERY: Duration = Duration::from_secs(60);

/// What frozen layers make of the pictures may take so much memory where it is unknown how much there is.
const MEMORY_BUDGET: u64 = 1 << 30;

/// An epoch whose loss is so many times that of the first is told. Small sets make it swing; this is no swing.
const GROWN: f64 = 1.5;

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
            let kept = self.kept_features()?;
            let mut session = Session::start(self, self.config(), &kept, saved)?;
            while session.progress.finished.is_none() {
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

    /// Computes what frozen layers make of all pictures, and says before what that costs.
    fn kept_features(&self) -> Result<KeptFeatures> {
        let Some(halves) = self.halves()? else { return Ok(KeptFeatures::default()) };
        let mut front = Front::new(&halves.front, &self.initial()?, self.threads)?;
        let maker = self.maker(None);
        let varies = self.recipe.training.variants > 0 || self.recipe.augmentation.is_none();
        let rows = [if varies { maker.rows() } else { 0 }, self.validation.len()];
        let bytes = rows.map(|rows| 4 * (rows * front.len()) as u64);
        let budget = memory().map_or(MEMORY_BUDGET, |memory| memory.available / 2);
        self.tell_cost(&halves, (varies, maker.rows() / self.train.len()), bytes, budget);
        let [train, validation] = run_dir::FEATURES;
        let (run, reporter) = (self.run, self.reporter);
        let in_place = |name, budget| (run, name, budget);
        let learned = varies.then(|| {
            let pixels = |rows| maker.pixels_of_rows(rows);
            Features::compute(&mut front, rows[0], pixels, in_place(train, budget), reporter)
        });
        let learned = learned.transpose()?;
        let pixels = |rows: Range<usize>| gather(self.pictures, &self.validation[rows]).pixels;
        let left = budget.saturating_sub(bytes[0]);
        let validation =
            Features::compute(&mut front, rows[1], pixels, in_place(validation, left), reporter)?;
        Ok(KeptFeatures { train: learned, validation: Some(validation) })
    }

    fn tell_cost(&self, halves: &Halves, (kept, variants): (bool, usize), bytes: [u64; 2], budget: u64) {
        let layers = halves.front.nodes().len();
        let megabytes = bytes.iter().sum::<u64>() as f64 / 1e6;
        let place = if bytes.iter().sum::<u64>() > budget { "in files of the run" } else { "in memory" };
        let pictures = candor_report::count(self.train.len() as u64);
        let what = match (kept, variants) {
            (true, 1) => format!("once for {pictures} pictures to learn from"),
            (true, _) => format!("once for {variants} variants of {pictures} pictures to learn from"),
            (false, _) => {
                "anew in every epoch, because every epoch has new variants (--variants 3 keeps three), and \
                           once for the validation pictures"
                    .to_owned()
            }
        };
        self.reporter.note(&format!(
            "{layers} layers are frozen: what they make of a picture is computed {what}, and kept {place} \
             ({megabytes:.1} MB)"
        ));
    }

    fn maker<'b>(&'b self, features: Option<&'b Features>) -> BatchMaker<'b> {
        BatchMaker {
            pictures: self.pictures,
            indices: self.train,
            augmentation: self.recipe.augmentation,
            batch_size: self.recipe.training.batch_size,
            seed: self.recipe.training.seed,
            variants: self.recipe.training.variants,
            features,
            threads: self.threads,
        }
    }

    fn config(&self) -> TrainingConfig {
        let training = &self.recipe.training;
        TrainingConfig {
            loss: training.loss,
            loss_settings: training.loss_settings(&self.class_counts()),
            clip_norm: training.clip_norm,
            average: training.ema,
            optimizer: training.optimizer,
            schedule: training.schedule,
            steps: self.steps_per_epoch() * training.epochs as u64,
            batch_size: training.batch_size,
            threads: self.threads,
            seed: training.seed.derive("dropout").0,
        }
    }

    /// Training pictures of each class.
    fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.network.output().len().max(2)];
        self.train.iter().for_each(|&index| counts[self.pictures.samples[index].class] += 1);
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

/// A training under way.
struct Session<'a> {
    training: &'a Training<'a>,
    maker: BatchMaker<'a>,
    kept: &'a KeptFeatures,
    /// Frozen layers whose outputs are not kept, because every epoch has new variants.
    front: Option<Front>,
    trainer: Trainer,
    progress: Progress,
    best: Option<Parameters>,
    saved_at: Instant,
    sitting: Sitting,
}

/// What frozen layers make of the pictures, where they are and it is kept.
#[derive(Default)]
struct KeptFeatures {
    train: Option<Features>,
    validation: Option<Features>,
}

/// What was done since the training was started or resumed, for the time that is left.
struct Sitting {
    started: Instant,
    pictures: u64,
    warned: bool,
}

impl<'a> Session<'a> {
    fn start(
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
            sitting,
        })
    }

    fn epoch(&mut self) -> Result<()> {
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
        let outcome = self.trainer.step(batch.batch());
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
fn in_words(time: Duration) -> String {
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
