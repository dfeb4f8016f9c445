//! Classification report: precision, recall, F1 and support of each class, and their means.

use serde::{Deserialize, Serialize};

use super::{ConfusionMatrix, MetricInfo};

pub(super) const INFO: MetricInfo = MetricInfo {
    id: "classification_report",
    title: "Classification report",
    shows: "For each class: precision (of the pictures that were given this class, how many are of it), recall (of the \
            pictures of this class, how many were found), F1 (their harmonic mean) and support (how many there are). \
            The macro mean counts every class alike, the weighted mean every picture; the micro mean pools all answers \
            and, as each picture has one class and one answer, is the accuracy.",
    misleads: "With few pictures in a class its figures jump with every single one. A value that divides by zero is set \
               to 0 and marked: it is not measured.",
    reference: "van Rijsbergen, Information Retrieval, 2nd edition (1979), chapter 7; scikit-learn, classification_report",
};

/// Scores of every class and their means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassificationReport {
    /// One entry a class, in class order.
    pub classes: Vec<ClassScores>,
    /// The plain mean over the classes, also over those without a picture.
    pub macro_mean: MeanScores,
    /// The mean weighted by support.
    pub weighted_mean: MeanScores,
    /// All answers pooled. Each picture has one class and one answer, so all three values are the accuracy.
    pub micro_mean: MeanScores,
}

/// Scores of one class. Where a denominator is zero the value is 0 and flagged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// The class's name.
    pub class: String,
    /// Right among those called so, in 0..=1.
    pub precision: f64,
    /// Found among those that are so, in 0..=1.
    pub recall: f64,
    /// 2 · precision · recall / (precision + recall), in 0..=1.
    pub f1: f64,
    /// Pictures of this class.
    pub support: u64,
    /// The model never named this class: precision is not measured.
    pub precision_undefined: bool,
    /// There is no picture of this class: recall is not measured.
    pub recall_undefined: bool,
}

/// Means over classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanScores {
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean F1.
    pub f1: f64,
    /// Pictures in all.
    pub support: u64,
}

impl ClassificationReport {
    /// From class names and the confusion matrix, of as many rows.
    ///
    /// # Panics
    /// When there are fewer rows than names.
    pub fn of(classes: &[String], matrix: &ConfusionMatrix) -> ClassificationReport {
        let (support, predicted) = (matrix.support(), matrix.predicted());
        let classes: Vec<ClassScores> = classes
            .iter()
            .enumerate()
            .map(|(class, name)| {
                ClassScores::of(name, matrix.counts()[class][class], predicted[class], support[class])
            })
            .collect();
        let macro_mean = mean(&classes, |_| 1.0);
        let weighted_mean = mean(&classes, |scores| scores.support as f64);
        let micro_mean = pooled(matrix.correct(), matrix.pictures());
        ClassificationReport { classes, macro_mean, weighted_mean, micro_mean }
    }
}

impl ClassScores {
    fn of(class: &str, right: u64, named: u64, support: u64) -> ClassScores {
        ClassScores {
            class: class.to_owned(),
            precision: ratio(right, named),
            recall: ratio(right, support),
            // The harmonic mean, written so that it divides once: 2·right / (named + support).
            f1: ratio(2 * right, named + support),
            support,
            precision_undefined: named == 0,
            recall_undefined: support == 0,
        }
    }
}

/// What the scores are made of, without names: a bootstrap asks for them thousands of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Margins {
    /// Right answers of each class.
    right: Vec<u64>,
    /// How often each class was named.
    named: Vec<u64>,
    support: Vec<u64>,
    /// All pictures, at least 1.
    pub pictures: u64,
}

/// Which score is averaged over the classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MeanOf {
    Precision,
    Recall,
    F1,
}

impl Margins {
    pub(crate) fn of(matrix: &ConfusionMatrix) -> Margins {
        let right = (0..matrix.counts().len()).map(|class| matrix.counts()[class][class]).collect();
        let (support, named) = (matrix.support(), matrix.predicted());
        let pictures = support.iter().sum();
        Margins { right, named, support, pictures }
    }

    pub(crate) fn accuracy(&self) -> f64 {
        self.right.iter().sum::<u64>() as f64 / self.pictures as f64
    }

    /// Undefined where the class was never named, as the report has it.
    pub(crate) fn precision(&self, class: usize) -> Option<f64> {
        defined(self.right[class], self.named[class])
    }

    /// Undefined where there is no picture of the class.
    pub(crate) fn recall(&self, class: usize) -> Option<f64> {
        defined(self.right[class], self.support[class])
    }

    /// Undefined where neither is the case.
    pub(crate) fn f1(&self, class: usize) -> Option<f64> {
        defined(2 * self.right[class], self.named[class] + self.support[class])
    }

    /// The mean over all classes with weights made of their support; what divides by zero counts as 0.
    pub(crate) fn mean(&self, of: MeanOf, weight: impl Fn(u64) -> f64) -> f64 {
        let (mut sum, mut total) = (0.0, 0.0);
        for class in 0..self.support.len() {
            let score = match of {
                MeanOf::Precision => self.precision(class),
                MeanOf::Recall => self.recall(class),
                MeanOf::F1 => self.f1(class),
            };
            let weight = weight(self.support[class]);
            sum += weight * score.unwrap_or(0.0);
            total += weight;
        }
        sum / total
    }
}

fn defined(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A wrong answer is one false positive and one false negative: precision, recall and F1 divide alike.
fn pooled(right: u64, pictures: u64) -> MeanScores {
    let share = ratio(right, pictures);
    MeanScores { precision: share, recall: share, f1: share, support: pictures }
}

fn mean(classes: &[ClassScores], weight: impl Fn(&ClassScores) -> f64) -> MeanScores {
    let total: f64 = classes.iter().map(&weight).sum();
    let of = |value: fn(&ClassScores) -> f64| {
        classes.iter().map(|scores| weight(scores) * value(scores)).sum::<f64>() / total
    };
    MeanScores {
        precision: of(|scores| scores.precision),
        recall: of(|scores| scores.recall),
        f1: of(|scores| scores.f1),
        support: classes.iter().map(|scores| scores.support).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_divides_by_zero_is_zero_and_flagged() {
        // "b" is never named, "c" does not occur and is never named.
        let matrix = ConfusionMatrix::from_counts(vec![vec![3, 0, 0], vec![1, 0, 0], vec![0, 0, 0]]).unwrap();
        let report = ClassificationReport::of(&["a", "b", "c"].map(String::from), &matrix);
        let flags: Vec<_> =
            report.classes.iter().map(|c| (c.precision_undefined, c.recall_undefined, c.f1)).collect();
        assert_eq!(flags, [(false, false, 6.0 / 7.0), (true, false, 0.0), (true, true, 0.0)]);
        assert_eq!(report.macro_mean.precision, 0.25);
        assert_eq!(report.weighted_mean.recall, 0.75);
        assert_eq!(report.weighted_mean.support, 4);
        let margins = Margins::of(&matrix);
        for (of, value) in [
            (MeanOf::Precision, report.macro_mean.precision),
            (MeanOf::Recall, report.macro_mean.recall),
            (MeanOf::F1, report.macro_mean.f1),
        ] {
            assert_eq!(margins.mean(of, |_| 1.0), value, "{of:?}");
        }
        assert_eq!(margins.mean(MeanOf::F1, |support| support as f64), report.weighted_mean.f1);
    }
}
