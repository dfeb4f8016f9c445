//! Learning with operands rounded to bf16, against plain loops in f64 over rounded operands.
//!
//! What a layer computes is written down as a list of its products; forward and both gradients walk over the same list.

use candor_engine::layer::{Activation, Conv2d, Dense, Flatten, Layer, MaxPool2d};
use candor_engine::{
    Batch, Inputs, Loss, NamedLayer, Network, Pair, Parameters, Precision, Shape, Trainer, TrainingConfig,
};

use crate::formula;

const SAMPLES: usize = 3;
const CLASSES: usize = 5;

/// One convolution or dense layer, with what is pooled behind it.
struct Products {
    /// An output, an input and a weight, for each product.
    all: Vec<[usize; 3]>,
    /// Outputs of each channel before the pooling.
    per_channel: usize,
    outputs: usize,
    /// Columns before the pooling, where there is one of 2×2 pixels behind a ReLU.
    pooled: Option<usize>,
    /// Whether nothing is rounded.
    exact: bool,
}

/// A picture: channels, rows, columns; channel by channel, as a vector has it.
type Size = [usize; 3];

impl Products {
    fn of_convolution(conv: &Conv2d, padding: usize, [channels, rows, columns]: Size) -> (Products, Size) {
        let along = |size: usize, kernel: usize, stride: usize| (size + 2 * padding - kernel) / stride + 1;
        let down = along(rows, conv.kernel.rows, conv.stride.rows);
        let across = along(columns, conv.kernel.columns, conv.stride.columns);
        let mut all = Vec::new();
        for output in 0..conv.filters * down * across {
            let (filter, y, x) = (output / (down * across), output / across % down, output % across);
            for tap in 0..channels * conv.kernel.rows * conv.kernel.columns {
                let (u, v) = (tap / conv.kernel.columns % conv.kernel.rows, tap % conv.kernel.columns);
                let channel = tap / (conv.kernel.rows * conv.kernel.columns);
                let row = (y * conv.stride.rows + u).checked_sub(padding).filter(|row| *row < rows);
                let column = (x * conv.stride.columns + v).checked_sub(padding).filter(|at| *at < columns);
                if let (Some(row), Some(column)) = (row, column) {
                    let weights = channels * conv.kernel.rows * conv.kernel.columns;
                    all.push([output, (channel * rows + row) * columns + column, filter * weights + tap]);
                }
            }
        }
        let (per_channel, outputs) = (down * across, conv.filters * down * across);
        let exact = matches!(channels, 1 | 3);
        (Products { all, per_channel, outputs, pooled: None, exact }, [conv.filters, down, across])
    }

    fn of_dense(units: usize, inputs: usize) -> Products {
        let pairs = (0..units).flat_map(|unit| (0..inputs).map(move |input| (unit, input)));
        let all = pairs.map(|(unit, input)| [unit, input, unit * inputs + input]).collect();
        Products { all, per_channel: 1, outputs: units, pooled: None, exact: false }
    }

    /// Where each value behind the pooling comes from; none where a ReLU made it zero.
    fn sources(&self, before: &[f64]) -> Vec<Option<usize>> {
        let Some(columns) = self.pooled else { return (0..self.outputs).map(Some).collect() };
        let rows = self.per_channel / columns;
        let window = |channel: usize, y: usize, x: usize| {
            let first = channel * self.per_channel + 2 * y * columns + 2 * x;
            let pixels = [first, first + 1, first + columns, first + columns + 1];
            let largest = pixels.into_iter().max_by(|&a, &b| before[a].total_cmp(&before[b]));
            largest.filter(|&at| before[at] > 0.0)
        };
        let channels = 0..self.outputs / self.per_channel;
        channels
            .flat_map(|channel| {
                (0..rows / 2).flat_map(move |y| (0..columns / 2).map(move |x| window(channel, y, x)))
            })
            .collect()
    }
}

/// The upper 16 bits of an `f32`, rounded to nearest even by comparing distances.
fn to_bf16(value: f64) -> f64 {
    let bits = (value as f32).to_bits();
    let of_bits = |bits: u32| f64::from(f32::from_bits(bits));
    let (down, up) = (bits & 0xffff_0000, (bits & 0xffff_0000) + 0x1_0000);
    let (below, above) = ((of_bits(bits) - of_bits(down)).abs(), (of_bits(up) - of_bits(bits)).abs());
    let is_down = below < above || (below == above && down & 0x1_0000 == 0);
    of_bits(if is_down { down } else { up })
}

