//! The multilayer perceptron of the workshop notebook on faces with random labels.

use super::{Architecture, binary_or_softmax};
use crate::layer::{Activation, Dense, Flatten};
use crate::optimizer::Sgd;
use crate::{Loss, Optimizer, Shape};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "face-mlp",
    summary: "five dense layers, no convolution; learns labels by heart",
    source: "a workshop notebook on 64×64 grey faces, two classes",
    input: Shape::image(64, 64, 1),
    classes: 2,
    loss: |_| Loss::MeanSquaredError,
    optimizer: || {
        Optimizer::Sgd(Sgd {
            learning_rate: 0.1,
            momentum: 0.9,
            nesterov: true,
            decay: 1e-6,
            weight_decay: 0.0,
        })
    },
    batch_size: 32,
    epochs: 10,
    layers: |_, classes, _| {
        let mut layers = vec![Flatten {}.into()];
        layers.extend([256, 128, 64, 32, 16].map(|units| Dense::new(units, Activation::Tanh).into()));
        layers.push(binary_or_softmax(classes).into());
        layers
    },
    base_layers: None,
    has_width: false,
};
