//! One check for every kind of layer: outputs against the reference, the gradients of every parameter and of the input
//! against finite differences of the reference.

use candor_engine::layer::{
    Activation, ActivationLayer, Add, AvgPool2d, BatchNorm, Concat, Conv2d, Dense, Dropout, Flatten,
    GlobalAvgPool, GlobalMaxPool, KINDS, Layer, MaxPool2d, Multiply, Padding, Upsample2d, ZeroPad2d,
};
use candor_engine::{
    Batch, DeepLift, Differentiator, End, Inputs, Loss, NamedLayer, Network, Pair, Parameters, Predictor,
    Shape, Trainer, TrainingConfig,
};

use crate::formula;
use crate::random_networks::Values;
use crate::reference::{self, Statistics};

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
        GlobalMaxPool::default().into(),
        GlobalAvgPool::default().into(),
        GlobalMaxPool { keep: true }.into(),
        GlobalAvgPool { keep: true }.into(),
        BatchNorm::default().into(),
        ZeroPad2d { top: 1, bottom: 0, left: 2, right: 3 }.into(),
        Upsample2d { factor: Pair { rows: 2, columns: 3 } }.into(),
        Flatten {}.into(),
        Dropout { rate: 0.5 }.into(),
        ActivationLayer { function: Activation::Relu }.into(),
        ActivationLayer { function: Activation::Tanh }.into(),
        ActivationLayer { function: Activation::Sigmoid }.into(),
        ActivationLayer { function: Activation::LeakyRelu }.into(),
        ActivationLayer { function: Activation::Relu6 }.into(),
        ActivationLayer { function: Activation::Silu }.into(),
        ActivationLayer { function: Activation::HardSwish }.into(),
        ActivationLayer { function: Activation::Gelu }.into(),
    ];
    // A dense layer stands at the end of every case; what joins has a test of its own.
    let elsewhere = ["dense", "add", "concat", "multiply"];
    for (kind, _) in KINDS.iter().filter(|(kind, _)| !elsewhere.contains(kind)) {
        assert!(cases.iter().any(|layer| layer.kind() == *kind), "no case for {kind}");
    }
    for layer in cases {
        let name = format!("{} {}", layer.kind(), layer.config().describe());
        for layers in [vec![layer.clone()], vec![first.clone(), layer]] {
            let top = [Flatten {}.into(), Dense::new(3, Activation::Softmax).into()];
            let network = Network::new(image, layers.into_iter().chain(top)).unwrap();
            check(&network, Loss::CrossEntropy, 3, &name);
        }
    }
}

