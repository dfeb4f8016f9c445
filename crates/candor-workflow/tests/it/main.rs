//! Whole runs through the public interface, cut short at every moment that a reporter can choose.
#![allow(missing_docs)]

mod fairness;
mod fine_tuning;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use candor_core::{Channels, Classifier, Image, Problem, Progress, Reporter, Silent, Stage, Subset};
use candor_workflow::recipe::RecipeFile;
use candor_workflow::run_dir::{CHECKPOINT, HISTORY_CSV, MODEL, PREDICTIONS};
use candor_workflow::{
    EvaluateRequest, Evaluated, RunRequest, RunResult, SourceSpec, TrainedModel, WorkflowError, evaluate,
    resume, study, train,
};

const SIDE: usize = 10;
const PICTURES: usize = 120;

/// Everything that draws random numbers, and an optimiser with a memory.
const RECIPE: &str = r#"
architecture = "mnist-cnn"
[training]
epochs = 4
batch_size = 16
[augmentation]
rotation_degrees = 10.0
shift = 0.1
factor = 2
"#;

/// Pixel CSV: class 0 is dark above, class 1 below, with noise that makes mistakes likely.
fn write_pictures(path: &Path) {
    let mut text = (0..SIDE * SIDE).map(|pixel| format!("p{pixel},")).collect::<String>() + "target\n";
    for row in 0..PICTURES {
        let class = row % 2;
        let value = |pixel: usize| {
            let is_light = (pixel / SIDE < SIDE / 2) == (class == 1);
            (if is_light { 130 } else { 80 }) + (row * 31 + pixel * 17) % 100
        };
        text += &(0..SIDE * SIDE).map(|pixel| format!("{},", value(pixel))).collect::<String>();
        text += &format!("{class}\n");
    }
    fs::write(path, text).unwrap();
}

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        write_pictures(&dir.path().join("pictures.csv"));
        Place { dir }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn request(&self, out: &str, threads: usize) -> RunRequest {
        RunRequest {
            baselines: false,
            source: SourceSpec::at(self.at("pictures.csv")),
            recipe: RecipeFile::parse(RECIPE).unwrap(),
            out: self.at(out),
            threads,
        }
    }

    fn read(&self, run: &str, file: &str) -> Vec<u8> {
        fs::read(self.at(run).join(file)).unwrap()
    }

    fn assert_same(&self, one: &str, other: &str) {
        assert!(self.read(one, MODEL) == self.read(other, MODEL), "the models of {one} and {other} differ");
        let learned = |run| {
            let text = String::from_utf8(self.read(run, HISTORY_CSV)).unwrap();
            let without_times = |line: &str| line.rsplit_once(',').unwrap().0.to_owned();
            text.lines().map(without_times).collect::<Vec<_>>()
        };
        assert_eq!(learned(one), learned(other));
    }
}

/// Asks to stop after so many signs of life from the training.
struct StopAfter {
    steps: usize,
    seen: AtomicUsize,
}

impl StopAfter {
    fn new(steps: usize) -> StopAfter {
        StopAfter { steps, seen: AtomicUsize::new(0) }
    }
}

impl Reporter for StopAfter {
    fn progress(&self, progress: Progress) {
        if progress.stage == Stage::Train {
            self.seen.fetch_add(1, Ordering::Relaxed);
        }
    }
    fn problem(&self, _: Problem) {}
    fn note(&self, _: &str) {}
    fn cancelled(&self) -> bool {
        self.seen.load(Ordering::Relaxed) >= self.steps
    }
}

#[test]
fn a_training_that_is_stopped_again_and_again_ends_with_the_same_bits() {
    let place = Place::new();
    train(&place.request("whole", 2), &Silent).unwrap();
    let mut outcome = train(&place.request("pieces", 1), &StopAfter::new(3)).map(drop);
    let mut pieces = 1;
    // An epoch has eleven steps: the cuts fall inside epochs and on their borders.
    for steps in [1, 7, 11, 5, 100] {
        let Err(WorkflowError::Stopped { run: Some(run) }) = &outcome else { break };
        outcome = resume(run, 1 + pieces % 2, &StopAfter::new(steps)).map(drop);
        pieces += 1;
    }
    outcome.unwrap();
    assert!(pieces > 4, "it was stopped only {pieces} times");
    place.assert_same("whole", "pieces");
}

