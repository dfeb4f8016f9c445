//! Convolution with what follows it: bias, activation and, where the windows do not overlap, max pooling, in one step.
//!
//! Forward, the rows that one row of windows needs are computed into a scratch of a few kilobytes and pooled from
//! there; what is stored is the pooled picture. Where kernel and stride suit, the sums go by way of tiles
//! ([`winograd`]). The way forward is in [`forward`]; of the ways back [`backward`] tells.

mod backward;
mod channels;
mod compare;
mod depthwise;
mod ending;
mod forward;
mod input_gradient;
mod phase;
mod winograd;

use rayon::prelude::*;

use self::backward::InputGradient;
pub(in crate::executor) use self::channels::Halos;
use self::channels::{ChannelGroup, Dimensions, group_of};
use self::depthwise::DepthwiseStep;
use self::ending::Ending;
use self::input_gradient::PhaseSum;
use self::winograd::{Tiling, WinogradGradient, WinogradSum};
use super::{Backward, FeatureStep, Forward, Pass, StepMemory};
use crate::executor::compiled::Purpose;
use crate::executor::operands::Operands;
use crate::kernel::{BLOCK, Buffer, Entry, Isa, Layout, Pairing, TapSum, Windows, is_chunked, pack_planes};
use crate::layer::{Activation, Conv2d};
use crate::{Parameters, Shape};

/// A convolution compiled for its place.
struct ConvolutionStep {
    isa: Isa,
    shape: Dimensions,
    /// Over the planes of one part of the channels.
    sum: TapSum,
    /// The same as the way forward has it, over packed planes where products take pairs.
    forward_sum: TapSum,
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
    /// \[group\]\[plane\]\[tap\]\[i\]\[o\], for the forward pass; empty where it goes by way of tiles.
    weights: Buffer,
    operands: Operands,
    /// Room for the weights on their way to all that is loaded.
    rounded: Buffer,
    tiled: Option<WinogradSum>,
    biases: Buffer,
    backward: Option<InputGradient>,
    tiled_gradient: Option<WinogradGradient>,
    purpose: Purpose,
}

/// Floats of scratch that share the second-level cache with everything else.
const SCRATCH: usize = 16 * 1024;

/// Floats of a few samples' planes that stay in the first-level cache while gradients are taken from them.
const PLANES: usize = 8 * 1024;

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
    pub purpose: Purpose,
}

