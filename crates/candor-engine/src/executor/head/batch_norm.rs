//! Batch normalisation of vectors: each value of a vector over the batch, as `step/batch_norm.rs` has it for the channels of
//! pictures. The whole batch is at hand, so nothing has to wait; sums run over the samples in their order, in `f64`.

use crate::Parameters;
use crate::executor::normalisation::{self, Channel};
use crate::layer::BatchNorm;

/// Batch normalisation compiled for its place.
#[derive(Clone, Debug)]
pub(in crate::executor) struct VectorNorm {
    /// Values in a vector.
    pub size: usize,
    /// The place of γ among the network's parameters; β, running mean and running variance follow.
    first: usize,
    momentum: f32,
    epsilon: f64,
    /// Samples of the batch that was learned from last, its means and its variances.
    count: f64,
    mean: Vec<f64>,
    variance: Vec<f64>,
    /// S₁ and S₂ of that batch.
    sums: [Vec<f64>; 2],
    /// The linear map forward, one \[scale, shift\] a value; and the one back.
    forward: Vec<[f32; 2]>,
    back: Vec<[f32; 3]>,
}

impl VectorNorm {
    pub fn new(config: &BatchNorm, size: usize, first: usize) -> VectorNorm {
        let zeros = || vec![0.0; size];
        VectorNorm {
            size,
            first,
            momentum: config.momentum,
            epsilon: f64::from(config.epsilon),
            count: 0.0,
            mean: zeros(),
            variance: zeros(),
            sums: [zeros(), zeros()],
            forward: vec![[0.0; 2]; size],
            back: vec![[0.0; 3]; size],
        }
    }

    /// Normalises the rows of `input`: by their own statistics when the network learns, else by the running ones.
    pub fn forward(&mut self, parameters: &Parameters, learning: bool, input: &[f32], output: &mut [f32]) {
        if learning {
            self.measure(input);
        }
        for value in 0..self.size {
            let running = |offset| f64::from(self.tensor(parameters, offset)[value]);
            let (mean, variance) = match learning {
                true => (self.mean[value], self.variance[value]),
                false => (running(2), running(3)),
            };
            self.forward[value] = self.channel(parameters, value, mean, variance).forward();
        }
        for (from, to) in input.chunks_exact(self.size).zip(output.chunks_exact_mut(self.size)) {
            let values = to.iter_mut().zip(from).zip(&self.forward);
            values.for_each(|((to, from), [scale, shift])| *to = from * scale + shift);
        }
    }

    /// Carries gradients `g` of the rows that the last [`VectorNorm::forward`] made back to its rows `x`, and leaves those of
    /// γ and β in `gradients`.
    pub fn backward(
        &mut self,
        parameters: &Parameters,
        learning: bool,
        (x, g): (&[f32], &[f32]),
        gradients: Option<&mut Parameters>,
        to: &mut [f32],
    ) {
        if !learning {
            return self.pull_back(g, to);
        }
        self.settle_back(parameters, x, g);
        if let Some(gradients) = gradients {
            let [of_beta, of_gamma] = &self.sums;
            for (offset, sums) in [(0, of_gamma), (1, of_beta)] {
                let values = &mut gradients.tensors_mut()[self.first + offset].values;
                values.iter_mut().zip(sums).for_each(|(to, from)| *to = *from as f32);
            }
        }
        let rows = x.chunks_exact(self.size).zip(g.chunks_exact(self.size));
        for ((x, g), to) in rows.zip(to.chunks_exact_mut(self.size)) {
            for (((to, x), g), [a, b, c]) in to.iter_mut().zip(x).zip(g).zip(&self.back) {
                *to = g * a + x * b + c;
            }
        }
    }

    /// The way back where the last [`VectorNorm::forward`] used the running statistics: a factor for each value.
    pub fn pull_back(&self, g: &[f32], to: &mut [f32]) {
        for (g, to) in g.chunks_exact(self.size).zip(to.chunks_exact_mut(self.size)) {
            let values = to.iter_mut().zip(g).zip(&self.forward);
            values.for_each(|((to, g), [scale, _])| *to = g * scale);
        }
    }

