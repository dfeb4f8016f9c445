//! The part of a network that works on vectors: dense layers as matrix products over the whole batch, and the loss.
//!
//! Products are cut over threads by output units, so that each thread reads its part of the weights and of their gradients
//! alone, or for the inputs' gradient by rows of the batch. Where a row falls does not change how its sums run, so the
//! number of threads does not change any bit.

mod batch_norm;
mod compare;

use rayon::prelude::*;

pub(super) use self::batch_norm::VectorNorm;
use super::compiled::Purpose;
use super::operands::Operands;
use super::{End, Mode};
use crate::kernel::{
    Buffer, Isa, Rows, activate, activate_backward, batch_products, combine_rows, dropout, inner_products,
    softmax, softmax_backward,
};
use crate::layer::Activation;
use crate::loss::{Objective, Rows as LossRows};
use crate::random::Stream;
use crate::{Loss, Parameters, StepOutcome};

/// Products with fewer multiply-adds than this are not worth waking other threads for.
const WORTH_SHARING: usize = 1 << 19;

/// One operation on vectors.
#[derive(Clone, Debug)]
pub(super) enum HeadStep {
    Dense { weight: usize, bias: Option<usize>, inputs: usize, units: usize, activation: Activation },
    Activation { size: usize, function: Activation },
    Dropout { size: usize, rate: f32, layer: u64 },
    BatchNorm(VectorNorm),
}

impl HeadStep {
    fn outputs(&self) -> usize {
        match self {
            HeadStep::Dense { units, .. } => *units,
            HeadStep::Activation { size, .. } | HeadStep::Dropout { size, .. } => *size,
            HeadStep::BatchNorm(norm) => norm.size,
        }
    }

    fn activation(&self) -> Activation {
        match self {
            HeadStep::Dense { activation, .. } => *activation,
            HeadStep::Activation { function, .. } => *function,
            HeadStep::Dropout { .. } | HeadStep::BatchNorm(_) => Activation::Linear,
        }
    }
}

/// The operations with their matrices: what flows forward, and the gradients that flow back.
pub(super) struct Head {
    isa: Isa,
    steps: Vec<HeadStep>,
    sizes: Vec<usize>,
    /// One row a sample; the first is the head's input, the last the network's output.
    values: Vec<Vec<f32>>,
    gradients: Vec<Vec<f32>>,
    /// A dense layer's products, one row an output unit.
    by_unit: Vec<f32>,
    operands: Operands,
    /// Room for the operands of a dense layer's products: its weights, and what it reads.
    weights: Buffer,
    inputs: Buffer,
}

impl Head {
    /// For up to `batch` samples, of each of which `back` gradients go back at a time.
    pub fn new(
        isa: Isa,
        inputs: usize,
        steps: Vec<HeadStep>,
        (batch, back): (usize, usize),
        purpose: Purpose,
    ) -> Head {
        let steps = apart(steps, purpose);
        let sizes: Vec<usize> = std::iter::once(inputs).chain(steps.iter().map(HeadStep::outputs)).collect();
        let matrices = |rows: usize| sizes.iter().map(|size| vec![0.0; size * rows]).collect();
        let values = matrices(batch);
        let gradients = if purpose.goes_back() { matrices(batch * back) } else { Vec::new() };
        let by_unit = vec![0.0; sizes[1..].iter().max().map_or(0, |size| size * batch)];
        let operands = Operands::new(isa, purpose.precision());
        let dense = |step: &HeadStep| match step {
            HeadStep::Dense { inputs, units, .. } => (inputs * units, inputs * batch),
            _ => (0, 0),
        };
        let most = |of: fn((usize, usize)) -> usize| {
            Buffer::zeros(operands.room(steps.iter().map(dense).map(of).max().unwrap_or(0)))
        };
        let (weights, inputs) = (most(|(weights, _)| weights), most(|(_, inputs)| inputs));
        Head { isa, steps, sizes, values, gradients, by_unit, operands, weights, inputs }
    }

    /// The head's input, to be filled before [`Head::forward`].
    pub fn input_mut(&mut self) -> &mut [f32] {
        &mut self.values[0]
    }

