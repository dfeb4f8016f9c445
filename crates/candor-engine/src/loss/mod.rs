//! What training makes smaller. One file a loss; [`Loss`] is the registry that the recipe and the command line are fed
//! from.
//!
//! The loss of a batch is a weighted mean over its samples: Σ wᵧ l / Σ wᵧ with the weight wᵧ of each sample's class
//! (PyTorch's rule). Without class weights all weights are 1.

mod binary_cross_entropy;
mod cross_entropy;
mod fairness;
mod focal;
mod mean_squared_error;
mod settings;

use serde::{Deserialize, Serialize};

pub(crate) use fairness::{Balance, Rows};
pub use fairness::{Fairness, FairnessDefinition, FairnessMethod};
pub use settings::LossSettings;

use crate::layer::Activation;
use crate::{EngineError, Network, Shape};

/// How far the outputs are from the truth.
///
/// With one output unit the truth is 0 or 1; with more, it is one-hot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Categorical cross-entropy of a softmax: −ln p\[truth\].
    #[default]
    CrossEntropy,
    /// Binary cross-entropy of a sigmoid: −y ln p − (1 − y) ln (1 − p), a mean over the units.
    BinaryCrossEntropy,
    /// (p − y)², a mean over the units.
    MeanSquaredError,
    /// Cross-entropy that looks away from what is right already: −(1 − p)^γ ln p of the true class.
    Focal,
}

/// A loss with its settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Objective<'a> {
    pub loss: Loss,
    pub settings: &'a LossSettings,
}

impl Loss {
    /// All of them.
    pub const ALL: [Loss; 4] =
        [Loss::CrossEntropy, Loss::BinaryCrossEntropy, Loss::MeanSquaredError, Loss::Focal];

    /// The word for it in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Loss::CrossEntropy => "cross-entropy",
            Loss::BinaryCrossEntropy => "binary-cross-entropy",
            Loss::MeanSquaredError => "mean-squared-error",
            Loss::Focal => "focal",
        }
    }

    /// Refuses a network whose last layer does not make what the loss needs.
    pub(crate) fn check(self, network: &Network) -> Result<(), EngineError> {
        let Some(last) = network.nodes().last() else { return Err(EngineError::NoLayers) };
        let needs = match (self, network.output_activation(), last.output) {
            (_, _, Shape::Image { .. }) => {
                "end the network with a vector: flatten or global pooling, then dense"
            }
            (Loss::CrossEntropy | Loss::Focal, Activation::Softmax, _)
            | (Loss::BinaryCrossEntropy, Activation::Sigmoid, _)
            | (Loss::Focal, Activation::Sigmoid, Shape::Features(1)) => return Ok(()),
            (Loss::MeanSquaredError, ..) => return Ok(()),
            (Loss::CrossEntropy, ..) => "it needs a softmax at the end",
            (Loss::BinaryCrossEntropy, ..) => "it needs a sigmoid at the end",
            (Loss::Focal, ..) => "it needs a softmax, or one unit with a sigmoid, at the end",
        };
        let (layer, kind, output) = (last.name.clone(), last.layer.kind(), last.output);
        Err(EngineError::LossDoesNotFit { loss: self.name(), layer, kind, output, needs })
    }

    /// Whether the gradient that [`Objective::of`] gives is already the one before this activation at the network's
    /// end.
    pub(crate) fn includes(self, activation: Activation) -> bool {
        matches!(
            (self, activation),
            (Loss::CrossEntropy | Loss::Focal, Activation::Softmax)
                | (Loss::BinaryCrossEntropy | Loss::Focal, Activation::Sigmoid)
        )
    }
}

impl Objective<'_> {
    /// The weight of all samples of a batch together.
    pub fn weight_of(&self, targets: &[usize]) -> f32 {
        targets.iter().map(|&target| self.settings.weight(target)).sum()
    }

    /// The weighted loss of one output; its share in the gradient of the mean over samples that weigh `total` together
    /// goes to `gradient`. Probabilities are kept 10⁻⁷ away from 0 and 1 (as Keras does), so that no loss is infinite.
    pub fn of(&self, output: &[f32], target: usize, total: f32, gradient: Option<&mut [f32]>) -> f64 {
        let sample = Sample { output, target, settings: self.settings };
        let value = match self.loss {
            Loss::CrossEntropy => cross_entropy::value(sample),
            Loss::BinaryCrossEntropy => binary_cross_entropy::value(sample),
            Loss::MeanSquaredError => mean_squared_error::value(sample),
            Loss::Focal => focal::value(sample),
        };
        if let Some(gradient) = gradient {
            match self.loss {
                Loss::CrossEntropy => cross_entropy::gradient(sample, total, gradient),
                Loss::BinaryCrossEntropy => binary_cross_entropy::gradient(sample, total, gradient),
                Loss::MeanSquaredError => mean_squared_error::gradient(sample, total, gradient),
                Loss::Focal => focal::gradient(sample, total, gradient),
            }
        }
        value
    }
}

/// What the network says of one sample, and what is true.
#[derive(Clone, Copy)]
struct Sample<'a> {
    output: &'a [f32],
    target: usize,
    settings: &'a LossSettings,
}

impl Sample<'_> {
    fn units(&self) -> usize {
        self.output.len()
    }

    /// What the unit should say: 0 or 1.
    fn truth(&self, unit: usize) -> f32 {
        if self.units() == 1 { self.target as f32 } else { f32::from(unit == self.target) }
    }

    /// The weight of its class.
    fn weight(&self) -> f32 {
        self.settings.weight(self.target)
    }

    /// The unit's answer, so far from 0 and 1 that its logarithm is finite.
    fn safe(&self, unit: usize) -> f64 {
        f64::from(self.output[unit]).clamp(1e-7, 1.0 - 1e-7)
    }
}
