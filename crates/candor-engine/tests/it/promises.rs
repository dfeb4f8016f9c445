//! What the engine promises of itself: the same bits whatever the threads and however often it was interrupted,
//! nothing that depends on its neighbours in the batch, and finite losses for answers that are sure and wrong.

use candor_engine::layer::{
    Activation, BatchNorm, Conv2d, Dense, Dropout, Flatten, GlobalAvgPool, Layer, MaxPool2d,
};
use candor_engine::{
    Batch, Differentiator, Inputs, Loss, Network, Optimizer, Pair, Parameter, Parameters, Precision,
    Predictor, Shape, Trainer, TrainingConfig, architecture,
};

use crate::formula;

/// Networks that between them use every part of the engine, with dropout, and a batch that does not come out even.
const NETWORKS: [(&str, Shape, usize); 4] = [
    ("mnist-cnn", Shape::image(28, 28, 1), 10),
    ("simple-cnn", Shape::image(37, 41, 3), 3),
    ("face-cnn", Shape::image(21, 18, 1), 2),
    ("face-mlp", Shape::image(9, 7, 3), 2),
];
/// One that normalises by the batch: what is learned of a sample depends on its neighbours.
const RESIDUAL: (&str, Shape, usize) = ("resnet8", Shape::image(13, 12, 3), 4);
/// One whose lanes halt: how many samples go through its last weights together depends on the batch.
const HEAVY: (&str, Shape, usize) = ("vgg16", Shape::image(48, 40, 3), 3);
const BATCH: usize = 37;
const THREADS: [usize; 4] = [1, 2, 3, 7];

/// A registered network with its usual training and one batch.
struct Subject {
    name: &'static str,
    network: Network,
    config: TrainingConfig,
    pixels: Vec<u8>,
    targets: Vec<usize>,
}

impl Subject {
    fn all() -> impl Iterator<Item = Subject> {
        NETWORKS.into_iter().map(Subject::new)
    }

    fn new((name, input, classes): (&'static str, Shape, usize)) -> Subject {
        let registered = architecture::find(name).expect("the architecture is registered");
        let config = TrainingConfig {
            loss: (registered.loss)(classes),
            optimizer: (registered.optimizer)(),
            batch_size: BATCH,
            threads: 2,
            seed: 5,
            ..TrainingConfig::default()
        };
        Subject {
            name,
            network: registered.build(input, classes).expect("the input is large enough"),
            config,
            pixels: formula::bytes(name, BATCH * input.len()),
            targets: formula::below(name, BATCH, classes),
        }
    }

    fn trainer(&self, config: &TrainingConfig) -> Trainer {
        Trainer::new(&self.network, Parameters::initial(&self.network, 3), config)
            .expect("the settings are good")
    }

    fn batch(&self) -> Batch<'_> {
        self.part(0..BATCH)
    }

    fn part(&self, samples: std::ops::Range<usize>) -> Batch<'_> {
        let size = self.network.input().len();
        let pixels = &self.pixels[samples.start * size..samples.end * size];
        Batch { inputs: Inputs::Bytes(pixels), targets: &self.targets[samples] }
    }

    fn predict(&self, inputs: Inputs<'_>, samples: usize, batch_size: usize, threads: usize) -> Vec<f32> {
        let parameters = Parameters::initial(&self.network, 3);
        let mut outputs = vec![0.0; samples * self.network.output().len()];
        Predictor::new(&self.network, &parameters, batch_size, threads)
            .expect("the parameters are the network's")
            .predict(inputs, &mut outputs);
        outputs
    }
}

#[test]
fn training_gives_the_same_bits_on_any_number_of_threads() {
    let subjects = || Subject::all().chain([Subject::new(RESIDUAL)]);
    let cases = Precision::ALL.into_iter().flat_map(|precision| subjects().map(move |of| (of, precision)));
    for (subject, precision) in cases {
        let train = |threads| {
            let config = TrainingConfig { threads, precision, ..subject.config.clone() };
            let mut trainer = subject.trainer(&config);
            let outcomes: Vec<_> = (0..3).map(|_| trainer.step(subject.batch())).collect();
            (outcomes, trainer.state())
        };
        let expected = train(THREADS[0]);
        for threads in &THREADS[1..] {
            let name = subject.name;
            assert!(train(*threads) == expected, "{name} in {} on {threads} threads", precision.name());
        }
    }
}

