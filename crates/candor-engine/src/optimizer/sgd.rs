//! Stochastic gradient descent.

use serde::{Deserialize, Serialize};

use super::{Rule, not_negative, share};
use crate::EngineError;
use crate::kernel::{Isa, Run, Update, update};

/// Stochastic gradient descent, with momentum as Keras has it: v ← μ v − η g; w ← w + v, or with Nesterov
/// w ← w + μ v − η g. Step t (from 0) uses η / (1 + decay · t). With weight decay λ, g stands for g + λ w (PyTorch's L2
/// term).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgd {
    /// η.
    pub learning_rate: f32,
    /// μ, 0 for none.
    pub momentum: f32,
    /// Looks ahead along the momentum.
    pub nesterov: bool,
    /// Shrinks the learning rate from step to step.
    pub decay: f32,
    /// λ, 0 for none.
    pub weight_decay: f32,
}

impl Default for Sgd {
    fn default() -> Sgd {
        Sgd { learning_rate: 0.01, momentum: 0.0, nesterov: false, decay: 0.0, weight_decay: 0.0 }
    }
}

impl Rule for Sgd {
    fn slots(&self) -> usize {
        usize::from(self.momentum > 0.0)
    }

    fn check(&self) -> Result<(), EngineError> {
        share("momentum", self.momentum)?;
        not_negative("decay", self.decay)
    }

    fn rate_at(&self, step: u64) -> f32 {
        self.learning_rate / (1.0 + self.decay * step as f32)
    }

    fn apply(&self, isa: Isa, _: u64, rate: f32, run: Run<'_>) {
        let Sgd { momentum, nesterov, weight_decay, .. } = *self;
        match momentum > 0.0 {
            true => update(isa, Momentum { rate, momentum, nesterov, weight_decay }, run),
            false => update(isa, Plain { rate, weight_decay }, run),
        }
    }
}

#[derive(Clone, Copy)]
struct Plain {
    rate: f32,
    weight_decay: f32,
}

impl Update for Plain {
    #[inline(always)]
    fn run(self, run: Run<'_>) {
        for (w, g) in run.w.iter_mut().zip(run.g) {
            *w -= self.rate * (g + self.weight_decay * *w);
        }
    }
}

#[derive(Clone, Copy)]
struct Momentum {
    rate: f32,
    momentum: f32,
    nesterov: bool,
    weight_decay: f32,
}

impl Update for Momentum {
    #[inline(always)]
    fn run(self, run: Run<'_>) {
        let Momentum { rate, momentum, nesterov, weight_decay } = self;
        for ((w, v), g) in run.w.iter_mut().zip(run.first).zip(run.g) {
            let g = g + weight_decay * *w;
            *v = momentum * *v - rate * g;
            *w += if nesterov { momentum * *v - rate * g } else { *v };
        }
    }
}
