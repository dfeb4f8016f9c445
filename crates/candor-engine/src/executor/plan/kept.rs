//! Which tensors are kept of all samples until the way back.
//!
//! What a normalisation writes is seldom worth its memory: to compute it again from what it read, which is kept anyway, costs
//! less than to write it to a memory that is slower than any cache and read it back. It lives for one block only, forward
//! and once more on the way back.

use super::halts::Halts;
use super::join::Joined;
use crate::executor::compiled::Purpose;
use crate::layer::Layer;

/// For each tensor, whether it is kept of all samples: until the way back, or where there is none until the next halt.
pub(super) fn kept(steps: &[Joined<'_>], halts: &Halts, purpose: Purpose) -> Vec<bool> {
    let is_redone = |tensor: usize| {
        purpose.learns()
            && tensor > 0
            && is_cheap(&steps[tensor - 1])
            && steps.iter().any(|step| step.inputs.contains(&tensor))
            && !halts.is_read_later(steps, tensor)
    };
    let is_kept = |tensor: usize| match purpose {
        Purpose::Answer => halts.is_read_later(steps, tensor),
        _ => !is_redone(tensor),
    };
    (0..=steps.len()).map(is_kept).collect()
}

fn is_cheap(step: &Joined<'_>) -> bool {
    matches!(step.node.layer, Layer::BatchNorm(_))
}