    /// Takes the statistics of the batch that was learned from last into the running ones.
    pub fn remember(&self, parameters: &mut Parameters) {
        let [.., means, variances] = &mut parameters.tensors_mut()[self.first..self.first + 4] else {
            return;
        };
        let running = [&mut means.values[..], &mut variances.values[..]];
        normalisation::remember(self.momentum, self.count, [&self.mean, &self.variance], running);
    }

    fn tensor<'a>(&self, parameters: &'a Parameters, offset: usize) -> &'a [f32] {
        &parameters.tensors()[self.first + offset].values
    }

    fn channel(&self, parameters: &Parameters, value: usize, mean: f64, variance: f64) -> Channel {
        let [gamma, beta] = [0, 1].map(|offset| self.tensor(parameters, offset)[value]);
        Channel { gamma, beta, mean, variance, epsilon: self.epsilon }
    }

    /// Mean and variance of each value, in two passes so that no digits are lost.
    fn measure(&mut self, input: &[f32]) {
        let count = (input.len() / self.size) as f64;
        self.count = count;
        self.mean.fill(0.0);
        self.variance.fill(0.0);
        for row in input.chunks_exact(self.size) {
            self.mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        self.mean.iter_mut().for_each(|sum| *sum /= count);
        for row in input.chunks_exact(self.size) {
            let values = self.variance.iter_mut().zip(row.iter().zip(&self.mean));
            values.for_each(|(sum, (value, mean))| *sum += (f64::from(*value) - mean).powi(2));
        }
        self.variance.iter_mut().for_each(|sum| *sum /= count);
    }

    fn settle_back(&mut self, parameters: &Parameters, x: &[f32], g: &[f32]) {
        let [s1, s2] = &mut self.sums;
        s1.fill(0.0);
        s2.fill(0.0);
        for (x, g) in x.chunks_exact(self.size).zip(g.chunks_exact(self.size)) {
            for (value, (&x, &g)) in x.iter().zip(g).enumerate() {
                s1[value] += f64::from(g);
                s2[value] += f64::from(g) * (f64::from(x) - self.mean[value]);
            }
        }
        for value in 0..self.size {
            let channel = self.channel(parameters, value, self.mean[value], self.variance[value]);
            self.sums[1][value] /= channel.deviation();
            let sums = [self.sums[0][value], self.sums[1][value]];
            self.back[value] = channel.backward(sums, self.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::layer::{Activation, BatchNorm, Dense, Layer};
    use crate::{Batch, Inputs, Network, Parameters, Shape, Trainer, TrainingConfig};

    #[test]
    fn running_statistics_move_towards_the_batch() {
        let layers: [Layer; 2] = [
            BatchNorm { momentum: 0.25, ..BatchNorm::default() }.into(),
            Dense::new(2, Activation::Softmax).into(),
        ];
        let network = Network::new(Shape::Features(2), layers).unwrap();
        let config = TrainingConfig { batch_size: 4, ..TrainingConfig::default() };
        let mut trainer = Trainer::new(&network, Parameters::initial(&network, 1), &config).unwrap();
        // The columns 1, 2, 3, 6 and 5, 5, 5, 5: means 3 and 5, unbiased variances 14 / 3 and 0.
        let inputs = [1.0, 5.0, 2.0, 5.0, 3.0, 5.0, 6.0, 5.0];
        trainer.step(Batch { inputs: Inputs::Floats(&inputs), targets: &[0, 1, 0, 1] });
        let running =
            |which: &str| &trainer.parameters().get(&format!("batch_norm_1.{which}")).unwrap().values;
        assert_eq!(running("running_mean")[..], [0.75, 1.25]);
        let variances = running("running_var");
        assert!((variances[0] - (0.75 + 14.0 / 12.0)).abs() < 1e-6 && variances[1] == 0.75, "{variances:?}");
        // A single sample has no variance to speak of, and nothing becomes infinite of it.
        let outcome = trainer.step(Batch { inputs: Inputs::Floats(&inputs[..2]), targets: &[1] });
        assert!(outcome.loss.is_finite());
    }
}
