//! The run's own recipe, trained again on what a check says: the same network, input, augmentation, optimizer, schedule and
//! rule for the epoch that is kept.
//!
//! Where the recipe chooses its epoch by validation pictures, a share as large as the run's is cut from those to learn from,
//! whole units at a time. Each training's predictions are kept in `audit/trainings/`, named by all that they depend on: an audit that
//! was stopped goes on with the next training.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use candor_analysis::Units;
use candor_analysis::audit::{Answers, LearnError, Learner, LearnerKind, Task, validation_cut};
use candor_core::{Problem, Progress, Reporter, SampleId};
use candor_engine::{Inputs, Predictor};

use crate::error::{Result, WorkflowError};
use crate::memory::memory;
use crate::model::to_probabilities;
use crate::recipe::{Keep, Recipe};
use crate::run::Run;
use crate::run_dir::{AUDIT_TRAININGS, write_atomically};
use crate::train::{Training, gather};

/// Pictures that are predicted at a time.
const BATCH: usize = 128;
/// Values that a training holds for each weight: itself, its gradient, two moments, the best epoch's.
const VALUES_A_WEIGHT: u64 = 6;

/// Trains the run's own recipe.
pub(super) struct OwnRecipe<'a> {
    run: &'a Run,
    units: &'a Units,
    /// Of everything but the task that a training depends on.
    made_of: SampleId,
    /// Trainings that may still be asked for.
    left: AtomicUsize,
    /// What one training takes, where that was measured.
    seconds: Option<f64>,
    reporter: &'a dyn Reporter,
}

impl<'a> OwnRecipe<'a> {
    /// Of a run whose recipe can be trained on a check's tasks; else why not, as the end of a sentence.
    pub fn of(
        run: &'a Run,
        units: &'a Units,
        made_of: SampleId,
        reporter: &'a dyn Reporter,
    ) -> std::result::Result<OwnRecipe<'a>, &'static str> {
        match () {
            () if run.recipe.training.freeze.is_some() => {
                Err("it freezes layers, and the audit cannot train such a recipe yet")
            }
            () if run.recipe.fairness.is_some() => {
                Err("it is fair between groups, and the audit cannot train such a recipe yet")
            }
            () => {
                let left = AtomicUsize::new(usize::MAX);
                Ok(OwnRecipe { run, units, made_of, left, seconds: None, reporter })
            }
        }
    }

