//! Residual networks for small pictures (He, Zhang, Ren and Sun, "Deep residual learning for image recognition", 2016,
//! section 4.2): three stages of 16, 32 and 64 filters, each of n blocks of two convolutions, 6n + 2 layers deep.
//!
//! Where a stage halves the picture, the way around the block is a 1×1 convolution (the paper's option B).

use super::Architecture;
use crate::layer::{Activation, ActivationLayer, Add, BatchNorm, Conv2d, Dense, GlobalAvgPool, Layer};
use crate::network::NamedLayer;
use crate::{Loss, Optimizer, Pair, Shape};

pub(super) const RESNET8: Architecture = Architecture {
    name: "resnet8",
    summary: "eight layers with shortcuts around pairs of convolutions (a small ResNet)",
    source: "He, Zhang, Ren and Sun, 2016, section 4.2, n = 1; 32×32 colour, ten classes",
    layers: |_, classes, _| residual(1, classes),
    ..RESNET20
};

pub(super) const RESNET20: Architecture = Architecture {
    name: "resnet20",
    summary: "twenty layers with shortcuts around pairs of convolutions (ResNet-20)",
    source: "He, Zhang, Ren and Sun, 2016, section 4.2, n = 3; 32×32 colour, ten classes",
    input: Shape::image(32, 32, 3),
    classes: 10,
    loss: |_| Loss::CrossEntropy,
    optimizer: || Optimizer::adam(1e-3),
    batch_size: 128,
    epochs: 30,
    layers: |_, classes, _| residual(3, classes),
    base_layers: None,
    has_width: false,
};

fn residual(blocks: usize, classes: usize) -> Vec<NamedLayer> {
    let mut layers = vec![convolution("conv1", 16, 3, 1), norm("norm1"), relu("relu1")];
    let mut from = "relu1".to_owned();
    for (stage, filters) in [16, 32, 64].into_iter().enumerate() {
        for block in 0..blocks {
            let name = format!("stage{}_{}", stage + 1, block + 1);
            let stride = if stage > 0 && block == 0 { 2 } else { 1 };
            from = push_block(&mut layers, &name, &from, (filters, stride));
        }
    }
    layers.push(Layer::from(GlobalAvgPool::default()).into());
    layers.push(Layer::from(Dense::new(classes, Activation::Softmax)).into());
    layers
}

/// Appends a block that reads the layer `from`, and gives the name of its last layer.
fn push_block(
    layers: &mut Vec<NamedLayer>,
    name: &str,
    from: &str,
    (filters, stride): (usize, usize),
) -> String {
    let named = |part: &str| format!("{name}_{part}");
    let mut around = from.to_owned();
    layers.extend([
        convolution(&named("conv1"), filters, 3, stride).reading([from]),
        norm(&named("norm1")),
        relu(&named("relu1")),
        convolution(&named("conv2"), filters, 3, 1),
        norm(&named("norm2")),
    ]);
    if stride > 1 {
        around = named("shortcut_norm");
        layers.push(convolution(&named("shortcut"), filters, 1, stride).reading([from]));
        layers.push(norm(&around));
    }
    layers.push(NamedLayer::new(named("sum"), Add {}).reading([named("norm2"), around]));
    layers.push(relu(&named("relu2")));
    named("relu2")
}

/// Without a bias, which the normalisation behind it would take out again.
fn convolution(name: &str, filters: usize, side: usize, stride: usize) -> NamedLayer {
    let conv = Conv2d { stride: Pair::square(stride), bias: false, ..Conv2d::new(filters, side).same() };
    NamedLayer::new(name, conv)
}

fn norm(name: &str) -> NamedLayer {
    NamedLayer::new(name, BatchNorm::default())
}

fn relu(name: &str) -> NamedLayer {
    NamedLayer::new(name, ActivationLayer { function: Activation::Relu })
}
