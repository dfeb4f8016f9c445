//! DeepLIFT: what each input contributes to the difference between two answers.
//!
//! A multiplier says how much of a difference in the output comes with a difference in the input. Through linear layers it is
//! the gradient; through a function of single values it is Δout/Δin (the rescale rule; Shrikumar, Greenside and Kundaje,
//! "Learning important features through propagating activation differences", 2017, section 3.5.1). A maximum gives all to
//! the place of the larger of both maxima, and a product half to each factor's difference, so that contributions,
//! multiplier · difference, always add up to the difference of the outputs.

use std::ops::Range;

use super::apart::take_apart;
use super::compiled::{Compiled, Purpose};
use super::fold::fold_batch_norms;
use super::{End, Inputs, Mode};
use crate::{EngineError, Network, Parameters};

/// What inputs contribute, compared with the mean of some references (DeepSHAP; Lundberg and Lee, "A unified approach to
/// interpreting model predictions", 2017, section 4.2).
///
/// The network is as it answers: batch norms use their running means, nothing is dropped out. A result does not depend on the
/// number of threads, nor on which other inputs it is asked for with.
pub struct DeepLift {
    input: Compiled,
    references: Compiled,
    /// Of all references, one behind the other.
    values: Vec<f32>,
    /// Which of `values` went forward last.
    forwarded: Range<usize>,
}

impl DeepLift {
    /// Compiles `network` for comparisons with `references`, height × width × channels values each, of which what up to
    /// `at_once` compute is kept in memory, on `threads` threads (0 for all cores).
    ///
    /// # Errors
    /// When the parameters do not belong to the network, or `at_once` is 0.
    ///
    /// # Panics
    /// When the references are not one or more whole samples.
    pub fn new(
        network: &Network,
        parameters: &Parameters,
        references: &[f32],
        at_once: usize,
        threads: usize,
    ) -> Result<DeepLift, EngineError> {
        let len = network.input().len();
        assert!(
            !references.is_empty() && references.len().is_multiple_of(len),
            "references have {len} values each"
        );
        let parameters = Parameters::from_tensors(network, parameters.clone().into_tensors())?;
        let (folded, parameters) = fold_batch_norms(network, &parameters);
        let apart = take_apart(&folded);
        let compile = |batch: usize, threads: usize| {
            Compiled::new(&apart, parameters.clone(), batch, threads, Purpose::Compare)
        };
        let at_once = at_once.min(references.len() / len);
        Ok(DeepLift {
            input: compile(1, 1)?,
            references: compile(at_once, threads)?,
            values: references.to_vec(),
            forwarded: 0..0,
        })
    }

    /// The references that inputs are compared with.
    pub fn references(&self) -> &[f32] {
        &self.values
    }

    /// What each value of each input contributes to each seed: for each input, for each seed, height × width × channels values,
    /// which add up to the seed's value for the input minus its mean over the references.
    ///
    /// A seed weighs what stands at `end`, one value a unit: a single one asks for that unit.
    ///
    /// # Panics
    /// When the inputs are no whole number of samples, or a seed has not one value a unit.
    pub fn contributions(&mut self, inputs: &[f32], end: End, seeds: &[Vec<f32>]) -> Vec<f32> {
        let len = self.input.input_len;
        assert!(inputs.len().is_multiple_of(len), "each input needs {len} values");
        let mut all = vec![0.0; inputs.len() * seeds.len()];
        if seeds.is_empty() {
            return all;
        }
        let each = self.references.batch_size * len;
        for start in (0..self.values.len()).step_by(each) {
            self.forward(start..(start + each).min(self.values.len()));
            for (input, sums) in inputs.chunks_exact(len).zip(all.chunks_exact_mut(len * seeds.len())) {
                self.input.forward(Inputs::Floats(input), 1, Mode::Answer);
                self.pull_back(end, seeds, sums);
            }
        }
        let share = len as f32 / self.values.len() as f32;
        all.iter_mut().for_each(|value| *value *= share);
        all
    }

    /// What was computed for some references is kept until others are asked for.
    fn forward(&mut self, references: Range<usize>) {
        if self.forwarded != references {
            let values = &self.values[references.clone()];
            self.references.forward(
                Inputs::Floats(values),
                values.len() / self.input.input_len,
                Mode::Answer,
            );
            self.forwarded = references;
        }
    }

    /// Adds what one input contributes, compared with each of the references that went forward.
    fn pull_back(&mut self, end: End, seeds: &[Vec<f32>], sums: &mut [f32]) {
        let DeepLift { input, references: Compiled { features, head, parameters, threads, .. }, .. } = self;
        let samples = self.forwarded.len() / input.input_len;
        // Rounds of about the same size.
        let each = seeds.len().div_ceil(seeds.len().div_ceil(features.seeds()));
        for (seeds, sums) in seeds.chunks(each).zip(sums.chunks_mut(each * input.input_len)) {
            threads.run(|| {
                let rows = head.multiply_back(&input.head, parameters, end, (samples, seeds));
                features.contribute(&input.features, rows, seeds.len(), sums);
            });
        }
    }
}