    /// The same for one check, which may ask for so many trainings of so many seconds.
    pub fn with_budget(&self, trainings: usize, seconds: f64) -> OwnRecipe<'a> {
        let left = AtomicUsize::new(trainings);
        OwnRecipe { left, seconds: Some(seconds), ..*self }
    }

    /// What the tasks take, on average. Those that were trained before take no time: `None` where all were.
    pub fn seconds_a_training(&self, tasks: &[Task]) -> std::result::Result<Option<f64>, LearnError> {
        let trained: Vec<Task> = tasks.iter().filter(|task| self.kept(task).is_none()).cloned().collect();
        let started = Instant::now();
        self.learn(&trained)?;
        Ok((!trained.is_empty()).then(|| started.elapsed().as_secs_f64() / trained.len() as f64))
    }

    fn file(&self, task: &Task) -> PathBuf {
        let numbers = [&task.labels, &task.learn, &task.answer].map(|all| {
            let bytes = all.iter().flat_map(|&number| (number as u64).to_le_bytes());
            (all.len() as u64).to_le_bytes().into_iter().chain(bytes).collect::<Vec<u8>>()
        });
        let own = format!("{} {}", self.made_of, task.seed.0);
        let name = SampleId::of(&[own.as_bytes(), &numbers.concat()].concat());
        self.run.dir.file(&format!("{AUDIT_TRAININGS}/{name}.f32"))
    }

    /// The predictions of a training that was made before. What was cut off is made again.
    fn kept(&self, task: &Task) -> Option<Answers> {
        let bytes = fs::read(self.file(task)).ok()?;
        let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let probabilities: Vec<f32> = values.collect();
        let is_whole = probabilities.len() == task.answer.len() * self.run.record.classes.len();
        is_whole.then(|| Answers { indices: task.answer.clone(), probabilities })
    }

    fn keep(&self, task: &Task, answers: &Answers) -> Result<()> {
        let file = self.file(task);
        let folder = file.parent().expect("it is in a folder");
        fs::create_dir_all(folder).map_err(WorkflowError::file(folder, "made"))?;
        let bytes: Vec<u8> = answers.probabilities.iter().flat_map(|value| value.to_le_bytes()).collect();
        write_atomically(&file, &bytes)
    }

    fn train(&self, task: &Task, threads: usize) -> std::result::Result<Answers, LearnError> {
        if let Some(kept) = self.kept(task) {
            return Ok(kept);
        }
        let answers = self.trained(task, threads).and_then(|answers| {
            self.keep(task, &answers)?;
            Ok(answers)
        });
        answers.map_err(|error| match error.is_stop() {
            true => LearnError::Stopped,
            false => LearnError::Failed { reason: error.to_string() },
        })
    }

    fn trained(&self, task: &Task, threads: usize) -> Result<Answers> {
        let Run { dir, network, prepared, .. } = self.run;
        let mut recipe = self.run.recipe.clone();
        recipe.training.seed = task.seed;
        let share = self.validation_share();
        let seed = task.seed.derive("validation");
        let (train, validation) = validation_cut(self.units, &task.learn, &task.labels, share, seed);
        let quiet = Quiet(self.reporter);
        let training = Training {
            run: dir,
            recipe: &recipe,
            network,
            pictures: prepared,
            train: &train,
            validation: &validation,
            labels: Some(&task.labels),
            groups: None,
            threads,
            reporter: &quiet,
        };
        let (units, classes) = (network.output().len(), self.run.record.classes.len());
        let best = match training.run_in_memory() {
            Ok(trained) => trained.best,
            // What diverges has learned nothing, and gives every class the same.
            Err(WorkflowError::Diverged { .. }) => {
                let probabilities = vec![1.0 / classes as f32; task.answer.len() * classes];
                return Ok(Answers { indices: task.answer.clone(), probabilities });
            }
            Err(error) => return Err(error),
        };
        let mut predictor = Predictor::new(network, &best, BATCH, threads)?;
        let mut outputs = vec![0.0; task.answer.len() * units];
        for (some, rows) in task.answer.chunks(BATCH).zip(outputs.chunks_mut(BATCH * units)) {
            predictor.predict(Inputs::Bytes(&gather(prepared, some).pixels), rows);
        }
        Ok(Answers { indices: task.answer.clone(), probabilities: to_probabilities(outputs, units, classes) })
    }

    /// The share of the pictures to learn from that chooses the epoch; 0 where the recipe keeps the last one.
    fn validation_share(&self) -> f64 {
        let training = &self.run.recipe.training;
        let [train, validation] = [self.run.split.train().len(), self.run.split.validation().len()];
        match training.keep == Keep::Last && training.early_stopping == 0 {
            true => 0.0,
            false => validation as f64 / (train + validation).max(1) as f64,
        }
    }

    /// Trainings that fit into memory beside each other, on so many threads.
    fn beside(&self, threads: usize) -> usize {
        let bytes = 4 * VALUES_A_WEIGHT * self.run.network.parameter_count() as u64;
        let fitting = memory().map_or(1, |memory| memory.available / 2 / bytes.max(1));
        threads.min(fitting as usize).max(1)
    }
}

impl Learner for OwnRecipe<'_> {
    fn kind(&self) -> LearnerKind {
        LearnerKind::OwnRecipe
    }

    fn summary(&self) -> String {
        format!("this run's own recipe ({})", in_words(&self.run.recipe))
    }

    fn own_recipe_seconds(&self) -> Option<f64> {
        self.seconds
    }

    fn learn(&self, tasks: &[Task]) -> std::result::Result<Vec<Answers>, LearnError> {
        let left = self.left.load(Ordering::Relaxed);
        if tasks.len() > left {
            return Err(LearnError::OverBudget);
        }
        self.left.store(left - tasks.len(), Ordering::Relaxed);
        let threads = match self.run.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let workers = self.beside(threads).min(tasks.len());
        let own_threads = threads / workers.max(1);
        side_by_side(tasks, workers, |task| self.train(task, own_threads.max(1)))
    }
}

/// The results in the order of the tasks, computed by so many threads.
pub(super) fn side_by_side<T: Send, E: Send>(
    tasks: &[Task],
    workers: usize,
    train: impl Fn(&Task) -> std::result::Result<T, E> + Sync,
) -> std::result::Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<std::result::Result<T, E>>>> =
        tasks.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(number) =
                    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&n| n < tasks.len())
                {
                    *done[number].lock().expect("nobody panics with it") = Some(train(&tasks[number]));
                }
            });
        }
    });
    let taken = |slot: Mutex<Option<_>>| slot.into_inner().expect("nobody panics with it");
    done.into_iter().map(|slot| taken(slot).expect("every task was taken")).collect()
}

fn in_words(recipe: &Recipe) -> String {
    let input = recipe.preprocessing;
    format!(
        "{}, {}×{} pixels, {} epochs at most",
        recipe.network_name(),
        input.width,
        input.height,
        recipe.training.epochs
    )
}

/// Says nothing of a training inside a check, and still hears when to stop.
struct Quiet<'a>(&'a dyn Reporter);

