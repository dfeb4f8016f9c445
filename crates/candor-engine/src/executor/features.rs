//! Runs the feature part of a network: a batch in lanes, a lane in blocks.
//!
//! A batch is cut into lanes of consecutive samples. A lane belongs to one worker at a time and owns all memory of its
//! samples, the gradients of the parameters among it; these are added up in the order of the lanes. How many lanes there
//! are depends on the network and the batch size, never on the number of threads: so no result does either.

use std::ops::Range;

use rayon::prelude::*;

use super::plan::{Boundary, Plan};
use super::step::{Arrival, Backward, Barrier, Forward, Pass, Reads, StepMemory, rows};
use super::{Inputs, Mode};
use crate::Parameters;
use crate::kernel::{BLOCK, Buffer, Isa, Layout};

/// More lanes than this would only be more gradients to add up.
const MOST_LANES: usize = 16;
/// Trained values that all lanes' gradients together may hold, as long as two lanes remain.
const MOST_GRADIENTS: usize = 1 << 23;

/// The feature part with its memory.
pub(super) struct Features {
    isa: Isa,
    plan: Plan,
    lanes: Vec<Lane>,
    /// Samples in a full lane.
    lane_len: usize,
}

/// What a worker needs to take its samples through all steps.
struct Lane {
    /// The input and each step's output: for every sample of the lane, or where nothing is learned for one block.
    tensors: Vec<Buffer>,
    /// Whether the tensors hold the whole lane.
    training: bool,
    /// The buffers of [`GradientPlan`](super::plan::GradientPlan).
    gradients: Vec<Buffer>,
    /// A gradient that is to be added to another.
    spare: Buffer,
    steps: Vec<StepMemory>,
    /// Where global maxima were found: for every sample and channel.
    places: Vec<u32>,
}

/// Steps that a lane can take without waiting for the others.
struct Segment {
    steps: Range<usize>,
    /// Whether the first step is a barrier: it waited for what the segment before noted.
    after_barrier: bool,
    /// Whether the step behind the last one is a barrier.
    before_barrier: bool,
}

/// The samples of a block: which of the lane's they are, and where in the batch the lane begins.
#[derive(Clone)]
struct Block {
    samples: Range<usize>,
    first_of_lane: usize,
}

