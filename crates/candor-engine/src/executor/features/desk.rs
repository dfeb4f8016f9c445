//! What a worker needs only while it has a lane in hand. It is lent to one lane after the other, so that it stays in the
//! worker's cache, and there is as much of it as there are workers, not lanes.

use std::sync::{Mutex, MutexGuard, TryLockError};

use super::lane::Lane;
use crate::executor::plan::Plan;
use crate::kernel::Buffer;

/// Memory for one block of samples. Nothing in it outlives a segment, but what lies around pictures stays zero.
pub(super) struct Desk {
    /// The tensors and the gradients that lanes do not keep, each with its place.
    tensors: Vec<(usize, Buffer)>,
    gradients: Vec<(usize, Buffer)>,
    spare: Buffer,
    sums: Buffer,
    work: Buffer,
}

impl Desk {
    /// For blocks of lanes that have up to `samples` samples.
    fn new(plan: &Plan, samples: usize, training: bool) -> Desk {
        let block = plan.halts.largest_block().min(samples);
        let back = plan.seeds.unwrap_or(block);
        // Where there is no way back, a lane has all that it needs here.
        let tensors = (0..plan.layouts.len()).filter(|&tensor| !(training && plan.kept[tensor]));
        let of_block = |tensor: usize| {
            let count = if plan.kept[tensor] { samples } else { plan.halts.block_of(tensor).min(samples) };
            plan.layouts[tensor].len() * count
        };
        let gradients = plan.gradients.buffers.iter().filter(|_| training).enumerate();
        let gradients = gradients.filter(|(_, buffer)| !buffer.whole_lane);
        Desk {
            tensors: tensors.map(|tensor| (tensor, Buffer::zeros(of_block(tensor)))).collect(),
            gradients: gradients.map(|(index, buffer)| (index, Buffer::zeros(buffer.len * back))).collect(),
            spare: Buffer::zeros(if training { plan.gradients.spare * back } else { 0 }),
            sums: Buffer::zeros(plan.sums.iter().map(|place| place.end).max().unwrap_or(0)),
            work: Buffer::zeros(
                plan.steps.iter().map(|step| step.work_len(block.max(back))).max().unwrap_or(0),
            ),
        }
    }

    /// Gives the lane what lies here, or takes it back: called twice, all is as it was.
    fn exchange(&mut self, lane: &mut Lane) {
        self.tensors.iter_mut().for_each(|(index, own)| std::mem::swap(own, &mut lane.tensors[*index]));
        self.gradients.iter_mut().for_each(|(index, own)| std::mem::swap(own, &mut lane.gradients[*index]));
        std::mem::swap(&mut self.spare, &mut lane.spare);
        std::mem::swap(&mut self.sums, &mut lane.sums);
        std::mem::swap(&mut self.work, &mut lane.work);
    }
}

/// As many desks as lanes can be in hand at the same time.
pub(super) struct Desks(Vec<Mutex<Desk>>);

impl Desks {
    /// For lanes of up to `samples` samples of which up to `count` are in hand.
    pub fn new(plan: &Plan, samples: usize, training: bool, count: usize) -> Desks {
        Desks((0..count).map(|_| Mutex::new(Desk::new(plan, samples, training))).collect())
    }

    /// Does `work` with the lane at a desk: that at which the worker sat before, else one that is free.
    pub fn seat(&self, lane: &mut Lane, work: impl FnOnce(&mut Lane)) {
        let own = rayon::current_thread_index().unwrap_or(0);
        let mut desk = self.free(own);
        desk.exchange(lane);
        work(lane);
        desk.exchange(lane);
    }

    fn free(&self, own: usize) -> MutexGuard<'_, Desk> {
        loop {
            for next in 0..self.0.len() {
                match self.0[(own + next) % self.0.len()].try_lock() {
                    Ok(desk) => return desk,
                    Err(TryLockError::Poisoned(desk)) => return desk.into_inner(),
                    Err(TryLockError::WouldBlock) => {}
                }
            }
        }
    }
}