    /// The gradient with respect to the head's input, after [`Head::backward`].
    pub fn input_gradient(&self) -> &[f32] {
        &self.gradients[0]
    }

    /// The network's outputs for `samples` samples.
    pub fn output(&self, samples: usize) -> &[f32] {
        let last = self.steps.len();
        &self.values[last][..samples * self.sizes[last]]
    }

    /// What stands before the last activation; only where differentiating is the purpose, else the outputs.
    pub fn scores(&self, samples: usize) -> &[f32] {
        let is_apart = matches!(self.steps.last(), Some(HeadStep::Activation { .. }));
        let at = self.steps.len() - usize::from(is_apart);
        &self.values[at][..samples * self.sizes[at]]
    }

    /// Where the gradient with respect to what stands at the network's end is to be written before [`Head::backward`].
    pub fn seeds_mut(&mut self, samples: usize) -> &mut [f32] {
        let last = self.steps.len();
        &mut self.gradients[last][..samples * self.sizes[last]]
    }

    /// Where the gradient of a loss begins that [`Head::loss`] leaves.
    pub fn end_of(&self, loss: Loss) -> End {
        let last = self.steps.last().map_or(Activation::Linear, HeadStep::activation);
        if loss.includes(last) { End::Score } else { End::Output }
    }

    /// Whether a forward pass of so many samples shares its products out to several threads.
    pub fn shares(&self, samples: usize) -> bool {
        self.steps.iter().any(|step| {
            matches!(step, HeadStep::Dense { inputs, units, .. } if samples * inputs * units >= WORTH_SHARING)
        })
    }

    pub fn forward(&mut self, parameters: &Parameters, samples: usize, mode: Mode) {
        for (index, step) in self.steps.iter_mut().enumerate() {
            let (before, after) = self.values.split_at_mut(index + 1);
            let input = &before[index][..samples * self.sizes[index]];
            let output = &mut after[0][..samples * self.sizes[index + 1]];
            match step {
                HeadStep::Dense { weight, bias, inputs, units, .. } => {
                    let weights = &parameters.tensors()[*weight].values;
                    let bias = bias.map(|bias| &parameters.tensors()[bias].values[..]);
                    let weights = self.operands.of(weights, &mut self.weights);
                    let input = self.operands.of(input, &mut self.inputs);
                    let by_unit = &mut self.by_unit[..];
                    let products = if mode.is_learning() { batch_products } else { inner_products };
                    dense((self.isa, products), (*inputs, *units), input, (weights, bias), by_unit, output);
                }
                HeadStep::Activation { .. } => output.copy_from_slice(input),
                HeadStep::Dropout { size, rate, layer } => {
                    drop_rows(self.isa, *size, (*rate, *layer), mode.dropout(), input, output);
                }
                HeadStep::BatchNorm(norm) => norm.forward(parameters, mode.is_learning(), input, output),
            }
            activate_rows(self.isa, step.activation(), self.sizes[index + 1], output);
        }
    }

    /// Writes what follows the data instead of gradients, after a pass that learned.
    pub fn remember(&self, parameters: &mut Parameters) {
        for step in &self.steps {
            if let HeadStep::BatchNorm(norm) = step {
                norm.remember(parameters);
            }
        }
    }

    /// The loss of the outputs, and its gradient with respect to them.
    pub fn loss(&mut self, objective: &Objective<'_>, targets: &[usize]) -> StepOutcome {
        let last = self.steps.len();
        let units = self.sizes[last];
        let weight = objective.weight_of(targets);
        let mut sum = 0.0;
        let mut correct = 0;
        for (sample, &target) in targets.iter().enumerate() {
            let output = &self.values[last][sample * units..][..units];
            let gradient = self.gradients.get_mut(last).map(|all| &mut all[sample * units..][..units]);
            correct += usize::from(predicted_class(output) == target);
            sum += objective.of(output, target, weight, gradient);
        }
        StepOutcome { loss: (sum / f64::from(weight)) as f32, correct }
    }

