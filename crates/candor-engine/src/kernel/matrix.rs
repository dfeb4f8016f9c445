//! The products of a dense layer over a whole batch.
//!
//! Two kernels serve the three products. [`inner_products`] is the forward pass: rows of the weights times rows of the
//! batch, both as they lie in memory. [`combine_rows`] makes the gradients: rows of the one matrix, weighted by
//! coefficients, summed up. Both keep a tile of the result in registers while they walk over what is summed.
//!
//! One of the two matrices is passed over again and again. Panels of it are copied to where they lie side by side: rows
//! that are a power of two apart, as those of a picture of 64 × 64 pixels are, all fall into the same few places of a cache
//! and drive each other out. The other matrix is read once, and its next rows are fetched while those at hand are in use.
//!
//! The sum for one value runs in the same order wherever a tile begins, so a caller may cut the rows of the result over
//! threads as it likes.

use std::mem::MaybeUninit;

use super::Isa;
use super::simd::{Simd, simd_kernel};

/// A matrix inside a slice: row `r` begins at `r · stride`.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub values: &'a [f32],
    pub stride: usize,
}

/// Values of a row, and rows, that [`inner_products`] takes at once: 64 KB, which share the second-level cache.
const INNER_DEPTH: usize = 512;
const INNER_ROWS: usize = 32;

/// Values of a row, and rows, that [`combine_rows`] takes at once: 16 KB, which share the first-level cache.
const COMBINED_WIDTH: usize = 128;
const COMBINED_ROWS: usize = 32;

/// Floats in a cache line.
const LINE: usize = 16;

/// y\[r\]\[n\] = Σ over k of a\[r\]\[k\] · b\[n\]\[k\], for `rows` × `columns` values of y, row after row, and `depth`
/// values of k. `a` is read once, `b` for every few rows of it.
///
/// # Panics
/// When a matrix is smaller than that.
pub(crate) fn inner_products(
    isa: Isa,
    (rows, columns, depth): (usize, usize, usize),
    a: Rows<'_>,
    b: Rows<'_>,
    y: &mut [f32],
) {
    y[..rows * columns].fill(0.0);
    if rows == 0 || columns == 0 || depth == 0 {
        return;
    }
    assert!((rows - 1) * a.stride + depth <= a.values.len(), "the left matrix is too small");
    assert!((columns - 1) * b.stride + depth <= b.values.len(), "the right matrix is too small");
    let sizes = (rows, columns, depth);
    // SAFETY: the asserts and the slice above hold every access inside its slice; `isa` comes from `Isa::available`.
    unsafe {
        inner_kernel(isa, sizes, (a.values.as_ptr(), a.stride), (b.values.as_ptr(), b.stride), y.as_mut_ptr())
    }
}

/// out\[r\]\[k\] = Σ over j of c\[r · by_row + j · by_term\] · b\[j\]\[k\], for `rows` rows of `width` values, row after row,
/// and `terms` values of j.
///
/// # Panics
/// When a matrix is smaller than that.
pub(crate) fn combine_rows(
    isa: Isa,
    (rows, terms, width): (usize, usize, usize),
    (coefficients, by_row, by_term): (&[f32], usize, usize),
    b: Rows<'_>,
    out: &mut [f32],
) {
    let out = &mut out[..rows * width];
    if terms == 0 {
        out.fill(0.0);
    }
    if rows == 0 || terms == 0 || width == 0 {
        return;
    }
    let last = (rows - 1) * by_row + (terms - 1) * by_term;
    assert!(last < coefficients.len(), "there are too few coefficients");
    assert!((terms - 1) * b.stride + width <= b.values.len(), "the combined matrix is too small");
    let (c, b) = ((coefficients.as_ptr(), by_row, by_term), (b.values.as_ptr(), b.stride));
    // SAFETY: the asserts and the slice above hold every access inside its slice; `isa` comes from `Isa::available`.
    unsafe { combine_kernel(isa, (rows, terms, width), c, b, out.as_mut_ptr()) }
}

/// A pointer to a matrix, and how far its rows are apart.
type Strided = (*const f32, usize);

