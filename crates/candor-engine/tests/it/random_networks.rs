//! Networks drawn at random, with every combination of settings that nobody thought of, against [`crate::reference`].

use std::collections::HashMap;
use std::ops::Range;

use candor_engine::layer::{
    Activation, ActivationLayer, Add, AvgPool2d, BatchNorm, Concat, Conv2d, Dense, Flatten, GlobalAvgPool,
    GlobalMaxPool, Layer, MaxPool2d, Padding,
};
use candor_engine::{
    Batch, INPUT_NAME, Inputs, Loss, NamedLayer, Network, Pair, Parameter, Parameters, Predictor, Shape,
    Trainer, TrainingConfig,
};

use crate::formula::{self, Formula};
use crate::golden_file::{Golden, Goldens, family};
use crate::promises::assert_same_gradients_twice;
use crate::reference::{self, Statistics, Weights};
use crate::within;

const NETWORKS: usize = 400;
const LARGE_NETWORKS: usize = 60;
const CHANNELS: [usize; 10] = [1, 2, 3, 4, 7, 8, 15, 16, 17, 33];
#[test]
fn the_reference_agrees_with_the_goldens() {
    let goldens = Goldens::read();
    for case in ["conv2d", "pool", "dense", "activation", "loss", "optimizer"].into_iter().flat_map(family) {
        let network = case.front();
        let weights = Values::new(&case.parameters(&network));
        let inputs: Vec<f64> = case.float_inputs(0).into_iter().map(f64::from).collect();
        let samples = inputs.chunks(network.input().len());
        let outputs: Vec<f64> = samples.flat_map(|x| reference::forward(&network, &weights, x)).collect();
        let Golden::Whole(expected) = goldens.get(&format!("{}/output", case.key)) else { continue };
        assert_eq!(outputs.len(), expected.len(), "{}", case.key);
        for (actual, expected) in outputs.iter().zip(expected) {
            assert!((actual - f64::from(expected)).abs() <= 1e-6, "{}: {actual} {expected}", case.key);
        }
    }
}

#[test]
fn outputs_and_gradients_of_random_networks_are_those_of_the_reference() {
    let failures: Vec<String> =
        (0..NETWORKS).filter_map(|index| Subject::draw(index).check().err()).collect();
    assert!(failures.is_empty(), "{} of {NETWORKS}:\n{}", failures.len(), failures.join("\n"));
}

/// Pictures so large that a worker takes them one by one, or a few.
#[test]
fn a_batch_taken_twice_has_the_gradients_of_the_batch_in_random_networks() {
    for index in 0..LARGE_NETWORKS {
        let name = format!("large random network {index}");
        let (network, loss) = draw_network(&mut Formula::new(&name), 36..56);
        assert_same_gradients_twice(&name, &network, loss);
    }
}

/// A network with data.
struct Subject {
    index: usize,
    network: Network,
    loss: Loss,
    parameters: Parameters,
    inputs: Vec<f32>,
    targets: Vec<usize>,
}

impl Subject {
    fn draw(index: usize) -> Subject {
        let name = format!("random network {index}");
        let mut random = Formula::new(&name);
        let (network, loss) = draw_network(&mut random, 1..14);
        let mut parameters = Parameters::initial(&network, index as u64);
        for tensor in parameters.tensors_mut() {
            if tensor.name.ends_with("bias") {
                tensor.values.iter_mut().for_each(|value| *value = random.uniform(0.3));
            }
        }
        let samples = random.pick(&[1, 2, 3, 5, 9]);
        let inputs = formula::uniform(&format!("{name} input"), samples * network.input().len(), 1.0);
        let targets = formula::below(&format!("{name} targets"), samples, network.output().len().max(2));
        Subject { index, network, loss, parameters, inputs, targets }
    }

    fn check(&self) -> Result<(), String> {
        self.check_outputs()?;
        self.check_gradients()
    }

    fn check_outputs(&self) -> Result<(), String> {
        let weights = Values::new(&self.parameters);
        let expected: Vec<f64> =
            self.samples().flat_map(|x| reference::forward(&self.network, &weights, &x)).collect();
        let mut outputs = vec![0.0; expected.len()];
        Predictor::new(&self.network, &self.parameters, self.targets.len(), 2)
            .map_err(|error| self.failure(&error.to_string()))?
            .predict(Inputs::Floats(&self.inputs), &mut outputs);
        let largest = expected.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        match outputs.iter().zip(&expected).position(|(a, e)| !within(f64::from(*a) - *e, 2e-5 * largest)) {
            Some(at) => {
                Err(self.failure(&format!("output[{at}] is {} instead of {}", outputs[at], expected[at])))
            }
            None => Ok(()),
        }
    }