#[test]
fn predictions_are_the_same_bits_on_any_number_of_threads_and_in_any_company() {
    for subject in Subject::all().chain([Subject::new(HEAVY)]) {
        let expected = subject.predict(Inputs::Bytes(&subject.pixels), BATCH, BATCH, 1);
        for (batch_size, threads) in [(BATCH, 2), (BATCH, 5), (1, 1), (4, 2), (100, 3)] {
            let outputs = subject.predict(Inputs::Bytes(&subject.pixels), BATCH, batch_size, threads);
            assert!(outputs == expected, "{} by {batch_size} on {threads} threads", subject.name);
        }
    }
}

/// A batch that is taken twice fills its lanes with two samples each; alone each sample has a lane of its own, and nobody
/// waits in anybody's memory.
pub fn assert_same_gradients_twice(name: &str, network: &Network, loss: Loss) {
    const SAMPLES: usize = 16;
    let inputs = formula::uniform(&format!("{name} input"), SAMPLES * network.input().len(), 1.0);
    let targets = formula::below(&format!("{name} targets"), SAMPLES, network.output().len().max(2));
    let gradients = |times: usize| {
        let config = TrainingConfig { loss, batch_size: times * SAMPLES, ..TrainingConfig::default() };
        let mut trainer = Trainer::new(network, Parameters::initial(network, 1), &config).unwrap();
        let (inputs, targets) = (inputs.repeat(times), targets.repeat(times));
        let (_, gradients) = trainer.gradients(Batch { inputs: Inputs::Floats(&inputs), targets: &targets });
        gradients.clone()
    };
    let (once, twice) = (gradients(1), gradients(2));
    let largest = |values: &[f32]| values.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    let all = once.tensors().iter().map(|tensor| largest(&tensor.values)).fold(0.0, f32::max);
    for (once, twice) in once.tensors().iter().zip(twice.tensors()) {
        let apart = once.values.iter().zip(&twice.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let allowed = 1e-3 * largest(&once.values) + 1e-6 * all;
        assert!(apart <= allowed, "{name}, {}: {apart}; {:#?}", once.name, network.summary());
    }
}

#[test]
fn a_batch_taken_twice_has_the_gradients_of_the_batch() {
    // Pictures so large, or weights so many, that a lane of two samples is taken in blocks, not the same everywhere; and tensors
    // that grow on the way back, where gradients take turns in the same memory.
    let conv = |filters, stride: usize| -> Layer {
        Conv2d { stride: Pair::square(stride), ..Conv2d::new(filters, 3).same().activation(Activation::Relu) }
            .into()
    };
    let end = || [Layer::from(GlobalAvgPool::default()), Dense::new(3, Activation::Softmax).into()];
    let norm = || Layer::from(BatchNorm::default());
    let normalised = [(16, 1), (32, 2), (32, 2), (16, 1), (256, 1), (16, 1)]
        .map(|(filters, stride)| [conv(filters, stride), norm()]);
    let normalised =
        Network::new(Shape::image(64, 64, 3), normalised.into_iter().flatten().chain(end())).unwrap();
    let heavy =
        [conv(16, 1), conv(32, 2), conv(256, 2), conv(256, 1), MaxPool2d::new(2).into(), conv(256, 1)];
    let heavy = Network::new(Shape::image(64, 64, 3), heavy.into_iter().chain(end())).unwrap();
    let residual = architecture::find("resnet8").unwrap().build(Shape::image(64, 64, 3), 3).unwrap();
    for (name, network) in [("normalised", normalised), ("heavy", heavy), ("residual", residual)] {
        assert_same_gradients_twice(name, &network, Loss::CrossEntropy);
    }
}

#[test]
fn an_interrupted_training_ends_in_the_same_bits() {
    for subject in Subject::all() {
        let mut whole = subject.trainer(&subject.config);
        let mut first = subject.trainer(&subject.config);
        for trainer in [&mut whole, &mut first] {
            trainer.step(subject.batch());
            trainer.step(subject.part(3..20));
        }
        let mut second = subject.trainer(&subject.config);
        second.step(subject.part(0..5));
        second.restore(&first.state()).expect("the state is of the same training");
        for trainer in [&mut whole, &mut second] {
            trainer.step(subject.part(20..37));
            trainer.step(subject.batch());
        }
        assert!(whole.state() == second.state(), "{}", subject.name);
    }
}

#[test]
fn averaged_weights_follow_their_formula_and_looking_at_them_changes_nothing() {
    for subject in Subject::all() {
        let config = TrainingConfig { average: 0.8, clip_norm: 0.5, ..subject.config.clone() };
        let mut trainer = subject.trainer(&config);
        let mut expected = trainer.parameters().clone();
        for step in 0..12 {
            trainer.step(subject.batch());
            let past = f64::min(f64::from(0.8_f32), (1.0 + f64::from(step)) / (10.0 + f64::from(step)));
            for (average, now) in expected.tensors_mut().iter_mut().zip(trainer.parameters().tensors()) {
                average.values.iter_mut().zip(&now.values).for_each(|(average, now)| {
                    *average = (past * f64::from(*average) + (1.0 - past) * f64::from(*now)) as f32;
                });
            }
        }
        for (kept, expected) in trainer.kept_parameters().tensors().iter().zip(expected.tensors()) {
            assert!(close(&kept.values, &expected.values, 1e-5), "{}: {}", subject.name, kept.name);
        }
        let (before, raw) = (trainer.state(), trainer.evaluate(subject.batch()));
        let averaged = trainer.with_kept_parameters(|trainer| trainer.evaluate(subject.batch()));
        assert_ne!(raw, averaged, "{}", subject.name);
        assert!(trainer.state() == before, "{}", subject.name);
        let mut other = subject.trainer(&config);
        other.restore(&before).expect("the state is of the same training");
        assert_eq!(other.evaluate(subject.batch()), raw, "{}", subject.name);
        let step = [trainer, other].map(|mut trainer| (trainer.step(subject.batch()), trainer.state()));
        assert!(step[0] == step[1], "{}", subject.name);
    }
}

#[test]
fn looking_changes_nothing() {
    for subject in Subject::all() {
        let mut trainer = subject.trainer(&subject.config);
        trainer.step(subject.batch());
        let before = trainer.state();
        let first = trainer.gradients(subject.batch());
        let evaluation = trainer.evaluate(subject.batch());
        let mut outputs = vec![0.0; BATCH * subject.network.output().len()];
        trainer.predict(subject.batch().inputs, &mut outputs);
        assert!(trainer.gradients(subject.batch()) == first, "{}", subject.name);
        assert!(trainer.state() == before, "{}", subject.name);
        // Sums over a batch that learns round otherwise.
        let same = (evaluation.loss - first.0.loss).abs() <= 1e-5 * evaluation.loss;
        assert!(
            same && evaluation.correct == first.0.correct,
            "{}: an evaluation drops nothing out, nor do gradients",
            subject.name
        );
    }
}

#[test]
fn a_trainer_and_a_predictor_answer_alike() {
    for subject in Subject::all() {
        let mut outputs = vec![0.0; BATCH * subject.network.output().len()];
        subject.trainer(&subject.config).predict(subject.batch().inputs, &mut outputs);
        let expected = subject.predict(Inputs::Bytes(&subject.pixels), BATCH, BATCH, 2);
        assert!(close(&outputs, &expected, 1e-6), "{}", subject.name);
    }
}

#[test]
fn bytes_are_255ths() {
    for subject in Subject::all() {
        let floats: Vec<f32> = subject.pixels.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let of_bytes = subject.predict(Inputs::Bytes(&subject.pixels), BATCH, BATCH, 2);
        let of_floats = subject.predict(Inputs::Floats(&floats), BATCH, BATCH, 2);
        assert!(close(&of_bytes, &of_floats, 2e-6), "{}", subject.name);
    }
}

#[test]
fn the_gradient_of_a_batch_is_the_mean_over_its_parts() {
    for subject in Subject::all() {
        let mut trainer = subject.trainer(&subject.config);
        let (outcome, whole) = trainer.gradients(subject.batch());
        let mut parts = Parameters::zeros(&subject.network);
        let (mut loss, mut correct) = (0.0, 0);
        for part in [0..1, 1..9, 9..30, 30..37] {
            let share = part.len() as f32 / BATCH as f32;
            let (outcome, gradients) = trainer.gradients(subject.part(part));
            loss += share * outcome.loss;
            correct += outcome.correct;
            for (sum, gradient) in parts.tensors_mut().iter_mut().zip(gradients.tensors()) {
                sum.values.iter_mut().zip(&gradient.values).for_each(|(sum, value)| *sum += share * value);
            }
        }
        assert_eq!(correct, outcome.correct, "{}", subject.name);
        assert!(
            (loss - outcome.loss).abs() < 1e-5 * outcome.loss,
            "{}: {loss} {}",
            subject.name,
            outcome.loss
        );
        for (whole, parts) in whole.tensors().iter().zip(parts.tensors()) {
            assert!(close(&parts.values, &whole.values, 2e-5), "{}: {}", subject.name, whole.name);
        }
    }
}

#[test]
fn training_lowers_the_loss_of_what_it_is_shown() {
    for subject in Subject::all() {
        let mut trainer = subject.trainer(&subject.config);
        let before = trainer.evaluate(subject.batch()).loss;
        for _ in 0..30 {
            trainer.step(subject.batch());
        }
        let after = trainer.evaluate(subject.batch()).loss;
        assert!(after < 0.9 * before, "{}: {before} → {after}", subject.name);
    }
}

#[test]
fn with_dropout_a_step_follows_the_slope_of_the_loss_that_it_reports() {
    // Each new trainer drops out the same values in its first step, so losses of moved parameters can be compared.
    let network = Network::new(Shape::image(9, 8, 3), dropout_everywhere()).expect("the layers fit");
    let optimizer = Optimizer::sgd(1.0);
    let config = TrainingConfig { optimizer, batch_size: 11, seed: 9, ..TrainingConfig::default() };
    let pixels = formula::uniform("dropout", 11 * network.input().len(), 1.0);
    let targets = formula::below("dropout targets", 11, 3);
    let batch = Batch { inputs: Inputs::Floats(&pixels), targets: &targets };
    let first_step = |parameters: &Parameters| {
        let mut trainer = Trainer::new(&network, parameters.clone(), &config).expect("the settings are good");
        (f64::from(trainer.step(batch).loss), trainer.parameters().clone())
    };

    let initial = Parameters::initial(&network, 3);
    let (loss, after) = first_step(&initial);
    let without = Trainer::new(&network, initial.clone(), &config).expect("as above").evaluate(batch);
    assert!((loss - f64::from(without.loss)).abs() > 1e-3, "nothing was dropped out: {loss}");
    for (index, (before, after)) in initial.tensors().iter().zip(after.tensors()).enumerate() {
        let change: Vec<f32> = after.values.iter().zip(&before.values).map(|(a, b)| a - b).collect();
        let length = change.iter().map(|c| f64::from(*c).powi(2)).sum::<f64>().sqrt();
        // A way along which the loss should change by its slope, which is the gradient's length, times the way.
        let way = 2e-3;
        let loss_at = |way: f64| {
            let mut moved = initial.clone();
            let values = moved.tensors_mut()[index].values.iter_mut();
            values.zip(&change).for_each(|(value, c)| *value -= (way / length * f64::from(*c)) as f32);
            first_step(&moved).0
        };
        let slope = (loss_at(way) - loss_at(-way)) / (2.0 * way);
        assert!((slope - length).abs() < 0.02 * length + 2e-4, "{}: {slope} {length}", before.name);
    }
}

/// Dropout behind a joined convolution, a pooling, a flatten and a dense layer.
fn dropout_everywhere() -> Vec<Layer> {
    vec![
        Conv2d::new(17, 3).activation(Activation::Tanh).into(),
        Dropout { rate: 0.3 }.into(),
        Conv2d::new(8, 3).same().activation(Activation::Tanh).into(),
        MaxPool2d::new(2).into(),
        Dropout { rate: 0.25 }.into(),
        Flatten {}.into(),
        Dropout { rate: 0.5 }.into(),
        Dense::new(20, Activation::Tanh).into(),
        Dropout { rate: 0.4 }.into(),
        Dense::new(3, Activation::Softmax).into(),
    ]
}

#[test]
fn of_equal_largest_values_the_first_gets_the_gradient() {
    // Flat parts of pictures make ties the rule, not the exception. PyTorch's rule.
    let layers =
        [Layer::from(MaxPool2d::new(2)), Flatten {}.into(), Dense::new(2, Activation::Softmax).into()];
    let network = Network::new(Shape::image(4, 4, 1), layers).expect("the layers fit");
    let parameters = Parameters::initial(&network, 1);
    let batch = Batch { inputs: Inputs::Floats(&[0.5; 16]), targets: &[0] };
    let mut differentiator = Differentiator::new(&network, &parameters, 1, 1).expect("they belong together");
    let gradient = differentiator.loss_gradient(Loss::CrossEntropy, batch).expect("the loss fits");
    let reached: Vec<usize> = (0..16).filter(|&at| gradient[at] != 0.0).collect();
    assert_eq!(reached, [0, 2, 8, 10]);
}

#[test]
fn a_training_that_has_diverged_says_so() {
    // Neither ReLU nor pooling nor the loss may turn "not a number" into a figure that looks like an answer.
    for subject in Subject::all() {
        let mut parameters = Parameters::initial(&subject.network, 3);
        parameters.tensors_mut()[0].values.fill(f32::NAN);
        let mut trainer =
            Trainer::new(&subject.network, parameters, &subject.config).expect("it is a network's");
        assert!(trainer.evaluate(subject.batch()).loss.is_nan(), "{}", subject.name);
        assert!(trainer.step(subject.batch()).loss.is_nan(), "{}", subject.name);
    }
}

#[test]
fn an_answer_that_is_sure_and_wrong_has_a_finite_loss_and_still_a_gradient() {
    // Keras' rule for the loss: probabilities are kept 10⁻⁷ away from 0 and 1. For the gradient PyTorch's, p − y:
    // with Keras' it would be zero, and nothing would be learned where there is most to learn.
    let most = -(1e-7_f32.ln());
    let (softmax, sigmoid) = (Activation::Softmax, Activation::Sigmoid);
    let (categorical, binary, squared) =
        (Loss::CrossEntropy, Loss::BinaryCrossEntropy, Loss::MeanSquaredError);
    // (activation, loss, logits, target, loss, gradient of the logits)
    let cases = [
        (softmax, categorical, vec![60.0, -60.0], 1, most, vec![1.0, -1.0]),
        (softmax, categorical, vec![60.0, -60.0], 0, 0.0, vec![0.0, 0.0]),
        (softmax, categorical, vec![-300.0, 0.0, 300.0], 1, most, vec![0.0, -1.0, 1.0]),
        (sigmoid, binary, vec![-60.0], 1, most, vec![-1.0]),
        (sigmoid, binary, vec![60.0], 0, most, vec![1.0]),
        (sigmoid, binary, vec![120.0], 1, 0.0, vec![0.0]),
        (sigmoid, squared, vec![120.0], 0, 1.0, vec![0.0]),
    ];
    for (activation, loss, logits, target, expected, gradient) in cases {
        let name = format!("{loss:?} of {logits:?}, truth {target}");
        let mut trainer = of_logits(activation, loss, logits);
        let (outcome, gradients) =
            trainer.gradients(Batch { inputs: Inputs::Floats(&[1.0]), targets: &[target] });
        assert!((outcome.loss - expected).abs() <= 1e-5, "{name}: {} {expected}", outcome.loss);
        let of_bias = &gradients.get("dense_1.bias").expect("the layer has a bias").values;
        let differences = of_bias.iter().zip(&gradient).map(|(actual, expected)| (actual - expected).abs());
        assert!(differences.fold(0.0, f32::max) <= 1e-6, "{name}: {of_bias:?} {gradient:?}");
    }
}

/// A network of one dense layer whose logits for the input 1 are these.
fn of_logits(activation: Activation, loss: Loss, logits: Vec<f32>) -> Trainer {
    let units = logits.len();
    let layers = [Layer::from(Flatten {}), Dense::new(units, activation).into()];
    let network = Network::new(Shape::image(1, 1, 1), layers).expect("the layers fit");
    let weight = Parameter { name: "dense_1.weight".into(), shape: vec![units, 1], values: logits };
    let bias = Parameter { name: "dense_1.bias".into(), shape: vec![units], values: vec![0.0; units] };
    let parameters = Parameters::from_tensors(&network, vec![weight, bias]).expect("they are the network's");
    let config = TrainingConfig { loss, batch_size: 1, ..TrainingConfig::default() };
    Trainer::new(&network, parameters, &config).expect("the loss goes with the layer")
}

/// Whether values differ by at most `tolerance` of the largest.
fn close(actual: &[f32], expected: &[f32], tolerance: f32) -> bool {
    let largest = expected.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    actual.len() == expected.len()
        && actual.iter().zip(expected).all(|(a, e)| (a - e).abs() <= tolerance * largest)
}
