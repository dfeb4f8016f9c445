//! The ways back through a convolution: over the non-zero gradients behind a pooling, over gradients that are spread out
//! to where the maxima were, and over dense ones.

use super::channels::{Dimensions, group_of};
use super::phase::leave_gaps;
use super::winograd::{Pixels, Tiling, WinogradGradient, WinogradSum};
use super::{ConvolutionStep, PhaseSum};
use crate::executor::step::{Backward, Pass, StepMemory, clear_halo};
use crate::kernel::{
    BLOCK, Buffer, Entry, Grid, Isa, Lists, Pairing, Region, Rows, TapSum, Windows, add_sparse_gradients,
    add_weight_gradient, combine_rows, pack_planes, spread_row,
};

/// How the gradient with respect to the input is made.
pub(super) enum InputGradient {
    /// By visiting non-zero gradients; weights as \[o\]\[plane\]\[tap\]\[16\].
    Sparse(Buffer),
    /// By convolving the output's gradient, once for each remainder of a position by the stride.
    Dense(Vec<PhaseSum>),
    /// By convolving the output's gradient by way of tiles.
    Tiled(WinogradSum),
    /// Into an input of one or three channels: each row of the output's gradient times the weights, as a matrix product, and
    /// the terms added up where they belong; weights as \[o\]\[term\].
    Pixels(Buffer),
}

impl InputGradient {
    pub fn new(isa: Isa, shape: &Dimensions, sum: &TapSum, pooled: bool) -> InputGradient {
        match Tiling::of_input(shape) {
            _ if shape.input.block != BLOCK => {
                InputGradient::Pixels(Buffer::zeros(shape.output.planes() * BLOCK * sum.terms()))
            }
            _ if pooled => InputGradient::Sparse(Buffer::zeros(shape.output.planes() * BLOCK * sum.terms())),
            Some(tiling) => {
                InputGradient::Tiled(WinogradSum::new(isa, tiling, shape.filters, shape.input.channels))
            }
            None => InputGradient::Dense(PhaseSum::all(isa, shape)),
        }
    }

    /// Takes over new weights.
    pub fn load(&mut self, shape: &Dimensions, sum: &TapSum, weight: &[f32]) {
        match self {
            InputGradient::Sparse(to) => {
                let taps = sum.taps.len();
                for ((channel, filter), kernel) in shape.kernels(weight) {
                    let first = (filter * sum.planes + channel / BLOCK) * taps * BLOCK + channel % BLOCK;
                    kernel.iter().enumerate().for_each(|(tap, &value)| to[first + tap * BLOCK] = value);
                }
            }
            InputGradient::Pixels(to) => {
                for ((channel, filter), kernel) in shape.kernels(weight) {
                    for (tap, &value) in kernel.iter().enumerate() {
                        to[filter * sum.terms() + tap * sum.block + channel] = value;
                    }
                }
            }
            InputGradient::Dense(phases) => phases.iter_mut().for_each(|phase| phase.load(shape, weight)),
            // The way back sees the kernel from the other side.
            InputGradient::Tiled(tiled) => tiled.load(|filter, channel| {
                let kernel = shape.square_kernel(weight, filter, channel);
                std::array::from_fn(|tap| kernel[8 - tap])
            }),
        }
    }
}

