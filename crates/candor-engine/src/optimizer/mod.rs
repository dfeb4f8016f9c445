//! How gradients change the parameters. One file a rule; [`Optimizer`] is the registry that the recipe, the command
//! line and the docs are fed from.
//!
//! All parameters are changed in one pass over runs of values, cut at places that depend on the network alone: the
//! number of threads does not change any bit. Weight decay applies to every trained tensor, biases included, as in
//! PyTorch.

mod adam;
mod adamw;
mod lion;
mod pass;
mod rmsprop;
mod sgd;

use serde::{Deserialize, Serialize};

pub use adam::Adam;
pub use adamw::AdamW;
pub use lion::Lion;
pub(crate) use pass::{Step, norm};
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

use crate::EngineError;
use crate::kernel::{Isa, Run};

/// What every rule says of itself.
pub(crate) trait Rule {
    /// How many values it remembers for each parameter, at most two.
    fn slots(&self) -> usize;

    /// Refuses settings that cannot be meant.
    fn check(&self) -> Result<(), EngineError>;

    /// The step size of step `step` (from 0), before the schedule.
    fn rate_at(&self, step: u64) -> f32;

    /// Changes a run of parameters by step `step` of size `rate`.
    fn apply(&self, isa: Isa, step: u64, rate: f32, run: Run<'_>);
}

macro_rules! optimizers {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)+) => {
        /// A rule by which gradients change parameters, with its settings.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "lowercase")]
        pub enum Optimizer {
            $($(#[$doc])* $name($name),)+
        }

        /// The kinds of optimisers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum OptimizerKind {
            $($(#[$doc])* $name,)+
        }

        impl OptimizerKind {
            /// All of them.
            pub const ALL: &[OptimizerKind] = &[$(OptimizerKind::$name),+];

            /// The word for it in a recipe.
            pub fn name(self) -> &'static str {
                match self { $(OptimizerKind::$name => $word,)+ }
            }

            /// The optimiser of this kind with its usual settings.
            pub fn usual(self) -> Optimizer {
                match self { $(OptimizerKind::$name => Optimizer::$name($name::default()),)+ }
            }
        }

        impl Optimizer {
            /// What kind it is.
            pub fn kind(&self) -> OptimizerKind {
                match self { $(Optimizer::$name(_) => OptimizerKind::$name,)+ }
            }

            /// The step size at the start.
            pub fn learning_rate(&self) -> f32 {
                match self { $(Optimizer::$name(rule) => rule.learning_rate,)+ }
            }

            /// The same rule with another step size.
            pub fn with_learning_rate(mut self, rate: f32) -> Optimizer {
                match &mut self { $(Optimizer::$name(rule) => rule.learning_rate = rate,)+ }
                self
            }

            /// How strongly the weights are pulled towards zero.
            pub fn weight_decay(&self) -> f32 {
                match self { $(Optimizer::$name(rule) => rule.weight_decay,)+ }
            }

            pub(crate) fn rule(&self) -> &(dyn Rule + Sync) {
                match self { $(Optimizer::$name(rule) => rule,)+ }
            }
        }

        $(impl From<$name> for Optimizer {
            fn from(rule: $name) -> Optimizer {
                Optimizer::$name(rule)
            }
        })+
    };
}

optimizers! {
    /// Gradient descent, with momentum where it is asked for.
    Sgd = "sgd",
    /// Adaptive moments.
    Adam = "adam",
    /// Adam with weight decay beside the gradient instead of in it.
    AdamW = "adamw",
    /// Gradients divided by their root mean square.
    RmsProp = "rmsprop",
    /// Steps by the sign of the mean gradient.
    Lion = "lion",
}

impl Default for Optimizer {
    fn default() -> Optimizer {
        Adam::default().into()
    }
}

impl Optimizer {
    /// Adam with Keras' default settings and this learning rate.
    pub fn adam(learning_rate: f32) -> Optimizer {
        Adam { learning_rate, ..Adam::default() }.into()
    }

    /// Plain gradient descent.
    pub fn sgd(learning_rate: f32) -> Optimizer {
        Sgd { learning_rate, ..Sgd::default() }.into()
    }

    /// Refuses settings that cannot be meant.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        not_negative("learning_rate", self.learning_rate())?;
        not_negative("weight_decay", self.weight_decay())?;
        self.rule().check()
    }
}

/// Refuses what is no share of a whole.
pub(crate) fn share(setting: &'static str, value: f32) -> Result<(), EngineError> {
    allowed(setting, value, (0.0..1.0).contains(&value), "at least 0 and below 1")
}

/// Refuses negative and infinite values.
pub(crate) fn not_negative(setting: &'static str, value: f32) -> Result<(), EngineError> {
    allowed(setting, value, value.is_finite() && value >= 0.0, "a number that is not negative")
}

fn allowed(setting: &'static str, value: f32, ok: bool, needs: &'static str) -> Result<(), EngineError> {
    match ok {
        true => Ok(()),
        false => Err(EngineError::BadTraining { setting, value: value.to_string(), needs }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_word_and_usual_settings_that_pass() {
        for kind in OptimizerKind::ALL {
            let usual = kind.usual();
            assert_eq!(usual.kind(), *kind);
            usual.check().unwrap_or_else(|error| panic!("{}: {error}", kind.name()));
            let saved = serde_json::to_value(usual).unwrap();
            assert_eq!(saved["kind"], kind.name());
            assert_eq!(serde_json::from_value::<Optimizer>(saved).unwrap(), usual);
        }
    }

    #[test]
    fn settings_that_cannot_be_meant_are_named() {
        let cases: [(Optimizer, &str); 6] = [
            (Sgd { momentum: 1.0, ..Sgd::default() }.into(), "momentum = 1, but"),
            (Sgd { weight_decay: -1.0, ..Sgd::default() }.into(), "weight_decay = -1, but"),
            (Adam { beta2: 1.5, ..Adam::default() }.into(), "beta2 = 1.5, but"),
            (AdamW { epsilon: f32::NAN, ..AdamW::default() }.into(), "epsilon = NaN, but"),
            (RmsProp { rho: -0.1, ..RmsProp::default() }.into(), "rho = -0.1, but"),
            (Lion { learning_rate: f32::INFINITY, ..Lion::default() }.into(), "learning_rate = inf, but"),
        ];
        for (optimizer, start) in cases {
            let message = optimizer.check().unwrap_err().to_string();
            assert!(message.starts_with(start), "{message}");
        }
    }
}
