//! The single figures whose uncertainty can be asked for.

use serde::{Deserialize, Serialize};

use super::tally::{Needed, Prepared, Tally};
use crate::evaluate::classification_report::MeanOf;
use crate::evaluate::{LabelledPredictions, Score, balanced_accuracy, cohen_kappa, matthews_correlation};

/// A figure that is one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Measure {
    /// Share of right answers.
    Accuracy,
    /// Mean recall of the classes that occur.
    BalancedAccuracy,
    /// Precision, every class alike.
    MacroPrecision,
    /// Recall, every class alike, also those that do not occur.
    MacroRecall,
    /// F1, every class alike.
    MacroF1,
    /// Precision, weighted by support.
    WeightedPrecision,
    /// F1, weighted by support.
    WeightedF1,
    /// Share of pictures whose class is among the k most probable.
    TopK(usize),
    /// Agreement beyond chance.
    CohenKappa,
    /// Correlation of truth and answers.
    MatthewsCorrelation,
    /// Mean surprise about the truth, in nats.
    LogLoss,
    /// Mean squared distance of the probabilities from the truth.
    BrierScore,
    /// Macro mean of the areas under the ROC curves.
    RocAuc,
    /// Macro mean of the average precisions.
    AveragePrecision,
    /// Expected calibration error in 15 bins.
    CalibrationError,
    /// Precision of one class.
    Precision(usize),
    /// Recall of one class.
    Recall(usize),
    /// F1 of one class.
    F1(usize),
    /// Area under the ROC curve of one class against the rest.
    ClassRocAuc(usize),
    /// Average precision of one class against the rest.
    ClassAveragePrecision(usize),
}

impl Measure {
    /// Its value for these predictions; `None` where it is undefined.
    pub fn value(self, predictions: &LabelledPredictions) -> Option<f64> {
        let prepared = Prepared::of(predictions, &[self]);
        self.read(&Tally::of(&prepared, &vec![1; predictions.len()]))
    }

    /// Which work on the predictions it is read from.
    pub(super) fn needs(self) -> Needed {
        match self {
            Measure::TopK(_) | Measure::LogLoss | Measure::BrierScore => Needed::OneValueAPicture,
            Measure::RocAuc | Measure::AveragePrecision => Needed::EveryRanking,
            Measure::ClassRocAuc(class) | Measure::ClassAveragePrecision(class) => Needed::Ranking(class),
            Measure::CalibrationError => Needed::Bins,
            _ => Needed::Counts,
        }
    }

    /// Its value in one tally.
    pub(super) fn read(self, tally: &Tally) -> Option<f64> {
        let (matrix, margins) = (&tally.matrix, &tally.margins);
        let by_support = |support| support as f64;
        match self {
            Measure::Accuracy => Some(margins.accuracy()),
            Measure::BalancedAccuracy => Some(balanced_accuracy(matrix)),
            Measure::MacroPrecision => Some(margins.mean(MeanOf::Precision, |_| 1.0)),
            Measure::MacroRecall => Some(margins.mean(MeanOf::Recall, |_| 1.0)),
            Measure::MacroF1 => Some(margins.mean(MeanOf::F1, |_| 1.0)),
            Measure::WeightedPrecision => Some(margins.mean(MeanOf::Precision, by_support)),
            Measure::WeightedF1 => Some(margins.mean(MeanOf::F1, by_support)),
            Measure::CohenKappa => cohen_kappa(matrix).value(),
            Measure::MatthewsCorrelation => Some(matthews_correlation(matrix)),
            Measure::TopK(_) | Measure::LogLoss | Measure::BrierScore => Some(tally.mean(self)),
            Measure::RocAuc => Score::mean(&tally.roc_auc).value(),
            Measure::AveragePrecision => Score::mean(&tally.average_precision).value(),
            Measure::CalibrationError => Some(tally.calibration_error),
            Measure::Precision(class) => margins.precision(class),
            Measure::Recall(class) => margins.recall(class),
            Measure::F1(class) => margins.f1(class),
            Measure::ClassRocAuc(class) => tally.roc_auc[class].value(),
            Measure::ClassAveragePrecision(class) => tally.average_precision[class].value(),
        }
    }
}
