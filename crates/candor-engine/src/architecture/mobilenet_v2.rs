//! MobileNetV2 (Sandler et al., "Inverted residuals and linear bottlenecks", 2018, table 2).

use super::Architecture;
use crate::layer::{
    Activation, ActivationLayer, Add, BatchNorm, Conv2d, Dense, Dropout, GlobalAvgPool, Layer,
};
use crate::network::NamedLayer;
use crate::{Loss, Optimizer, Pair, Shape};

/// Expansion, channels, blocks and the first block's stride, a row of the paper's table 2 each.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

pub(super) const ARCHITECTURE: Architecture = Architecture {
    name: "mobilenet-v2",
    summary: "inverted residuals of depthwise convolutions (MobileNetV2), of any width",
    source: "Sandler et al., 2018, table 2; 224×224 colour, 1,000 classes",
    input: Shape::image(224, 224, 3),
    classes: 1000,
    loss: |_| Loss::CrossEntropy,
    optimizer: || Optimizer::adam(1e-3),
    batch_size: 32,
    epochs: 30,
    layers,
    base_layers: None,
    has_width: true,
};

fn layers(_input: Shape, classes: usize, width: f32) -> Vec<NamedLayer> {
    let mut channels = scaled(32, width);
    let mut layers = Vec::new();
    push_convolution(&mut layers, "conv1", Conv2d { stride: Pair::square(2), ..Conv2d::new(channels, 3) });
    let mut from = "conv1_relu".to_owned();
    for (stage, (expansion, filters, blocks, first_stride)) in STAGES.into_iter().enumerate() {
        let filters = scaled(filters, width);
        for block in 0..blocks {
            let name = format!("block{}_{}", stage + 1, block + 1);
            let stride = if block == 0 { first_stride } else { 1 };
            from = push_block(&mut layers, &name, &from, (channels, expansion, filters, stride));
            channels = filters;
        }
    }
    // The last convolution is never narrower than in the paper.
    push_convolution(&mut layers, "conv2", Conv2d::new(scaled(1280, width.max(1.0)), 1));
    layers.push(Layer::from(GlobalAvgPool::default()).into());
    layers.push(Layer::from(Dropout { rate: 0.2 }).into());
    layers.push(Layer::from(Dense::new(classes, Activation::Softmax)).into());
    layers
}

/// Appends an inverted residual that reads the layer `from`: wider by the expansion, filtered channel by channel,
/// narrowed without an activation, and added to its input where the shapes agree. Gives the name of its last layer.
fn push_block(
    layers: &mut Vec<NamedLayer>,
    name: &str,
    from: &str,
    (inputs, expansion, filters, stride): (usize, usize, usize, usize),
) -> String {
    let named = |part: &str| format!("{name}_{part}");
    let wide = inputs * expansion;
    if expansion > 1 {
        push_convolution(layers, &named("expand"), Conv2d::new(wide, 1));
    }
    let depthwise = Conv2d { groups: wide, stride: Pair::square(stride), ..Conv2d::new(wide, 3) };
    push_convolution(layers, &named("depthwise"), depthwise);
    push_linear(layers, &named("project"), Conv2d::new(filters, 1));
    let narrowed = named("project_norm");
    if stride > 1 || inputs != filters {
        return narrowed;
    }
    layers.push(NamedLayer::new(named("sum"), Add {}).reading([from, &narrowed]));
    named("sum")
}

fn push_convolution(layers: &mut Vec<NamedLayer>, name: &str, conv: Conv2d) {
    push_linear(layers, name, conv);
    let relu6 = ActivationLayer { function: Activation::Relu6 };
    layers.push(NamedLayer::new(format!("{name}_relu"), relu6));
}

fn push_linear(layers: &mut Vec<NamedLayer>, name: &str, conv: Conv2d) {
    layers.push(NamedLayer::new(name, Conv2d { bias: false, ..conv.same() }));
    layers.push(NamedLayer::new(format!("{name}_norm"), BatchNorm::default()));
}

/// A number of channels times the width, rounded to eights, and not down by more than a tenth.
fn scaled(channels: usize, width: f32) -> usize {
    let exact = channels as f32 * width;
    let rounded = ((exact / 8.0 + 0.5).floor() as usize * 8).max(8);
    if (rounded as f32) < 0.9 * exact { rounded + 8 } else { rounded }
}