/// The gradients of the mean squared error of a batch: weight and bias of each layer.
fn by_the_book(
    layers: &[Products],
    parameters: &[Vec<f64>],
    samples: &[Vec<f64>],
    targets: &[usize],
    round: fn(f64) -> f64,
) -> Vec<Vec<f64>> {
    let mut gradients: Vec<Vec<f64>> = parameters.iter().map(|tensor| vec![0.0; tensor.len()]).collect();
    for (sample, &target) in samples.iter().zip(targets) {
        let mut values = vec![sample.clone()];
        let mut all_sources = Vec::new();
        for (layer, tensors) in layers.iter().zip(parameters.chunks_exact(2)) {
            let r = |value| if layer.exact { value } else { round(value) };
            let bias = |output: usize| tensors[1][output / layer.per_channel];
            let mut before: Vec<f64> = (0..layer.outputs).map(bias).collect();
            let x = values.last().expect("the input is there");
            layer.all.iter().for_each(|&[o, i, w]| before[o] += r(tensors[0][w]) * r(x[i]));
            let sources = layer.sources(&before);
            values.push(sources.iter().map(|source| source.map_or(0.0, |at| before[at])).collect());
            all_sources.push(sources);
        }
        let output = values.pop().expect("the output is there");
        let scale = 2.0 / (output.len() * samples.len()) as f64;
        let mut behind: Vec<f64> = (0..output.len())
            .map(|unit| scale * (output[unit] - f64::from(u8::from(unit == target))))
            .collect();
        for (index, layer) in layers.iter().enumerate().rev() {
            let r = |value| if layer.exact { value } else { round(value) };
            let mut gradient = vec![0.0; layer.outputs];
            for (source, value) in all_sources[index].iter().zip(&behind) {
                source.iter().for_each(|&at| gradient[at] = *value);
            }
            for (output, value) in gradient.iter().enumerate() {
                gradients[2 * index + 1][output / layer.per_channel] += value;
            }
            let x = &values[index];
            behind = vec![0.0; x.len()];
            for &[o, i, w] in &layer.all {
                gradients[2 * index][w] += r(gradient[o]) * r(x[i]);
                behind[i] += r(gradient[o]) * r(parameters[2 * index][w]);
            }
        }
    }
    gradients
}

/// A network of two convolutions and a dense layer, as a network and by the book.
fn case(channels: usize, conv: Conv2d, padding: usize, pooled: bool) -> (Network, Vec<Products>) {
    let size = [channels, 7, 9];
    let first = Conv2d::new(20, 3).same();
    let (book_of_first, inside) = Products::of_convolution(&first, 1, size);
    let (mut book_of_second, end) = Products::of_convolution(&conv, padding, inside);
    let mut inputs = end.iter().product();
    let mut layers: Vec<NamedLayer> = vec![Layer::from(first).into()];
    if pooled {
        book_of_second.pooled = Some(end[2]);
        inputs = end[0] * (end[1] / 2) * (end[2] / 2);
        layers.push(Layer::from(conv.activation(Activation::Relu)).into());
        layers.push(Layer::from(MaxPool2d::new(2)).into());
    } else {
        layers.push(Layer::from(conv).into());
    }
    layers.push(Layer::from(Flatten::default()).into());
    layers.push(Layer::from(Dense::new(CLASSES, Activation::Linear)).into());
    let network = Network::new(Shape::image(size[1], size[2], channels), layers).expect("the layers fit");
    (network, vec![book_of_first, book_of_second, Products::of_dense(CLASSES, inputs)])
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn gradients_are_those_of_rounded_operands() {
    let strided = Conv2d { stride: Pair { rows: 2, columns: 2 }, ..Conv2d::new(33, 3) };
    let cases = [
        ("inside", case(18, Conv2d::new(33, 3).same(), 1, false)),
        ("stride", case(16, strided, 0, false)),
        ("pointwise", case(33, Conv2d::new(16, 1), 0, false)),
        ("pooled", case(18, Conv2d::new(33, 3).same(), 1, true)),
        ("pixels", case(3, Conv2d::new(33, 3).same(), 1, false)),
    ];
    for (name, (network, book)) in cases {
        let config = TrainingConfig {
            loss: Loss::MeanSquaredError,
            precision: Precision::Bf16,
            batch_size: SAMPLES,
            threads: 2,
            ..TrainingConfig::default()
        };
        let parameters = Parameters::initial(&network, 4);
        let mut trainer = Trainer::new(&network, parameters.clone(), &config).expect("the settings are good");
        let [rows, columns, channels] = [7, 9, network.input().len() / 63];
        let values = formula::uniform(name, SAMPLES * network.input().len(), 1.0);
        let targets = formula::below(name, SAMPLES, CLASSES);
        let batch = Batch { inputs: Inputs::Floats(&values), targets: &targets };
        let (_, got) = trainer.gradients(batch);

        let channel_by_channel = |sample: &[f32]| -> Vec<f64> {
            let pixels = 0..rows * columns;
            let value = |channel: usize, pixel: usize| f64::from(sample[pixel * channels + channel]);
            (0..channels).flat_map(|c| pixels.clone().map(move |p| value(c, p))).collect()
        };
        let samples: Vec<Vec<f64>> =
            values.chunks_exact(network.input().len()).map(channel_by_channel).collect();
        let tensors = parameters.tensors().iter();
        let tensors: Vec<Vec<f64>> =
            tensors.map(|tensor| tensor.values.iter().map(|&value| f64::from(value)).collect()).collect();
        let [rounded, exact] = [to_bf16 as fn(f64) -> f64, |value| value]
            .map(|round| by_the_book(&book, &tensors, &samples, &targets, round));
        for ((got, rounded), exact) in got.tensors().iter().zip(&rounded).zip(&exact) {
            let values: Vec<f64> = got.values.iter().map(|&value| f64::from(value)).collect();
            let (off, by_rounding) = (distance(&values, rounded), distance(exact, rounded));
            assert!(
                off < 0.1 * by_rounding,
                "{name}, {}: {off:.3e} off, where rounding makes a difference of {by_rounding:.3e}",
                got.name
            );
        }
    }
}
