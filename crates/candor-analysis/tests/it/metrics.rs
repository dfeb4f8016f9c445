//! All metrics against scikit-learn and SciPy. `tests/goldens/generate.py` makes the expected values.

use candor_analysis::evaluate::{
    ClassScores, Evaluation, LabelledPredictions, METRICS, MeanScores, ReliabilityBin, Score,
};
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
    micro: [f64; 3],
    by_row: Vec<Vec<f64>>,
    balanced_accuracy: f64,
    top_k: Vec<(usize, f64)>,
    brier: Option<f64>,
    kappa: Option<f64>,
    matthews: f64,
    roc_auc: OneAgainstTheRest,
    average_precision: OneAgainstTheRest,
    calibration: Reliability,
}

#[derive(Deserialize)]
struct OneAgainstTheRest {
    classes: Vec<Option<f64>>,
    r#macro: Option<f64>,
}

/// Accuracy and confidence of the bins that are not empty.
#[derive(Deserialize)]
struct Reliability {
    counts: Vec<u64>,
    accuracy: Vec<f64>,
    confidence: Vec<f64>,
    error: f64,
    largest: f64,
}

fn cases() -> Vec<Case> {
    let goldens: Goldens =
        serde_json::from_str(include_str!("../goldens/metrics.json")).expect("the goldens are JSON");
    assert!(goldens.cases.len() >= 12, "the goldens hold every case");
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

/// Equal within 1e-9 where both have a value, and both without one elsewhere; a reason is given then.
#[track_caller]
fn same_score(actual: &Score, expected: Option<f64>, case: &str) {
    assert_eq!(actual.value().is_some(), expected.is_some(), "{case}: {actual:?} instead of {expected:?}");
    assert_eq!(actual.undefined().is_none(), expected.is_some(), "{case}: {actual:?}");
    close(actual.value().as_slice(), expected.as_slice(), 1e-9, case);
}

#[track_caller]
fn same_scores(classes: &[Score], mean: &Score, expected: &OneAgainstTheRest, case: &str) {
    assert_eq!(classes.len(), expected.classes.len(), "{case}");
    for (actual, expected) in classes.iter().zip(&expected.classes) {
        same_score(actual, *expected, case);
    }
    same_score(mean, expected.r#macro, case);
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
        close(&mean(&report.micro_mean)[..3], &case.micro, 1e-14, &case.name);
        for (row, expected) in evaluation.confusion_matrix.by_row().iter().zip(&case.by_row) {
            close(row, expected, 1e-15, &case.name);
        }
    }
}

#[test]
fn agreement_beyond_chance_and_short_lists_equal_scikit_learn() {
    for case in cases() {
        let evaluation = evaluate(&case);
        close(&[evaluation.balanced_accuracy], &[case.balanced_accuracy], 1e-14, &case.name);
        close(&[evaluation.matthews_correlation], &[case.matthews], 1e-12, &case.name);
        same_score(&evaluation.cohen_kappa, case.kappa, &case.name);
        let top_k: Vec<_> = evaluation.top_k_accuracy.iter().map(|top| (top.k, top.hits.value)).collect();
        assert_eq!(top_k, case.top_k, "{}", case.name);
    }
}

#[test]
fn probabilities_and_rankings_equal_scikit_learn() {
    for case in cases() {
        let evaluation = evaluate(&case);
        // scikit-learn takes a single class for the negative one; certainty about the only class is no error.
        close(&[evaluation.brier_score], &[case.brier.unwrap_or(0.0)], 1e-9, &case.name);
        let (roc_auc, precision) = (&evaluation.roc_auc, &evaluation.average_precision);
        same_scores(&roc_auc.classes, &roc_auc.macro_mean, &case.roc_auc, &case.name);
        same_scores(&precision.classes, &precision.macro_mean, &case.average_precision, &case.name);
    }
}

#[test]
fn calibration_equals_scikit_learn_s_curve() {
    for case in cases() {
        let calibration = evaluate(&case).calibration;
        let counts: Vec<u64> = calibration.bins.iter().map(|bin| bin.pictures).collect();
        assert_eq!(counts, case.calibration.counts, "{}", case.name);
        let filled =
            |value: fn(&ReliabilityBin) -> Option<f64>| calibration.bins.iter().filter_map(value).collect();
        let (accuracy, confidence): (Vec<f64>, Vec<f64>) =
            (filled(|bin| bin.accuracy), filled(|bin| bin.confidence));
        close(&accuracy, &case.calibration.accuracy, 1e-9, &case.name);
        close(&confidence, &case.calibration.confidence, 1e-9, &case.name);
        let errors = [calibration.expected_error, calibration.largest_error];
        close(&errors, &[case.calibration.error, case.calibration.largest], 1e-9, &case.name);
    }
}

#[test]
fn log_loss_equals_scikit_learn() {
    for case in cases() {
        // scikit-learn refuses a single class; then only the clipping of the certain answer remains.
        let expected = case.log_loss.unwrap_or(-(1.0 - f64::from(f32::EPSILON)).ln());
        close(&[evaluate(&case).log_loss], &[expected], 1e-9, &case.name);
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
