//! Direct convolution: rows of output pixels as sums over planes, taps and channels.
//!
//! The reference is [`reference_pixel`]. The fast version keeps a tile of output pixels × two vectors of output channels
//! in registers while it walks over everything that is summed: each step loads two vectors of weights, broadcasts one
//! input value a pixel, and makes two multiply-adds of it. Six pixels fill the sixteen registers of AVX2, twelve the
//! thirty-two of AVX-512; that is one load to one and a half multiply-adds, so the arithmetic is what limits it.
//!
//! A tap is an offset into the input plane and nothing more. The same kernel therefore serves every kernel size,
//! stride and padding (the padding is the halo of the input tensor), and the gradient with respect to the input, which
//! is a convolution of the output's gradient with other taps.
//!
//! Weights that do not fit the first-level cache are taken in chunks of planes: all rows go over the first chunk, then the
//! sums go on with the second.
//!
//! The sum for one output value runs in the same order wherever a tile begins: results do not depend on tiling.

use std::borrow::Cow;

use super::Isa;
#[cfg(target_arch = "x86_64")]
use super::bf16::tiles::{self, Tiles};
use super::bf16::{Half, Pairing, pairs_kernel};
use super::simd::{BLOCK, Multiply, Simd, Values, simd_kernel};

/// What is summed for every output pixel.
#[derive(Clone, Debug)]
pub(crate) struct TapSum {
    /// Offset of each tap from a pixel's origin in the input plane, in floats.
    pub taps: Cow<'static, [usize]>,
    /// Input planes.
    pub planes: usize,
    /// Floats from one input plane to the next.
    pub plane_len: usize,
    /// Channels in a plane: 1, 3 or [`BLOCK`].
    pub block: usize,
    /// Whether planes and weights hold values or pairs.
    pub pairing: Pairing,
}

impl TapSum {
    /// A sum over channels alone: with it a convolution is a product of matrices.
    pub fn of_pixels(planes: usize, plane_len: usize) -> TapSum {
        let taps = Cow::Borrowed(&[0][..]);
        TapSum { taps, planes, plane_len, block: BLOCK, pairing: Pairing::Single }
    }

    /// The same sum over planes that [`pack_planes`](super::pack_planes) packed, where they are to be.
    pub fn packed(&self, pairing: Pairing) -> TapSum {
        let planes = if pairing == Pairing::Pairs { self.planes.div_ceil(2) } else { self.planes };
        TapSum { planes, pairing, ..self.clone() }
    }

    /// What the sums of one part of the channels run over.
    pub fn part<'a>(&self, part: usize, input: &'a [f32]) -> &'a [f32] {
        let len = self.planes * self.plane_len;
        &input[part * len..(part + 1) * len]
    }

    /// Puts the weight of an input channel at a tap to its place among `width` weights a term.
    pub fn set_weight(
        &self,
        (channel, tap): (usize, usize),
        (width, lane): (usize, usize),
        value: f32,
        weights: &mut [f32],
    ) {
        let (plane, inside) = (channel / self.block, channel % self.block);
        let term = |plane: usize| (plane * self.taps.len() + tap) * self.block + inside;
        match self.pairing {
            Pairing::Single => weights[term(plane) * width + lane] = value,
            Pairing::Pairs => {
                let half = if plane.is_multiple_of(2) { Half::Lower } else { Half::Upper };
                half.set(&mut weights[term(plane / 2) * width + lane], value);
            }
        }
    }

    /// Input values that go into one output value.
    pub fn terms(&self) -> usize {
        self.planes * self.taps.len() * self.block
    }
}

/// Pixels in rows and columns inside a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    /// The first pixel.
    pub start: usize,
    /// Floats from one pixel of a row to the next.
    pub step: usize,
    /// Floats from one row to the next.
    pub row: usize,
}

impl Grid {
    /// Where the last of `rows` × `columns` pixels begins.
    pub fn last(&self, rows: usize, columns: usize) -> usize {
        self.start + (rows - 1) * self.row + (columns - 1) * self.step
    }
}

/// Weights of a chunk of planes, in floats: they share the first-level cache (32 KB or more) with the pixels.
const CHUNK: usize = 5 * 1024;

/// Output channels that are computed together: two vectors' worth, or one block where only that is left.
pub(crate) fn group_width(isa: Isa, channels_left: usize) -> usize {
    match isa.vectors() {
        Isa::Avx512 if channels_left > BLOCK => 2 * BLOCK,
        _ => BLOCK,
    }
}

/// Whether weights of this many terms are taken in more than one chunk, so that it pays to compute many rows at a time.
pub(crate) fn is_chunked(terms: usize) -> bool {
    terms * BLOCK > CHUNK
}

