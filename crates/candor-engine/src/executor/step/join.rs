//! Steps that join several tensors into one.

use std::borrow::Cow;

use super::{Backward, FeatureStep, Forward, Pass, rows};
use crate::kernel::{BLOCK, Layout, activate, activate_backward};
use crate::layer::Activation;

/// The sum of the inputs, with the activation behind it.
pub(in crate::executor) struct AddStep {
    pub inputs: Vec<Layout>,
    pub output: Layout,
    /// One whose derivative can be told from its output.
    pub activation: Activation,
}

/// The inputs' channels behind each other.
pub(in crate::executor) struct ConcatStep {
    pub inputs: Vec<Layout>,
    pub output: Layout,
}

/// The first input times the second, value by value or with one value a channel.
pub(in crate::executor) struct MultiplyStep {
    pub inputs: [Layout; 2],
    pub output: Layout,
}

impl FeatureStep for AddStep {
    fn forward(&self, pass: &Pass, block: Forward<'_>) {
        for (which, layout) in self.inputs.iter().enumerate() {
            let inputs = block.reads.get(which).chunks_exact(layout.len());
            for (input, output) in inputs.zip(block.output.chunks_exact_mut(self.output.len())) {
                for ((_, _, from), (_, _, to)) in rows(layout).zip(rows(&self.output)) {
                    let (from, to) = (&input[from], &mut output[to]);
                    if which == 0 {
                        to.copy_from_slice(from)
                    } else {
                        add(from, to)
                    }
                    if which + 1 == self.inputs.len() {
                        activate(pass.isa, self.activation, to);
                    }
                }
            }
        }
    }

    fn backward(&self, pass: &Pass, block: Backward<'_>) {
        let samples = block.output.chunks_exact(self.output.len());
        let samples = samples.zip(block.output_gradient.chunks_exact_mut(self.output.len()));
        if block.which == 0 && self.activation != Activation::Linear {
            for (output, gradient) in samples {
                for (_, _, row) in rows(&self.output) {
                    activate_backward(pass.isa, self.activation, &output[row.clone()], &mut gradient[row]);
                }
            }
        }
        let Some(input_gradient) = block.input_gradient else { return };
        let layout = &self.inputs[block.which];
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        for (from, to) in gradients.zip(input_gradient.chunks_exact_mut(layout.len())) {
            for ((_, _, source), (_, _, target)) in rows(&self.output).zip(rows(layout)) {
                to[target].copy_from_slice(&from[source]);
            }
        }
    }
}