#[test]
fn a_run_stopped_before_its_first_epoch_has_no_model_yet_but_can_be_resumed() {
    let place = Place::new();
    let stop = StopAfter::new(2);
    let error = train(&place.request("run", 1), &stop).unwrap_err();
    assert!(error.is_stop() && error.advice().unwrap().contains("candor resume"), "{error}");
    assert!(place.at("run").join(CHECKPOINT).exists() && !place.at("run").join(MODEL).exists());
    let message = TrainedModel::load(&place.at("run"), 1).err().unwrap().to_string();
    assert!(message.contains("has not finished an epoch yet"), "{message}");
    assert_eq!(resume(&place.at("run"), 1, &Silent).unwrap().epochs, 4);
}

#[test]
fn threads_change_nothing_but_the_seed_does() {
    let place = Place::new();
    train(&place.request("one", 1), &Silent).unwrap();
    train(&place.request("three", 3), &Silent).unwrap();
    place.assert_same("one", "three");
    let mut other = place.request("seed", 1);
    other.recipe.training.seed = Some(2);
    train(&other, &Silent).unwrap();
    assert!(place.read("one", MODEL) != place.read("seed", MODEL));
}

#[test]
fn the_saved_model_says_what_the_run_was_judged_by() {
    let place = Place::new();
    let result = study(&place.request("run", 2), &Silent).unwrap();
    let model = TrainedModel::load(&place.at("run"), 1).unwrap();
    assert_eq!(model.classes(), ["0", "1"]);
    let table = String::from_utf8(place.read("run", PREDICTIONS)).unwrap();
    let pictures = fs::read_to_string(place.at("pictures.csv")).unwrap();
    let rows: Vec<&str> = pictures.lines().skip(1).collect();
    assert_eq!(table.lines().count(), 1 + PICTURES);
    for line in table.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let row: usize = cells[4].parse().unwrap();
        let pixels = rows[row].split(',').take(SIDE * SIDE).map(|value| value.parse().unwrap()).collect();
        let image = Image::new(SIDE, SIDE, Channels::Grey, pixels).unwrap();
        let answer = &model.predict(&[image]).unwrap()[0];
        assert_eq!(answer.probabilities[1].to_string(), cells[10], "row {row}");
        assert_eq!(model.classes()[answer.class()], cells[8]);
    }
    let test = result.test.unwrap();
    assert_eq!((test.pictures, test.looks), (result.split.test, Some(1)));
}

#[test]
fn a_subset_without_pictures_cannot_be_judged_alone() {
    let place = Place::new();
    let mut request = place.request("run", 1);
    (request.recipe.split.validation, request.recipe.split.train) = (Some(0.0), Some(0.8));
    let trained = train(&request, &Silent).unwrap();
    assert_eq!(
        (trained.split.validation, trained.model.epoch),
        (0, 4),
        "without validation the last epoch is kept"
    );
    assert!(trained.validation.is_none() && trained.test.is_none());
    let judged = |on: &[Subset]| {
        let request = EvaluateRequest { run: place.at("run"), on: on.to_vec(), source: None, threads: 1 };
        evaluate(&request, &Silent)
    };
    let error = judged(&[Subset::Validation]).unwrap_err().to_string();
    assert_eq!(error, "there is no picture in the validation split");
    let Ok(Evaluated::Run(result)) = judged(&[]) else { panic!("it can be judged on the others") };
    let RunResult { train: Some(_), validation: None, test: Some(test), .. } = *result else {
        panic!("train and test were judged")
    };
    assert_eq!(test.looks, Some(1));
}
