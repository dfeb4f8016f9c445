//! VGG16 (Simonyan and Zisserman, "Very deep convolutional networks", 2015, configuration D) with global max pooling
//! and a small top, as it is fine-tuned on small sets of photographs.

use super::Architecture;
use crate::layer::{Activation, Conv2d, Dense, Dropout, Flatten, GlobalMaxPool, MaxPool2d};
use crate::network::NamedLayer;
use crate::{Loss, Optimizer, Shape};

/// Filters and convolutions of each block.
const BLOCKS: [(usize, usize); 5] = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "vgg16",
    summary: "thirteen convolutions (VGG16) with a small top; large, for fine-tuning",
    source: "Simonyan and Zisserman, 2015, configuration D; 128×128 colour, four classes",
    input: Shape::image(128, 128, 3),
    classes: 4,
    loss: |_| Loss::CrossEntropy,
    optimizer: || Optimizer::sgd(1e-4),
    batch_size: 32,
    epochs: 100,
    layers: |_, classes, _| {
        let mut layers = convolutions();
        layers.push(GlobalMaxPool::default().into());
        layers.push(Dense::new(128, Activation::Relu).into());
        layers.push(Dropout { rate: 0.5 }.into());
        layers.push(Dense::new(classes, Activation::Softmax).into());
        layers
    },
    base_layers: Some(13 + 5 + 1),
    has_width: false,
};

pub(super) const FULL: Architecture = Architecture {
    name: "vgg16-full",
    summary: "VGG16 as published, with its two dense layers of 4,096; very large",
    source: "Simonyan and Zisserman, 2015, configuration D; 224×224 colour, 1,000 classes",
    input: Shape::image(224, 224, 3),
    classes: 1000,
    layers: |_, classes, _| {
        let mut layers = convolutions();
        layers.push(Flatten {}.into());
        for _ in 0..2 {
            layers.push(Dense::new(4096, Activation::Relu).into());
            layers.push(Dropout { rate: 0.5 }.into());
        }
        layers.push(Dense::new(classes, Activation::Softmax).into());
        layers
    },
    base_layers: Some(13 + 5 + 1),
    ..ARCHITECTURE
};

/// Thirteen convolutions called `conv1_1` to `conv5_3`, a pooling behind each block.
fn convolutions() -> Vec<NamedLayer> {
    let mut layers = Vec::new();
    for (block, (filters, convolutions)) in BLOCKS.into_iter().enumerate() {
        for index in 0..convolutions {
            let conv = Conv2d::new(filters, 3).same().activation(Activation::Relu);
            layers.push(NamedLayer::new(format!("conv{}_{}", block + 1, index + 1), conv));
        }
        layers.push(MaxPool2d::new(2).into());
    }
    layers
}
