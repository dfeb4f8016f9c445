//! From a network to the steps that compute it: what is joined, how each tensor lies in memory, how many samples a
//! worker takes at a time.

use crate::kernel::{BLOCK, Isa, Layout, Windows};
use crate::layer::{Activation, Layer, Padding, WindowGeometry};
use crate::{Network, NetworkNode, Pair, Shape};

use super::head::HeadStep;
use super::step::{
    ActivationStep, AvgPoolStep, ConvolutionPlace, DropoutStep, FeatureStep, Halos, MaxPoolStep,
    can_be_pooled, convolution_step,
};

/// A compiled network.
pub(super) struct Plan {
    /// How the network's input lies in memory.
    pub input: Layout,
    /// The part on feature maps, each step reading what the one before wrote.
    pub steps: Vec<Box<dyn FeatureStep>>,
    /// How the last feature maps become a vector.
    pub boundary: Boundary,
    /// Values in that vector.
    pub features: usize,
    /// The part on vectors.
    pub head: Vec<HeadStep>,
    /// Samples that a worker takes through the feature part at a time.
    pub block: usize,
    /// Trained values in the feature part.
    pub feature_parameters: usize,
}

/// How feature maps become a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Boundary {
    /// Channel by channel.
    Flatten,
    /// The largest value of each channel.
    GlobalMax,
    /// The mean of each channel.
    GlobalAvg,
}

/// What a worker's second-level cache is taken to hold of a block's tensors.
const CACHE_FLOATS: usize = 64 * 1024;
const LARGEST_BLOCK: usize = 8;

impl Plan {
    pub fn new(isa: Isa, network: &Network, input_gradient: bool) -> Plan {
        let nodes = network.nodes();
        let end = nodes.iter().position(|node| !is_feature_layer(node)).unwrap_or(nodes.len());
        let (features, rest) = nodes.split_at(end);
        let (boundary, head) = match rest.first().map(|node| &node.layer) {
            Some(Layer::Flatten(_)) => (Boundary::Flatten, &rest[1..]),
            Some(Layer::GlobalMaxPool(_)) => (Boundary::GlobalMax, &rest[1..]),
            Some(Layer::GlobalAvgPool(_)) => (Boundary::GlobalAvg, &rest[1..]),
            _ => (Boundary::Flatten, rest),
        };
        let planned = join(features);
        let mut layouts = lay_out(network.input(), &planned);
        reserve_halos(&planned, &mut layouts);
        let first_parameter = ParameterPlaces::new(nodes);
        let steps = planned.iter().enumerate().map(|(index, step)| {
            let wanted = index > 0 || input_gradient;
            compile(isa, step, (layouts[index], layouts[index + 1]), &first_parameter, wanted)
        });
        let steps: Vec<Box<dyn FeatureStep>> = steps.collect();
        let last = layouts[layouts.len() - 1];
        let features_len = match boundary {
            Boundary::Flatten => last.height * last.width * last.channels,
            _ => last.channels,
        };
        let per_sample: usize = layouts.iter().map(Layout::len).sum();
        Plan {
            input: layouts[0],
            steps,
            boundary,
            features: features_len,
            head: head_steps(head, end + usize::from(rest.len() > head.len()), &first_parameter),
            block: (CACHE_FLOATS / per_sample).clamp(1, LARGEST_BLOCK),
            feature_parameters: features
                .iter()
                .flat_map(NetworkNode::parameters)
                .map(|spec| spec.len())
                .sum(),
        }
    }

    /// How the last feature maps lie in memory.
    pub fn last(&self) -> &Layout {
        self.steps.last().map_or(&self.input, |step| step.output())
    }
}

/// Layers of the feature part, with those that are computed together joined.
struct Joined<'a> {
    /// Place of the first layer in the network.
    index: usize,
    node: &'a NetworkNode,
    /// Of a convolution: the activation behind it.
    activation: Activation,
    /// Of a convolution: the pooling behind that.
    pool: Option<&'a NetworkNode>,
    output: Shape,
}

fn is_feature_layer(node: &NetworkNode) -> bool {
    matches!((node.input, node.output), (Shape::Image { .. }, Shape::Image { .. }))
}

/// Joins a convolution with an activation and a max pooling behind it, where the windows do not overlap (else values
/// would be computed more than once) and the activation lets the largest value of a window be the largest.
fn join(nodes: &[NetworkNode]) -> Vec<Joined<'_>> {
    let mut joined: Vec<Joined<'_>> = Vec::new();
    let mut rest = nodes.iter().enumerate().peekable();
    while let Some((index, node)) = rest.next() {
        let mut step =
            Joined { index, node, activation: Activation::Linear, pool: None, output: node.output };
        if let Layer::Conv2d(conv) = &node.layer {
            step.activation = conv.activation;
            if conv.activation == Activation::Linear
                && let Some((_, NetworkNode { layer: Layer::Activation(next), .. })) = rest.peek()
            {
                step.activation = next.function;
                rest.next();
            }
            let poolable = can_be_pooled(conv, node.input, step.activation);
            if let Some((_, pool)) = rest.next_if(|(_, next)| poolable && is_tiling(&next.layer)) {
                step.pool = Some(pool);
                step.output = pool.output;
            }
        }
        joined.push(step);
    }
    joined
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

