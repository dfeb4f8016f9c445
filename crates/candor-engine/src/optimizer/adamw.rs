//! Adam with decoupled weight decay.

use serde::{Deserialize, Serialize};

use super::Rule;
use super::adam::{Moments, check_moments};
use crate::EngineError;
use crate::kernel::{Isa, Run, update};

/// AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, algorithm 2, as PyTorch has it):
/// w ← (1 − η λ) w, then a step of [`Adam`](super::Adam).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamW {
    /// η.
    pub learning_rate: f32,
    /// β₁, the share of the past in the mean gradient.
    pub beta1: f32,
    /// β₂, the share of the past in the mean squared gradient.
    pub beta2: f32,
    /// ε, 10⁻⁷ as in [`Adam`](super::Adam).
    pub epsilon: f32,
    /// λ.
    pub weight_decay: f32,
}

impl Default for AdamW {
    fn default() -> AdamW {
        AdamW { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.01 }
    }
}

impl Rule for AdamW {
    fn slots(&self) -> usize {
        2
    }

    fn check(&self) -> Result<(), EngineError> {
        check_moments(self.beta1, self.beta2, self.epsilon)
    }

    fn rate_at(&self, _: u64) -> f32 {
        self.learning_rate
    }

    fn apply(&self, isa: Isa, step: u64, rate: f32, run: Run<'_>) {
        let &AdamW { beta1, beta2, epsilon, weight_decay, .. } = self;
        let moments = Moments::at(step, rate, [beta1, beta2, epsilon]);
        update(isa, moments.keeping(1.0 - rate * weight_decay), run);
    }
}
