//! From a network to the steps that compute it: what is joined, how each tensor lies in memory, where its gradient
//! goes, how many samples a worker takes at a time.

mod gradients;
mod halts;
mod join;
mod kept;
mod layouts;

use std::ops::Range;

use self::gradients::GradientPlan;
use self::halts::CACHE_FLOATS;
pub(super) use self::halts::{Halts, Segment};
use self::join::{Joined, join};
use self::kept::kept;
use self::layouts::{lay_out, reserve_halos};
use crate::kernel::{BLOCK, Isa, Layout, Windows};
use crate::layer::{Layer, Padding, WindowGeometry};
use crate::{Network, NetworkNode, Pair, Shape};

use super::compiled::Purpose;
use super::head::{HeadStep, VectorNorm};
use super::step::{
    ActivationStep, AddStep, Arrival, AvgPoolStep, BatchNormStep, ConcatStep, ConvolutionPlace, DropoutStep,
    Edge, FeatureStep, MaxPoolStep, MultiplyStep, UpsampleStep, ZeroPadStep, convolution_step,
};

/// A compiled network.
///
/// Tensors are counted: 0 is the network's input, `index + 1` is what the step at `index` writes.
pub(super) struct Plan {
    /// The part on feature maps, in an order in which each step finds what it reads.
    pub steps: Vec<Box<dyn FeatureStep>>,
    pub halts: Halts,
    /// How each tensor lies in memory.
    pub layouts: Vec<Layout>,
    /// What each step reads, and what becomes of the gradients.
    pub gradients: GradientPlan,
    /// How the last feature maps become a vector.
    pub boundary: Boundary,
    /// Values in that vector.
    pub features: usize,
    /// The part on vectors.
    pub head: Vec<HeadStep>,
    /// Which tensors are kept of all of a lane's samples: until the way back, or where there is none until the next halt.
    pub kept: Vec<bool>,
    /// Where each step sums up gradients in the buffer that the steps between two halts share.
    pub sums: Vec<Range<usize>>,
    /// In a comparison: seeds that go back together between two samples.
    pub seeds: Option<usize>,
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

/// Seeds that a comparison takes back together, at most: as many as there are channels in a block.
const MOST_SEEDS: usize = BLOCK;

impl Plan {
    pub fn new(isa: Isa, network: &Network, purpose: Purpose) -> Plan {
        let nodes = network.nodes();
        let end = nodes.iter().position(|node| !is_feature_layer(node)).unwrap_or(nodes.len());
        let rest = &nodes[end..];
        let (boundary, head) = match rest.first().map(|node| &node.layer) {
            Some(Layer::Flatten(_)) => (Boundary::Flatten, &rest[1..]),
            Some(Layer::GlobalMaxPool(_)) => (Boundary::GlobalMax, &rest[1..]),
            Some(Layer::GlobalAvgPool(_)) => (Boundary::GlobalAvg, &rest[1..]),
            _ => (Boundary::Flatten, rest),
        };
        let joined = join(network, end, purpose);
        let mut layouts = lay_out(network.input(), &joined);
        reserve_halos(&joined, &mut layouts);
        let halts = Halts::new(&joined, &layouts, purpose);
        let gradients = GradientPlan::new(&joined, &layouts, &halts, purpose.reaches_inputs());
        let places = ParameterPlaces::new(nodes);
        let steps = joined.iter().zip(&gradients.edges).enumerate();
        let steps = steps.map(|(index, (joined, edges))| {
            compile(isa, joined, (&layouts, layouts[index + 1]), &places, (edges, purpose))
        });
        let steps: Vec<_> = steps.collect();
        let last = layouts[layouts.len() - 1];
        Plan {
            sums: sums(&steps, &halts),
            steps,
            boundary,
            features: match boundary {
                Boundary::Flatten => last.height * last.width * last.channels,
                _ => last.channels,
            },
            head: head_steps(head, end + usize::from(rest.len() > head.len()), &places),
            kept: kept(&joined, &halts, purpose),
            seeds: (purpose == Purpose::Compare).then(|| seeds_at_once(&gradients)),
            layouts,
            halts,
            gradients,
        }
    }

