//! How gradients change the parameters.

use serde::{Deserialize, Serialize};

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
