//! What holds for any predictions.

use candor_analysis::evaluate::{Evaluation, LabelledPredictions, galleries};
use proptest::prelude::*;

/// Up to seven classes, up to sixty pictures, any answers.
fn predictions() -> impl Strategy<Value = LabelledPredictions> {
    (1usize..8, 1usize..60).prop_flat_map(|(k, n)| {
        let weights = prop::collection::vec(0.001f32..1.0, n * k);
        (prop::collection::vec(0..k, n), weights).prop_map(move |(truth, weights)| {
            let share = |row: &[f32]| {
                let sum: f32 = row.iter().sum();
                row.iter().map(|weight| weight / sum).collect::<Vec<_>>()
            };
            let probabilities = weights.chunks_exact(k).flat_map(share).collect();
            let classes = (0..k).map(|class| class.to_string()).collect();
            LabelledPredictions::new(classes, truth, probabilities).expect("shares add up to 1")
        })
    })
}

proptest! {
    #[test]
    fn metrics_agree_with_each_other(predictions in predictions()) {
        let evaluation = Evaluation::of(&predictions);
        let report = &evaluation.classification_report;
        prop_assert_eq!(evaluation.confusion_matrix.pictures() as usize, predictions.len());
        prop_assert!((report.weighted_mean.recall - evaluation.accuracy.value).abs() < 1e-12);
        prop_assert!(evaluation.accuracy.interval.contains(evaluation.accuracy.value));
        prop_assert!(evaluation.log_loss >= 0.0 && evaluation.log_loss.is_finite());
        prop_assert!(evaluation.majority_baseline.accuracy * predictions.classes().len() as f64 >= 1.0 - 1e-12);
        for shares in [&evaluation.class_distribution.real, &evaluation.class_distribution.predicted] {
            prop_assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        for scores in &report.classes {
            let (low, high) = (scores.precision.min(scores.recall), scores.precision.max(scores.recall));
            prop_assert!((low - 1e-12..=high + 1e-12).contains(&scores.f1), "{:?}", scores);
        }
    }

    #[test]
    fn every_picture_is_in_its_galleries_once(predictions in predictions()) {
        let all = galleries(&predictions, usize::MAX);
        let sizes = |list: fn(&candor_analysis::evaluate::ClassGallery) -> usize| all.iter().map(list).sum::<usize>();
        let (right, missed, alarms) = (sizes(|g| g.right.len()), sizes(|g| g.missed.len()), sizes(|g| g.false_alarms.len()));
        prop_assert_eq!(right + missed, predictions.len());
        prop_assert_eq!(missed, alarms);
        for list in all.iter().flat_map(|g| [&g.right, &g.missed, &g.false_alarms]) {
            prop_assert!(list.is_sorted_by(|a, b| a.probability >= b.probability));
        }
    }
}
