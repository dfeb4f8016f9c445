//! How analysis sees data and models: two small traits that a five-line fake can implement.

use thiserror::Error;

use crate::{Image, Sample};

/// Pictures with labels.
pub trait Dataset: Sync {
    /// Class names, in the order of the labels.
    fn classes(&self) -> &[String];
    /// Every sample, in a fixed order.
    fn samples(&self) -> &[Sample];
    /// Reads and decodes the original of the sample at `index`, orientation applied.
    ///
    /// # Errors
    /// When the original can no longer be read.
    fn image(&self, index: usize) -> Result<Image, ReadError>;
}

/// A sample whose picture could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{place}: {reason}")]
pub struct ReadError {
    /// The file, and the row where it holds many.
    pub place: String,
    /// Why, for people.
    pub reason: String,
}

/// What a classifier answers for one picture: one probability a class, adding up to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// One value a class, in 0..=1.
    pub probabilities: Vec<f32>,
}

impl Prediction {
    /// The most probable class; the first of equals.
    pub fn class(&self) -> usize {
        let mut best = 0;
        for (class, &probability) in self.probabilities.iter().enumerate() {
            if probability > self.probabilities[best] {
                best = class;
            }
        }
        best
    }

    /// The probability of the most probable class.
    pub fn confidence(&self) -> f32 {
        self.probabilities[self.class()]
    }
}

/// A classifier that could not answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the classifier could not answer: {0}")]
pub struct ClassifyError(pub String);

/// Anything that gives probabilities for pictures.
pub trait Classifier: Sync {
    /// Class names, in the order of the probabilities.
    fn classes(&self) -> &[String];
    /// One prediction a picture, in order. Pictures of any size: the classifier applies its own preprocessing.
    ///
    /// # Errors
    /// When the classifier cannot run at all.
    fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError>;
}

/// A classifier that can say how its answer depends on its input.
pub trait DifferentiableClassifier: Classifier {
    /// The gradient of the probability of `class` with respect to the preprocessed input, one value an input
    /// value (height × width × channels, row-major, for pixels scaled to 0..=1), for each picture.
    ///
    /// # Errors
    /// When the classifier cannot run at all.
    fn input_gradient(&self, images: &[Image], class: usize) -> Result<Vec<Vec<f32>>, ClassifyError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_the_first_of_the_most_probable() {
        let prediction = Prediction { probabilities: vec![0.2, 0.4, 0.4] };
        assert_eq!((prediction.class(), prediction.confidence()), (1, 0.4));
    }
}
