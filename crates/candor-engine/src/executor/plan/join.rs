//! Which layers are computed together.

use crate::executor::compiled::Purpose;
use crate::executor::step::can_be_pooled;
use crate::layer::{Activation, Layer, Padding};
use crate::{Network, NetworkNode, Shape, Source};

/// One or more layers that become one step.
pub(super) struct Joined<'a> {
    /// Place of the first layer in the network.
    pub index: usize,
    pub node: &'a NetworkNode,
    /// The tensors that it reads. Behind that of a normalisation the one that it is added to, if there is a sum.
    pub inputs: Vec<usize>,
    /// Of a convolution, a normalisation or a sum: the activation behind it.
    pub activation: Activation,
    /// Of a convolution: the pooling behind that.
    pub pool: Option<&'a NetworkNode>,
    pub output: Shape,
}

impl Joined<'_> {
    /// The tensor that a normalisation is added to.
    pub fn added(&self) -> Option<usize> {
        match self.node.layer {
            Layer::BatchNorm(_) => self.inputs.get(1).copied(),
            _ => None,
        }
    }
}

/// The steps of the first `end` layers: a convolution, batch normalisation or sum with the activation behind it, a batch
/// normalisation with the sum behind it of itself and one other tensor, and a convolution with a max pooling behind that,
/// where the windows do not overlap (else values would be computed more than once) and the activation lets the largest value
/// of a window be the largest. What another layer reads too is not joined; and in a comparison, which wants Δoutput / Δinput of each function, only what is pooled is.
pub(super) fn join(network: &Network, end: usize, purpose: Purpose) -> Vec<Joined<'_>> {
    let nodes = &network.nodes()[..end];
    let follower = |index: usize| {
        let next = nodes.get(index + 1)?;
        (next.inputs == [Source::Layer(index)] && network.readers(index) == 1).then_some(next)
    };
    let mut joined: Vec<Joined<'_>> = Vec::new();
    // The tensor that each layer's output is in.
    let mut tensors = Vec::with_capacity(end);
    while tensors.len() < end {
        let index = tensors.len();
        let node = &nodes[index];
        let tensor = |source: &Source| match source {
            Source::Input => 0,
            Source::Layer(index) => tensors[*index],
        };
        let inputs = node.inputs.iter().map(tensor).collect();
        let mut last = index;
        let mut step =
            Joined { index, node, inputs, activation: Activation::Linear, pool: None, output: node.output };
        if let Layer::Conv2d(conv) = &node.layer {
            step.activation = conv.activation;
        }
        if purpose != Purpose::Compare
            && matches!(node.layer, Layer::BatchNorm(_))
            && let Some(other) = summed_with(network, nodes, index)
        {
            step.inputs.push(tensor(&other));
            last += 1;
        }
        if step.activation == Activation::Linear
            && let Some(NetworkNode { layer: Layer::Activation(next), .. }) = follower(last)
            && takes_activation(&node.layer, next.function)
        {
            step.activation = next.function;
            last += 1;
        }
        if let Layer::Conv2d(conv) = &node.layer
            && can_be_pooled(conv, node.input, step.activation)
            && let Some(pool) = follower(last).filter(|next| is_tiling(&next.layer))
        {
            step.pool = Some(pool);
            step.output = pool.output;
            last += 1;
        }
        if purpose == Purpose::Compare && step.pool.is_none() {
            (step.activation, last) = (Activation::Linear, index);
        }
        joined.push(step);
        tensors.resize(last + 1, joined.len());
    }
    joined
}

/// Where the layer behind the one at `index` adds its output, which nobody else reads, to one other: that other.
fn summed_with(network: &Network, nodes: &[NetworkNode], index: usize) -> Option<Source> {
    let next = nodes.get(index + 1)?;
    let own = Source::Layer(index);
    let other = match next.inputs[..] {
        [first, second] if first == own => second,
        [first, second] if second == own => first,
        _ => return None,
    };
    (matches!(next.layer, Layer::Add(_)) && network.readers(index) == 1).then_some(other)
}

/// Whether a layer is computed together with an activation behind it. A convolution keeps what the activation's
/// derivative is found from; the others keep their output only.
fn takes_activation(layer: &Layer, activation: Activation) -> bool {
    match layer {
        Layer::Conv2d(_) => true,
        Layer::BatchNorm(_) | Layer::Add(_) => activation.gradient_from_output(),
        _ => false,
    }
}

/// Whether a layer is a max pooling whose windows lie side by side inside the picture.
fn is_tiling(layer: &Layer) -> bool {
    match layer {
        Layer::MaxPool2d(pool) => {
            let (size, stride) = (pool.size, pool.stride());
            pool.padding == Padding::Valid && stride.rows >= size.rows && stride.columns >= size.columns
        }
        _ => false,
    }
}
