//! Batch normalisation, with what follows it: the sum with another tensor, as at the end of a residual block, and the
//! activation.
//!
//! When the network learns, the step is a barrier: mean and variance are of the whole batch. On the way back the same
//! holds for the two sums of the gradient, S₁ and S₂ of `executor/normalisation.rs`.

use super::{Backward, Barrier, FeatureStep, Forward, Pass, Reads, StepMemory, rows};
use crate::Parameters;
use crate::executor::normalisation::{self, Channel};
use crate::kernel::{
    BLOCK, Layout, PerChannel, activate, activate_backward, add_gradient_sums, add_moments, combine,
    scale_and_shift,
};
use crate::layer::{Activation, BatchNorm};

/// Batch normalisation compiled for its place.
pub(in crate::executor) struct BatchNormStep {
    input: Layout,
    /// Of what is added behind the normalisation.
    added: Option<Layout>,
    output: Layout,
    activation: Activation,
    momentum: f32,
    epsilon: f64,
    /// The place of γ among the network's parameters; β, running mean and running variance follow.
    first: usize,
    gamma: Vec<f32>,
    beta: Vec<f32>,
    running: [Vec<f32>; 2],
    /// Of the batch that was seen last.
    batch: Statistics,
    /// S₁ and S₂ of the batch.
    gradient_sums: [Vec<f64>; 2],
    planes: Vec<Plane>,
}

/// Mean and variance of each channel over `count` values.
#[derive(Clone, Default)]
struct Statistics {
    count: f64,
    mean: Vec<f64>,
    variance: Vec<f64>,
}

/// The linear maps of 16 channels: forward and back with running means, forward with the batch's, back with the batch's.
#[derive(Clone, Default)]
struct Plane {
    running: [PerChannel; 2],
    batch: [PerChannel; 2],
    mean: PerChannel,
    back: [PerChannel; 3],
}

impl BatchNormStep {
    pub fn new(
        config: &BatchNorm,
        (input, added, output): (Layout, Option<Layout>, Layout),
        activation: Activation,
        first: usize,
    ) -> BatchNormStep {
        let channels = input.planes() * BLOCK;
        let zeros = || vec![0.0; channels];
        BatchNormStep {
            input,
            added,
            output,
            activation,
            momentum: config.momentum,
            epsilon: f64::from(config.epsilon),
            first,
            gamma: vec![0.0; channels],
            beta: vec![0.0; channels],
            running: [vec![0.0; channels], vec![0.0; channels]],
            batch: Statistics { count: 0.0, mean: zeros(), variance: zeros() },
            gradient_sums: [zeros(), zeros()],
            planes: vec![Plane::default(); input.planes()],
        }
    }

    fn channel(&self, channel: usize, mean: f64, variance: f64) -> Channel {
        let (gamma, beta) = (self.gamma[channel], self.beta[channel]);
        Channel { gamma, beta, mean, variance, epsilon: self.epsilon }
    }

    /// The channel with the batch's own statistics.
    fn of_batch(&self, channel: usize) -> Channel {
        self.channel(channel, self.batch.mean[channel], self.batch.variance[channel])
    }

    /// Values of one channel in a sample.
    fn pixels(&self) -> f64 {
        (self.input.height * self.input.width) as f64
    }
}

impl FeatureStep for BatchNormStep {
    fn memory(&self, _samples: usize, training: bool) -> StepMemory {
        // A count, and two values a channel.
        let len = if training { 1 + 2 * self.gamma.len() } else { 0 };
        StepMemory { statistics: vec![0.0; len], ..StepMemory::default() }
    }

    fn forward(&self, pass: &Pass, block: Forward<'_>) {
        let inputs = block.reads.get(0).chunks_exact(self.input.len());
        let relu = self.activation == Activation::Relu;
        for (sample, (input, output)) in
            inputs.zip(block.output.chunks_exact_mut(self.output.len())).enumerate()
        {
            let added = self.added.map(|layout| (layout, &block.reads.get(1)[sample * layout.len()..]));
            for ((plane, y, from), (_, _, to)) in rows(&self.input).zip(rows(&self.output)) {
                let maps = &self.planes[plane];
                let [scale, shift] = if pass.learning { &maps.batch } else { &maps.running };
                let added = added.map(|(layout, values)| &values[layout.row_start(plane, y)..][..from.len()]);
                let to = &mut output[to];
                scale_and_shift(pass.isa, (&input[from], added), [scale, shift], relu, to);
                if !relu {
                    activate(pass.isa, self.activation, to);
                }
            }
        }
    }

