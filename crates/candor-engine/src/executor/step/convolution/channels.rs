//! The numbers of a convolution, and the groups of channels that its kernel computes together.

use std::ops::Range;

use super::phase::gradient_reach;
use crate::kernel::{BLOCK, Grid, Halo, Isa, Layout, Pairing, group_width};
use crate::layer::{Conv2d, WindowGeometry};
use crate::{Pair, Precision};

/// The numbers of a convolution, and how its tensors lie in memory.
#[derive(Clone, Copy)]
pub(super) struct Dimensions {
    pub input: Layout,
    pub output: Layout,
    pub kernel: Pair,
    pub stride: Pair,
    pub filters: usize,
    pub groups: usize,
    pub pad_top: usize,
    pub pad_left: usize,
    /// What is multiplied.
    pub precision: Precision,
}

impl Dimensions {
    pub fn new(config: &Conv2d, input: Layout, output: Layout, precision: Precision) -> Dimensions {
        let (vertical, horizontal) = windows(config, input.height, input.width);
        Dimensions {
            input,
            output,
            kernel: config.kernel,
            stride: config.stride,
            filters: config.filters,
            groups: config.groups,
            pad_top: vertical.pad_before,
            pad_left: horizontal.pad_before,
            // Pixels have too few channels for their products to take long.
            precision: if input.block == BLOCK { precision } else { Precision::F32 },
        }
    }

    /// Offsets of the kernel's values in an input plane, row by row.
    pub fn taps(&self) -> Vec<usize> {
        let (row, block) = (self.input.row(), self.input.block);
        let positions = (0..self.kernel.rows).flat_map(|u| (0..self.kernel.columns).map(move |v| (u, v)));
        positions.map(|(u, v)| u * row + v * block).collect()
    }

    /// Where a window's sum begins in a sample of the input.
    pub fn origin(&self, row: usize, column: usize) -> usize {
        let before = self.pad_top * self.input.row() + self.pad_left * self.input.block;
        let moved = row * self.stride.rows * self.input.row() + column * self.column_step();
        self.input.row_start(0, 0) - before + moved
    }

    /// Where the sum for the gradient of the first input pixel begins in a sample of the output's gradient, with stride 1.
    pub fn gradient_origin(&self) -> usize {
        let before = |kernel: usize, pad: usize| kernel - 1 - pad;
        self.output.row_start(0, 0)
            - before(self.kernel.rows, self.pad_top) * self.output.row()
            - before(self.kernel.columns, self.pad_left) * BLOCK
    }

    /// The windows' sums from output row `first_row` on.
    pub fn origins(&self, first_row: usize) -> Grid {
        let row = self.stride.rows * self.input.row();
        Grid { start: self.origin(first_row, 0), step: self.column_step(), row }
    }

    /// Floats from one window to the next.
    pub fn column_step(&self) -> usize {
        self.stride.columns * self.input.block
    }

    /// Whether every channel has a filter of its own, and one only.
    pub fn is_depthwise(&self) -> bool {
        self.groups == self.input.channels && self.filters == self.groups && self.input.block == BLOCK
    }

    /// What products are made of.
    pub fn pairing(&self, isa: Isa) -> Pairing {
        match self.precision {
            Precision::F32 => Pairing::Single,
            Precision::Bf16 => Pairing::of(isa),
        }
    }

    /// Parts of the channels that are computed without the others: as many as the groups allow such that every part
    /// begins with a block of inputs and a block of filters. Groups that share a block are one part, with zeros between
    /// them.
    pub fn parts(&self) -> usize {
        let (inputs, filters) = (self.input.channels / self.groups, self.filters / self.groups);
        let fills = |channels: usize| channels.is_multiple_of(BLOCK);
        let together = (1..=self.groups).find(|together| {
            self.groups.is_multiple_of(*together) && fills(together * inputs) && fills(together * filters)
        });
        together.map_or(1, |together| self.groups / together)
    }

    /// Input channels in each part.
    pub fn channels_of_part(&self) -> usize {
        self.input.channels / self.parts()
    }

