//! A training that is killed or stopped ends with the same bits as one that is not.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::fixtures::{Answer, Candor};

/// Small, with dropout, augmentation, shuffling and Adam's moments: all that must be taken up again.
const TRAIN: &str = "train built-in:fashion-mnist --architecture mnist-cnn --train-share 0.12 --validation-share 0.03 \
                     --epochs 6 --shift 0.1 --factor 2 --out";

fn start(candor: &Candor, out: &str) -> Child {
    let mut command = candor.command(&format!("{TRAIN} {out} --json"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until an epoch has ended; the next one is under way then.
fn wait_for_an_epoch(run: &Path) {
    let (history, started) = (run.join("history.json"), Instant::now());
    while !history.is_file() {
        assert!(started.elapsed() < Duration::from_secs(600), "no epoch ended");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The history without the times, which differ from day to day.
fn learned(candor: &Candor, run: &str) -> Vec<Vec<String>> {
    let text = candor.text(&format!("{run}/history.csv"));
    text.lines().map(|line| line.split(',').take(5).map(str::to_owned).collect()).collect()
}

fn assert_same(candor: &Candor, one: &str, other: &str) {
    assert_eq!(learned(candor, one), learned(candor, other));
    let model = |run: &str| candor.read(&format!("{run}/model.safetensors"));
    assert!(model(one) == model(other), "the models of {one} and {other} differ");
    let checkpoint_weights = |run: &str| {
        let bytes = candor.read(&format!("{run}/checkpoint.safetensors"));
        let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[8 + header..].to_vec()
    };
    assert!(checkpoint_weights(one) == checkpoint_weights(other), "last weights or moments differ");
}

#[test]
fn a_killed_training_goes_on_to_the_same_bits() {
    let candor = Candor::new();
    assert_eq!(candor.run(&format!("{TRAIN} whole")).code, 0);

    let mut child = start(&candor, "killed");
    wait_for_an_epoch(&candor.path("killed"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!candor.path("killed/model.safetensors").exists(), "it had ended before it was killed");

    let resumed = candor.json("resume killed --threads 1");
    assert_eq!(resumed["epochs"], 6);
    assert_same(&candor, "whole", "killed");

    let again = candor.json("resume killed");
    assert_eq!(again["train"], resumed["train"], "a run that has ended stays as it is");
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_model_and_a_run_that_goes_on_to_the_same_bits() {
    let candor = Candor::new();
    assert_eq!(candor.run(&format!("{TRAIN} whole")).code, 0);

    let child = start(&candor, "stopped");
    wait_for_an_epoch(&candor.path("stopped"));
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let answer = Answer::of(child.wait_with_output().unwrap());
    assert_eq!(answer.code, 1, "{}", answer.stderr);
    assert_eq!(answer.json()["error"]["stopped"], true);
    assert!(answer.stderr.contains("candor resume stopped"), "{}", answer.stderr);
    assert!(candor.path("stopped/model.safetensors").exists(), "the best model so far is saved");

    candor.json("resume stopped");
    assert_same(&candor, "whole", "stopped");
}

#[test]
fn a_run_whose_pictures_changed_is_not_taken_up() {
    let candor = Candor::new();
    candor.write_photos("photos", 12);
    candor.json("train photos --architecture linear --height 8 --width 8 --epochs 1 --out run");
    std::fs::remove_file(candor.path("photos/dark/003.bmp")).unwrap();
    let answer = candor.run("resume run");
    assert_eq!(answer.code, 1);
    assert!(answer.stderr.contains("1 are gone or changed, 0 are new"), "{}", answer.stderr);
    assert!(answer.stderr.contains("what to do:"), "{}", answer.stderr);

    let judged = candor.run("evaluate run");
    assert_eq!(judged.code, 0, "{}", judged.stderr);
    assert!(judged.stderr.contains("the pictures have changed"), "{}", judged.stderr);
}
