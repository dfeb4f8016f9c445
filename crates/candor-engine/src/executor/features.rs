//! Runs the feature part of a network: a batch in lanes, a lane in blocks.
//!
//! A batch is cut into lanes of consecutive samples. A lane belongs to one worker at a time and owns all memory of its
//! samples, the gradients of the parameters among it; these are added up in the order of the lanes. How many lanes there
//! are depends on the network and the batch size, never on the number of threads: so no result does either.

mod boundary;
mod compare;
mod desk;
mod inputs;
mod lane;

use rayon::prelude::*;

use self::desk::Desks;
use self::lane::{Lane, Way};
use super::plan::{Halts, Plan, Segment};
use super::step::{Barrier, Pass, StepMemory};
use super::{Inputs, Mode};
use crate::Parameters;
use crate::kernel::{Isa, Layout};

/// More lanes than this would only be more gradients to add up.
const MOST_LANES: usize = 16;
/// Values that all lanes' gradients together may hold, as long as two lanes remain: in every step they are set to zero and
/// summed up.
const MOST_GRADIENTS: usize = 1 << 24;

/// The feature part with its memory.
pub(super) struct Features {
    isa: Isa,
    plan: Plan,
    lanes: Vec<Lane>,
    desks: Desks,
    /// Samples in a full lane.
    lane_len: usize,
}

impl Features {
    /// For batches of up to `batch` samples and so many worker threads.
    pub fn new(isa: Isa, plan: Plan, batch: usize, training: bool, workers: usize) -> Features {
        let gradients = plan.steps.iter().map(|step| step.memory(0, training).weight_gradient.len());
        let affordable = MOST_GRADIENTS / gradients.sum::<usize>().max(1);
        let count = if training {
            // A power of two: three lanes would keep two threads as busy as four do.
            1 << affordable.clamp(2, MOST_LANES).ilog2()
        } else {
            // An answer does not depend on its lane: so as few as leave each a block, if all threads have one.
            batch.div_ceil(plan.halts.largest_block()).max(workers).min(MOST_LANES)
        };
        let lane_len = batch.div_ceil(count.min(batch));
        let count = batch.div_ceil(lane_len);
        let lanes = (0..count).map(|_| Lane::new(&plan, lane_len, training)).collect();
        let desks = Desks::new(&plan, lane_len, training, workers.min(count));
        Features { isa, plan, lanes, desks, lane_len }
    }

    /// Values in one row of the head's input.
    pub fn len(&self) -> usize {
        self.plan.features
    }

    /// Whether anything before the head wants a gradient.
    pub fn needs_gradient(&self) -> bool {
        self.plan.gradients.places[self.plan.steps.len()].is_some()
    }

    /// Takes over new values of the parameters.
    pub fn load(&mut self, parameters: &Parameters) {
        self.plan.steps.par_iter_mut().for_each(|step| step.load(parameters));
    }

    /// Writes what follows the data instead of gradients, after a pass that learned.
    pub fn remember(&mut self, parameters: &mut Parameters) {
        self.plan
            .steps
            .iter_mut()
            .filter_map(|step| step.barrier_mut())
            .for_each(|step| step.remember(parameters));
    }

    /// Fills one row a sample of `out` with the last feature maps as a vector.
    pub fn forward(&mut self, inputs: Inputs<'_>, mode: Mode, out: &mut [f32]) {
        let pass = self.pass(mode);
        let used = out.len().div_ceil(self.lane_len * self.plan.features);
        for round in 0..self.rounds(mode) {
            let (plan, desks, lane_len) = (&self.plan, &self.desks, self.lane_len);
            let forward = |index: usize, lane: &mut Lane, out: &mut [f32]| {
                let inputs = (inputs, index * lane_len);
                desks.seat(lane, |lane| {
                    for segment in segments(plan, round, mode) {
                        lane.forward(plan, &pass, segment, inputs, out);
                    }
                });
            };
            if let ([lane, ..], 1) = (&mut self.lanes[..], used) {
                // The pool is not asked, and need not be there.
                forward(0, lane, out);
            } else {
                let lanes = self.lanes.par_iter_mut().zip(out.par_chunks_mut(lane_len * plan.features));
                for_each_to_and_fro(lanes.enumerate(), round, |(index, (lane, out))| {
                    forward(index, lane, out)
                });
            }
            if round + 1 < self.rounds(mode) {
                let barrier = self.plan.halts.segments[round].steps.end;
                self.settle(barrier, used, |barrier, lanes| barrier.settle(lanes));
            }
        }
    }

