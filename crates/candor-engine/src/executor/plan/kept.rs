//! Which tensors are kept of all samples until the way back.
//!
//! What a normalisation writes is seldom worth its memory: to compute it again from what it read, which is kept anyway, costs
//! less than to write it to a memory that is slower than any cache and read it back. It lives for one block only, forward
//! and once more on the way back.

use super::join::Joined;
use crate::executor::compiled::Purpose;
use crate::layer::Layer;

/// For each tensor, whether it is kept.
pub(super) fn kept(steps: &[Joined<'_>], barriers: &[usize], purpose: Purpose) -> Vec<bool> {
    let is_redone = |tensor: usize| {
        matches!(purpose, Purpose::Learn(_))
            && tensor > 0
            && is_cheap(&steps[tensor - 1])
            && is_local(steps, barriers, tensor)
    };
    (0..=steps.len()).map(|tensor| purpose.goes_back() && !is_redone(tensor)).collect()
}

fn is_cheap(step: &Joined<'_>) -> bool {
    matches!(step.node.layer, Layer::BatchNorm(_))
}

/// Whether a tensor is read, and only before the next barrier.
fn is_local(steps: &[Joined<'_>], barriers: &[usize], tensor: usize) -> bool {
    let writer = tensor - 1;
    let next = barriers.iter().copied().find(|&barrier| barrier > writer).unwrap_or(steps.len());
    let mut readers = (0..steps.len()).filter(|&step| steps[step].inputs.contains(&tensor)).peekable();
    readers.peek().is_some() && readers.all(|reader| reader < next)
}
