//! A network: named layers that read each other's outputs, with static shapes, checked when it is put together.

use std::collections::HashSet;

use crate::layer::{Activation, Layer, LayerProblem, ParameterSpec};
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
    /// Its settings in a few words, and what it reads if that is not the layer before it.
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

    /// The function that the last layer applies to what comes out: [`Activation::Linear`] where it applies none.
    pub fn output_activation(&self) -> Activation {
        match self.nodes.last().map(|node| &node.layer) {
            Some(Layer::Dense(dense)) => dense.activation,
            Some(Layer::Conv2d(convolution)) => convolution.activation,
            Some(Layer::Activation(layer)) => layer.function,
            _ => Activation::Linear,
        }
    }

    /// The layers in the order in which they compute.
    pub fn nodes(&self) -> &[NetworkNode] {
        &self.nodes
    }

    /// The layer table.
    pub fn summary(&self) -> Vec<LayerSummary> {
        let summary = |(index, node): (usize, &NetworkNode)| {
            let mut summary = summarise(node);
            if node.inputs != [last_of(index)] {
                let read: Vec<&str> = node.inputs.iter().map(|&source| self.name_of(source)).collect();
                summary.settings = format!("{} of {}", summary.settings, read.join(", ")).trim().to_owned();
            }
            summary
        };
        self.nodes.iter().enumerate().map(summary).collect()
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

    /// Cuts the network behind the layer called `name`: into what leads up to it, and what goes on from its output. Layers
    /// and parameters keep their names, so that the parameters of both parts together are those of the whole.
    ///
    /// # Errors
    /// When no layer is called so, when it is the last, or when more than its output passes between the parts.
    pub fn split_after(&self, name: &str) -> Result<(Network, Network), EngineError> {
        let unknown = || EngineError::LayerUnknown(name.to_owned());
        let cut = self.nodes.iter().position(|node| node.name == name).ok_or_else(unknown)?;
        let (front, back) = self.nodes.split_at(cut + 1);
        let moved = |source: &Source| match *source {
            Source::Layer(index) if index == cut => Some(Source::Input),
            Source::Layer(index) if index > cut => Some(Source::Layer(index - cut - 1)),
            _ => None,
        };
        let mut nodes = back.to_vec();
        for node in &mut nodes {
            let inputs: Option<Vec<Source>> = node.inputs.iter().map(moved).collect();
            let cannot = || EngineError::CannotSplit { above: name.to_owned(), below: node.name.clone() };
            node.inputs = inputs.ok_or_else(cannot)?;
        }
        if nodes.is_empty() {
            return Err(EngineError::NothingBehind(name.to_owned()));
        }
        let front = Network { input: self.input, nodes: front.to_vec() };
        Ok((front, Network { input: self.nodes[cut].output, nodes }))
    }

    /// The same input with other layers, which the caller has put together rightly.
    pub(crate) fn with_nodes(&self, nodes: Vec<NetworkNode>) -> Network {
        Network { input: self.input, nodes }
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
        match layer.config().output_shape(&shapes) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Activation, Add, Conv2d, Dense, GlobalAvgPool};

    fn conv(name: &str) -> NamedLayer {
        NamedLayer::new(name, Conv2d::new(4, 3).same())
    }

    fn top() -> [NamedLayer; 2] {
        [
            NamedLayer::new("pool", GlobalAvgPool::default()),
            NamedLayer::new("dense", Dense::new(3, Activation::Softmax)),
        ]
    }

    fn build(layers: impl IntoIterator<Item = NamedLayer>) -> Result<Network, EngineError> {
        Network::new(Shape::image(8, 6, 4), layers.into_iter().chain(top()))
    }

    #[test]
    fn a_network_that_is_no_graph_is_refused_by_name() {
        let add = |inputs: &[&str]| NamedLayer::new("sum", Add {}).reading(inputs.iter().copied());
        let cases: Vec<(Vec<NamedLayer>, &str)> = vec![
            (vec![conv("a"), conv("a")], "two layers are called a"),
            (vec![conv("input")], "two layers are called input"),
            (vec![conv("a"), add(&["a", "b"]), conv("b")], "layer sum reads b, but no layer before it"),
            (vec![conv("a"), conv("b").reading(["input"])], "nothing reads the output of layer a"),
            (vec![conv("a"), add(&["a"])], "layer sum (add) gets 8×6×4, but it joins two or more"),
            (
                vec![conv("a"), conv("b").reading(["a", "input"])],
                "layer b (conv2d) gets 8×6×4 and 8×6×4, but it takes one",
            ),
            (
                vec![NamedLayer::new("a", Conv2d::new(4, 3)), add(&["a", "input"])],
                "layer sum (add) gets 6×4×4 and 8×6×4, but it needs inputs of one shape",
            ),
        ];
        for (layers, expected) in cases {
            let error = build(layers).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn layers_come_back_as_they_were_written() {
        let layers = [conv("a"), conv("b"), NamedLayer::new("sum", Add {}).reading(["b", "a"])];
        let network = build(layers.clone()).unwrap();
        assert_eq!(network.layers()[..3], layers);
        assert_eq!(build(network.layers().into_iter().take(3)).unwrap(), network);
    }

    #[test]
    fn a_network_can_be_cut_where_one_tensor_passes() {
        let layers = [conv("a"), conv("b"), NamedLayer::new("sum", Add {}).reading(["b", "a"]), conv("c")];
        let network = build(layers).unwrap();
        let (front, back) = network.split_after("sum").unwrap();
        let names = |network: &Network| network.nodes().iter().map(|n| n.name.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names(&front).join(" "), names(&back).join(" ")),
            ("a b sum".into(), "c pool dense".into())
        );
        assert_eq!((front.output(), back.input()), (Shape::image(8, 6, 4), Shape::image(8, 6, 4)));
        assert_eq!(front.parameter_count() + back.parameter_count(), network.parameter_count());
        for (name, expected) in [
            ("b", "layers b and sum cannot be separated"),
            ("dense", "nothing stands behind layer dense"),
            ("d", "no layer is called d"),
        ] {
            let error = network.split_after(name).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
