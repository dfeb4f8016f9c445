//! The layers as plain loops in f64, for networks that no golden was made of. Written to be read, not to be fast; held
//! against the goldens itself.

use candor_engine::layer::{Activation, AvgPool2d, Conv2d, Layer, MaxPool2d, Padding};
use candor_engine::{Loss, Network, NetworkNode, Pair, Shape};

/// The parameters as the reference takes them: by name.
pub trait Weights {
    /// The values of `name`, `None` when the layer has no such parameter.
    fn get(&self, name: &str) -> Option<&[f64]>;
}

/// The output of `network` for one sample, height × width × channels innermost.
pub fn forward(network: &Network, weights: &impl Weights, input: &[f64]) -> Vec<f64> {
    network.nodes().iter().fold(input.to_vec(), |x, node| layer(node, weights, &x))
}

/// The loss of one sample's output.
pub fn loss(loss: Loss, output: &[f64], target: usize) -> f64 {
    let truth = |unit: usize| match output.len() {
        1 => target as f64,
        _ => f64::from(u8::from(unit == target)),
    };
    let units = output.iter().enumerate();
    let mean = |sum: f64| sum / output.len() as f64;
    match loss {
        Loss::CrossEntropy => -output[target].ln(),
        Loss::BinaryCrossEntropy => {
            let of_unit =
                |(unit, p): (usize, &f64)| truth(unit) * p.ln() + (1.0 - truth(unit)) * (1.0 - p).ln();
            -mean(units.map(of_unit).sum())
        }
        Loss::MeanSquaredError => mean(units.map(|(unit, p)| (p - truth(unit)).powi(2)).sum()),
    }
}

fn layer(node: &NetworkNode, weights: &impl Weights, x: &[f64]) -> Vec<f64> {
    let parameter = |which: &str| weights.get(&format!("{}.{which}", node.name));
    match &node.layer {
        Layer::Conv2d(conv) => {
            let y = convolution(conv, node, parameter("weight").expect("a weight"), parameter("bias"), x);
            activate(conv.activation, y)
        }
        Layer::Dense(dense) => {
            let y = matrix(dense.units, parameter("weight").expect("a weight"), parameter("bias"), x);
            activate(dense.activation, y)
        }
        Layer::MaxPool2d(MaxPool2d { size, padding, .. })
        | Layer::AvgPool2d(AvgPool2d { size, padding, .. }) => {
            let stride = match &node.layer {
                Layer::MaxPool2d(pool) => pool.stride(),
                Layer::AvgPool2d(pool) => pool.stride(),
                _ => unreachable!("the outer match took the two poolings"),
            };
            pool(node, *size, stride, *padding, x)
        }
        Layer::GlobalMaxPool(_) => per_channel(node, x, largest),
        Layer::GlobalAvgPool(_) => per_channel(node, x, mean),
        Layer::Flatten(_) => flatten(node, x),
        Layer::Dropout(_) => x.to_vec(),
        Layer::Activation(activation) => activate(activation.function, x.to_vec()),
    }
}

fn sides(shape: Shape) -> [usize; 3] {
    match shape {
        Shape::Image { height, width, channels } => [height, width, channels],
        Shape::Features(count) => [1, 1, count],
    }
}

/// Where a window's `tap` lies when the window is the `output`-th, `None` beyond the border.
fn position(
    size: usize,
    kernel: usize,
    stride: usize,
    padding: Padding,
    output: usize,
    tap: usize,
) -> Option<usize> {
    let before = match padding {
        Padding::Valid => 0,
        Padding::Same => ((size.div_ceil(stride) - 1) * stride + kernel).saturating_sub(size) / 2,
    };
    (output * stride + tap).checked_sub(before).filter(|&at| at < size)
}

/// The places inside the picture that the window at (row, column) sees, as (tap's row, tap's column, offset of pixel).
fn window(
    node: &NetworkNode,
    (size, stride, padding): (Pair, Pair, Padding),
    row: usize,
    column: usize,
) -> impl Iterator<Item = (usize, usize, usize)> {
    let [height, width, channels] = sides(node.input);
    let taps = (0..size.rows).flat_map(move |u| (0..size.columns).map(move |v| (u, v)));
    taps.filter_map(move |(u, v)| {
        let y = position(height, size.rows, stride.rows, padding, row, u)?;
        let x = position(width, size.columns, stride.columns, padding, column, v)?;
        Some((u, v, (y * width + x) * channels))
    })
}

fn convolution(
    conv: &Conv2d,
    node: &NetworkNode,
    weight: &[f64],
    bias: Option<&[f64]>,
    x: &[f64],
) -> Vec<f64> {
    let ([rows, columns, filters], [_, _, channels]) = (sides(node.output), sides(node.input));
    let (inputs, outputs) = (channels / conv.groups, filters / conv.groups);
    let mut y = Vec::with_capacity(rows * columns * filters);
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        for filter in 0..filters {
            let mut sum = bias.map_or(0.0, |bias| bias[filter]);
            for (u, v, pixel) in window(node, (conv.kernel, conv.stride, conv.padding), row, column) {
                for input in 0..inputs {
                    let tap = ((filter * inputs + input) * conv.kernel.rows + u) * conv.kernel.columns + v;
                    sum += weight[tap] * x[pixel + filter / outputs * inputs + input];
                }
            }
            y.push(sum);
        }
    }
    y
}

fn pool(node: &NetworkNode, size: Pair, stride: Pair, padding: Padding, x: &[f64]) -> Vec<f64> {
    let [rows, columns, channels] = sides(node.output);
    let summary = if matches!(node.layer, Layer::MaxPool2d(_)) { largest } else { mean };
    let mut y = Vec::with_capacity(rows * columns * channels);
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let pixels: Vec<usize> =
            window(node, (size, stride, padding), row, column).map(|(.., at)| at).collect();
        y.extend((0..channels).map(|channel| summary(&mut pixels.iter().map(|at| x[at + channel]))));
    }
    y
}

fn per_channel(node: &NetworkNode, x: &[f64], summary: fn(&mut dyn Iterator<Item = f64>) -> f64) -> Vec<f64> {
    let [_, _, channels] = sides(node.input);
    (0..channels).map(|channel| summary(&mut x.iter().skip(channel).step_by(channels).copied())).collect()
}

fn largest(values: &mut dyn Iterator<Item = f64>) -> f64 {
    values.fold(f64::NEG_INFINITY, f64::max)
}

fn mean(values: &mut dyn Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

fn flatten(node: &NetworkNode, x: &[f64]) -> Vec<f64> {
    let [_, _, channels] = sides(node.input);
    (0..channels).flat_map(|channel| x.iter().skip(channel).step_by(channels).copied()).collect()
}

fn matrix(units: usize, weight: &[f64], bias: Option<&[f64]>, x: &[f64]) -> Vec<f64> {
    let row =
        |unit: usize| weight[unit * x.len()..][..x.len()].iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
    (0..units).map(|unit| bias.map_or(0.0, |bias| bias[unit]) + row(unit)).collect()
}

fn activate(function: Activation, mut x: Vec<f64>) -> Vec<f64> {
    let each: fn(f64) -> f64 = match function {
        Activation::Linear => |x| x,
        Activation::Relu => |x| x.max(0.0),
        Activation::Tanh => f64::tanh,
        Activation::Sigmoid => |x| 1.0 / (1.0 + (-x).exp()),
        Activation::Softmax => return softmax(&x),
    };
    x.iter_mut().for_each(|value| *value = each(*value));
    x
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = x.iter().map(|value| (value - top).exp()).sum();
    x.iter().map(|value| (value - top).exp() / sum).collect()
}
