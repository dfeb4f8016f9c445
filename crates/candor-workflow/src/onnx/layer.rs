//! What each kind of layer is in ONNX: one function a kind.

use candor_engine::layer::{
    Activation, BatchNorm, Conv2d, Dense, LEAKY_SLOPE, Layer, Padding, Upsample2d, WindowGeometry, ZeroPad2d,
};
use candor_engine::{NetworkNode, Pair, Shape};

use super::Graph;
use super::message::{Attribute, Message, attribute};

/// Writes the layer's operations; gives the name of its output.
pub(super) fn write(graph: &mut Graph<'_>, node: &NetworkNode, inputs: &[String]) -> String {
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let (name, input) = (node.name.as_str(), inputs[0]);
    match &node.layer {
        Layer::Conv2d(layer) => conv2d(graph, node, layer, input),
        Layer::MaxPool2d(layer) => {
            let settings = window(node, layer.size, layer.stride(), layer.padding);
            graph.node("MaxPool", name, &[input], &settings);
        }
        Layer::AvgPool2d(layer) => {
            let mut settings = window(node, layer.size, layer.stride(), layer.padding);
            settings.push(attribute("count_include_pad", Attribute::Integer(0)));
            graph.node("AveragePool", name, &[input], &settings);
        }
        Layer::GlobalMaxPool(layer) => global_pool(graph, name, "GlobalMaxPool", input, layer.keep),
        Layer::GlobalAvgPool(layer) => global_pool(graph, name, "GlobalAveragePool", input, layer.keep),
        Layer::BatchNorm(layer) => batch_norm(graph, name, layer, input),
        Layer::Add(_) => graph.node("Sum", name, &inputs, &[]),
        Layer::Concat(_) => {
            graph.node("Concat", name, &inputs, &[attribute("axis", Attribute::Integer(1))]);
        }
        Layer::Multiply(_) => graph.node("Mul", name, &inputs, &[]),
        Layer::ZeroPad2d(layer) => zero_pad(graph, name, layer, input),
        Layer::Upsample2d(layer) => upsample(graph, name, layer, input),
        Layer::Flatten(_) => flatten(graph, name, input),
        Layer::Dense(layer) => dense(graph, name, layer, input),
        // Only training drops anything.
        Layer::Dropout(_) => return input.to_owned(),
        Layer::Activation(layer) => activation(graph, layer.function, input, name),
    }
    name.to_owned()
}

fn conv2d(graph: &mut Graph<'_>, node: &NetworkNode, layer: &Conv2d, input: &str) {
    let mut settings = window(node, layer.kernel, layer.stride, layer.padding);
    settings.push(attribute("group", Attribute::Integer(layer.groups as i64)));
    weighted(graph, "Conv", &node.name, input, &settings, layer.activation);
}

fn dense(graph: &mut Graph<'_>, name: &str, layer: &Dense, input: &str) {
    let transposed = attribute("transB", Attribute::Integer(1));
    weighted(graph, "Gemm", name, input, &[transposed], layer.activation);
}

/// An operation with weight and bias, and the activation behind it.
fn weighted(
    graph: &mut Graph<'_>,
    operation: &str,
    name: &str,
    input: &str,
    settings: &[Message],
    function: Activation,
) {
    let tensors: Vec<String> =
        ["weight", "bias"].iter().filter_map(|which| graph.parameter(name, which)).collect();
    let inputs: Vec<&str> = std::iter::once(input).chain(tensors.iter().map(String::as_str)).collect();
    if function == Activation::Linear {
        return graph.node(operation, name, &inputs, settings);
    }
    let before = format!("{name} before {}", function.name());
    graph.node(operation, &before, &inputs, settings);
    activation(graph, function, &before, name);
}

fn activation(graph: &mut Graph<'_>, function: Activation, input: &str, output: &str) {
    let with = |name, value| vec![attribute(name, value)];
    let (operation, settings) = match function {
        Activation::Linear => ("Identity", vec![]),
        Activation::Relu => ("Relu", vec![]),
        Activation::LeakyRelu => ("LeakyRelu", with("alpha", Attribute::Float(LEAKY_SLOPE))),
        Activation::Relu6 => return relu6(graph, input, output),
        Activation::Tanh => ("Tanh", vec![]),
        Activation::Sigmoid => ("Sigmoid", vec![]),
        Activation::Silu => return silu(graph, input, output),
        Activation::HardSwish => ("HardSwish", vec![]),
        Activation::Gelu => return gelu(graph, input, output),
        Activation::Softmax => ("Softmax", with("axis", Attribute::Integer(1))),
    };
    graph.node(operation, output, &[input], &settings);
}

