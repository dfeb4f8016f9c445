//! The gradient with respect to a convolution's input, dense: convolutions of the output's gradient.
//!
//! With a stride, input pixels whose position leaves another remainder meet other taps; each pair of remainders is a
//! convolution of its own, with a part of the taps.

use super::channels::Dimensions;
use crate::kernel::{BLOCK, Grid};
use crate::layer::WindowGeometry;

/// The input pixels whose position leaves the same remainders when divided by the stride.
pub(super) struct Phase {
    /// Offsets of the taps from a pixel's origin in a plane of the output's gradient.
    pub taps: Vec<usize>,
    /// Kernel rows and columns of the taps.
    pub kernel_positions: Vec<(usize, usize)>,
    /// The first input pixel, and how many there are.
    pub first: (usize, usize),
    pub rows: usize,
    pub columns: usize,
    /// Where the first pixel's sum begins in the output's gradient; may lie in the halo.
    pub origin: usize,
}

impl Phase {
    /// Where the pixels' sums begin in a sample of the output's gradient.
    pub fn from(&self, shape: &Dimensions) -> Grid {
        Grid { start: self.origin, step: BLOCK, row: shape.output.row() }
    }

    /// Where the pixels of a block of channels lie in a sample of the input's gradient.
    pub fn to(&self, shape: &Dimensions, block: usize) -> Grid {
        let start = shape.input.row_start(block, self.first.0) + self.first.1 * BLOCK;
        let (row, step) = (shape.stride.rows * shape.input.row(), shape.stride.columns * BLOCK);
        Grid { start, step, row }
    }
}

/// The phases of a convolution: one for each pair of remainders that any tap reaches.
pub(super) fn phases(shape: &Dimensions) -> Vec<Phase> {
    let Dimensions { input, output, .. } = shape;
    let vertical = 0..shape.stride.rows.min(shape.kernel.rows);
    let pairs =
        vertical.flat_map(|a| (0..shape.stride.columns.min(shape.kernel.columns)).map(move |b| (a, b)));
    let phase = |(a, b): (usize, usize)| {
        let (y, rows) = positions_with_remainder(input.height, shape.stride.rows, shape.pad_top, a)?;
        let (x, columns) = positions_with_remainder(input.width, shape.stride.columns, shape.pad_left, b)?;
        let tap_rows: Vec<usize> = (a..shape.kernel.rows).step_by(shape.stride.rows).collect();
        let tap_columns: Vec<usize> = (b..shape.kernel.columns).step_by(shape.stride.columns).collect();
        let kernel_positions: Vec<(usize, usize)> =
            tap_rows.iter().flat_map(|&u| tap_columns.iter().map(move |&v| (u, v))).collect();
        // The tap that is farthest down the kernel reads the row that is farthest up.
        let offset = |&(u, v): &(usize, usize)| {
            let up = (tap_rows[tap_rows.len() - 1] - u) / shape.stride.rows;
            let left = (tap_columns[tap_columns.len() - 1] - v) / shape.stride.columns;
            up * output.row() + left * BLOCK
        };
        let row = (y + shape.pad_top) / shape.stride.rows;
        let column = (x + shape.pad_left) / shape.stride.columns;
        let origin = (output.row_start(0, 0) + row * output.row() + column * BLOCK)
            - (tap_rows.len() - 1) * output.row()
            - (tap_columns.len() - 1) * BLOCK;
        let taps = kernel_positions.iter().map(offset).collect();
        Some(Phase { taps, kernel_positions, first: (y, x), rows, columns, origin })
    };
    pairs.filter_map(phase).collect()
}

/// How far the sums for the input's gradient reach beyond the output's gradient, before its start and after its end.
pub(super) fn gradient_reach(
    size: usize,
    kernel: usize,
    stride: usize,
    window: WindowGeometry,
) -> (usize, usize) {
    let mut reach = (0, 0);
    for remainder in 0..stride.min(kernel) {
        let Some((first, count)) = positions_with_remainder(size, stride, window.pad_before, remainder)
        else {
            continue;
        };
        let quotient = (first + window.pad_before) / stride;
        let taps = (kernel - remainder).div_ceil(stride);
        reach.0 = reach.0.max((taps - 1).saturating_sub(quotient));
        reach.1 = reach.1.max((quotient + count).saturating_sub(window.outputs));
    }
    reach
}

/// The first position in 0..size for which (position + pad) mod stride is `remainder`, and how many there are.
fn positions_with_remainder(
    size: usize,
    stride: usize,
    pad: usize,
    remainder: usize,
) -> Option<(usize, usize)> {
    let first = (0..size).find(|position| (position + pad) % stride == remainder)?;
    Some((first, (size - first).div_ceil(stride)))
}

/// Whether `phases` leave out input pixels: those that no window touches, whose gradient is zero.
pub(super) fn leave_gaps<'a>(phases: impl Iterator<Item = &'a Phase>, shape: &Dimensions) -> bool {
    phases.map(|phase| phase.rows * phase.columns).sum::<usize>() < shape.input.height * shape.input.width
}
