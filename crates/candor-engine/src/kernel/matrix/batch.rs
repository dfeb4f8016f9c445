//! Products of rows with rows, the lanes of a vector being several rows: nothing is to be summed over the lanes at the end.

use std::mem::MaybeUninit;

use super::combine::{combine_tile, rows_at_once};
use super::{LINE, Panel, Strided};
use crate::kernel::simd::{BLOCK, Simd, simd_kernel};

/// Values of a row, and rows, that [`batch_products`](super::batch_products) takes at once: 64 KB, and whole pairs of vectors.
const BATCH_DEPTH: usize = 256;
const BATCH_ROWS: usize = 64;

simd_kernel! {
    pub(super) fn batch_kernel = batch_panels(sizes: (usize, usize, usize), a: Strided, b: Strided, y: *mut f32)
}

#[inline(always)]
unsafe fn batch_panels<S: Simd>(
    (rows, columns, depth): (usize, usize, usize),
    a: Strided,
    b: Strided,
    y: *mut f32,
) {
    let mut panel = MaybeUninit::<Panel<{ BATCH_DEPTH * BATCH_ROWS }>>::uninit();
    let panel = panel.as_mut_ptr().cast::<f32>();
    for k in (0..depth).step_by(BATCH_DEPTH) {
        let deep = BATCH_DEPTH.min(depth - k);
        for n in (0..columns).step_by(BATCH_ROWS) {
            let wide = BATCH_ROWS.min(columns - n);
            unsafe {
                transpose(panel, (b.0.add(n * b.1 + k), b.1), (wide, deep), 2 * S::LANES);
                batch_tiles::<S>((rows, wide, deep), (a.0.add(k), a.1), panel, (y.add(n), columns));
            }
        }
    }
}

/// Copies `rows` × `depth` values so that those of `group` rows at the same place lie side by side, one place after the
/// other, and then the next group; zeros stand for rows that the last group lacks.
#[inline(always)]
unsafe fn transpose(to: *mut f32, (from, stride): Strided, (rows, depth): (usize, usize), group: usize) {
    for first in (0..rows.next_multiple_of(group)).step_by(group) {
        let to = unsafe { to.add(first * depth) };
        for k in (0..depth).step_by(LINE) {
            for row in first..first + group {
                for k in k..depth.min(k + LINE) {
                    let value = if row < rows { unsafe { *from.add(row * stride + k) } } else { 0.0 };
                    unsafe { *to.add(k * group + row - first) = value };
                }
            }
        }
    }
}

/// Adds the products with the rows of a transposed panel to `y`, in tiles of six rows × two vectors.
#[inline(always)]
unsafe fn batch_tiles<S: Simd>(
    (rows, columns, depth): (usize, usize, usize),
    a: Strided,
    panel: *const f32,
    y: (*mut f32, usize),
) {
    let width = 2 * S::LANES;
    let mut r = 0;
    while r < rows {
        let tall = rows_at_once(rows - r);
        for n in (0..columns).step_by(width) {
            let wide = width.min(columns - n);
            unsafe {
                let c = (a.0.add(r * a.1), a.1, 1);
                let b = (panel.add(n * depth), width);
                let y = (y.0.add(r * y.1 + n), y.1);
                match tall {
                    6 => batch_tile::<S, 6>((depth, wide), c, b, y),
                    4 => batch_tile::<S, 4>((depth, wide), c, b, y),
                    2 => batch_tile::<S, 2>((depth, wide), c, b, y),
                    _ => batch_tile::<S, 1>((depth, wide), c, b, y),
                }
            }
        }
        r += tall;
    }
}

/// One tile of [`batch_tiles`], of which only `wide` columns exist.
#[inline(always)]
unsafe fn batch_tile<S: Simd, const ROWS: usize>(
    (depth, wide): (usize, usize),
    c: (*const f32, usize, usize),
    b: Strided,
    y: (*mut f32, usize),
) {
    if wide == b.1 {
        return unsafe { combine_tile::<S, ROWS, 2>(depth, c, b, y, true) };
    }
    let mut tile = [[0.0; 2 * BLOCK]; ROWS];
    unsafe { combine_tile::<S, ROWS, 2>(depth, c, b, (tile.as_mut_ptr().cast(), 2 * BLOCK), false) };
    for (r, products) in tile.iter().enumerate() {
        for (n, product) in products[..wide].iter().enumerate() {
            unsafe { *y.0.add(r * y.1 + n) += product };
        }
    }
}
