//! Where all samples of a lane come together before any goes on, and how many go on together then.
//!
//! Two reasons to halt. A batch normalisation that learns needs the whole batch. And where weights are so many that they come
//! from beyond the second-level cache for every block of samples, while pictures have become small, a larger block loads
//! them less often: as in VGG16, whose first tensors want one sample at a time and whose last weights want all there are.

use std::ops::{Range, RangeInclusive};

use super::join::Joined;
use crate::executor::compiled::Purpose;
use crate::kernel::Layout;
use crate::layer::Layer;

/// Steps that a lane takes without a halt.
#[derive(Clone, Debug)]
pub(in crate::executor) struct Segment {
    pub steps: Range<usize>,
    /// Whether it begins with the network's input, and ends with the last feature maps.
    pub is_first: bool,
    pub is_last: bool,
    /// Whether the first step is a barrier: it waited for what the segment before noted of the whole batch.
    pub after_barrier: bool,
    /// Whether the step behind the last one is a barrier.
    pub before_barrier: bool,
    /// Samples that are taken through the steps at a time.
    pub block: usize,
}

/// A network's steps, cut where all samples come together.
pub(in crate::executor) struct Halts {
    pub segments: Vec<Segment>,
    /// All steps without a halt, for a lane that need not wait.
    pub whole: Segment,
    /// Whether the segments wait for the whole batch, where it learns; else each lane halts on its own.
    pub are_barriers: bool,
}

/// What a worker's second-level cache is taken to hold of a block's tensors.
pub(super) const CACHE_FLOATS: usize = 64 * 1024;
const LARGEST_BLOCK: usize = 8;
/// Weights that do not stay in a second-level cache, and the largest block that they are loaded for.
const MANY_WEIGHTS: usize = 64 * 1024;
const LARGEST_BLOCK_OF_MANY_WEIGHTS: usize = 16;
/// A kernel of nine weights becomes thirty-six when it is transformed.
const TRANSFORMED: usize = 4;
/// How many times larger a block must be to be worth a halt.
const WORTH_A_HALT: usize = 4;

