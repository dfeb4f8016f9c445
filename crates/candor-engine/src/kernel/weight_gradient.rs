//! The gradient of a convolution's weights, dense: for each tap and pair of channels a sum over all output pixels.
//!
//! dw\[tap\]\[i\]\[o\] += Σ over pixels of x\[pixel + tap + i\] · g\[pixel\]\[o\]. The fast version keeps a handful of (tap, i)
//! pairs × one block of output channels in registers and walks over the pixels: each step loads a block of gradients,
//! broadcasts one input value a pair, and makes the multiply-adds. The pairs of a step are neighbouring channels of one
//! tap, so that a single register and constant distances address them all; with an address each, compilers run out of
//! registers and spill the sums. Only inputs of one or three channels take pairs of several taps together.

use super::Isa;
use super::bf16::{Pairing, pairs_kernel};
use super::convolution::{Grid, TapSum};
use super::simd::{BLOCK, Multiply, Simd, Values, simd_kernel};

/// A rectangle of output pixels as seen from the input and from the gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub rows: usize,
    pub columns: usize,
    /// The pixels' origins in the input.
    pub x: Grid,
    /// The pixels in the gradient.
    pub g: Grid,
}

/// Pixels that are taken at once: their gradients and the inputs around them stay in the first-level cache while all
/// pairs pass over them.
const BAND: usize = 256;

/// Adds the weight gradients of one block of output channels over a region of one sample, or of two whose inputs and gradients
/// are packed into pairs: `dw` is \[plane\]\[tap\]\[i\]\[16\], as many values as the sum has terms × 16.
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn add_weight_gradient(
    isa: Isa,
    pairing: Pairing,
    sum: &TapSum,
    region: &Region,
    x: &[f32],
    g: &[f32],
    dw: &mut [f32],
) {
    if region.rows == 0 || region.columns == 0 {
        return;
    }
    let farthest_tap = sum.taps.iter().max().copied().unwrap_or(0);
    let last_x = region.x.last(region.rows, region.columns) + (sum.planes - 1) * sum.plane_len + farthest_tap;
    let last_g = region.g.last(region.rows, region.columns);
    assert!(last_x + sum.block <= x.len(), "the region reaches out of the input");
    assert!(last_g + BLOCK <= g.len(), "the region reaches out of the gradient");
    assert!(dw.len() == sum.terms() * BLOCK, "the weight gradient has another size than the sum");
    let rows_each = (BAND / region.columns).max(1);
    for first in (0..region.rows).step_by(rows_each) {
        let band = Region {
            rows: rows_each.min(region.rows - first),
            x: Grid { start: region.x.start + first * region.x.row, ..region.x },
            g: Grid { start: region.g.start + first * region.g.row, ..region.g },
            ..*region
        };
        // SAFETY: the asserts above hold every read and write inside its slice; `isa` comes from `Isa::available`.
        unsafe {
            match pairing {
                Pairing::Single => region_kernel(isa, sum, &band, x.as_ptr(), g.as_ptr(), dw.as_mut_ptr()),
                Pairing::Pairs => {
                    region_of_pairs_kernel(isa, sum, &band, x.as_ptr(), g.as_ptr(), dw.as_mut_ptr());
                }
            }
        }
    }
}

simd_kernel! {
    fn region_kernel = region_of_values(sum: &TapSum, region: &Region, x: *const f32, g: *const f32, dw: *mut f32)
}

pairs_kernel! {
    fn region_of_pairs_kernel =
        all_of_region(sum: &TapSum, region: &Region, x: *const f32, g: *const f32, dw: *mut f32)
}

#[inline(always)]
unsafe fn region_of_values<S: Simd>(
    sum: &TapSum,
    region: &Region,
    x: *const f32,
    g: *const f32,
    dw: *mut f32,
) {
    unsafe { all_of_region::<S, Values>(sum, region, x, g, dw) }
}

#[inline(always)]
unsafe fn all_of_region<S: Simd, M: Multiply<S>>(
    sum: &TapSum,
    region: &Region,
    x: *const f32,
    g: *const f32,
    dw: *mut f32,
) {
    let pairs = sum.taps.len() * sum.block;
    for plane in 0..sum.planes {
        let (x, dw) = unsafe { (x.add(plane * sum.plane_len), dw.add(plane * pairs * BLOCK)) };
        if sum.block == BLOCK {
            for (tap, &offset) in sum.taps.iter().enumerate() {
                unsafe { channels_of_tap::<S, M>(region, x.add(offset), g, dw.add(tap * BLOCK * BLOCK)) };
            }
        } else {
            unsafe { pairs_of_taps::<S, M>(sum, region, x, g, dw) };
        }
    }
}

/// The sixteen channels of one tap, as many at a time as there are registers for.
#[inline(always)]
unsafe fn channels_of_tap<S: Simd, M: Multiply<S>>(
    region: &Region,
    x: *const f32,
    g: *const f32,
    dw: *mut f32,
) {
    unsafe {
        if S::LANES == BLOCK {
            accumulate::<S, M, 16, 1>(region, x, std::array::from_fn(|channel| channel), g, dw);
        } else {
            accumulate::<S, M, 6, 2>(region, x, std::array::from_fn(|channel| channel), g, dw);
            accumulate::<S, M, 5, 2>(
                region,
                x.add(6),
                std::array::from_fn(|channel| channel),
                g,
                dw.add(6 * BLOCK),
            );
            accumulate::<S, M, 5, 2>(
                region,
                x.add(11),
                std::array::from_fn(|channel| channel),
                g,
                dw.add(11 * BLOCK),
            );
        }
    }
}

