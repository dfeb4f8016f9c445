//! An activation that could not be joined to the step before it.

use super::{Backward, Compared, FeatureStep, Forward, Pass, rows};
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
        if let Some(compared) = block.compared {
            return self.multiply_back(pass, compared, block);
        }
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
    }
}

impl ActivationStep {
    /// Multiplies with Δoutput / Δinput, or with the derivative where the inputs are as good as equal: it is found once, for
    /// all seeds.
    fn multiply_back(&self, pass: &Pass, compared: Compared<'_>, block: Backward<'_>) {
        let Some(input_gradient) = block.input_gradient else { return };
        let (inputs, outputs) = (block.reads.get(0), block.output);
        let ones = vec![1.0; self.input.width * self.input.block];
        let mut slopes = ones.clone();
        for ((_, _, at), (_, _, to)) in rows(&self.input).zip(rows(&self.output)) {
            let x = [&inputs[at.clone()], &compared.reads.get(0)[at.clone()]];
            let y = [&outputs[to.clone()], &compared.output[to.clone()]];
            slopes.fill(1.0);
            let values = if self.function.gradient_from_output() { y[0] } else { x[0] };
            activate_backward(pass.isa, self.function, values, &mut slopes);
            rescale(pass.isa, x, y, &ones, &mut slopes);
            let seeds = block.output_gradient.chunks_exact(self.output.len());
            for (from, before) in seeds.zip(input_gradient.chunks_exact_mut(self.input.len())) {
                let values = from[to.clone()].iter().zip(&slopes);
                before[at.clone()].iter_mut().zip(values).for_each(|(to, (from, slope))| *to = from * slope);
            }
        }
    }
}
