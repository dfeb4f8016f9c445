//! Which gradients are wanted, in which order they come to their tensors, and which of them share memory.
//!
//! On the way back a tensor's gradient begins with the last step that reads it and ends with the step that wrote it.
//! Gradients whose times do not overlap take turns in one buffer, which then stays in the cache.

use std::ops::RangeInclusive;

use super::halts::Halts;
use super::join::Joined;
use crate::executor::step::{Arrival, Edge};
use crate::kernel::Layout;

/// What the way back needs to know.
pub(in crate::executor) struct GradientPlan {
    /// For each step, what it reads and what becomes of the gradients.
    pub edges: Vec<Vec<Edge>>,
    /// For each tensor, the buffer of its gradient; none where nobody wants it.
    pub places: Vec<Option<usize>>,
    pub buffers: Vec<GradientBuffer>,
    /// Floats a sample that a gradient needs which is added to another.
    pub spare: usize,
}

/// Memory that several tensors' gradients take turns in.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::executor) struct GradientBuffer {
    /// Floats a sample.
    pub len: usize,
    /// Whether it outlives a halt: then it holds all samples of a lane, else one block.
    pub whole_lane: bool,
    /// The step that the latest of its tensors lives until, and the floats of that.
    until: usize,
    latest: usize,
}

impl GradientBuffer {
    /// Whether a tensor of `len` floats may come after the latest. In a buffer for a whole lane the new tensor's samples come
    /// while the old one's go, if there is no halt between: then they must not reach over those that have not gone.
    fn is_free_for(&self, len: usize, life: &RangeInclusive<usize>, halts: &Halts) -> bool {
        let is_over = self.until > *life.end();
        let makes_room = || halts.goes_back_in(self.until) > halts.goes_back_in(*life.end());
        is_over && (!self.whole_lane || len <= self.latest || makes_room())
    }
}

