//! The intervals of a whole evaluation: one for every figure that a report prints.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Bootstrap, Draws, Estimate, Groups, Measure, Resampling, share_interval};
use crate::evaluate::top_k_accuracy::rank_of_truth;
use crate::evaluate::{Evaluation, Interval, LabelledPredictions};

/// 95 % intervals, named and ordered as the figures of an [`Evaluation`]. `None` where the figure is undefined, where
/// there are fewer than two groups, or where no resampling differs from another (every answer right), which says
/// nothing about how far the figure may be off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Independent groups of pictures that were resampled; as many as pictures where none belong together.
    pub groups: usize,
    /// Resamplings.
    pub resamples: u32,
    /// Share of right answers.
    pub accuracy: Option<Interval>,
    /// Mean recall of the classes that occur.
    pub balanced_accuracy: Option<Interval>,
    /// One entry a k of the evaluation.
    pub top_k_accuracy: Vec<Option<Interval>>,
    /// In nats.
    pub log_loss: Option<Interval>,
    /// Within 0..=2.
    pub brier_score: Option<Interval>,
    /// Agreement beyond chance.
    pub cohen_kappa: Option<Interval>,
    /// Within −1..=1.
    pub matthews_correlation: Option<Interval>,
    /// Of the macro mean.
    pub roc_auc: Option<Interval>,
    /// Of the macro mean.
    pub average_precision: Option<Interval>,
    /// Of the expected calibration error; biased upwards, as the error itself in small sets.
    pub calibration_error: Option<Interval>,
    /// Every class alike.
    pub macro_mean: MeanIntervals,
    /// Weighted by support.
    pub weighted_mean: MeanIntervals,
    /// One entry a class, in class order.
    pub classes: Vec<ClassIntervals>,
}

/// Intervals of the means over the classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanIntervals {
    /// Of mean precision.
    pub precision: Option<Interval>,
    /// Of mean recall.
    pub recall: Option<Interval>,
    /// Of mean F1.
    pub f1: Option<Interval>,
}

/// Intervals of one class's figures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassIntervals {
    /// Right among those called so.
    pub precision: Option<Interval>,
    /// Found among those that are so.
    pub recall: Option<Interval>,
    /// Harmonic mean of both.
    pub f1: Option<Interval>,
    /// One class against the rest.
    pub roc_auc: Option<Interval>,
    /// One class against the rest.
    pub average_precision: Option<Interval>,
}

impl Intervals {
    /// The same without any interval: for pictures that had a part in the training, where none holds.
    pub fn left_out(&self) -> Intervals {
        let none = MeanIntervals { precision: None, recall: None, f1: None };
        let class = ClassIntervals {
            precision: None,
            recall: None,
            f1: None,
            roc_auc: None,
            average_precision: None,
        };
        Intervals {
            groups: self.groups,
            resamples: self.resamples,
            accuracy: None,
            balanced_accuracy: None,
            top_k_accuracy: vec![None; self.top_k_accuracy.len()],
            log_loss: None,
            brier_score: None,
            cohen_kappa: None,
            matthews_correlation: None,
            roc_auc: None,
            average_precision: None,
            calibration_error: None,
            macro_mean: none,
            weighted_mean: none,
            classes: vec![class; self.classes.len()],
        }
    }

    /// Resamples on this thread. `evaluation` is that of `predictions`.
    ///
    /// # Panics
    /// When `groups` is not a partition of the judged pictures.
    pub fn of(
        predictions: &LabelledPredictions,
        evaluation: &Evaluation,
        groups: &Groups,
        plan: Bootstrap,
    ) -> Intervals {
        Intervals::with(predictions, evaluation, groups, plan, |resampling| {
            vec![resampling.draw(0..plan.resamples)]
        })
    }

