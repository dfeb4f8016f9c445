//! Convolution with what follows it: bias, activation and, where the windows do not overlap, max pooling, in one step.
//!
//! Forward, the rows that one row of windows needs are computed into a scratch of a few kilobytes and pooled from
//! there; what is stored is the pooled picture. Backward, there are two ways. Behind a pooling the gradient is sparse:
//! its non-zero values are listed and only they are visited. Otherwise both gradients are dense sums.

mod channels;
mod depthwise;
mod ending;
mod input_gradient;
mod phase;

use rayon::prelude::*;

pub(in crate::executor) use self::channels::Halos;
use self::channels::{ChannelGroup, Dimensions, group_of};
use self::depthwise::DepthwiseStep;
use self::ending::Ending;
use self::input_gradient::PhaseSum;
use self::phase::leave_gaps;
use super::{Backward, FeatureStep, Forward, Pass, StepMemory, clear_halo};
use crate::kernel::{
    BLOCK, Buffer, Entry, Grid, Isa, Layout, Lists, Region, TapSum, Windows, activate, add_sparse_gradients,
    add_weight_gradient, convolve, is_chunked, max_pool_row, spread_row,
};
use crate::layer::{Activation, Conv2d};
use crate::{Parameters, Shape};

/// A convolution compiled for its place.
struct ConvolutionStep {
    isa: Isa,
    shape: Dimensions,
    /// Over the planes of one part of the channels.
    sum: TapSum,
    ending: Ending,
    pool: Option<Windows>,
    /// Rows of windows that are computed at a time.
    band: usize,
    /// How far each place in a pooling window is from the window's first, as origins in the input.
    offset_of_place: Vec<u32>,
    /// Places of weight and bias among the network's parameters.
    weight: usize,
    bias: Option<usize>,
    groups: Vec<ChannelGroup>,
    /// \[group\]\[plane\]\[tap\]\[i\]\[o\], for the forward pass.
    weights: Buffer,
    biases: Buffer,
    backward: Option<InputGradient>,
}

/// How the gradient with respect to the input is made.
enum InputGradient {
    /// By visiting non-zero gradients; weights as \[o\]\[plane\]\[tap\]\[16\].
    Sparse(Buffer),
    /// By convolving the output's gradient, once for each remainder of a position by the stride.
    Dense(Vec<PhaseSum>),
}

/// Floats of scratch that share the second-level cache with everything else.
const SCRATCH: usize = 16 * 1024;

/// How many rows of windows to compute at a time: one, so that its scratch stays in the first-level cache; or, where
/// the weights do not stay there, as many as a larger scratch takes, so that they are loaded less often.
fn band(windows: &Windows, terms: usize, rows: usize) -> usize {
    if !is_chunked(terms) {
        return 1;
    }
    (SCRATCH / (windows.row_step * windows.width * BLOCK)).clamp(1, rows)
}

/// Where a convolution stands.
pub(in crate::executor) struct ConvolutionPlace {
    pub input: Layout,
    pub output: Layout,
    pub weight: usize,
    pub bias: Option<usize>,
    pub pool: Option<Windows>,
    pub input_gradient: bool,
}

/// Compiles a convolution, by the kernel that suits its groups.
pub(in crate::executor) fn convolution_step(
    isa: Isa,
    config: &Conv2d,
    activation: Activation,
    place: ConvolutionPlace,
) -> Box<dyn FeatureStep> {
    let shape = Dimensions::new(config, place.input, place.output);
    let ending = Ending { isa, activation, output: place.output };
    if shape.is_depthwise() && place.pool.is_none() {
        Box::new(DepthwiseStep::new(isa, shape, ending, &place))
    } else {
        Box::new(ConvolutionStep::new(isa, shape, ending, place))
    }
}

/// Whether a max pooling behind a convolution of this input and an activation may be computed with them: the
/// largest value of a window must stay the largest, and the depthwise kernel does not pool.
pub(in crate::executor) fn can_be_pooled(config: &Conv2d, input: Shape, activation: Activation) -> bool {
    let is_depthwise = config.groups > 1
        && config.groups == config.filters
        && matches!(input, Shape::Image { channels, .. } if channels == config.groups);
    activation.is_monotonic() && !is_depthwise
}

