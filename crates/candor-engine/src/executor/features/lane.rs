//! One lane: consecutive samples of a batch with all their memory, taken through the steps block by block.

use std::ops::Range;

use crate::executor::Inputs;
use crate::executor::plan::{Boundary, Plan, Segment};
use crate::executor::step::{Arrival, Backward, Compared, Forward, Pass, Reads, StepMemory, rows};
use crate::kernel::{Buffer, Isa, Layout, add};

/// What is kept of some samples from step to step.
pub(super) struct Lane {
    /// The input and each step's output. Tensors that are not kept are lent by a [`Desk`], for one block.
    pub tensors: Vec<Buffer>,
    /// Whether there is a way back.
    training: bool,
    /// The buffers of [`GradientPlan`](super::plan::GradientPlan); those for one block are lent too.
    pub gradients: Vec<Buffer>,
    /// A gradient that is to be added to another; lent.
    pub spare: Buffer,
    /// What steps between two halts sum up of the parameters' gradients; lent.
    pub sums: Buffer,
    /// What steps work in, one after the other; lent.
    pub work: Buffer,
    pub steps: Vec<StepMemory>,
    /// Where global maxima were found: for every sample and channel.
    pub places: Vec<u32>,
    /// In a comparison, what each input value contributes to each seed: the sum over the lane's samples.
    pub contributions: Buffer,
}

/// How a lane goes back.
pub(super) struct Way<'a> {
    /// Where in the batch the lane begins.
    pub first_of_lane: usize,
    /// Where the inputs' gradients go, if anyone wants them.
    pub input_gradients: Option<&'a mut [f32]>,
}

/// The samples of a block: which of the lane's they are, and where in the batch the lane begins.
#[derive(Clone)]
pub(super) struct Block {
    pub samples: Range<usize>,
    /// The places of what goes back: one a sample, or in a comparison one a seed.
    pub gradients: Range<usize>,
    pub first_of_lane: usize,
}

impl Block {
    fn new(samples: Range<usize>, first_of_lane: usize) -> Block {
        Block { gradients: samples.clone(), samples, first_of_lane }
    }
}

impl Lane {
    pub fn new(plan: &Plan, samples: usize, training: bool) -> Lane {
        let remembered = if training { samples } else { plan.halts.largest_block().min(samples) };
        let places = if plan.boundary == Boundary::GlobalMax { remembered * plan.features } else { 0 };
        let kept = |is_kept: bool, len: usize| if is_kept && training { len * samples } else { 0 };
        let tensors =
            plan.layouts.iter().zip(&plan.kept).map(|(layout, &is_kept)| kept(is_kept, layout.len()));
        let gradients = plan.gradients.buffers.iter().filter(|_| training);
        let lens: Vec<usize> =
            tensors.chain(gradients.map(|buffer| kept(buffer.whole_lane, buffer.len))).collect();
        let mut tensors = Buffer::all(&lens);
        let gradients = tensors.split_off(plan.layouts.len());
        Lane {
            tensors,
            training,
            gradients,
            spare: Buffer::default(),
            sums: Buffer::default(),
            work: Buffer::default(),
            contributions: Buffer::zeros(plan.seeds.map_or(0, |seeds| seeds * plan.layouts[0].len())),
            steps: plan.steps.iter().map(|step| step.memory(remembered, training)).collect(),
            places: vec![0; places],
        }
    }

    /// Takes the lane's samples through some of the steps, block by block. The first step reads the network's input; behind
    /// the last of all the feature maps become rows of `out`; and where a barrier follows, it takes note.
    pub fn forward(
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
        for samples in blocks(out.len() / plan.features, segment.block) {
            let block = Block::new(samples, first_of_lane);
            if segment.is_first {
                self.write_inputs(plan, inputs, &block);
            }
            steps.clone().for_each(|step| self.step_forward(plan, pass, step, &block));
            if segment.is_last {
                let rows = block.samples.start * plan.features..block.samples.end * plan.features;
                self.write_rows(plan, &block.samples, &mut out[rows]);
            } else if let (true, Some(barrier)) = (segment.before_barrier, plan.steps[steps.end].barrier()) {
                let reads = reads(plan, &self.tensors, steps.end, &block.samples);
                barrier.note(pass, reads, &mut self.steps[steps.end]);
            }
        }
    }

