//! The convolutional network of the workshop notebook on faces with random labels.

use super::{Architecture, binary_or_softmax};
use crate::layer::{Activation, Conv2d, Dense, Dropout, Flatten, MaxPool2d};
use crate::{Loss, Optimizer, Shape};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "face-cnn",
    summary: "two wide convolutions and a large dense layer; learns labels by heart",
    source: "a workshop notebook on 64×64 grey faces, two classes",
    input: Shape::image(64, 64, 1),
    classes: 2,
    loss: |_| Loss::MeanSquaredError,
    optimizer: Optimizer::default,
    batch_size: 32,
    epochs: 10,
    layers: |_, classes, _| {
        let mut layers = Vec::new();
        for filters in [64, 32] {
            layers.push(Conv2d::new(filters, 3).same().activation(Activation::Relu).into());
            layers.push(MaxPool2d::new(2).into());
            layers.push(Dropout { rate: 0.25 }.into());
        }
        layers.push(Flatten {}.into());
        layers.push(Dense::new(256, Activation::Tanh).into());
        layers.push(binary_or_softmax(classes).into());
        layers
    },
    base_layers: None,
    has_width: false,
};
