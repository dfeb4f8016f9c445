//! The steps through which a block of samples goes in the part of a network that works on feature maps.
//!
//! Each step reads one tensor and writes the next, for a few samples that one worker takes through all steps, so that
//! what a step writes is still in the worker's cache when the next one reads it.

mod activation;
mod convolution;
mod dropout;
mod pool;

use std::ops::Range;

pub(super) use activation::ActivationStep;
pub(super) use convolution::{ConvolutionPlace, Halos, can_be_pooled, convolution_step};
pub(super) use dropout::DropoutStep;
pub(super) use pool::{AvgPoolStep, MaxPoolStep};

use crate::Parameters;
use crate::kernel::{Buffer, Entry, Halo, Isa, Layout};
use crate::random::Stream;

/// One step, compiled for its place in a network.
pub(super) trait FeatureStep: Send + Sync {
    /// How the input lies in memory.
    fn input(&self) -> &Layout;
    /// How the output lies in memory.
    fn output(&self) -> &Layout;
    /// What the step remembers of its samples, and works in: for up to `samples` samples of a lane.
    fn memory(&self, samples: usize, training: bool) -> StepMemory;
    /// Computes the output of a block of samples.
    fn forward(&self, pass: &Pass, block: Forward<'_>);
    /// Computes the gradient with respect to the input, where it is wanted, and adds up those of the parameters.
    fn backward(&self, pass: &Pass, block: Backward<'_>);
    /// Takes over new values of the parameters.
    fn load(&mut self, _parameters: &Parameters) {}
    /// Adds up the parameters' gradients of all lanes, in the order of the lanes.
    fn collect(&self, _lanes: &[&StepMemory], _gradients: &mut Parameters) {}
}

/// What is the same for all blocks of a pass.
#[derive(Clone, Copy)]
pub(super) struct Pass {
    pub isa: Isa,
    /// The stream of this step's dropout masks; none when nothing is dropped.
    pub dropout: Option<Stream>,
}

/// A block of samples on its way forward.
pub(super) struct Forward<'a> {
    /// The samples' places in the lane, for what the step remembers of them.
    pub slots: Range<usize>,
    /// The first sample's place in the batch, for what is random.
    pub first_sample: usize,
    pub input: &'a [f32],
    pub output: &'a mut [f32],
    pub memory: &'a mut StepMemory,
}

/// A block of samples on its way back.
pub(super) struct Backward<'a> {
    pub slots: Range<usize>,
    pub first_sample: usize,
    pub input: &'a [f32],
    pub output: &'a [f32],
    /// The gradient of the loss with respect to the output; the step may work in it.
    pub output_gradient: &'a mut [f32],
    /// Where the gradient with respect to the input goes, if anyone wants it. Holds anything before.
    pub input_gradient: Option<&'a mut [f32]>,
    pub memory: &'a mut StepMemory,
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
fn rows(layout: &Layout) -> impl Iterator<Item = (usize, usize, Range<usize>)> + '_ {
    let len = layout.width * layout.block;
    (0..layout.planes()).flat_map(move |plane| {
        (0..layout.height).map(move |y| {
            let start = layout.row_start(plane, y);
            (plane, y, start..start + len)
        })
    })
}