    /// The input channels that a filter sees.
    pub fn channels_of(&self, filter: usize) -> Range<usize> {
        let each = self.input.channels / self.groups;
        let group = filter / (self.filters / self.groups);
        group * each..(group + 1) * each
    }

    /// Every kernel with the channel that it sees, counted inside its part of the channels, and its filter.
    pub fn kernels<'a>(
        &self,
        weight: &'a [f32],
    ) -> impl Iterator<Item = ((usize, usize), &'a [f32])> + use<'a> {
        let shape = *self;
        let of_part = shape.channels_of_part();
        (0..shape.filters).flat_map(move |filter| {
            let places = shape.channels_of(filter).map(move |channel| (channel % of_part, filter));
            places.zip(shape.weights_of(filter, weight))
        })
    }

    /// How many weights there are.
    pub fn weights(&self) -> usize {
        self.filters * (self.input.channels / self.groups) * self.kernel.rows * self.kernel.columns
    }

    /// The 3×3 kernel between a channel and a filter that sees all channels, row by row.
    pub fn square_kernel(&self, weight: &[f32], filter: usize, channel: usize) -> [f32; 9] {
        weight.as_chunks().0[filter * self.input.channels + channel]
    }

    /// A filter's weights, for each of its channels the taps.
    pub fn weights_of<'a>(
        &self,
        filter: usize,
        weight: &'a [f32],
    ) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let taps = self.kernel.rows * self.kernel.columns;
        let each = self.input.channels / self.groups * taps;
        weight[filter * each..(filter + 1) * each].chunks_exact(taps)
    }
}

fn windows(config: &Conv2d, height: usize, width: usize) -> (WindowGeometry, WindowGeometry) {
    let (kernel, stride) = (config.kernel, config.stride);
    let along = |size, kernel, stride| WindowGeometry::along(size, kernel, stride, config.padding);
    (along(height, kernel.rows, stride.rows), along(width, kernel.columns, stride.columns))
}

/// What a convolution needs around its tensors.
pub(in crate::executor) struct Halos {
    pub input: Halo,
    pub output_gradient: Halo,
}

impl Halos {
    /// The space that a convolution needs around an input of this size, and around the gradient of its output.
    pub fn of(config: &Conv2d, height: usize, width: usize) -> Halos {
        let (vertical, horizontal) = windows(config, height, width);
        let input = Halo {
            top: vertical.pad_before,
            bottom: vertical.pad_after,
            left: horizontal.pad_before,
            right: horizontal.pad_after,
        };
        let (top, bottom) = gradient_reach(height, config.kernel.rows, config.stride.rows, vertical);
        let (left, right) = gradient_reach(width, config.kernel.columns, config.stride.columns, horizontal);
        Halos { input, output_gradient: Halo { top, bottom, left, right } }
    }
}

/// Channels that are computed together; all of them belong to one part.
#[derive(Clone, Copy)]
pub(super) struct ChannelGroup {
    pub first_block: usize,
    pub width: usize,
    /// The part of the channels that they belong to.
    pub part: usize,
}

impl ChannelGroup {
    /// All `channels` in groups; each of `parts` has as many of them.
    pub fn all(isa: Isa, channels: usize, parts: usize) -> Vec<ChannelGroup> {
        let each = channels / parts;
        let mut groups = Vec::new();
        for part in 0..parts {
            let mut first = 0;
            while first < each {
                let width = group_width(isa, each - first);
                groups.push(ChannelGroup { first_block: (part * each + first) / BLOCK, width, part });
                first += width;
            }
        }
        groups
    }

    pub fn blocks(&self) -> Range<usize> {
        self.first_block..self.first_block + self.width / BLOCK
    }

    /// Where the group's weights stand among those of all groups, when each channel has `terms`.
    pub fn weights(&self, terms: usize) -> Range<usize> {
        let start = self.first_block * BLOCK * terms;
        start..start + self.width * terms
    }
}

/// The group that a channel is computed in.
pub(super) fn group_of(groups: &[ChannelGroup], channel: usize) -> ChannelGroup {
    let found = groups.iter().find(|group| group.blocks().contains(&(channel / BLOCK)));
    *found.expect("the groups hold every channel")
}
