//! Calibration: whether the model is right as often as it says.

use serde::{Deserialize, Serialize};

use super::{LabelledPredictions, MetricInfo};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "calibration",
    title: "Calibration",
    shows: "Whether the model is right as often as it says. Answers are sorted into bins by the probability of the named \
            class; in each, that probability is compared with the share of right answers. The expected calibration \
            error is the mean gap, weighted by the number of answers.",
    misleads: "Even a perfect model has an error above 0 when there are few answers in a bin, so small sets look worse. A \
               model that always gives the class shares has no error and no use.",
    reference: "Guo, Pleiss, Sun and Weinberger, On calibration of modern neural networks, ICML (2017), equation 3",
};

/// The data of the reliability diagram and its summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Σ (answers in the bin / all answers) · |accuracy − confidence|, in 0..=1.
    pub expected_error: f64,
    /// The largest gap of a bin that has an answer, in 0..=1.
    pub largest_error: f64,
    /// All bins from 0 to 1, also those without an answer.
    pub bins: Vec<ReliabilityBin>,
}

/// The answers whose confidence lies in `low < confidence <= high` (the first bin includes 0).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Lower edge.
    pub low: f64,
    /// Upper edge.
    pub high: f64,
    /// Answers in this bin.
    pub pictures: u64,
    /// Mean probability of the named class; none without an answer.
    pub confidence: Option<f64>,
    /// Share of right answers; none without an answer.
    pub accuracy: Option<f64>,
}

impl Calibration {
    /// The customary number of bins.
    pub const DEFAULT_BINS: usize = 15;

    /// Sorts the answers into `bins` of equal width.
    ///
    /// # Panics
    /// When `bins` is zero.
    pub fn of(predictions: &LabelledPredictions, bins: usize) -> Calibration {
        ConfidenceBins::of(predictions, bins).weighted(|_| 1)
    }
}

/// Which bin each answer falls into; read with any weights.
#[derive(Clone, Debug)]
pub(crate) struct ConfidenceBins {
    bins: usize,
    answers: Vec<Answer>,
}

#[derive(Clone, Copy, Debug)]
struct Answer {
    bin: u32,
    right: bool,
    confidence: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    pictures: u64,
    right: u64,
    confidence: f64,
}

impl ConfidenceBins {
    pub(crate) fn of(predictions: &LabelledPredictions, bins: usize) -> ConfidenceBins {
        assert!(bins > 0, "a reliability diagram needs at least one bin");
        let answer = |index: usize| {
            let confidence = f64::from(predictions.confidence(index));
            let right = predictions.truth()[index] == predictions.predicted()[index];
            Answer { bin: bin_of(confidence, bins) as u32, right, confidence }
        };
        ConfidenceBins { bins, answers: (0..predictions.len()).map(answer).collect() }
    }

    /// The diagram when the answer at an index counts `weight(index)` times.
    pub(crate) fn weighted(&self, weight: impl Fn(usize) -> u32) -> Calibration {
        let sums = self.sums(weight);
        let pictures: u64 = sums.iter().map(|sum| sum.pictures).sum();
        let gaps =
            sums.iter().filter(|sum| sum.pictures > 0).map(|sum| (sum.right as f64 - sum.confidence).abs());
        let largest = sums.iter().filter(|sum| sum.pictures > 0).map(Sums::gap).fold(0.0, f64::max);
        let bins = sums.iter().enumerate().map(|(bin, sum)| sum.bin(bin, self.bins)).collect();
        Calibration { expected_error: gaps.sum::<f64>() / pictures as f64, largest_error: largest, bins }
    }

    fn sums(&self, weight: impl Fn(usize) -> u32) -> Vec<Sums> {
        let mut sums = vec![Sums::default(); self.bins];
        for (index, answer) in self.answers.iter().enumerate() {
            let (weight, sum) = (weight(index), &mut sums[answer.bin as usize]);
            sum.pictures += u64::from(weight);
            sum.right += u64::from(weight) * u64::from(answer.right);
            sum.confidence += f64::from(weight) * answer.confidence;
        }
        sums
    }
}

impl Sums {
    fn gap(&self) -> f64 {
        (self.right as f64 - self.confidence).abs() / self.pictures as f64
    }

    fn bin(&self, bin: usize, bins: usize) -> ReliabilityBin {
        let mean = |sum: f64| (self.pictures > 0).then(|| sum / self.pictures as f64);
        ReliabilityBin {
            low: edge(bin, bins),
            high: edge(bin + 1, bins),
            pictures: self.pictures,
            confidence: mean(self.confidence),
            accuracy: mean(self.right as f64),
        }
    }
}

fn edge(bin: usize, bins: usize) -> f64 {
    bin as f64 / bins as f64
}

/// The bin whose upper edge is the first that `confidence` does not exceed.
pub(crate) fn bin_of(confidence: f64, bins: usize) -> usize {
    let guess = ((confidence * bins as f64) as usize).min(bins - 1);
    // A value on an edge belongs below it; the product may have been rounded across one.
    (guess.saturating_sub(1)..bins - 1).find(|&bin| confidence <= edge(bin + 1, bins)).unwrap_or(bins - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_belongs_to_the_bin_below_it() {
        let cases = [(0.0, 0), (0.1, 0), (0.5, 0), (0.500_001, 1), (1.0, 1)];
        for (confidence, bin) in cases {
            assert_eq!(bin_of(confidence, 2), bin, "{confidence}");
        }
        for bin in 0..15 {
            assert_eq!(bin_of(edge(bin + 1, 15), 15), bin);
        }
    }

    #[test]
    fn sure_and_half_right_is_off_by_the_difference() {
        let classes = vec!["a".into(), "b".into()];
        let probabilities = [0.75, 0.25].repeat(4);
        let predictions = LabelledPredictions::new(classes, vec![0, 1, 0, 1], probabilities).unwrap();
        let calibration = Calibration::of(&predictions, 4);
        assert_eq!((calibration.expected_error, calibration.largest_error), (0.25, 0.25));
        let filled = calibration.bins[2];
        assert_eq!((filled.pictures, filled.confidence, filled.accuracy), (4, Some(0.75), Some(0.5)));
        assert_eq!((calibration.bins[3].pictures, calibration.bins[3].accuracy), (0, None));
    }
}
