//! The same network with every function that is not linear in a layer of its own, for what follows differences through a
//! network layer by layer.

use crate::layer::{Activation, ActivationLayer, Flatten, GlobalMaxPool, Layer};
use crate::{Network, NetworkNode, Source};

/// Takes activations out of convolutions and dense layers, and the last maximum out of the step from feature maps to a
/// vector. Parameters keep their names.
pub(super) fn take_apart(network: &Network) -> Network {
    let mut nodes: Vec<NetworkNode> = Vec::new();
    // Where the output of each layer is found now.
    let mut moved: Vec<Source> = Vec::new();
    for node in network.nodes() {
        let source = |source: &Source| match *source {
            Source::Input => Source::Input,
            Source::Layer(index) => moved[index],
        };
        let mut inputs: Vec<Source> = node.inputs.iter().map(source).collect();
        let mut input = node.input;
        for layer in parts(&node.layer) {
            let output = layer.config().output_shape(&shapes(network, &nodes, &inputs));
            let output = output.unwrap_or(node.output);
            let name = match &layer {
                // A layer with parameters keeps its name.
                layer if layer.kind() == node.layer.kind() => node.name.clone(),
                layer => format!("{}.{}", node.name, layer.kind()),
            };
            nodes.push(NetworkNode { name, layer, inputs, input, output });
            inputs = vec![Source::Layer(nodes.len() - 1)];
            input = output;
        }
        moved.push(Source::Layer(nodes.len() - 1));
    }
    network.with_nodes(nodes)
}

fn parts(layer: &Layer) -> Vec<Layer> {
    let linear = Activation::Linear;
    let with = |first: Layer, function| match function {
        Activation::Linear => vec![first],
        function => vec![first, ActivationLayer { function }.into()],
    };
    match layer.clone() {
        Layer::Conv2d(mut conv) => {
            let function = std::mem::replace(&mut conv.activation, linear);
            with(conv.into(), function)
        }
        Layer::Dense(mut dense) => {
            let function = std::mem::replace(&mut dense.activation, linear);
            with(dense.into(), function)
        }
        Layer::GlobalMaxPool(GlobalMaxPool { keep: false }) => {
            vec![GlobalMaxPool { keep: true }.into(), Flatten {}.into()]
        }
        other => vec![other],
    }
}

fn shapes(network: &Network, nodes: &[NetworkNode], inputs: &[Source]) -> Vec<crate::Shape> {
    let shape = |source: &Source| match *source {
        Source::Input => network.input(),
        Source::Layer(index) => nodes[index].output,
    };
    inputs.iter().map(shape).collect()
}
