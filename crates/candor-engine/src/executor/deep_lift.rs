//! DeepLIFT: what each input contributes to the difference between two answers.
//!
//! A multiplier says how much of a difference in the output comes with a difference in the input. Through linear layers it is
//! the gradient; through a function of single values it is Δout/Δin (the rescale rule; Shrikumar, Greenside and Kundaje,
//! "Learning important features through propagating activation differences", 2017, section 3.5.1). A maximum gives all to
//! the place of the larger of both maxima, and a product half to each factor's difference, so that contributions,
//! multiplier · difference, always add up to the difference of the outputs.

use super::apart::take_apart;
use super::compiled::{Compiled, Purpose};
use super::fold::fold_batch_norms;
use super::{End, Inputs, Mode};
use crate::{EngineError, Network, Parameters};

/// Multipliers between inputs and references.
///
/// The network is as it answers: batch norms use their running means, nothing is dropped out.
pub struct DeepLift {
    inputs: Compiled,
    references: Compiled,
}

impl DeepLift {
    /// Compiles `network` for up to `batch_size` pairs at a time on `threads` threads (0 for all cores).
    ///
    /// # Errors
    /// When the parameters do not belong to the network.
    pub fn new(
        network: &Network,
        parameters: &Parameters,
        batch_size: usize,
        threads: usize,
    ) -> Result<DeepLift, EngineError> {
        let parameters = Parameters::from_tensors(network, parameters.clone().into_tensors())?;
        let (folded, parameters) = fold_batch_norms(network, &parameters);
        let apart = take_apart(&folded);
        let compile = || Compiled::new(&apart, parameters.clone(), batch_size, threads, Purpose::Compare);
        Ok(DeepLift { inputs: compile()?, references: compile()? })
    }

    /// Multipliers of pairs of an input and a reference, up to `batch_size` of them: for each of `seeds`, in order, `take`
    /// gets one row a pair, height × width × channels values each.
    ///
    /// A seed weighs what stands at `end`, one value a unit, alike for all pairs: a single one asks for that unit.
    ///
    /// # Panics
    /// When there are not as many inputs as references, too many of them, or a seed has not one value a unit.
    pub fn multipliers(
        &mut self,
        (inputs, references): (&[f32], &[f32]),
        end: End,
        seeds: &[Vec<f32>],
        mut take: impl FnMut(usize, &[f32]),
    ) {
        assert_eq!(inputs.len(), references.len(), "each input needs a reference");
        let samples = self.inputs.check(Inputs::Floats(inputs));
        self.inputs.forward(Inputs::Floats(inputs), samples, Mode::Answer);
        self.references.forward(Inputs::Floats(references), samples, Mode::Answer);
        let DeepLift { inputs: Compiled { features, head, parameters, threads, .. }, references } = self;
        let mut multipliers = vec![0.0; inputs.len()];
        for (index, seed) in seeds.iter().enumerate() {
            let rows = head.seeds_mut(samples).chunks_exact_mut(seed.len());
            rows.for_each(|row| row.copy_from_slice(seed));
            threads.run(|| {
                head.backward(end, parameters, None, Some(&references.head), (samples, Mode::Answer), true);
                let rows = &head.input_gradient()[..samples * features.len()];
                features.pull_back(rows, Some(&references.features), &mut multipliers);
            });
            take(index, &multipliers);
        }
    }
}
