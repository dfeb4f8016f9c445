//! One dense unit a class: "that was a neural network", and the least that a larger one has to beat.

use super::Architecture;
use crate::layer::{Activation, Dense, Flatten};
use crate::{Loss, Optimizer, Shape};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "linear",
    summary: "one dense unit a class on the pixels: the least that a network has to beat",
    source: "multinomial logistic regression, trained by gradient descent",
    input: Shape::image(28, 28, 1),
    classes: 10,
    loss: |_| Loss::CrossEntropy,
    optimizer: Optimizer::default,
    batch_size: 32,
    epochs: 10,
    layers: |_, classes, _| vec![Flatten {}.into(), Dense::new(classes, Activation::Softmax).into()],
    base_layers: None,
    has_width: false,
};
