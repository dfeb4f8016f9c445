//! Products of rows with rows, summed along both: the lanes of a vector are places in a row.

use std::mem::MaybeUninit;

use super::{LINE, Panel, Strided, pack};
use crate::kernel::simd::{Simd, simd_kernel};

/// Values of a row, and rows, that [`inner_products`](super::inner_products) takes at once: 64 KB, which share the second-level cache.
const INNER_DEPTH: usize = 512;
const INNER_ROWS: usize = 32;

simd_kernel! {
    pub(super) fn inner_kernel = inner_panels(sizes: (usize, usize, usize), a: Strided, b: Strided, y: *mut f32)
}

#[inline(always)]
unsafe fn inner_panels<S: Simd>(
    (rows, columns, depth): (usize, usize, usize),
    a: Strided,
    b: Strided,
    y: *mut f32,
) {
    let mut panel = MaybeUninit::<Panel<{ INNER_DEPTH * INNER_ROWS }>>::uninit();
    for k in (0..depth).step_by(INNER_DEPTH) {
        let deep = INNER_DEPTH.min(depth - k);
        for n in (0..columns).step_by(INNER_ROWS) {
            let wide = INNER_ROWS.min(columns - n);
            unsafe {
                let from = (b.0.add(n * b.1 + k), b.1);
                let b = if deep == depth { from } else { pack(&mut panel, from, (wide, deep)) };
                inner_tiles::<S>((rows, wide, deep), (a.0.add(k), a.1), b, (y.add(n), columns));
            }
        }
    }
}

/// Rows of `a` that stay in the first-level cache while those of `b` pass: two tiles, so that `b`, which comes from the
/// second level, is needed half as often.
const GROUP: usize = 6;

/// Three rows of `a` at a time meet four rows of `b` at a time.
#[inline(always)]
unsafe fn inner_tiles<S: Simd>(
    (rows, columns, depth): (usize, usize, usize),
    a: Strided,
    b: Strided,
    y: (*mut f32, usize),
) {
    for first in (0..rows).step_by(GROUP) {
        let last = (first + GROUP).min(rows);
        let next = (a.0.wrapping_add(last * a.1), a.1);
        let mut n = 0;
        while n < columns {
            let broad = columns - n >= 4;
            unsafe { prefetch_share::<S>(next, (GROUP.min(rows - last), depth), (n, columns)) };
            let mut r = first;
            while r < last {
                let tall = last - r >= 3;
                unsafe {
                    let (a, b) = ((a.0.add(r * a.1), a.1), (b.0.add(n * b.1), b.1));
                    let y = (y.0.add(r * y.1 + n), y.1);
                    match (tall, broad) {
                        (true, true) => inner_tile::<S, 3, 4>(depth, a, b, y),
                        (true, false) => inner_tile::<S, 3, 1>(depth, a, b, y),
                        (false, true) => inner_tile::<S, 1, 4>(depth, a, b, y),
                        (false, false) => inner_tile::<S, 1, 1>(depth, a, b, y),
                    }
                }
                r += if tall { 3 } else { 1 };
            }
            n += if broad { 4 } else { 1 };
        }
    }
}

/// Asks for the part of `rows` × `width` values that falls to the four columns from `n` on.
#[inline(always)]
unsafe fn prefetch_share<S: Simd>(
    (from, stride): Strided,
    (rows, width): (usize, usize),
    (n, columns): (usize, usize),
) {
    let lines = width.div_ceil(LINE);
    let (first, last) = (n * lines / columns, (n + 4).min(columns) * lines / columns);
    for row in 0..rows {
        for line in first..last {
            unsafe { S::prefetch(from.wrapping_add(row * stride + line * LINE)) };
        }
    }
}

#[inline(always)]
unsafe fn inner_tile<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    depth: usize,
    a: Strided,
    b: Strided,
    y: (*mut f32, usize),
) {
    unsafe {
        let mut sums = [[S::splat(0.0); COLUMNS]; ROWS];
        let whole = depth - depth % S::LANES;
        for k in (0..whole).step_by(S::LANES) {
            let mut right = [S::splat(0.0); COLUMNS];
            for (n, right) in right.iter_mut().enumerate() {
                *right = S::load(b.0.add(n * b.1 + k));
            }
            for r in 0..ROWS {
                let left = S::load(a.0.add(r * a.1 + k));
                for n in 0..COLUMNS {
                    sums[r][n] = S::mul_add(left, right[n], sums[r][n]);
                }
            }
        }
        for r in 0..ROWS {
            let totals = S::sums(sums[r]);
            for n in 0..COLUMNS {
                let mut sum = totals[n];
                for k in whole..depth {
                    sum += *a.0.add(r * a.1 + k) * *b.0.add(n * b.1 + k);
                }
                *y.0.add(r * y.1 + n) += sum;
            }
        }
    }
}