impl ConvolutionStep {
    fn new(isa: Isa, shape: Dimensions, ending: Ending, place: ConvolutionPlace) -> ConvolutionStep {
        let ConvolutionPlace { input, output, weight, bias, pool, input_gradient } = place;
        let sum = TapSum {
            taps: shape.taps(),
            planes: input.planes() / shape.parts(),
            plane_len: input.plane(),
            block: input.block,
        };
        let blocks = output.planes();
        let wanted = input_gradient && input.block == BLOCK;
        let backward = wanted.then(|| match pool {
            Some(_) => {
                InputGradient::Sparse(Buffer::zeros(blocks * BLOCK * sum.planes * sum.taps.len() * BLOCK))
            }
            None => InputGradient::Dense(PhaseSum::all(isa, &shape)),
        });
        let groups = ChannelGroup::all(isa, shape.filters, shape.parts());
        let padded = groups.iter().map(|group| group.width).sum::<usize>();
        let weights = Buffer::zeros(padded * sum.terms());
        let biases = Buffer::zeros(padded);
        let band = pool.map_or(1, |windows| band(&windows, sum.terms(), output.height));
        let pool =
            pool.map(|windows| Windows { height: (band - 1) * windows.row_step + windows.rows, ..windows });
        let offset_of_place = pool.map_or(Vec::new(), |windows| {
            let (row, column) = (shape.stride.rows * input.row(), shape.column_step());
            let places = 0..windows.rows * windows.columns;
            places
                .map(|place| (place / windows.columns * row + place % windows.columns * column) as u32)
                .collect()
        });
        ConvolutionStep {
            isa,
            shape,
            sum,
            ending,
            pool,
            band,
            offset_of_place,
            weight,
            bias,
            groups,
            weights,
            biases,
            backward,
        }
    }

    /// Whether the gradient comes through a pooling into an input of whole blocks: then only non-zero values are visited.
    fn is_sparse(&self) -> bool {
        self.pool.is_some() && self.shape.input.block == BLOCK
    }

