//! The products of a dense layer over a whole batch.
//!
//! Two kernels serve the three products. [`add_inner_products`] is the forward pass: rows of the batch times rows of
//! the weights, as they lie in memory, no packing. [`add_row_combinations`] makes the gradients: rows of the one
//! matrix, weighted by coefficients, added to rows of another. In both, the sum for one value runs in the same order
//! wherever a tile begins, so a caller may cut the rows over threads as it likes.

use super::Isa;
use super::simd::{Simd, simd_kernel};

/// A matrix inside a slice: row `r` begins at `r · stride`.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub values: &'a [f32],
    pub stride: usize,
}

/// Values of a row that are taken at once, so that the rows in use stay in the caches.
const INNER_PANEL: usize = 1024;
const COMBINATION_PANEL: usize = 256;

/// y\[r\]\[n\] += Σ over k of a\[r\]\[k\] · b\[n\]\[k\], for `rows` × `columns` values of y and `depth` values of k.
///
/// # Panics
/// When a matrix is smaller than that.
pub(crate) fn add_inner_products(
    isa: Isa,
    (rows, columns, depth): (usize, usize, usize),
    a: Rows<'_>,
    b: Rows<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!((rows - 1) * a.stride + depth <= a.values.len(), "the left matrix is too small");
    assert!((columns - 1) * b.stride + depth <= b.values.len(), "the right matrix is too small");
    assert!((rows - 1) * y_stride + columns <= y.len(), "the product is too small");
    let (a_ptr, b_ptr, y_ptr) = (a.values.as_ptr(), b.values.as_ptr(), y.as_mut_ptr());
    // SAFETY: the asserts above hold every access inside its slice; `isa` comes from `Isa::available`.
    unsafe { inner_kernel(isa, rows, columns, depth, a_ptr, a.stride, b_ptr, b.stride, y_ptr, y_stride) }
}

/// out\[r\]\[k\] += Σ over j of c\[r · by_row + j · by_term\] · b\[j\]\[k\], for `rows` rows of `width` values and `terms`
/// values of j.
///
/// # Panics
/// When a matrix is smaller than that.
pub(crate) fn add_row_combinations(
    isa: Isa,
    (rows, terms, width): (usize, usize, usize),
    (coefficients, by_row, by_term): (&[f32], usize, usize),
    b: Rows<'_>,
    out: &mut [f32],
    out_stride: usize,
) {
    if rows == 0 || terms == 0 {
        return;
    }
    assert!(
        (rows - 1) * by_row + (terms - 1) * by_term < coefficients.len(),
        "there are too few coefficients"
    );
    assert!((terms - 1) * b.stride + width <= b.values.len(), "the combined matrix is too small");
    assert!((rows - 1) * out_stride + width <= out.len(), "the result is too small");
    let (c, b_ptr, out) = (coefficients.as_ptr(), b.values.as_ptr(), out.as_mut_ptr());
    // SAFETY: the asserts above hold every access inside its slice; `isa` comes from `Isa::available`.
    unsafe { combine_kernel(isa, rows, terms, width, c, by_row, by_term, b_ptr, b.stride, out, out_stride) }
}