    /// Compares each gradient along one random direction with the slope of the reference's loss in that direction.
    fn check_gradients(&self) -> Result<(), String> {
        let config =
            TrainingConfig { loss: self.loss, batch_size: self.targets.len(), ..TrainingConfig::default() };
        let mut trainer = Trainer::new(&self.network, self.parameters.clone(), &config)
            .map_err(|error| self.failure(&error.to_string()))?;
        let batch = Batch { inputs: Inputs::Floats(&self.inputs), targets: &self.targets };
        let (outcome, gradients) = trainer.gradients(batch);
        let mut weights = Values::new(&self.parameters);
        // The engine's loss takes no probability nearer to 0 or 1 than this, so that none is infinite; its gradients do.
        let loss = self.reference_loss(&weights, |p| p.clamp(1e-7, 1.0 - 1e-7));
        if !within(f64::from(outcome.loss) - loss, 1e-5 * loss.abs().max(1.0)) {
            return Err(self.failure(&format!("loss is {} instead of {loss}", outcome.loss)));
        }
        let trained =
            gradients.tensors().iter().enumerate().filter(|(index, _)| gradients.is_trained(*index));
        let tolerance = self.rounding_of_zero(&gradients);
        for (_, gradient) in trained {
            self.check_slope(gradient, tolerance, &mut weights)?;
        }
        Ok(())
    }

    /// How far from zero a slope of zero may be. What stands before a batch norm may have a gradient of exactly zero (a
    /// bias has, always), which is then a sum of large terms that cancel: it is good to their rounding.
    fn rounding_of_zero(&self, gradients: &Parameters) -> f64 {
        let normalises = self.network.nodes().iter().any(|node| matches!(node.layer, Layer::BatchNorm(_)));
        let values = gradients.tensors().iter().flat_map(|gradient| &gradient.values);
        let largest = values.fold(0.0, |largest: f32, value| largest.max(value.abs()));
        if normalises { 1e-7 + 1e-6 * f64::from(largest) } else { 1e-7 }
    }

    fn check_slope(&self, gradient: &Parameter, tolerance: f64, weights: &mut Values) -> Result<(), String> {
        // In f64 the slope is still good to about 1e-8, and hardly ever does a ReLU change sides within the step.
        const STEP: f64 = 1e-8;
        let direction = formula::uniform(
            &format!("direction {} {}", self.index, gradient.name),
            gradient.values.len(),
            1.0,
        );
        let original = weights.0[&gradient.name].clone();
        let mut loss_at = |step: f64| {
            let moved = original.iter().zip(&direction).map(|(value, way)| value + step * f64::from(*way));
            weights.0.insert(gradient.name.clone(), moved.collect());
            self.reference_loss(weights, |p| p)
        };
        let expected = (loss_at(STEP) - loss_at(-STEP)) / (2.0 * STEP);
        loss_at(0.0);
        let terms = || gradient.values.iter().zip(&direction).map(|(g, way)| f64::from(*g) * f64::from(*way));
        let (actual, magnitude) = (terms().sum::<f64>(), terms().map(f64::abs).sum::<f64>());
        if within(actual - expected, 1e-4 * magnitude + tolerance) {
            return Ok(());
        }
        Err(self.failure(&format!("the slope of {} is {actual:e} instead of {expected:e}", gradient.name)))
    }

    /// The mean loss by the reference, after `seen` is done to each output.
    fn reference_loss(&self, weights: &Values, seen: impl Fn(f64) -> f64) -> f64 {
        let inputs: Vec<Vec<f64>> = self.samples().collect();
        let outputs = reference::forward_batch(&self.network, weights, &inputs, Statistics::Batch);
        let of_sample = |(output, &target): (&Vec<f64>, &usize)| {
            let output: Vec<f64> = output.iter().map(|&value| seen(value)).collect();
            reference::loss(self.loss, &output, target)
        };
        outputs.iter().zip(&self.targets).map(of_sample).sum::<f64>() / self.targets.len() as f64
    }

    fn samples(&self) -> impl Iterator<Item = Vec<f64>> {
        let size = self.network.input().len();
        self.inputs.chunks(size).map(|x| x.iter().map(|&value| f64::from(value)).collect())
    }

    fn failure(&self, what: &str) -> String {
        let layers: Vec<String> = self
            .network
            .summary()
            .iter()
            .map(|layer| format!("{} {} → {}", layer.kind, layer.settings, layer.output))
            .collect();
        format!(
            "network {}, {} samples of {}: {}: {what}",
            self.index,
            self.targets.len(),
            self.network.input(),
            layers.join(" | ")
        )
    }
}

