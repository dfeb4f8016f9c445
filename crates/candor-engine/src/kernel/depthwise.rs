//! Depthwise convolution: every channel has a filter of its own and sees nothing of the others.
//!
//! The reference is a loop over taps and pixels (see the tests). Channels lie in blocks of 16, so the sum is a product of
//! vectors: out\[pixel\] += x\[pixel + tap\] · w\[tap\]. One weight serves a tile of up to twelve pixels whose sums stay in
//! registers; an input value is used as the multiply-add's own operand. That makes little more than one load to a
//! multiply-add, which is as much as a processor with two loads a cycle can feed.
//!
//! As for [`convolve`](super::convolve), a tap is an offset and nothing more, so the gradient with respect to the input is
//! the same kernel with other taps. The weights' gradient keeps its sums for up to twelve taps in registers and walks over
//! the pixels.

use super::Isa;
use super::convolution::Grid;
use super::simd::{BLOCK, Simd, simd_kernel};
use super::weight_gradient::Region;

/// Sums that are under way at a time, for pixels or for taps: they fit the sixteen registers of AVX2 with their operands,
/// and are enough to hide the latency of a multiply-add.
const TILE: usize = 12;

/// `rows` × `columns` output pixels of one block of channels:
/// out\[p\]\[c\] = bias\[c\] + Σ over taps of x\[p + tap\]\[c\] · weights\[tap\]\[c\].
///
/// `weights` holds 16 values a tap.
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn convolve_depthwise(
    isa: Isa,
    taps: &[usize],
    (rows, columns): (usize, usize),
    (x, from): (&[f32], Grid),
    weights: &[f32],
    bias: &[f32; BLOCK],
    (out, to): (&mut [f32], Grid),
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(from.last(rows, columns) + farthest(taps) + BLOCK <= x.len(), "a row reaches out of the input");
    assert!(to.last(rows, columns) + BLOCK <= out.len(), "a row reaches out of the output");
    assert!(weights.len() == taps.len() * BLOCK, "the weights need 16 values a tap");
    for row in 0..rows {
        let x = x[from.start + row * from.row..].as_ptr();
        let out = out[to.start + row * to.row..].as_mut_ptr();
        let row =
            Row { taps, x, step: from.step, weights: weights.as_ptr(), bias, out, to: to.step, columns };
        // SAFETY: the asserts above hold every access inside its slice; `isa` comes from `Isa::available`.
        unsafe { row_kernel(isa, &row) }
    }
}

/// Adds the weight gradients of one block of channels over a region of one sample:
/// dw\[tap\]\[c\] += Σ over pixels of x\[pixel + tap\]\[c\] · g\[pixel\]\[c\].
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn add_depthwise_weight_gradient(
    isa: Isa,
    taps: &[usize],
    region: &Region,
    x: &[f32],
    g: &[f32],
    dw: &mut [f32],
) {
    if region.rows == 0 || region.columns == 0 {
        return;
    }
    let last_x = region.x.last(region.rows, region.columns) + farthest(taps);
    assert!(last_x + BLOCK <= x.len(), "the region reaches out of the input");
    let last_g = region.g.last(region.rows, region.columns);
    assert!(last_g + BLOCK <= g.len(), "the region reaches out of the gradient");
    assert!(dw.len() == taps.len() * BLOCK, "the weight gradient needs 16 values a tap");
    // SAFETY: the asserts above hold every access inside its slice; `isa` comes from `Isa::available`.
    unsafe { region_kernel(isa, taps, region, x.as_ptr(), g.as_ptr(), dw.as_mut_ptr()) }
}

fn farthest(taps: &[usize]) -> usize {
    taps.iter().max().copied().unwrap_or(0)
}

/// One row of pixels.
struct Row<'a> {
    taps: &'a [usize],
    x: *const f32,
    /// Floats from one pixel of the input to the next.
    step: usize,
    weights: *const f32,
    bias: &'a [f32; BLOCK],
    out: *mut f32,
    /// Floats from one pixel of the output to the next.
    to: usize,
    columns: usize,
}

/// Calls the kernel that is compiled for this many sums.
macro_rules! by_count {
    (@ $count:expr, $kernel:ident, $simd:ident, $arguments:tt, $($literal:literal)+) => {
        match $count {
            $($literal => unsafe { $kernel::<$simd, $literal> $arguments },)+
            _ => unreachable!("there are at most {TILE} sums"),
        }
    };
    ($count:expr, $kernel:ident::<$simd:ident> $arguments:tt) => {
        by_count!(@ $count, $kernel, $simd, $arguments, 1 2 3 4 5 6 7 8 9 10 11 12)
    };
}