    fn step_forward(&mut self, plan: &Plan, pass: &Pass, step: usize, block: &Block) {
        let slots = self.remembered(&block.samples);
        let (before, after) = self.tensors.split_at_mut(step + 1);
        let at = tensor_slots(plan, step + 1, &block.samples);
        plan.steps[step].forward(
            pass,
            Forward {
                slots,
                first_sample: block.first_of_lane + block.samples.start,
                reads: reads(plan, before, step, &block.samples),
                output: of_slots_mut(&mut after[0], &plan.layouts[step + 1], &at),
                memory: &mut self.steps[step],
                work: &mut self.work,
            },
        );
    }

    /// Takes gradients back through some of the steps, block by block. Behind the last segment they come from the rows. The
    /// barrier that a segment begins with only takes note; its gradient is made in the segment before, after the lanes
    /// have come together.
    pub fn backward(
        &mut self,
        plan: &Plan,
        pass: &Pass,
        segment: &Segment,
        row_gradients: &[f32],
        Way { first_of_lane, mut input_gradients }: Way<'_>,
    ) {
        let first = segment.steps.start + usize::from(segment.after_barrier);
        let last = segment.steps.end + usize::from(segment.before_barrier);
        if segment.is_last {
            self.steps.iter_mut().for_each(StepMemory::clear_gradients);
        }
        if segment.after_barrier {
            self.steps[segment.steps.start].statistics.fill(0.0);
        }
        let sums = segment.steps.clone().map(|step| plan.sums[step].end).max().unwrap_or(0);
        self.sums[..sums].fill(0.0);
        for samples in blocks(row_gradients.len() / plan.features, segment.block) {
            let block = Block::new(samples, first_of_lane);
            if segment.is_last {
                let rows = block.samples.start * plan.features..block.samples.end * plan.features;
                self.read_row_gradients(plan, &block.samples, &row_gradients[rows]);
            }
            let redone = segment.steps.clone().filter(|step| !plan.kept[step + 1]);
            redone.for_each(|step| self.step_forward(plan, pass, step, &block));
            (first..last).rev().for_each(|step| self.step_back(plan, pass, (step, None), &block));
            if segment.after_barrier {
                self.note_back(plan, pass, segment.steps.start, &block);
            } else if let (true, Some(to)) = (segment.is_first, &mut input_gradients) {
                self.write_input_gradients(plan, &block.samples, to);
            }
        }
        for step in segment.steps.clone() {
            plan.steps[step].settle_sums(&self.sums[plan.sums[step].clone()], &mut self.steps[step]);
        }
    }

