//! One check for every layer: outputs against the reference, gradients against finite differences of the reference.

use proptest::prelude::*;

use super::reference::{forward, in_double_precision};
use crate::layer::{
    Activation, ActivationLayer, AvgPool2d, Conv2d, Dense, Dropout, Flatten, GlobalAvgPool, GlobalMaxPool,
    KINDS, Layer, MaxPool2d, Padding,
};
use crate::random::Stream;
use crate::{
    Batch, Inputs, Loss, Network, Pair, Parameters, Predictor, Shape, Trainer, TrainingConfig, input_gradient,
};

/// Values that a finite difference is taken of, in each tensor.
const PROBES: usize = 10;

/// Runs a small batch through the network and holds outputs, loss and all gradients against the reference.
fn check(network: &Network, loss: Loss, samples: usize, seed: u64) -> Result<(), TestCaseError> {
    let stream = Stream::new(seed);
    let mut parameters = Parameters::initial(network, seed);
    for (index, tensor) in parameters.tensors_mut().iter_mut().enumerate() {
        // Biases start at zero; here they must not.
        let stream = stream.derive("bias").at(index as u64);
        let values = tensor.values.iter_mut().enumerate();
        values.for_each(|(i, value)| *value += 0.2 * (stream.unit(i as u64) - 0.5));
    }
    let len = network.input().len();
    let inputs: Vec<f32> = (0..samples * len).map(|i| stream.derive("input").unit(i as u64)).collect();
    let classes = network.output().len().max(2);
    let targets: Vec<usize> = (0..samples).map(|i| (i + seed as usize) % classes).collect();
    let batch = Batch { inputs: Inputs::Floats(&inputs), targets: &targets };

    let exact = in_double_precision(&parameters);
    let pixels: Vec<f64> = inputs.iter().map(|&value| value.into()).collect();
    let outputs = |parameters: &[Vec<f64>], pixels: &[f64]| -> Vec<f64> {
        pixels.chunks(len).flat_map(|sample| forward(network, parameters, sample)).collect()
    };
    let mean_loss = |parameters: &[Vec<f64>], pixels: &[f64]| -> f64 {
        let outputs = outputs(parameters, pixels);
        let rows = outputs.chunks(network.output().len()).zip(&targets);
        rows.map(|(row, &target)| reference_loss(loss, row, target)).sum::<f64>() / samples as f64
    };

    let expected = outputs(&exact, &pixels);
    let mut predicted = vec![0.0; expected.len()];
    let mut predictor = Predictor::new(network, &parameters, 2, 1).unwrap();
    predictor.predict(Inputs::Floats(&inputs), &mut predicted);
    close("output", &predicted, &expected, 1e-5)?;

    let config = TrainingConfig { loss, batch_size: samples, ..TrainingConfig::default() };
    let mut trainer = Trainer::new(network, parameters.clone(), &config).unwrap();
    let (outcome, gradients) = trainer.gradients(batch);
    let loss_expected = mean_loss(&exact, &pixels);
    prop_assert!(
        (f64::from(outcome.loss) - loss_expected).abs() < 1e-5 * loss_expected.max(1.0),
        "loss {outcome:?} {loss_expected}"
    );

    for (index, tensor) in gradients.tensors().iter().enumerate() {
        let probes = probes(&stream.derive(&tensor.name), tensor.values.len());
        let expected: Vec<f64> = probes
            .iter()
            .map(|&at| {
                slope(&exact, |exact, h| {
                    exact[index][at] += h;
                    mean_loss(exact, &pixels)
                })
            })
            .collect();
        let got: Vec<f32> = probes.iter().map(|&at| tensor.values[at]).collect();
        close(&tensor.name, &got, &expected, 2e-4)?;
    }

    let of_input = input_gradient(network, &parameters, loss, batch).unwrap();
    let probes = probes(&stream.derive("probe"), inputs.len());
    let expected: Vec<f64> = probes
        .iter()
        .map(|&at| {
            slope(&pixels, |pixels, h| {
                pixels[at] += h;
                mean_loss(&exact, pixels)
            })
        })
        .collect();
    close("input", &probes.iter().map(|&at| of_input[at]).collect::<Vec<_>>(), &expected, 2e-4)
}

