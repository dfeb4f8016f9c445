//! Pooling that is not joined to a convolution.

use super::{Backward, FeatureStep, Forward, Pass, StepMemory, rows};
use crate::kernel::{BLOCK, LEAST_DIFFERENCE, Layout, Windows, avg_pool_row, max_pool_row};

/// The largest value in each window.
pub(in crate::executor) struct MaxPoolStep {
    pub input: Layout,
    pub output: Layout,
    pub windows: Windows,
}

/// The mean of each window.
pub(in crate::executor) struct AvgPoolStep {
    pub input: Layout,
    pub output: Layout,
    pub windows: Windows,
}

/// The input plane from its first pixel inside the halo on.
fn interior<'a>(layout: &Layout, plane: usize, sample: &'a [f32]) -> &'a [f32] {
    &sample[layout.row_start(plane, 0)..(plane + 1) * layout.plane()]
}

/// Values in an output row.
fn row_len(output: &Layout) -> usize {
    output.width * BLOCK
}

impl FeatureStep for MaxPoolStep {
    fn memory(&self, samples: usize, _training: bool) -> StepMemory {
        StepMemory { places: vec![0; samples * self.output.without_halo().len()], ..StepMemory::default() }
    }

    fn forward(&self, pass: &Pass, block: Forward<'_>) {
        let per_sample = self.output.without_halo().len();
        let places = &mut block.memory.places[block.slots.start * per_sample..block.slots.end * per_sample];
        let samples = block
            .reads
            .get(0)
            .chunks_exact(self.input.len())
            .zip(block.output.chunks_exact_mut(self.output.len()));
        for ((input, output), places) in samples.zip(places.chunks_exact_mut(per_sample)) {
            let len = row_len(&self.output);
            for (index, places) in places.chunks_exact_mut(len).enumerate() {
                let (plane, y) = (index / self.output.height, index % self.output.height);
                let start = self.output.row_start(plane, y);
                let out = &mut output[start..start + len];
                let source = (interior(&self.input, plane, input), self.input.row());
                max_pool_row(pass.isa, &self.windows, source, y, out, places, false);
            }
        }
    }

    fn backward(&self, _pass: &Pass, block: Backward<'_>) {
        let Some(input_gradient) = block.input_gradient else { return };
        input_gradient.fill(0.0);
        let per_sample = self.output.without_halo().len();
        let places = &block.memory.places[block.slots.start * per_sample..block.slots.end * per_sample];
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        let samples = gradients.zip(input_gradient.chunks_exact_mut(self.input.len()));
        if let Some(compared) = block.compared {
            let own = Side { inputs: block.reads.get(0), outputs: block.output, places };
            let places = &compared.memory.places[..];
            let other = Side { inputs: compared.reads.get(0), outputs: compared.output, places };
            let slopes = self.slopes([own, other]);
            return samples.for_each(|(from, to)| {
                slopes.iter().for_each(|slope| to[slope.input] += from[slope.output] * slope.value);
            });
        }
        for ((from, to), places) in samples.zip(places.chunks_exact(per_sample)) {
            for (index, &place) in places.iter().enumerate() {
                let (lane, x, row) =
                    (index % BLOCK, index / BLOCK % self.output.width, index / row_len(&self.output));
                let (plane, y) = (row / self.output.height, row % self.output.height);
                let (input_y, input_x) = self.windows.pixel_at(y, x, place);
                let channel = plane * BLOCK + lane;
                to[self.input.position(channel, input_y, input_x)] +=
                    from[self.output.position(channel, y, x)];
            }
        }
    }
}

/// A sample of two that are compared: inputs, outputs, and where the maxima were found.
#[derive(Clone, Copy)]
struct Side<'a> {
    inputs: &'a [f32],
    outputs: &'a [f32],
    places: &'a [u16],
}

/// Δoutput / Δinput at the place that the difference of two maxima goes to.
struct Slope {
    input: usize,
    output: usize,
    value: f32,
}

impl MaxPoolStep {
    /// The difference of two maxima goes to where the larger one was found: there the inputs differ at least as much.
    fn slopes(&self, [own, other]: [Side<'_>; 2]) -> Vec<Slope> {
        let (windows, row) = (&self.windows, self.input.row());
        let before = windows.pad_top * row + windows.pad_left * BLOCK;
        let places = 0..windows.rows * windows.columns;
        let offsets: Vec<usize> =
            places.map(|place| place / windows.columns * row + place % windows.columns * BLOCK).collect();
        let mut slopes = Vec::with_capacity(own.places.len());
        for (number, (plane, y, outputs)) in rows(&self.output).enumerate() {
            let first = self.input.row_start(plane, 0) + y * windows.row_step * row;
            let len = outputs.len();
            for (index, output) in outputs.enumerate() {
                let difference = own.outputs[output] - other.outputs[output];
                let larger = if difference >= 0.0 { own } else { other };
                let place = larger.places[number * len + index];
                let window = first + index / BLOCK * windows.column_step * BLOCK + index % BLOCK;
                let input = window + offsets[usize::from(place)] - before;
                let of_inputs = own.inputs[input] - other.inputs[input];
                if of_inputs.abs() >= LEAST_DIFFERENCE {
                    slopes.push(Slope { input, output, value: difference / of_inputs });
                }
            }
        }
        slopes
    }
}

impl FeatureStep for AvgPoolStep {
    fn forward(&self, pass: &Pass, block: Forward<'_>) {
        let samples = block
            .reads
            .get(0)
            .chunks_exact(self.input.len())
            .zip(block.output.chunks_exact_mut(self.output.len()));
        for (input, output) in samples {
            for plane in 0..self.output.planes() {
                for y in 0..self.output.height {
                    let start = self.output.row_start(plane, y);
                    let source = (interior(&self.input, plane, input), self.input.row());
                    let out = &mut output[start..start + row_len(&self.output)];
                    avg_pool_row(pass.isa, &self.windows, source, y, out);
                }
            }
        }
    }

    fn backward(&self, _pass: &Pass, block: Backward<'_>) {
        let Some(input_gradient) = block.input_gradient else { return };
        input_gradient.fill(0.0);
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        for (from, to) in gradients.zip(input_gradient.chunks_exact_mut(self.input.len())) {
            for channel in (0..self.output.planes() * BLOCK).step_by(BLOCK) {
                for (y, x) in
                    (0..self.output.height).flat_map(|y| (0..self.output.width).map(move |x| (y, x)))
                {
                    let start = self.output.position(channel, y, x);
                    self.spread(channel, (y, x), &from[start..start + BLOCK], to);
                }
            }
        }
    }
}

impl AvgPoolStep {
    /// Gives every pixel of a window its share of the window's gradient.
    fn spread(&self, channel: usize, (y, x): (usize, usize), gradient: &[f32], to: &mut [f32]) {
        let (rows, columns) = (self.windows.row_range(y).0, self.windows.column_range(x).0);
        let share = 1.0 / (rows.len() * columns.len()) as f32;
        for (row, column) in rows.flat_map(|row| columns.clone().map(move |column| (row, column))) {
            let start = self.input.position(channel, row, column);
            to[start..start + BLOCK].iter_mut().zip(gradient).for_each(|(to, from)| *to += share * from);
        }
    }
}
