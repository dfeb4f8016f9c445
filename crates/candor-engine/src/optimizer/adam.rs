//! Adam, whose moments [`AdamW`](super::AdamW) shares.

use serde::{Deserialize, Serialize};

use super::{Rule, not_negative, share};
use crate::EngineError;
use crate::kernel::{Isa, Run, Update, update};

/// Adam (Kingma and Ba, 2015, algorithm 1): m and v are moving means of the gradient and its square,
/// w ← w − η · m̂ / (√v̂ + ε). With weight decay λ, g stands for g + λ w (PyTorch's L2 term).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Adam {
    /// η.
    pub learning_rate: f32,
    /// β₁, the share of the past in m.
    pub beta1: f32,
    /// β₂, the share of the past in v.
    pub beta2: f32,
    /// ε, 10⁻⁷ as in Keras.
    pub epsilon: f32,
    /// λ, 0 for none.
    pub weight_decay: f32,
}

impl Default for Adam {
    fn default() -> Adam {
        Adam { learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weight_decay: 0.0 }
    }
}

impl Rule for Adam {
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
        let &Adam { beta1, beta2, epsilon, weight_decay, .. } = self;
        update(isa, Moments::at(step, rate, [beta1, beta2, epsilon]).with_l2(weight_decay), run);
    }
}

pub(super) fn check_moments(beta1: f32, beta2: f32, epsilon: f32) -> Result<(), EngineError> {
    share("beta1", beta1)?;
    share("beta2", beta2)?;
    not_negative("epsilon", epsilon)
}

/// The numbers of a step that are the same for every value.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    /// η / (1 − β₁ᵗ)
    rate: f32,
    /// 1 / √(1 − β₂ᵗ)
    root_scale: f32,
    /// λ of the gradient.
    l2: f32,
    /// What remains of a weight beside the gradient: 1 − η λ.
    keep: f32,
}

impl Moments {
    /// Without weight decay. `step` counts from 0.
    pub fn at(step: u64, rate: f32, [beta1, beta2, epsilon]: [f32; 3]) -> Moments {
        let t = (step + 1) as f64;
        Moments {
            beta1,
            beta2,
            epsilon,
            rate: (f64::from(rate) / (1.0 - f64::from(beta1).powf(t))) as f32,
            root_scale: (1.0 / (1.0 - f64::from(beta2).powf(t)).sqrt()) as f32,
            l2: 0.0,
            keep: 1.0,
        }
    }

    /// With weight decay in the gradient.
    pub fn with_l2(self, l2: f32) -> Moments {
        Moments { l2, ..self }
    }

    /// With weight decay beside the gradient.
    pub fn keeping(self, keep: f32) -> Moments {
        Moments { keep, ..self }
    }
}

impl Update for Moments {
    #[inline(always)]
    fn run(self, run: Run<'_>) {
        let Moments { beta1, beta2, epsilon, rate, root_scale, l2, keep } = self;
        for (((w, m), v), g) in run.w.iter_mut().zip(run.first).zip(run.second).zip(run.g) {
            let g = g + l2 * *w;
            *m = beta1 * *m + (1.0 - beta1) * g;
            *v = beta2 * *v + (1.0 - beta2) * g * g;
            *w = keep * *w - rate * *m / (v.sqrt() * root_scale + epsilon);
        }
    }
}