simd_kernel! {
    fn inner_kernel = inner_products(
        rows: usize, columns: usize, depth: usize,
        a: *const f32, a_stride: usize, b: *const f32, b_stride: usize, y: *mut f32, y_stride: usize,
    )
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn inner_products<S: Simd>(
    rows: usize,
    columns: usize,
    depth: usize,
    a: *const f32,
    a_stride: usize,
    b: *const f32,
    b_stride: usize,
    y: *mut f32,
    y_stride: usize,
) {
    for panel in (0..depth).step_by(INNER_PANEL) {
        let depth = INNER_PANEL.min(depth - panel);
        let mut n = 0;
        while n < columns {
            let tall = columns - n >= 3;
            let mut r = 0;
            while r < rows {
                unsafe {
                    let (a, b) = (a.add(r * a_stride + panel), b.add(n * b_stride + panel));
                    let y = y.add(r * y_stride + n);
                    r += match (rows - r >= 4, tall) {
                        (true, true) => inner_tile::<S, 4, 3>(depth, a, a_stride, b, b_stride, y, y_stride),
                        (true, false) => inner_tile::<S, 4, 1>(depth, a, a_stride, b, b_stride, y, y_stride),
                        (false, true) => inner_tile::<S, 1, 3>(depth, a, a_stride, b, b_stride, y, y_stride),
                        (false, false) => inner_tile::<S, 1, 1>(depth, a, a_stride, b, b_stride, y, y_stride),
                    };
                }
            }
            n += if tall { 3 } else { 1 };
        }
    }
}

/// Returns the rows it did.
#[inline(always)]
unsafe fn inner_tile<S: Simd, const ROWS: usize, const COLUMNS: usize>(
    depth: usize,
    a: *const f32,
    a_stride: usize,
    b: *const f32,
    b_stride: usize,
    y: *mut f32,
    y_stride: usize,
) -> usize {
    unsafe {
        let mut sums = [[S::splat(0.0); COLUMNS]; ROWS];
        let whole = depth - depth % S::LANES;
        for k in (0..whole).step_by(S::LANES) {
            let mut left = [S::splat(0.0); ROWS];
            for (r, left) in left.iter_mut().enumerate() {
                *left = S::load(a.add(r * a_stride + k));
            }
            for n in 0..COLUMNS {
                let right = S::load(b.add(n * b_stride + k));
                for r in 0..ROWS {
                    sums[r][n] = S::mul_add(left[r], right, sums[r][n]);
                }
            }
        }
        for r in 0..ROWS {
            for n in 0..COLUMNS {
                let mut sum = S::sum(sums[r][n]);
                for k in whole..depth {
                    sum += *a.add(r * a_stride + k) * *b.add(n * b_stride + k);
                }
                *y.add(r * y_stride + n) += sum;
            }
        }
        ROWS
    }
}

simd_kernel! {
    fn combine_kernel = row_combinations(
        rows: usize, terms: usize, width: usize, c: *const f32, by_row: usize, by_term: usize,
        b: *const f32, b_stride: usize, out: *mut f32, out_stride: usize,
    )
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn row_combinations<S: Simd>(
    rows: usize,
    terms: usize,
    width: usize,
    c: *const f32,
    by_row: usize,
    by_term: usize,
    b: *const f32,
    b_stride: usize,
    out: *mut f32,
    out_stride: usize,
) {
    for panel in (0..width).step_by(COMBINATION_PANEL) {
        let width = COMBINATION_PANEL.min(width - panel);
        let mut r = 0;
        while r < rows {
            let pair = rows - r >= 2;
            let mut j = 0;
            while j < terms {
                let four = terms - j >= 4;
                unsafe {
                    let c = c.add(r * by_row + j * by_term);
                    let (b, out) = (b.add(j * b_stride + panel), out.add(r * out_stride + panel));
                    match (pair, four) {
                        (true, true) => {
                            combine_tile::<S, 2, 4>(width, c, by_row, by_term, b, b_stride, out, out_stride)
                        }
                        (true, false) => {
                            combine_tile::<S, 2, 1>(width, c, by_row, by_term, b, b_stride, out, out_stride)
                        }
                        (false, true) => {
                            combine_tile::<S, 1, 4>(width, c, by_row, by_term, b, b_stride, out, out_stride)
                        }
                        (false, false) => {
                            combine_tile::<S, 1, 1>(width, c, by_row, by_term, b, b_stride, out, out_stride)
                        }
                    }
                }
                j += if four { 4 } else { 1 };
            }
            r += if pair { 2 } else { 1 };
        }
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn combine_tile<S: Simd, const ROWS: usize, const TERMS: usize>(
    width: usize,
    c: *const f32,
    by_row: usize,
    by_term: usize,
    b: *const f32,
    b_stride: usize,
    out: *mut f32,
    out_stride: usize,
) {
    unsafe {
        let mut coefficients = [[S::splat(0.0); TERMS]; ROWS];
        for (r, row) in coefficients.iter_mut().enumerate() {
            for (j, coefficient) in row.iter_mut().enumerate() {
                *coefficient = S::splat(*c.add(r * by_row + j * by_term));
            }
        }
        let whole = width - width % S::LANES;
        for k in (0..whole).step_by(S::LANES) {
            let mut sums = [S::splat(0.0); ROWS];
            for (r, sum) in sums.iter_mut().enumerate() {
                *sum = S::load(out.add(r * out_stride + k));
            }
            for j in 0..TERMS {
                let term = S::load(b.add(j * b_stride + k));
                for r in 0..ROWS {
                    sums[r] = S::mul_add(coefficients[r][j], term, sums[r]);
                }
            }
            for (r, sum) in sums.into_iter().enumerate() {
                S::store(out.add(r * out_stride + k), sum);
            }
        }
        for k in whole..width {
            for r in 0..ROWS {
                let mut sum = *out.add(r * out_stride + k);
                for j in 0..TERMS {
                    sum += *c.add(r * by_row + j * by_term) * *b.add(j * b_stride + k);
                }
                *out.add(r * out_stride + k) = sum;
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
            (rows, columns) in (1usize..12, 1usize..12),
            depth in prop_oneof![1usize..40, 1000usize..1100],
            seed: u64,
        ) {
            let (a, b) = (values(seed, "a", rows * (depth + 3)), values(seed, "b", columns * depth));
            let before = values(seed, "y", rows * columns);
            for isa in Isa::available() {
                let mut y = before.clone();
                let (a, b) = (Rows { values: &a, stride: depth + 3 }, Rows { values: &b, stride: depth });
                add_inner_products(isa, (rows, columns, depth), a, b, &mut y, columns);
                for r in 0..rows {
                    for n in 0..columns {
                        let terms = (0..depth).map(|k| f64::from(a.values[r * a.stride + k]) * f64::from(b.values[n * depth + k]));
                        let expected = f64::from(before[r * columns + n]) + terms.sum::<f64>();
                        prop_assert!(close(y[r * columns + n], expected), "{isa}: row {r}, column {n}");
                    }
                }
            }
        }

        #[test]
        fn combinations_are_those_of_the_reference_and_do_not_depend_on_how_rows_are_cut(
            (rows, terms) in (1usize..8, 1usize..12),
            width in prop_oneof![1usize..40, 250usize..300],
            transposed: bool,
            seed: u64,
        ) {
            let (by_row, by_term) = if transposed { (1, rows) } else { (terms, 1) };
            let (c, b) = (values(seed, "c", rows * terms), values(seed, "b", terms * width));
            let before = values(seed, "out", rows * width);
            for isa in Isa::available() {
                let b = Rows { values: &b, stride: width };
                let mut out = before.clone();
                add_row_combinations(isa, (rows, terms, width), (&c, by_row, by_term), b, &mut out, width);
                for r in 0..rows {
                    for k in 0..width {
                        let sum: f64 =
                            (0..terms).map(|j| f64::from(c[r * by_row + j * by_term]) * f64::from(b.values[j * width + k])).sum();
                        prop_assert!(close(out[r * width + k], f64::from(before[r * width + k]) + sum), "{isa}");
                    }
                }
                let mut by_single_rows = before.clone();
                for (r, row) in by_single_rows.chunks_exact_mut(width).enumerate() {
                    add_row_combinations(isa, (1, terms, width), (&c[r * by_row..], by_row, by_term), b, row, width);
                }
                prop_assert_eq!(&out, &by_single_rows);
            }
        }
    }
}
