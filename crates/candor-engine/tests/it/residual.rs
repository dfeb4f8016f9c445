//! A residual network with batch norm against PyTorch: five steps, and the answers with the running means afterwards
//! (see `goldens/residual.py`).

use std::collections::BTreeMap;

use candor_engine::layer::Initial;
use candor_engine::optimizer::Sgd;
use candor_engine::{
    Batch, Inputs, Network, Parameters, Predictor, Shape, Trainer, TrainingConfig, architecture,
};

use crate::formula;
use crate::within;

const CLASSES: usize = 5;
const BATCH: usize = 6;
const STEPS: usize = 5;

#[derive(serde::Deserialize)]
struct Golden {
    losses: Vec<f64>,
    answers: Vec<f64>,
    tensors: BTreeMap<String, Vec<f64>>,
}

#[test]
fn a_residual_network_learns_as_in_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("../goldens/residual.json")).unwrap();
    let resnet = architecture::find("resnet8").unwrap();
    let network = resnet.build(Shape::image(12, 10, 3), CLASSES).unwrap();
    let config = TrainingConfig {
        optimizer: Sgd { learning_rate: 0.05, momentum: 0.9, ..Sgd::default() }.into(),
        batch_size: BATCH,
        ..TrainingConfig::default()
    };
    let mut trainer = Trainer::new(&network, parameters(&network), &config).unwrap();
    let inputs =
        |step: usize| formula::uniform(&format!("residual/input {step}"), BATCH * network.input().len(), 1.0);
    for (step, &expected) in golden.losses.iter().enumerate() {
        let targets = formula::below(&format!("residual/targets {step}"), BATCH, CLASSES);
        let loss = trainer.step(Batch { inputs: Inputs::Floats(&inputs(step)), targets: &targets }).loss;
        assert!(within(f64::from(loss) - expected, 1e-5), "step {step}: {loss} for {expected}");
    }
    for (name, expected) in &golden.tensors {
        let tensor = trainer.parameters().get(name).unwrap_or_else(|| panic!("{name} is missing"));
        assert_close(name, &tensor.values, expected);
    }
    let mut answers = vec![0.0; golden.answers.len()];
    trainer.predict(Inputs::Floats(&inputs(STEPS)), &mut answers);
    assert_close("answers", &answers, &golden.answers);
    // A predictor has the batch norms inside its convolutions.
    let mut predictor = Predictor::new(&network, trainer.parameters(), 4, 1).unwrap();
    predictor.predict(Inputs::Floats(&inputs(STEPS)), &mut answers);
    assert_close("answers of a predictor", &answers, &golden.answers);
}

/// The golden's initial parameters, from the formula.
fn parameters(network: &Network) -> Parameters {
    let mut parameters = Parameters::initial(network, 0);
    let specs = network.nodes().iter().flat_map(|node| node.parameters()).collect::<Vec<_>>();
    for (tensor, spec) in parameters.tensors_mut().iter_mut().zip(specs) {
        let (limit, shift) = match (spec.initial, tensor.name.as_str()) {
            (Initial::Glorot { fan_in, fan_out }, _) => ((6.0 / (fan_in + fan_out) as f64).sqrt(), 0.0),
            (_, "dense_1.bias") => (0.1, 0.0),
            (Initial::Constant(value), _) if spec.trained => (0.3, value),
            (Initial::Constant(_), _) => continue,
        };
        let values = formula::uniform(&format!("residual/{}", tensor.name), tensor.values.len(), limit);
        tensor.values = values.into_iter().map(|value| value + shift).collect();
    }
    parameters
}

fn assert_close(what: &str, actual: &[f32], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0, |largest, value| f64::max(largest, value.abs()));
    for (index, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        let difference = f64::from(actual) - expected;
        assert!(within(difference, 3e-5 * largest), "{what} [{index}]: {actual} for {expected}");
    }
}
