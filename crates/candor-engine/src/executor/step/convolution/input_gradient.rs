//! The gradient with respect to a convolution's input, dense: the output's gradient convolved, phase by phase.

use super::channels::{ChannelGroup, Dimensions, group_of};
use super::phase::{Phase, phases};
use crate::kernel::{BLOCK, Buffer, Isa, Pairing, TapSum, convolve};

/// One phase with the weights of its taps.
pub(super) struct PhaseSum {
    phase: Phase,
    /// Over the planes of one part of the filters.
    sum: TapSum,
    groups: Vec<ChannelGroup>,
    /// \[group\]\[plane\]\[tap\]\[filter\]\[channel\].
    weights: Buffer,
}

impl PhaseSum {
    pub fn all(isa: Isa, shape: &Dimensions) -> Vec<PhaseSum> {
        phases(shape).into_iter().map(|phase| PhaseSum::new(isa, shape, phase)).collect()
    }

    fn new(isa: Isa, shape: &Dimensions, phase: Phase) -> PhaseSum {
        let sum = TapSum {
            taps: phase.taps.clone().into(),
            planes: shape.output.planes() / shape.parts(),
            plane_len: shape.output.plane(),
            block: BLOCK,
            pairing: Pairing::Single,
        };
        let sum = sum.packed(shape.pairing(isa));
        let groups = ChannelGroup::all(isa, shape.input.channels, shape.parts());
        let padded: usize = groups.iter().map(|group| group.width).sum();
        let weights = Buffer::zeros(padded * sum.terms());
        PhaseSum { phase, sum, groups, weights }
    }

    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    pub fn load(&mut self, shape: &Dimensions, weight: &[f32]) {
        let per_part = shape.filters / shape.parts();
        for filter in 0..shape.filters {
            let inside = filter % per_part;
            for (channel, values) in shape.channels_of(filter).zip(shape.weights_of(filter, weight)) {
                let group = group_of(&self.groups, channel);
                let lane = channel - group.first_block * BLOCK;
                let weights = &mut self.weights[group.weights(self.sum.terms())];
                for (tap, (u, v)) in self.phase.kernel_positions.iter().enumerate() {
                    let value = values[u * shape.kernel.columns + v];
                    self.sum.set_weight((inside, tap), (group.width, lane), value, weights);
                }
            }
        }
    }

    /// Writes the gradient of this phase's pixels; what lies around `gradient`, which may be packed, must be zero.
    pub fn write(&self, isa: Isa, shape: &Dimensions, gradient: &[f32], input_gradient: &mut [f32]) {
        for group in &self.groups {
            let weights = &self.weights[group.weights(self.sum.terms())];
            let zeros = &[0.0; 2 * BLOCK][..group.width];
            let from = (self.sum.part(group.part, gradient), self.phase.from(shape));
            let to = (&mut *input_gradient, self.phase.to(shape, group.first_block));
            let size = (self.phase.rows, self.phase.columns);
            convolve(isa, &self.sum, size, from, weights, zeros, to, shape.input.plane(), false);
        }
    }
}
