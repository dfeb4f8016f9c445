//! Classifiers of a few lines that learn what is there: they read a shortcut where there is one.

use candor_core::{Channels, Classifier, ClassifyError, Fit, Image, Prediction, Preprocessing};

use super::super::{Answers, LearnError, Learner, LearnerKind, Task};

/// How the classifier under audit learns.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Brain {
    /// Mean and variance of each pixel in each class (Gaussian naive Bayes): shapes at one place, patches, lines, light.
    Means,
    /// The nearest training picture: copies and backgrounds are recognised.
    Nearest,
    /// Knows that the class is the direction of lines, and is always right; trained again at a smaller size it sees nothing.
    Direction,
}

/// Longest side of what is learned from, in pixels.
const SIDE: usize = 24;
const NEAREST_SIDE: usize = 10;

impl Brain {
    pub fn features(self, image: &Image) -> Vec<f64> {
        let most = if self == Brain::Nearest { NEAREST_SIDE } else { SIDE };
        let input = Preprocessing {
            height: image.height().min(most),
            width: image.width().min(most),
            channels: Channels::Grey,
            fit: Fit::Stretch,
        };
        let mut features: Vec<f64> =
            input.apply(image).pixels().iter().map(|&value| f64::from(value) / 255.0).collect();
        if self == Brain::Direction {
            features.push(direction(&image.to_channels(Channels::Grey)));
        }
        features
    }
}

/// How much neighbours in a row differ, less how much those in a column do.
fn direction(image: &Image) -> f64 {
    let at = |x: usize, y: usize| f64::from(image.pixel(x, y)[0]);
    let places = (1..image.height()).flat_map(|y| (1..image.width()).map(move |x| (x, y)));
    places.map(|(x, y)| (at(x, y) - at(x - 1, y)).abs() - (at(x, y) - at(x, y - 1)).abs()).sum()
}

/// The same recipe on other labels or parts.
pub struct Retrained<'a> {
    pub brain: Brain,
    pub features: &'a [Vec<f64>],
    pub classes: usize,
}

/// What one training learned.
pub struct Learned {
    brain: Brain,
    classes: usize,
    /// Of [`Brain::Means`]: per class the share of the pictures, and per pixel mean and variance.
    means: Vec<(f64, Vec<(f64, f64)>)>,
    /// Of [`Brain::Nearest`]: the training pictures with their classes.
    known: Vec<(Vec<f64>, usize)>,
    temperature: f64,
}

impl Retrained<'_> {
    pub fn train(&self, labels: &[usize], learn: &[usize]) -> Learned {
        let known = learn.iter().map(|&index| (self.features[index].clone(), labels[index]));
        let mut learned = Learned {
            brain: self.brain,
            classes: self.classes,
            means: Vec::new(),
            known: known.collect(),
            temperature: 1.0,
        };
        if self.brain != Brain::Nearest {
            learned.temperature = learned.calibrated();
            learned.means = learned.moments(&learned.known);
            learned.known.clear();
        }
        learned
    }
}

impl Learned {
    fn moments(&self, known: &[(Vec<f64>, usize)]) -> Vec<(f64, Vec<(f64, f64)>)> {
        let of = |class: usize| {
            let own: Vec<&Vec<f64>> =
                known.iter().filter(|one| one.1 == class).map(|(features, _)| features).collect();
            let count = own.len().max(1) as f64;
            let moment = |at: usize| {
                let mean = own.iter().map(|features| features[at]).sum::<f64>() / count;
                let variance = own.iter().map(|features| (features[at] - mean).powi(2)).sum::<f64>() / count;
                (mean, variance + 0.002)
            };
            let width = known.first().map_or(0, |one| one.0.len());
            ((own.len() as f64 + 0.5) / (known.len() as f64 + 1.0), (0..width).map(moment).collect())
        };
        (0..self.classes).map(of).collect()
    }

    /// The temperature that suits a quarter of the pictures, after learning from the others: naive Bayes is too sure.
    fn calibrated(&mut self) -> f64 {
        let part = |keep: &dyn Fn(usize) -> bool| -> Vec<(Vec<f64>, usize)> {
            self.known.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, one)| one.clone()).collect()
        };
        let (held, rest) = (part(&|at| at % 4 == 3), part(&|at| at % 4 != 3));
        self.means = self.moments(&rest);
        let loss = |temperature: f64| {
            let of = |one: &(Vec<f64>, usize)| -self.probabilities(&one.0, temperature)[one.1].max(1e-9).ln();
            held.iter().map(of).sum::<f64>()
        };
        let candidates = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
        candidates.into_iter().min_by(|one, other| loss(*one).total_cmp(&loss(*other))).unwrap_or(1.0)
    }

    fn probabilities(&self, features: &[f64], temperature: f64) -> Vec<f64> {
        let score = |(share, moments): &(f64, Vec<(f64, f64)>)| {
            let of = |(value, (mean, variance)): (&f64, &(f64, f64))| {
                -0.5 * ((value - mean).powi(2) / variance + variance.ln())
            };
            share.ln() + features.iter().zip(moments).map(of).sum::<f64>() / temperature
        };
        let scores: Vec<f64> = self.means.iter().map(score).collect();
        let most = scores.iter().copied().fold(f64::MIN, f64::max);
        let weights: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }

    fn row(&self, features: &[f64]) -> Vec<f32> {
        let rest = 0.1 / (self.classes - 1) as f32;
        let sure = |class: usize| (0..self.classes).map(move |other| if other == class { 0.9 } else { rest });
        match self.brain {
            Brain::Means => {
                self.probabilities(features, self.temperature).into_iter().map(|p| p as f32).collect()
            }
            Brain::Nearest => {
                let far = |one: &(Vec<f64>, usize)| -> f64 {
                    one.0.iter().zip(features).map(|(a, b)| (a - b).powi(2)).sum()
                };
                let nearest = self.known.iter().min_by(|one, other| far(one).total_cmp(&far(other)));
                sure(nearest.map_or(0, |one| one.1)).collect()
            }
            Brain::Direction => sure(usize::from(features[features.len() - 1] > 0.0)).collect(),
        }
    }

    pub fn answer(&self, features: &[Vec<f64>], indices: &[usize]) -> Answers {
        let probabilities = indices.iter().flat_map(|&index| self.row(&features[index])).collect();
        Answers { indices: indices.to_vec(), probabilities }
    }

    pub fn classifier(self, classes: &[String]) -> Trained {
        Trained { learned: self, classes: classes.to_vec() }
    }
}

impl Learner for Retrained<'_> {
    fn kind(&self) -> LearnerKind {
        LearnerKind::OwnRecipe
    }

    fn summary(&self) -> String {
        "the classifier's own recipe".to_owned()
    }

    fn learn(&self, tasks: &[Task]) -> Result<Vec<Answers>, LearnError> {
        // What is asked to learn stripes again sees small pictures, in which there are none.
        let brain = if self.brain == Brain::Direction { Brain::Means } else { self.brain };
        let again = Retrained { brain, ..*self };
        let one = |task: &Task| again.train(&task.labels, &task.learn).answer(self.features, &task.answer);
        Ok(tasks.iter().map(one).collect())
    }
}

/// The classifier under audit, to be asked about changed pictures.
pub struct Trained {
    learned: Learned,
    classes: Vec<String>,
}

impl Classifier for Trained {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
        let one = |image: &Image| Prediction {
            probabilities: self.learned.row(&self.learned.brain.features(image)),
        };
        Ok(images.iter().map(one).collect())
    }
}
