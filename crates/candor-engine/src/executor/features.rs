//! Runs the feature part of a network: a batch in lanes, a lane in blocks.
//!
//! A batch is cut into lanes of consecutive samples. A lane belongs to one worker at a time and owns all memory of its
//! samples, the gradients of the parameters among it; these are added up in the order of the lanes. How many lanes there
//! are depends on the network and the batch size, never on the number of threads: so no result does either.

use std::ops::Range;

use rayon::prelude::*;

use super::Inputs;
use super::plan::{Boundary, Plan};
use super::step::{Backward, Forward, Pass, StepMemory};
use crate::Parameters;
use crate::kernel::{BLOCK, Buffer, Isa, Layout};
use crate::random::Stream;

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
    /// Whether the gradient with respect to the network's input is wanted.
    input_gradient: bool,
}

/// What a worker needs to take its samples through all steps.
struct Lane {
    /// The input and each step's output, for every sample of the lane.
    tensors: Vec<Buffer>,
    /// Their gradients, for one block of samples.
    gradients: Vec<Buffer>,
    steps: Vec<StepMemory>,
    /// Where global maxima were found: for every sample and channel.
    places: Vec<u32>,
}

impl Features {
    pub fn new(isa: Isa, plan: Plan, batch: usize, training: bool, input_gradient: bool) -> Features {
        let affordable = MOST_GRADIENTS / plan.feature_parameters.max(1);
        let count = affordable.clamp(2, MOST_LANES).min(batch);
        let lane_len = batch.div_ceil(count);
        let count = batch.div_ceil(lane_len);
        let lanes = (0..count).map(|_| Lane::new(&plan, lane_len, training)).collect();
        Features { isa, plan, lanes, lane_len, input_gradient }
    }

    /// Values in one row of the head's input.
    pub fn len(&self) -> usize {
        self.plan.features
    }

    /// Whether anything before the head wants a gradient.
    pub fn needs_gradient(&self) -> bool {
        self.input_gradient || !self.plan.steps.is_empty()
    }

    /// Takes over new values of the parameters.
    pub fn load(&mut self, parameters: &Parameters) {
        self.plan.steps.par_iter_mut().for_each(|step| step.load(parameters));
    }

    /// Fills one row a sample of `out` with the last feature maps as a vector.
    pub fn forward(&mut self, inputs: Inputs<'_>, dropout: Option<Stream>, out: &mut [f32]) {
        let (plan, lane_len, pass) = (&self.plan, self.lane_len, Pass { isa: self.isa, dropout });
        let chunks = out.par_chunks_mut(lane_len * plan.features);
        self.lanes.par_iter_mut().zip(chunks).enumerate().for_each(|(index, (lane, out))| {
            lane.forward(plan, &pass, inputs, index * lane_len, out);
        });
    }

    /// Takes the gradients with respect to the rows of [`Features::forward`] back to the parameters.
    pub fn backward(&mut self, row_gradients: &[f32], dropout: Option<Stream>, gradients: &mut Parameters) {
        if !self.needs_gradient() {
            return;
        }
        let (plan, lane_len, pass) = (&self.plan, self.lane_len, Pass { isa: self.isa, dropout });
        let wanted = self.input_gradient;
        let chunks = row_gradients.par_chunks(lane_len * plan.features);
        let used = chunks.len();
        self.lanes.par_iter_mut().zip(chunks).enumerate().for_each(|(index, (lane, rows))| {
            lane.backward(plan, &pass, index * lane_len, rows, wanted);
        });
        for (index, step) in plan.steps.iter().enumerate() {
            let memories: Vec<&StepMemory> =
                self.lanes[..used].iter().map(|lane| &lane.steps[index]).collect();
            step.collect(&memories, gradients);
        }
    }
}

impl Lane {
    fn new(plan: &Plan, samples: usize, training: bool) -> Lane {
        let layouts: Vec<&Layout> =
            std::iter::once(&plan.input).chain(plan.steps.iter().map(|step| step.output())).collect();
        let buffers =
            |samples: usize| layouts.iter().map(|layout| Buffer::zeros(layout.len() * samples)).collect();
        let places = if plan.boundary == Boundary::GlobalMax { samples * plan.features } else { 0 };
        Lane {
            tensors: buffers(samples),
            gradients: if training { buffers(plan.block.min(samples)) } else { Vec::new() },
            steps: plan.steps.iter().map(|step| step.memory(samples, training)).collect(),
            places: vec![0; places],
        }
    }

    fn forward(
        &mut self,
        plan: &Plan,
        pass: &Pass,
        inputs: Inputs<'_>,
        first_sample: usize,
        out: &mut [f32],
    ) {
        for slots in blocks(out.len() / plan.features, plan.block) {
            let input_len = plan.input.len();
            for slot in slots.clone() {
                let to = &mut self.tensors[0][slot * input_len..][..input_len];
                inputs.write(first_sample + slot, &plan.input, to);
            }
            for (index, (step, memory)) in plan.steps.iter().zip(&mut self.steps).enumerate() {
                let (before, after) = self.tensors.split_at_mut(index + 1);
                step.forward(
                    pass,
                    Forward {
                        slots: slots.clone(),
                        first_sample: first_sample + slots.start,
                        input: of_slots(&before[index], step.input(), &slots),
                        output: of_slots_mut(&mut after[0], step.output(), &slots),
                        memory,
                    },
                );
            }
            let rows = &mut out[slots.start * plan.features..slots.end * plan.features];
            self.write_rows(plan, &slots, rows);
        }
    }

    fn backward(
        &mut self,
        plan: &Plan,
        pass: &Pass,
        first_sample: usize,
        row_gradients: &[f32],
        input_gradient: bool,
    ) {
        self.steps.iter_mut().for_each(StepMemory::clear_gradients);
        for slots in blocks(row_gradients.len() / plan.features, plan.block) {
            let rows = &row_gradients[slots.start * plan.features..slots.end * plan.features];
            self.read_row_gradients(plan, &slots, rows);
            let local = 0..slots.len();
            for (index, (step, memory)) in plan.steps.iter().zip(&mut self.steps).enumerate().rev() {
                let (before, after) = self.gradients.split_at_mut(index + 1);
                let to = of_slots_mut(&mut before[index], step.input(), &local);
                step.backward(
                    pass,
                    Backward {
                        slots: slots.clone(),
                        first_sample: first_sample + slots.start,
                        input: of_slots(&self.tensors[index], step.input(), &slots),
                        output: of_slots(&self.tensors[index + 1], step.output(), &slots),
                        output_gradient: of_slots_mut(&mut after[0], step.output(), &local),
                        input_gradient: (index > 0 || input_gradient).then_some(to),
                        memory,
                    },
                );
            }
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
        let maps = &mut self.gradients[plan.steps.len()];
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
    /// of a batch of at most one block a lane.
    pub fn input_gradient(&self, samples: usize) -> Vec<f32> {
        let layout = &self.plan.input;
        let mut values = Vec::new();
        for sample in 0..samples {
            let gradients = &self.lanes[sample / self.lane_len].gradients[0];
            let map = &gradients[sample % self.lane_len * layout.len()..][..layout.len()];
            for (y, x) in (0..layout.height).flat_map(|y| (0..layout.width).map(move |x| (y, x))) {
                values.extend((0..layout.channels).map(|channel| map[layout.position(channel, y, x)]));
            }
        }
        values
    }
}
