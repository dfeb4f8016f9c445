//! What the measures are read from when pictures count several times: everything that several of them need is
//! computed once a resampling, and what does not change between resamplings once in all.

use super::Measure;
use crate::evaluate::brier_score::squared_distance;
use crate::evaluate::calibration::ConfidenceBins;
use crate::evaluate::classification_report::Margins;
use crate::evaluate::log_loss::surprise;
use crate::evaluate::ranking::Ranking;
use crate::evaluate::top_k_accuracy::rank_of_truth;
use crate::evaluate::{Calibration, ConfusionMatrix, LabelledPredictions, Score, Undefined};

/// The work that a measure is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    /// The confusion matrix and its margins: always there.
    Counts,
    OneValueAPicture,
    /// The pictures ordered by the probability of one class.
    Ranking(usize),
    EveryRanking,
    /// The pictures sorted into bins of confidence.
    Bins,
}

/// Predictions made ready for some measures.
pub(super) struct Prepared<'a> {
    predictions: &'a LabelledPredictions,
    /// One value a picture, of which the measure is the mean.
    values: Vec<(Measure, Vec<f64>)>,
    /// One entry a class; `None` where no measure asks for it.
    rankings: Vec<Option<Ranking>>,
    bins: Option<ConfidenceBins>,
}

impl<'a> Prepared<'a> {
    pub fn of(predictions: &'a LabelledPredictions, measures: &[Measure]) -> Prepared<'a> {
        let needs = |wanted: Needed| measures.iter().any(|measure| measure.needs() == wanted);
        let ranking = |class| {
            let is_needed = needs(Needed::EveryRanking) || needs(Needed::Ranking(class));
            is_needed.then(|| Ranking::of(predictions, class))
        };
        let means = measures.iter().filter(|measure| measure.needs() == Needed::OneValueAPicture);
        let bins = || ConfidenceBins::of(predictions, Calibration::DEFAULT_BINS);
        Prepared {
            predictions,
            values: means.map(|&measure| (measure, each_picture(measure, predictions))).collect(),
            rankings: (0..predictions.classes().len()).map(ranking).collect(),
            bins: needs(Needed::Bins).then(bins),
        }
    }
}

fn each_picture(measure: Measure, predictions: &LabelledPredictions) -> Vec<f64> {
    let value = |index| match measure {
        Measure::TopK(k) => f64::from(u8::from(rank_of_truth(predictions, index) < k)),
        Measure::LogLoss => surprise(predictions, index),
        Measure::BrierScore => squared_distance(predictions, index),
        _ => unreachable!("only means of one value a picture are asked for"),
    };
    (0..predictions.len()).map(value).collect()
}

/// What was counted with one set of weights.
pub(super) struct Tally {
    pub matrix: ConfusionMatrix,
    pub margins: Margins,
    /// One entry a class; without meaning where the class was not ranked.
    pub roc_auc: Vec<Score>,
    pub average_precision: Vec<Score>,
    pub calibration_error: f64,
    means: Vec<(Measure, f64)>,
}

impl Tally {
    /// Counts the picture at an index `weights[index]` times.
    pub fn of(prepared: &Prepared<'_>, weights: &[u32]) -> Tally {
        let mut tally = Tally::empty(prepared);
        tally.count(prepared, weights);
        tally
    }

    /// With room for everything.
    pub fn empty(prepared: &Prepared<'_>) -> Tally {
        let matrix = ConfusionMatrix::of(prepared.predictions);
        let unknown = vec![Score::from(Undefined::NoPictureOfClass); prepared.rankings.len()];
        Tally {
            margins: Margins::of(&matrix),
            matrix,
            roc_auc: unknown.clone(),
            average_precision: unknown,
            calibration_error: 0.0,
            means: Vec::new(),
        }
    }

    /// The same again with other weights.
    pub fn count(&mut self, prepared: &Prepared<'_>, weights: &[u32]) {
        self.matrix.recount(prepared.predictions, weights);
        self.margins = Margins::of(&self.matrix);
        for (class, ranking) in prepared.rankings.iter().enumerate() {
            if let Some(ranking) = ranking {
                (self.roc_auc[class], self.average_precision[class]) = ranking.areas(|index| weights[index]);
            }
        }
        if let Some(bins) = &prepared.bins {
            self.calibration_error = bins.weighted(|index| weights[index]).expected_error;
        }
        self.means.clear();
        self.means.extend(prepared.values.iter().map(|(measure, values)| {
            let sum: f64 = values.iter().zip(weights).map(|(value, &weight)| value * f64::from(weight)).sum();
            (*measure, sum / self.margins.pictures as f64)
        }));
    }

    /// The mean of one value a picture.
    pub fn mean(&self, measure: Measure) -> f64 {
        let found = self.means.iter().find(|(known, _)| *known == measure);
        found.expect("the measure was asked for").1
    }
}