fn lay_out(input: Shape, steps: &[Joined<'_>]) -> Vec<Layout> {
    let first = match input {
        Shape::Image { height, width, channels } => Layout::input(height, width, channels),
        Shape::Features(count) => Layout::input(1, count, 1),
    };
    // Only convolutions read an input whose channels are not in blocks.
    let first = match steps.first().map(|step| &step.node.layer) {
        None | Some(Layer::Conv2d(_)) => first,
        Some(_) => Layout { block: BLOCK, ..first },
    };
    let outputs = steps.iter().map(|step| match step.output {
        Shape::Image { height, width, channels } => Layout::blocked(height, width, channels),
        Shape::Features(_) => unreachable!("the feature part has images only"),
    });
    std::iter::once(first).chain(outputs).collect()
}

/// Gives each tensor the space around it that the convolutions on both its sides need.
fn reserve_halos(steps: &[Joined<'_>], layouts: &mut [Layout]) {
    for (index, step) in steps.iter().enumerate() {
        let Layer::Conv2d(conv) = &step.node.layer else { continue };
        let halos = Halos::of(conv, layouts[index].height, layouts[index].width);
        layouts[index].halo = layouts[index].halo.union(halos.input);
        if step.pool.is_none() {
            layouts[index + 1].halo = layouts[index + 1].halo.union(halos.output_gradient);
        }
    }
}

/// Where each layer's parameters stand among those of the network.
struct ParameterPlaces(Vec<usize>);

impl ParameterPlaces {
    fn new(nodes: &[NetworkNode]) -> ParameterPlaces {
        let counts = nodes.iter().map(|node| node.parameters().len());
        let places = counts.scan(0, |next, count| Some(std::mem::replace(next, *next + count)));
        ParameterPlaces(places.collect())
    }

    /// The weight and, where there is one, the bias of the layer at `index`.
    fn of(&self, index: usize, has_bias: bool) -> (usize, Option<usize>) {
        (self.0[index], has_bias.then_some(self.0[index] + 1))
    }
}

fn compile(
    isa: Isa,
    step: &Joined<'_>,
    (input, output): (Layout, Layout),
    places: &ParameterPlaces,
    input_gradient: bool,
) -> Box<dyn FeatureStep> {
    match &step.node.layer {
        Layer::Conv2d(conv) => {
            let (weight, bias) = places.of(step.index, conv.bias);
            let pool = step.pool.map(|pool| joined_windows(pool, output));
            let place = ConvolutionPlace { input, output, weight, bias, pool, input_gradient };
            convolution_step(isa, conv, step.activation, place)
        }
        Layer::MaxPool2d(pool) => {
            let windows = sliding_windows(&input, pool.size, pool.stride(), pool.padding);
            Box::new(MaxPoolStep { input, output, windows })
        }
        Layer::AvgPool2d(pool) => {
            let windows = sliding_windows(&input, pool.size, pool.stride(), pool.padding);
            Box::new(AvgPoolStep { input, output, windows })
        }
        Layer::Activation(layer) => Box::new(ActivationStep { input, output, function: layer.function }),
        Layer::Dropout(layer) => {
            Box::new(DropoutStep { input, output, rate: layer.rate, layer: step.index as u64 })
        }
        Layer::Flatten(_) | Layer::GlobalMaxPool(_) | Layer::GlobalAvgPool(_) | Layer::Dense(_) => {
            unreachable!("a layer that makes a vector is not in the feature part")
        }
    }
}

fn sliding_windows(input: &Layout, size: Pair, stride: Pair, padding: Padding) -> Windows {
    let vertical = WindowGeometry::along(input.height, size.rows, stride.rows, padding);
    let horizontal = WindowGeometry::along(input.width, size.columns, stride.columns, padding);
    Windows {
        height: input.height,
        width: input.width,
        rows: size.rows,
        columns: size.columns,
        row_step: stride.rows,
        column_step: stride.columns,
        pad_top: vertical.pad_before,
        pad_left: horizontal.pad_before,
    }
}

/// The windows of a pooling that is joined to a convolution: over the few rows that one row of windows needs.
fn joined_windows(pool: &NetworkNode, output: Layout) -> Windows {
    let Layer::MaxPool2d(config) = &pool.layer else { unreachable!("only max pooling is joined") };
    let (size, stride) = (config.size, config.stride());
    let width = (output.width - 1) * stride.columns + size.columns;
    let input = Layout::blocked(size.rows, width, output.channels);
    sliding_windows(&input, size, stride, Padding::Valid)
}

fn head_steps(nodes: &[NetworkNode], first: usize, places: &ParameterPlaces) -> Vec<HeadStep> {
    let step = |(offset, node): (usize, &NetworkNode)| {
        let index = first + offset;
        match &node.layer {
            Layer::Dense(dense) => {
                let (weight, bias) = places.of(index, dense.bias);
                let (inputs, units, activation) = (node.input.len(), dense.units, dense.activation);
                Some(HeadStep::Dense { weight, bias, inputs, units, activation })
            }
            Layer::Activation(layer) => {
                Some(HeadStep::Activation { size: node.input.len(), function: layer.function })
            }
            Layer::Dropout(layer) => {
                Some(HeadStep::Dropout { size: node.input.len(), rate: layer.rate, layer: index as u64 })
            }
            // A vector is flat already.
            Layer::Flatten(_) => None,
            Layer::Conv2d(_)
            | Layer::MaxPool2d(_)
            | Layer::AvgPool2d(_)
            | Layer::GlobalMaxPool(_)
            | Layer::GlobalAvgPool(_) => {
                unreachable!("a layer that needs an image is not in the head")
            }
        }
    };
    nodes.iter().enumerate().filter_map(step).collect()
}
