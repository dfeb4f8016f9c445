//! One check for every kind of layer: outputs against the reference, the gradients of every parameter and of the input
//! against finite differences of the reference.

use candor_engine::layer::{
    Activation, ActivationLayer, AvgPool2d, Conv2d, Dense, Dropout, Flatten, GlobalAvgPool, GlobalMaxPool,
    KINDS, Layer, MaxPool2d, Padding,
};
use candor_engine::{
    Batch, Inputs, Loss, Network, Pair, Parameters, Predictor, Shape, Trainer, TrainingConfig, input_gradient,
};

use crate::formula;
use crate::random_networks::Values;
use crate::reference;

/// Values that a finite difference is taken of, in each tensor.
const PROBES: usize = 10;

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
    // A dense layer stands at the end of every case.
    for (kind, _) in KINDS.iter().filter(|(kind, _)| *kind != "dense") {
        assert!(cases.iter().any(|layer| layer.kind() == *kind), "no case for {kind}");
    }
    for layer in cases {
        let name = format!("{} {}", layer.kind(), layer.config().describe());
        for layers in [vec![layer.clone()], vec![first.clone(), layer]] {
            let top = [Flatten {}.into(), Dense::new(3, Activation::Softmax).into()];
            let network = Network::sequential(image, layers.into_iter().chain(top)).unwrap();
            check(&network, Loss::CrossEntropy, 3, &name);
        }
    }
}

#[test]
fn convolutions_with_groups_pass() {
    let plain = |filters, groups| Conv2d { groups, ..Conv2d::new(filters, 3).same() };
    let cases: Vec<Vec<Layer>> = vec![
        // Parts of whole blocks, of several groups, of unequal sizes, and groups that share blocks.
        vec![plain(64, 2).into()],
        vec![Conv2d { stride: Pair { rows: 2, columns: 3 }, ..plain(32, 8) }.into()],
        vec![plain(96, 2).activation(Activation::Relu).into(), MaxPool2d::new(2).into()],
        vec![plain(34, 2).into()],
        // One filter a channel, several, and an activation and a pooling behind it.
        vec![plain(32, 32).activation(Activation::Tanh).into(), MaxPool2d::new(2).into()],
        vec![
            Conv2d { kernel: Pair { rows: 5, columns: 2 }, stride: Pair::square(2), ..plain(32, 32) }.into(),
        ],
        vec![plain(64, 32).into()],
    ];
    let first: Layer = Conv2d::new(32, 1).activation(Activation::Tanh).into();
    for layers in cases {
        let name: Vec<String> = layers.iter().map(|layer| layer.config().describe()).collect();
        let top = [Flatten {}.into(), Dense::new(3, Activation::Softmax).into()];
        let layers = std::iter::once(first.clone()).chain(layers).chain(top);
        let network = Network::sequential(Shape::image(7, 6, 2), layers).unwrap();
        check(&network, Loss::CrossEntropy, 3, &name.join(" | "));
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
        let layers: [Layer; 3] = [Flatten {}.into(), hidden.into(), Dense::new(units, activation).into()];
        let network = Network::sequential(Shape::image(4, 5, 1), layers).unwrap();
        check(&network, loss, 5, &format!("{} {} {units}", loss.name(), activation.name()));
    }
}

#[test]
fn vectors_are_taken_as_they_are() {
    let layers = [Dense::new(6, Activation::Relu), Dense::new(3, Activation::Softmax)];
    check(&Network::sequential(Shape::Features(11), layers).unwrap(), Loss::CrossEntropy, 4, "vectors");
}

/// Runs a small batch through the network and holds outputs, loss and all gradients against the reference.
fn check(network: &Network, loss: Loss, samples: usize, name: &str) {
    let mut parameters = Parameters::initial(network, 1);
    for tensor in parameters.tensors_mut() {
        // Biases start at zero; here they must not.
        let shifts = formula::uniform(&format!("{name} {}", tensor.name), tensor.values.len(), 0.1);
        tensor.values.iter_mut().zip(shifts).for_each(|(value, shift)| *value += shift);
    }
    let len = network.input().len();
    let inputs = formula::uniform(&format!("{name} input"), samples * len, 1.0);
    let targets = formula::below(&format!("{name} targets"), samples, network.output().len().max(2));
    let batch = Batch { inputs: Inputs::Floats(&inputs), targets: &targets };

    let exact = Values::new(&parameters);
    let pixels: Vec<f64> = inputs.iter().map(|&value| value.into()).collect();
    let outputs = |weights: &Values, pixels: &[f64]| -> Vec<f64> {
        pixels.chunks(len).flat_map(|sample| reference::forward(network, weights, sample)).collect()
    };
    let mean_loss = |weights: &Values, pixels: &[f64]| -> f64 {
        let outputs = outputs(weights, pixels);
        let rows = outputs.chunks(network.output().len()).zip(&targets);
        rows.map(|(row, &target)| reference::loss(loss, row, target)).sum::<f64>() / samples as f64
    };

    let expected = outputs(&exact, &pixels);
    let mut predicted = vec![0.0; expected.len()];
    Predictor::new(network, &parameters, 2, 1).unwrap().predict(Inputs::Floats(&inputs), &mut predicted);
    assert_close(&format!("{name}: output"), &predicted, &expected, 1e-5);

    let config = TrainingConfig { loss, batch_size: samples, ..TrainingConfig::default() };
    let (outcome, gradients) = Trainer::new(network, parameters.clone(), &config).unwrap().gradients(batch);
    assert_close(&format!("{name}: loss"), &[outcome.loss], &[mean_loss(&exact, &pixels)], 1e-5);

    for tensor in gradients.tensors() {
        let probes = probes(&format!("{name} {}", tensor.name), tensor.values.len());
        let slope_at = |&at: &usize| {
            slope(|h| {
                let mut moved = Values(exact.0.clone());
                moved.0.get_mut(&tensor.name).expect("it is one of the parameters")[at] += h;
                mean_loss(&moved, &pixels)
            })
        };
        let expected: Vec<f64> = probes.iter().map(slope_at).collect();
        let got: Vec<f32> = probes.iter().map(|&at| tensor.values[at]).collect();
        assert_close(&format!("{name}: {}", tensor.name), &got, &expected, 2e-4);
    }

    let of_input = input_gradient(network, &parameters, loss, batch).unwrap();
    let probes = probes(&format!("{name} probes"), inputs.len());
    let slope_at = |&at: &usize| {
        slope(|h| {
            let mut moved = pixels.clone();
            moved[at] += h;
            mean_loss(&exact, &moved)
        })
    };
    let expected: Vec<f64> = probes.iter().map(slope_at).collect();
    let got: Vec<f32> = probes.iter().map(|&at| of_input[at]).collect();
    assert_close(&format!("{name}: input"), &got, &expected, 2e-4);
}

/// The central difference of a function at zero.
fn slope(value: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-6;
    (value(h) - value(-h)) / (2.0 * h)
}

fn probes(name: &str, len: usize) -> Vec<usize> {
    if len <= PROBES { (0..len).collect() } else { formula::below(name, PROBES, len) }
}

/// Close relative to the largest value that is expected.
fn assert_close(what: &str, got: &[f32], expected: &[f64], tolerance: f64) {
    let largest = expected.iter().fold(1e-3_f64, |largest, value| largest.max(value.abs()));
    for (index, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(got) - expected).abs();
        assert!(error <= tolerance * largest, "{what} [{index}]: {got} for {expected} (largest {largest})");
    }
}