simd_kernel! { fn row_kernel = row_in_tiles(row: &Row<'_>) }

/// Cuts the row into tiles of nearly equal length, so that none has too few sums under way.
#[inline(always)]
unsafe fn row_in_tiles<S: Simd>(row: &Row<'_>) {
    let tiles = row.columns.div_ceil(TILE);
    for index in 0..tiles {
        let (first, last) = (index * row.columns / tiles, (index + 1) * row.columns / tiles);
        by_count!(last - first, pixels_of_block::<S>(row, first))
    }
}

#[inline(always)]
unsafe fn pixels_of_block<S: Simd, const PIXELS: usize>(row: &Row<'_>, first: usize) {
    unsafe {
        for lane in (0..BLOCK).step_by(S::LANES) {
            let mut sums = [S::load(row.bias.as_ptr().add(lane)); PIXELS];
            let x = row.x.add(first * row.step + lane);
            for (index, &tap) in row.taps.iter().enumerate() {
                let (x, weight) = (x.add(tap), S::load(row.weights.add(index * BLOCK + lane)));
                for (pixel, sum) in sums.iter_mut().enumerate() {
                    *sum = S::mul_add(S::load(x.add(pixel * row.step)), weight, *sum);
                }
            }
            for (pixel, sum) in sums.into_iter().enumerate() {
                S::store(row.out.add((first + pixel) * row.to + lane), sum);
            }
        }
    }
}

simd_kernel! {
    fn region_kernel = region_in_taps(taps: &[usize], region: &Region, x: *const f32, g: *const f32, dw: *mut f32)
}

#[inline(always)]
unsafe fn region_in_taps<S: Simd>(
    taps: &[usize],
    region: &Region,
    x: *const f32,
    g: *const f32,
    dw: *mut f32,
) {
    let chunks = taps.len().div_ceil(TILE);
    for index in 0..chunks {
        let (first, last) = (index * taps.len() / chunks, (index + 1) * taps.len() / chunks);
        let (taps, dw) = (&taps[first..last], dw.wrapping_add(first * BLOCK));
        by_count!(taps.len(), taps_of_block::<S>(taps, region, x, g, dw))
    }
}

#[inline(always)]
unsafe fn taps_of_block<S: Simd, const TAPS: usize>(
    taps: &[usize],
    region: &Region,
    x: *const f32,
    g: *const f32,
    dw: *mut f32,
) {
    unsafe {
        let taps: [usize; TAPS] = std::array::from_fn(|tap| taps[tap]);
        for lane in (0..BLOCK).step_by(S::LANES) {
            let mut sums = [S::splat(0.0); TAPS];
            for (tap, sum) in sums.iter_mut().enumerate() {
                *sum = S::load(dw.add(tap * BLOCK + lane));
            }
            for row in 0..region.rows {
                let mut x = x.add(region.x.start + row * region.x.row + lane);
                let mut g = g.add(region.g.start + row * region.g.row + lane);
                for _ in 0..region.columns {
                    let gradient = S::load(g);
                    for (sum, tap) in sums.iter_mut().zip(taps) {
                        *sum = S::mul_add(S::load(x.add(tap)), gradient, *sum);
                    }
                    x = x.wrapping_add(region.x.step);
                    g = g.wrapping_add(region.g.step);
                }
            }
            for (tap, sum) in sums.into_iter().enumerate() {
                S::store(dw.add(tap * BLOCK + lane), sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Stream;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn every_instruction_set_computes_the_reference(
            (kernel_rows, kernel_columns, stride) in (1usize..8, 1usize..8, 1usize..4),
            (rows, columns) in (1usize..6, 1usize..40),
            seed: u64,
        ) {
            let (height, width) = ((rows - 1) * stride + kernel_rows, (columns - 1) * stride + kernel_columns);
            let taps: Vec<usize> =
                (0..kernel_rows * kernel_columns).map(|t| (t / kernel_columns * width + t % kernel_columns) * BLOCK).collect();
            let from = Grid { start: 0, step: stride * BLOCK, row: stride * width * BLOCK };
            let to = Grid { start: 0, step: BLOCK, row: columns * BLOCK };
            let stream = Stream::new(seed);
            let values = |name: &str, len: usize| -> Vec<f32> {
                (0..len).map(|i| 2.0 * stream.derive(name).unit(i as u64) - 1.0).collect()
            };
            let (x, g) = (values("x", height * width * BLOCK), values("g", rows * columns * BLOCK));
            let (weights, before) = (values("w", taps.len() * BLOCK), values("dw", taps.len() * BLOCK));
            let bias: [f32; BLOCK] = values("b", BLOCK).try_into().unwrap();

            let mut expected_out: Vec<f64> = (0..g.len()).map(|i| bias[i % BLOCK].into()).collect();
            let mut expected_dw: Vec<f64> = before.iter().map(|&value| value.into()).collect();
            for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                for (tap, lane) in (0..taps.len()).flat_map(|tap| (0..BLOCK).map(move |lane| (tap, lane))) {
                    let input = f64::from(x[row * from.row + column * from.step + taps[tap] + lane]);
                    let (at, weight) = (row * to.row + column * BLOCK + lane, tap * BLOCK + lane);
                    expected_out[at] += input * f64::from(weights[weight]);
                    expected_dw[weight] += input * f64::from(g[at]);
                }
            }
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; g.len()];
                convolve_depthwise(isa, &taps, (rows, columns), (&x, from), &weights, &bias, (&mut out, to));
                let mut dw = before.clone();
                let region = Region { rows, columns, x: from, g: to };
                add_depthwise_weight_gradient(isa, &taps, &region, &x, &g, &mut dw);
                for (what, got, expected) in [("output", out, &expected_out), ("gradient", dw, &expected_dw)] {
                    for (index, (&got, &expected)) in got.iter().zip(expected).enumerate() {
                        prop_assert!((f64::from(got) - expected).abs() < 1e-4, "{isa}: {what} {index}: {got} for {expected}");
                    }
                }
            }
        }
    }
}
