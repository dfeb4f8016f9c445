//! An activation that could not be joined to the step before it.

use super::{Backward, FeatureStep, Forward, Pass, Reference, rows};
use crate::kernel::{Layout, activate, activate_backward, rescale};
use crate::layer::Activation;

/// Applies a function to every value.
pub(in crate::executor) struct ActivationStep {
    pub input: Layout,
    pub output: Layout,
    pub function: Activation,
}

impl FeatureStep for ActivationStep {
    fn forward(&self, pass: &Pass, block: Forward<'_>) {
        let samples = block
            .reads
            .get(0)
            .chunks_exact(self.input.len())
            .zip(block.output.chunks_exact_mut(self.output.len()));
        for (input, output) in samples {
            for ((_, _, from), (_, _, to)) in rows(&self.input).zip(rows(&self.output)) {
                output[to.clone()].copy_from_slice(&input[from]);
                activate(pass.isa, self.function, &mut output[to]);
            }
        }
    }

    fn backward(&self, pass: &Pass, block: Backward<'_>) {
        let Some(input_gradient) = block.input_gradient else { return };
        // The derivative is written in terms of the output where it can be, else of the input.
        let (values, layout) = if self.function.gradient_from_output() {
            (block.output, &self.output)
        } else {
            (block.reads.get(0), &self.input)
        };
        let values = values.chunks_exact(layout.len());
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        let samples = values.zip(gradients).zip(input_gradient.chunks_exact_mut(self.input.len()));
        for ((values, output_gradient), input_gradient) in samples {
            let places = rows(&self.input).zip(rows(&self.output)).zip(rows(layout));
            for (((_, _, to), (_, _, from)), (_, _, at)) in places {
                input_gradient[to.clone()].copy_from_slice(&output_gradient[from]);
                activate_backward(pass.isa, self.function, &values[at], &mut input_gradient[to]);
            }
        }
        if let Some(reference) = &block.reference {
            self.rescale(
                pass,
                (block.reads.get(0), block.output),
                reference,
                block.output_gradient,
                input_gradient,
            );
        }
    }
}

impl ActivationStep {
    /// Puts the multipliers in the place of the gradients, wherever input and reference differ.
    fn rescale(
        &self,
        pass: &Pass,
        (inputs, outputs): (&[f32], &[f32]),
        reference: &Reference<'_>,
        behind: &[f32],
        before: &mut [f32],
    ) {
        let samples = before.len() / self.input.len();
        for sample in 0..samples {
            let (input, output) = (sample * self.input.len(), sample * self.output.len());
            for ((_, _, at), (_, _, to)) in rows(&self.input).zip(rows(&self.output)) {
                let (at, to) = (input + at.start..input + at.end, output + to.start..output + to.end);
                let x = [&inputs[at.clone()], &reference.reads.get(0)[at.clone()]];
                let y = [&outputs[to.clone()], &reference.output[to.clone()]];
                rescale(pass.isa, x, y, &behind[to], &mut before[at]);
            }
        }
    }
}
