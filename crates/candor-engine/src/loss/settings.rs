//! What a loss can be told beside its name.

use super::Loss;
use crate::optimizer::{not_negative, share};
use crate::{EngineError, Network};

/// Settings of losses; which go with which loss is checked when a trainer is made.
#[derive(Clone, Debug, PartialEq)]
pub struct LossSettings {
    /// Of the cross-entropies: this share of the truth is spread evenly over all classes (Szegedy et al., "Rethinking
    /// the inception architecture", 2016, section 7). At least 0 and below 1.
    pub label_smoothing: f32,
    /// What each class counts, in the order of the classes; none for all the same.
    pub class_weights: Vec<f32>,
    /// γ of the focal loss: how far it looks away from what is right already. At least 0; with 0 it is the
    /// cross-entropy.
    pub focal_gamma: f32,
}

impl Default for LossSettings {
    fn default() -> LossSettings {
        LossSettings { label_smoothing: 0.0, class_weights: Vec::new(), focal_gamma: 2.0 }
    }
}

impl LossSettings {
    /// What a class counts.
    pub(super) fn weight(&self, class: usize) -> f32 {
        if self.class_weights.is_empty() { 1.0 } else { self.class_weights[class] }
    }

    pub(crate) fn check(&self, loss: Loss, network: &Network) -> Result<(), EngineError> {
        share("label_smoothing", self.label_smoothing)?;
        not_negative("focal_gamma", self.focal_gamma)?;
        let bad = |setting, value: String, needs| Err(EngineError::BadTraining { setting, value, needs });
        let smooths = matches!(loss, Loss::CrossEntropy | Loss::BinaryCrossEntropy);
        if self.label_smoothing > 0.0 && !smooths {
            let value = format!("{} with the loss {}", self.label_smoothing, loss.name());
            return bad("label_smoothing", value, "0: only the cross-entropies can be smoothed");
        }
        let classes = network.output().len().max(2);
        let weights = &self.class_weights;
        if !weights.is_empty() && weights.len() != classes {
            let value = format!("{} weights for {classes} classes", weights.len());
            return bad("class_weights", value, "one weight a class");
        }
        match weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
            Some(weight) => bad("class_weights", weight.to_string(), "numbers above 0"),
            None => Ok(()),
        }
    }
}