/// `rows` × `columns` output pixels of one group of channels (16 or 32, as many as `bias` has):
/// out\[p\]\[o\] = bias\[o\] + Σ x\[p + plane + tap + i\] · weights\[plane\]\[tap\]\[i\]\[o\], then max(0, ·) with `relu`.
///
/// `weights` holds `sum.terms() × bias.len()` values. The second block of a group of 32 is written `out_block` floats
/// behind the first.
///
/// # Panics
/// When a slice is too short for what is asked.
#[allow(clippy::too_many_arguments)]
pub(crate) fn convolve(
    isa: Isa,
    sum: &TapSum,
    (rows, columns): (usize, usize),
    (x, from): (&[f32], Grid),
    weights: &[f32],
    bias: &[f32],
    (out, to): (&mut [f32], Grid),
    out_block: usize,
    relu: bool,
) {
    if rows == 0 || columns == 0 {
        return;
    }
    let width = bias.len();
    let farthest_tap = sum.taps.iter().max().copied().unwrap_or(0);
    let last_read = from.last(rows, columns) + (sum.planes - 1) * sum.plane_len + farthest_tap + sum.block;
    let last_write = to.last(rows, columns) + (width / BLOCK - 1) * out_block + BLOCK;
    assert!(width == BLOCK || width == 2 * BLOCK, "a group has one or two blocks");
    assert!(weights.len() == sum.terms() * width, "the weights do not fit the sum");
    assert!(last_read <= x.len() && last_write <= out.len(), "a row reaches out of its tensor");
    assert!(sum.pairing == Pairing::Single || sum.block == BLOCK, "only whole blocks hold pairs");
    #[cfg(target_arch = "x86_64")]
    let _tiles = (isa == Isa::Amx && sum.pairing == Pairing::Pairs).then(|| Tiles::of_rows(columns));
    let per_plane = sum.taps.len() * sum.block * width;
    let planes_each = (CHUNK / per_plane).clamp(1, sum.planes);
    for first_plane in (0..sum.planes).step_by(planes_each) {
        let planes = planes_each.min(sum.planes - first_plane);
        let is_last = first_plane + planes == sum.planes;
        for row in 0..rows {
            let row = Row {
                sum,
                planes,
                x: x[from.start + row * from.row + first_plane * sum.plane_len..].as_ptr(),
                x_step: from.step,
                weights: weights[first_plane * per_plane..].as_ptr(),
                bias: (first_plane == 0).then_some(bias.as_ptr()),
                out: out[to.start + row * to.row..].as_mut_ptr(),
                out_step: to.step,
                out_block,
                count: columns,
                relu: relu && is_last,
            };
            // SAFETY: the asserts above hold every read of `x`, `weights` and `bias`, and every access to `out`, inside
            // their slices; `isa` comes from `Isa::available`.
            unsafe {
                match (sum.pairing, isa) {
                    (Pairing::Single, _) => row_kernel(isa, &row, width),
                    #[cfg(target_arch = "x86_64")]
                    (Pairing::Pairs, Isa::Amx) => tiles::row_kernel(&row, width),
                    (Pairing::Pairs, _) => row_of_pairs_kernel(isa, &row, width),
                }
            }
        }
    }
}

/// One pixel by the book.
#[cfg(test)]
pub(crate) fn reference_pixel(sum: &TapSum, x: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f64> {
    let mut out: Vec<f64> = bias.iter().map(|&b| f64::from(b)).collect();
    let mut term = 0;
    for plane in 0..sum.planes {
        for &tap in sum.taps.iter() {
            for i in 0..sum.block {
                for (o, value) in out.iter_mut().enumerate() {
                    *value += f64::from(x[plane * sum.plane_len + tap + i])
                        * f64::from(weights[term * bias.len() + o]);
                }
                term += 1;
            }
        }
    }
    out
}

/// One row of pixels over a chunk of planes.
pub(super) struct Row<'a> {
    pub sum: &'a TapSum,
    pub planes: usize,
    pub x: *const f32,
    pub x_step: usize,
    pub weights: *const f32,
    /// What the sums begin with; else they go on from what is in `out`.
    pub bias: Option<*const f32>,
    pub out: *mut f32,
    pub out_step: usize,
    pub out_block: usize,
    pub count: usize,
    pub relu: bool,
}

