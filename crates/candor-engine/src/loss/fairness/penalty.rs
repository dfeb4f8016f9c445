//! The squared gap between groups, added to the loss.
//!
//! What is to be alike are predicted classes, and a predicted class has no gradient. In its place stands the sharpened
//! probability q_k = p_k⁴ / Σ_j p_j⁴: near 1 for the predicted class, near 0 for the others, and between them only where the
//! network hesitates. The probability itself would not do: means of it are made alike by being less sure for one group,
//! which changes no prediction.
//!
//! Of a batch, let m(g, c, k) be the mean of q_k over the samples of group g that meet the condition c. The gap is the mean
//! over the conditions of Σ_k mean_g (m(g, c, k) − mean_g m(g, c, k))²:
//!
//! | definition | condition | class |
//! |---|---|---|
//! | equal accuracy | none | the true one (a smooth share of right predictions) |
//! | demographic parity | none | each |
//! | equalised odds | the truth, each class once | each |
//!
//! Every group counts the same, however many samples it has. A condition that fewer than two groups of the batch meet
//! has no gap. Means of few samples swing, and what swings looks like a gap: batches should hold several of each group.

use super::{FairnessDefinition, Rows};
use crate::layer::Activation;

/// How much probabilities are sharpened: with 1 they would stay as they are, with more they are nearer to predictions, and
/// fewer samples have a gradient.
const SHARPNESS: i32 = 4;

/// The penalty with the memory that a step needs.
pub(crate) struct Penalty {
    definition: FairnessDefinition,
    weight: f64,
    groups: usize,
    classes: usize,
    /// Sum of the sharpened probabilities of each (cell, group); then the derivative of the gap with respect to each of them.
    sums: Vec<f64>,
    counts: Vec<f64>,
    /// The derivatives with respect to one output.
    slopes: Vec<f32>,
}

impl Penalty {
    pub fn new(definition: FairnessDefinition, weight: f32, groups: usize, classes: usize) -> Penalty {
        let cells = match definition {
            FairnessDefinition::EqualAccuracy => 1,
            FairnessDefinition::DemographicParity => classes,
            FairnessDefinition::EqualizedOdds => classes * classes,
        };
        let zeros = || vec![0.0; cells * groups];
        let weight = weight.into();
        Penalty { definition, weight, groups, classes, sums: zeros(), counts: zeros(), slopes: Vec::new() }
    }

    /// Adds the gradient of the penalty to `gradients`, and gives its value.
    pub fn add(&mut self, rows: Rows<'_>, gradients: &mut [f32]) -> f64 {
        self.tally(rows);
        let gap = self.differentiate();
        let units = rows.units();
        for ((output, target, group), gradient) in rows.samples().zip(gradients.chunks_exact_mut(units)) {
            let Some(group) = group else { continue };
            self.slopes.clear();
            self.slopes.resize(units, 0.0);
            for class in self.classes_asked(target) {
                let slope = self.weight * self.sums[self.cell(target, class) * self.groups + group];
                // One unit gives the sharpened probability of class 1.
                match (units, class) {
                    (1, 0) => self.slopes[0] -= slope as f32,
                    (1, _) => self.slopes[0] += slope as f32,
                    _ => self.slopes[class] = slope as f32,
                }
            }
            through(rows.before, output, &mut self.slopes);
            gradient.iter_mut().zip(&self.slopes).for_each(|(gradient, slope)| *gradient += slope);
        }
        self.weight * gap
    }

    /// Sharpened probabilities of each cell and group, summed over the batch.
    fn tally(&mut self, rows: Rows<'_>) {
        self.sums.fill(0.0);
        self.counts.fill(0.0);
        for (output, target, group) in rows.samples() {
            let Some(group) = group else { continue };
            let total = total(output);
            for class in self.classes_asked(target) {
                let place = self.cell(target, class) * self.groups + group;
                self.sums[place] += power(output, class, SHARPNESS) / total;
                self.counts[place] += 1.0;
            }
        }
    }

