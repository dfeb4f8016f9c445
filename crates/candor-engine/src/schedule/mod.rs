//! How the learning rate changes while training goes on.

use serde::{Deserialize, Serialize};

use crate::EngineError;

/// The share of the optimiser's learning rate that a step uses, as a function of how far the training has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Schedule {
    /// The same from the first step to the last.
    #[default]
    Constant,
    /// Rises in a straight line over the first `warmup` of all steps, then falls along half a cosine to zero (Loshchilov
    /// and Hutter, "SGDR", 2017, eq. 5, one period).
    Cosine {
        /// Share of all steps, in 0..1.
        #[serde(default)]
        warmup: f32,
    },
    /// Rises along half a cosine from 1/25 over the first `warmup` of all steps, then falls along half a cosine to
    /// 1/250,000 (Smith and Topin, "Super-convergence", 2018, with PyTorch's default divisors).
    OneCycle {
        /// Share of all steps, in 0..1.
        #[serde(default = "one_cycle_warmup")]
        warmup: f32,
    },
    /// Divided by 1 + `decay` times the share of all steps that are done: 1 / (1 + `decay`) at the end (Robbins and
    /// Monro, 1951; Keras' `InverseTimeDecay`, stretched over the training).
    InverseTime {
        /// At least 0.
        decay: f32,
    },
    /// Multiplied by `factor` after every `every` of all steps.
    Step {
        /// Share of all steps, above 0 and up to 1.
        every: f32,
        /// In 0..=1.
        factor: f32,
    },
}

impl Schedule {
    /// The share of the learning rate that step `step` (from 0) of `steps` uses.
    pub fn share(self, step: u64, steps: u64) -> f32 {
        let total = steps.max(1) as f32;
        let done = (step as f32 / total).min(1.0);
        match self {
            Schedule::Constant => 1.0,
            Schedule::Cosine { warmup } if done < warmup => ((step + 1) as f32 / (warmup * total)).min(1.0),
            Schedule::Cosine { warmup } => between(1.0, 0.0, (done - warmup) / (1.0 - warmup)),
            Schedule::OneCycle { warmup } if done < warmup => between(1.0 / 25.0, 1.0, done / warmup),
            Schedule::OneCycle { warmup } => between(1.0, 1.0 / 250_000.0, (done - warmup) / (1.0 - warmup)),
            Schedule::InverseTime { decay } => 1.0 / (1.0 + decay * done),
            Schedule::Step { every, factor } => factor.powf((done / every).floor()),
        }
    }

    /// Refuses settings that cannot be meant.
    pub(crate) fn check(self) -> Result<(), EngineError> {
        let refuse = |setting, value: f32, needs| {
            Err(EngineError::BadTraining { setting, value: value.to_string(), needs })
        };
        match self {
            Schedule::Cosine { warmup } | Schedule::OneCycle { warmup } if !(0.0..1.0).contains(&warmup) => {
                refuse("warmup", warmup, "at least 0 and below 1")
            }
            Schedule::InverseTime { decay } if !(decay >= 0.0 && decay.is_finite()) => {
                refuse("decay", decay, "a number that is not negative")
            }
            Schedule::Step { every, .. } if !(every > 0.0 && every <= 1.0) => {
                refuse("every", every, "above 0 and up to 1")
            }
            Schedule::Step { factor, .. } if !(0.0..=1.0).contains(&factor) => {
                refuse("factor", factor, "from 0 to 1")
            }
            _ => Ok(()),
        }
    }
}

/// Half a cosine from `start` (at 0) to `end` (at 1).
fn between(start: f32, end: f32, at: f32) -> f32 {
    end + (start - end) * 0.5 * (1.0 + (std::f32::consts::PI * at).cos())
}

fn one_cycle_warmup() -> f32 {
    0.3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_pass_through_their_corners() {
        let cases: [(Schedule, [(u64, f32); 3]); 5] = [
            (Schedule::Constant, [(0, 1.0), (50, 1.0), (99, 1.0)]),
            (Schedule::Cosine { warmup: 0.1 }, [(0, 0.1), (10, 1.0), (55, 0.5)]),
            (Schedule::OneCycle { warmup: 0.3 }, [(0, 0.04), (30, 1.0), (65, 0.5)]),
            (Schedule::InverseTime { decay: 3.0 }, [(0, 1.0), (50, 0.4), (100, 0.25)]),
            (Schedule::Step { every: 0.25, factor: 0.5 }, [(24, 1.0), (25, 0.5), (99, 0.125)]),
        ];
        for (schedule, points) in cases {
            for (step, expected) in points {
                let share = schedule.share(step, 100);
                assert!((share - expected).abs() < 1e-4, "{schedule:?} at {step}: {share}");
            }
        }
    }

    #[test]
    fn no_step_leaves_the_range_and_the_last_one_is_small() {
        for schedule in [Schedule::Cosine { warmup: 0.2 }, Schedule::OneCycle { warmup: 0.3 }] {
            let shares: Vec<f32> = (0..1000).map(|step| schedule.share(step, 1000)).collect();
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{schedule:?}");
            assert!(shares[999] < 1e-4 && schedule.share(5000, 1000) < 1e-4, "{schedule:?}");
        }
    }
}
