//! The products of a dense layer over a whole batch.
//!
//! Forward, rows of the weights meet rows of the batch, both as they lie in memory: [`inner_products`] where a sample's answer
//! must be the same bits in any company, [`batch_products`] where the network learns. [`combine_rows`] makes the gradients: rows
//! of the one matrix, weighted by coefficients, summed up. All keep a tile of the result in registers while they walk over
//! what is summed.
//!
//! One of the two matrices is passed over again and again. Panels of it are copied to where they lie side by side: rows
//! that are a power of two apart, as those of a picture of 64 × 64 pixels are, all fall into the same few places of a cache
//! and drive each other out. The other matrix is read once, and its next rows are fetched while those at hand are in use.
//!
//! The sum for one value runs in the same order wherever a tile begins, so a caller may cut the rows of the result over
//! threads as it likes.

mod batch;
mod combine;
mod inner;

use std::mem::MaybeUninit;

use self::batch::batch_kernel;
use self::combine::combine_kernel;
use self::inner::inner_kernel;
use super::Isa;
use super::simd::BLOCK;

/// A matrix inside a slice: row `r` begins at `r · stride`.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub values: &'a [f32],
    pub stride: usize,
}

/// Floats in a cache line.
const LINE: usize = 16;

/// y\[r\]\[n\] = Σ over k of a\[r\]\[k\] · b\[n\]\[k\], for `rows` × `columns` values of y, row after row, and `depth`
/// values of k. `a` is read once, `b` for every few rows of it.
///
/// # Panics
/// When a matrix is smaller than that.
pub(crate) fn inner_products(
    isa: Isa,
    sizes: (usize, usize, usize),
    a: Rows<'_>,
    b: Rows<'_>,
    y: &mut [f32],
) {
    products(inner_kernel, isa, sizes, (a, b), y);
}

/// As [`inner_products`], and faster for many `columns`; but rounding differs with their number.
///
/// # Panics
/// When a matrix is smaller than that.
pub(crate) fn batch_products(
    isa: Isa,
    sizes: (usize, usize, usize),
    a: Rows<'_>,
    b: Rows<'_>,
    y: &mut [f32],
) {
    let kernel = if sizes.1 < BLOCK { inner_kernel } else { batch_kernel };
    products(kernel, isa, sizes, (a, b), y);
}

/// Adds the products of `rows` × `columns` values, `depth` deep, to what is there.
type ProductKernel = unsafe fn(Isa, (usize, usize, usize), Strided, Strided, *mut f32);

fn products(
    kernel: ProductKernel,
    isa: Isa,
    (rows, columns, depth): (usize, usize, usize),
    (a, b): (Rows<'_>, Rows<'_>),
    y: &mut [f32],
) {
    let y = &mut y[..rows * columns];
    y.fill(0.0);
    if rows == 0 || columns == 0 || depth == 0 {
        return;
    }
    assert!((rows - 1) * a.stride + depth <= a.values.len(), "the left matrix is too small");
    assert!((columns - 1) * b.stride + depth <= b.values.len(), "the right matrix is too small");
    let (a, b) = ((a.values.as_ptr(), a.stride), (b.values.as_ptr(), b.stride));
    // SAFETY: the asserts and the slice above hold every access inside its slice; `isa` comes from `Isa::available`.
    unsafe { kernel(isa, (rows, columns, depth), a, b, y.as_mut_ptr()) }
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

/// Memory whose rows of whole vectors lie in whole cache lines.
#[repr(align(64))]
struct Panel<const LEN: usize>([f32; LEN]);

/// Copies `rows` × `width` values to where they lie side by side, and returns that.
#[inline(always)]
unsafe fn pack<const LEN: usize>(
    to: &mut MaybeUninit<Panel<LEN>>,
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
            (rows, columns) in prop_oneof![(1usize..12, 1usize..12), (1usize..4, 30usize..40), (1usize..14, 60usize..70)],
            depth in prop_oneof![1usize..40, 1000usize..1100],
            seed: u64,
        ) {
            let (a, b) = (values(seed, "a", rows * (depth + 3)), values(seed, "b", columns * depth));
            for isa in Isa::available() {
                let (a, b) = (Rows { values: &a, stride: depth + 3 }, Rows { values: &b, stride: depth });
                for kernel in [inner_products, batch_products] {
                    let mut y = vec![f32::NAN; rows * columns];
                    kernel(isa, (rows, columns, depth), a, b, &mut y);
                    for r in 0..rows {
                        for n in 0..columns {
                            let terms = (0..depth).map(|k| f64::from(a.values[r * a.stride + k]) * f64::from(b.values[n * depth + k]));
                            let expected = terms.sum::<f64>();
                            prop_assert!(close(y[r * columns + n], expected), "{isa}: row {r}, column {n}");
                        }
                    }
                    let mut by_single_rows = vec![f32::NAN; rows * columns];
                    for (r, row) in by_single_rows.chunks_exact_mut(columns).enumerate() {
                        let a = Rows { values: &a.values[r * a.stride..], ..a };
                        kernel(isa, (1, columns, depth), a, b, row);
                    }
                    prop_assert_eq!(&y, &by_single_rows);
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