impl Features {
    pub fn new(isa: Isa, plan: Plan, batch: usize, training: bool) -> Features {
        let affordable = MOST_GRADIENTS / plan.feature_parameters.max(1);
        let count = affordable.clamp(2, MOST_LANES).min(batch);
        let lane_len = batch.div_ceil(count);
        let count = batch.div_ceil(lane_len);
        let lanes = (0..count).map(|_| Lane::new(&plan, lane_len, training)).collect();
        Features { isa, plan, lanes, lane_len }
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
        for segment in 0..=self.barriers(mode) {
            let segment = self.segment(segment, mode);
            let (plan, lane_len) = (&self.plan, self.lane_len);
            let chunks = out.par_chunks_mut(lane_len * plan.features);
            self.lanes.par_iter_mut().zip(chunks).enumerate().for_each(|(index, (lane, out))| {
                lane.forward(plan, &pass, &segment, (inputs, index * lane_len), out);
            });
            if segment.before_barrier {
                self.settle(segment.steps.end, used, |barrier, lanes| barrier.settle(lanes));
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
        for segment in (0..=self.barriers(mode)).rev() {
            let segment = self.segment(segment, mode);
            let (plan, lane_len) = (&self.plan, self.lane_len);
            let chunks = row_gradients.par_chunks(lane_len * plan.features);
            self.lanes.par_iter_mut().zip(chunks).enumerate().for_each(|(index, (lane, rows))| {
                lane.backward(plan, &pass, &segment, index * lane_len, rows);
            });
            if segment.after_barrier {
                self.settle(segment.steps.start, used, |barrier, lanes| barrier.settle_back(lanes));
            }
        }
        let Features { plan, lanes, .. } = self;
        for (index, step) in plan.steps.iter().enumerate() {
            with_memories(&lanes[..used], index, |memories| step.collect(memories, gradients));
        }
    }

    /// How often the whole batch must come together.
    fn barriers(&self, mode: Mode) -> usize {
        if mode.is_learning() { self.plan.barriers.len() } else { 0 }
    }

    fn segment(&self, index: usize, mode: Mode) -> Segment {
        let barriers = &self.plan.barriers[..self.barriers(mode)];
        let start = if index == 0 { 0 } else { barriers[index - 1] };
        let end = barriers.get(index).copied().unwrap_or(self.plan.steps.len());
        Segment { steps: start..end, after_barrier: index > 0, before_barrier: index < barriers.len() }
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

/// Gives what the lanes remember for one step to `take`, in the order of the lanes and without allocating.
fn with_memories(lanes: &[Lane], step: usize, take: impl FnOnce(&[&StepMemory])) {
    let mut memories = [&lanes[0].steps[step]; MOST_LANES];
    memories.iter_mut().zip(lanes).for_each(|(memory, lane)| *memory = &lane.steps[step]);
    take(&memories[..lanes.len()]);
}

impl Lane {
    fn new(plan: &Plan, samples: usize, training: bool) -> Lane {
        let block = plan.block.min(samples);
        let kept = if training { samples } else { block };
        let places = if plan.boundary == Boundary::GlobalMax { kept * plan.features } else { 0 };
        let gradients = plan.gradients.buffers.iter().filter(|_| training);
        Lane {
            tensors: plan.layouts.iter().map(|layout| Buffer::zeros(layout.len() * kept)).collect(),
            training,
            gradients: gradients
                .map(|buffer| Buffer::zeros(buffer.len * if buffer.whole_lane { samples } else { block }))
                .collect(),
            spare: Buffer::zeros(if training { plan.gradients.spare * block } else { 0 }),
            steps: plan.steps.iter().map(|step| step.memory(kept, training)).collect(),
            places: vec![0; places],
        }
    }

    /// Takes the lane's samples through some of the steps, block by block. The first step reads the network's input; behind
    /// the last the feature maps become rows of `out`; and where a barrier follows, it takes note.
    fn forward(
        &mut self,
        plan: &Plan,
        pass: &Pass,
        segment: &Segment,
        (inputs, first_of_lane): (Inputs<'_>, usize),
        out: &mut [f32],
    ) {
        let steps = &segment.steps;
        if segment.before_barrier {
            self.steps[steps.end].statistics.fill(0.0);
        }
        for samples in blocks(out.len() / plan.features, plan.block) {
            let block = Block { samples, first_of_lane };
            if !segment.after_barrier {
                self.write_inputs(plan, inputs, &block);
            }
            steps.clone().for_each(|step| self.step_forward(plan, pass, step, &block));
            if !segment.before_barrier {
                let rows = block.samples.start * plan.features..block.samples.end * plan.features;
                self.write_rows(plan, &self.kept(&block), &mut out[rows]);
            } else if let Some(barrier) = plan.steps[steps.end].barrier() {
                let reads = reads(plan, &self.tensors, steps.end, &block.samples);
                barrier.note(pass, reads, &mut self.steps[steps.end]);
            }
        }
    }

    fn step_forward(&mut self, plan: &Plan, pass: &Pass, step: usize, block: &Block) {
        let slots = self.kept(block);
        let (before, after) = self.tensors.split_at_mut(step + 1);
        plan.steps[step].forward(
            pass,
            Forward {
                slots: slots.clone(),
                first_sample: block.first_of_lane + block.samples.start,
                reads: reads(plan, before, step, &slots),
                output: of_slots_mut(&mut after[0], &plan.layouts[step + 1], &slots),
                memory: &mut self.steps[step],
            },
        );
    }

    /// Takes gradients back through some of the steps, block by block. Behind the last segment they come from the rows. The
    /// barrier that a segment begins with only takes note; its gradient is made in the segment before, after the lanes
    /// have come together.
    fn backward(
        &mut self,
        plan: &Plan,
        pass: &Pass,
        segment: &Segment,
        first_of_lane: usize,
        row_gradients: &[f32],
    ) {
        let first = segment.steps.start + usize::from(segment.after_barrier);
        let last = segment.steps.end + usize::from(segment.before_barrier);
        if !segment.before_barrier {
            self.steps.iter_mut().for_each(StepMemory::clear_gradients);
        }
        if segment.after_barrier {
            self.steps[segment.steps.start].statistics.fill(0.0);
        }
        for samples in blocks(row_gradients.len() / plan.features, plan.block) {
            let block = Block { samples, first_of_lane };
            if !segment.before_barrier {
                let rows = block.samples.start * plan.features..block.samples.end * plan.features;
                self.read_row_gradients(plan, &block.samples, &row_gradients[rows]);
            }
            (first..last).rev().for_each(|step| self.step_back(plan, pass, step, &block));
            if segment.after_barrier {
                self.note_back(plan, pass, segment.steps.start, &block);
            }
        }
    }

    fn step_back(&mut self, plan: &Plan, pass: &Pass, step: usize, block: &Block) {
        let Some(output_place) = plan.gradients.places[step + 1] else { return };
        for (which, edge) in plan.gradients.edges[step].iter().enumerate() {
            let layout = &plan.layouts[edge.tensor];
            let at = |place: usize| gradient_slots(plan, place, &block.samples);
            let (output_gradient, input_gradient) = match (edge.gradient, plan.gradients.places[edge.tensor])
            {
                (Arrival::First, Some(place)) => {
                    let [from, to] = two_of(&mut self.gradients, output_place, place);
                    (from, Some(of_slots_mut(to, layout, &at(place))))
                }
                (Arrival::Again, Some(_)) => {
                    let to = of_slots_mut(&mut self.spare, layout, &(0..block.samples.len()));
                    (&mut self.gradients[output_place], Some(to))
                }
                _ => (&mut self.gradients[output_place], None),
            };
            let output_layout = &plan.layouts[step + 1];
            plan.steps[step].backward(
                pass,
                Backward {
                    slots: block.samples.clone(),
                    first_sample: block.first_of_lane + block.samples.start,
                    reads: reads(plan, &self.tensors, step, &block.samples),
                    output: of_slots(&self.tensors[step + 1], output_layout, &block.samples),
                    output_gradient: of_slots_mut(output_gradient, output_layout, &at(output_place)),
                    which,
                    input_gradient,
                    memory: &mut self.steps[step],
                },
            );
            if let (Arrival::Again, Some(place)) = (edge.gradient, plan.gradients.places[edge.tensor]) {
                let to = of_slots_mut(&mut self.gradients[place], layout, &at(place));
                add_samples(layout, &self.spare, to);
            }
        }
    }

    fn note_back(&mut self, plan: &Plan, pass: &Pass, step: usize, block: &Block) {
        let (Some(barrier), Some(place)) = (plan.steps[step].barrier(), plan.gradients.places[step + 1])
        else {
            return;
        };
        let layout = &plan.layouts[step + 1];
        let at = gradient_slots(plan, place, &block.samples);
        let block = Backward {
            slots: block.samples.clone(),
            first_sample: block.first_of_lane + block.samples.start,
            reads: reads(plan, &self.tensors, step, &block.samples),
            output: of_slots(&self.tensors[step + 1], layout, &block.samples),
            output_gradient: of_slots_mut(&mut self.gradients[place], layout, &at),
            which: 0,
            input_gradient: None,
            memory: &mut self.steps[step],
        };
        barrier.note_back(pass, block);
    }

    /// Where a block's samples are kept in the tensors.
    fn kept(&self, block: &Block) -> Range<usize> {
        if self.training { block.samples.clone() } else { 0..block.samples.len() }
    }

    fn write_inputs(&mut self, plan: &Plan, inputs: Inputs<'_>, block: &Block) {
        let (layout, slots) = (&plan.layouts[0], self.kept(block));
        let maps = of_slots_mut(&mut self.tensors[0], layout, &slots).chunks_exact_mut(layout.len());
        for (sample, to) in block.samples.clone().zip(maps) {
            inputs.write(block.first_of_lane + sample, layout, to);
        }
    }

    /// The last feature maps of a block as vectors.
    fn write_rows(&mut self, plan: &Plan, slots: &Range<usize>, rows: &mut [f32]) {
        let (layout, count) = (plan.last(), plan.features);
        let maps = of_slots(&self.tensors[plan.steps.len()], layout, slots).chunks_exact(layout.len());
        for ((row, map), slot) in rows.chunks_exact_mut(count).zip(maps).zip(slots.clone()) {
            match plan.boundary {
                Boundary::Flatten => flatten(layout, map, |index, value| row[index] = value),
                Boundary::GlobalAvg => {
                    row.fill(0.0);
                    let pixels = layout.height * layout.width;
                    flatten(layout, map, |index, value| row[index / pixels] += value);
                    row.iter_mut().for_each(|value| *value /= pixels as f32);
                }
                Boundary::GlobalMax => {
                    let places = &mut self.places[slot * count..][..count];
                    let pixels = layout.height * layout.width;
                    row.fill(f32::NEG_INFINITY);
                    flatten(layout, map, |index, value| {
                        if value > row[index / pixels] {
                            row[index / pixels] = value;
                            places[index / pixels] = (index % pixels) as u32;
                        }
                    });
                }
            }
        }
    }

    /// The gradients of a block's vectors as those of its last feature maps.
    fn read_row_gradients(&mut self, plan: &Plan, slots: &Range<usize>, rows: &[f32]) {
        let (layout, count) = (*plan.last(), plan.features);
        let Some(place) = plan.gradients.places[plan.steps.len()] else { return };
        let at = gradient_slots(plan, place, slots);
        let maps = of_slots_mut(&mut self.gradients[place], &layout, &at);
        let pixels = layout.height * layout.width;
        for ((row, map), slot) in
            rows.chunks_exact(count).zip(maps.chunks_exact_mut(layout.len())).zip(slots.clone())
        {
            match plan.boundary {
                Boundary::Flatten => unflatten(&layout, map, |index| row[index]),
                Boundary::GlobalAvg => unflatten(&layout, map, |index| row[index / pixels] / pixels as f32),
                Boundary::GlobalMax => {
                    map.fill(0.0);
                    let places = &self.places[slot * count..][..count];
                    for (channel, (&place, &gradient)) in places.iter().zip(row).enumerate() {
                        let (y, x) = (place as usize / layout.width, place as usize % layout.width);
                        map[layout.position(channel, y, x)] = gradient;
                    }
                }
            }
        }
    }
}

/// Where a block's samples are in a buffer of gradients.
fn gradient_slots(plan: &Plan, place: usize, samples: &Range<usize>) -> Range<usize> {
    if plan.gradients.buffers[place].whole_lane { samples.clone() } else { 0..samples.len() }
}

/// What a step reads.
fn reads<'a>(plan: &'a Plan, tensors: &'a [Buffer], step: usize, slots: &Range<usize>) -> Reads<'a> {
    let inputs = &plan.gradients.edges[step];
    Reads { tensors, layouts: &plan.layouts, inputs, start: slots.start, end: slots.end }
}

/// Two different buffers.
fn two_of(buffers: &mut [Buffer], first: usize, second: usize) -> [&mut Buffer; 2] {
    buffers.get_disjoint_mut([first, second]).expect("gradients that live at the same time share no buffer")
}

/// Adds the pictures of some samples, without what lies around them.
fn add_samples(layout: &Layout, from: &[f32], to: &mut [f32]) {
    for (from, to) in from.chunks_exact(layout.len()).zip(to.chunks_exact_mut(layout.len())) {
        for (_, _, row) in rows(layout) {
            to[row.clone()].iter_mut().zip(&from[row]).for_each(|(to, from)| *to += from);
        }
    }
}

/// Consecutive ranges of up to `block` samples.
fn blocks(samples: usize, block: usize) -> impl Iterator<Item = Range<usize>> {
    (0..samples).step_by(block).map(move |start| start..(start + block).min(samples))
}

fn of_slots<'a>(buffer: &'a Buffer, layout: &Layout, slots: &Range<usize>) -> &'a [f32] {
    &buffer[slots.start * layout.len()..slots.end * layout.len()]
}

fn of_slots_mut<'a>(buffer: &'a mut Buffer, layout: &Layout, slots: &Range<usize>) -> &'a mut [f32] {
    &mut buffer[slots.start * layout.len()..slots.end * layout.len()]
}

/// Visits the values of one sample channel by channel, row by row, with their running number.
fn flatten(layout: &Layout, map: &[f32], mut visit: impl FnMut(usize, f32)) {
    let mut index = 0;
    for channel in 0..layout.channels {
        for y in 0..layout.height {
            let start = layout.position(channel, y, 0);
            for x in 0..layout.width {
                visit(index, map[start + x * layout.block]);
                index += 1;
            }
        }
    }
}

/// The way back from [`flatten`]; channels that only fill up a block get zero.
fn unflatten(layout: &Layout, map: &mut [f32], value: impl Fn(usize) -> f32) {
    let pixels = layout.height * layout.width;
    for channel in 0..layout.planes() * layout.block {
        for y in 0..layout.height {
            let start = layout.position(channel, y, 0);
            for x in 0..layout.width {
                let index = channel * pixels + y * layout.width + x;
                map[start + x * layout.block] = if channel < layout.channels { value(index) } else { 0.0 };
            }
        }
    }
}

impl Inputs<'_> {
    /// Writes the sample at `index` into a tensor; bytes as value / 255.
    fn write(&self, index: usize, layout: &Layout, to: &mut [f32]) {
        let len = layout.height * layout.width * layout.channels;
        let range = index * len..(index + 1) * len;
        match self {
            Inputs::Bytes(bytes) => {
                write_pixels(layout, &bytes[range], to, |&byte| BYTE_VALUES[usize::from(byte)])
            }
            Inputs::Floats(values) => write_pixels(layout, &values[range], to, |&value| value),
        }
    }
}

