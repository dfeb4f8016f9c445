//! A network: named layers with static shapes, checked when it is put together.

use std::collections::HashSet;

use crate::layer::{Layer, LayerProblem, ParameterSpec};
use crate::{EngineError, Shape};

/// Layers one behind the other, every shape known.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    input: Shape,
    nodes: Vec<NetworkNode>,
}

/// One layer in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkNode {
    /// Unique in the network: the given name, else the kind with a running number (`conv2d_2`).
    pub name: String,
    /// What it computes.
    pub layer: Layer,
    /// The shape of what comes in, for one sample.
    pub input: Shape,
    /// The shape of what comes out.
    pub output: Shape,
}

impl NetworkNode {
    /// Its trained tensors.
    pub fn parameters(&self) -> Vec<ParameterSpec> {
        self.layer.config().parameters(self.input)
    }
}

/// A row of the layer table.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSummary {
    /// The layer's name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Its settings in a few words.
    pub settings: String,
    /// What comes out for one sample.
    pub output: Shape,
    /// Trained values.
    pub parameters: usize,
    /// Multiply-adds for one sample, forward.
    pub multiply_adds: u64,
}

impl Network {
    /// Puts `layers` one behind the other. Each comes with its name or with none, then it is called by its kind and
    /// a running number.
    ///
    /// # Errors
    /// Names the first layer whose settings are impossible or whose input does not fit, with the shape.
    pub fn sequential<L>(input: Shape, layers: impl IntoIterator<Item = L>) -> Result<Network, EngineError>
    where
        L: Into<NamedLayer>,
    {
        let mut network = Network { input, nodes: Vec::new() };
        let mut names = HashSet::new();
        for named in layers {
            let NamedLayer { name, layer } = named.into();
            let name = name.unwrap_or_else(|| network.running_name(layer.kind()));
            if !names.insert(name.clone()) {
                return Err(EngineError::NameTwice(name));
            }
            network.push(name, layer)?;
        }
        if network.nodes.is_empty() { Err(EngineError::NoLayers) } else { Ok(network) }
    }

    /// The shape of one sample's input.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The shape of one sample's output.
    pub fn output(&self) -> Shape {
        self.nodes.last().map_or(self.input, |node| node.output)
    }

    /// The layers in the order in which they compute.
    pub fn nodes(&self) -> &[NetworkNode] {
        &self.nodes
    }

    /// The layer table.
    pub fn summary(&self) -> Vec<LayerSummary> {
        self.nodes.iter().map(summarise).collect()
    }

    /// Trained values of all layers.
    pub fn parameter_count(&self) -> usize {
        self.summary().iter().map(|layer| layer.parameters).sum()
    }

    /// Multiply-adds of a forward pass of one sample.
    pub fn multiply_adds(&self) -> u64 {
        self.summary().iter().map(|layer| layer.multiply_adds).sum()
    }

    fn running_name(&self, kind: &str) -> String {
        let before = self.nodes.iter().filter(|node| node.layer.kind() == kind).count();
        format!("{kind}_{}", before + 1).replace('-', "_")
    }

    fn push(&mut self, name: String, layer: Layer) -> Result<(), EngineError> {
        let input = self.output();
        match layer.config().output_shape(input) {
            Ok(output) => {
                self.nodes.push(NetworkNode { name, layer, input, output });
                Ok(())
            }
            Err(LayerProblem::Input(needs)) => {
                Err(EngineError::InputDoesNotFit { layer: name, kind: layer.kind(), input, needs })
            }
            Err(LayerProblem::Setting { name: setting, value, needs }) => {
                Err(EngineError::BadSetting { layer: name, kind: layer.kind(), setting, value, needs })
            }
        }
    }
}

/// A layer and, where a person gave it one, its name.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct NamedLayer {
    /// Unique in the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it computes.
    #[serde(flatten)]
    pub layer: Layer,
}

impl<L: Into<Layer>> From<L> for NamedLayer {
    fn from(layer: L) -> NamedLayer {
        NamedLayer { name: None, layer: layer.into() }
    }
}

fn summarise(node: &NetworkNode) -> LayerSummary {
    LayerSummary {
        name: node.name.clone(),
        kind: node.layer.kind(),
        settings: node.layer.config().describe(),
        output: node.output,
        parameters: node.parameters().iter().map(ParameterSpec::len).sum(),
        multiply_adds: node.layer.config().multiply_adds(node.input, node.output),
    }
}
