//! How gradients change the parameters.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::kernel::{AdamStep, Isa, adam, sgd};
use crate::{EngineError, Parameters};

/// Values that a thread takes at a time.
const CHUNK: usize = 1 << 14;

/// A rule by which gradients change parameters, with its settings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Optimizer {
    /// Stochastic gradient descent, with momentum as Keras has it: v ← μ v − η g; w ← w + v, or with Nesterov
    /// w ← w + μ v − η g. Step t (from 0) uses η / (1 + decay · t).
    Sgd {
        /// η.
        learning_rate: f32,
        /// μ, 0 for none.
        #[serde(default)]
        momentum: f32,
        /// Looks ahead along the momentum.
        #[serde(default)]
        nesterov: bool,
        /// Shrinks the learning rate from step to step.
        #[serde(default)]
        decay: f32,
    },
    /// Adam (Kingma and Ba, 2015, algorithm 1): m and v are moving means of the gradient and its square,
    /// w ← w − η · m̂ / (√v̂ + ε).
    Adam {
        /// η.
        #[serde(default = "adam_learning_rate")]
        learning_rate: f32,
        /// β₁, the share of the past in m.
        #[serde(default = "beta1")]
        beta1: f32,
        /// β₂, the share of the past in v.
        #[serde(default = "beta2")]
        beta2: f32,
        /// ε, 10⁻⁷ as in Keras.
        #[serde(default = "epsilon")]
        epsilon: f32,
    },
}

impl Default for Optimizer {
    fn default() -> Optimizer {
        Optimizer::adam(adam_learning_rate())
    }
}

impl Optimizer {
    /// Adam with Keras' default settings and this learning rate.
    pub fn adam(learning_rate: f32) -> Optimizer {
        Optimizer::Adam { learning_rate, beta1: beta1(), beta2: beta2(), epsilon: epsilon() }
    }

    /// Plain gradient descent.
    pub fn sgd(learning_rate: f32) -> Optimizer {
        Optimizer::Sgd { learning_rate, momentum: 0.0, nesterov: false, decay: 0.0 }
    }

    /// How many values it remembers for each parameter: the velocity, or m and v.
    pub(crate) fn slots(&self) -> usize {
        match self {
            Optimizer::Sgd { .. } => 1,
            Optimizer::Adam { .. } => 2,
        }
    }

    /// Refuses settings that cannot be meant.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let check = |setting, value: f32, allowed: bool, needs| {
            if allowed {
                Ok(())
            } else {
                Err(EngineError::BadTraining { setting, value: value.to_string(), needs })
            }
        };
        let share = |value: f32| (0.0..1.0).contains(&value);
        let rate = self.learning_rate();
        check("learning_rate", rate, rate.is_finite() && rate >= 0.0, "a number that is not negative")?;
        match *self {
            Optimizer::Sgd { momentum, decay, .. } => {
                check("momentum", momentum, share(momentum), "at least 0 and below 1")?;
                check("decay", decay, decay.is_finite() && decay >= 0.0, "a number that is not negative")
            }
            Optimizer::Adam { beta1, beta2, epsilon, .. } => {
                check("beta1", beta1, share(beta1), "at least 0 and below 1")?;
                check("beta2", beta2, share(beta2), "at least 0 and below 1")?;
                check(
                    "epsilon",
                    epsilon,
                    epsilon.is_finite() && epsilon >= 0.0,
                    "a number that is not negative",
                )
            }
        }
    }

    /// The step size of step `step`, counted from 0.
    pub(crate) fn decayed_learning_rate(&self, step: u64) -> f32 {
        match *self {
            Optimizer::Sgd { learning_rate, decay, .. } => learning_rate / (1.0 + decay * step as f32),
            Optimizer::Adam { learning_rate, .. } => learning_rate,
        }
    }

    /// Changes all parameters by one step of size `rate`; `step` counts from 0.
    pub(crate) fn update(
        &self,
        step: u64,
        rate: f32,
        parameters: &mut Parameters,
        slots: &mut [Parameters],
        gradients: &Parameters,
    ) {
        let isa = Isa::detect();
        for (index, gradient) in gradients.tensors().iter().enumerate() {
            let w = parameters.tensors_mut()[index].values.par_chunks_mut(CHUNK);
            let g = gradient.values.par_chunks(CHUNK);
            match (self, &mut *slots) {
                (&Optimizer::Sgd { momentum, nesterov, .. }, [velocity]) => {
                    let v = velocity.tensors_mut()[index].values.par_chunks_mut(CHUNK);
                    w.zip(v).zip(g).for_each(|((w, v), g)| sgd(isa, w, v, g, rate, momentum, nesterov));
                }
                (&Optimizer::Adam { beta1, beta2, epsilon, .. }, [m, v]) => {
                    let (m, v) = (&mut m.tensors_mut()[index].values, &mut v.tensors_mut()[index].values);
                    let t = (step + 1) as f64;
                    let numbers = AdamStep {
                        beta1,
                        beta2,
                        epsilon,
                        rate: (f64::from(rate) / (1.0 - f64::from(beta1).powf(t))) as f32,
                        root_scale: (1.0 / (1.0 - f64::from(beta2).powf(t)).sqrt()) as f32,
                    };
                    let moments = m.par_chunks_mut(CHUNK).zip(v.par_chunks_mut(CHUNK));
                    w.zip(moments).zip(g).for_each(|((w, (m, v)), g)| adam(isa, w, m, v, g, numbers));
                }
                _ => unreachable!("the slots were made for this optimiser"),
            }
        }
    }

    /// The step size at the start.
    pub fn learning_rate(&self) -> f32 {
        match *self {
            Optimizer::Sgd { learning_rate, .. } | Optimizer::Adam { learning_rate, .. } => learning_rate,
        }
    }

    /// The same rule with another step size.
    pub fn with_learning_rate(mut self, rate: f32) -> Optimizer {
        match &mut self {
            Optimizer::Sgd { learning_rate, .. } | Optimizer::Adam { learning_rate, .. } => {
                *learning_rate = rate
            }
        }
        self
    }
}

fn adam_learning_rate() -> f32 {
    1e-3
}

fn beta1() -> f32 {
    0.9
}

fn beta2() -> f32 {
    0.999
}

fn epsilon() -> f32 {
    1e-7
}
