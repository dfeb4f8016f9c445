//! Rows weighted by coefficients and summed up.

use std::mem::MaybeUninit;

use super::{Panel, Strided, pack};
use crate::kernel::simd::{Simd, simd_kernel};

/// Values of a row, and rows, that [`combine_rows`](super::combine_rows) takes at once: 16 KB, which share the first-level cache.
const COMBINED_WIDTH: usize = 128;
const COMBINED_ROWS: usize = 32;

simd_kernel! {
    pub(super) fn combine_kernel = combine_panels(
        sizes: (usize, usize, usize), c: (*const f32, usize, usize), b: Strided, out: *mut f32,
    )
}

#[inline(always)]
unsafe fn combine_panels<S: Simd>(
    (rows, terms, width): (usize, usize, usize),
    (c, by_row, by_term): (*const f32, usize, usize),
    b: Strided,
    out: *mut f32,
) {
    let mut panel = MaybeUninit::<Panel<{ COMBINED_WIDTH * COMBINED_ROWS }>>::uninit();
    for k in (0..width).step_by(COMBINED_WIDTH) {
        let wide = COMBINED_WIDTH.min(width - k);
        for first in (0..terms).step_by(COMBINED_ROWS) {
            let terms = COMBINED_ROWS.min(terms - first);
            unsafe {
                let from = (b.0.add(first * b.1 + k), b.1);
                let b = if wide == width { from } else { pack(&mut panel, from, (terms, wide)) };
                let c = (c.add(first * by_term), by_row, by_term);
                combine_tiles::<S>((rows, terms, wide), c, b, (out.add(k), width), first > 0);
            }
        }
    }
}

/// How many of the rows that are left a tile has: six keep the machine busiest.
#[inline(always)]
pub(super) fn rows_at_once(left: usize) -> usize {
    match left {
        6.. => 6,
        4 | 5 => 4,
        2 | 3 => 2,
        _ => 1,
    }
}

/// Cuts the result into tiles of six rows × two vectors. With `go_on`, what is there is added to.
#[inline(always)]
unsafe fn combine_tiles<S: Simd>(
    (rows, terms, width): (usize, usize, usize),
    (c, by_row, by_term): (*const f32, usize, usize),
    b: Strided,
    out: (*mut f32, usize),
    go_on: bool,
) {
    let mut r = 0;
    while r < rows {
        let tall = rows_at_once(rows - r);
        let c = (c.wrapping_add(r * by_row), by_row, by_term);
        let out = (out.0.wrapping_add(r * out.1), out.1);
        unsafe {
            match tall {
                6 => combine_row_of_tiles::<S, 6>((terms, width), c, b, out, go_on),
                4 => combine_row_of_tiles::<S, 4>((terms, width), c, b, out, go_on),
                2 => combine_row_of_tiles::<S, 2>((terms, width), c, b, out, go_on),
                _ => combine_row_of_tiles::<S, 1>((terms, width), c, b, out, go_on),
            }
        }
        r += tall;
    }
}

#[inline(always)]
unsafe fn combine_row_of_tiles<S: Simd, const ROWS: usize>(
    (terms, width): (usize, usize),
    c: (*const f32, usize, usize),
    b: Strided,
    out: (*mut f32, usize),
    go_on: bool,
) {
    let mut k = 0;
    while k + S::LANES <= width {
        let vectors = if k + 2 * S::LANES <= width { 2 } else { 1 };
        let (b, out) = ((b.0.wrapping_add(k), b.1), (out.0.wrapping_add(k), out.1));
        unsafe {
            if vectors == 2 {
                combine_tile::<S, ROWS, 2>(terms, c, b, out, go_on);
            } else {
                combine_tile::<S, ROWS, 1>(terms, c, b, out, go_on);
            }
        }
        k += vectors * S::LANES;
    }
    for (r, k) in (0..ROWS).flat_map(|r| (k..width).map(move |k| (r, k))) {
        unsafe {
            let to = out.0.add(r * out.1 + k);
            let mut sum = if go_on { *to } else { 0.0 };
            for j in 0..terms {
                sum += *c.0.add(r * c.1 + j * c.2) * *b.0.add(j * b.1 + k);
            }
            *to = sum;
        }
    }
}

#[inline(always)]
pub(super) unsafe fn combine_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
    terms: usize,
    (c, by_row, by_term): (*const f32, usize, usize),
    b: Strided,
    out: (*mut f32, usize),
    go_on: bool,
) {
    unsafe {
        let mut sums = [[S::splat(0.0); VECTORS]; ROWS];
        if go_on {
            for (r, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    *sum = S::load(out.0.add(r * out.1 + v * S::LANES));
                }
            }
        }
        for j in 0..terms {
            let mut values = [S::splat(0.0); VECTORS];
            for (v, value) in values.iter_mut().enumerate() {
                *value = S::load(b.0.add(j * b.1 + v * S::LANES));
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                let coefficient = S::splat(*c.add(r * by_row + j * by_term));
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = S::mul_add(coefficient, value, *sum);
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                S::store(out.0.add(r * out.1 + v * S::LANES), sum);
            }
        }
    }
}
