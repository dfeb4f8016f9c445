//! A convolution in which every channel has a filter of its own (MobileNet), with the activation behind it.
//!
//! A block of channels goes through alone: its sums need one plane of the input.

use super::channels::Dimensions;
use super::ending::Ending;
use super::phase::{Phase, leave_gaps, phases};
use super::{ConvolutionPlace, collect_biases, load_biases};
use crate::Parameters;
use crate::executor::step::{Backward, FeatureStep, Forward, Pass, StepMemory, clear_halo};
use crate::kernel::{BLOCK, Buffer, Grid, Isa, Region, add_depthwise_weight_gradient, convolve_depthwise};

/// A depthwise convolution compiled for its place.
pub(super) struct DepthwiseStep {
    isa: Isa,
    shape: Dimensions,
    taps: Vec<usize>,
    ending: Ending,
    /// Places of weight and bias among the network's parameters.
    weight: usize,
    bias: Option<usize>,
    /// \[block\]\[tap\]\[channel\].
    weights: Buffer,
    biases: Buffer,
    /// Where the input's gradient is wanted: each phase with its weights, \[block\]\[tap\]\[channel\].
    phases: Vec<(Phase, Buffer)>,
}

impl DepthwiseStep {
    pub fn new(isa: Isa, shape: Dimensions, ending: Ending, place: &ConvolutionPlace) -> DepthwiseStep {
        let taps = shape.taps();
        let padded = shape.input.planes() * BLOCK;
        let phases = if place.input_gradient { phases(&shape) } else { Vec::new() };
        DepthwiseStep {
            isa,
            shape,
            ending,
            weight: place.weight,
            bias: place.bias,
            weights: Buffer::zeros(padded * taps.len()),
            biases: Buffer::zeros(padded),
            phases: phases
                .into_iter()
                .map(|phase| {
                    let weights = Buffer::zeros(padded * phase.taps.len());
                    (phase, weights)
                })
                .collect(),
            taps,
        }
    }

    fn forward_sample(&self, input: &[f32], output: &mut [f32], kept: &mut [f32]) {
        let (shape, layout) = (&self.shape, &self.shape.output);
        let biases = self.biases.as_chunks::<BLOCK>().0;
        let blocks = self.weights.chunks_exact(self.taps.len() * BLOCK).zip(biases);
        for (block, (weights, bias)) in blocks.enumerate() {
            let plane = &input[block * shape.input.plane()..][..shape.input.plane()];
            // Row by row, so that the activation finds it in the first-level cache.
            for y in 0..layout.height {
                let to = Grid { start: layout.row_start(block, y), step: BLOCK, row: layout.row() };
                let (from, size) = ((plane, shape.origins(y)), (1, layout.width));
                convolve_depthwise(self.isa, &self.taps, size, from, weights, bias, (&mut *output, to));
                self.ending.forward((block, y), output, kept);
            }
        }
    }

    fn add_weight_gradient(&self, input: &[f32], gradient: &[f32], weight_gradient: &mut [f32]) {
        let (shape, layout) = (&self.shape, &self.shape.output);
        for (block, dw) in weight_gradient.chunks_exact_mut(self.taps.len() * BLOCK).enumerate() {
            let plane = &input[block * shape.input.plane()..][..shape.input.plane()];
            let g = Grid { start: layout.row_start(block, 0), step: BLOCK, row: layout.row() };
            let region = Region { rows: layout.height, columns: layout.width, x: shape.origins(0), g };
            add_depthwise_weight_gradient(self.isa, &self.taps, &region, plane, gradient, dw);
        }
    }

