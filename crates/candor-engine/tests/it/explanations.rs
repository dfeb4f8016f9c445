//! What explanations are made of, against `shap` and `captum` on the same weights in PyTorch (see
//! `goldens/explanations.py`): contributions by DeepLIFT, gradients along a line, gradients of feature maps.

use std::collections::BTreeMap;

use candor_engine::layer::{Activation, ActivationLayer, Conv2d, Dense, Flatten, Initial, Layer, MaxPool2d};
use candor_engine::{
    DeepLift, Differentiator, End, Inputs, Network, Parameters, Predictor, Shape, architecture,
};

use crate::formula;
use crate::within;

const BACKGROUND: usize = 5;
const STEPS: usize = 32;
/// Of a map's largest value.
const TOLERANCE: f64 = 1e-3;

#[derive(serde::Deserialize)]
struct Golden {
    scores: Vec<f64>,
    shap: Vec<Vec<f64>>,
    shap_softmax: Option<Vec<f64>>,
    integrated: Vec<Vec<f64>>,
    grad_cam: Vec<Vec<f64>>,
}

/// A network with the golden's weights and pictures.
struct Case {
    name: &'static str,
    network: Network,
    parameters: Parameters,
    picture: Vec<f32>,
    background: Vec<f32>,
    golden: Golden,
}

/// Name, height, width, classes, the last layer of convolution.
const CASES: [(&str, usize, usize, usize, &str); 3] = [
    ("mnist-cnn", 20, 18, 10, "conv2d_2"),
    ("simple-cnn", 24, 22, 4, "conv2d_3"),
    ("face-cnn", 12, 10, 2, "conv2d_2"),
];

impl Case {
    fn all() -> impl Iterator<Item = (Case, &'static str)> {
        let mut goldens: BTreeMap<String, Golden> =
            serde_json::from_str(include_str!("../goldens/explanations.json")).unwrap();
        CASES.into_iter().map(move |(name, height, width, classes, last)| {
            let built = architecture::find(name).unwrap().build(Shape::image(height, width, 1), classes);
            let network = built.unwrap();
            let parameters = parameters(name, &network);
            let count = (1 + BACKGROUND) * height * width;
            let inputs = formula::uniform(&format!("explanations/{name}/inputs"), count, 0.5);
            let mut picture: Vec<f32> = inputs.iter().map(|value| value + 0.5).collect();
            let background = picture.split_off(height * width);
            let golden = goldens.remove(name).unwrap();
            (Case { name, network, parameters, picture, background, golden }, last)
        })
    }

    /// Contributions to some units, averaged over the background.
    fn contributions(&self, end: End, units: usize) -> Vec<Vec<f32>> {
        contributions((&self.network, &self.parameters), (&self.picture, &self.background), end, units)
    }
}

/// Contributions of a picture's values to the first `units` units, averaged over the background.
fn contributions(
    (network, parameters): (&Network, &Parameters),
    (picture, background): (&[f32], &[f32]),
    end: End,
    units: usize,
) -> Vec<Vec<f32>> {
    let seeds: Vec<Vec<f32>> = (0..units).map(|unit| one_of(network.output().len(), unit)).collect();
    let mut deep_lift = DeepLift::new(network, parameters, background, BACKGROUND, 2).unwrap();
    let all = deep_lift.contributions(picture, end, &seeds);
    all.chunks_exact(picture.len()).map(<[f32]>::to_vec).collect()
}

fn one_of(units: usize, unit: usize) -> Vec<f32> {
    (0..units).map(|other| f32::from(other == unit)).collect()
}

fn parameters(name: &str, network: &Network) -> Parameters {
    let mut parameters = Parameters::initial(network, 0);
    let specs: Vec<_> = network.nodes().iter().flat_map(|node| node.parameters()).collect();
    for (tensor, spec) in parameters.tensors_mut().iter_mut().zip(specs) {
        let limit = match spec.initial {
            Initial::Glorot { fan_in, fan_out } => (6.0 / (fan_in + fan_out) as f64).sqrt(),
            Initial::Constant(_) => 0.1,
        };
        let name = format!("explanations/{name}/{}", tensor.name);
        tensor.values = formula::uniform(&name, tensor.values.len(), limit);
    }
    parameters
}

#[test]
fn contributions_are_those_of_shap_and_add_up() {
    for (case, _) in Case::all() {
        let units = case.golden.shap.len();
        let contributions = case.contributions(End::Score, units);
        let mut differentiator = Differentiator::new(&case.network, &case.parameters, 6, 2).unwrap();
        let (scores, _) = differentiator.answers(Inputs::Floats(&case.picture));
        assert_close(&format!("{}: scores", case.name), &scores, &case.golden.scores);
        let (of_background, _) = differentiator.answers(Inputs::Floats(&case.background));
        for (unit, (got, expected)) in contributions.iter().zip(&case.golden.shap).enumerate() {
            assert_close(&format!("{}: shap {unit}", case.name), got, expected);
            let mean: f32 =
                of_background.iter().skip(unit).step_by(scores.len()).sum::<f32>() / BACKGROUND as f32;
            let difference = f64::from(scores[unit] - mean);
            let sum: f64 = got.iter().map(|&value| f64::from(value)).sum();
            println!("{} {unit}: misses by {:.1e} of {difference:.3}", case.name, sum - difference);
            assert!(within(sum - difference, 1e-4 * difference.abs().max(0.1)), "{}: {sum}", case.name);
        }
        if let Some(expected) = &case.golden.shap_softmax {
            assert_close("softmax", &case.contributions(End::Output, 1)[0], expected);
        }
    }
}

