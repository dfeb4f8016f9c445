//! All metrics against scikit-learn and SciPy. `tests/goldens/generate.py` makes the expected values.

use candor_analysis::evaluate::{ClassScores, Evaluation, LabelledPredictions, METRICS, MeanScores};
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    classes: usize,
    truth: Vec<usize>,
    probabilities: Vec<f32>,
    accuracy: f64,
    interval: [f64; 2],
    log_loss: Option<f64>,
    per_class: Vec<[f64; 4]>,
    r#macro: [f64; 4],
    weighted: [f64; 4],
    confusion: Vec<Vec<u64>>,
}

fn cases() -> Vec<Case> {
    let goldens: Goldens =
        serde_json::from_str(include_str!("../goldens/metrics.json")).expect("the goldens are JSON");
    assert!(goldens.cases.len() >= 11, "the goldens hold every case");
    goldens.cases
}

fn evaluate(case: &Case) -> Evaluation {
    let classes = (0..case.classes).map(|class| format!("class {class}")).collect();
    let predictions = LabelledPredictions::new(classes, case.truth.clone(), case.probabilities.clone());
    Evaluation::of(&predictions.expect(&case.name))
}

#[track_caller]
fn close(actual: &[f64], expected: &[f64], tolerance: f64, case: &str) {
    assert_eq!(actual.len(), expected.len(), "{case}");
    for (actual, expected) in actual.iter().zip(expected) {
        assert!((actual - expected).abs() <= tolerance, "{case}: {actual} instead of {expected}");
    }
}

fn class(scores: &ClassScores) -> [f64; 4] {
    [scores.precision, scores.recall, scores.f1, scores.support as f64]
}

fn mean(scores: &MeanScores) -> [f64; 4] {
    [scores.precision, scores.recall, scores.f1, scores.support as f64]
}

#[test]
fn shares_and_counts_equal_scikit_learn() {
    for case in cases() {
        let evaluation = evaluate(&case);
        let report = &evaluation.classification_report;
        assert_eq!(evaluation.confusion_matrix.counts(), case.confusion, "{}", case.name);
        let accuracy = evaluation.accuracy;
        close(&[accuracy.value], &[case.accuracy], 1e-15, &case.name);
        close(&[accuracy.interval.low, accuracy.interval.high], &case.interval, 1e-12, &case.name);
        for (scores, expected) in report.classes.iter().zip(&case.per_class) {
            close(&class(scores), expected, 1e-14, &case.name);
        }
        assert_eq!(report.classes.len(), case.per_class.len(), "{}", case.name);
        close(&mean(&report.macro_mean), &case.r#macro, 1e-14, &case.name);
        close(&mean(&report.weighted_mean), &case.weighted, 1e-14, &case.name);
    }
}

#[test]
fn log_loss_equals_scikit_learn_within_single_precision() {
    for case in cases() {
        let actual = evaluate(&case).log_loss;
        // scikit-learn refuses a single class; then only the clipping of the certain answer remains.
        let expected = case.log_loss.unwrap_or(0.0);
        assert!((actual - expected).abs() <= 2e-6 * expected.max(1.0), "{}: {actual}, {expected}", case.name);
    }
}

#[test]
fn every_metric_of_an_evaluation_is_registered_under_its_name_and_explained() {
    let json = serde_json::to_value(evaluate(&cases()[0])).expect("an evaluation can be written");
    let mut fields: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.retain(|field| !["classes", "pictures"].contains(field));
    let mut ids: Vec<&str> = METRICS.iter().map(|metric| metric.id).collect();
    fields.sort_unstable();
    ids.sort_unstable();
    assert_eq!(ids, fields);
    for metric in METRICS {
        for text in [metric.title, metric.shows, metric.misleads, metric.reference] {
            assert!(!text.is_empty() && !text.contains("  "), "{}: \"{text}\"", metric.id);
        }
    }
}

#[test]
fn an_evaluation_survives_the_way_through_json() {
    for case in cases() {
        let evaluation = evaluate(&case);
        let text = serde_json::to_string(&evaluation).expect("an evaluation can be written");
        assert_eq!(serde_json::from_str::<Evaluation>(&text).expect("and read"), evaluation, "{}", case.name);
    }
    let crooked = serde_json::from_str::<candor_analysis::evaluate::ConfusionMatrix>("[[1, 2], [3]]");
    assert!(crooked.unwrap_err().to_string().contains("square"));
}
