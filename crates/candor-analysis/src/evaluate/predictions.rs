//! What all metrics start from: true classes and predicted probabilities, checked once.

use candor_core::Prediction;
use thiserror::Error;

/// How far a row's probabilities may add up to something other than 1: single precision, many classes.
const SUM_TOLERANCE: f32 = 1e-3;

/// The true class and the predicted probabilities of `n` pictures for `k` classes, at least one of each.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledPredictions {
    classes: Vec<String>,
    truth: Vec<usize>,
    probabilities: Vec<f32>,
    predicted: Vec<usize>,
}

impl LabelledPredictions {
    /// Checks and keeps `truth` (n class indices) and `probabilities` (n × k, row-major, each row adding up to 1).
    /// A class may have no picture, and all pictures may be of one class.
    ///
    /// # Errors
    /// When there is no class or no picture, when the lengths do not fit each other, or when a row holds a label
    /// beyond the classes, a value outside 0..=1, or does not add up to 1 (within .001).
    pub fn new(
        classes: Vec<String>,
        truth: Vec<usize>,
        probabilities: Vec<f32>,
    ) -> Result<LabelledPredictions, PredictionsError> {
        check_sizes(classes.len(), truth.len(), probabilities.len())?;
        let k = classes.len();
        for (row, (&label, values)) in truth.iter().zip(probabilities.chunks_exact(k)).enumerate() {
            check_row(label, values).map_err(|kind| PredictionsError { kind, row: Some(row) })?;
        }
        let predicted = probabilities.chunks_exact(k).map(most_probable).collect();
        Ok(LabelledPredictions { classes, truth, probabilities, predicted })
    }

    /// The same from a classifier's answers.
    ///
    /// # Errors
    /// As [`LabelledPredictions::new`]; also when a prediction has not one value a class.
    pub fn from_predictions(
        classes: Vec<String>,
        truth: Vec<usize>,
        predictions: &[Prediction],
    ) -> Result<LabelledPredictions, PredictionsError> {
        let k = classes.len();
        if let Some(row) = predictions.iter().position(|p| p.probabilities.len() != k) {
            let kind =
                PredictionsErrorKind::RowLength { classes: k, actual: predictions[row].probabilities.len() };
            return Err(PredictionsError { kind, row: Some(row) });
        }
        let probabilities = predictions.iter().flat_map(|p| p.probabilities.iter().copied()).collect();
        LabelledPredictions::new(classes, truth, probabilities)
    }

    /// The same pictures as a model without probabilities answers for them: all certainty on one class a picture.
    ///
    /// # Panics
    /// When there is not one answer a picture, or an answer has no class.
    pub fn with_answers(&self, answers: &[usize]) -> LabelledPredictions {
        assert_eq!(answers.len(), self.len(), "one answer a picture");
        let k = self.classes.len();
        let mut probabilities = vec![0.0; answers.len() * k];
        for (row, &answer) in probabilities.chunks_exact_mut(k).zip(answers) {
            row[answer] = 1.0;
        }
        let (classes, truth) = (self.classes.clone(), self.truth.clone());
        LabelledPredictions { classes, truth, probabilities, predicted: answers.to_vec() }
    }

    /// Class names, in the order of the labels.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// Pictures, at least one.
    #[allow(clippy::len_without_is_empty, reason = "the constructor refuses to make an empty one")]
    pub fn len(&self) -> usize {
        self.truth.len()
    }

    /// The true class of each picture.
    pub fn truth(&self) -> &[usize] {
        &self.truth
    }

    /// The most probable class of each picture; the first of equals.
    pub fn predicted(&self) -> &[usize] {
        &self.predicted
    }

    /// The probabilities of the picture at `index`, one a class.
    pub fn probabilities(&self, index: usize) -> &[f32] {
        let k = self.classes.len();
        &self.probabilities[index * k..(index + 1) * k]
    }

    /// The probability of the predicted class of the picture at `index`.
    pub fn confidence(&self, index: usize) -> f32 {
        self.probabilities(index)[self.predicted[index]]
    }
}

/// Labels and probabilities that cannot be judged.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("{}{kind}", place(.row))]
pub struct PredictionsError {
    kind: PredictionsErrorKind,
    row: Option<usize>,
}

impl PredictionsError {
    /// What is wrong.
    pub fn kind(&self) -> PredictionsErrorKind {
        self.kind
    }

    /// In which picture's row, counted from 0, where it is one row's fault.
    pub fn row(&self) -> Option<usize> {
        self.row
    }
}