    fn write_input_gradient(&self, gradient: &mut [f32], input_gradient: &mut [f32]) {
        let shape = &self.shape;
        clear_halo(&shape.output, gradient);
        if leave_gaps(self.phases.iter().map(|(phase, _)| phase), shape) {
            input_gradient.fill(0.0);
        }
        for (phase, weights) in &self.phases {
            for (block, weights) in weights.chunks_exact(phase.taps.len() * BLOCK).enumerate() {
                let plane = &gradient[block * shape.output.plane()..][..shape.output.plane()];
                let (from, to) = ((plane, phase.from(shape)), (&mut *input_gradient, phase.to(shape, block)));
                let size = (phase.rows, phase.columns);
                convolve_depthwise(self.isa, &phase.taps, size, from, weights, &[0.0; BLOCK], to);
            }
        }
    }
}

impl FeatureStep for DepthwiseStep {
    fn memory(&self, samples: usize, training: bool) -> StepMemory {
        let of_training = |len: usize| Buffer::zeros(if training { len } else { 0 });
        StepMemory {
            weight_gradient: of_training(self.weights.len()),
            bias_gradient: of_training(self.biases.len()),
            kept: of_training(samples * self.ending.kept_len()),
            ..StepMemory::default()
        }
    }

    fn forward(&self, _pass: &Pass, block: Forward<'_>) {
        let inputs = block.reads.get(0).chunks_exact(self.shape.input.len());
        let outputs = block.output.chunks_exact_mut(self.shape.output.len());
        for (slot, (input, output)) in block.slots.clone().zip(inputs.zip(outputs)) {
            self.forward_sample(input, output, block.memory.kept_mut(slot, self.ending.kept_len()));
        }
    }

    fn backward(&self, pass: &Pass, block: Backward<'_>) {
        let (inputs, outputs) = (self.shape.input.len(), self.shape.output.len());
        for (index, slot) in block.slots.clone().enumerate() {
            let input = &block.reads.get(0)[index * inputs..][..inputs];
            let output = &block.output[index * outputs..][..outputs];
            let gradient = &mut block.output_gradient[index * outputs..][..outputs];
            let StepMemory { kept, weight_gradient, bias_gradient, .. } = &mut *block.memory;
            let kept = &kept[slot * self.ending.kept_len()..][..self.ending.kept_len()];
            self.ending.backward(output, kept, gradient, bias_gradient);
            if pass.learning {
                self.add_weight_gradient(input, gradient, weight_gradient);
            }
        }
        let Some(input_gradient) = block.input_gradient else { return };
        let gradients = block.output_gradient.chunks_exact_mut(outputs);
        for (gradient, to) in gradients.zip(input_gradient.chunks_exact_mut(inputs)) {
            self.write_input_gradient(gradient, to);
        }
    }

    fn load(&mut self, parameters: &Parameters) {
        load_biases(self.bias, parameters, &mut self.biases);
        let (columns, per_channel) = (self.shape.kernel.columns, self.taps.len());
        for (channel, values) in
            parameters.tensors()[self.weight].values.chunks_exact(per_channel).enumerate()
        {
            let (block, lane) = (channel / BLOCK, channel % BLOCK);
            for (tap, &value) in values.iter().enumerate() {
                self.weights[(block * per_channel + tap) * BLOCK + lane] = value;
            }
            for (phase, weights) in &mut self.phases {
                for (tap, (u, v)) in phase.kernel_positions.iter().enumerate() {
                    weights[(block * phase.taps.len() + tap) * BLOCK + lane] = values[u * columns + v];
                }
            }
        }
    }

    fn collect(&self, lanes: &[&StepMemory], gradients: &mut Parameters) {
        let per_channel = self.taps.len();
        let weights = gradients.tensors_mut()[self.weight].values.chunks_exact_mut(per_channel);
        for (channel, gradients) in weights.enumerate() {
            for (tap, gradient) in gradients.iter_mut().enumerate() {
                let at = (channel / BLOCK * per_channel + tap) * BLOCK + channel % BLOCK;
                *gradient = lanes.iter().map(|lane| lane.weight_gradient[at]).sum();
            }
        }
        collect_biases(self.bias, lanes, gradients);
    }
}
