//! The steps through which a block of samples goes in the part of a network that works on feature maps.
//!
//! Each step reads one tensor and writes the next, for a few samples that one worker takes through all steps, so that
//! what a step writes is still in the worker's cache when the next one reads it.

mod activation;
mod batch_norm;
mod convolution;
mod dropout;
mod join;
mod pool;
mod resize;

use std::ops::Range;

pub(super) use activation::ActivationStep;
pub(super) use batch_norm::BatchNormStep;
pub(super) use convolution::{ConvolutionPlace, Halos, can_be_pooled, convolution_step};
pub(super) use dropout::DropoutStep;
pub(super) use join::{AddStep, ConcatStep, MultiplyStep};
pub(super) use pool::{AvgPoolStep, MaxPoolStep};
pub(super) use resize::{UpsampleStep, ZeroPadStep};

use crate::Parameters;
use crate::kernel::{Buffer, Entry, Halo, Isa, Layout};
use crate::random::Stream;

/// One step, compiled for its place in a network.
pub(super) trait FeatureStep: Send + Sync {
    /// What the step remembers of its samples, and works in: for up to `samples` samples of a lane.
    fn memory(&self, _samples: usize, _training: bool) -> StepMemory {
        StepMemory::default()
    }
    /// Floats that the step works in for a block of so many samples; nothing in them outlives a call.
    fn work_len(&self, _samples: usize) -> usize {
        0
    }
    /// Floats in which gradients of the parameters are summed up over a lane's samples, where that is not done in
    /// [`StepMemory`].
    fn sums_len(&self) -> usize {
        0
    }
    /// Writes what a lane summed up to its memory.
    fn settle_sums(&self, _sums: &[f32], _memory: &mut StepMemory) {}
    /// Computes the output of a block of samples.
    fn forward(&self, pass: &Pass, block: Forward<'_>);
    /// Computes the gradient with respect to one input, where it is wanted; on the call for the first input also adds up
    /// the gradients of the parameters. Called for one input after the other.
    fn backward(&self, pass: &Pass, block: Backward<'_>);
    /// Takes over new values of the parameters.
    fn load(&mut self, _parameters: &Parameters) {}
    /// Adds up the parameters' gradients of all lanes, in the order of the lanes.
    fn collect(&self, _lanes: &[&StepMemory], _gradients: &mut Parameters) {}
    /// What the step wants to know of the whole batch before it can go on, when learning.
    fn barrier(&self) -> Option<&dyn Barrier> {
        None
    }
    /// The same, to be changed.
    fn barrier_mut(&mut self) -> Option<&mut dyn Barrier> {
        None
    }
}

/// A step that needs all samples of a batch to have come to it before any can pass.
pub(super) trait Barrier {
    /// Notes in the lane's memory what a block brings to the step, forward.
    fn note(&self, pass: &Pass, reads: Reads<'_>, memory: &mut StepMemory);
    /// Brings together what the lanes noted, in the order of the lanes.
    fn settle(&mut self, lanes: &[&StepMemory]);
    /// Notes what a block brings to the step on the way back. The step may work in `output_gradient`.
    fn note_back(&self, pass: &Pass, block: Backward<'_>);
    /// Brings together what the lanes noted on the way back.
    fn settle_back(&mut self, lanes: &[&StepMemory]);
    /// Writes what follows the data instead of gradients.
    fn remember(&mut self, parameters: &mut Parameters);
}

/// What is the same for all blocks of a pass.
#[derive(Clone, Copy)]
pub(super) struct Pass {
    pub isa: Isa,
    /// Whether the batch's own statistics count, or what was learned before; and whether the parameters' gradients are wanted.
    pub learning: bool,
    /// The stream of this step's dropout masks; none when nothing is dropped.
    pub dropout: Option<Stream>,
}

/// What a step reads of a block of samples.
#[derive(Clone, Copy)]
pub(super) struct Reads<'a> {
    /// All tensors that were computed before.
    pub tensors: &'a [Buffer],
    pub layouts: &'a [Layout],
    /// Which of them are kept for all samples of the lane; the others hold the block alone.
    pub kept: &'a [bool],
    /// Which of them the step reads.
    pub inputs: &'a [Edge],
    /// The block's first sample in the lane.
    pub first: usize,
    /// Samples in the block.
    pub samples: usize,
}

impl<'a> Reads<'a> {
    /// The values of one input.
    pub fn get(&self, which: usize) -> &'a [f32] {
        let tensor = self.inputs[which].tensor;
        let len = self.layouts[tensor].len();
        let first = if self.kept[tensor] { self.first } else { 0 };
        &self.tensors[tensor][first * len..(first + self.samples) * len]
    }
}

/// A tensor that a step reads, and what becomes of the gradient with respect to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// 0 for the network's input, then the steps' outputs.
    pub tensor: usize,
    pub gradient: Arrival,
}

/// What becomes of a gradient with respect to a step's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// Nobody wants it.
    Unwanted,
    /// On the way back it is the first to come to its tensor.
    First,
    /// Another step's gradient is there already, and it is added.
    Again,
}