impl Reporter for Quiet<'_> {
    fn progress(&self, _: Progress) {}
    fn problem(&self, _: Problem) {}
    fn note(&self, _: &str) {}

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use candor_core::{Seed, Silent};

    use super::*;
    use crate::pictures::SourceSpec;
    use crate::recipe::RecipeFile;
    use crate::run_dir::{CHECKPOINT, RunDir};
    use crate::verbs::{RunRequest, train};

    const RECIPE: &str = "architecture = 'linear'\n[preprocessing]\nheight = 8\nwidth = 8\n[split]\nvalidation = 0.2\n\
                          [training]\nepochs = 15\nbatch_size = 10\n[training.optimizer]\nkind = 'adam'\nlearning_rate = 0.01\n";

    /// A run on a hundred pictures of 8×8, light above or below.
    fn run(folder: &Path) -> Run {
        let names: Vec<String> = (0..64).map(|pixel| format!("pixel{pixel}")).collect();
        let mut table = names.join(",") + ",target\n";
        for row in 0..100 {
            let light = |pixel: usize| if (pixel < 32) == (row % 2 == 1) { 190 } else { 20 };
            let values = (0..64).map(|pixel| (light(pixel) + (row * 13 + pixel * 7) % 60).to_string());
            table += &format!("{},{}\n", values.collect::<Vec<_>>().join(","), row % 2);
        }
        let (source, out) = (folder.join("pictures.csv"), folder.join("run"));
        fs::write(&source, table).unwrap();
        let recipe = RecipeFile::parse(RECIPE).unwrap();
        let request = RunRequest {
            source: SourceSpec::at(&source),
            recipe,
            out: out.clone(),
            baselines: false,
            threads: 2,
        };
        train(&request, &Silent).unwrap();
        Run::open_unchanged(RunDir::open(&out).unwrap(), 2, &Silent).unwrap()
    }

    fn task(run: &Run, seed: u64, turned: bool) -> Task {
        let labels: Vec<usize> = run
            .prepared
            .samples
            .iter()
            .map(|sample| if turned { 1 - sample.class } else { sample.class })
            .collect();
        let (learn, answer) = (run.split.train().to_vec(), run.split.validation().to_vec());
        Task { labels, learn, answer, seed: Seed(seed) }
    }

    #[test]
    fn it_learns_what_a_task_says_alike_in_any_company_and_leaves_the_run_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(folder.path());
        let units = Units::of(&run.prepared.samples, &[]);
        let checkpoint = run.dir.read(CHECKPOINT).unwrap();
        let own = |name: &[u8]| OwnRecipe::of(&run, &units, SampleId::of(name), &Silent).unwrap();
        let (true_labels, turned) = (task(&run, 1, false), task(&run, 1, true));
        let alone = own(b"alone").learn(std::slice::from_ref(&true_labels)).unwrap();
        let beside =
            own(b"beside").learn(&[turned.clone(), true_labels.clone(), task(&run, 2, false)]).unwrap();
        assert_eq!(alone[0], beside[1]);
        assert_ne!(beside[1], beside[2], "another seed");
        assert!(alone[0].accuracy(&true_labels.labels) > 0.9);
        assert!(
            beside[0].accuracy(&turned.labels) > 0.9,
            "the labels of the task are learned, not the pictures' own"
        );
        assert_eq!(run.dir.read(CHECKPOINT).unwrap(), checkpoint);
    }

    #[test]
    fn a_training_that_was_made_is_read_from_the_disk_and_the_budget_is_counted_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let run = run(folder.path());
        let units = Units::of(&run.prepared.samples, &[]);
        let own = OwnRecipe::of(&run, &units, SampleId::of(b"a run"), &Silent).unwrap();
        let tasks = [task(&run, 1, false), task(&run, 2, false)];
        assert!(own.seconds_a_training(&tasks).unwrap().is_some_and(|seconds| seconds > 0.0));
        assert_eq!(own.seconds_a_training(&tasks).unwrap(), None, "nothing was left to train");
        let mut kept = own.kept(&tasks[0]).unwrap();
        kept.probabilities.iter_mut().for_each(|probability| *probability = 0.5);
        own.keep(&tasks[0], &kept).unwrap();
        assert_eq!(own.learn(&tasks[..1]).unwrap()[0], kept);
        fs::write(own.file(&tasks[0]), [1, 2, 3]).unwrap();
        assert_ne!(own.learn(&tasks[..1]).unwrap()[0], kept, "a file that was cut off is made again");
        let small = own.with_budget(3, 1.0);
        assert!(small.learn(&tasks).is_ok());
        assert_eq!(small.learn(&tasks), Err(LearnError::OverBudget));
        assert_eq!(small.own_recipe_seconds(), Some(1.0));
    }
}
