//! Dropout of feature maps.

use super::{Backward, FeatureStep, Forward, Pass, rows};
use crate::kernel::{Layout, dropout};
use crate::random::Stream;

/// Drops values while training, copies them otherwise.
pub(in crate::executor) struct DropoutStep {
    pub input: Layout,
    pub output: Layout,
    pub rate: f32,
    /// The layer's number in the network: each has masks of its own.
    pub layer: u64,
}

impl DropoutStep {
    fn apply(
        &self,
        pass: &Pass,
        sample: usize,
        (from, from_layout): (&[f32], &Layout),
        to: &mut [f32],
        to_layout: &Layout,
    ) {
        let stream = pass.dropout.map(|stream| stream.at(self.layer).at(sample as u64));
        for (index, ((_, _, source), (_, _, target))) in rows(from_layout).zip(rows(to_layout)).enumerate() {
            let first = index * source.len();
            match stream {
                Some(stream) => masked(pass, stream, self.rate, first, &from[source], &mut to[target]),
                None => to[target].copy_from_slice(&from[source]),
            }
        }
    }
}

fn masked(pass: &Pass, stream: Stream, rate: f32, first: usize, from: &[f32], to: &mut [f32]) {
    dropout(pass.isa, stream, rate, first, from, to);
}

impl FeatureStep for DropoutStep {
    fn forward(&self, pass: &Pass, block: Forward<'_>) {
        let samples = block
            .reads
            .get(0)
            .chunks_exact(self.input.len())
            .zip(block.output.chunks_exact_mut(self.output.len()));
        for (index, (input, output)) in samples.enumerate() {
            self.apply(pass, block.first_sample + index, (input, &self.input), output, &self.output);
        }
    }

    fn backward(&self, pass: &Pass, block: Backward<'_>) {
        let Some(input_gradient) = block.input_gradient else { return };
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        for (index, (from, to)) in
            gradients.zip(input_gradient.chunks_exact_mut(self.input.len())).enumerate()
        {
            self.apply(pass, block.first_sample + index, (from, &self.output), to, &self.input);
        }
    }
}