    /// The same, where `draw` makes all resamplings of the plan, in parts on as many threads as it likes, and hands
    /// them back in order.
    pub fn with(
        predictions: &LabelledPredictions,
        evaluation: &Evaluation,
        groups: &Groups,
        plan: Bootstrap,
        draw: impl FnOnce(&Resampling<'_>) -> Vec<Draws>,
    ) -> Intervals {
        let measures = measures(evaluation);
        let resampling = Resampling::new(predictions, groups, &measures, plan);
        let estimates = resampling.estimates(draw(&resampling)).into_iter().flatten();
        let found = Found {
            predictions,
            resampled: estimates.map(|estimate| (estimate.measure, estimate)).collect(),
            evaluation,
            groups,
        };
        found.intervals(plan.resamples)
    }
}

/// Every measure of an evaluation whose interval is resampled: all that are no plain shares.
fn measures(evaluation: &Evaluation) -> Vec<Measure> {
    let single = [
        Measure::BalancedAccuracy,
        Measure::LogLoss,
        Measure::BrierScore,
        Measure::CohenKappa,
        Measure::MatthewsCorrelation,
        Measure::RocAuc,
        Measure::AveragePrecision,
        Measure::CalibrationError,
        Measure::MacroPrecision,
        Measure::MacroRecall,
        Measure::MacroF1,
        Measure::WeightedPrecision,
        Measure::WeightedF1,
    ];
    let of_class =
        |class| [Measure::F1(class), Measure::ClassRocAuc(class), Measure::ClassAveragePrecision(class)];
    let classes = (0..evaluation.classes.len()).flat_map(of_class);
    single.into_iter().chain(classes).collect()
}

struct Found<'a> {
    predictions: &'a LabelledPredictions,
    resampled: HashMap<Measure, Estimate>,
    evaluation: &'a Evaluation,
    groups: &'a Groups,
}