    /// Takes the gradients with respect to the rows of [`Features::forward`] back to the parameters.
    pub fn backward(&mut self, row_gradients: &[f32], mode: Mode, gradients: &mut Parameters) {
        if !self.needs_gradient() {
            return;
        }
        let pass = self.pass(mode);
        let used = row_gradients.len().div_ceil(self.lane_len * self.plan.features);
        for round in (0..self.rounds(mode)).rev() {
            let (plan, desks, lane_len) = (&self.plan, &self.desks, self.lane_len);
            let rows = row_gradients.par_chunks(lane_len * plan.features);
            let lanes = self.lanes.par_iter_mut().zip(rows);
            for_each_to_and_fro(lanes.enumerate(), round + 1, |(index, (lane, rows))| {
                desks.seat(lane, |lane| {
                    for segment in segments(plan, round, mode).iter().rev() {
                        let way = Way { first_of_lane: index * lane_len, input_gradients: None };
                        lane.backward(plan, &pass, segment, rows, way);
                    }
                });
            });
            if round > 0 {
                let barrier = self.plan.halts.segments[round].steps.start;
                self.settle(barrier, used, |barrier, lanes| barrier.settle_back(lanes));
            }
        }
        let Features { plan, lanes, .. } = self;
        for (index, step) in plan.steps.iter().enumerate() {
            with_memories(&lanes[..used], index, |memories| step.collect(memories, gradients));
        }
    }

    /// Takes the gradients with respect to the rows of a [`Features::forward`] that answered back to the network's input: one
    /// row a sample, height × width × channels.
    pub fn pull_back(&mut self, row_gradients: &[f32], input_gradients: &mut [f32]) {
        let pass = self.pass(Mode::Answer);
        let (plan, desks, lane_len) = (&self.plan, &self.desks, self.lane_len);
        let rows = row_gradients.par_chunks(lane_len * plan.features);
        let gradients = input_gradients.par_chunks_mut(lane_len * pixels(&plan.layouts[0]));
        self.lanes.par_iter_mut().zip(rows.zip(gradients)).enumerate().for_each(
            |(index, (lane, (rows, gradients)))| {
                let way = Way { first_of_lane: index * lane_len, input_gradients: Some(gradients) };
                desks.seat(lane, |lane| lane.backward(plan, &pass, &plan.halts.whole, rows, way));
            },
        );
    }

    /// How often the lanes go on after they have waited for each other.
    fn rounds(&self, mode: Mode) -> usize {
        let Halts { segments, are_barriers, .. } = &self.plan.halts;
        if *are_barriers && mode.is_learning() { segments.len() } else { 1 }
    }

    fn pass(&self, mode: Mode) -> Pass {
        Pass { isa: self.isa, learning: mode.is_learning(), dropout: mode.dropout() }
    }

    /// Lets the barrier at `step` bring together what the lanes noted.
    fn settle(&mut self, step: usize, used: usize, settle: impl Fn(&mut dyn Barrier, &[&StepMemory])) {
        let Features { plan, lanes, .. } = self;
        if let Some(barrier) = plan.steps.get_mut(step).and_then(|step| step.barrier_mut()) {
            with_memories(&lanes[..used], step, |memories| settle(barrier, memories));
        }
    }
}

/// What a lane goes through in a round: the steps between two barriers, or all of them.
fn segments(plan: &Plan, round: usize, mode: Mode) -> &[Segment] {
    let Halts { segments, whole, are_barriers } = &plan.halts;
    match are_barriers {
        true if mode.is_learning() => &segments[round..=round],
        true => std::slice::from_ref(whole),
        false => segments,
    }
}

/// Does `work` with all lanes, every other time from the end: what a lane left in a shared cache is then read before the
/// other lanes push it out.
fn for_each_to_and_fro<L: IndexedParallelIterator>(
    lanes: L,
    time: usize,
    work: impl Fn(L::Item) + Send + Sync,
) {
    if time.is_multiple_of(2) { lanes.for_each(work) } else { lanes.rev().for_each(work) }
}

/// Values of a picture.
fn pixels(layout: &Layout) -> usize {
    layout.height * layout.width * layout.channels
}

/// Gives what the lanes remember for one step to `take`, in the order of the lanes and without allocating.
fn with_memories(lanes: &[Lane], step: usize, take: impl FnOnce(&[&StepMemory])) {
    let mut memories = [&lanes[0].steps[step]; MOST_LANES];
    memories.iter_mut().zip(lanes).for_each(|(memory, lane)| *memory = &lane.steps[step]);
    take(&memories[..lanes.len()]);
}