    fn backward(&self, pass: &Pass, block: Backward<'_>) {
        if !pass.learning && block.which == 0 {
            self.carry_back_activation(pass, block.output, &mut *block.output_gradient);
        }
        let Some(input_gradient) = block.input_gradient else { return };
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        if let (1, Some(layout)) = (block.which, self.added) {
            for (g, to) in gradients.zip(input_gradient.chunks_exact_mut(layout.len())) {
                let places = rows(&layout).zip(rows(&self.output));
                places.for_each(|((_, _, to_row), (_, _, from))| to[to_row].copy_from_slice(&g[from]));
            }
            return;
        }
        // The only sample of a comparison serves all seeds.
        let inputs = block.reads.get(0).chunks_exact(self.input.len()).cycle();
        let samples = inputs.zip(gradients).zip(input_gradient.chunks_exact_mut(self.input.len()));
        for ((x, g), to) in samples {
            for ((plane, _, inside), (_, _, from)) in rows(&self.input).zip(rows(&self.output)) {
                let Plane { running: [scale, _], back: [a, b, c], .. } = &self.planes[plane];
                let zero = &[0.0; BLOCK];
                let map = if pass.learning { [a, b, c] } else { [scale, zero, zero] };
                combine(pass.isa, (&g[from], &x[inside.clone()]), map, &mut to[inside]);
            }
        }
    }

    fn load(&mut self, parameters: &Parameters) {
        let tensor = |offset: usize| &parameters.tensors()[self.first + offset].values;
        let channels = tensor(0).len();
        self.gamma[..channels].copy_from_slice(tensor(0));
        self.beta[..channels].copy_from_slice(tensor(1));
        self.running[0][..channels].copy_from_slice(tensor(2));
        self.running[1][..channels].copy_from_slice(tensor(3));
        for channel in 0..channels {
            let [mean, variance] = [0, 1].map(|which| f64::from(self.running[which][channel]));
            let map = self.channel(channel, mean, variance).forward();
            set(&mut self.planes[channel / BLOCK].running, channel, map);
        }
    }

    fn collect(&self, _lanes: &[&StepMemory], gradients: &mut Parameters) {
        let [of_beta, of_gamma] = &self.gradient_sums;
        for (offset, sums) in [(0, of_gamma), (1, of_beta)] {
            let values = &mut gradients.tensors_mut()[self.first + offset].values;
            values.iter_mut().zip(sums).for_each(|(to, from)| *to = *from as f32);
        }
    }

    fn barrier(&self) -> Option<&dyn Barrier> {
        Some(self)
    }

    fn barrier_mut(&mut self) -> Option<&mut dyn Barrier> {
        Some(self)
    }
}

/// Sets one channel of each of a plane's vectors.
fn set<const N: usize>(vectors: &mut [PerChannel; N], channel: usize, values: [f32; N]) {
    vectors.iter_mut().zip(values).for_each(|(vector, value)| vector[channel % BLOCK] = value);
}

impl BatchNormStep {
    fn carry_back_activation(&self, pass: &Pass, output: &[f32], gradient: &mut [f32]) {
        let samples =
            output.chunks_exact(self.output.len()).zip(gradient.chunks_exact_mut(self.output.len()));
        for (output, gradient) in samples {
            for (_, _, row) in rows(&self.output) {
                activate_backward(pass.isa, self.activation, &output[row.clone()], &mut gradient[row]);
            }
        }
    }
}

impl Barrier for BatchNormStep {
    /// Mean and squared deviations of each plane, joined to those before (Chan, Golub and LeVeque, 1983).
    fn note(&self, pass: &Pass, reads: Reads<'_>, memory: &mut StepMemory) {
        let pixels = self.pixels();
        for sample in reads.get(0).chunks_exact(self.input.len()) {
            let [count, values @ ..] = &mut memory.statistics[..] else { return };
            let (means, squares) = values.split_at_mut(self.gamma.len());
            for plane in 0..self.input.planes() {
                let channels = plane * BLOCK..(plane + 1) * BLOCK;
                // The first pixel is near the mean: about it, neither sum loses digits.
                let start = self.input.row_start(plane, 0);
                let about: PerChannel = std::array::from_fn(|lane| sample[start + lane]);
                let mut sums = [[0.0_f64; BLOCK]; 2];
                for row in sample[start..].chunks(self.input.row()).take(self.input.height) {
                    let mut of_row = [[0.0; BLOCK]; 2];
                    add_moments(pass.isa, &row[..self.input.width * BLOCK], &about, &mut of_row);
                    add_all(&mut sums, &of_row);
                }
                for (lane, channel) in channels.enumerate() {
                    let [first, second] = [sums[0][lane], sums[1][lane]];
                    let mean = f64::from(about[lane]) + first / pixels;
                    let away = mean - means[channel];
                    let total = *count + pixels;
                    squares[channel] +=
                        second - first * first / pixels + away * away * *count * pixels / total;
                    means[channel] += away * pixels / total;
                }
            }
            *count += pixels;
        }
    }