    /// Takes a block's gradients back through one step; or with the lane of another sample multipliers between the two.
    pub fn step_back(
        &mut self,
        plan: &Plan,
        pass: &Pass,
        (step, compared): (usize, Option<&Lane>),
        block: &Block,
    ) {
        let Some(output_place) = plan.gradients.places[step + 1] else { return };
        for (which, edge) in plan.gradients.edges[step].iter().enumerate() {
            let layout = &plan.layouts[edge.tensor];
            let at = |place: usize| gradient_slots(plan, place, &block.gradients);
            if which > 0 && plan.gradients.places[edge.tensor] == Some(output_place) {
                // It is there already: see `passed_on`.
                continue;
            }
            let (output_gradient, input_gradient) = match (edge.gradient, plan.gradients.places[edge.tensor])
            {
                (Arrival::First, Some(place)) => {
                    let [from, to] = two_of(&mut self.gradients, output_place, place);
                    (from, Some(of_slots_mut(to, layout, &at(place))))
                }
                (Arrival::Again, Some(_)) => {
                    let to = of_slots_mut(&mut self.spare, layout, &(0..block.gradients.len()));
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
                    output: of_slots(
                        &self.tensors[step + 1],
                        output_layout,
                        &tensor_slots(plan, step + 1, &block.samples),
                    ),
                    output_gradient: of_slots_mut(output_gradient, output_layout, &at(output_place)),
                    compared: compared.map(|lane| Compared {
                        reads: reads(plan, &lane.tensors, step, &(0..1)),
                        output: of_slots(&lane.tensors[step + 1], output_layout, &(0..1)),
                        memory: &lane.steps[step],
                    }),
                    which,
                    input_gradient,
                    memory: &mut self.steps[step],
                    sums: &mut self.sums[plan.sums[step].clone()],
                    work: &mut self.work,
                },
            );
            if let (Arrival::Again, Some(place)) = (edge.gradient, plan.gradients.places[edge.tensor]) {
                let to = of_slots_mut(&mut self.gradients[place], layout, &at(place));
                add_samples(pass.isa, layout, &self.spare, to);
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
            output: of_slots(&self.tensors[step + 1], layout, &tensor_slots(plan, step + 1, &block.samples)),
            output_gradient: of_slots_mut(&mut self.gradients[place], layout, &at),
            compared: None,
            which: 0,
            input_gradient: None,
            memory: &mut self.steps[step],
            sums: &mut [],
            work: &mut self.work,
        };
        barrier.note_back(pass, block);
    }

    /// Where a block's samples are in what steps remember.
    pub fn remembered(&self, samples: &Range<usize>) -> Range<usize> {
        if self.training { samples.clone() } else { 0..samples.len() }
    }

    fn write_inputs(&mut self, plan: &Plan, inputs: Inputs<'_>, block: &Block) {
        let (layout, slots) = (&plan.layouts[0], tensor_slots(plan, 0, &block.samples));
        let maps = of_slots_mut(&mut self.tensors[0], layout, &slots).chunks_exact_mut(layout.len());
        for (sample, to) in block.samples.clone().zip(maps) {
            inputs.write(block.first_of_lane + sample, layout, to);
        }
    }
}

/// Where a block's samples are in a tensor.
pub(super) fn tensor_slots(plan: &Plan, tensor: usize, samples: &Range<usize>) -> Range<usize> {
    if plan.kept[tensor] { samples.clone() } else { 0..samples.len() }
}

/// Where a block's samples are in a buffer of gradients.
pub(super) fn gradient_slots(plan: &Plan, place: usize, samples: &Range<usize>) -> Range<usize> {
    if plan.gradients.buffers[place].whole_lane { samples.clone() } else { 0..samples.len() }
}

/// What a step reads.
fn reads<'a>(plan: &'a Plan, tensors: &'a [Buffer], step: usize, samples: &Range<usize>) -> Reads<'a> {
    let Plan { layouts, kept, .. } = plan;
    let inputs = &plan.gradients.edges[step];
    Reads { tensors, layouts, kept, inputs, first: samples.start, samples: samples.len() }
}

/// Two different buffers.
fn two_of(buffers: &mut [Buffer], first: usize, second: usize) -> [&mut Buffer; 2] {
    buffers.get_disjoint_mut([first, second]).expect("gradients that live at the same time share no buffer")
}

/// Adds the pictures of some samples, without what lies around them.
fn add_samples(isa: Isa, layout: &Layout, from: &[f32], to: &mut [f32]) {
    for (from, to) in from.chunks_exact(layout.len()).zip(to.chunks_exact_mut(layout.len())) {
        for (_, _, row) in rows(layout) {
            add(isa, &from[row.clone()], &mut to[row]);
        }
    }
}

/// Consecutive ranges of up to `block` samples.
fn blocks(samples: usize, block: usize) -> impl Iterator<Item = Range<usize>> {
    (0..samples).step_by(block).map(move |start| start..(start + block).min(samples))
}

pub(super) fn of_slots<'a>(buffer: &'a Buffer, layout: &Layout, slots: &Range<usize>) -> &'a [f32] {
    &buffer[slots.start * layout.len()..slots.end * layout.len()]
}

pub(super) fn of_slots_mut<'a>(
    buffer: &'a mut Buffer,
    layout: &Layout,
    slots: &Range<usize>,
) -> &'a mut [f32] {
    &mut buffer[slots.start * layout.len()..slots.end * layout.len()]
}
