//! Pictures in the order of one class's probability: what ROC AUC and average precision are read from.

use super::{LabelledPredictions, Score, Undefined};

/// The pictures by falling probability of one class, and where that probability changes.
///
/// It is sorted once and can then be read with any weights, which is what makes the bootstrap of ranked figures cheap.
#[derive(Clone, Debug)]
pub(crate) struct Ranking {
    /// Most probable first: the picture's index, shifted by two; bit 1 says that it is of the class, bit 0 that it
    /// is the last of its equals.
    entries: Vec<u32>,
}

/// Weights of the pictures of the class (positive) and of the others, up to a threshold.
#[derive(Clone, Copy, Debug, Default)]
struct Passed {
    positive: u64,
    negative: u64,
}

impl Ranking {
    /// Sorts the pictures by their probability of `class`.
    pub(crate) fn of(predictions: &LabelledPredictions, class: usize) -> Ranking {
        // The bits of a float in 0..=1 are ordered as the float itself: one integer holds the key and the picture.
        let key = |index: usize| {
            let bits = (predictions.probabilities(index)[class] + 0.0).to_bits();
            (u64::from(!bits) << 32) | index as u64
        };
        let mut keys: Vec<u64> = (0..predictions.len()).map(key).collect();
        keys.sort_unstable();
        let entry = |position: usize| {
            let index = keys[position] as u32;
            let of_class = predictions.truth()[index as usize] == class;
            let last = keys.get(position + 1).is_none_or(|next| next >> 32 != keys[position] >> 32);
            (index << 2) | (u32::from(of_class) << 1) | u32::from(last)
        };
        Ranking { entries: (0..keys.len()).map(entry).collect() }
    }

    /// The area under the curve of true against false positives, equals counted half; and the average precision, the
    /// sum over the thresholds of (gain in recall) · precision. Both in one pass, because a bootstrap asks for both
    /// thousands of times.
    pub(crate) fn areas(&self, weight: impl Fn(usize) -> u32) -> (Score, Score) {
        let (mut area, mut sum, mut before) = (0.0, 0.0, Passed::default());
        let all = self.each_threshold(weight, |passed| {
            let gained = passed.positive - before.positive;
            let step = (passed.negative - before.negative) as f64;
            area += step * (before.positive + passed.positive) as f64 / 2.0;
            if gained > 0 {
                sum += gained as f64 * passed.positive as f64 / (passed.positive + passed.negative) as f64;
            }
            before = passed;
        });
        (all.roc_auc(area), all.average_precision(sum))
    }

    /// The first of the [areas](Ranking::areas).
    pub(crate) fn roc_auc(&self, weight: impl Fn(usize) -> u32) -> Score {
        self.areas(weight).0
    }

    /// The second of the [areas](Ranking::areas).
    pub(crate) fn average_precision(&self, weight: impl Fn(usize) -> u32) -> Score {
        self.areas(weight).1
    }

    /// Calls `at` once for every different probability, from the highest; returns what all thresholds pass.
    fn each_threshold(&self, weight: impl Fn(usize) -> u32, mut at: impl FnMut(Passed)) -> Passed {
        let mut passed = Passed::default();
        for &entry in &self.entries {
            let weight = u64::from(weight((entry >> 2) as usize));
            if entry & 2 != 0 {
                passed.positive += weight;
            } else {
                passed.negative += weight;
            }
            if entry & 1 != 0 {
                at(passed);
            }
        }
        passed
    }
}

impl Passed {
    fn roc_auc(self, area: f64) -> Score {
        match (self.positive, self.negative) {
            (0, _) => Undefined::NoPictureOfClass.into(),
            (_, 0) => Undefined::EveryPictureOfClass.into(),
            (positive, negative) => Score::from(area / (positive as f64 * negative as f64)),
        }
    }

    fn average_precision(self, sum: f64) -> Score {
        match self.positive {
            0 => Undefined::NoPictureOfClass.into(),
            positive => Score::from(sum / positive as f64),
        }
    }
}

/// One ranking a class.
pub(crate) fn rankings(predictions: &LabelledPredictions) -> Vec<Ranking> {
    (0..predictions.classes().len()).map(|class| Ranking::of(predictions, class)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranking(truth: &[usize], scores: &[f32]) -> Ranking {
        let classes = vec!["yes".into(), "no".into()];
        let probabilities = scores.iter().flat_map(|&score| [score, 1.0 - score]).collect();
        Ranking::of(&LabelledPredictions::new(classes, truth.to_vec(), probabilities).unwrap(), 0)
    }

    #[test]
    fn equals_count_half_and_a_weight_is_a_repetition() {
        let once = ranking(&[0, 0, 1, 1], &[0.75, 0.5, 0.5, 0.25]);
        assert_eq!(once.roc_auc(|_| 1).value(), Some(0.875));
        let repeated = ranking(&[0, 0, 0, 1, 1], &[0.75, 0.5, 0.5, 0.5, 0.25]);
        let weights = [1, 2, 1, 1];
        assert_eq!(once.roc_auc(|index| weights[index]), repeated.roc_auc(|_| 1));
        assert_eq!(once.average_precision(|index| weights[index]), repeated.average_precision(|_| 1));
        assert_eq!(
            once.roc_auc(|index| [1, 1, 0, 0][index]).undefined(),
            Some(Undefined::EveryPictureOfClass)
        );
        assert_eq!(
            once.average_precision(|index| [0, 0, 1, 1][index]).undefined(),
            Some(Undefined::NoPictureOfClass)
        );
    }
}