    /// How the last feature maps lie in memory.
    pub fn last(&self) -> &Layout {
        &self.layouts[self.steps.len()]
    }
}

fn is_feature_layer(node: &NetworkNode) -> bool {
    matches!((node.input, node.output), (Shape::Image { .. }, Shape::Image { .. }))
}

/// Where each step sums up gradients, from the beginning again behind each halt.
fn sums(steps: &[Box<dyn FeatureStep>], halts: &Halts) -> Vec<Range<usize>> {
    let mut end = 0;
    let place = |(index, len): (usize, usize)| {
        let start = if halts.is_before(index) { 0 } else { end };
        end = start + len;
        start..end
    };
    steps.iter().map(|step| step.sums_len()).enumerate().map(place).collect()
}

/// As many seeds as a second-level cache takes the multipliers of, or nearly.
fn seeds_at_once(gradients: &GradientPlan) -> usize {
    let floats: usize = gradients.buffers.iter().map(|buffer| buffer.len).sum();
    (2 * CACHE_FLOATS / floats.max(1)).clamp(1, MOST_SEEDS)
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
    joined: &Joined<'_>,
    (layouts, output): (&[Layout], Layout),
    places: &ParameterPlaces,
    (edges, purpose): (&[Edge], Purpose),
) -> Box<dyn FeatureStep> {
    let input = layouts[joined.inputs[0]];
    let inputs = || joined.inputs.iter().map(|&tensor| layouts[tensor]);
    match &joined.node.layer {
        Layer::Conv2d(conv) => {
            let (weight, bias) = places.of(joined.index, conv.bias);
            let pool = joined.pool.map(|pool| joined_windows(pool, output));
            let input_gradient = edges[0].gradient != Arrival::Unwanted;
            let place = ConvolutionPlace { input, output, weight, bias, pool, input_gradient, purpose };
            convolution_step(isa, conv, joined.activation, place)
        }
        Layer::BatchNorm(config) => {
            let first = places.0[joined.index];
            let added = joined.added().map(|tensor| layouts[tensor]);
            Box::new(BatchNormStep::new(config, (input, added, output), joined.activation, first))
        }
        Layer::MaxPool2d(pool) => {
            let windows = sliding_windows(&input, pool.size, pool.stride(), pool.padding);
            Box::new(MaxPoolStep { input, output, windows })
        }
        Layer::AvgPool2d(pool) => {
            let windows = sliding_windows(&input, pool.size, pool.stride(), pool.padding);
            Box::new(AvgPoolStep { input, output, windows })
        }
        Layer::GlobalMaxPool(_) => Box::new(MaxPoolStep { input, output, windows: whole(&input) }),
        Layer::GlobalAvgPool(_) => Box::new(AvgPoolStep { input, output, windows: whole(&input) }),
        Layer::Activation(layer) => Box::new(ActivationStep { input, output, function: layer.function }),
        Layer::Dropout(layer) => {
            Box::new(DropoutStep { input, output, rate: layer.rate, layer: joined.index as u64 })
        }
        Layer::Add(_) => {
            Box::new(AddStep { inputs: inputs().collect(), output, activation: joined.activation })
        }
        Layer::Concat(_) => Box::new(ConcatStep { inputs: inputs().collect(), output }),
        Layer::Multiply(_) => {
            let inputs = [input, layouts[joined.inputs[1]]];
            Box::new(MultiplyStep { inputs, output })
        }
        Layer::ZeroPad2d(pad) => Box::new(ZeroPadStep { input, output, top: pad.top, left: pad.left }),
        Layer::Upsample2d(layer) => Box::new(UpsampleStep { input, output, factor: layer.factor }),
        Layer::Flatten(_) | Layer::Dense(_) => {
            unreachable!("a layer that makes a vector is not in the feature part")
        }
    }
}

/// One window over all of a picture.
fn whole(input: &Layout) -> Windows {
    let size = Pair { rows: input.height, columns: input.width };
    sliding_windows(input, size, size, Padding::Valid)
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
            Layer::BatchNorm(config) => {
                Some(HeadStep::BatchNorm(VectorNorm::new(config, node.input.len(), places.0[index])))
            }
            // A vector is flat already.
            Layer::Flatten(_) => None,
            _ => unreachable!("a layer that needs an image is not in the head"),
        }
    };
    nodes.iter().enumerate().filter_map(step).collect()
}