    fn settle(&mut self, lanes: &[&StepMemory]) {
        let channels = self.gamma.len();
        let batch = &mut self.batch;
        batch.count = 0.0;
        batch.mean.fill(0.0);
        batch.variance.fill(0.0);
        for lane in lanes {
            let (count, values) = (lane.statistics[0], &lane.statistics[1..]);
            let total = batch.count + count;
            for channel in 0..channels {
                let away = values[channel] - batch.mean[channel];
                batch.mean[channel] += away * count / total;
                batch.variance[channel] +=
                    values[channels + channel] + away * away * batch.count * count / total;
            }
            batch.count = total;
        }
        let count = batch.count;
        batch.variance.iter_mut().for_each(|squares| *squares /= count);
        for channel in 0..channels {
            let of_batch = self.of_batch(channel);
            let plane = &mut self.planes[channel / BLOCK];
            set(&mut plane.batch, channel, of_batch.forward());
            plane.mean[channel % BLOCK] = of_batch.mean as f32;
        }
    }

    fn note_back(&self, pass: &Pass, block: Backward<'_>) {
        let relu = self.activation == Activation::Relu;
        if !relu {
            self.carry_back_activation(pass, block.output, block.output_gradient);
        }
        let inputs = block.reads.get(0).chunks_exact(self.input.len());
        let len = self.output.len();
        let gradients = block.output_gradient.chunks_exact_mut(len).zip(block.output.chunks_exact(len));
        let (of_beta, of_gamma) = block.memory.statistics[1..].split_at_mut(self.gamma.len());
        for (x, (g, output)) in inputs.zip(gradients) {
            for ((plane, _, inside), (_, _, from)) in rows(&self.input).zip(rows(&self.output)) {
                let mut sums = [[0.0; BLOCK]; 2];
                let output = relu.then(|| &output[from.clone()]);
                let (g, mean) = (&mut g[from], &self.planes[plane].mean);
                add_gradient_sums(pass.isa, (g, &x[inside]), output, mean, &mut sums);
                for lane in 0..BLOCK {
                    of_beta[plane * BLOCK + lane] += f64::from(sums[0][lane]);
                    of_gamma[plane * BLOCK + lane] += f64::from(sums[1][lane]);
                }
            }
        }
    }

    fn settle_back(&mut self, lanes: &[&StepMemory]) {
        let channels = self.gamma.len();
        for channel in 0..channels {
            let sum = |at: usize| lanes.iter().map(|lane| lane.statistics[1 + at]).sum::<f64>();
            let of_batch = self.of_batch(channel);
            // What was noted is Σ g · (x − μ), and about the mean as `f32` has it.
            let rounded = of_batch.mean as f32;
            let shift = f64::from(rounded) - of_batch.mean;
            let s1 = sum(channel);
            let s2 = (sum(channels + channel) + shift * s1) / of_batch.deviation();
            self.gradient_sums[0][channel] = s1;
            self.gradient_sums[1][channel] = s2;
            let map = of_batch.backward([s1, s2], self.batch.count);
            set(&mut self.planes[channel / BLOCK].back, channel, map);
        }
    }

    fn remember(&mut self, parameters: &mut Parameters) {
        let [.., means, variances] = &mut parameters.tensors_mut()[self.first..self.first + 4] else {
            return;
        };
        let running = [&mut means.values[..], &mut variances.values[..]];
        let Statistics { count, mean, variance } = &self.batch;
        normalisation::remember(self.momentum, *count, [mean, variance], running);
    }
}

fn add_all(sums: &mut [[f64; BLOCK]; 2], of_row: &[PerChannel; 2]) {
    for (sums, of_row) in sums.iter_mut().zip(of_row) {
        sums.iter_mut().zip(of_row).for_each(|(sum, value)| *sum += f64::from(*value));
    }
}