#[inline(always)]
unsafe fn pairs_of_taps<S: Simd, M: Multiply<S>>(
    sum: &TapSum,
    region: &Region,
    x: *const f32,
    g: *const f32,
    dw: *mut f32,
) {
    let pairs = sum.taps.len() * sum.block;
    let offset = |pair: usize| sum.taps[pair / sum.block] + pair % sum.block;
    let mut first = 0;
    while first < pairs {
        macro_rules! some_pairs {
            ($count:literal) => {{
                let offsets: [usize; $count] = std::array::from_fn(|pair| offset(first + pair));
                unsafe { pairs_of_block::<S, M, $count>(region, x, offsets, g, dw.add(first * BLOCK)) };
                first += $count;
            }};
        }
        match pairs - first {
            1 => some_pairs!(1),
            2 => some_pairs!(2),
            3 => some_pairs!(3),
            4 | 7 | 8 => some_pairs!(4),
            5 | 9 | 10 => some_pairs!(5),
            _ => some_pairs!(6),
        }
    }
}

#[inline(always)]
unsafe fn pairs_of_block<S: Simd, M: Multiply<S>, const PAIRS: usize>(
    region: &Region,
    x: *const f32,
    offsets: [usize; PAIRS],
    g: *const f32,
    dw: *mut f32,
) {
    unsafe {
        if S::LANES == BLOCK {
            accumulate::<S, M, PAIRS, 1>(region, x, offsets, g, dw)
        } else {
            accumulate::<S, M, PAIRS, 2>(region, x, offsets, g, dw)
        }
    }
}

#[inline(always)]
unsafe fn accumulate<S: Simd, M: Multiply<S>, const PAIRS: usize, const VECTORS: usize>(
    region: &Region,
    x: *const f32,
    offsets: [usize; PAIRS],
    g: *const f32,
    dw: *mut f32,
) {
    unsafe {
        let mut sums = [[S::splat(0.0); VECTORS]; PAIRS];
        for (pair, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = S::load(dw.add(pair * BLOCK + v * S::LANES));
            }
        }
        for row in 0..region.rows {
            let mut x = x.add(region.x.start + row * region.x.row);
            let mut g = g.add(region.g.start + row * region.g.row);
            for _ in 0..region.columns {
                let mut gradient = [S::splat(0.0); VECTORS];
                for (v, gradient) in gradient.iter_mut().enumerate() {
                    *gradient = S::load(g.add(v * S::LANES));
                }
                for (sums, offset) in sums.iter_mut().zip(offsets) {
                    let value = S::splat(*x.add(offset));
                    for (sum, gradient) in sums.iter_mut().zip(gradient) {
                        *sum = M::mul_add(value, gradient, *sum);
                    }
                }
                x = x.wrapping_add(region.x.step);
                g = g.wrapping_add(region.g.step);
            }
        }
        for (pair, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                S::store(dw.add(pair * BLOCK + v * S::LANES), sum);
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
            (block, planes) in prop_oneof![Just((1, 1)), Just((3, 1)), (Just(16), 1usize..3)],
            (kernel_rows, kernel_columns, stride) in (1usize..4, 1usize..6, 1usize..4),
            (rows, columns) in prop_oneof![(1usize..6, 1usize..9), (1usize..4, 90usize..140)],
            seed: u64,
        ) {
            let (height, width) = ((rows - 1) * stride + kernel_rows, (columns - 1) * stride + kernel_columns);
            let taps: Vec<usize> =
                (0..kernel_rows * kernel_columns).map(|t| (t / kernel_columns * width + t % kernel_columns) * block).collect();
            let (taps, plane_len) = (taps.into(), height * width * block);
            let sum = TapSum { taps, planes, plane_len, block, pairing: Pairing::Single };
            let region = Region {
                rows,
                columns,
                x: Grid { start: 0, step: stride * block, row: stride * width * block },
                g: Grid { start: 0, step: BLOCK, row: columns * BLOCK },
            };
            let stream = Stream::new(seed);
            let values = |name: &str, len: usize| -> Vec<f32> {
                (0..len).map(|i| 2.0 * stream.derive(name).unit(i as u64) - 1.0).collect()
            };
            let (x, g) = (values("x", planes * sum.plane_len), values("g", rows * columns * BLOCK));
            let before = values("dw", sum.terms() * BLOCK);
            for isa in Isa::available() {
                let mut dw = before.clone();
                add_weight_gradient(isa, Pairing::Single, &sum, &region, &x, &g, &mut dw);
                for (index, (&got, &start)) in dw.iter().zip(&before).enumerate() {
                    let (term, o) = (index / BLOCK, index % BLOCK);
                    let (plane, tap, i) = (term / block / sum.taps.len(), term / block % sum.taps.len(), term % block);
                    let mut expected = f64::from(start);
                    for (r, c) in (0..rows).flat_map(|r| (0..columns).map(move |c| (r, c))) {
                        let pixel = r * region.x.row + c * region.x.step + plane * sum.plane_len + sum.taps[tap] + i;
                        expected += f64::from(x[pixel]) * f64::from(g[(r * columns + c) * BLOCK + o]);
                    }
                    prop_assert!((f64::from(got) - expected).abs() < 2e-4, "{isa}: term {term}, channel {o}");
                }
            }
        }
    }
}