/// The losses by their definitions; the engine's clamping of probabilities does not show at these values.
fn reference_loss(loss: Loss, p: &[f64], target: usize) -> f64 {
    let truth = |unit: usize| if p.len() == 1 { target as f64 } else { f64::from(u8::from(unit == target)) };
    let mean = |term: &dyn Fn(f64, f64) -> f64| {
        p.iter().enumerate().map(|(unit, &p)| term(p, truth(unit))).sum::<f64>() / p.len() as f64
    };
    match loss {
        Loss::CrossEntropy => -p[target].ln(),
        Loss::BinaryCrossEntropy => mean(&|p, y| -y * p.ln() - (1.0 - y) * (1.0 - p).ln()),
        Loss::MeanSquaredError => mean(&|p, y| (p - y).powi(2)),
    }
}

/// The central difference of a function of `values` where `change` shifts one of them by h.
fn slope<T: Clone>(values: &T, change: impl Fn(&mut T, f64) -> f64) -> f64 {
    let h = 1e-6;
    let at = |h: f64| change(&mut values.clone(), h);
    (at(h) - at(-h)) / (2.0 * h)
}

fn probes(stream: &Stream, len: usize) -> Vec<usize> {
    if len <= PROBES {
        return (0..len).collect();
    }
    (0..PROBES).map(|i| (stream.unit(i as u64) * len as f32) as usize).map(|at| at.min(len - 1)).collect()
}

/// Close relative to the largest value that is expected.
fn close(what: &str, got: &[f32], expected: &[f64], tolerance: f64) -> Result<(), TestCaseError> {
    let largest = expected.iter().fold(1e-3_f64, |largest, value| largest.max(value.abs()));
    for (index, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(got) - expected).abs();
        prop_assert!(
            error <= tolerance * largest,
            "{what} [{index}]: {got} for {expected} (largest {largest})"
        );
    }
    Ok(())
}

fn network(input: Shape, layers: Vec<Layer>) -> Network {
    Network::sequential(input, layers).unwrap()
}

/// A softmax over three classes behind these layers.
fn classifier(input: Shape, layers: Vec<Layer>) -> Network {
    let top = [Flatten {}.into(), Dense::new(3, Activation::Softmax).into()];
    network(input, layers.into_iter().chain(top).collect())
}

fn conv(
    filters: usize,
    kernel: (usize, usize),
    stride: (usize, usize),
    padding: Padding,
    groups: usize,
) -> Conv2d {
    let pair = |(rows, columns)| Pair { rows, columns };
    Conv2d { kernel: pair(kernel), stride: pair(stride), padding, groups, ..Conv2d::new(filters, 1) }
}

#[test]
fn every_kind_of_layer_passes() {
    let image = Shape::image(9, 7, 3);
    let first: Layer = Conv2d::new(5, 3).same().activation(Activation::Tanh).into();
    let cases: Vec<Layer> = vec![
        Conv2d::new(6, 3).into(),
        Conv2d { bias: false, ..Conv2d::new(17, 2) }.same().into(),
        MaxPool2d::new(2).into(),
        MaxPool2d { size: Pair::square(3), stride: Some(Pair::square(2)), padding: Padding::Same }.into(),
        AvgPool2d::new(2).into(),
        AvgPool2d { size: Pair::square(3), stride: Some(Pair::square(1)), padding: Padding::Same }.into(),
        GlobalMaxPool {}.into(),
        GlobalAvgPool {}.into(),
        Flatten {}.into(),
        Dropout { rate: 0.5 }.into(),
        ActivationLayer { function: Activation::Relu }.into(),
        ActivationLayer { function: Activation::Tanh }.into(),
        ActivationLayer { function: Activation::Sigmoid }.into(),
    ];
    for (kind, _) in KINDS.iter().filter(|(kind, _)| *kind != "dense") {
        assert!(cases.iter().any(|layer| layer.kind() == *kind), "no case for {kind}");
    }
    for layer in cases {
        let name = format!("{} {}", layer.kind(), layer.config().describe());
        let behind_a_convolution = classifier(image, vec![first.clone(), layer.clone()]);
        check(&behind_a_convolution, Loss::CrossEntropy, 3, 1)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let at_the_start = classifier(image, vec![layer]);
        check(&at_the_start, Loss::CrossEntropy, 3, 2)
            .unwrap_or_else(|error| panic!("{name} first: {error}"));
    }
}

