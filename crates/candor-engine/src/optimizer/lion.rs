//! Lion.

use serde::{Deserialize, Serialize};

use super::{Rule, share};
use crate::EngineError;
use crate::kernel::{Isa, Run, Update, update};

/// Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023, algorithm 2): every weight moves by η in
/// the direction of β₁ m + (1 − β₁) g, w ← w − η (sign(β₁ m + (1 − β₁) g) + λ w), and then m ← β₂ m + (1 − β₂) g. Wants
/// a learning rate three to ten times smaller than Adam's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lion {
    /// η.
    pub learning_rate: f32,
    /// β₁, the share of the past in the direction.
    pub beta1: f32,
    /// β₂, the share of the past in m.
    pub beta2: f32,
    /// λ, 0 for none.
    pub weight_decay: f32,
}

impl Default for Lion {
    fn default() -> Lion {
        Lion { learning_rate: 1e-4, beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }
}

impl Rule for Lion {
    fn slots(&self) -> usize {
        1
    }

    fn check(&self) -> Result<(), EngineError> {
        share("beta1", self.beta1)?;
        share("beta2", self.beta2)
    }

    fn rate_at(&self, _: u64) -> f32 {
        self.learning_rate
    }

    fn apply(&self, isa: Isa, _: u64, rate: f32, run: Run<'_>) {
        update(isa, Signed(Lion { learning_rate: rate, ..*self }), run);
    }
}

#[derive(Clone, Copy)]
struct Signed(Lion);

impl Update for Signed {
    #[inline(always)]
    fn run(self, run: Run<'_>) {
        let Lion { learning_rate, beta1, beta2, weight_decay } = self.0;
        for ((w, m), g) in run.w.iter_mut().zip(run.first).zip(run.g) {
            let direction = beta1 * *m + (1.0 - beta1) * g;
            // Not `signum`, whose zero has a sign too: a weight that nothing pulls at stays. What is no number stays
            // none, so that a training that has diverged is seen.
            let sign = if direction > 0.0 {
                1.0
            } else if direction < 0.0 {
                -1.0
            } else {
                direction
            };
            *w -= learning_rate * (sign + weight_decay * *w);
            *m = beta2 * *m + (1.0 - beta2) * g;
        }
    }
}
