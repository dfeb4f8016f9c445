//! The two-convolution network of the social-science course, for MNIST and Fashion-MNIST.

use super::Architecture;
use crate::layer::{Activation, Conv2d, Dense, Dropout, Flatten, MaxPool2d};
use crate::{Loss, Optimizer, Shape};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "mnist-cnn",
    summary: "two convolutions for small pictures such as digits; trains in seconds",
    source: "the Keras example \"Simple MNIST convnet\"; .99 on MNIST",
    input: Shape::image(28, 28, 1),
    classes: 10,
    loss: |_| Loss::CrossEntropy,
    optimizer: Optimizer::default,
    batch_size: 128,
    epochs: 10,
    layers: |_, classes, _| {
        vec![
            Conv2d::new(32, 3).activation(Activation::Relu).into(),
            MaxPool2d::new(2).into(),
            Conv2d::new(64, 3).activation(Activation::Relu).into(),
            MaxPool2d::new(2).into(),
            Flatten {}.into(),
            Dropout { rate: 0.5 }.into(),
            Dense::new(classes, Activation::Softmax).into(),
        ]
    },
    base_layers: None,
    has_width: false,
};