#[test]
fn every_loss_passes_with_every_ending_that_it_takes() {
    let cases = [
        (Loss::CrossEntropy, 4, Activation::Softmax),
        (Loss::BinaryCrossEntropy, 1, Activation::Sigmoid),
        (Loss::BinaryCrossEntropy, 3, Activation::Sigmoid),
        (Loss::MeanSquaredError, 1, Activation::Sigmoid),
        (Loss::MeanSquaredError, 3, Activation::Softmax),
        (Loss::MeanSquaredError, 2, Activation::Tanh),
        (Loss::MeanSquaredError, 2, Activation::Linear),
    ];
    for (loss, units, activation) in cases {
        let hidden = Dense { bias: false, ..Dense::new(7, Activation::Tanh) };
        let layers = vec![Flatten {}.into(), hidden.into(), Dense::new(units, activation).into()];
        let network = network(Shape::image(4, 5, 1), layers);
        check(&network, loss, 5, 3)
            .unwrap_or_else(|error| panic!("{loss:?} {units} {activation:?}: {error}"));
    }
}

#[test]
fn vectors_are_taken_as_they_are() {
    let layers = vec![Dense::new(6, Activation::Relu).into(), Dense::new(3, Activation::Softmax).into()];
    check(&network(Shape::Features(11), layers), Loss::CrossEntropy, 4, 4).unwrap();
}

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::Relu),
        Just(Activation::Linear),
        Just(Activation::Tanh),
        Just(Activation::Sigmoid)
    ]
}

fn paddings() -> impl Strategy<Value = Padding> {
    prop_oneof![Just(Padding::Valid), Just(Padding::Same)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_of_all_shapes_pass(
        (height, width) in (7usize..13, 7usize..13),
        channels in prop_oneof![Just(1usize), Just(3), Just(4), Just(16), Just(20)],
        (filters, groups) in prop_oneof![(1usize..36, Just(1usize)), Just((8, 2)), Just((20, 4)), Just((20, 20))],
        kernel in (1usize..8, 1usize..8),
        stride in (1usize..4, 1usize..4),
        (first_padding, padding) in (paddings(), paddings()),
        (first_activation, activation) in (activations(), activations()),
        pool in prop_oneof![Just(0usize), Just(2), Just(3)],
        samples in 1usize..20,
        seed: u64,
    ) {
        let between = if groups == 1 { channels } else { groups * channels.div_ceil(groups) };
        let mut layers: Vec<Layer> =
            vec![conv(between, (2, 3), (1, 1), first_padding, 1).activation(first_activation).into()];
        layers.push(conv(filters, kernel, stride, padding, groups).activation(activation).into());
        if pool > 0 {
            layers.push(MaxPool2d::new(pool).into());
        }
        layers.push(Flatten {}.into());
        layers.push(Dense::new(3, Activation::Softmax).into());
        let built = Network::sequential(Shape::image(height, width, channels), layers);
        // Windows that do not fit in are refused elsewhere.
        prop_assume!(built.is_ok());
        check(&built.unwrap(), Loss::CrossEntropy, samples.min(if height * width > 100 { 3 } else { 20 }), seed)?;
    }
}