/// Networks that are not a row, with each way in which gradients meet.
#[test]
fn layers_that_join_pass() {
    let conv = |name: &str, filters: usize| {
        NamedLayer::new(name, Conv2d { bias: false, ..Conv2d::new(filters, 3).same() })
    };
    let relu = |name: &str| NamedLayer::new(name, ActivationLayer { function: Activation::Relu });
    let tanh = |name: &str| NamedLayer::new(name, ActivationLayer { function: Activation::Tanh });
    let norm = |name: &str| NamedLayer::new(name, BatchNorm::default());
    let branches: Vec<(&str, Vec<NamedLayer>)> = vec![
        ("a sum", vec![conv("a", 5), conv("b", 5), NamedLayer::new("join", Add {}).reading(["a", "b"])]),
        (
            "a sum of three, one of them twice",
            vec![conv("a", 5), tanh("b"), NamedLayer::new("join", Add {}).reading(["a", "b", "a"])],
        ),
        (
            "channels behind each other, not in whole blocks",
            vec![
                conv("a", 5),
                conv("b", 20),
                NamedLayer::new("join", Concat {}).reading(["a", "b", "input"]),
            ],
        ),
        (
            "channels behind each other, in whole blocks",
            vec![conv("a", 16), conv("b", 7), NamedLayer::new("join", Concat {}).reading(["a", "b"])],
        ),
        (
            "a product",
            vec![conv("a", 5), conv("b", 5), NamedLayer::new("join", Multiply {}).reading(["b", "a"])],
        ),
        (
            "squeeze and excitation",
            vec![
                conv("a", 18),
                NamedLayer::new("squeeze", GlobalAvgPool { keep: true }),
                NamedLayer::new("narrow", Conv2d::new(3, 1).activation(Activation::Relu)),
                NamedLayer::new("gate", Conv2d::new(18, 1).activation(Activation::Sigmoid)),
                NamedLayer::new("join", Multiply {}).reading(["a", "gate"]),
            ],
        ),
        (
            "a residual block with normalisation",
            vec![
                conv("stem", 17),
                norm("n0"),
                relu("r0"),
                conv("c1", 17),
                norm("n1"),
                relu("r1"),
                conv("c2", 17),
                norm("n2"),
                NamedLayer::new("sum", Add {}).reading(["n2", "r0"]),
                relu("end"),
            ],
        ),
        (
            "normalisations next to each other, and of the input",
            vec![norm("n0"), norm("n1"), conv("c", 4), norm("n2")],
        ),
        (
            "a shortcut with stride",
            vec![
                conv("stem", 6),
                NamedLayer::new(
                    "c1",
                    Conv2d { stride: Pair::square(2), bias: false, ..Conv2d::new(8, 3).same() },
                ),
                norm("n1"),
                NamedLayer::new(
                    "s",
                    Conv2d { stride: Pair::square(2), bias: false, ..Conv2d::new(8, 1).same() },
                )
                .reading(["stem"]),
                norm("ns"),
                NamedLayer::new("sum", Add {}).reading(["n1", "ns"]),
                NamedLayer::new("pool", MaxPool2d::new(2)),
            ],
        ),
        (
            "a padding that two convolutions read, pooled once",
            vec![
                NamedLayer::new("pad", ZeroPad2d { top: 1, bottom: 1, left: 1, right: 1 }),
                NamedLayer::new("a", Conv2d::new(5, 3).activation(Activation::Relu)),
                NamedLayer::new("pooled", MaxPool2d::new(3)),
                NamedLayer::new("up", Upsample2d { factor: Pair::square(3) }),
                NamedLayer::new("b", Conv2d { kernel: Pair { rows: 3, columns: 5 }, ..Conv2d::new(5, 3) })
                    .reading(["pad"]),
                NamedLayer::new("b_padded", ZeroPad2d { right: 1, left: 1, ..ZeroPad2d::default() }),
                NamedLayer::new(
                    "cut",
                    MaxPool2d {
                        size: Pair { rows: 1, columns: 2 },
                        stride: Some(Pair::square(1)),
                        padding: Padding::Valid,
                    },
                ),
                NamedLayer::new(
                    "up_wide",
                    Conv2d { kernel: Pair { rows: 1, columns: 1 }, ..Conv2d::new(5, 1) },
                )
                .reading(["up"]),
                NamedLayer::new("join", Concat {}).reading(["up_wide", "up"]),
                NamedLayer::new("flat", GlobalMaxPool { keep: true }),
                NamedLayer::new("cut_flat", GlobalAvgPool { keep: true }).reading(["cut"]),
                NamedLayer::new("all", Concat {}).reading(["flat", "cut_flat"]),
            ],
        ),
    ];
    for (name, layers) in branches {
        let top = [Layer::from(Flatten {}), Dense::new(3, Activation::Softmax).into()].map(NamedLayer::from);
        let network = Network::new(Shape::image(9, 9, 3), layers.into_iter().chain(top))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        check(&network, Loss::CrossEntropy, 3, name);
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
        let network = Network::new(Shape::image(7, 6, 2), layers).unwrap();
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
        (Loss::Focal, 1, Activation::Sigmoid),
        (Loss::Focal, 4, Activation::Softmax),
    ];
    for (loss, units, activation) in cases {
        let hidden = Dense { bias: false, ..Dense::new(7, Activation::Tanh) };
        let layers: [Layer; 3] = [Flatten {}.into(), hidden.into(), Dense::new(units, activation).into()];
        let network = Network::new(Shape::image(4, 5, 1), layers).unwrap();
        check(&network, loss, 5, &format!("{} {} {units}", loss.name(), activation.name()));
    }
}

