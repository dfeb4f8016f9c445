//! A network: named layers that read each other's outputs, with static shapes, checked when it is put together.

use std::collections::HashSet;

use crate::layer::{Layer, LayerProblem, ParameterSpec};
use crate::{EngineError, Shape};

/// A graph of layers in the order in which they compute, every shape known.
///
/// A layer reads the one before it, or those that it names. Once a layer makes a vector, the rest stands one behind
/// the other.
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
    /// What it reads; more than one only for layers that join.
    pub inputs: Vec<Source>,
    /// The shape of what comes in, for one sample; of the first where there are several.
    pub input: Shape,
    /// The shape of what comes out.
    pub output: Shape,
}

/// What a layer reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The network's input.
    Input,
    /// The output of the layer at this place in [`Network::nodes`].
    Layer(usize),
}

/// What the network's input is called among the inputs of a layer.
pub const INPUT_NAME: &str = "input";

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
    /// Puts `layers` together. Each comes with its name or with none, then it is called by its kind and a running
    /// number; each reads the layers that it names, or with none the one before it.
    ///
    /// # Errors
    /// Names the first layer whose settings are impossible, whose input does not fit (with the shape), that reads a
    /// layer which does not stand before it, or whose output nothing reads.
    pub fn new<L>(input: Shape, layers: impl IntoIterator<Item = L>) -> Result<Network, EngineError>
    where
        L: Into<NamedLayer>,
    {
        let mut network = Network { input, nodes: Vec::new() };
        let mut names = HashSet::from([INPUT_NAME.to_owned()]);
        for named in layers {
            let NamedLayer { name, inputs, layer } = named.into();
            let name = name.unwrap_or_else(|| network.running_name(layer.kind()));
            if !names.insert(name.clone()) {
                return Err(EngineError::NameTwice(name));
            }
            let inputs = network.sources(&name, &inputs)?;
            network.push(name, inputs, layer)?;
        }
        network.check_graph()?;
        Ok(network)
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

    /// The shape of what a layer can read.
    pub fn shape_of(&self, source: Source) -> Shape {
        match source {
            Source::Input => self.input,
            Source::Layer(index) => self.nodes[index].output,
        }
    }

    /// The layers as they would stand in a recipe; a layer's inputs are named only where it does not simply read the
    /// one before it.
    pub fn layers(&self) -> Vec<NamedLayer> {
        let named = |(index, node): (usize, &NetworkNode)| NamedLayer {
            name: Some(node.name.clone()),
            inputs: if node.inputs == [last_of(index)] {
                Vec::new()
            } else {
                node.inputs.iter().map(|&source| self.name_of(source).to_owned()).collect()
            },
            layer: node.layer.clone(),
        };
        self.nodes.iter().enumerate().map(named).collect()
    }

    /// How many layers read the output of the one at `index`.
    pub(crate) fn readers(&self, index: usize) -> usize {
        self.nodes
            .iter()
            .flat_map(|node| &node.inputs)
            .filter(|&&source| source == Source::Layer(index))
            .count()
    }

    fn name_of(&self, source: Source) -> &str {
        match source {
            Source::Input => INPUT_NAME,
            Source::Layer(index) => &self.nodes[index].name,
        }
    }

    fn sources(&self, layer: &str, names: &[String]) -> Result<Vec<Source>, EngineError> {
        if names.is_empty() {
            return Ok(vec![last_of(self.nodes.len())]);
        }
        let source = |name: &String| {
            if name == INPUT_NAME {
                return Ok(Source::Input);
            }
            let place = self.nodes.iter().position(|node| node.name == *name).map(Source::Layer);
            place.ok_or_else(|| EngineError::SourceUnknown {
                layer: layer.to_owned(),
                source_name: name.clone(),
            })
        };
        names.iter().map(source).collect()
    }

    fn push(&mut self, name: String, inputs: Vec<Source>, layer: Layer) -> Result<(), EngineError> {
        let shapes: Vec<Shape> = inputs.iter().map(|&source| self.shape_of(source)).collect();
        let input = shapes[0];
        match layer.config().joined_shape(&shapes) {
            Ok(output) => {
                self.nodes.push(NetworkNode { name, layer, inputs, input, output });
                Ok(())
            }
            Err(LayerProblem::Input(needs)) => {
                let input = shapes.iter().map(Shape::to_string).collect::<Vec<_>>().join(" and ");
                Err(EngineError::InputDoesNotFit { layer: name, kind: layer.kind(), input, needs })
            }
            Err(LayerProblem::Setting { name: setting, value, needs }) => {
                Err(EngineError::BadSetting { layer: name, kind: layer.kind(), setting, value, needs })
            }
        }
    }

    /// Every output is read, and what works on vectors stands in a row.
    fn check_graph(&self) -> Result<(), EngineError> {
        let last = self.nodes.len().checked_sub(1).ok_or(EngineError::NoLayers)?;
        if let Some(unread) = (0..last).find(|&index| self.readers(index) == 0) {
            return Err(EngineError::OutputUnread(self.nodes[unread].name.clone()));
        }
        let is_vector = |source: &Source| matches!(self.shape_of(*source), Shape::Features(_));
        let out_of_row = |(index, node): (usize, &NetworkNode)| {
            node.inputs.iter().any(is_vector) && node.inputs != [last_of(index)]
        };
        match self.nodes.iter().enumerate().find(|&node| out_of_row(node)) {
            Some((_, node)) => Err(EngineError::BranchOnVectors(node.name.clone())),
            None => Ok(()),
        }
    }
}

/// What a layer at `index` reads that names nothing.
fn last_of(index: usize) -> Source {
    index.checked_sub(1).map_or(Source::Input, Source::Layer)
}

/// A layer and, where a person gave it one, its name.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct NamedLayer {
    /// Unique in the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The names of the layers that it reads (`input` is the network's input); empty for the one before it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
    /// What it computes.
    #[serde(flatten)]
    pub layer: Layer,
}

impl NamedLayer {
    /// `layer`, called `name`, reading the layer before it.
    pub fn new(name: impl Into<String>, layer: impl Into<Layer>) -> NamedLayer {
        NamedLayer { name: Some(name.into()), inputs: Vec::new(), layer: layer.into() }
    }

    /// Reading these layers.
    pub fn reading<N: Into<String>>(self, inputs: impl IntoIterator<Item = N>) -> NamedLayer {
        NamedLayer { inputs: inputs.into_iter().map(Into::into).collect(), ..self }
    }
}

impl<L: Into<Layer>> From<L> for NamedLayer {
    fn from(layer: L) -> NamedLayer {
        NamedLayer { name: None, inputs: Vec::new(), layer: layer.into() }
    }
}

fn summarise(node: &NetworkNode) -> LayerSummary {
    LayerSummary {
        name: node.name.clone(),
        kind: node.layer.kind(),
        settings: node.layer.config().describe(),
        output: node.output,
        parameters: node.parameters().iter().filter(|spec| spec.trained).map(ParameterSpec::len).sum(),
        multiply_adds: node.layer.config().multiply_adds(node.input, node.output),
    }
}