impl Halts {
    pub(super) fn new(steps: &[Joined<'_>], layouts: &[Layout], purpose: Purpose) -> Halts {
        let is_norm = |step: &usize| matches!(steps[*step].node.layer, Layer::BatchNorm(_));
        let norms: Vec<usize> = (0..steps.len()).filter(is_norm).collect();
        let are_barriers = purpose.learns() && !norms.is_empty();
        let halts = match purpose {
            Purpose::Learn(_) if are_barriers => norms,
            Purpose::Learn(_) | Purpose::Answer => before_many_weights(steps, layouts),
            Purpose::Differentiate | Purpose::Compare => Vec::new(),
        };
        Halts::at(&halts, steps.len(), are_barriers, |taken| block(steps, layouts, taken))
    }

    /// Cuts before each of `halts`.
    fn at(halts: &[usize], steps: usize, are_barriers: bool, block: impl Fn(Range<usize>) -> usize) -> Halts {
        let ends = halts.iter().copied().chain([steps]);
        let segments: Vec<Segment> = std::iter::once(0)
            .chain(halts.iter().copied())
            .zip(ends)
            .enumerate()
            .map(|(index, (start, end))| {
                let (is_first, is_last) = (index == 0, index == halts.len());
                Segment {
                    steps: start..end,
                    is_first,
                    is_last,
                    after_barrier: are_barriers && !is_first,
                    before_barrier: are_barriers && !is_last,
                    block: block(start..end),
                }
            })
            .collect();
        let smallest = segments.iter().map(|segment| segment.block).min().unwrap_or(1);
        let whole = Segment {
            steps: 0..steps,
            is_first: true,
            is_last: true,
            after_barrier: false,
            before_barrier: false,
            block: smallest,
        };
        Halts { segments, whole, are_barriers }
    }

    /// Whether there is a halt before a step.
    pub(super) fn is_before(&self, step: usize) -> bool {
        self.segments[1..].iter().any(|segment| segment.steps.start == step)
    }

    /// Samples that memory for a block must hold.
    pub fn largest_block(&self) -> usize {
        self.segments.iter().map(|segment| segment.block).max().unwrap_or(1)
    }

    /// The segment that a tensor is written in; the network's input is there at the beginning.
    fn written_in(&self, tensor: usize) -> usize {
        self.segment_of(tensor.saturating_sub(1))
    }

    fn segment_of(&self, step: usize) -> usize {
        self.segments[1..].iter().filter(|segment| segment.steps.start <= step).count()
    }

    /// Samples of a tensor that are there at the same time at least, while it is written and while the step that wrote it goes
    /// back.
    pub fn block_of(&self, tensor: usize) -> usize {
        let writer = tensor.saturating_sub(1);
        self.segments[self.segment_of(writer)].block.max(self.segments[self.goes_back_in(writer)].block)
    }

    /// The segment in which a step goes back: a barrier in the one before it.
    pub(super) fn goes_back_in(&self, step: usize) -> usize {
        self.segment_of(step) - usize::from(self.are_barriers && self.is_before(step))
    }

    /// Whether a gradient that lives so long is there when all samples come together on the way back.
    pub(super) fn is_crossed_back(&self, life: &RangeInclusive<usize>) -> bool {
        self.goes_back_in(*life.start()) < self.goes_back_in(*life.end())
    }

    /// Whether a tensor is read behind the next halt.
    pub(super) fn is_read_later(&self, steps: &[Joined<'_>], tensor: usize) -> bool {
        let mut readers = (0..steps.len()).filter(|&step| steps[step].inputs.contains(&tensor));
        readers.any(|step| self.segment_of(step) > self.written_in(tensor))
    }
}

/// The steps from which on larger blocks are worth a halt.
fn before_many_weights(steps: &[Joined<'_>], layouts: &[Layout]) -> Vec<usize> {
    let mut halts = Vec::new();
    let mut so_far = usize::MAX;
    for step in 0..steps.len() {
        let wanted = wanted_by_weights(steps, layouts, step);
        if wanted >= WORTH_A_HALT.saturating_mul(so_far) {
            halts.push(step);
            so_far = wanted;
        }
        so_far = so_far.min(wanted);
    }
    halts
}

/// Samples for which a step's weights are worth loading: as many as have as many values as there are weights.
fn wanted_by_weights(steps: &[Joined<'_>], layouts: &[Layout], step: usize) -> usize {
    let weights: usize =
        steps[step].node.parameters().iter().map(|spec| spec.shape.iter().product::<usize>()).sum();
    if weights < MANY_WEIGHTS {
        return 1;
    }
    let values = layouts[steps[step].inputs[0]].len() + layouts[step + 1].len();
    (TRANSFORMED * weights / values).clamp(1, LARGEST_BLOCK_OF_MANY_WEIGHTS)
}

/// As many samples for some steps as leave their tensors in the cache, or as all of their weights want.
fn block(steps: &[Joined<'_>], layouts: &[Layout], taken: Range<usize>) -> usize {
    let read = steps.get(taken.start).map_or(0, |step| layouts[step.inputs[0]].len());
    let floats = read + layouts[taken.start + 1..=taken.end].iter().map(Layout::len).sum::<usize>();
    let wanted = taken.map(|step| wanted_by_weights(steps, layouts, step)).min().unwrap_or(1);
    (CACHE_FLOATS / floats.max(1)).clamp(1, LARGEST_BLOCK).max(wanted)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::join::join;
    use super::super::layouts::lay_out;
    use super::*;
    use crate::Shape;
    use crate::architecture;

    /// Halts before some of `steps` steps.
    pub fn halts(before: &[usize], steps: usize, are_barriers: bool) -> Halts {
        Halts::at(before, steps, are_barriers, |_| 1)
    }

    #[test]
    fn blocks_grow_where_weights_do_and_pictures_shrink() {
        let vgg = architecture::find("vgg16").unwrap();
        let network = vgg.build(Shape::image(128, 128, 3), 2).unwrap();
        let steps = join(&network, 18, Purpose::Answer);
        let layouts = lay_out(network.input(), &steps);
        let halts = Halts::new(&steps, &layouts, Purpose::Answer);
        let blocks: Vec<usize> = halts.segments.iter().map(|segment| segment.block).collect();
        assert!(blocks.len() > 1 && blocks.is_sorted(), "{blocks:?}");
        assert_eq!((blocks[0], halts.whole.block), (1, 1));
        assert!(halts.segments.windows(2).all(|pair| pair[0].steps.end == pair[1].steps.start));
        // What the first segment leaves is read behind the halt, by the next.
        let left = halts.segments[0].steps.end;
        assert!(halts.is_read_later(&steps, left) && !halts.is_read_later(&steps, left - 1));
    }
}
