//! Changes made to fool a classifier: along the gradient of its loss, within a distance ε of the picture.
//!
//! One step as long as ε is the fast gradient (sign) method of Goodfellow et al., "Explaining and harnessing adversarial
//! examples" (2015); many short steps, each brought back into the ball, are the projected gradient descent of Madry et al.,
//! "Towards deep learning models resistant to adversarial attacks" (2018), here from the picture itself instead of from a
//! random place beside it, so that the same picture is changed alike each time (Kurakin et al.'s basic iterative method).

use candor_core::{ClassifyError, DifferentiableClassifier, Quantity};

/// How far two pictures are from each other; values in 0..=1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// The largest difference of any value.
    Linf,
    /// The root of the sum of the squared differences.
    L2,
}

/// One way to change pictures.
#[derive(Clone, Copy, Debug)]
pub struct Attack {
    /// What people call it.
    pub name: &'static str,
    /// The distance that it keeps to.
    pub norm: Norm,
    /// Steps along the gradient.
    pub steps: usize,
    /// Length of a step, as a share of ε.
    pub step: f32,
}

/// All of them, in the order of the tables. Steps of 2.5 ε / steps are Madry et al.'s.
pub static ATTACKS: [Attack; 4] = [
    Attack { name: "FGSM, L∞", norm: Norm::Linf, steps: 1, step: 1.0 },
    Attack { name: "PGD, L∞", norm: Norm::Linf, steps: 20, step: 0.125 },
    Attack { name: "FGM, L2", norm: Norm::L2, steps: 1, step: 1.0 },
    Attack { name: "PGD, L2", norm: Norm::L2, steps: 20, step: 0.125 },
];

impl Norm {
    /// Turns each value of a gradient into a direction of length 1.
    fn normalise(self, gradient: &mut [f32]) {
        match self {
            Norm::Linf => gradient.iter_mut().for_each(|value| *value = sign(*value)),
            Norm::L2 => {
                let length = length(gradient).max(1e-12);
                gradient.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
            }
        }
    }

    /// Shortens a difference to at most ε.
    fn project(self, difference: &mut [f32], epsilon: f32) {
        match self {
            Norm::Linf => difference.iter_mut().for_each(|value| *value = value.clamp(-epsilon, epsilon)),
            Norm::L2 => {
                let share = (f64::from(epsilon) / length(difference).max(1e-12)).min(1.0);
                difference.iter_mut().for_each(|value| *value = (f64::from(*value) * share) as f32);
            }
        }
    }
}

impl Attack {
    /// `inputs`, one picture behind the other with values in 0..=1, each changed by at most its ε so that the loss of its
    /// class in `truth` grows; values stay in 0..=1.
    ///
    /// # Errors
    /// When the classifier cannot run.
    pub fn on(
        &self,
        classifier: &dyn DifferentiableClassifier,
        inputs: &[f32],
        truth: &[usize],
        epsilons: &[f32],
    ) -> Result<Vec<f32>, ClassifyError> {
        let size = inputs.len() / truth.len().max(1);
        let of: Vec<Quantity> = truth.iter().map(|&class| Quantity::Loss(class)).collect();
        let mut changed = inputs.to_vec();
        for _ in 0..self.steps {
            let mut gradients = classifier.gradient(&changed, &of)?;
            let pictures = changed.chunks_exact_mut(size).zip(inputs.chunks_exact(size));
            for (((picture, original), gradient), &epsilon) in
                pictures.zip(gradients.chunks_exact_mut(size)).zip(epsilons)
            {
                self.step(picture, original, gradient, epsilon);
            }
        }
        Ok(changed)
    }

    /// One step of one picture; what is left in `gradient` has no meaning.
    fn step(&self, picture: &mut [f32], original: &[f32], gradient: &mut [f32], epsilon: f32) {
        self.norm.normalise(gradient);
        let places = || original.iter().zip(picture.iter());
        let moved =
            |direction: f32, original: f32, now: f32| now + self.step * epsilon * direction - original;
        let mut differences: Vec<f32> = gradient
            .iter()
            .zip(places())
            .map(|(&direction, (&original, &now))| moved(direction, original, now))
            .collect();
        self.norm.project(&mut differences, epsilon);
        for ((value, original), difference) in picture.iter_mut().zip(original).zip(differences) {
            *value = (original + difference).clamp(0.0, 1.0);
        }
    }
}

/// −1, 0 or 1: unlike `signum`, nothing of nothing.
fn sign(value: f32) -> f32 {
    if value == 0.0 { 0.0 } else { value.signum() }
}

fn length(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}
