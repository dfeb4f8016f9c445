//! What is explained: a network, what its pictures are compared with, and how far its scores reach.

use candor_core::{NetworkClassifier, Quantity, Reporter, Seed};

use super::ExplainError;

/// A network under explanation.
///
/// What is explained is the score of a class, before the softmax or sigmoid: probabilities of all classes hang together, and
/// evidence against one of them would show as evidence for the others (Shrikumar and others, 2017, section 3.6).
pub struct Subject<'a> {
    /// The network.
    pub network: &'a dyn NetworkClassifier,
    /// Inputs that stand for "any picture", one behind the other.
    pub background: &'a [f32],
    /// Of everything random.
    pub seed: Seed,
    /// Says when to stop.
    pub reporter: &'a dyn Reporter,
    mean: Vec<f32>,
    background_scores: Vec<f64>,
    ranges: Vec<f32>,
}

impl<'a> Subject<'a> {
    /// `pictures` are the inputs to be explained: with the background they tell how far each score reaches.
    ///
    /// # Errors
    /// When there is no background, or the network cannot answer.
    pub fn new(
        network: &'a dyn NetworkClassifier,
        background: &'a [f32],
        pictures: &[f32],
        seed: Seed,
        reporter: &'a dyn Reporter,
    ) -> Result<Subject<'a>, ExplainError> {
        let (len, classes) = (network.input().bytes(), network.classes().len());
        if background.is_empty() {
            return Err(ExplainError::NoBackground);
        }
        let of_background = network.evidence(background)?.scores;
        let of_pictures = network.evidence(pictures)?.scores;
        let count = background.len() / len;
        let column = |class: usize| of_background.iter().skip(class).step_by(classes);
        let reach = |class: usize| {
            let all = column(class).chain(of_pictures.iter().skip(class).step_by(classes));
            let bounds = (f32::INFINITY, f32::NEG_INFINITY);
            let (low, high) = all.fold(bounds, |(low, high), &s| (s.min(low), s.max(high)));
            high - low
        };
        let mean = (0..len).map(|at| background[at..].iter().step_by(len).sum::<f32>() / count as f32);
        Ok(Subject {
            network,
            background,
            seed,
            reporter,
            mean: mean.collect(),
            background_scores: (0..classes)
                .map(|class| column(class).map(|&s| f64::from(s)).sum::<f64>() / count as f64)
                .collect(),
            ranges: (0..classes).map(reach).collect(),
        })
    }

    /// The same pictures before another network.
    ///
    /// # Errors
    /// When the network cannot answer.
    pub fn before<'b>(
        &'b self,
        network: &'b dyn NetworkClassifier,
        pictures: &[f32],
    ) -> Result<Subject<'b>, ExplainError> {
        Subject::new(network, self.background, pictures, self.seed, self.reporter)
    }

    /// Rows and columns of an input.
    pub fn size(&self) -> (usize, usize) {
        (self.network.input().height, self.network.input().width)
    }

    /// Values of an input.
    pub fn input_len(&self) -> usize {
        self.mean.len()
    }

    /// The mean of the background: what a part of a picture is replaced by.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Highest minus lowest score of a class over background and pictures.
    pub fn range(&self, class: usize) -> f32 {
        self.ranges[class]
    }

    /// The mean score of a class over the background.
    pub fn background_score(&self, class: usize) -> f64 {
        self.background_scores[class]
    }

    /// The scores of one class for some inputs.
    ///
    /// # Errors
    /// When the person asked to stop, or the network cannot answer.
    pub fn scores(&self, inputs: &[f32], class: usize) -> Result<Vec<f32>, ExplainError> {
        self.go_on()?;
        let scores = self.network.evidence(inputs)?.scores;
        Ok(scores.into_iter().skip(class).step_by(self.network.classes().len()).collect())
    }

    /// The gradients of one class's score at some inputs.
    ///
    /// # Errors
    /// When the person asked to stop, or the network cannot answer.
    pub fn gradients(&self, inputs: &[f32], class: usize) -> Result<Vec<f32>, ExplainError> {
        self.go_on()?;
        let of = vec![Quantity::Score(class); inputs.len() / self.input_len()];
        Ok(self.network.gradient(inputs, &of)?)
    }

    /// # Errors
    /// When the person asked to stop.
    pub fn go_on(&self) -> Result<(), ExplainError> {
        if self.reporter.cancelled() { Err(ExplainError::Stopped) } else { Ok(()) }
    }

    /// A stream of its own for each picture, whatever stands beside it.
    pub(super) fn seed_of(&self, method: &str, picture: &[f32]) -> Seed {
        let hash = picture.iter().fold(0_u64, |hash, value| {
            (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0100_0000_01b3).rotate_left(17)
        });
        self.seed.derive("explain").derive(method).at(hash)
    }
}
