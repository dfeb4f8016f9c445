//! A network by the book: plain loops in double precision over channels × height × width, one sample at a time.
//!
//! Shares nothing with the executor but the layers' settings.

use crate::layer::{Activation, Conv2d, Layer, Padding};
use crate::{Network, NetworkNode, Pair, Parameters, Shape};

/// The parameters in double precision, as the reference takes them.
pub(super) fn in_double_precision(parameters: &Parameters) -> Vec<Vec<f64>> {
    parameters
        .tensors()
        .iter()
        .map(|tensor| tensor.values.iter().map(|&value| value.into()).collect())
        .collect()
}

/// The network's output for one sample of height × width × channels values.
pub(super) fn forward(network: &Network, parameters: &[Vec<f64>], input: &[f64]) -> Vec<f64> {
    let mut values = match network.input() {
        Shape::Image { channels, .. } => {
            let pixels = input.len() / channels;
            (0..input.len()).map(|i| input[i % pixels * channels + i / pixels]).collect()
        }
        Shape::Features(_) => input.to_vec(),
    };
    let mut rest = parameters;
    for node in network.nodes() {
        let (own, others) = rest.split_at(node.parameters().len());
        values = layer(node, own, &values);
        rest = others;
    }
    values
}

fn layer(node: &NetworkNode, parameters: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
    match &node.layer {
        Layer::Conv2d(conv) => activate(conv.activation, convolve(conv, node, parameters, x)),
        Layer::MaxPool2d(pool) => pooled(node, (pool.size, pool.stride(), pool.padding), x, largest),
        Layer::AvgPool2d(pool) => pooled(node, (pool.size, pool.stride(), pool.padding), x, mean),
        Layer::GlobalMaxPool(_) => x.chunks(x.len() / node.output.len()).map(largest).collect(),
        Layer::GlobalAvgPool(_) => x.chunks(x.len() / node.output.len()).map(mean).collect(),
        Layer::Flatten(_) | Layer::Dropout(_) => x.to_vec(),
        Layer::Activation(layer) => activate(layer.function, x.to_vec()),
        Layer::Dense(dense) => {
            let row = |(unit, weights): (usize, &[f64])| {
                let bias = parameters.get(1).map_or(0.0, |bias| bias[unit]);
                bias + weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>()
            };
            activate(dense.activation, parameters[0].chunks(x.len()).enumerate().map(row).collect())
        }
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn activate(function: Activation, mut values: Vec<f64>) -> Vec<f64> {
    match function {
        Activation::Linear => {}
        Activation::Relu => values.iter_mut().for_each(|v| *v = v.max(0.0)),
        Activation::Tanh => values.iter_mut().for_each(|v| *v = v.tanh()),
        Activation::Sigmoid => values.iter_mut().for_each(|v| *v = 1.0 / (1.0 + (-*v).exp())),
        Activation::Softmax => {
            let sum: f64 = values.iter().map(|v| v.exp()).sum();
            values.iter_mut().for_each(|v| *v = v.exp() / sum);
        }
    }
    values
}

/// Padding before the first row or column: TensorFlow's rule, written down once more.
fn pad_before(size: usize, outputs: usize, kernel: usize, stride: usize, padding: Padding) -> isize {
    match padding {
        Padding::Valid => 0,
        Padding::Same => (((outputs - 1) * stride + kernel) as isize - size as isize).max(0) / 2,
    }
}

fn sides(shape: Shape) -> (usize, usize, usize) {
    match shape {
        Shape::Image { height, width, channels } => (height, width, channels),
        Shape::Features(_) => panic!("a layer on images has images on both sides"),
    }
}

/// For each output position the input positions in its window that lie inside the picture, with their place in it.
fn window(
    node: &NetworkNode,
    kernel: Pair,
    stride: Pair,
    padding: Padding,
    y: usize,
    x: usize,
) -> Vec<(usize, usize)> {
    let ((height, width, _), (rows, columns, _)) = (sides(node.input), sides(node.output));
    let top = pad_before(height, rows, kernel.rows, stride.rows, padding);
    let left = pad_before(width, columns, kernel.columns, stride.columns, padding);
    let places = (0..kernel.rows * kernel.columns).filter_map(|place| {
        let row = (y * stride.rows + place / kernel.columns) as isize - top;
        let column = (x * stride.columns + place % kernel.columns) as isize - left;
        let inside = (0..height as isize).contains(&row) && (0..width as isize).contains(&column);
        inside.then(|| (place, row as usize * width + column as usize))
    });
    places.collect()
}

fn convolve(conv: &Conv2d, node: &NetworkNode, parameters: &[Vec<f64>], x: &[f64]) -> Vec<f64> {
    let ((height, width, channels), (rows, columns, filters)) = (sides(node.input), sides(node.output));
    let (taps, each) = (conv.kernel.rows * conv.kernel.columns, channels / conv.groups);
    let mut out = Vec::new();
    for filter in 0..filters {
        let first = filter / (filters / conv.groups) * each;
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let mut sum = if conv.bias { parameters[1][filter] } else { 0.0 };
            for (place, at) in window(node, conv.kernel, conv.stride, conv.padding, row, column) {
                for channel in 0..each {
                    let weight = parameters[0][(filter * each + channel) * taps + place];
                    sum += weight * x[(first + channel) * height * width + at];
                }
            }
            out.push(sum);
        }
    }
    out
}

fn pooled(
    node: &NetworkNode,
    (size, stride, padding): (Pair, Pair, Padding),
    x: &[f64],
    of: fn(&[f64]) -> f64,
) -> Vec<f64> {
    let ((height, width, channels), (rows, columns, _)) = (sides(node.input), sides(node.output));
    let mut out = Vec::new();
    for channel in 0..channels {
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let inside = window(node, size, stride, padding, row, column);
            let values: Vec<f64> = inside.iter().map(|(_, at)| x[channel * height * width + at]).collect();
            out.push(of(&values));
        }
    }
    out
}
