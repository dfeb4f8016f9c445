//! Every baseline against scikit-learn. `tests/goldens/baselines.py` makes the expected answers.

use std::collections::BTreeMap;

use candor_analysis::baseline::{BASELINES, Baseline, Lesson, Rows, View};
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    learn: usize,
    pixels: Vec<String>,
    labels: Vec<usize>,
    answers: BTreeMap<String, Vec<usize>>,
}

/// Answers out of 300 that may differ: L-BFGS and SMO stop at slightly different places. What is counted or measured
/// has to agree on every picture.
const MAY_DIFFER: [(&str, usize); 3] = [("thumbnail", 1), ("logistic-regression", 1), ("rbf-svm", 1)];

fn rows(pixels: &[String]) -> Rows {
    let row = |text: &String| text.bytes().map(|letter| f64::from(letter - b'a') / 16.0).collect();
    Rows::of(pixels.iter().map(row).collect())
}

fn share(truth: &[usize], answers: &[usize]) -> f64 {
    truth.iter().zip(answers).filter(|(truth, answer)| truth == answer).count() as f64 / truth.len() as f64
}

#[test]
fn every_baseline_answers_as_scikit_learn_s_does() {
    let goldens: Goldens =
        serde_json::from_str(include_str!("../goldens/baselines.json")).expect("the goldens are JSON");
    let (known, new) = goldens.pixels.split_at(goldens.learn);
    let (labels, truth) = goldens.labels.split_at(goldens.learn);
    let (known, new) = (rows(known), rows(new));
    for (id, expected) in &goldens.answers {
        let baseline = Baseline::find(id).expect("the goldens name registered baselines");
        let answers = baseline.learn(&Lesson::new(&known, labels, 10)).unwrap().guess(&new);
        let different = answers.iter().zip(expected).filter(|(a, b)| a != b).count();
        let most = MAY_DIFFER.iter().find(|(name, _)| name == id).map_or(0, |&(_, most)| most);
        let (ours, theirs) = (share(truth, &answers), share(truth, expected));
        assert!(different <= most, "{id}: {different} answers differ; accuracy {ours}, expected {theirs}");
    }
}

#[test]
fn every_way_of_learning_has_its_golden() {
    let goldens: Goldens =
        serde_json::from_str(include_str!("../goldens/baselines.json")).expect("the goldens are JSON");
    // These two are the thumbnail's logistic regression on less.
    let same_learner = [View::MeanColour, View::Border];
    for baseline in BASELINES.into_iter().filter(|baseline| !same_learner.contains(&baseline.view)) {
        assert!(goldens.answers.contains_key(baseline.id), "{}", baseline.id);
    }
}