#[test]
fn vectors_are_taken_as_they_are() {
    let layers = [Dense::new(6, Activation::Relu), Dense::new(3, Activation::Softmax)];
    check(&Network::new(Shape::Features(11), layers).unwrap(), Loss::CrossEntropy, 4, "vectors");
}

#[test]
fn vectors_are_normalised() {
    let layers = || -> [Layer; 5] {
        [
            BatchNorm::default().into(),
            Dense { bias: false, ..Dense::new(6, Activation::Linear) }.into(),
            BatchNorm { epsilon: 1e-3, ..BatchNorm::default() }.into(),
            ActivationLayer { function: Activation::Silu }.into(),
            Dense::new(3, Activation::Softmax).into(),
        ]
    };
    let network = Network::new(Shape::Features(7), layers()).unwrap();
    check(&network, Loss::CrossEntropy, 5, "normalised vectors");
    let behind_a_picture = std::iter::once(Flatten {}.into()).chain(layers());
    let network = Network::new(Shape::image(3, 2, 1), behind_a_picture).unwrap();
    check(&network, Loss::CrossEntropy, 5, "a normalised picture");
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
    let outputs = |weights: &Values, pixels: &[f64], statistics: Statistics| -> Vec<f64> {
        let inputs: Vec<Vec<f64>> = pixels.chunks(len).map(<[f64]>::to_vec).collect();
        reference::forward_batch(network, weights, &inputs, statistics).concat()
    };
    let mean_loss = |weights: &Values, pixels: &[f64], statistics: Statistics| -> f64 {
        let outputs = outputs(weights, pixels, statistics);
        let rows = outputs.chunks(network.output().len()).zip(&targets);
        rows.map(|(row, &target)| reference::loss(loss, row, target)).sum::<f64>() / samples as f64
    };

    let expected = outputs(&exact, &pixels, Statistics::Running);
    let mut predicted = vec![0.0; expected.len()];
    Predictor::new(network, &parameters, 2, 1).unwrap().predict(Inputs::Floats(&inputs), &mut predicted);
    assert_close(&format!("{name}: output"), &predicted, &expected, 1e-5);

    let config = TrainingConfig { loss, batch_size: samples, ..TrainingConfig::default() };
    let (outcome, gradients) = Trainer::new(network, parameters.clone(), &config).unwrap().gradients(batch);
    assert_close(
        &format!("{name}: loss"),
        &[outcome.loss],
        &[mean_loss(&exact, &pixels, Statistics::Batch)],
        1e-5,
    );

    for (index, tensor) in gradients.tensors().iter().enumerate() {
        if !gradients.is_trained(index) {
            assert!(
                tensor.values.iter().all(|&value| value == 0.0),
                "{name}: {} has a gradient",
                tensor.name
            );
            continue;
        }
        let probes = probes(&format!("{name} {}", tensor.name), tensor.values.len());
        let slope_at = |&at: &usize| {
            slope(|h| {
                let mut moved = Values(exact.0.clone());
                moved.0.get_mut(&tensor.name).expect("it is one of the parameters")[at] += h;
                mean_loss(&moved, &pixels, Statistics::Batch)
            })
        };
        let expected: Vec<f64> = probes.iter().map(slope_at).collect();
        let got: Vec<f32> = probes.iter().map(|&at| tensor.values[at]).collect();
        assert_close(&format!("{name}: {}", tensor.name), &got, &expected, 2e-4);
    }

    check_inputs(network, &parameters, (loss, batch), name);
}