    /// After [`Head::loss`]: hands the outputs and the gradient with respect to them to `change`.
    pub fn balance(
        &mut self,
        loss: Loss,
        targets: &[usize],
        groups: &[Option<usize>],
        change: impl FnOnce(LossRows<'_>, &mut [f32]) -> StepOutcome,
    ) -> StepOutcome {
        let last = self.steps.len();
        let values = targets.len() * self.sizes[last];
        let activation = self.steps.last().map(HeadStep::activation);
        let before = activation.filter(|&activation| loss.includes(activation));
        let outputs = &self.values[last][..values];
        change(LossRows { outputs, targets, groups, before }, &mut self.gradients[last][..values])
    }

    /// Carries the gradient with respect to what stands at the end back to the head's input, and leaves those of the weights
    /// in `gradients`, if anyone wants them.
    pub fn backward(
        &mut self,
        end: End,
        parameters: &Parameters,
        mut gradients: Option<&mut Parameters>,
        (samples, mode): (usize, Mode),
        input_gradient: bool,
    ) {
        let steps = self.steps.len();
        for (index, step) in self.steps.iter_mut().enumerate().rev() {
            let (size, outputs) = (self.sizes[index], self.sizes[index + 1]);
            let (before, after) = self.gradients.split_at_mut(index + 1);
            let to = &mut before[index][..samples * size];
            let from = &mut after[0][..samples * outputs];
            let output = &self.values[index + 1][..samples * outputs];
            let is_last = index + 1 == steps;
            let input = &self.values[index][..samples * size];
            if !(is_last && end == End::Score) {
                let values = if step.activation().gradient_from_output() { output } else { input };
                activate_rows_backward(self.isa, step.activation(), outputs, values, from);
            }
            match step {
                HeadStep::Dense { weight, bias, inputs, units, .. } => {
                    if let (Some(gradients), Some(bias)) = (&mut gradients, bias) {
                        sum_rows(from, &mut gradients.tensors_mut()[*bias].values);
                    }
                    self.operands.prepare(from);
                    let weights = &parameters.tensors()[*weight].values;
                    let weights = self.operands.of(weights, &mut self.weights);
                    let input = self.operands.of(input, &mut self.inputs);
                    if let Some(gradients) = &mut gradients {
                        let dw = &mut gradients.tensors_mut()[*weight].values;
                        dense_weight_gradient(self.isa, (*inputs, *units), input, from, dw);
                    }
                    if index > 0 || input_gradient {
                        dense_input_gradient(self.isa, (*inputs, *units), from, weights, to);
                    }
                }
                HeadStep::Activation { .. } => to.copy_from_slice(from),
                HeadStep::Dropout { size, rate, layer } => {
                    drop_rows(self.isa, *size, (*rate, *layer), mode.dropout(), from, to)
                }
                HeadStep::BatchNorm(norm) => {
                    let gradients = gradients.as_deref_mut();
                    norm.backward(parameters, mode.is_learning(), (input, from), gradients, to);
                }
            }
        }
    }
}

/// Makes a step of its own of each activation whose derivative needs its input: behind a dense layer only the output
/// would be left. Where differentiating is the purpose, of every activation, for the score before the last one.
fn apart(steps: Vec<HeadStep>, purpose: Purpose) -> Vec<HeadStep> {
    let needs_input = |activation: Activation| {
        !activation.gradient_from_output()
            || (purpose == Purpose::Differentiate && activation != Activation::Linear)
    };
    let split = |step| match step {
        HeadStep::Dense { weight, bias, inputs, units, activation } if needs_input(activation) => {
            let dense = HeadStep::Dense { weight, bias, inputs, units, activation: Activation::Linear };
            vec![dense, HeadStep::Activation { size: units, function: activation }]
        }
        other => vec![other],
    };
    steps.into_iter().flat_map(split).collect()
}

/// The most probable class; with one unit, class 1 from .5 on.
fn predicted_class(output: &[f32]) -> usize {
    match output {
        [single] => usize::from(*single >= 0.5),
        _ => (0..output.len()).fold(0, |best, class| if output[class] > output[best] { class } else { best }),
    }
}

/// How many rows a thread takes at a time.
fn rows_each(rows: usize, multiply_adds: usize) -> usize {
    if multiply_adds < WORTH_SHARING {
        return rows.max(1);
    }
    rows.div_ceil(rayon::current_num_threads()).next_multiple_of(2).max(1)
}

/// How the weights meet the batch.
type Products = fn(Isa, (usize, usize, usize), Rows<'_>, Rows<'_>, &mut [f32]);

fn dense(
    (isa, multiply_rows): (Isa, Products),
    (inputs, units): (usize, usize),
    input: &[f32],
    (weights, bias): (&[f32], Option<&[f32]>),
    by_unit: &mut [f32],
    output: &mut [f32],
) {
    let rows = output.len() / units;
    let each = rows_each(units, rows * inputs * units);
    let by_unit = &mut by_unit[..units * rows];
    let multiply = |(products, weights): (&mut [f32], &[f32])| {
        let (a, b) = (Rows { values: weights, stride: inputs }, Rows { values: input, stride: inputs });
        multiply_rows(isa, (products.len() / rows, rows, inputs), a, b, products);
    };
    if each >= units {
        multiply((&mut *by_unit, weights));
    } else {
        by_unit.par_chunks_mut(each * rows).zip(weights.par_chunks(each * inputs)).for_each(multiply);
    }
    for (unit, products) in by_unit.chunks_exact(rows).enumerate() {
        let bias = bias.map_or(0.0, |bias| bias[unit]);
        let outputs = output[unit..].iter_mut().step_by(units);
        outputs.zip(products).for_each(|(output, product)| *output = product + bias);
    }
}

fn dense_input_gradient(
    isa: Isa,
    (inputs, units): (usize, usize),
    from: &[f32],
    weights: &[f32],
    to: &mut [f32],
) {
    let rows = from.len() / units;
    let each = rows_each(rows, rows * inputs * units);
    to.par_chunks_mut(each * inputs).zip(from.par_chunks(each * units)).for_each(|(to, from)| {
        let weights = Rows { values: weights, stride: inputs };
        combine_rows(isa, (to.len() / inputs, units, inputs), (from, units, 1), weights, to);
    });
}

fn dense_weight_gradient(
    isa: Isa,
    (inputs, units): (usize, usize),
    input: &[f32],
    from: &[f32],
    dw: &mut [f32],
) {
    let samples = from.len() / units;
    let each = rows_each(units, samples * inputs * units);
    dw.par_chunks_mut(each * inputs).enumerate().for_each(|(chunk, dw)| {
        let input = Rows { values: input, stride: inputs };
        let coefficients = (&from[chunk * each..], 1, units);
        combine_rows(isa, (dw.len() / inputs, samples, inputs), coefficients, input, dw);
    });
}

/// The bias' gradient: the sum over the samples.
fn sum_rows(from: &[f32], to: &mut [f32]) {
    to.fill(0.0);
    for row in from.chunks_exact(to.len()) {
        to.iter_mut().zip(row).for_each(|(to, from)| *to += from);
    }
}

fn activate_rows(isa: Isa, function: Activation, size: usize, values: &mut [f32]) {
    match function {
        Activation::Softmax => values.chunks_exact_mut(size).for_each(|row| softmax(isa, row)),
        other => activate(isa, other, values),
    }
}

fn activate_rows_backward(isa: Isa, function: Activation, size: usize, values: &[f32], gradient: &mut [f32]) {
    match function {
        Activation::Softmax => {
            let rows = values.chunks_exact(size).zip(gradient.chunks_exact_mut(size));
            rows.for_each(|(output, gradient)| softmax_backward(output, gradient));
        }
        other => activate_backward(isa, other, values, gradient),
    }
}

fn drop_rows(
    isa: Isa,
    size: usize,
    (rate, layer): (f32, u64),
    stream: Option<Stream>,
    from: &[f32],
    to: &mut [f32],
) {
    let Some(stream) = stream else { return to.copy_from_slice(from) };
    for (sample, (from, to)) in from.chunks_exact(size).zip(to.chunks_exact_mut(size)).enumerate() {
        dropout(isa, stream.at(layer).at(sample as u64), rate, 0, from, to);
    }
}