    /// The gap; each sum is replaced by the derivative of the gap with respect to it.
    fn differentiate(&mut self) -> f64 {
        let cells_of_a_condition = match self.definition {
            FairnessDefinition::EqualAccuracy => 1,
            _ => self.classes,
        };
        let cells = self.sums.chunks_mut(self.groups).zip(self.counts.chunks(self.groups));
        let (mut gap, mut compared) = (0.0, 0);
        for (sums, counts) in cells {
            if let Some(squared) = square_gap(sums, counts) {
                gap += squared;
                compared += 1;
            }
        }
        // Conditions that two groups meet.
        let conditions = f64::from(compared) / cells_of_a_condition as f64;
        let scale = if compared == 0 { 0.0 } else { 1.0 / conditions };
        self.sums.iter_mut().for_each(|slope| *slope *= scale);
        gap * scale
    }

    /// The classes whose probabilities are compared, for a sample whose class is `target`.
    fn classes_asked(&self, target: usize) -> std::ops::Range<usize> {
        match self.definition {
            FairnessDefinition::EqualAccuracy => target..target + 1,
            _ => 0..self.classes,
        }
    }

    fn cell(&self, target: usize, class: usize) -> usize {
        match self.definition {
            FairnessDefinition::EqualAccuracy => 0,
            FairnessDefinition::DemographicParity => class,
            FairnessDefinition::EqualizedOdds => target * self.classes + class,
        }
    }
}

/// The mean squared distance of the groups' means from their middle, and its derivatives in the place of the sums. `None`
/// and zeros where fewer than two groups are there.
fn square_gap(sums: &mut [f64], counts: &[f64]) -> Option<f64> {
    let there = counts.iter().filter(|&&count| count > 0.0).count();
    if there < 2 {
        sums.fill(0.0);
        return None;
    }
    let groups = there as f64;
    let means = |sums: &[f64]| -> f64 {
        sums.iter().zip(counts).filter(|(_, count)| **count > 0.0).map(|(sum, count)| sum / count).sum()
    };
    let middle = means(sums) / groups;
    let mut squares = 0.0;
    for (sum, &count) in sums.iter_mut().zip(counts).filter(|(_, count)| **count > 0.0) {
        let distance = *sum / count - middle;
        squares += distance * distance;
        // The distances add up to zero: what a mean does to the middle cancels out.
        *sum = 2.0 * distance / (groups * count);
    }
    Some(squares / groups)
}

/// The probability of a class.
fn probability(output: &[f32], class: usize) -> f64 {
    let probability = match (output, class) {
        ([single], 0) => 1.0 - f64::from(*single),
        ([single], _) => f64::from(*single),
        _ => output[class].into(),
    };
    probability.max(0.0)
}

fn power(output: &[f32], class: usize, exponent: i32) -> f64 {
    probability(output, class).powi(exponent)
}

/// What the powers of all classes add up to.
fn total(output: &[f32]) -> f64 {
    let classes = output.len().max(2);
    let sum: f64 = (0..classes).map(|class| power(output, class, SHARPNESS)).sum();
    sum.max(f64::MIN_POSITIVE)
}

/// Carries a gradient with respect to the sharpened probabilities to the outputs, or through the last activation, where it
/// is wanted before it.
fn through(before: Option<Activation>, output: &[f32], gradient: &mut [f32]) {
    let (total, sharpness) = (total(output), f64::from(SHARPNESS));
    let sharpened = |class: usize| power(output, class, SHARPNESS) / total;
    // dq_k / dp_j = 4 q_k (δ_kj − q_j) / p_j; the division is done by one power less.
    let per_probability = |class: usize| power(output, class, SHARPNESS - 1) / total;
    if let [gradient] = gradient {
        let both = match before {
            Some(Activation::Sigmoid) => sharpened(0) * sharpened(1),
            _ => per_probability(0) * per_probability(1),
        };
        *gradient *= (sharpness * both) as f32;
        return;
    }
    let mean: f64 =
        gradient.iter().enumerate().map(|(class, &slope)| sharpened(class) * f64::from(slope)).sum();
    for (class, slope) in gradient.iter_mut().enumerate() {
        // What softmax takes off is zero: its own slopes, weighed by the probabilities, add up to nothing.
        let factor =
            if before == Some(Activation::Softmax) { sharpened(class) } else { per_probability(class) };
        *slope = (sharpness * factor * (f64::from(*slope) - mean)) as f32;
    }
}
