//! A trained model as an ONNX file (opset 17), for everyone else's runtime.
//!
//! The file takes what a picture is after it was resized: `pixels`, N × height × width × colours, bytes from 0 to 255,
//! as every image library hands them out. The scaling to 0..1 and the change of the axes are inside, so nobody can
//! forget them. It gives `probabilities`, N × classes, in the order of the classes, which stand in the file's metadata
//! with the rest of what candor knows of the model.

mod layer;
mod message;

use candor_engine::layer::Activation;
use candor_engine::{INPUT_NAME, Network, Parameters, Shape, Source};

use message::{Attribute, Message, attribute};

use crate::model::TrainedModel;

/// The version of the operators.
const OPSET: i64 = 17;
/// The version of the file format that came with it.
const IR_VERSION: i64 = 8;
/// The graph's input.
pub(crate) const PIXELS: &str = "pixels";
/// The graph's output.
pub(crate) const PROBABILITIES: &str = "probabilities";

/// Values of a tensor, as ONNX numbers their kinds.
#[derive(Clone, Copy)]
enum Kind {
    Float = 1,
    Byte = 2,
    Integer = 7,
}

/// The bytes of the ONNX file for `model`.
pub(crate) fn to_onnx(model: &TrainedModel) -> Vec<u8> {
    let about = model.about();
    let metadata = [
        ("classes", serde_json::to_string(&about.classes)),
        ("preprocessing", serde_json::to_string(&about.preprocessing)),
        ("candor", serde_json::to_string(about)),
    ];
    let opset = Message::default().text(1, "").integer(2, OPSET);
    let mut file = Message::default()
        .integer(1, IR_VERSION)
        .text(2, "candor")
        .text(3, env!("CARGO_PKG_VERSION"))
        .message(7, graph(model))
        .message(8, opset);
    for (key, value) in metadata {
        let value = value.expect("what a model says of itself can be written as JSON");
        file = file.message(14, Message::default().text(1, key).text(2, &value));
    }
    file.into_bytes()
}

fn graph(model: &TrainedModel) -> Message {
    let (network, classes) = (model.network(), model.about().classes.len());
    let mut graph = Graph::new(network, model.parameters());
    graph.scaled_pixels();
    network.nodes().iter().enumerate().for_each(|(index, _)| graph.layer(index));
    graph.probabilities(classes);
    let input = match network.input() {
        Shape::Image { height, width, channels } => vec![height, width, channels],
        Shape::Features(count) => vec![count],
    };
    graph
        .content
        .text(2, &model.about().architecture)
        .message(11, value(PIXELS, Kind::Byte, &input))
        .message(12, value(PROBABILITIES, Kind::Float, &[classes]))
}

/// The name and the shape of what goes in or comes out; the first axis is the batch.
fn value(name: &str, kind: Kind, sample: &[usize]) -> Message {
    let batch = Message::default().message(1, Message::default().text(2, "N"));
    let shape = sample
        .iter()
        .fold(batch, |shape, &size| shape.message(1, Message::default().integer(1, size as i64)));
    let tensor = Message::default().integer(1, kind as i64).message(2, shape);
    Message::default().text(1, name).message(2, Message::default().message(1, tensor))
}

/// A graph under construction.
struct Graph<'a> {
    network: &'a Network,
    parameters: &'a Parameters,
    content: Message,
    /// What the output of each layer is called. A layer that does nothing in use (dropout) has its input's name.
    outputs: Vec<String>,
}

impl<'a> Graph<'a> {
    fn new(network: &'a Network, parameters: &'a Parameters) -> Graph<'a> {
        Graph { network, parameters, content: Message::default(), outputs: Vec::new() }
    }

    /// Bytes, channels last, to floats in 0..=1, channels first.
    fn scaled_pixels(&mut self) {
        self.node("Cast", "float", &[PIXELS], &[attribute("to", Attribute::Integer(Kind::Float as i64))]);
        self.floats("255", &[], &[255.0]);
        let picture = matches!(self.network.input(), Shape::Image { .. });
        let scaled = if picture { "scaled" } else { INPUT_NAME };
        self.node("Div", scaled, &["float", "255"], &[]);
        if picture {
            let axes = attribute("perm", Attribute::Integers(vec![0, 3, 1, 2]));
            self.node("Transpose", INPUT_NAME, &[scaled], &[axes]);
        }
    }

    fn layer(&mut self, index: usize) {
        let node = &self.network.nodes()[index];
        let inputs: Vec<String> = node.inputs.iter().map(|&source| self.name_of(source)).collect();
        let output = layer::write(self, node, &inputs);
        self.outputs.push(output);
    }

    fn name_of(&self, source: Source) -> String {
        match source {
            Source::Input => INPUT_NAME.to_owned(),
            Source::Layer(index) => self.outputs[index].clone(),
        }
    }

    /// One column a class: a single sigmoid unit is the probability of the second class.
    fn probabilities(&mut self, classes: usize) {
        let last = self.outputs.last().cloned().unwrap_or_default();
        if self.network.output().len() == classes {
            return self.node("Identity", PROBABILITIES, &[&last], &[]);
        }
        self.floats("1", &[], &[1.0]);
        self.node("Sub", "first class", &["1", &last], &[]);
        self.node(
            "Concat",
            PROBABILITIES,
            &["first class", &last],
            &[attribute("axis", Attribute::Integer(1))],
        );
    }

    /// One operation, called like its output.
    fn node(&mut self, operation: &str, output: &str, inputs: &[&str], attributes: &[Message]) {
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        let node = node.text(2, output).text(3, output).text(4, operation);
        let node = attributes.iter().fold(node, |node, attribute| node.message(5, attribute.clone()));
        self.add(1, node);
    }

    /// A constant of floats.
    fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, shape, Kind::Float, &bytes);
    }

    /// A constant vector of whole numbers.
    fn integers(&mut self, name: &str, values: &[i64]) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, &[values.len()], Kind::Integer, &bytes);
    }

    fn constant(&mut self, name: &str, shape: &[usize], kind: Kind, bytes: &[u8]) {
        let tensor = shape.iter().fold(Message::default(), |tensor, &size| tensor.integer(1, size as i64));
        self.add(5, tensor.integer(2, kind as i64).text(8, name).bytes(9, bytes));
    }

    fn add(&mut self, field: u32, message: Message) {
        self.content = std::mem::take(&mut self.content).message(field, message);
    }

    /// The layer's tensor `which`, as a constant of the graph; `None` when it has none.
    fn parameter(&mut self, layer: &str, which: &str) -> Option<String> {
        let name = format!("{layer}.{which}");
        let parameters = self.parameters;
        let tensor = parameters.get(&name)?;
        self.floats(&name, &tensor.shape, &tensor.values);
        Some(name)
    }
}

/// Whether what the last layer gives are probabilities of the classes.
pub(crate) fn ends_in_probabilities(network: &Network) -> bool {
    match network.output_activation() {
        Activation::Softmax => true,
        Activation::Sigmoid => network.output().len() == 1,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