/// What each byte is worth: value / 255.
static BYTE_VALUES: [f32; 256] = {
    let mut values = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        values[byte] = byte as f32 / 255.0;
        byte += 1;
    }
    values
};

fn write_pixels<T>(layout: &Layout, pixels: &[T], to: &mut [f32], value: impl Fn(&T) -> f32) {
    let row_len = layout.width * layout.channels;
    for (y, row) in pixels.chunks_exact(row_len).enumerate() {
        if layout.block < BLOCK {
            let start = layout.row_start(0, y);
            to[start..start + row_len].iter_mut().zip(row).for_each(|(to, from)| *to = value(from));
        } else {
            for (x, pixel) in row.chunks_exact(layout.channels).enumerate() {
                pixel
                    .iter()
                    .enumerate()
                    .for_each(|(channel, from)| to[layout.position(channel, y, x)] = value(from));
            }
        }
    }
}

impl Features {
    /// The gradient with respect to the network's input, height × width × channels a sample, after [`Features::backward`]
    /// of a batch of at most one block a lane; empty where it was not asked for.
    pub fn input_gradient(&self, samples: usize) -> Vec<f32> {
        let layout = &self.plan.layouts[0];
        let mut values = Vec::new();
        let Some(place) = self.plan.gradients.places[0] else { return values };
        for sample in 0..samples {
            let gradients = &self.lanes[sample / self.lane_len].gradients[place];
            let map = &gradients[sample % self.lane_len * layout.len()..][..layout.len()];
            for (y, x) in (0..layout.height).flat_map(|y| (0..layout.width).map(move |x| (y, x))) {
                values.extend((0..layout.channels).map(|channel| map[layout.position(channel, y, x)]));
            }
        }
        values
    }
}