/// A block of samples on its way forward.
pub(super) struct Forward<'a> {
    /// The samples' places in what the step remembers.
    pub slots: Range<usize>,
    /// The first sample's place in the batch, for what is random.
    pub first_sample: usize,
    pub reads: Reads<'a>,
    pub output: &'a mut [f32],
    pub memory: &'a mut StepMemory,
    /// At least [`FeatureStep::work_len`] floats of anything.
    pub work: &'a mut [f32],
}

/// A block of samples on its way back.
pub(super) struct Backward<'a> {
    pub slots: Range<usize>,
    pub first_sample: usize,
    pub reads: Reads<'a>,
    pub output: &'a [f32],
    /// The gradient of the loss with respect to the output. A step may work in it, and finds that again on the call for
    /// its next input.
    pub output_gradient: &'a mut [f32],
    /// What the block's only sample is compared with. Then what goes back are multipliers between the two, of as many seeds
    /// as there are gradients.
    pub compared: Option<Compared<'a>>,
    /// The input that this call is about.
    pub which: usize,
    /// Where the gradient with respect to that input goes, if anyone wants it. Holds anything before.
    pub input_gradient: Option<&'a mut [f32]>,
    pub memory: &'a mut StepMemory,
    /// The [`FeatureStep::sums_len`] floats of the lane so far.
    pub sums: &'a mut [f32],
    /// At least [`FeatureStep::work_len`] floats of anything.
    pub work: &'a mut [f32],
}

/// The sample that another is compared with on its way back: the first of its lane.
#[derive(Clone, Copy)]
pub(super) struct Compared<'a> {
    pub reads: Reads<'a>,
    pub output: &'a [f32],
    pub memory: &'a StepMemory,
}

/// What one lane remembers for one step.
#[derive(Default)]
pub(super) struct StepMemory {
    /// Where each maximum was found in its window: 16 values a pixel, sample after sample.
    pub places: Vec<u16>,
    /// Values before an activation whose derivative needs them, sample after sample.
    pub kept: Buffer,
    /// Gradients of the parameters, summed over the lane's samples, in the order that suits the kernel.
    pub weight_gradient: Buffer,
    pub bias_gradient: Buffer,
    /// Rows that do not outlive the step.
    pub scratch: Buffer,
    /// Non-zero gradients of a block of channels.
    pub entries: Vec<Entry>,
    /// What a barrier noted of the lane's samples.
    pub statistics: Vec<f64>,
}

impl StepMemory {
    /// Forgets the gradients of the batch before.
    pub fn clear_gradients(&mut self) {
        self.weight_gradient.fill(0.0);
        self.bias_gradient.fill(0.0);
    }

    /// What is kept of a sample, `len` values each; nothing where there is no way back.
    fn kept_mut(&mut self, slot: usize, len: usize) -> &mut [f32] {
        if self.kept.is_empty() { &mut [] } else { &mut self.kept[slot * len..][..len] }
    }
}

/// Sets everything around the picture of one sample to zero.
fn clear_halo(layout: &Layout, values: &mut [f32]) {
    if layout.halo == Halo::default() {
        return;
    }
    let row_len = layout.width * layout.block;
    for plane in 0..layout.planes() {
        let mut end = plane * layout.plane();
        for y in 0..layout.height {
            let start = layout.row_start(plane, y);
            values[end..start].fill(0.0);
            end = start + row_len;
        }
        values[end..(plane + 1) * layout.plane()].fill(0.0);
    }
}

/// Where each row of a picture lies: plane, row, and its values.
pub(super) fn rows(layout: &Layout) -> impl Iterator<Item = (usize, usize, Range<usize>)> + '_ {
    let len = layout.width * layout.block;
    (0..layout.planes()).flat_map(move |plane| {
        (0..layout.height).map(move |y| {
            let start = layout.row_start(plane, y);
            (plane, y, start..start + len)
        })
    })
}
