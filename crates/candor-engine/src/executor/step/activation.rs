//! An activation that could not be joined to the step before it.

use super::{Backward, FeatureStep, Forward, Pass, StepMemory, rows};
use crate::kernel::{Layout, activate, activate_backward};
use crate::layer::Activation;

/// Applies a function to every value.
pub(in crate::executor) struct ActivationStep {
    pub input: Layout,
    pub output: Layout,
    pub function: Activation,
}

impl FeatureStep for ActivationStep {
    fn input(&self) -> &Layout {
        &self.input
    }

    fn output(&self) -> &Layout {
        &self.output
    }

    fn memory(&self, _samples: usize, _training: bool) -> StepMemory {
        StepMemory::default()
    }

    fn forward(&self, pass: &Pass, block: Forward<'_>) {
        let samples =
            block.input.chunks_exact(self.input.len()).zip(block.output.chunks_exact_mut(self.output.len()));
        for (input, output) in samples {
            for ((_, _, from), (_, _, to)) in rows(&self.input).zip(rows(&self.output)) {
                output[to.clone()].copy_from_slice(&input[from]);
                activate(pass.isa, self.function, &mut output[to]);
            }
        }
    }

    fn backward(&self, pass: &Pass, block: Backward<'_>) {
        let Some(input_gradient) = block.input_gradient else { return };
        let outputs = block.output.chunks_exact(self.output.len());
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        let samples = outputs.zip(gradients).zip(input_gradient.chunks_exact_mut(self.input.len()));
        for ((output, output_gradient), input_gradient) in samples {
            for ((_, _, to), (_, _, from)) in rows(&self.input).zip(rows(&self.output)) {
                input_gradient[to.clone()].copy_from_slice(&output_gradient[from.clone()]);
                activate_backward(pass.isa, self.function, &output[from], &mut input_gradient[to]);
            }
        }
    }
}