impl Found<'_> {
    fn intervals(&self, resamples: u32) -> Intervals {
        let (predictions, evaluation) = (self.predictions, self.evaluation);
        let accuracy = self.share(|at| Some(predictions.predicted()[at] == predictions.truth()[at]));
        let lists = evaluation.top_k_accuracy.iter();
        Intervals {
            groups: self.groups.count(),
            resamples,
            accuracy,
            balanced_accuracy: self.resampled(Measure::BalancedAccuracy),
            top_k_accuracy: lists
                .map(|top| self.share(|at| Some(rank_of_truth(predictions, at) < top.k)))
                .collect(),
            log_loss: self.resampled(Measure::LogLoss),
            brier_score: self.resampled(Measure::BrierScore),
            cohen_kappa: self.resampled(Measure::CohenKappa),
            matthews_correlation: self.resampled(Measure::MatthewsCorrelation),
            roc_auc: self.resampled(Measure::RocAuc),
            average_precision: self.resampled(Measure::AveragePrecision),
            calibration_error: self.resampled(Measure::CalibrationError),
            macro_mean: MeanIntervals {
                precision: self.resampled(Measure::MacroPrecision),
                recall: self.resampled(Measure::MacroRecall),
                f1: self.resampled(Measure::MacroF1),
            },
            weighted_mean: MeanIntervals {
                precision: self.resampled(Measure::WeightedPrecision),
                // The weighted mean of the recalls is the accuracy.
                recall: accuracy,
                f1: self.resampled(Measure::WeightedF1),
            },
            classes: (0..evaluation.classes.len()).map(|class| self.class(class)).collect(),
        }
    }

    fn class(&self, class: usize) -> ClassIntervals {
        let (truth, predicted) = (self.predictions.truth(), self.predictions.predicted());
        ClassIntervals {
            precision: self.share(|at| (predicted[at] == class).then_some(truth[at] == class)),
            recall: self.share(|at| (truth[at] == class).then_some(predicted[at] == class)),
            f1: self.resampled(Measure::F1(class)),
            roc_auc: self.resampled(Measure::ClassRocAuc(class)),
            average_precision: self.resampled(Measure::ClassAveragePrecision(class)),
        }
    }

    /// As it was resampled. A single point is no interval: it comes of answers without an error.
    fn resampled(&self, measure: Measure) -> Option<Interval> {
        self.resampled
            .get(&measure)
            .map(|estimate| estimate.interval)
            .filter(|interval| interval.width() > 0.0)
    }

    /// A share of the pictures for which `hit` says anything.
    fn share(&self, hit: impl Fn(usize) -> Option<bool>) -> Option<Interval> {
        (self.groups.count() > 1).then(|| share_interval(self.groups, hit)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_core::Seed;

    fn judged(answers: &[(usize, [f32; 3])]) -> (LabelledPredictions, Evaluation) {
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        let (truth, rows): (Vec<usize>, Vec<[f32; 3]>) = answers.iter().copied().unzip();
        let predictions = LabelledPredictions::new(classes, truth, rows.concat()).unwrap();
        let evaluation = Evaluation::of(&predictions);
        (predictions, evaluation)
    }

    fn mixed() -> Vec<(usize, [f32; 3])> {
        let likely = |class: usize, p: f32| {
            let mut row = [(1.0 - p) / 2.0; 3];
            row[class] = p;
            row
        };
        (0..90)
            .map(|i| {
                (i % 3, likely(if i % 5 == 0 { (i + 1) % 3 } else { i % 3 }, 0.5 + (i % 7) as f32 * 0.05))
            })
            .collect()
    }

    #[test]
    fn every_figure_has_its_interval_around_it() {
        let (predictions, evaluation) = judged(&mixed());
        let plan = Bootstrap { resamples: 200, seed: Seed(4) };
        let found = Intervals::of(&predictions, &evaluation, &Groups::singles(90), plan);
        let report = &evaluation.classification_report;
        let mut pairs = vec![
            (found.balanced_accuracy, evaluation.balanced_accuracy),
            (found.log_loss, evaluation.log_loss),
            (found.brier_score, evaluation.brier_score),
            (found.cohen_kappa, evaluation.cohen_kappa.value().unwrap()),
            (found.matthews_correlation, evaluation.matthews_correlation),
            (found.roc_auc, evaluation.roc_auc.macro_mean.value().unwrap()),
            (found.average_precision, evaluation.average_precision.macro_mean.value().unwrap()),
            (found.macro_mean.precision, report.macro_mean.precision),
            (found.macro_mean.recall, report.macro_mean.recall),
            (found.macro_mean.f1, report.macro_mean.f1),
            (found.weighted_mean.precision, report.weighted_mean.precision),
            (found.weighted_mean.recall, report.weighted_mean.recall),
            (found.weighted_mean.f1, report.weighted_mean.f1),
        ];
        for (class, intervals) in found.classes.iter().enumerate() {
            pairs.push((intervals.precision, report.classes[class].precision));
            pairs.push((intervals.recall, report.classes[class].recall));
            pairs.push((intervals.f1, report.classes[class].f1));
            pairs.push((intervals.roc_auc, evaluation.roc_auc.classes[class].value().unwrap()));
            pairs.push((
                intervals.average_precision,
                evaluation.average_precision.classes[class].value().unwrap(),
            ));
        }
        for (place, (interval, value)) in pairs.into_iter().enumerate() {
            let interval = interval.unwrap_or_else(|| panic!("figure {place} has no interval"));
            assert!(
                interval.contains(value) && interval.width() > 0.0,
                "figure {place}: {value} in {interval:?}"
            );
        }
        assert_eq!(found.accuracy, Some(evaluation.accuracy.interval), "independent pictures");
        assert!(found.calibration_error.is_some());
    }

    #[test]
    fn without_an_error_only_shares_have_an_interval() {
        let right: Vec<_> = (0..30).map(|i| (i % 2, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]][i % 2])).collect();
        let (predictions, evaluation) = judged(&right);
        let plan = Bootstrap { resamples: 50, seed: Seed(4) };
        let found = Intervals::of(&predictions, &evaluation, &Groups::singles(30), plan);
        assert!(found.accuracy.unwrap().low < 0.9);
        assert_eq!((found.balanced_accuracy, found.brier_score, found.classes[0].f1), (None, None, None));
        assert_eq!((found.classes[2].precision, found.classes[2].recall), (None, None), "nothing to measure");
        let pairs: Vec<Option<usize>> = (0..30).map(|i| Some(i / 2)).collect();
        let names: Vec<Option<String>> = pairs.into_iter().map(|pair| pair.map(|p| p.to_string())).collect();
        let grouped = Intervals::of(&predictions, &evaluation, &Groups::of(&names), plan);
        assert_eq!((grouped.groups, grouped.accuracy), (15, Some(Interval::of_counts(15, 15))));
    }
}