fn relu6(graph: &mut Graph<'_>, input: &str, output: &str) {
    let [zero, six] = ["0", "6"].map(|limit| format!("{output} {limit}"));
    graph.floats(&zero, &[], &[0.0]);
    graph.floats(&six, &[], &[6.0]);
    graph.node("Clip", output, &[input, &zero, &six], &[]);
}

/// x · sigmoid(x), which has no operator of its own.
fn silu(graph: &mut Graph<'_>, input: &str, output: &str) {
    let gate = format!("{output} gate");
    graph.node("Sigmoid", &gate, &[input], &[]);
    graph.node("Mul", output, &[input, &gate], &[]);
}

/// x / 2 · (1 + erf(x / √2)), which has an operator of its own only from opset 20 on.
fn gelu(graph: &mut Graph<'_>, input: &str, output: &str) {
    let name = |part: &str| format!("{output} {part}");
    let (root, one, half) = (name("1/√2"), name("1"), name("1/2"));
    graph.floats(&root, &[], &[std::f32::consts::FRAC_1_SQRT_2]);
    graph.floats(&one, &[], &[1.0]);
    graph.floats(&half, &[], &[0.5]);
    let (scaled, erf, share, whole) = (name("scaled"), name("erf"), name("share"), name("twice"));
    graph.node("Mul", &scaled, &[input, &root], &[]);
    graph.node("Erf", &erf, &[&scaled], &[]);
    graph.node("Add", &share, &[&erf, &one], &[]);
    graph.node("Mul", &whole, &[input, &share], &[]);
    graph.node("Mul", output, &[&whole, &half], &[]);
}

/// The settings of a window that slides over a picture.
fn window(node: &NetworkNode, size: Pair, stride: Pair, padding: Padding) -> Vec<Message> {
    let Shape::Image { height, width, .. } = node.input else {
        unreachable!("the network was checked: a window slides over a picture")
    };
    let rows = WindowGeometry::along(height, size.rows, stride.rows, padding);
    let columns = WindowGeometry::along(width, size.columns, stride.columns, padding);
    let pads = [rows.pad_before, columns.pad_before, rows.pad_after, columns.pad_after];
    vec![
        attribute("kernel_shape", pair(size)),
        attribute("strides", pair(stride)),
        attribute("pads", Attribute::Integers(pads.map(|pad| pad as i64).to_vec())),
    ]
}

fn pair(pair: Pair) -> Attribute {
    Attribute::Integers(vec![pair.rows as i64, pair.columns as i64])
}

fn global_pool(graph: &mut Graph<'_>, name: &str, operation: &str, input: &str, keep: bool) {
    if keep {
        return graph.node(operation, name, &[input], &[]);
    }
    let pixel = format!("{name} as one pixel");
    graph.node(operation, &pixel, &[input], &[]);
    flatten(graph, name, &pixel);
}

/// Channel by channel, which is how the axes lie.
fn flatten(graph: &mut Graph<'_>, name: &str, input: &str) {
    graph.node("Flatten", name, &[input], &[attribute("axis", Attribute::Integer(1))]);
}

/// By the running means: a model in use does not look at its batch.
fn batch_norm(graph: &mut Graph<'_>, name: &str, layer: &BatchNorm, input: &str) {
    let tensors = ["weight", "bias", "running_mean", "running_var"];
    let tensors: Vec<String> = tensors.iter().filter_map(|which| graph.parameter(name, which)).collect();
    let inputs: Vec<&str> = std::iter::once(input).chain(tensors.iter().map(String::as_str)).collect();
    let epsilon = attribute("epsilon", Attribute::Float(layer.epsilon));
    graph.node("BatchNormalization", name, &inputs, &[epsilon]);
}

fn zero_pad(graph: &mut Graph<'_>, name: &str, layer: &ZeroPad2d, input: &str) {
    let ZeroPad2d { top, bottom, left, right } = *layer;
    let pads = format!("{name} pads");
    graph.integers(&pads, &[0, 0, top, left, 0, 0, bottom, right].map(|pad| pad as i64));
    graph.node("Pad", name, &[input, &pads], &[]);
}

/// Every pixel repeated.
fn upsample(graph: &mut Graph<'_>, name: &str, layer: &Upsample2d, input: &str) {
    let factors = format!("{name} factors");
    graph.floats(&factors, &[4], &[1.0, 1.0, layer.factor.rows as f32, layer.factor.columns as f32]);
    let settings = [
        attribute("mode", Attribute::Text("nearest")),
        attribute("coordinate_transformation_mode", Attribute::Text("asymmetric")),
        attribute("nearest_mode", Attribute::Text("floor")),
    ];
    graph.node("Resize", name, &[input, "", &factors], &settings);
}
