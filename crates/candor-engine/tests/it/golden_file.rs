//! Reads `goldens/cases.json` and `goldens/goldens.safetensors`; what is in them is told by `goldens/generate.py`.

use std::path::PathBuf;

use candor_engine::layer::{Flatten, Layer, ParameterSpec};
use candor_engine::{Loss, LossSettings, NamedLayer, Network, Optimizer, Parameter, Parameters, Shape};
use safetensors::SafeTensors;
use serde::Deserialize;
use serde_json::Value;

use crate::formula;

/// Values of a larger tensor that are stored.
const SAMPLES: usize = 128;

/// A network, its data and how it is trained.
#[derive(Deserialize)]
pub struct Case {
    #[serde(skip)]
    pub key: String,
    name: String,
    #[serde(default)]
    salt: String,
    /// Rows, columns, channels.
    input: [usize; 3],
    /// What the case is about.
    pub layers: Vec<NamedLayer>,
    /// What is put behind, so that there is something to learn.
    head: Vec<NamedLayer>,
    pub loss: Loss,
    pub optimizer: Optimizer,
    #[serde(default)]
    label_smoothing: f32,
    #[serde(default)]
    class_weights: Vec<f32>,
    focal_gamma: Option<f32>,
    #[serde(default)]
    pub clip_norm: f32,
    pub batch: usize,
    /// Whether the inputs are bytes.
    #[serde(default)]
    pub bytes: bool,
    /// The registered architecture that `layers` spells out, dropout left away.
    pub architecture: Option<String>,
    #[serde(default)]
    pub classes: usize,
    /// How far the parameters' changes may be off, where the usual tolerance cannot be asked for.
    pub changes_tolerance: Option<f64>,
}

/// Every case of a family.
pub fn family(family: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("cases.json")).expect("cases.json is committed");
    let table: Value = serde_json::from_str(&text).expect("cases.json is JSON");
    let defaults = &table[family];
    let cases = defaults["cases"].as_array().expect("a family has cases");
    cases.iter().map(|case| Case::new(family, defaults, case)).collect()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

impl Case {
    pub fn loss_settings(&self) -> LossSettings {
        let usual = LossSettings::default();
        LossSettings {
            label_smoothing: self.label_smoothing,
            class_weights: self.class_weights.clone(),
            focal_gamma: self.focal_gamma.unwrap_or(usual.focal_gamma),
        }
    }

    fn new(family: &str, defaults: &Value, case: &Value) -> Case {
        let mut merged = defaults.as_object().expect("a family is an object").clone();
        merged.extend(case.as_object().expect("a case is an object").clone());
        let mut case: Case = serde_json::from_value(merged.into()).unwrap_or_else(|e| panic!("{case}: {e}"));
        case.key = format!("{family}/{}", case.name);
        case
    }

    /// The shape of one input.
    pub fn input(&self) -> Shape {
        Shape::image(self.input[0], self.input[1], self.input[2])
    }

    /// The network up to what is put behind; its output is flattened.
    pub fn front(&self) -> Network {
        let mut layers = self.layers.clone();
        layers.push(Layer::from(Flatten {}).into());
        Network::new(self.input(), layers).unwrap_or_else(|e| panic!("{}: {e}", self.key))
    }

    /// The whole network.
    pub fn network(&self) -> Network {
        let layers = self.layers.iter().chain(&self.head).cloned();
        Network::new(self.input(), layers).unwrap_or_else(|e| panic!("{}: {e}", self.key))
    }

    /// The initial parameters of `network`, which is the case's network or its front.
    pub fn parameters(&self, network: &Network) -> Parameters {
        let mut tensors = Vec::new();
        for node in network.nodes() {
            for spec in node.parameters() {
                let name = format!("{}.{}", node.name, spec.name);
                let values =
                    formula::uniform(&self.seed(&name), spec.len(), initial_limit(&node.layer, &spec));
                tensors.push(Parameter { name, shape: spec.shape, values });
            }
        }
        Parameters::from_tensors(network, tensors).expect("the tensors are the network's")
    }

    /// The `batch`-th batch as values that enter the network as they are.
    pub fn float_inputs(&self, batch: usize) -> Vec<f32> {
        formula::uniform(&self.seed(&format!("input {batch}")), self.batch * self.input().len(), 1.0)
    }

    /// The `batch`-th batch as bytes.
    pub fn byte_inputs(&self, batch: usize) -> Vec<u8> {
        formula::bytes(&self.seed(&format!("input {batch}")), self.batch * self.input().len())
    }

    /// The class of each sample of the `batch`-th batch.
    pub fn targets(&self, batch: usize) -> Vec<usize> {
        let classes = self.network().output().len().max(2);
        formula::below(&self.seed(&format!("targets {batch}")), self.batch, classes)
    }

    fn seed(&self, name: &str) -> String {
        format!("{}{}/{name}", self.key, self.salt)
    }
}

/// Weights within ±√(6 / (fan in + fan out)), biases within ±0.1: not zero, so that they are tested.
fn initial_limit(layer: &Layer, spec: &ParameterSpec) -> f64 {
    let fans = match layer {
        _ if spec.name == "bias" => return 0.1,
        Layer::Conv2d(conv) => {
            let taps = conv.kernel.rows * conv.kernel.columns;
            spec.shape[1] * taps + conv.filters / conv.groups * taps
        }
        _ => spec.shape[0] + spec.shape[1],
    };
    (6.0 / fans as f64).sqrt()
}

/// The stored tensors.
pub struct Goldens(Vec<u8>);

/// What is known of a tensor.
pub enum Golden {
    /// All values.
    Whole(Vec<f32>),
    /// Some values, and sums over all.
    Digest {
        /// Those at [`sample_positions`].
        samples: Vec<f32>,
        /// Of the values, of their magnitudes, of the values weighted with [`formula::uniform`].
        sums: [f32; 3],
    },
}

impl Goldens {
    pub fn read() -> Goldens {
        Goldens(std::fs::read(folder().join("goldens.safetensors")).expect("the goldens are committed"))
    }

    /// What is stored under `key`.
    pub fn get(&self, key: &str) -> Golden {
        let file = SafeTensors::deserialize(&self.0).expect("the goldens are safetensors");
        let values = |key: &str| file.tensor(key).ok().map(|tensor| floats(tensor.data()));
        if let Some(whole) = values(key) {
            return Golden::Whole(whole);
        }
        let part = |part: &str| values(&format!("{key}/{part}")).unwrap_or_else(|| panic!("no golden {key}"));
        let sums = part("sums").try_into().expect("there are three sums");
        Golden::Digest { samples: part("samples"), sums }
    }
}

/// Which values of a tensor of `count` are stored.
pub fn sample_positions(count: usize) -> Vec<usize> {
    let mut formula = formula::Formula::new("positions");
    (0..SAMPLES).map(|_| (formula.bits() % count as u64) as usize).collect()
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four bytes"))).collect()
}
