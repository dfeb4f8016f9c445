//! How analysis sees data and models: two small traits that a five-line fake can implement.

use thiserror::Error;

use crate::{Image, Preprocessing, Sample};

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

    /// The same, where it can also say how its answers depend on its input.
    fn differentiable(&self) -> Option<&dyn DifferentiableClassifier> {
        None
    }
}

/// Which of a classifier's numbers a gradient is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantity {
    /// The evidence for a class before it is turned into a probability, such as before a softmax: what contributions add up
    /// to. Of a single sigmoid unit, the log-odds of the class.
    Score(usize),
    /// The probability of a class, in 0..=1.
    Probability(usize),
    /// −ln of the probability of a class: what training makes smaller and an attack larger.
    Loss(usize),
}

/// What a classifier says of inputs, and why: one row an input, one value a class.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Before the softmax or sigmoid; unbounded.
    pub scores: Vec<f32>,
    /// Each row adds up to 1.
    pub probabilities: Vec<f32>,
}

/// A classifier that can say how its answer depends on its input: explanations and attacks need it.
///
/// Its inputs are real-valued pixels in 0..=1, height × width × channels a picture, row-major, one picture behind the
/// other: what [`preprocess`](DifferentiableClassifier::preprocess) makes of pictures, or anything between.
pub trait DifferentiableClassifier: Classifier {
    /// Size and colour of an input.
    fn input(&self) -> &Preprocessing;

    /// A picture of any size as an input.
    fn preprocess(&self, image: &Image) -> Vec<f32> {
        let prepared = self.input().apply(image);
        prepared.pixels().iter().map(|&value| f32::from(value) / 255.0).collect()
    }

    /// Scores and probabilities for inputs.
    ///
    /// # Errors
    /// When the inputs are no whole number of pictures, or the classifier cannot run at all.
    fn evidence(&self, inputs: &[f32]) -> Result<Evidence, ClassifyError>;

    /// The gradient of one quantity an input with respect to that input, one value an input value.
    ///
    /// # Errors
    /// When there is not one quantity for each input, or the classifier cannot run at all.
    fn gradient(&self, inputs: &[f32], of: &[Quantity]) -> Result<Vec<f32>, ClassifyError>;
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