/// Copies `rows` × `width` values to where they lie side by side, and returns that.
#[inline(always)]
unsafe fn pack<const LEN: usize>(
    to: &mut MaybeUninit<[f32; LEN]>,
    (from, stride): Strided,
    (rows, width): (usize, usize),
) -> Strided {
    debug_assert!(rows * width <= LEN);
    let to = to.as_mut_ptr().cast::<f32>();
    for row in 0..rows {
        unsafe { std::ptr::copy_nonoverlapping(from.add(row * stride), to.add(row * width), width) };
    }
    (to, width)
}

simd_kernel! {
    fn inner_kernel = inner_panels(sizes: (usize, usize, usize), a: Strided, b: Strided, y: *mut f32)
}

#[inline(always)]
unsafe fn inner_panels<S: Simd>(
    (rows, columns, depth): (usize, usize, usize),
    a: Strided,
    b: Strided,
    y: *mut f32,
) {
    let mut panel = MaybeUninit::<[f32; INNER_DEPTH * INNER_ROWS]>::uninit();
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

simd_kernel! {
    fn combine_kernel = combine_panels(
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
    let mut panel = MaybeUninit::<[f32; COMBINED_WIDTH * COMBINED_ROWS]>::uninit();
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
        let tall = rows - r >= 6;
        let c = (c.wrapping_add(r * by_row), by_row, by_term);
        let out = (out.0.wrapping_add(r * out.1), out.1);
        unsafe {
            if tall {
                combine_row_of_tiles::<S, 6>((terms, width), c, b, out, go_on);
            } else {
                combine_row_of_tiles::<S, 1>((terms, width), c, b, out, go_on);
            }
        }
        r += if tall { 6 } else { 1 };
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
unsafe fn combine_tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Stream;

    fn values(seed: u64, name: &str, len: usize) -> Vec<f32> {
        let stream = Stream::new(seed).derive(name);
        (0..len).map(|i| 2.0 * stream.unit(i as u64) - 1.0).collect()
    }

    fn close(got: f32, expected: f64) -> bool {
        (f64::from(got) - expected).abs() < 2e-4
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn products_are_those_of_the_reference_on_every_instruction_set(
            (rows, columns) in prop_oneof![(1usize..12, 1usize..12), (1usize..4, 30usize..40)],
            depth in prop_oneof![1usize..40, 1000usize..1100],
            seed: u64,
        ) {
            let (a, b) = (values(seed, "a", rows * (depth + 3)), values(seed, "b", columns * depth));
            for isa in Isa::available() {
                let mut y = vec![f32::NAN; rows * columns];
                let (a, b) = (Rows { values: &a, stride: depth + 3 }, Rows { values: &b, stride: depth });
                inner_products(isa, (rows, columns, depth), a, b, &mut y);
                for r in 0..rows {
                    for n in 0..columns {
                        let terms = (0..depth).map(|k| f64::from(a.values[r * a.stride + k]) * f64::from(b.values[n * depth + k]));
                        let expected = terms.sum::<f64>();
                        prop_assert!(close(y[r * columns + n], expected), "{isa}: row {r}, column {n}");
                    }
                }
            }
        }

        #[test]
        fn combinations_are_those_of_the_reference_and_do_not_depend_on_how_rows_are_cut(
            (rows, terms) in (1usize..15, prop_oneof![1usize..12, 30usize..70]),
            width in prop_oneof![1usize..40, 250usize..300],
            transposed: bool,
            seed: u64,
        ) {
            let (by_row, by_term) = if transposed { (1, rows) } else { (terms, 1) };
            let (c, b) = (values(seed, "c", rows * terms), values(seed, "b", terms * width));
            for isa in Isa::available() {
                let b = Rows { values: &b, stride: width };
                let mut out = vec![f32::NAN; rows * width];
                combine_rows(isa, (rows, terms, width), (&c, by_row, by_term), b, &mut out);
                for r in 0..rows {
                    for k in 0..width {
                        let sum: f64 =
                            (0..terms).map(|j| f64::from(c[r * by_row + j * by_term]) * f64::from(b.values[j * width + k])).sum();
                        prop_assert!(close(out[r * width + k], sum), "{isa}");
                    }
                }
                let mut by_single_rows = vec![f32::NAN; rows * width];
                for (r, row) in by_single_rows.chunks_exact_mut(width).enumerate() {
                    combine_rows(isa, (1, terms, width), (&c[r * by_row..], by_row, by_term), b, row);
                }
                prop_assert_eq!(&out, &by_single_rows);
            }
        }
    }
}
