//! What training makes smaller.

use serde::{Deserialize, Serialize};

use crate::layer::{Activation, Layer};
use crate::{EngineError, Network, Shape};

/// How far the outputs are from the truth, as a mean over the samples of a batch.
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
}

impl Loss {
    /// The word for it in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            Loss::CrossEntropy => "cross-entropy",
            Loss::BinaryCrossEntropy => "binary-cross-entropy",
            Loss::MeanSquaredError => "mean-squared-error",
        }
    }

    /// Refuses a network whose last layer does not make what the loss needs.
    pub(crate) fn check(self, network: &Network) -> Result<(), EngineError> {
        let Some(last) = network.nodes().last() else { return Err(EngineError::NoLayers) };
        let activation = match &last.layer {
            Layer::Dense(dense) => dense.activation,
            Layer::Activation(layer) => layer.function,
            _ => Activation::Linear,
        };
        let needs = match (self, activation, last.output) {
            (_, _, Shape::Image { .. }) => {
                "end the network with a vector: flatten or global pooling, then dense"
            }
            (Loss::CrossEntropy, Activation::Softmax, _)
            | (Loss::BinaryCrossEntropy, Activation::Sigmoid, _) => return Ok(()),
            (Loss::MeanSquaredError, ..) => return Ok(()),
            (Loss::CrossEntropy, ..) => "it needs a softmax at the end",
            (Loss::BinaryCrossEntropy, ..) => "it needs a sigmoid at the end",
        };
        let (layer, kind, output) = (last.name.clone(), last.layer.kind(), last.output);
        Err(EngineError::LossDoesNotFit { loss: self.name(), layer, kind, output, needs })
    }

    /// Whether the gradient that [`Loss::of`] gives is already the one before this activation at the network's end.
    pub(crate) fn includes(self, activation: Activation) -> bool {
        matches!(
            (self, activation),
            (Loss::CrossEntropy, Activation::Softmax) | (Loss::BinaryCrossEntropy, Activation::Sigmoid)
        )
    }

    /// The loss of one output; its share in the gradient of the mean over `samples` goes to `gradient`.
    pub(crate) fn of(
        self,
        output: &[f32],
        target: usize,
        samples: usize,
        gradient: Option<&mut [f32]>,
    ) -> f64 {
        let truth = |unit: usize| if output.len() == 1 { target as f32 } else { f32::from(unit == target) };
        let units = output.len() as f32;
        let scale = match self {
            Loss::CrossEntropy => 1.0,
            Loss::BinaryCrossEntropy => 1.0 / units,
            Loss::MeanSquaredError => 2.0 / units,
        } / samples as f32;
        if let Some(gradient) = gradient {
            let values = gradient.iter_mut().zip(output).enumerate();
            values.for_each(|(unit, (gradient, p))| *gradient = scale * (p - truth(unit)));
        }
        let terms =
            output.iter().enumerate().map(|(unit, &p)| self.term(f64::from(p), f64::from(truth(unit))));
        let sum: f64 = terms.sum();
        if self == Loss::CrossEntropy { sum } else { sum / f64::from(units) }
    }

    /// One unit's part. Probabilities are kept 10⁻⁷ away from 0 and 1 (as Keras does), so that no loss is infinite.
    fn term(self, p: f64, truth: f64) -> f64 {
        let safe = p.clamp(1e-7, 1.0 - 1e-7);
        match self {
            Loss::CrossEntropy => -truth * safe.ln(),
            Loss::BinaryCrossEntropy => -truth * safe.ln() - (1.0 - truth) * (1.0 - safe).ln(),
            Loss::MeanSquaredError => (p - truth).powi(2),
        }
    }
}