fn add(from: &[f32], to: &mut [f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

impl ConcatStep {
    /// The first channel of an input in the output.
    fn offset(&self, which: usize) -> usize {
        self.inputs[..which].iter().map(|layout| layout.channels).sum()
    }

    /// Calls `row` with the places of each pixel row of each channel, in the input and in the output.
    fn channels(&self, which: usize, mut row: impl FnMut(usize, usize)) {
        let (layout, offset) = (&self.inputs[which], self.offset(which));
        for channel in 0..layout.channels {
            for y in 0..layout.height {
                row(layout.position(channel, y, 0), self.output.position(offset + channel, y, 0));
            }
        }
    }

    /// Whether an input's blocks of channels are whole blocks of the output too.
    fn is_aligned(&self, which: usize) -> bool {
        let layout = &self.inputs[which];
        let is_last = which + 1 == self.inputs.len();
        self.offset(which).is_multiple_of(BLOCK) && (is_last || layout.channels.is_multiple_of(BLOCK))
    }

    /// The places of each row of 16 channels, in the input and in the output.
    fn planes(&self, which: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
        let first = self.offset(which) / BLOCK;
        rows(&self.inputs[which])
            .map(move |(plane, y, row)| (row.start, self.output.row_start(first + plane, y)))
    }
}

impl FeatureStep for ConcatStep {
    fn forward(&self, _pass: &Pass, block: Forward<'_>) {
        for (which, layout) in self.inputs.iter().enumerate() {
            let inputs = block.reads.get(which).chunks_exact(layout.len());
            for (input, output) in inputs.zip(block.output.chunks_exact_mut(self.output.len())) {
                if self.is_aligned(which) {
                    let len = layout.width * BLOCK;
                    self.planes(which).for_each(|(from, to)| {
                        output[to..to + len].copy_from_slice(&input[from..from + len]);
                    });
                } else {
                    self.channels(which, |from, to| {
                        for x in (0..layout.width).map(|x| x * BLOCK) {
                            output[to + x] = input[from + x];
                        }
                    });
                }
            }
        }
    }

    fn backward(&self, _pass: &Pass, block: Backward<'_>) {
        let Some(input_gradient) = block.input_gradient else { return };
        let layout = &self.inputs[block.which];
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        for (from, to) in gradients.zip(input_gradient.chunks_exact_mut(layout.len())) {
            if self.is_aligned(block.which) {
                let len = layout.width * BLOCK;
                self.planes(block.which).for_each(|(at, source)| {
                    to[at..at + len].copy_from_slice(&from[source..source + len]);
                });
            } else {
                // Channels that only fill up a block get no gradient.
                to.fill(0.0);
                self.channels(block.which, |at, source| {
                    for x in (0..layout.width).map(|x| x * BLOCK) {
                        to[at + x] = from[source + x];
                    }
                });
            }
        }
    }
}

impl MultiplyStep {
    /// Where the factor of each row of the first input lies in the second: a row, or one pixel for all.
    fn factor<'a>(&self, (plane, y): (usize, usize), second: &'a [f32]) -> &'a [f32] {
        let layout = &self.inputs[1];
        let (y, len) = if self.is_per_channel() { (0, BLOCK) } else { (y, layout.width * BLOCK) };
        &second[layout.row_start(plane, y)..][..len]
    }

    fn is_per_channel(&self) -> bool {
        self.inputs[1].height != self.inputs[0].height || self.inputs[1].width != self.inputs[0].width
    }
}

impl FeatureStep for MultiplyStep {
    fn forward(&self, _pass: &Pass, block: Forward<'_>) {
        let [first, second] =
            [0, 1].map(|which| block.reads.get(which).chunks_exact(self.inputs[which].len()));
        let samples = first.zip(second).zip(block.output.chunks_exact_mut(self.output.len()));
        for ((first, second), output) in samples {
            for ((plane, y, from), (_, _, to)) in rows(&self.inputs[0]).zip(rows(&self.output)) {
                let factor = self.factor((plane, y), second).iter().cycle();
                let values = first[from].iter().zip(factor);
                output[to].iter_mut().zip(values).for_each(|(to, (a, b))| *to = a * b);
            }
        }
    }

    fn backward(&self, _pass: &Pass, block: Backward<'_>) {
        let Some(input_gradient) = block.input_gradient else { return };
        let layout = &self.inputs[block.which];
        let mut other = Cow::from(block.reads.get(1 - block.which));
        if let Some(compared) = &block.compared {
            // Δ(a · b) = Δa · (b + b′) / 2 + Δb · (a + a′) / 2.
            let values = other.to_mut().iter_mut().zip(compared.reads.get(1 - block.which));
            values.for_each(|(own, other)| *own = (*own + other) / 2.0);
        }
        // The only sample of a comparison serves all seeds.
        let others = other.chunks_exact(self.inputs[1 - block.which].len()).cycle();
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        let samples = gradients.zip(others).zip(input_gradient.chunks_exact_mut(layout.len()));
        for ((gradient, other), to) in samples {
            if block.which == 0 {
                for ((plane, y, target), (_, _, from)) in rows(layout).zip(rows(&self.output)) {
                    let factor = self.factor((plane, y), other).iter().cycle();
                    let values = gradient[from].iter().zip(factor);
                    to[target].iter_mut().zip(values).for_each(|(to, (g, b))| *to = g * b);
                }
            } else {
                to.fill(0.0);
                for ((plane, y, inside), (_, _, from)) in rows(&self.inputs[0]).zip(rows(&self.output)) {
                    let start = layout.row_start(plane, if self.is_per_channel() { 0 } else { y });
                    for (index, (g, a)) in gradient[from].iter().zip(&other[inside]).enumerate() {
                        let at = if self.is_per_channel() { index % BLOCK } else { index };
                        to[start + at] += g * a;
                    }
                }
            }
        }
    }
}
