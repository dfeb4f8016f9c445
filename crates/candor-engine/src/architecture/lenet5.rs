//! The network that read handwritten cheques.

use super::Architecture;
use crate::layer::{Activation, AvgPool2d, Conv2d, Dense, Flatten, Layer};
use crate::{Loss, Optimizer, Shape};

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "lenet5",
    summary: "two convolutions and three dense layers, tanh throughout (LeNet-5)",
    source: "LeCun, Bottou, Bengio and Haffner, 1998, figure 2, fully connected; 28×28, digits",
    input: Shape::image(28, 28, 1),
    classes: 10,
    loss: |_| Loss::CrossEntropy,
    optimizer: || Optimizer::adam(1e-3),
    batch_size: 128,
    epochs: 10,
    layers: |_, classes, _| {
        let layers: [Layer; 8] = [
            Conv2d::new(6, 5).same().activation(Activation::Tanh).into(),
            AvgPool2d::new(2).into(),
            Conv2d::new(16, 5).activation(Activation::Tanh).into(),
            AvgPool2d::new(2).into(),
            Flatten {}.into(),
            Dense::new(120, Activation::Tanh).into(),
            Dense::new(84, Activation::Tanh).into(),
            Dense::new(classes, Activation::Softmax).into(),
        ];
        layers.map(Into::into).into()
    },
    base_layers: None,
    has_width: false,
};