/// What is wrong with labels and probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum PredictionsErrorKind {
    #[error("there are no classes to predict; give at least one class name")]
    NoClasses,
    #[error("there are no pictures to judge; the subset is empty")]
    NoPictures,
    #[error("{pictures} pictures and {classes} classes need {expected} probabilities, got {actual}")]
    Length { pictures: usize, classes: usize, expected: usize, actual: usize },
    #[error("{classes} classes need as many probabilities, got {actual}")]
    RowLength { classes: usize, actual: usize },
    #[error("the true class is {label}, but there are only {classes} classes, counted from 0")]
    Label { label: usize, classes: usize },
    #[error(
        "the probability of class {class} is {value}, which is not in 0..=1; the model may have diverged"
    )]
    NotAProbability { class: usize, value: f32 },
    #[error("the probabilities add up to {sum} instead of 1; was the softmax left out?")]
    Sum { sum: f32 },
}

fn place(row: &Option<usize>) -> String {
    row.map_or_else(String::new, |row| format!("row {row}: "))
}

fn check_sizes(classes: usize, pictures: usize, actual: usize) -> Result<(), PredictionsError> {
    let expected = classes.saturating_mul(pictures);
    let kind = match (classes, pictures) {
        (0, _) => PredictionsErrorKind::NoClasses,
        (_, 0) => PredictionsErrorKind::NoPictures,
        _ if expected != actual => PredictionsErrorKind::Length { pictures, classes, expected, actual },
        _ => return Ok(()),
    };
    Err(PredictionsError { kind, row: None })
}

fn check_row(label: usize, values: &[f32]) -> Result<(), PredictionsErrorKind> {
    if label >= values.len() {
        return Err(PredictionsErrorKind::Label { label, classes: values.len() });
    }
    if let Some(class) = values.iter().position(|value| !(0.0..=1.0).contains(value)) {
        return Err(PredictionsErrorKind::NotAProbability { class, value: values[class] });
    }
    let sum: f32 = values.iter().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(PredictionsErrorKind::Sum { sum });
    }
    Ok(())
}

fn most_probable(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, class| if values[class] > values[best] { class } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels, probabilities, the row that is to blame, how the message begins.
    type Refusal = (&'static [usize], &'static [f32], Option<usize>, &'static str);

    fn two(truth: &[usize], probabilities: &[f32]) -> Result<LabelledPredictions, PredictionsError> {
        LabelledPredictions::new(
            vec!["fork".into(), "scissors".into()],
            truth.to_vec(),
            probabilities.to_vec(),
        )
    }

    #[test]
    fn refusals_say_what_is_wrong_and_where() {
        let cases: [Refusal; 6] = [
            (&[], &[], None, "there are no pictures to judge; the subset is empty"),
            (&[0, 1], &[1.0, 0.0, 1.0], None, "2 pictures and 2 classes need 4 probabilities, got 3"),
            (
                &[2],
                &[0.5, 0.5],
                Some(0),
                "row 0: the true class is 2, but there are only 2 classes, counted from 0",
            ),
            (&[0, 0], &[1.0, 0.0, f32::NAN, 0.0], Some(1), "row 1: the probability of class 0 is NaN"),
            (&[0], &[-0.1, 1.1], Some(0), "row 0: the probability of class 0 is -0.1, which is not in 0..=1"),
            (&[0], &[0.5, 0.3], Some(0), "row 0: the probabilities add up to 0.8 instead of 1"),
        ];
        for (truth, probabilities, row, message) in cases {
            let error = two(truth, probabilities).unwrap_err();
            assert_eq!(error.row(), row, "{message}");
            assert!(error.to_string().starts_with(message), "{error}");
        }
        let error = LabelledPredictions::new(vec![], vec![], vec![]).unwrap_err();
        assert_eq!(error.kind(), PredictionsErrorKind::NoClasses);
    }

    #[test]
    fn a_prediction_with_too_few_values_is_named_by_its_row() {
        let answers = [[1.0, 0.0].as_slice(), &[1.0]].map(|p| Prediction { probabilities: p.to_vec() });
        let classes = vec!["fork".into(), "scissors".into()];
        let error = LabelledPredictions::from_predictions(classes, vec![0, 1], &answers).unwrap_err();
        assert_eq!(error.to_string(), "row 1: 2 classes need as many probabilities, got 1");
    }

    #[test]
    fn the_first_of_equals_is_predicted() {
        let predictions = two(&[0, 1], &[0.5, 0.5, 0.25, 0.75]).unwrap();
        assert_eq!(predictions.predicted(), [0, 1]);
        assert_eq!(predictions.confidence(1), 0.75);
        assert_eq!((predictions.len(), predictions.truth()), (2, [0, 1].as_slice()));
    }
}