/// Holds scores, and the gradients of the loss, of an output and of a score with respect to the inputs, against the
/// reference; and whether contributions add up to its differences.
fn check_inputs(network: &Network, parameters: &Parameters, (loss, batch): (Loss, Batch<'_>), name: &str) {
    let Inputs::Floats(inputs) = batch.inputs else { unreachable!("they are made in `check`") };
    let (exact, targets, units) = (Values::new(parameters), batch.targets, network.output().len());
    let pixels: Vec<f64> = inputs.iter().map(|&value| value.into()).collect();
    let rows = |network: &Network, pixels: &[f64]| {
        let inputs: Vec<Vec<f64>> = pixels.chunks(network.input().len()).map(<[f64]>::to_vec).collect();
        reference::forward_batch(network, &exact, &inputs, Statistics::Running)
    };
    let before = without_last_activation(network);
    let mut differentiator = Differentiator::new(network, parameters, 2, 2).unwrap();
    let (scores, _) = differentiator.answers(Inputs::Floats(inputs));
    assert_close(&format!("{name}: score"), &scores, &rows(&before, &pixels).concat(), 1e-5);

    let probes = probes(&format!("{name} probes"), inputs.len());
    let compare = |what: &str, gradient: Vec<f32>, value: &dyn Fn(&[f64]) -> f64| {
        let slope_at = |&at: &usize| {
            slope(|h| {
                let mut moved = pixels.clone();
                moved[at] += h;
                value(&moved)
            })
        };
        let expected: Vec<f64> = probes.iter().map(slope_at).collect();
        let got: Vec<f32> = probes.iter().map(|&at| gradient[at]).collect();
        assert_close(&format!("{name}: input, {what}"), &got, &expected, 2e-4);
    };
    compare("loss", differentiator.loss_gradient(loss, batch).unwrap(), &|pixels| {
        let losses = rows(network, pixels).into_iter().zip(targets);
        losses.map(|(row, &target)| reference::loss(loss, &row, target)).sum::<f64>() / targets.len() as f64
    });
    for (end, what, of) in [(End::Output, "output", network), (End::Score, "score", &before)] {
        let unit = |sample: usize| targets[sample] % units;
        let one = |sample: usize, _: &[f32], seed: &mut [f32]| seed[unit(sample)] = 1.0;
        compare(what, differentiator.gradient(Inputs::Floats(inputs), end, one), &|pixels| {
            rows(of, pixels).iter().enumerate().map(|(sample, row)| row[unit(sample)]).sum()
        });
    }
    let references = formula::uniform(&format!("{name} reference"), inputs.len(), 1.0);
    let differences = |of: &Network| -> Vec<f64> {
        let of_references: Vec<f64> = references.iter().map(|&value| value.into()).collect();
        let of_references = rows(of, &of_references);
        let mean =
            |unit: usize| of_references.iter().map(|row| row[unit]).sum::<f64>() / of_references.len() as f64;
        rows(of, &pixels)
            .iter()
            .flat_map(|row| row.iter().enumerate().map(|(unit, x)| x - mean(unit)).collect::<Vec<f64>>())
            .collect()
    };
    // Not all references at once: what is computed of some makes room for others.
    let mut deep_lift = DeepLift::new(network, parameters, &references, targets.len() - 1, 2).unwrap();
    let seeds: Vec<Vec<f32>> =
        (0..units).map(|unit| (0..units).map(|other| f32::from(other == unit)).collect()).collect();
    for (end, of) in [(End::Output, network), (End::Score, &before)] {
        let parts = deep_lift.contributions(inputs, end, &seeds);
        let sums: Vec<f32> = parts.chunks(network.input().len()).map(|row| row.iter().sum()).collect();
        assert_close(&format!("{name}: contributions, {end:?}"), &sums, &differences(of), 1e-3);
    }
}

/// The network up to its scores.
fn without_last_activation(network: &Network) -> Network {
    let mut layers = network.layers();
    if let Some(NamedLayer { layer: Layer::Dense(dense), .. }) = layers.last_mut() {
        dense.activation = Activation::Linear;
    }
    Network::new(network.input(), layers).unwrap()
}

/// The central difference of a function at zero.
pub fn slope(value: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-6;
    (value(h) - value(-h)) / (2.0 * h)
}

fn probes(name: &str, len: usize) -> Vec<usize> {
    if len <= PROBES { (0..len).collect() } else { formula::below(name, PROBES, len) }
}

/// Close relative to the largest value that is expected.
pub fn assert_close(what: &str, got: &[f32], expected: &[f64], tolerance: f64) {
    let largest = expected.iter().fold(1e-3_f64, |largest, value| largest.max(value.abs()));
    for (index, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(got) - expected).abs();
        assert!(error <= tolerance * largest, "{what} [{index}]: {got} for {expected} (largest {largest})");
    }
}
