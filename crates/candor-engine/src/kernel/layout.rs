//! How the feature maps of one sample lie in memory.

use super::simd::BLOCK;

/// Space around a picture that belongs to its tensor: zeros that convolutions read as padding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Halo {
    pub top: usize,
    pub bottom: usize,
    pub left: usize,
    pub right: usize,
}

impl Halo {
    /// Enough space for both.
    pub fn union(self, other: Halo) -> Halo {
        Halo {
            top: self.top.max(other.top),
            bottom: self.bottom.max(other.bottom),
            left: self.left.max(other.left),
            right: self.right.max(other.right),
        }
    }
}

/// The layout of one sample's tensor: planes of `block` channels, each plane row by row, the channels of a pixel side
/// by side, with a halo around each plane.
///
/// Channels come in blocks of 16 (filled up with zeros), so that a pixel is whole vectors; a network's input of one or
/// three channels is kept as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub block: usize,
    pub halo: Halo,
}

impl Layout {
    /// Feature maps inside the network.
    pub fn blocked(height: usize, width: usize, channels: usize) -> Layout {
        Layout { height, width, channels, block: BLOCK, halo: Halo::default() }
    }

    /// The network's input.
    pub fn input(height: usize, width: usize, channels: usize) -> Layout {
        let block = if channels == 1 || channels == 3 { channels } else { BLOCK };
        Layout { height, width, channels, block, halo: Halo::default() }
    }

    /// The same without anything around it.
    pub fn without_halo(self) -> Layout {
        Layout { halo: Halo::default(), ..self }
    }

    /// Planes, each of `block` channels.
    pub fn planes(&self) -> usize {
        self.channels.div_ceil(self.block)
    }

    /// Floats from one row to the next.
    pub fn row(&self) -> usize {
        (self.halo.left + self.width + self.halo.right) * self.block
    }

    /// Floats from one plane to the next.
    pub fn plane(&self) -> usize {
        (self.halo.top + self.height + self.halo.bottom) * self.row()
    }

    /// Floats of one sample.
    pub fn len(&self) -> usize {
        self.planes() * self.plane()
    }

    /// Where row `y` of a plane begins: its first pixel inside the halo.
    pub fn row_start(&self, plane: usize, y: usize) -> usize {
        plane * self.plane() + (self.halo.top + y) * self.row() + self.halo.left * self.block
    }

    /// Where the value of `channel` at (`y`, `x`) lies.
    pub fn position(&self, channel: usize, y: usize, x: usize) -> usize {
        self.row_start(channel / self.block, y) + x * self.block + channel % self.block
    }
}
