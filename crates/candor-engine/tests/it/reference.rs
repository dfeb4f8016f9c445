//! The layers as plain loops in f64, for networks that no golden was made of. Written to be read, not to be fast; held
//! against the goldens itself.

use candor_engine::layer::{
    Activation, AvgPool2d, BatchNorm, Conv2d, LEAKY_SLOPE, Layer, MaxPool2d, Padding,
};
use candor_engine::{Loss, Network, NetworkNode, Pair, Shape, Source};

/// The parameters as the reference takes them: by name.
pub trait Weights {
    /// The values of `name`, `None` when the layer has no such parameter.
    fn get(&self, name: &str) -> Option<&[f64]>;
}

/// What batch norms normalise with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// Mean and variance of the batch, as while learning.
    Batch,
    /// The running means.
    Running,
}

/// The output of `network` for one sample, height × width × channels innermost; batch norms use their running means.
pub fn forward(network: &Network, weights: &impl Weights, input: &[f64]) -> Vec<f64> {
    forward_batch(network, weights, &[input.to_vec()], Statistics::Running).remove(0)
}

/// The outputs of `network` for a batch of samples.
pub fn forward_batch(
    network: &Network,
    weights: &impl Weights,
    inputs: &[Vec<f64>],
    statistics: Statistics,
) -> Vec<Vec<f64>> {
    let mut outputs: Vec<Vec<Vec<f64>>> = Vec::new();
    for node in network.nodes() {
        let read = |source: &Source| match source {
            Source::Input => inputs,
            Source::Layer(index) => &outputs[*index][..],
        };
        let sources: Vec<&[Vec<f64>]> = node.inputs.iter().map(read).collect();
        let output = match &node.layer {
            Layer::BatchNorm(config) => batch_norm(config, node, weights, sources[0], statistics),
            Layer::Add(_) | Layer::Concat(_) | Layer::Multiply(_) => {
                let of_sample = |sample: usize| {
                    let parts: Vec<&[f64]> = sources.iter().map(|source| &source[sample][..]).collect();
                    join(node, network, &parts)
                };
                (0..inputs.len()).map(of_sample).collect()
            }
            _ => sources[0].iter().map(|x| layer(node, weights, x)).collect(),
        };
        outputs.push(output);
    }
    outputs.pop().expect("a network has layers")
}

fn batch_norm(
    config: &BatchNorm,
    node: &NetworkNode,
    weights: &impl Weights,
    x: &[Vec<f64>],
    statistics: Statistics,
) -> Vec<Vec<f64>> {
    let [_, _, channels] = sides(node.input);
    let tensor = |which: &str| weights.get(&format!("{}.{which}", node.name)).expect("it is there");
    let mut y = x.to_vec();
    for channel in 0..channels {
        let values =
            || x.iter().flat_map(move |sample| sample.iter().skip(channel).step_by(channels).copied());
        let (mean, variance) = match statistics {
            Statistics::Running => (tensor("running_mean")[channel], tensor("running_var")[channel]),
            Statistics::Batch => {
                let mean = mean(&mut values());
                (mean, self::mean(&mut values().map(|value| (value - mean).powi(2))))
            }
        };
        let scale = tensor("weight")[channel] / (variance + f64::from(config.epsilon)).sqrt();
        for value in y.iter_mut().flat_map(|sample| sample.iter_mut().skip(channel).step_by(channels)) {
            *value = (*value - mean) * scale + tensor("bias")[channel];
        }
    }
    y
}

fn join(node: &NetworkNode, network: &Network, parts: &[&[f64]]) -> Vec<f64> {
    let channels = |which: usize| sides(network.shape_of(node.inputs[which]))[2];
    match node.layer {
        Layer::Add(_) => (0..parts[0].len()).map(|at| parts.iter().map(|part| part[at]).sum()).collect(),
        Layer::Concat(_) => {
            let pixels = parts[0].len() / channels(0);
            let of_pixel = |pixel: usize| {
                let values = |which: usize| &parts[which][pixel * channels(which)..][..channels(which)];
                (0..parts.len()).flat_map(values).copied().collect::<Vec<f64>>()
            };
            (0..pixels).flat_map(of_pixel).collect()
        }
        Layer::Multiply(_) => {
            (0..parts[0].len()).map(|at| parts[0][at] * parts[1][at % parts[1].len()]).collect()
        }
        _ => unreachable!("only these join"),
    }
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
        Loss::Focal => {
            let p = match output {
                [p] if target == 0 => 1.0 - p,
                [p] => *p,
                _ => output[target],
            };
            -(1.0 - p).powi(2) * p.ln()
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
        Layer::ZeroPad2d(pad) => {
            resized(node, x, |y, x| Some((y.checked_sub(pad.top)?, x.checked_sub(pad.left)?)))
        }
        Layer::Upsample2d(up) => resized(node, x, |y, x| Some((y / up.factor.rows, x / up.factor.columns))),
        Layer::BatchNorm(_) | Layer::Add(_) | Layer::Concat(_) | Layer::Multiply(_) => {
            unreachable!("they see more than one sample or input")
        }
    }
}

/// A picture whose pixels are those of the input at the place that `source` tells, or zero.
fn resized(
    node: &NetworkNode,
    x: &[f64],
    source: impl Fn(usize, usize) -> Option<(usize, usize)>,
) -> Vec<f64> {
    let ([height, width, channels], [rows, columns, _]) = (sides(node.input), sides(node.output));
    let mut y = vec![0.0; rows * columns * channels];
    for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
        let Some((from_row, from_column)) = source(row, column).filter(|&(r, c)| r < height && c < width)
        else {
            continue;
        };
        let (to, from) = ((row * columns + column) * channels, (from_row * width + from_column) * channels);
        y[to..to + channels].copy_from_slice(&x[from..from + channels]);
    }
    y
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
        Activation::LeakyRelu => |x| if x > 0.0 { x } else { f64::from(LEAKY_SLOPE) * x },
        Activation::Relu6 => |x| x.clamp(0.0, 6.0),
        Activation::Silu => |x| x / (1.0 + (-x).exp()),
        Activation::HardSwish => |x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::Gelu => |x| 0.5 * x * libm::erfc(-x / std::f64::consts::SQRT_2),
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