#[derive(serde::Deserialize)]
struct Issue3938 {
    scores: Vec<f64>,
    difference: Vec<f64>,
    shap_misses: f64,
    shap: Vec<Vec<f64>>,
}

/// The two convolutions of shap's issue 3938, where DeepExplainer's parts do not make the whole.
#[test]
fn parts_make_the_whole_on_the_network_of_shap_s_issue_3938() {
    let golden: Issue3938 = serde_json::from_str(include_str!("../goldens/issue_3938.json")).unwrap();
    let relu = || ActivationLayer { function: Activation::Relu };
    let layers: [Layer; 9] = [
        Conv2d::new(10, 5).into(),
        MaxPool2d::new(2).into(),
        relu().into(),
        Conv2d::new(20, 5).into(),
        MaxPool2d::new(2).into(),
        relu().into(),
        Flatten {}.into(),
        Dense::new(50, Activation::Relu).into(),
        Dense::new(10, Activation::Softmax).into(),
    ];
    let (name, size) = ("issue-3938", 28 * 28);
    let network = Network::new(Shape::image(28, 28, 1), layers).unwrap();
    let inputs = formula::uniform(&format!("explanations/{name}/inputs"), (1 + BACKGROUND) * size, 0.5);
    let mut picture: Vec<f32> = inputs.iter().map(|value| value + 0.5).collect();
    let background = picture.split_off(size);
    let parameters = parameters(name, &network);
    let mut differentiator = Differentiator::new(&network, &parameters, 6, 2).unwrap();
    assert_close("scores", &differentiator.answers(Inputs::Floats(&picture)).0, &golden.scores);
    let units = golden.shap.len();
    let found = contributions((&network, &parameters), (&picture, &background), End::Score, units);
    let mut most = 0.0_f64;
    for (unit, (got, expected)) in found.iter().zip(&golden.shap).enumerate() {
        assert_close(&format!("shap, written with modules, {unit}"), got, expected);
        let sum: f64 = got.iter().map(|&value| f64::from(value)).sum();
        most = most.max((sum - golden.difference[unit]).abs());
    }
    println!("candor misses by {most:.1e}, shap's DeepExplainer by {:.1e}", golden.shap_misses);
    assert!(most < 1e-5 && golden.shap_misses > 0.1, "{most}");
}

#[test]
fn gradients_along_a_line_and_of_feature_maps_are_those_of_captum() {
    for (case, last) in Case::all() {
        let units = case.network.output().len();
        let (len, from) = (case.picture.len(), &case.background[..case.picture.len()]);
        let at = |step: usize| (step as f32 + 0.5) / STEPS as f32;
        let line: Vec<f32> = (0..STEPS)
            .flat_map(|step| from.iter().zip(&case.picture).map(move |(b, x)| b + (x - b) * at(step)))
            .collect();
        let mut differentiator = Differentiator::new(&case.network, &case.parameters, 8, 2).unwrap();
        for (unit, expected) in case.golden.integrated.iter().enumerate() {
            let seed = |_: usize, _: &[f32], seed: &mut [f32]| seed[unit] = 1.0;
            let gradients = differentiator.gradient(Inputs::Floats(&line), End::Score, seed);
            let mean = |at: usize| gradients[at..].iter().step_by(len).sum::<f32>() / STEPS as f32;
            let got: Vec<f32> = (0..len).map(|at| mean(at) * (case.picture[at] - from[at])).collect();
            assert_close(&format!("{}: integrated {unit}", case.name), &got, expected);
        }

        let (front, back) = case.network.split_after(last).unwrap();
        let part = |network: &Network| {
            let names = Parameters::zeros(network);
            let tensors = case.parameters.tensors().iter().filter(|tensor| names.get(&tensor.name).is_some());
            Parameters::from_tensors(network, tensors.cloned().collect()).unwrap()
        };
        let Shape::Image { height, width, channels } = front.output() else {
            panic!("it makes feature maps")
        };
        let pixels = height * width;
        let mut maps = vec![0.0; pixels * channels];
        Predictor::new(&front, &part(&front), 1, 1)
            .unwrap()
            .predict(Inputs::Floats(&case.picture), &mut maps);
        let inputs: Vec<f32> =
            (0..maps.len()).map(|at| maps[at % channels * pixels + at / channels]).collect();
        let mut differentiator = Differentiator::new(&back, &part(&back), 1, 1).unwrap();
        for (unit, expected) in case.golden.grad_cam.iter().enumerate().take(units) {
            let seed = |_: usize, _: &[f32], seed: &mut [f32]| seed[unit] = 1.0;
            let gradient = differentiator.gradient(Inputs::Floats(&inputs), End::Score, seed);
            let mut got = vec![0.0; pixels];
            for channel in 0..channels {
                let weight = gradient[channel..].iter().step_by(channels).sum::<f32>() / pixels as f32;
                let map = &maps[channel * pixels..][..pixels];
                got.iter_mut().zip(map).for_each(|(sum, value)| *sum += weight * value);
            }
            assert_close(&format!("{}: grad-cam {unit}", case.name), &got, expected);
        }
    }
}

fn assert_close(what: &str, got: &[f32], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(1e-6_f64, |largest, value| largest.max(value.abs()));
    for (at, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let difference = f64::from(got) - expected;
        assert!(within(difference, TOLERANCE * largest), "{what} at {at}: {got} for {expected} ({largest})");
    }
}