simd_kernel! { fn row_kernel = row_of_values(row: &Row<'_>, width: usize) }
pairs_kernel! { fn row_of_pairs_kernel = row_of_width(row: &Row<'_>, width: usize) }

#[inline(always)]
unsafe fn row_of_values<S: Simd>(row: &Row<'_>, width: usize) {
    unsafe { row_of_width::<S, Values>(row, width) }
}

#[inline(always)]
unsafe fn row_of_width<S: Simd, M: Multiply<S>>(row: &Row<'_>, width: usize) {
    unsafe { if width == 2 * S::LANES { row_of_block::<S, M, 2>(row) } else { row_of_block::<S, M, 1>(row) } }
}

#[inline(always)]
unsafe fn row_of_block<S: Simd, M: Multiply<S>, const VECTORS: usize>(row: &Row<'_>) {
    unsafe {
        match row.sum.block {
            1 => row_in_tiles::<S, M, VECTORS, 1>(row),
            3 => row_in_tiles::<S, M, VECTORS, 3>(row),
            _ => row_in_tiles::<S, M, VECTORS, BLOCK>(row),
        }
    }
}

/// Cuts the row into tiles of nearly equal length: a last tile of one pixel would have too few sums under way to hide
/// the latency of the multiply-adds.
#[inline(always)]
unsafe fn row_in_tiles<S: Simd, M: Multiply<S>, const VECTORS: usize, const CHANNELS: usize>(row: &Row<'_>) {
    let tiles = row.count.div_ceil(S::ACCUMULATORS / 2);
    for index in 0..tiles {
        let (first, last) = (index * row.count / tiles, (index + 1) * row.count / tiles);
        macro_rules! tiles_of {
            ($($pixels:literal)+) => {
                match last - first {
                    $($pixels => unsafe { tile::<S, M, VECTORS, CHANNELS, $pixels>(row, first) },)+
                    _ => unreachable!("a tile has at most {} pixels", S::ACCUMULATORS / 2),
                }
            };
        }
        if S::ACCUMULATORS >= 24 { tiles_of!(1 2 3 4 5 6 7 8 9 10 11 12) } else { tiles_of!(1 2 3 4 5 6) }
    }
}

#[inline(always)]
unsafe fn tile<S: Simd, M: Multiply<S>, const VECTORS: usize, const CHANNELS: usize, const PIXELS: usize>(
    row: &Row<'_>,
    first: usize,
) {
    unsafe {
        let mut sums = [[S::splat(0.0); VECTORS]; PIXELS];
        let out = |pixel: usize, lane: usize| {
            row.out.add((first + pixel) * row.out_step + lane / BLOCK * row.out_block + lane % BLOCK)
        };
        for (pixel, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                let lane = v * S::LANES;
                *sum = S::load(row.bias.map_or_else(|| out(pixel, lane).cast_const(), |bias| bias.add(lane)));
            }
        }
        let mut weights = row.weights;
        for plane in 0..row.planes {
            let x = row.x.add(plane * row.sum.plane_len + first * row.x_step);
            for &tap in row.sum.taps.iter() {
                let x = x.add(tap);
                for channel in 0..CHANNELS {
                    let mut w = [S::splat(0.0); VECTORS];
                    for (v, w) in w.iter_mut().enumerate() {
                        *w = S::load(weights.add(v * S::LANES));
                    }
                    weights = weights.add(VECTORS * S::LANES);
                    for (pixel, sums) in sums.iter_mut().enumerate() {
                        let value = S::splat(*x.add(pixel * row.x_step + channel));
                        for (sum, w) in sums.iter_mut().zip(w) {
                            *sum = M::mul_add(value, w, *sum);
                        }
                    }
                }
            }
        }
        for (pixel, sums) in sums.into_iter().enumerate() {
            for (v, sum) in sums.into_iter().enumerate() {
                // In this order a sum that is not a number stays one instead of becoming zero.
                let value = if row.relu { S::max(S::splat(0.0), sum) } else { sum };
                S::store(out(pixel, v * S::LANES), value);
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
            (block, planes) in prop_oneof![Just((1, 1)), Just((3, 1)), (Just(16), 1usize..9)],
            (kernel_rows, kernel_columns, step) in (1usize..4, 1usize..8, 1usize..4),
            (rows, columns) in (1usize..4, 1usize..30),
            relu: bool,
            seed: u64,
        ) {
            let (height, width_px) = ((rows - 1) * step + kernel_rows, (columns - 1) * step + kernel_columns);
            let taps = (0..kernel_rows * kernel_columns)
                .map(|t| (t / kernel_columns * width_px + t % kernel_columns) * block)
                .collect::<Vec<usize>>()
                .into();
            let plane_len = height * width_px * block;
            let sum = TapSum { taps, planes, plane_len, block, pairing: Pairing::Single };
            let stream = Stream::new(seed);
            let values = |name: &str, len: usize| -> Vec<f32> {
                (0..len).map(|i| stream.derive(name).unit(i as u64) - 0.5).collect()
            };
            let x = values("x", planes * sum.plane_len);
            for isa in Isa::available() {
                let width = group_width(isa, 17);
                let (weights, bias) = (values("w", sum.terms() * width), values("b", width));
                let out_block = rows * columns * BLOCK;
                let mut out = vec![f32::NAN; 2 * out_block];
                let from = Grid { start: 0, step: step * block, row: step * width_px * block };
                let to = Grid { start: 0, step: BLOCK, row: columns * BLOCK };
                convolve(isa, &sum, (rows, columns), (&x, from), &weights, &bias, (&mut out, to), out_block, relu);
                for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                    let origin = row * from.row + column * from.step;
                    let expected = reference_pixel(&sum, &x[origin..], &weights, &bias);
                    for (o, expected) in expected.into_iter().enumerate() {
                        let expected = if relu { expected.max(0.0) } else { expected };
                        let at = o / BLOCK * out_block + (row * columns + column) * BLOCK + o % BLOCK;
                        let got = f64::from(out[at]);
                        prop_assert!((got - expected).abs() < 1e-4, "{isa}: ({row}, {column}), channel {o}: {got} for {expected}");
                    }
                }
            }
        }
    }
}