fn draw_network(random: &mut Formula, sides: Range<usize>) -> (Network, Loss) {
    let side = |random: &mut Formula| sides.start + random.below(sides.len());
    let mut shape = Shape::image(side(random), side(random), random.pick(&CHANNELS));
    let input = shape;
    let mut layers: Vec<NamedLayer> = Vec::new();
    // What can be read: the names and shapes of all tensors so far.
    let mut tensors = vec![(INPUT_NAME.to_owned(), shape)];
    for index in 0..random.below(7) {
        let last = tensors[tensors.len() - 1].0.clone();
        // What does not fit in is left away.
        let named = if random.below(4) == 0 {
            let (other, _) = &tensors[random.below(tensors.len())];
            let join: Layer = if random.below(3) == 0 { Concat {}.into() } else { Add {}.into() };
            NamedLayer::new(format!("layer{index}"), join).reading([&last, other])
        } else {
            NamedLayer::new(format!("layer{index}"), draw_layer(random, shape)).reading([&last])
        };
        let read = |name: &String| tensors.iter().find(|(known, _)| known == name).expect("it was drawn").1;
        let inputs: Vec<Shape> = named.inputs.iter().map(read).collect();
        if let Ok(output) = named.layer.config().output_shape(&inputs) {
            shape = output;
            tensors.push((format!("layer{index}"), shape));
            layers.push(named);
        }
    }
    let mut top: Vec<Layer> = Vec::new();
    top.push(match random.below(4) {
        0 => GlobalMaxPool::default().into(),
        1 => GlobalAvgPool::default().into(),
        _ => Flatten {}.into(),
    });
    if random.below(2) == 0 {
        top.push(Dense::new(1 + random.below(40), draw_function(random)).into());
    }
    let (loss, units, activation) = random.pick(&[
        (Loss::CrossEntropy, 3, Activation::Softmax),
        (Loss::CrossEntropy, 11, Activation::Softmax),
        (Loss::BinaryCrossEntropy, 1, Activation::Sigmoid),
        (Loss::MeanSquaredError, 1, Activation::Sigmoid),
        (Loss::MeanSquaredError, 4, Activation::Softmax),
    ]);
    top.push(Dense::new(units, activation).into());
    layers.extend(top.into_iter().map(NamedLayer::from));
    (Network::new(input, layers).expect("only layers that fit were taken"), loss)
}

/// Any activation but softmax, which stands at the end.
fn draw_function(random: &mut Formula) -> Activation {
    random.pick(&Activation::ALL[..Activation::ALL.len() - 1])
}

fn draw_layer(random: &mut Formula, input: Shape) -> Layer {
    let Shape::Image { channels, .. } = input else { unreachable!("pictures until the head") };
    let size = Pair { rows: random.pick(&[1, 2, 3, 3, 5, 7]), columns: random.pick(&[1, 2, 3, 3, 5, 7]) };
    let size = if random.below(2) == 0 { Pair::square(size.rows) } else { size };
    let stride = Pair { rows: random.pick(&[1, 1, 2, 3]), columns: random.pick(&[1, 1, 2, 3]) };
    let padding = random.pick(&[Padding::Valid, Padding::Same]);
    match random.below(9) {
        // A small variance would make much of rounding.
        8 => BatchNorm { epsilon: 0.1, ..BatchNorm::default() }.into(),
        0 => MaxPool2d { size, stride: random.pick(&[None, Some(stride)]), padding }.into(),
        1 => AvgPool2d { size, stride: random.pick(&[None, Some(stride)]), padding }.into(),
        2 => MaxPool2d::new(2).into(),
        3 => ActivationLayer { function: draw_function(random) }.into(),
        which => {
            let divisors: Vec<usize> = (1..=channels).filter(|groups| channels % groups == 0).collect();
            let groups = if which == 4 { random.pick(&divisors) } else { 1 };
            let per_group = if groups == 1 { random.pick(&CHANNELS) } else { 1 + random.below(3) };
            let plain = Conv2d::new(groups * per_group, 1).activation(draw_function(random));
            let stride = if which == 5 { stride } else { plain.stride };
            Conv2d { kernel: size, stride, padding, groups, bias: random.below(4) > 0, ..plain }.into()
        }
    }
}

/// Parameters in f64.
pub struct Values(pub HashMap<String, Vec<f64>>);

impl Values {
    pub fn new(parameters: &Parameters) -> Values {
        let wide = |tensor: &Parameter| tensor.values.iter().map(|&value| f64::from(value)).collect();
        Values(parameters.tensors().iter().map(|tensor| (tensor.name.clone(), wide(tensor))).collect())
    }
}

impl Weights for Values {
    fn get(&self, name: &str) -> Option<&[f64]> {
        self.0.get(name).map(Vec::as_slice)
    }
}
