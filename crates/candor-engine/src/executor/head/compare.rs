//! The way back through the vectors between two samples: multipliers of several seeds at once.

use super::{Head, HeadStep, activate_rows_backward, dense_input_gradient};
use crate::Parameters;
use crate::executor::End;
use crate::kernel::rescale;
use crate::layer::Activation;

impl Head {
    /// Multipliers with respect to the head's input, between the sample that `other` went forward with and each of the
    /// `samples` that this head went forward with: for each sample one row a seed. A seed weighs the units that stand at `end`.
    pub fn multiply_back(
        &mut self,
        other: &Head,
        parameters: &Parameters,
        end: End,
        (samples, seeds): (usize, &[Vec<f32>]),
    ) -> &[f32] {
        let rows = samples * seeds.len();
        let last = self.steps.len();
        let units = self.gradients[last][..rows * self.sizes[last]].chunks_exact_mut(self.sizes[last]);
        units.zip(seeds.iter().cycle()).for_each(|(units, seed)| units.copy_from_slice(seed));
        for index in (0..last).rev() {
            if index + 1 < last || end == End::Output {
                let function = self.steps[index].activation();
                self.rescale_rows(other, (index, function), (samples, seeds.len()));
            }
            let (size, outputs) = (self.sizes[index], self.sizes[index + 1]);
            let (before, after) = self.gradients.split_at_mut(index + 1);
            let (to, from) = (&mut before[index][..rows * size], &after[0][..rows * outputs]);
            match &self.steps[index] {
                HeadStep::Dense { weight, inputs, units, .. } => {
                    let weights = &parameters.tensors()[*weight].values;
                    dense_input_gradient(self.isa, (*inputs, *units), from, weights, to);
                }
                HeadStep::BatchNorm(norm) => norm.pull_back(from, to),
                HeadStep::Activation { .. } | HeadStep::Dropout { .. } => to.copy_from_slice(from),
            }
        }
        &self.gradients[0][..rows * self.sizes[0]]
    }

    /// Through one activation: Δoutput / Δinput of the two samples, or the derivative where the inputs are as good as equal.
    fn rescale_rows(
        &mut self,
        other: &Head,
        (index, function): (usize, Activation),
        (samples, seeds): (usize, usize),
    ) {
        if function == Activation::Linear {
            return;
        }
        let size = self.sizes[index + 1];
        let rows = self.gradients[index + 1][..samples * seeds * size].chunks_exact_mut(size);
        let mut behind = vec![0.0; size];
        for (row, gradient) in rows.enumerate() {
            let sample = row / seeds * size..(row / seeds + 1) * size;
            let x = [&self.values[index][sample.clone()], &other.values[index][..size]];
            let y = [&self.values[index + 1][sample], &other.values[index + 1][..size]];
            behind.copy_from_slice(gradient);
            let values = if function.gradient_from_output() { y[0] } else { x[0] };
            activate_rows_backward(self.isa, function, size, values, gradient);
            rescale(self.isa, x, y, &behind, gradient);
        }
    }
}
