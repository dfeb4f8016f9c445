//! What batch normalisation computes of rows of pixels of 16 channels: sums, and the two linear maps.
//!
//! Plain loops over pixels, compiled once for each instruction set; each is its own reference. Sums run over one row in
//! `f32` and are gathered in `f64` by whoever calls.

use super::Isa;
use super::simd::{BLOCK, Simd, simd_kernel};

/// One value for each of 16 channels.
pub(crate) type PerChannel = [f32; BLOCK];

/// Σ (x − about) and Σ (x − about)² over a row, added to `sums`.
pub(crate) fn add_moments(isa: Isa, row: &[f32], about: &PerChannel, sums: &mut [PerChannel; 2]) {
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { moments_kernel(isa, row, about, sums) }
}

/// x · scale + shift.
pub(crate) fn scale_and_shift(
    isa: Isa,
    from: &[f32],
    scale: &PerChannel,
    shift: &PerChannel,
    to: &mut [f32],
) {
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { scale_kernel(isa, from, scale, shift, to) }
}

/// Σ g and Σ g · (x − mean) over a row, added to `sums`.
pub(crate) fn add_gradient_sums(
    isa: Isa,
    (g, x): (&[f32], &[f32]),
    mean: &PerChannel,
    sums: &mut [PerChannel; 2],
) {
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { gradient_sums_kernel(isa, g, x, mean, sums) }
}

/// g · a + x · b + c.
pub(crate) fn combine(isa: Isa, (g, x): (&[f32], &[f32]), [a, b, c]: [&PerChannel; 3], to: &mut [f32]) {
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { combine_kernel(isa, g, x, a, b, c, to) }
}

fn pixels(row: &[f32]) -> impl Iterator<Item = &PerChannel> {
    row.as_chunks::<BLOCK>().0.iter()
}

simd_kernel! { fn moments_kernel = moments(row: &[f32], about: &PerChannel, sums: &mut [PerChannel; 2]) }

#[inline(always)]
fn moments<S: Simd>(row: &[f32], about: &PerChannel, sums: &mut [PerChannel; 2]) {
    let [mut first, mut second] = *sums;
    for x in pixels(row) {
        for lane in 0..BLOCK {
            let away = x[lane] - about[lane];
            first[lane] += away;
            second[lane] += away * away;
        }
    }
    *sums = [first, second];
}

simd_kernel! { fn scale_kernel = scale_rows(from: &[f32], scale: &PerChannel, shift: &PerChannel, to: &mut [f32]) }

#[inline(always)]
fn scale_rows<S: Simd>(from: &[f32], scale: &PerChannel, shift: &PerChannel, to: &mut [f32]) {
    for (x, y) in pixels(from).zip(to.as_chunks_mut::<BLOCK>().0) {
        for lane in 0..BLOCK {
            y[lane] = x[lane] * scale[lane] + shift[lane];
        }
    }
}

simd_kernel! {
    fn gradient_sums_kernel = gradient_sums(g: &[f32], x: &[f32], mean: &PerChannel, sums: &mut [PerChannel; 2])
}

#[inline(always)]
fn gradient_sums<S: Simd>(g: &[f32], x: &[f32], mean: &PerChannel, sums: &mut [PerChannel; 2]) {
    let [mut first, mut second] = *sums;
    for (g, x) in pixels(g).zip(pixels(x)) {
        for lane in 0..BLOCK {
            first[lane] += g[lane];
            second[lane] += g[lane] * (x[lane] - mean[lane]);
        }
    }
    *sums = [first, second];
}

simd_kernel! {
    fn combine_kernel = combine_rows(g: &[f32], x: &[f32], a: &PerChannel, b: &PerChannel, c: &PerChannel, to: &mut [f32])
}

#[inline(always)]
fn combine_rows<S: Simd>(
    g: &[f32],
    x: &[f32],
    a: &PerChannel,
    b: &PerChannel,
    c: &PerChannel,
    to: &mut [f32],
) {
    for ((g, x), y) in pixels(g).zip(pixels(x)).zip(to.as_chunks_mut::<BLOCK>().0) {
        for lane in 0..BLOCK {
            y[lane] = g[lane] * a[lane] + x[lane] * b[lane] + c[lane];
        }
    }
}