impl GradientPlan {
    pub(super) fn new(
        steps: &[Joined<'_>],
        layouts: &[Layout],
        halts: &Halts,
        input_gradient: bool,
    ) -> GradientPlan {
        let wanted = wanted(steps, input_gradient);
        let edges = edges(steps, &wanted);
        let mut tensors: Vec<(usize, RangeInclusive<usize>)> =
            (0..layouts.len()).filter(|&tensor| wanted[tensor]).map(|t| (t, lifetime(steps, t))).collect();
        // In the order in which they begin, on the way back.
        tensors.sort_by_key(|(tensor, life)| std::cmp::Reverse((*life.end(), *tensor)));
        let mut buffers: Vec<GradientBuffer> = Vec::new();
        let mut places: Vec<Option<usize>> = vec![None; layouts.len()];
        for (tensor, life) in tensors {
            if let Some(index) = passed_on(steps, &edges, layouts, tensor).and_then(|sum| places[sum]) {
                buffers[index].until = *life.start();
                places[tensor] = Some(index);
                continue;
            }
            let whole_lane = halts.is_crossed_back(&life);
            let len = layouts[tensor].len();
            let is_free = |buffer: &GradientBuffer| {
                buffer.whole_lane == whole_lane && buffer.is_free_for(len, &life, halts)
            };
            let index = buffers.iter().position(is_free).unwrap_or(buffers.len());
            if index == buffers.len() {
                buffers.push(GradientBuffer { len: 0, whole_lane, until: usize::MAX, latest: 0 });
            }
            buffers[index].len = buffers[index].len.max(len);
            buffers[index].latest = len;
            buffers[index].until = *life.start();
            places[tensor] = Some(index);
        }
        let again = edges.iter().flatten().filter(|edge| edge.gradient == Arrival::Again);
        let spare = again.map(|edge| layouts[edge.tensor].len()).max().unwrap_or(0);
        GradientPlan { edges, places, buffers, spare }
    }
}

/// Whether each tensor's gradient leads to a parameter, or to the network's input where that is asked for.
fn wanted(steps: &[Joined<'_>], input_gradient: bool) -> Vec<bool> {
    let mut wanted = vec![input_gradient];
    for step in steps {
        let is_trained = step.node.parameters().iter().any(|spec| spec.trained);
        wanted.push(is_trained || step.inputs.iter().any(|&tensor| wanted[tensor]));
    }
    wanted
}

fn edges(steps: &[Joined<'_>], wanted: &[bool]) -> Vec<Vec<Edge>> {
    let mut has_come = vec![false; wanted.len()];
    let mut edge = |&tensor: &usize| {
        let gradient = match (wanted[tensor], std::mem::replace(&mut has_come[tensor], true)) {
            (false, _) => Arrival::Unwanted,
            (true, false) => Arrival::First,
            (true, true) => Arrival::Again,
        };
        Edge { tensor, gradient }
    };
    let mut edges: Vec<Vec<Edge>> =
        steps.iter().rev().map(|step| step.inputs.iter().map(&mut edge).collect()).collect();
    edges.reverse();
    edges
}

/// The sum whose gradient is also the first that comes to `tensor`, value by value: it need not move. The sum's is as good
/// as dead then: what the normalisation that is joined to it still reads is not changed before.
fn passed_on(steps: &[Joined<'_>], edges: &[Vec<Edge>], layouts: &[Layout], tensor: usize) -> Option<usize> {
    let is_first = |step: usize| edges[step].get(1).is_some_and(|edge| edge.gradient == Arrival::First);
    let step = (0..steps.len()).find(|&step| steps[step].added() == Some(tensor) && is_first(step))?;
    (layouts[step + 1] == layouts[tensor]).then_some(step + 1)
}

/// From the step that wrote a tensor (the network's input: for ever) to the last that reads it (the last tensor: the
/// head, behind all steps).
fn lifetime(steps: &[Joined<'_>], tensor: usize) -> RangeInclusive<usize> {
    let last_reader = steps.iter().rposition(|step| step.inputs.contains(&tensor));
    tensor.saturating_sub(1)..=last_reader.unwrap_or(steps.len())
}

#[cfg(test)]
mod tests {
    use super::super::halts::tests::halts;
    use super::super::join::join;
    use super::*;
    use crate::executor::compiled::Purpose;
    use crate::layer::{Activation, Add, Conv2d, Dense, GlobalAvgPool, Layer};
    use crate::{NamedLayer, Network, Precision, Shape};

    /// Two convolutions around which the first one's output goes, and a sum.
    fn residual() -> Network {
        let conv = |name: &str| NamedLayer::new(name, Conv2d::new(16, 3).same());
        let layers = [
            conv("first"),
            conv("second"),
            conv("third"),
            NamedLayer::new("sum", Add {}).reading(["third", "first"]),
            Layer::from(GlobalAvgPool::default()).into(),
            Layer::from(Dense::new(3, Activation::Softmax)).into(),
        ];
        Network::new(Shape::image(8, 8, 3), layers).unwrap()
    }

    #[test]
    fn the_last_reader_comes_first_and_the_next_is_added() {
        let network = residual();
        let steps = join(&network, 4, Purpose::Learn(Precision::F32));
        let layouts = vec![Layout::blocked(8, 8, 16); 5];
        let plan = GradientPlan::new(&steps, &layouts, &halts(&[], 4, false), false);
        let arrivals: Vec<Vec<Arrival>> =
            plan.edges.iter().map(|edges| edges.iter().map(|edge| edge.gradient).collect()).collect();
        use Arrival::{Again, First, Unwanted};
        assert_eq!(arrivals, [vec![Unwanted], vec![Again], vec![First], vec![First, First]]);
        assert_eq!(plan.places[0], None);
        assert!(plan.buffers.iter().all(|buffer| !buffer.whole_lane));
        assert_eq!(plan.spare, layouts[1].len());
    }

    #[test]
    fn gradients_that_live_at_the_same_time_never_share_memory() {
        let network = residual();
        let steps = join(&network, 4, Purpose::Learn(Precision::F32));
        let layouts = vec![Layout::blocked(8, 8, 16); 5];
        let cuts = [(&[][..], false), (&[1], true), (&[1, 3], true), (&[1, 3], false)];
        for (before, are_barriers) in cuts {
            let plan = GradientPlan::new(&steps, &layouts, &halts(before, 4, are_barriers), true);
            for a in 0..5 {
                for b in a + 1..5 {
                    let (x, y) = (lifetime(&steps, a), lifetime(&steps, b));
                    let overlap = x.start() <= y.end() && y.start() <= x.end();
                    assert!(!overlap || plan.places[a] != plan.places[b], "{a} and {b}, {before:?}");
                }
            }
        }
    }
}
