//! Group distributionally robust optimisation: the loss of the worst group, nearly.

use super::Rows;
use crate::loss::Objective;

/// The groups' weights q: not negative, their sum is 1.
pub(crate) struct GroupDro {
    step_size: f64,
    weights: Vec<f64>,
    /// Of each group: the weighted sum of its losses in the batch, and the weight of its samples.
    losses: Vec<(f64, f64)>,
}

impl GroupDro {
    pub fn new(step_size: f32, groups: usize) -> GroupDro {
        let weights = vec![1.0 / groups as f64; groups];
        GroupDro { step_size: step_size.into(), weights, losses: vec![(0.0, 0.0); groups] }
    }

    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    pub fn restore(&mut self, weights: &[f64]) -> bool {
        let fits = weights.len() == self.weights.len();
        if fits {
            self.weights.copy_from_slice(weights);
        }
        fits
    }

    /// Σ q × mean loss of the group, with its gradient in `gradients`. Learning moves q first, as the source has it.
    ///
    /// # Panics
    /// When a sample belongs to no group.
    pub fn reweigh(
        &mut self,
        objective: &Objective<'_>,
        rows: Rows<'_>,
        is_learning: bool,
        gradients: &mut [f32],
    ) -> f64 {
        self.tally(objective, rows);
        if is_learning {
            self.move_weights();
        }
        let units = rows.units();
        for ((output, target, group), gradient) in rows.samples().zip(gradients.chunks_exact_mut(units)) {
            let group = of(group);
            // What the gradient is divided by: the group's samples weigh q together.
            let total = self.losses[group].1 / self.weights[group];
            objective.of(output, target, total as f32, Some(gradient));
        }
        self.losses.iter().map(mean).zip(&self.weights).map(|(mean, weight)| mean * weight).sum()
    }

    fn tally(&mut self, objective: &Objective<'_>, rows: Rows<'_>) {
        self.losses.fill((0.0, 0.0));
        for (output, target, group) in rows.samples() {
            let (loss, weight) = &mut self.losses[of(group)];
            *loss += objective.of(output, target, 1.0, None);
            *weight += f64::from(objective.weight_of(&[target]));
        }
    }

    fn move_weights(&mut self) {
        // Taken from all alike, so that it changes no share: what is left cannot overflow.
        let largest = self.losses.iter().map(mean).fold(0.0, f64::max);
        for (weight, losses) in self.weights.iter_mut().zip(&self.losses) {
            *weight *= (self.step_size * (mean(losses) - largest)).exp();
        }
        let sum: f64 = self.weights.iter().sum();
        self.weights.iter_mut().for_each(|weight| *weight = (*weight / sum).max(SMALLEST));
    }
}

/// No weight is smaller, so that a group can come back.
const SMALLEST: f64 = 1e-12;

/// The mean loss of a group; 0 where the batch has none of it, as in the authors' programme.
fn mean((loss, weight): &(f64, f64)) -> f64 {
    if *weight > 0.0 { loss / weight } else { 0.0 }
}

fn of(group: Option<usize>) -> usize {
    group.expect("group DRO needs the group of every sample")
}
