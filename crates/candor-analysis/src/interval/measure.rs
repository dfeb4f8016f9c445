//! The single figures whose uncertainty can be asked for, and their values when pictures count several times.

use serde::{Deserialize, Serialize};

use crate::evaluate::brier_score::squared_distance;
use crate::evaluate::calibration::ConfidenceBins;
use crate::evaluate::classification_report::{macro_f1, weighted_f1};
use crate::evaluate::log_loss::surprise;
use crate::evaluate::ranking::{Ranking, rankings};
use crate::evaluate::top_k_accuracy::rank_of_truth;
use crate::evaluate::{
    Calibration, ConfusionMatrix, LabelledPredictions, Score, balanced_accuracy, cohen_kappa,
    matthews_correlation,
};

/// A figure that is one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Measure {
    /// Share of right answers.
    Accuracy,
    /// Mean recall of the classes that occur.
    BalancedAccuracy,
    /// F1, every class alike.
    MacroF1,
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
}

/// A measure made ready for one set of predictions: what does not change between resamplings is computed once.
pub(super) enum Prepared {
    /// Read from the confusion matrix.
    Matrix(fn(&ConfusionMatrix) -> Score),
    /// The mean of one value a picture.
    Mean(Vec<f64>),
    Ranked(Vec<Ranking>, fn(&Ranking, &[u32]) -> Score),
    Calibrated(ConfidenceBins),
}

impl Measure {
    /// Its value for these predictions; `None` where it is undefined.
    pub fn value(self, predictions: &LabelledPredictions) -> Option<f64> {
        let weights = vec![1; predictions.len()];
        self.prepare(predictions).value(&weights, &ConfusionMatrix::of(predictions))
    }

    pub(super) fn prepare(self, predictions: &LabelledPredictions) -> Prepared {
        let each = |value: &dyn Fn(usize) -> f64| Prepared::Mean((0..predictions.len()).map(value).collect());
        match self {
            Measure::Accuracy => Prepared::Matrix(|m| (m.correct() as f64 / m.pictures() as f64).into()),
            Measure::BalancedAccuracy => Prepared::Matrix(|m| balanced_accuracy(m).into()),
            Measure::MacroF1 => Prepared::Matrix(|m| macro_f1(m).into()),
            Measure::WeightedF1 => Prepared::Matrix(|m| weighted_f1(m).into()),
            Measure::CohenKappa => Prepared::Matrix(cohen_kappa),
            Measure::MatthewsCorrelation => Prepared::Matrix(|m| matthews_correlation(m).into()),
            Measure::TopK(k) => each(&|index| f64::from(u8::from(rank_of_truth(predictions, index) < k))),
            Measure::LogLoss => each(&|index| surprise(predictions, index)),
            Measure::BrierScore => each(&|index| squared_distance(predictions, index)),
            Measure::RocAuc => {
                Prepared::Ranked(rankings(predictions), |ranking, weights| ranking.roc_auc(|i| weights[i]))
            }
            Measure::AveragePrecision => Prepared::Ranked(rankings(predictions), |ranking, weights| {
                ranking.average_precision(|i| weights[i])
            }),
            Measure::CalibrationError => {
                Prepared::Calibrated(ConfidenceBins::of(predictions, Calibration::DEFAULT_BINS))
            }
        }
    }
}

impl Prepared {
    /// The value when picture i counts `weights[i]` times; `matrix` is counted with the same weights.
    pub(super) fn value(&self, weights: &[u32], matrix: &ConfusionMatrix) -> Option<f64> {
        match self {
            Prepared::Matrix(of) => of(matrix).value(),
            Prepared::Mean(values) => {
                let sum: f64 =
                    values.iter().zip(weights).map(|(value, &weight)| value * f64::from(weight)).sum();
                Some(sum / matrix.pictures() as f64)
            }
            Prepared::Ranked(rankings, of) => {
                let values: Option<Vec<f64>> = rankings.iter().map(|r| of(r, weights).value()).collect();
                values.map(|values| values.iter().sum::<f64>() / rankings.len() as f64)
            }
            Prepared::Calibrated(bins) => Some(bins.weighted(|index| weights[index]).expected_error),
        }
    }
}