/// Compiles a convolution, by the kernel that suits its groups.
pub(in crate::executor) fn convolution_step(
    isa: Isa,
    config: &Conv2d,
    activation: Activation,
    place: ConvolutionPlace,
) -> Box<dyn FeatureStep> {
    let shape = Dimensions::new(config, place.input, place.output, place.purpose.precision());
    let ending = Ending { isa, activation, output: place.output, has_bias: config.bias };
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
        let ConvolutionPlace { input, output, weight, bias, pool, input_gradient, purpose } = place;
        let sum = TapSum {
            taps: shape.taps().into(),
            planes: input.planes() / shape.parts(),
            plane_len: input.plane(),
            block: input.block,
            pairing: Pairing::Single,
        };
        let forward_sum = sum.packed(shape.pairing(isa));
        let tiling = Tiling::of(&shape, pool.as_ref());
        let tiled = tiling.map(|tiling| WinogradSum::new(isa, tiling, input.channels, output.channels));
        let tiled_gradient = tiling.filter(|_| pool.is_none() && purpose.learns());
        let tiled_gradient = tiled_gradient.map(|tiling| WinogradGradient::new(isa, tiling, &shape));
        // A pooled convolution of pixels goes value by value: only the gradients of explanations reach it.
        let wanted =
            input_gradient && (input.block == BLOCK || pool.is_none() || purpose == Purpose::Compare);
        let backward = wanted.then(|| InputGradient::new(isa, &shape, &sum, pool.is_some()));
        let groups = ChannelGroup::all(isa, shape.filters, shape.parts());
        let padded = groups.iter().map(|group| group.width).sum::<usize>();
        let weights = Buffer::zeros(if tiled.is_some() { 0 } else { padded * forward_sum.terms() });
        let operands = Operands::new(isa, shape.precision);
        let rounded = Buffer::zeros(operands.room(shape.weights()));
        let biases = Buffer::zeros(padded);
        let band = match (&pool, tiling) {
            (None, _) => 1,
            (Some(_), Some(tiling)) => tiling.rows_of_windows(),
            (Some(windows), None) => band(windows, forward_sum.terms(), output.height),
        };
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
            forward_sum,
            ending,
            pool,
            band,
            offset_of_place,
            weight,
            bias,
            groups,
            weights,
            operands,
            rounded,
            tiled,
            biases,
            backward,
            tiled_gradient,
            purpose,
        }
    }

    /// Whether the gradient comes through a pooling into an input of whole blocks: then only non-zero values are visited.
    fn is_sparse(&self) -> bool {
        self.pool.is_some() && self.shape.input.block == BLOCK
    }

    /// Samples whose non-zero gradients are listed together: as many as leave their planes in the first-level cache, so that
    /// the weights' gradients, which may be many, are loaded less often.
    fn listed_at_once(&self) -> usize {
        (PLANES / self.shape.input.plane()).max(1)
    }

    /// The part that a block of filters belongs to.
    fn part_of_block(&self, block: usize) -> usize {
        block * self.shape.parts() / self.shape.output.planes()
    }

    /// Inputs as they go into the sums of the way forward.
    fn inputs<'a>(&self, values: &'a [f32], work: &'a mut [f32]) -> &'a [f32] {
        match self.forward_sum.pairing {
            Pairing::Single => self.operands.of(values, work),
            Pairing::Pairs => {
                let packed = &mut work[..values.len() / self.shape.input.len() * self.input_len()];
                pack_planes(self.isa, (self.sum.planes, self.sum.plane_len), values, packed);
                packed
            }
        }
    }

    /// Floats of a sample of [`ConvolutionStep::inputs`].
    fn input_len(&self) -> usize {
        self.shape.parts() * self.forward_sum.planes * self.forward_sum.plane_len
    }

    fn load_direct(&mut self, weight: &[f32]) {
        let (shape, sum) = (self.shape, &self.forward_sum);
        for ((channel, filter), kernel) in shape.kernels(weight) {
            let group = group_of(&self.groups, filter);
            let lane = filter - group.first_block * BLOCK;
            let weights = &mut self.weights[group.weights(sum.terms())];
            for (tap, &value) in kernel.iter().enumerate() {
                sum.set_weight((channel, tap), (group.width, lane), value, weights);
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
        let gradient = if self.purpose.learns() { blocks * BLOCK * self.sum.terms() } else { 0 };
        let listed = positions * self.listed_at_once().min(samples);
        let entries = if training && self.is_sparse() { listed * BLOCK } else { 0 };
        StepMemory {
            places: vec![0; places],
            kept: Buffer::zeros(if training {
                samples * (self.ending.kept_len() + self.pooled_len())
            } else {
                0
            }),
            weight_gradient: Buffer::zeros(gradient),
            bias_gradient: Buffer::zeros(if training { blocks * BLOCK } else { 0 }),
            scratch: Buffer::zeros(scratch),
            entries: vec![Entry::default(); entries],
            ..StepMemory::default()
        }
    }

    fn work_len(&self, samples: usize) -> usize {
        let tilings = [Tiling::of(&self.shape, self.pool.as_ref()), Tiling::of_input(&self.shape)];
        let tiled = tilings.iter().flatten().map(|tiling| tiling.work_len(samples, &self.shape)).max();
        let prepared = self.operands.room(samples * self.shape.input.len() + self.shape.output.len());
        tiled.unwrap_or(prepared).max(self.compared_work_len())
    }

    fn sums_len(&self) -> usize {
        self.tiled_gradient.as_ref().map_or(0, WinogradGradient::len)
    }

    fn settle_sums(&self, sums: &[f32], memory: &mut StepMemory) {
        if let Some(tiled) = &self.tiled_gradient {
            tiled.write(sums, &mut memory.weight_gradient);
        }
    }

    fn forward(&self, _pass: &Pass, block: Forward<'_>) {
        if let Some(tiled) = &self.tiled {
            return self.forward_tiled(tiled, block);
        }
        let inputs = self.inputs(block.reads.get(0), block.work);
        let per_sample = self.shape.output.without_halo().len();
        // A group's weights stay in the first-level cache while all samples of the block pass.
        for &group in &self.groups {
            let inputs = inputs.chunks_exact(self.input_len());
            let outputs = block.output.chunks_exact_mut(self.shape.output.len());
            for (slot, (input, output)) in block.slots.clone().zip(inputs.zip(outputs)) {
                match &self.pool {
                    None => {
                        let kept = block.memory.kept_mut(slot, self.ending.kept_len());
                        self.forward_rows(group, input, output, kept);
                    }
                    Some(windows) => {
                        let StepMemory { places, scratch, kept, .. } = &mut *block.memory;
                        let places = &mut places[slot * per_sample..(slot + 1) * per_sample];
                        let kept = &mut kept[slot * self.pooled_len()..];
                        self.forward_pooled(windows, group, input, output, (places, scratch, kept));
                    }
                }
            }
        }
    }

    fn backward(&self, pass: &Pass, block: Backward<'_>) {
        match (&self.pool, block.compared) {
            (Some(windows), Some(compared)) => return self.multiply_back(windows, compared, block),
            (None, _) if !pass.learning => return self.pull_back(block),
            (Some(windows), _) if self.is_sparse() => return self.backward_sparse(windows, pass, block),
            _ => {}
        }
        if let Some(tiled) = &self.tiled_gradient {
            return self.backward_tiled(tiled, block);
        }
        if self.forward_sum.pairing == Pairing::Pairs && self.pool.is_none() {
            return self.backward_in_pairs(block);
        }
        let per_sample = self.shape.output.without_halo().len();
        let inputs = self.operands.of(block.reads.get(0), block.work);
        let mut input_gradients = block.input_gradient;
        let StepMemory { places, kept, weight_gradient, bias_gradient, scratch, .. } = block.memory;
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
            self.operands.prepare(gradient);
            match (&self.pool, places) {
                (Some(windows), Some(places)) if pass.learning => {
                    let memory = (&mut weight_gradient[..], &mut scratch[..]);
                    self.backward_spread(windows, input, (gradient, places), memory);
                }
                (Some(_), _) => {}
                _ => self.backward_dense(input, gradient, input_gradient.as_deref_mut(), weight_gradient),
            }
            if let (Some(to), true) = (input_gradient, self.shape.input.block != BLOCK) {
                self.backward_to_pixels(gradient, places, to);
            }
        }
    }

    fn load(&mut self, parameters: &Parameters) {
        let mut rounded = std::mem::take(&mut self.rounded);
        let weight = self.operands.of(&parameters.tensors()[self.weight].values, &mut rounded);
        load_biases(self.bias, parameters, &mut self.biases);
        match &mut self.tiled {
            Some(tiled) => {
                let shape = self.shape;
                tiled.load(|channel, filter| shape.square_kernel(weight, filter, channel));
            }
            None => self.load_direct(weight),
        }
        if let Some(backward) = &mut self.backward {
            backward.load(&self.shape, &self.sum, weight);
        }
        self.rounded = rounded;
    }

    fn collect(&self, lanes: &[&StepMemory], gradients: &mut Parameters) {
        let (shape, sum) = (self.shape, &self.sum);
        collect_biases(self.bias, lanes, gradients);
        let taps = sum.taps.len();
        let per_filter = shape.input.channels / shape.groups * taps;
        let weights = gradients.tensors_mut()[self.weight].values.par_chunks_mut(per_filter);
        weights.with_min_len(16).enumerate().for_each(|(filter, gradients)| {
            if self.is_sparse() {
                return self.collect_sparse(lanes, filter, gradients);
            }
            let channels = shape.channels_of(filter).map(|channel| channel % shape.channels_of_part());
            for (channel, gradients) in channels.zip(gradients.chunks_exact_mut(taps)) {
                for (tap, gradient) in gradients.iter_mut().enumerate() {
                    let term = (channel / sum.block * taps + tap) * sum.block + channel % sum.block;
                    let at = (filter / BLOCK * sum.terms() + term) * BLOCK + filter % BLOCK;
                    *gradient = lanes.iter().map(|lane| lane.weight_gradient[at]).sum();
                }
            }
        });
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
