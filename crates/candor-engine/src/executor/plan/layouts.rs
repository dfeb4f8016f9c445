//! How each tensor lies in memory.

use super::join::Joined;
use crate::Shape;
use crate::executor::step::Halos;
use crate::kernel::{BLOCK, Layout};
use crate::layer::Layer;

/// The network's input and each step's output, without anything around them.
pub(super) fn lay_out(input: Shape, steps: &[Joined<'_>]) -> Vec<Layout> {
    let first = match input {
        Shape::Image { height, width, channels } => Layout::input(height, width, channels),
        Shape::Features(count) => Layout::input(1, count, 1),
    };
    let outputs = steps.iter().map(|step| match step.output {
        Shape::Image { height, width, channels } => Layout::blocked(height, width, channels),
        Shape::Features(_) => unreachable!("the feature part has images only"),
    });
    // Only convolutions read an input whose channels are not in blocks.
    let is_other =
        |step: &Joined<'_>| step.inputs.contains(&0) && !matches!(step.node.layer, Layer::Conv2d(_));
    let first = if steps.iter().any(is_other) { Layout { block: BLOCK, ..first } } else { first };
    std::iter::once(first).chain(outputs).collect()
}

/// Gives each tensor the space around it that the convolutions on both its sides need.
pub(super) fn reserve_halos(steps: &[Joined<'_>], layouts: &mut [Layout]) {
    for (index, step) in steps.iter().enumerate() {
        let Layer::Conv2d(conv) = &step.node.layer else { continue };
        let input = &mut layouts[step.inputs[0]];
        let halos = Halos::of(conv, input.height, input.width);
        input.halo = input.halo.union(halos.input);
        if step.pool.is_none() {
            layouts[index + 1].halo = layouts[index + 1].halo.union(halos.output_gradient);
        }
    }
    align_sums(steps, layouts);
}

/// Gives both ends of a sum that is joined to a normalisation the same space, so that their gradients can be the same
/// memory. To and fro, for the sums of a chain.
fn align_sums(steps: &[Joined<'_>], layouts: &mut [Layout]) {
    let sums = steps.iter().enumerate().filter_map(|(index, step)| Some((step.added()?, index + 1)));
    let sums: Vec<(usize, usize)> = sums.collect();
    for &(added, sum) in sums.iter().chain(sums.iter().rev()) {
        let halo = layouts[added].halo.union(layouts[sum].halo);
        layouts[added].halo = halo;
        layouts[sum].halo = halo;
    }
}
