//! Batch norms taken into the convolutions and dense layers before them, for networks that only answer.
//!
//! With running means for statistics a batch norm is y = s · x + t for each channel, and so is a layer's bias: the filters
//! are scaled by s, and the biases become s · b + t. What is left is one step less.

use crate::layer::{Activation, BatchNorm, Layer};
use crate::{Network, NetworkNode, Parameter, Parameters, Source};

/// The network without the batch norms that stand alone behind a convolution or a dense layer, and the parameters with which it answers the same.
pub(super) fn fold_batch_norms(network: &Network, parameters: &Parameters) -> (Network, Parameters) {
    let nodes = network.nodes();
    let mut folded: Vec<NetworkNode> = Vec::new();
    let mut tensors: Vec<Parameter> = Vec::new();
    // Where the output of each layer is found now.
    let mut moved: Vec<Source> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let of_node = |suffix: &str| parameters.get(&format!("{}.{suffix}", node.name)).cloned();
        if let (Layer::BatchNorm(config), Some(place)) = (&node.layer, foldable(network, index)) {
            let Source::Layer(before) = moved[place] else { unreachable!("only layers are folded into") };
            let norm = ["weight", "bias", "running_mean", "running_var"]
                .map(|suffix| of_node(suffix).expect("the parameters were checked").values);
            fold(config, &norm, &folded[before].name, &mut tensors);
            match &mut folded[before].layer {
                Layer::Conv2d(conv) => conv.bias = true,
                Layer::Dense(dense) => dense.bias = true,
                _ => unreachable!("only these are folded into"),
            }
            moved.push(moved[place]);
            continue;
        }
        let source = |source: &Source| match *source {
            Source::Input => Source::Input,
            Source::Layer(index) => moved[index],
        };
        let inputs = node.inputs.iter().map(source).collect();
        tensors.extend(node.parameters().iter().filter_map(|spec| of_node(spec.name)));
        moved.push(Source::Layer(folded.len()));
        folded.push(NetworkNode { inputs, ..node.clone() });
    }
    let network = network.with_nodes(folded);
    let parameters = Parameters::from_tensors(&network, tensors).expect("every layer kept its parameters");
    (network, parameters)
}

/// The layer that the batch norm at `index` can be taken into: it reads that alone, and nobody else does.
fn foldable(network: &Network, index: usize) -> Option<usize> {
    let Source::Layer(before) = network.nodes()[index].inputs[0] else { return None };
    let activation = match &network.nodes()[before].layer {
        Layer::Conv2d(conv) => conv.activation,
        Layer::Dense(dense) => dense.activation,
        _ => return None,
    };
    (activation == Activation::Linear && network.readers(before) == 1).then_some(before)
}

/// Changes the weights and the bias of the layer called `name`; makes the bias where there was none.
fn fold(
    config: &BatchNorm,
    [gamma, beta, mean, variance]: &[Vec<f32>; 4],
    name: &str,
    tensors: &mut Vec<Parameter>,
) {
    let (weight_name, bias_name) = (format!("{name}.weight"), format!("{name}.bias"));
    if tensors.iter().all(|tensor| tensor.name != bias_name) {
        tensors.push(Parameter {
            name: bias_name.clone(),
            shape: vec![gamma.len()],
            values: vec![0.0; gamma.len()],
        });
    }
    let scale = |o: usize| f64::from(gamma[o]) / (f64::from(variance[o]) + f64::from(config.epsilon)).sqrt();
    for tensor in tensors.iter_mut() {
        if tensor.name == weight_name {
            let per_filter = tensor.values.len() / gamma.len();
            for (o, filter) in tensor.values.chunks_exact_mut(per_filter).enumerate() {
                filter.iter_mut().for_each(|value| *value = (f64::from(*value) * scale(o)) as f32);
            }
        } else if tensor.name == bias_name {
            for (o, value) in tensor.values.iter_mut().enumerate() {
                let shifted = (f64::from(*value) - f64::from(mean[o])) * scale(o) + f64::from(beta[o]);
                *value = shifted as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::architecture;

    #[test]
    fn only_batch_norms_behind_convolutions_go() {
        let resnet = architecture::find("resnet20").unwrap();
        let network = resnet.build(resnet.input, 10).unwrap();
        let (folded, parameters) = fold_batch_norms(&network, &Parameters::initial(&network, 1));
        let norms = |network: &Network| {
            network.nodes().iter().filter(|node| node.layer.kind() == "batch-norm").count()
        };
        assert_eq!((norms(&network), norms(&folded)), (21, 0));
        assert_eq!(parameters.tensors().len(), 2 * (21 + 1));
        assert_eq!(folded.output(), network.output());
    }
}
