//! A network compiled, with its memory and its threads: what learning, answering and differentiating have in common.

use std::sync::Arc;

use super::features::Features;
use super::head::Head;
use super::plan::Plan;
use super::threads::Threads;
use super::{Inputs, Mode};
use crate::kernel::Isa;
use crate::{EngineError, Network, Parameters, Precision};

/// A compiled network with its memory and its threads.
pub(super) struct Compiled {
    pub features: Features,
    pub head: Head,
    pub parameters: Parameters,
    pub batch_size: usize,
    pub input_len: usize,
    pub classes: usize,
    pub threads: Arc<Threads>,
    pub isa: Isa,
}

/// What a network is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The forward pass alone.
    Answer,
    /// Gradients of the parameters, by products of this precision.
    Learn(Precision),
    /// Gradients of the inputs.
    Differentiate,
    /// Multipliers between two inputs, through layers that were taken apart.
    Compare,
}

impl Purpose {
    /// Whether there is a way back, so that what the forward pass computed must be kept.
    pub fn goes_back(self) -> bool {
        self != Purpose::Answer
    }

    pub fn learns(self) -> bool {
        matches!(self, Purpose::Learn(_))
    }

    /// What is multiplied. Only learning may be less exact: answers and what explains them are `f32`.
    pub fn precision(self) -> Precision {
        match self {
            Purpose::Learn(precision) => precision,
            Purpose::Answer | Purpose::Differentiate | Purpose::Compare => Precision::F32,
        }
    }

    /// Whether the way back goes on to the inputs.
    pub fn reaches_inputs(self) -> bool {
        matches!(self, Purpose::Differentiate | Purpose::Compare)
    }
}

impl Compiled {
    pub fn new(
        network: &Network,
        parameters: Parameters,
        batch_size: usize,
        threads: usize,
        purpose: Purpose,
    ) -> Result<Compiled, EngineError> {
        if batch_size == 0 {
            return Err(EngineError::BadTraining {
                setting: "batch_size",
                value: "0".into(),
                needs: "at least 1",
            });
        }
        let parameters = Parameters::from_tensors(network, parameters.into_tensors())?;
        let isa = Isa::detect();
        let plan = Plan::new(isa, network, purpose);
        let rows = (batch_size, plan.seeds.unwrap_or(1));
        let head = Head::new(isa, plan.features, plan.head.clone(), rows, purpose);
        let threads = Arc::new(Threads::new(threads)?);
        let mut features = Features::new(isa, plan, batch_size, purpose.goes_back(), threads.count());
        features.load(&parameters);
        let (input_len, classes) = (network.input().len(), network.output().len());
        Ok(Compiled { features, head, parameters, batch_size, input_len, classes, threads, isa })
    }

    /// The number of samples in a batch.
    pub fn check(&self, inputs: Inputs<'_>) -> usize {
        let len = inputs.len();
        let samples = len / self.input_len;
        assert_eq!(len % self.input_len, 0, "each sample needs {} values", self.input_len);
        assert!(
            (1..=self.batch_size).contains(&samples),
            "a batch has 1 to {} samples, not {samples}",
            self.batch_size
        );
        samples
    }

    pub fn forward(&mut self, inputs: Inputs<'_>, samples: usize, mode: Mode) {
        let Compiled { features, head, parameters, threads, .. } = self;
        // For a single answer to wake another thread would take longer than the answer.
        let is_short = samples == 1 && !mode.is_learning() && !head.shares(samples);
        let mut work = || {
            let rows = samples * features.len();
            features.forward(inputs, mode, &mut head.input_mut()[..rows]);
            head.forward(parameters, samples, mode);
        };
        if is_short { work() } else { threads.run(work) }
    }
}
