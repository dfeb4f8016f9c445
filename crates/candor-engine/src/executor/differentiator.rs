//! A network that says how its answers depend on what goes in.

use super::compiled::{Compiled, Purpose};
use super::fold::fold_batch_norms;
use super::{Batch, End, Inputs, Mode};
use crate::loss::{LossSettings, Objective};
use crate::{EngineError, Loss, Network, Parameters};

/// Gradients with respect to inputs, for explanations and attacks.
///
/// The network is as it answers: batch norms use their running means, nothing is dropped out. A result does not depend
/// on the number of threads, nor on which other samples it is asked for with.
pub struct Differentiator {
    compiled: Compiled,
    network: Network,
}

impl Differentiator {
    /// Compiles `network` for up to `batch_size` samples at a time on `threads` threads (0 for all cores).
    ///
    /// # Errors
    /// When the parameters do not belong to the network.
    pub fn new(
        network: &Network,
        parameters: &Parameters,
        batch_size: usize,
        threads: usize,
    ) -> Result<Differentiator, EngineError> {
        let parameters = Parameters::from_tensors(network, parameters.clone().into_tensors())?;
        let (folded, parameters) = fold_batch_norms(network, &parameters);
        let compiled = Compiled::new(&folded, parameters, batch_size, threads, Purpose::Differentiate)?;
        Ok(Differentiator { compiled, network: network.clone() })
    }

    /// The scores and the outputs of any number of samples, one row a sample each.
    ///
    /// # Panics
    /// When the inputs are no whole number of samples.
    pub fn answers(&mut self, inputs: Inputs<'_>) -> (Vec<f32>, Vec<f32>) {
        let (mut scores, mut outputs) = (Vec::new(), Vec::new());
        for (start, samples) in self.batches(inputs) {
            self.forward(inputs, start, samples);
            scores.extend_from_slice(self.compiled.head.scores(samples));
            outputs.extend_from_slice(self.compiled.head.output(samples));
        }
        (scores, outputs)
    }

    /// The gradient of any function of the outputs or scores with respect to the inputs, one value an input value (height ×
    /// width × channels a sample), for any number of samples.
    ///
    /// `seed` is called for each sample in order, with its number and its outputs, and fills in the function's gradient with
    /// respect to what stands at `end`: a one for a single unit gives the gradient of that unit. It finds zeros.
    ///
    /// # Panics
    /// When the inputs are no whole number of samples.
    pub fn gradient(
        &mut self,
        inputs: Inputs<'_>,
        end: End,
        mut seed: impl FnMut(usize, &[f32], &mut [f32]),
    ) -> Vec<f32> {
        let (len, units) = (self.compiled.input_len, self.compiled.classes);
        let mut all = vec![0.0; inputs.len()];
        let mut seeds = vec![0.0; self.compiled.batch_size * units];
        for (start, samples) in self.batches(inputs) {
            self.forward(inputs, start, samples);
            seeds.fill(0.0);
            let values = self.compiled.head.output(samples).chunks_exact(units);
            for (index, (values, seeds)) in values.zip(seeds.chunks_exact_mut(units)).enumerate() {
                seed(start + index, values, seeds);
            }
            self.compiled.head.seeds_mut(samples).copy_from_slice(&seeds[..samples * units]);
            self.pull_back(end, samples, &mut all[start * len..(start + samples) * len]);
        }
        all
    }

    /// The gradient of a batch's loss with respect to its inputs. The loss is a mean over the samples, and has its usual
    /// settings: no smoothing, no class weights.
    ///
    /// # Errors
    /// When the loss does not go with the network's last layer.
    ///
    /// # Panics
    /// When there is not one target for each sample.
    pub fn loss_gradient(&mut self, loss: Loss, batch: Batch<'_>) -> Result<Vec<f32>, EngineError> {
        loss.check(&self.network)?;
        let all = batch.targets.len();
        assert_eq!(self.samples(batch.inputs), all, "each sample needs a target");
        let objective = Objective { loss, settings: &LossSettings::default() };
        let end = self.compiled.head.end_of(loss);
        Ok(self.gradient(batch.inputs, end, |sample, outputs, seed| {
            objective.of(outputs, batch.targets[sample], all as f32, Some(seed));
        }))
    }

    fn samples(&self, inputs: Inputs<'_>) -> usize {
        let (len, each) = (inputs.len(), self.compiled.input_len);
        assert_eq!(len % each, 0, "each sample needs {each} values");
        len / each
    }

    /// First sample and number of samples of each batch.
    fn batches(&self, inputs: Inputs<'_>) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (samples, each) = (self.samples(inputs), self.compiled.batch_size);
        (0..samples).step_by(each).map(move |start| (start, each.min(samples - start)))
    }

    fn forward(&mut self, inputs: Inputs<'_>, start: usize, samples: usize) {
        let len = self.compiled.input_len;
        let inputs = inputs.slice(start * len..(start + samples) * len);
        self.compiled.forward(inputs, samples, Mode::Answer);
    }

    /// From the seeds in the head to the inputs.
    fn pull_back(&mut self, end: End, samples: usize, to: &mut [f32]) {
        let Compiled { features, head, parameters, threads, .. } = &mut self.compiled;
        threads.run(|| {
            head.backward(end, parameters, None, (samples, Mode::Answer), true);
            features.pull_back(&head.input_gradient()[..samples * features.len()], to);
        });
    }
}
