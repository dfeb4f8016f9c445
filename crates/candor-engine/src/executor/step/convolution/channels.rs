//! The numbers of a convolution, and the groups of channels that its kernel computes together.

use std::ops::Range;

use crate::Pair;
use crate::kernel::{BLOCK, Isa, group_width};

/// The numbers of a convolution.
#[derive(Clone, Copy)]
pub(super) struct Dimensions {
    pub kernel: Pair,
    pub stride: Pair,
    pub inputs: usize,
    pub filters: usize,
    pub groups: usize,
    pub pad_top: usize,
    pub pad_left: usize,
}

impl Dimensions {
    /// The input channels that a filter sees.
    pub fn channels_of(&self, filter: usize) -> Range<usize> {
        let each = self.inputs / self.groups;
        let group = filter / (self.filters / self.groups);
        group * each..(group + 1) * each
    }

    /// A filter's weights, for each of its channels the taps.
    pub fn weights_of<'a>(&self, filter: usize, weight: &'a [f32]) -> impl Iterator<Item = &'a [f32]> {
        let taps = self.kernel.rows * self.kernel.columns;
        let each = self.inputs / self.groups * taps;
        weight[filter * each..(filter + 1) * each].chunks_exact(taps)
    }
}

/// Channels that are computed together.
#[derive(Clone, Copy)]
pub(super) struct ChannelGroup {
    pub first_block: usize,
    pub width: usize,
}

impl ChannelGroup {
    pub fn all(isa: Isa, channels: usize) -> Vec<ChannelGroup> {
        let mut groups = Vec::new();
        let mut first = 0;
        while first < channels {
            let width = group_width(isa, channels - first);
            groups.push(ChannelGroup { first_block: first / BLOCK, width });
            first += width;
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
