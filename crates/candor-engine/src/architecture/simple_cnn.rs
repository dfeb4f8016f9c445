//! The three-convolution network of a study that guessed people's fields from staff portraits.

use super::Architecture;
use crate::layer::{Activation, Conv2d, Dense, Dropout, Flatten, MaxPool2d};
use crate::{Loss, Optimizer, Shape};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "simple-cnn",
    summary: "three convolutions and a dense layer for photographs of 48 pixels and more",
    source: "a study of staff portraits by department, 64×64 grey, four classes",
    input: Shape::image(64, 64, 1),
    classes: 4,
    loss: |_| Loss::CrossEntropy,
    optimizer: Optimizer::default,
    batch_size: 32,
    epochs: 100,
    layers: |_, classes, _| {
        let mut layers = Vec::new();
        for _ in 0..3 {
            layers.push(Conv2d::new(32, 3).activation(Activation::Relu).into());
            layers.push(MaxPool2d::new(2).into());
        }
        layers.push(Flatten {}.into());
        layers.push(Dense::new(64, Activation::Relu).into());
        layers.push(Dropout { rate: 0.5 }.into());
        layers.push(Dense::new(classes, Activation::Softmax).into());
        layers
    },
    base_layers: None,
    has_width: false,
};