    /// What one part of the filters sees of a sample.
    fn part_of<'a>(&self, part: usize, input: &'a [f32]) -> &'a [f32] {
        let len = self.sum.planes * self.sum.plane_len;
        &input[part * len..(part + 1) * len]
    }

    /// The part that a block of filters belongs to.
    fn part_of_block(&self, block: usize) -> usize {
        block * self.shape.parts() / self.shape.output.planes()
    }

    /// Rows of the convolution's output for a group of channels.
    fn convolve(
        &self,
        group: ChannelGroup,
        (first_row, rows, columns): (usize, usize, usize),
        input: &[f32],
        out: (&mut [f32], Grid),
        out_block: usize,
    ) {
        let input = (self.part_of(group.part, input), self.shape.origins(first_row));
        let weights = &self.weights[group.weights(self.sum.terms())];
        let bias = &self.biases[group.first_block * BLOCK..][..group.width];
        let relu = self.pool.is_none() && self.ending.activation == Activation::Relu;
        convolve(self.isa, &self.sum, (rows, columns), input, weights, bias, out, out_block, relu);
    }

    fn forward_rows(&self, group: ChannelGroup, input: &[f32], output: &mut [f32], kept: &mut [f32]) {
        let layout = &self.shape.output;
        let to = Grid { start: layout.row_start(group.first_block, 0), step: BLOCK, row: layout.row() };
        self.convolve(group, (0, layout.height, layout.width), input, (output, to), layout.plane());
        if matches!(self.ending.activation, Activation::Linear | Activation::Relu) {
            return;
        }
        for block in group.blocks() {
            (0..layout.height).for_each(|y| self.ending.forward((block, y), output, kept));
        }
    }

    fn forward_pooled(
        &self,
        windows: &Windows,
        group: ChannelGroup,
        input: &[f32],
        output: &mut [f32],
        (places, scratch): (&mut [u16], &mut [f32]),
    ) {
        let row_len = windows.width * BLOCK;
        let row_of_output = self.shape.output.width * BLOCK;
        let out_block = windows.height * row_len;
        for first in (0..self.shape.output.height).step_by(self.band) {
            let rows_of_windows = self.band.min(self.shape.output.height - first);
            let needed = (rows_of_windows - 1) * windows.row_step + windows.rows;
            let to = Grid { start: 0, step: BLOCK, row: row_len };
            let rows = (first * windows.row_step, needed, windows.width);
            self.convolve(group, rows, input, (&mut *scratch, to), out_block);
            for (block, scratch) in group.blocks().zip(scratch.chunks_exact(out_block)) {
                for y in 0..rows_of_windows {
                    let start = self.shape.output.row_start(block, first + y);
                    let out = &mut output[start..start + row_of_output];
                    let row = block * self.shape.output.height + first + y;
                    let places = &mut places[row * row_of_output..][..row_of_output];
                    let relu = self.ending.activation == Activation::Relu;
                    max_pool_row(self.isa, windows, (scratch, row_len), y, out, places, relu);
                    if !relu {
                        activate(self.isa, self.ending.activation, out);
                    }
                }
            }
        }
    }

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

    fn backward_sparse(
        &self,
        windows: &Windows,
        input: &[f32],
        (gradient, places): (&[f32], &[u16]),
        mut input_gradient: Option<&mut [f32]>,
        (weight_gradient, entries): (&mut [f32], &mut [Entry]),
    ) {
        let per_plane = self.sum.taps.len() * BLOCK;
        let per_channel = self.sum.planes * per_plane;
        let positions = self.shape.output.height * self.shape.output.width;
        if let Some(gradient) = &mut input_gradient {
            gradient.fill(0.0);
        }
        for block in 0..self.shape.output.planes() {
            let mut lists = Lists { entries: &mut *entries, positions, counts: [0; BLOCK] };
            for y in 0..self.shape.output.height {
                let (gradient, places) = self.pooled_row((block, y), gradient, places);
                let first = self.shape.origin(y * windows.row_step, 0);
                let step = windows.column_step * self.shape.column_step();
                lists.append_row(gradient, places, (first, step), &self.offset_of_place);
            }
            let counts = lists.counts;
            let first_plane = self.part_of_block(block) * self.sum.planes;
            for index in 0..self.sum.planes {
                let plane = first_plane + index;
                let inside = plane * self.shape.input.plane()..(plane + 1) * self.shape.input.plane();
                for (lane, &count) in counts.iter().enumerate() {
                    let entries = &entries[lane * positions..][..count];
                    let at = (block * BLOCK + lane) * per_channel + index * per_plane;
                    let to_input = match (&self.backward, &mut input_gradient) {
                        (Some(InputGradient::Sparse(weights)), Some(gradient)) => {
                            Some((&weights[at..at + per_plane], &mut gradient[inside.clone()]))
                        }
                        _ => None,
                    };
                    let (x, dw) = (&input[inside.clone()], &mut weight_gradient[at..at + per_plane]);
                    add_sparse_gradients(self.isa, entries, &self.sum.taps, x, dw, to_input);
                }
            }
        }
    }

    /// A pooled convolution of the network's own input: the gradient of a few rows at a time is spread out to where the
    /// maxima were found, and the weights' gradient is a dense sum over them.
    fn backward_spread(
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
                add_weight_gradient(self.isa, &self.sum, &region, input, scratch, weight_gradient);
            }
        }
    }

    fn backward_dense(
        &self,
        input: &[f32],
        gradient: &mut [f32],
        input_gradient: Option<&mut [f32]>,
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
            let input = self.part_of(self.part_of_block(block), input);
            add_weight_gradient(self.isa, &self.sum, &region, input, gradient, weight_gradient);
        }
        if let (Some(InputGradient::Dense(phases)), Some(input_gradient)) = (&self.backward, input_gradient) {
            clear_halo(&self.shape.output, gradient);
            if leave_gaps(phases.iter().map(PhaseSum::phase), &self.shape) {
                input_gradient.fill(0.0);
            }
            phases.iter().for_each(|phase| phase.write(self.isa, &self.shape, gradient, input_gradient));
        }
    }

    /// The gradient with respect to an input of one or three channels, value by value: only explanations want it.
    fn backward_to_pixels(&self, gradient: &[f32], places: Option<&[u16]>, to: &mut [f32]) {
        to.fill(0.0);
        let terms = self.sum.terms();
        for filter in 0..self.shape.filters {
            let group = group_of(&self.groups, filter);
            let weights = &self.weights[group.weights(terms)][filter - group.first_block * BLOCK..];
            for (y, x) in
                (0..self.shape.output.height).flat_map(|y| (0..self.shape.output.width).map(move |x| (y, x)))
            {
                let value = gradient[self.shape.output.position(filter, y, x)];
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

impl FeatureStep for ConvolutionStep {
    fn memory(&self, samples: usize, training: bool) -> StepMemory {
        let positions = self.shape.output.height * self.shape.output.width;
        let blocks = self.shape.output.planes();
        let scratch = self.pool.map_or(0, |windows| windows.height * windows.width * 2 * BLOCK);
        let places = if self.pool.is_some() { samples * blocks * positions * BLOCK } else { 0 };
        let gradient = if training { blocks * BLOCK * self.sum.terms() } else { 0 };
        let entries = if training && self.is_sparse() { positions * BLOCK } else { 0 };
        StepMemory {
            places: vec![0; places],
            kept: Buffer::zeros(if training { samples * self.ending.kept_len() } else { 0 }),
            weight_gradient: Buffer::zeros(gradient),
            bias_gradient: Buffer::zeros(if training { blocks * BLOCK } else { 0 }),
            scratch: Buffer::zeros(scratch),
            entries: vec![Entry::default(); entries],
            ..StepMemory::default()
        }
    }

    fn forward(&self, _pass: &Pass, block: Forward<'_>) {
        let per_sample = self.shape.output.without_halo().len();
        // A group's weights stay in the first-level cache while all samples of the block pass.
        for &group in &self.groups {
            let inputs = block.reads.get(0).chunks_exact(self.shape.input.len());
            let outputs = block.output.chunks_exact_mut(self.shape.output.len());
            for (slot, (input, output)) in block.slots.clone().zip(inputs.zip(outputs)) {
                match &self.pool {
                    None => {
                        let kept = block.memory.kept_mut(slot, self.ending.kept_len());
                        self.forward_rows(group, input, output, kept);
                    }
                    Some(windows) => {
                        let places = &mut block.memory.places[slot * per_sample..(slot + 1) * per_sample];
                        let scratch = &mut block.memory.scratch[..];
                        self.forward_pooled(windows, group, input, output, (places, scratch));
                    }
                }
            }
        }
    }

    fn backward(&self, _pass: &Pass, block: Backward<'_>) {
        let per_sample = self.shape.output.without_halo().len();
        let (inputs, mut input_gradients) = (block.reads.get(0), block.input_gradient);
        let StepMemory { places, kept, weight_gradient, bias_gradient, scratch, entries, .. } = block.memory;
        let kept_len = self.ending.kept_len();
        for (index, slot) in block.slots.clone().enumerate() {
            let input = &inputs[index * self.shape.input.len()..][..self.shape.input.len()];
            let output = &block.output[index * self.shape.output.len()..][..self.shape.output.len()];
            let gradient =
                &mut block.output_gradient[index * self.shape.output.len()..][..self.shape.output.len()];
            let mut input_gradient = input_gradients
                .as_deref_mut()
                .map(|all| &mut all[index * self.shape.input.len()..][..self.shape.input.len()]);
            let places = self.pool.map(|_| &places[slot * per_sample..(slot + 1) * per_sample]);
            let kept = &kept[slot * kept_len..][..kept_len];
            self.ending.backward(output, kept, gradient, bias_gradient);
            match (&self.pool, places) {
                (Some(windows), Some(places)) if self.is_sparse() => {
                    let to = input_gradient.as_deref_mut();
                    let memory = (&mut weight_gradient[..], &mut entries[..]);
                    self.backward_sparse(windows, input, (gradient, places), to, memory);
                }
                (Some(windows), Some(places)) => {
                    let memory = (&mut weight_gradient[..], &mut scratch[..]);
                    self.backward_spread(windows, input, (gradient, places), memory);
                }
                _ => self.backward_dense(input, gradient, input_gradient.as_deref_mut(), weight_gradient),
            }
            if let (Some(to), true) = (input_gradient, self.shape.input.block != BLOCK) {
                self.backward_to_pixels(gradient, places, to);
            }
        }
    }

    fn load(&mut self, parameters: &Parameters) {
        let weight = &parameters.tensors()[self.weight].values;
        load_biases(self.bias, parameters, &mut self.biases);
        let (shape, sum) = (self.shape, &self.sum);
        let taps = sum.taps.len();
        let seen = |filter| shape.channels_of(filter).map(|channel| channel % shape.channels_of_part());
        for filter in 0..shape.filters {
            let group = group_of(&self.groups, filter);
            let start = group.weights(sum.terms()).start;
            let lane = filter - group.first_block * BLOCK;
            for (channel, values) in seen(filter).zip(shape.weights_of(filter, weight)) {
                for (tap, &value) in values.iter().enumerate() {
                    let term = (channel / sum.block * taps + tap) * sum.block + channel % sum.block;
                    self.weights[start + term * group.width + lane] = value;
                }
            }
        }
        match &mut self.backward {
            Some(InputGradient::Sparse(to)) => {
                for filter in 0..shape.filters {
                    for (channel, values) in seen(filter).zip(shape.weights_of(filter, weight)) {
                        let first = (filter * sum.planes + channel / BLOCK) * taps * BLOCK + channel % BLOCK;
                        values.iter().enumerate().for_each(|(tap, &value)| to[first + tap * BLOCK] = value);
                    }
                }
            }
            Some(InputGradient::Dense(phases)) => {
                phases.iter_mut().for_each(|phase| phase.load(&shape, weight))
            }
            None => {}
        }
    }

    fn collect(&self, lanes: &[&StepMemory], gradients: &mut Parameters) {
        let (shape, sum, sparse) = (self.shape, &self.sum, self.is_sparse());
        let taps = sum.taps.len();
        let per_filter = shape.input.channels / shape.groups * taps;
        let weights = gradients.tensors_mut()[self.weight].values.par_chunks_mut(per_filter);
        weights.with_min_len(16).enumerate().for_each(|(filter, gradients)| {
            let channels = shape.channels_of(filter).map(|channel| channel % shape.channels_of_part());
            for (channel, gradients) in channels.zip(gradients.chunks_exact_mut(taps)) {
                for (tap, gradient) in gradients.iter_mut().enumerate() {
                    let at = if sparse {
                        ((filter * sum.planes + channel / BLOCK) * taps + tap) * BLOCK + channel % BLOCK
                    } else {
                        let term = (channel / sum.block * taps + tap) * sum.block + channel % sum.block;
                        (filter / BLOCK * sum.terms() + term) * BLOCK + filter % BLOCK
                    };
                    *gradient = lanes.iter().map(|lane| lane.weight_gradient[at]).sum();
                }
            }
        });
        collect_biases(self.bias, lanes, gradients);
    }
}

fn load_biases(bias: Option<usize>, parameters: &Parameters, to: &mut [f32]) {
    if let Some(bias) = bias {
        let bias = &parameters.tensors()[bias].values;
        to[..bias.len()].copy_from_slice(bias);
    }
}

fn collect_biases(bias: Option<usize>, lanes: &[&StepMemory], gradients: &mut Parameters) {
    if let Some(bias) = bias {
        for (filter, gradient) in gradients.tensors_mut()[bias].values.iter_mut().enumerate() {
            *gradient = lanes.iter().map(|lane| lane.bias_gradient[filter]).sum();
        }
    }
}
