//! What follows the sums of a convolution: the activation, and the way of the gradient back through it to the biases.

use crate::executor::step::rows;
use crate::kernel::{BLOCK, Isa, Layout, activate, activate_backward};
use crate::layer::Activation;

/// The activation behind a convolution.
///
/// Most activations find their derivative from the output, which is kept anyway. For the others the values before the
/// activation are kept too, sample after sample without a halo.
#[derive(Clone, Copy)]
pub(super) struct Ending {
    pub isa: Isa,
    pub activation: Activation,
    pub output: Layout,
    pub has_bias: bool,
}

impl Ending {
    /// Floats a sample that must be kept for the way back, beside the output.
    pub fn kept_len(&self) -> usize {
        if self.activation.gradient_from_output() { 0 } else { self.output.without_halo().len() }
    }

    /// Applies the activation to row `y` of a block of channels, and keeps what was there before if `kept` has room.
    pub fn forward(&self, (block, y): (usize, usize), output: &mut [f32], kept: &mut [f32]) {
        let len = self.output.width * BLOCK;
        let start = self.output.row_start(block, y);
        let row = &mut output[start..start + len];
        if !kept.is_empty() {
            kept[self.output.without_halo().row_start(block, y)..][..len].copy_from_slice(row);
        }
        activate(self.isa, self.activation, row);
    }

    /// Carries the gradient of a sample's output back through the activation, in place, and adds it up for the biases.
    pub fn backward(&self, output: &[f32], kept: &[f32], gradient: &mut [f32], bias_gradient: &mut [f32]) {
        if self.activation == Activation::Linear && !self.has_bias {
            return;
        }
        let dense = self.output.without_halo();
        for ((plane, _, row), (_, _, dense_row)) in rows(&self.output).zip(rows(&dense)) {
            let gradient = &mut gradient[row.clone()];
            let values = if kept.is_empty() { &output[row] } else { &kept[dense_row] };
            activate_backward(self.isa, self.activation, values, gradient);
            if !self.has_bias {
                continue;
            }
            let bias = &mut bias_gradient[plane * BLOCK..][..BLOCK];
            for pixel in gradient.chunks_exact(BLOCK) {
                bias.iter_mut().zip(pixel).for_each(|(bias, value)| *bias += value);
            }
        }
    }
}
