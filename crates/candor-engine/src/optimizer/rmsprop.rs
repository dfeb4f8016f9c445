//! RMSprop.

use serde::{Deserialize, Serialize};

use super::{Rule, not_negative, share};
use crate::EngineError;
use crate::kernel::{Isa, Run, Update, update};

/// RMSprop (Tieleman and Hinton, 2012, lecture 6.5) as PyTorch has it: v is a moving mean of the squared gradient,
/// u = g / (√v + ε), and w ← w − η u; with momentum b ← μ b + u and w ← w − η b. With weight decay λ, g stands for
/// g + λ w.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RmsProp {
    /// η.
    pub learning_rate: f32,
    /// ρ, the share of the past in v (PyTorch's α); .9 as in the lecture and in Keras.
    pub rho: f32,
    /// μ, 0 for none.
    pub momentum: f32,
    /// ε, 10⁻⁷ as in Keras.
    pub epsilon: f32,
    /// λ, 0 for none.
    pub weight_decay: f32,
}

impl Default for RmsProp {
    fn default() -> RmsProp {
        RmsProp { learning_rate: 1e-3, rho: 0.9, momentum: 0.0, epsilon: 1e-7, weight_decay: 0.0 }
    }
}

impl Rule for RmsProp {
    fn slots(&self) -> usize {
        if self.momentum > 0.0 { 2 } else { 1 }
    }

    fn check(&self) -> Result<(), EngineError> {
        share("rho", self.rho)?;
        share("momentum", self.momentum)?;
        not_negative("epsilon", self.epsilon)
    }

    fn rate_at(&self, _: u64) -> f32 {
        self.learning_rate
    }

    fn apply(&self, isa: Isa, _: u64, rate: f32, run: Run<'_>) {
        let settings = RmsProp { learning_rate: rate, ..*self };
        match self.momentum > 0.0 {
            true => update(isa, WithMomentum(settings), run),
            false => update(isa, Plain(settings), run),
        }
    }
}

impl RmsProp {
    /// The gradient over its root mean square, which moves on.
    #[inline(always)]
    fn scaled(&self, w: f32, g: f32, v: &mut f32) -> f32 {
        let g = g + self.weight_decay * w;
        *v = self.rho * *v + (1.0 - self.rho) * g * g;
        g / (v.sqrt() + self.epsilon)
    }
}

#[derive(Clone, Copy)]
struct Plain(RmsProp);

impl Update for Plain {
    #[inline(always)]
    fn run(self, run: Run<'_>) {
        for ((w, v), g) in run.w.iter_mut().zip(run.first).zip(run.g) {
            *w -= self.0.learning_rate * self.0.scaled(*w, *g, v);
        }
    }
}

#[derive(Clone, Copy)]
struct WithMomentum(RmsProp);

impl Update for WithMomentum {
    #[inline(always)]
    fn run(self, run: Run<'_>) {
        for (((w, v), b), g) in run.w.iter_mut().zip(run.first).zip(run.second).zip(run.g) {
            *b = self.0.momentum * *b + self.0.scaled(*w, *g, v);
            *w -= self.0.learning_rate * *b;
        }
    }
}