impl ConvolutionStep {
    /// The row of windows at `y`: gradients of a block of channels, and where their maxima were found.
    fn pooled_row<'a>(
        &self,
        (block, y): (usize, usize),
        gradient: &'a [f32],
        places: &'a [u16],
    ) -> (&'a [f32], &'a [u16]) {
        let len = self.shape.output.width * BLOCK;
        let start = self.shape.output.row_start(block, y);
        (&gradient[start..start + len], &places[(block * self.shape.output.height + y) * len..][..len])
    }

    /// A pooled convolution of blocks of channels: only gradients that are not zero are visited.
    pub(super) fn backward_sparse(&self, windows: &Windows, pass: &Pass, block: Backward<'_>) {
        let (input_len, output_len) = (self.shape.input.len(), self.shape.output.len());
        let (per_sample, kept_len) = (self.shape.output.without_halo().len(), self.ending.kept_len());
        let StepMemory { places, kept, weight_gradient, bias_gradient, entries, .. } = block.memory;
        let inputs = self.operands.of(block.reads.get(0), block.work);
        let mut input_gradients = block.input_gradient;
        let at_once = self.listed_at_once();
        let first_slot = block.slots.start;
        let mut slots = block.slots;
        let outputs = block.output.chunks(at_once * output_len);
        for (index, (outputs, gradients)) in
            outputs.zip(block.output_gradient.chunks_mut(at_once * output_len)).enumerate()
        {
            let samples = outputs.chunks_exact(output_len).zip(gradients.chunks_exact_mut(output_len));
            for ((output, gradient), slot) in samples.zip(&mut slots) {
                self.ending.backward(output, &kept[slot * kept_len..][..kept_len], gradient, bias_gradient);
                self.operands.prepare(gradient);
            }
            let first = index * at_once;
            let seen = first * input_len..first * input_len + gradients.len() / output_len * input_len;
            let places = &places[(first_slot + first) * per_sample..];
            let to_input = input_gradients.as_deref_mut().map(|to| &mut to[seen.clone()]);
            // Explanations want the input's gradient alone.
            let to_weights = pass.learning.then_some(&mut weight_gradient[..]);
            self.add_listed(windows, &inputs[seen], (gradients, places), (to_weights, to_input), entries);
        }
    }

    /// The gradients of a few samples.
    fn add_listed(
        &self,
        windows: &Windows,
        inputs: &[f32],
        (gradients, places): (&[f32], &[u16]),
        (mut weight_gradient, mut input_gradient): (Option<&mut [f32]>, Option<&mut [f32]>),
        entries: &mut [Entry],
    ) {
        let (input, output) = (&self.shape.input, &self.shape.output);
        let per_plane = self.sum.taps.len() * BLOCK;
        let per_channel = self.sum.planes * per_plane;
        let positions = entries.len() / BLOCK;
        if let Some(gradient) = &mut input_gradient {
            gradient.fill(0.0);
        }
        for block in 0..output.planes() {
            let mut lists = Lists { entries: &mut *entries, positions, counts: [0; BLOCK] };
            let samples = gradients.chunks_exact(output.len());
            let samples = samples.zip(places.chunks_exact(output.without_halo().len())).enumerate();
            for (sample, (gradient, places)) in samples {
                for y in 0..output.height {
                    let (gradient, places) = self.pooled_row((block, y), gradient, places);
                    let first = sample * input.len() + self.shape.origin(y * windows.row_step, 0);
                    let step = windows.column_step * self.shape.column_step();
                    lists.append_row(gradient, places, (first, step), &self.offset_of_place);
                }
            }
            let counts = lists.counts;
            let first_plane = self.part_of_block(block) * self.sum.planes;
            for index in 0..self.sum.planes {
                // From there on: what is listed of the other samples lies as far behind.
                let plane = (first_plane + index) * input.plane();
                for (lane, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                    let entries = &entries[lane * positions..][..count];
                    let at = (block * BLOCK + lane) * per_channel + index * per_plane;
                    let to_input = match (&self.backward, &mut input_gradient) {
                        (Some(InputGradient::Sparse(weights)), Some(gradient)) => {
                            Some((&weights[at..at + per_plane], &mut gradient[plane..]))
                        }
                        _ => None,
                    };
                    let to_weight = weight_gradient.as_deref_mut();
                    let to_weight = to_weight.map(|dw| (&inputs[plane..], &mut dw[at..at + per_plane]));
                    add_sparse_gradients(self.isa, entries, &self.sum.taps, to_weight, to_input);
                }
            }
        }
    }

    /// Adds up what [`add_sparse_gradients`] made of a filter's weights in each lane.
    pub(super) fn collect_sparse(&self, lanes: &[&StepMemory], filter: usize, to: &mut [f32]) {
        let taps = self.sum.taps.len();
        let channels = self.shape.channels_of(filter);
        let first = channels.start % self.shape.channels_of_part();
        let end = first + channels.len();
        for plane in first / BLOCK..end.div_ceil(BLOCK) {
            for tap in 0..taps {
                let at = (filter * self.sum.planes + plane) * taps + tap;
                let mut sums = [0.0; BLOCK];
                for lane in lanes {
                    let gradients = lane.weight_gradient.as_chunks::<BLOCK>().0[at];
                    sums.iter_mut().zip(gradients).for_each(|(sum, gradient)| *sum += gradient);
                }
                for channel in first.max(plane * BLOCK)..end.min((plane + 1) * BLOCK) {
                    to[(channel - first) * taps + tap] = sums[channel % BLOCK];
                }
            }
        }
    }

    /// A pooled convolution of the network's own input: the gradient of a few rows at a time is spread out to where the
    /// maxima were found, and the weights' gradient is a dense sum over them.
    pub(super) fn backward_spread(
        &self,
        windows: &Windows,
        input: &[f32],
        (gradient, places): (&[f32], &[u16]),
        (weight_gradient, scratch): (&mut [f32], &mut [f32]),
    ) {
        let row_len = windows.width * BLOCK;
        let scratch = &mut scratch[..windows.rows * row_len];
        // Between windows that do not touch nothing is written, and nothing may be left there.
        scratch.fill(0.0);
        let per_block = self.sum.terms() * BLOCK;
        for (block, weight_gradient) in weight_gradient.chunks_exact_mut(per_block).enumerate() {
            for y in 0..self.shape.output.height {
                let (gradient, places) = self.pooled_row((block, y), gradient, places);
                spread_row(self.isa, windows, gradient, places, (&mut *scratch, row_len));
                let region = Region {
                    rows: windows.rows,
                    columns: windows.width,
                    x: self.shape.origins(y * windows.row_step),
                    g: Grid { start: 0, step: BLOCK, row: row_len },
                };
                add_weight_gradient(
                    self.isa,
                    Pairing::Single,
                    &self.sum,
                    &region,
                    input,
                    scratch,
                    weight_gradient,
                );
            }
        }
    }

    pub(super) fn backward_dense(
        &self,
        input: &[f32],
        gradient: &mut [f32],
        input_gradient: Option<&mut [f32]>,
        weight_gradient: &mut [f32],
    ) {
        self.add_weight_gradients(Pairing::Single, input, gradient, weight_gradient);
        if let Some(input_gradient) = input_gradient {
            self.write_input_gradient(gradient, input_gradient, &mut []);
        }
    }

    fn add_weight_gradients(
        &self,
        pairing: Pairing,
        input: &[f32],
        gradient: &[f32],
        weight_gradient: &mut [f32],
    ) {
        let per_block = self.sum.terms() * BLOCK;
        for (block, weight_gradient) in weight_gradient.chunks_exact_mut(per_block).enumerate() {
            let region = Region {
                rows: self.shape.output.height,
                columns: self.shape.output.width,
                x: self.shape.origins(0),
                g: Grid {
                    start: self.shape.output.row_start(block, 0),
                    step: BLOCK,
                    row: self.shape.output.row(),
                },
            };
            let input = self.sum.part(self.part_of_block(block), input);
            add_weight_gradient(self.isa, pairing, &self.sum, &region, input, gradient, weight_gradient);
        }
    }

    /// The way back of a block of samples whose products take pairs: two samples at a time for the weights' gradient.
    pub(super) fn backward_in_pairs(&self, block: Backward<'_>) {
        let (input_len, len, kept_len) =
            (self.shape.input.len(), self.shape.output.len(), self.ending.kept_len());
        let Backward {
            slots, reads, output, output_gradient: gradient, input_gradient, memory, work, ..
        } = block;
        let StepMemory { kept, weight_gradient, bias_gradient, .. } = memory;
        let samples = output.chunks_exact(len).zip(gradient.chunks_exact_mut(len));
        for (slot, (output, gradient)) in slots.zip(samples) {
            let kept = &kept[slot * kept_len..][..kept_len];
            self.ending.backward(output, kept, gradient, bias_gradient);
        }
        let (inputs, gradients) = work.split_at_mut(input_len);
        let gradients = &mut gradients[..len];
        for (two_inputs, two) in reads.get(0).chunks(2 * input_len).zip(gradient.chunks(2 * len)) {
            pack_planes(self.isa, (2, input_len), two_inputs, inputs);
            pack_planes(self.isa, (2, len), two, gradients);
            self.add_weight_gradients(Pairing::Pairs, inputs, gradients, weight_gradient);
        }
        let Some(to) = input_gradient else { return };
        for (gradient, to) in gradient.chunks_exact_mut(len).zip(to.chunks_exact_mut(input_len)) {
            self.write_input_gradient(gradient, to, work);
        }
    }

    /// The gradient with respect to the input of one sample, or by way of tiles of several.
    fn write_input_gradient(&self, gradient: &mut [f32], input_gradient: &mut [f32], work: &mut [f32]) {
        let shape = &self.shape;
        gradient
            .chunks_exact_mut(shape.output.len())
            .for_each(|gradient| clear_halo(&shape.output, gradient));
        match &self.backward {
            Some(InputGradient::Dense(phases)) => {
                if leave_gaps(phases.iter().map(PhaseSum::phase), shape) {
                    input_gradient.fill(0.0);
                }
                let mut gradient = &*gradient;
                if self.forward_sum.pairing == Pairing::Pairs {
                    let planes = shape.output.planes() / shape.parts();
                    pack_planes(self.isa, (planes, shape.output.plane()), gradient, work);
                    gradient = work;
                }
                phases.iter().for_each(|phase| phase.write(self.isa, shape, gradient, input_gradient));
            }
            Some(InputGradient::Tiled(tiled)) => {
                let from = Grid { start: shape.gradient_origin(), step: BLOCK, row: shape.output.row() };
                let layout = &shape.input;
                tiled.each_row(Pixels { values: gradient, layout: &shape.output, from }, work, |row| {
                    let start = row.sample * layout.len() + layout.row_start(row.block, row.pixels.start);
                    row.write(&[0.0; BLOCK], false, input_gradient, (start, layout.row()));
                });
            }
            _ => {}
        }
    }

    /// The way back of a block of samples whose weights' gradient is made of tiles.
    pub(super) fn backward_tiled(&self, tiled: &WinogradGradient, block: Backward<'_>) {
        let (layout, kept_len) = (&self.shape.output, self.ending.kept_len());
        let Backward {
            slots,
            reads,
            output,
            output_gradient: gradient,
            input_gradient,
            memory,
            sums,
            work,
            ..
        } = block;
        let StepMemory { kept, bias_gradient, .. } = memory;
        let samples = output.chunks_exact(layout.len()).zip(gradient.chunks_exact_mut(layout.len()));
        for (slot, (output, gradient)) in slots.zip(samples) {
            let kept = &kept[slot * kept_len..][..kept_len];
            self.ending.backward(output, kept, gradient, bias_gradient);
        }
        let from = Grid { start: layout.row_start(0, 0), step: BLOCK, row: layout.row() };
        let inputs = Pixels { values: reads.get(0), layout: &self.shape.input, from: self.shape.origins(0) };
        tiled.add(inputs, Pixels { values: gradient, layout, from }, work, sums);
        if let Some(input_gradient) = input_gradient {
            self.write_input_gradient(gradient, input_gradient, work);
        }
    }

    /// The gradient with respect to the input alone, where nothing is pooled.
    pub(super) fn pull_back(&self, block: Backward<'_>) {
        let (layout, kept_len) = (&self.shape.output, self.ending.kept_len());
        let Backward { slots, output, output_gradient: gradient, input_gradient, memory, work, .. } = block;
        let samples = output.chunks_exact(layout.len()).zip(gradient.chunks_exact_mut(layout.len()));
        for (slot, (output, gradient)) in slots.zip(samples) {
            let kept = &memory.kept[slot * kept_len..][..kept_len];
            self.ending.backward(output, kept, gradient, &mut memory.bias_gradient);
        }
        let Some(to) = input_gradient else { return };
        match &self.backward {
            Some(InputGradient::Tiled(_)) => self.write_input_gradient(gradient, to, work),
            Some(InputGradient::Pixels(weights)) => {
                let samples = gradient.chunks_exact(layout.len());
                for (gradient, to) in samples.zip(to.chunks_exact_mut(self.shape.input.len())) {
                    self.multiply_to_pixels(gradient, weights, to);
                }
            }
            Some(_) => {
                let samples = gradient.chunks_exact_mut(layout.len());
                for (gradient, to) in samples.zip(to.chunks_exact_mut(self.shape.input.len())) {
                    self.write_input_gradient(gradient, to, &mut []);
                }
            }
            None => {
                let samples = gradient.chunks_exact(layout.len());
                for (gradient, to) in samples.zip(to.chunks_exact_mut(self.shape.input.len())) {
                    self.backward_to_pixels(gradient, None, to);
                }
            }
        }
    }

    /// The gradient with respect to an input of one or three channels, row by row.
    fn multiply_to_pixels(&self, gradient: &[f32], weights: &[f32], to: &mut [f32]) {
        to.fill(0.0);
        let (layout, terms) = (&self.shape.output, self.sum.terms());
        let mut products = vec![0.0; layout.width * terms];
        for (block, weights) in weights.chunks_exact(BLOCK * terms).enumerate() {
            for y in 0..layout.height {
                let row = &gradient[layout.row_start(block, y)..][..layout.width * BLOCK];
                let weights = Rows { values: weights, stride: terms };
                combine_rows(self.isa, (layout.width, BLOCK, terms), (row, BLOCK, 1), weights, &mut products);
                for (x, products) in products.chunks_exact(terms).enumerate() {
                    let origin = self.shape.origin(y, x);
                    let taps = products.chunks_exact(self.sum.block).zip(self.sum.taps.iter());
                    for (products, tap) in taps {
                        let pixel = &mut to[origin + tap..][..self.sum.block];
                        pixel.iter_mut().zip(products).for_each(|(to, product)| *to += product);
                    }
                }
            }
        }
    }

    /// The gradient with respect to an input of one or three channels, value by value: only explanations want it.
    pub(super) fn backward_to_pixels(&self, gradient: &[f32], places: Option<&[u16]>, to: &mut [f32]) {
        to.fill(0.0);
        let terms = self.sum.terms();
        for filter in 0..self.shape.filters {
            let group = group_of(&self.groups, filter);
            let weights = &self.weights[group.weights(terms)][filter - group.first_block * BLOCK..];
            for (y, x) in
                (0..self.shape.output.height).flat_map(|y| (0..self.shape.output.width).map(move |x| (y, x)))
            {
                let value = gradient[self.shape.output.position(filter, y, x)];
                if value == 0.0 {
                    continue;
                }
                let (row, column) = match (&self.pool, places) {
                    (Some(windows), Some(places)) => {
                        let (_, places) = self.pooled_row((filter / BLOCK, y), gradient, places);
                        let (row, column) = windows.pixel_at(0, x, places[x * BLOCK + filter % BLOCK]);
                        (y * windows.row_step + row, column)
                    }
                    _ => (y, x),
                };
                let origin = self.shape.origin(row, column);
                for (term, weight) in weights.iter().step_by(group.width).take(terms).enumerate() {
                    let (tap, channel) = (term / self.sum.block, term % self.sum.block);
                    to[origin + self.sum.taps[tap] + channel] += value * weight;
                }
            }
        }
    }
}
