//! What is done value by value beside activations: sums, dropout, and the quotients of DeepLIFT.
//!
//! Plain loops, compiled once for each instruction set so that the compiler's vectors are as wide as the machine's.

use super::Isa;
use super::simd::{Simd, simd_kernel};
use crate::random::Stream;

/// to = from · (0 or 1 / (1 − rate)): the `index`-th value of a run that starts at `first` in its stream.
///
/// Forward and backward are the same multiplication.
pub(crate) fn dropout(isa: Isa, stream: Stream, rate: f32, first: usize, from: &[f32], to: &mut [f32]) {
    let threshold = (f64::from(rate) * f64::from(1u32 << 31) * 2.0) as u32;
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { dropout_kernel(isa, stream.key(), threshold, 1.0 / (1.0 - rate), first as u32, from, to) }
}

simd_kernel! {
    fn dropout_kernel = drop_values(key: u64, threshold: u32, scale: f32, first: u32, from: &[f32], to: &mut [f32])
}

/// A 32-bit hash of the position (the finaliser of Ettinger's `lowbias32` family) with both halves of the key.
#[inline(always)]
fn drop_values<S: Simd>(key: u64, threshold: u32, scale: f32, first: u32, from: &[f32], to: &mut [f32]) {
    let (low, high) = (key as u32, (key >> 32) as u32);
    for (index, (to, from)) in to.iter_mut().zip(from).enumerate() {
        let mut hash = first.wrapping_add(index as u32).wrapping_mul(0x9e37_79b9).wrapping_add(low);
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x21f0_aaad) ^ high;
        hash = (hash ^ (hash >> 15)).wrapping_mul(0x735a_2d97);
        hash ^= hash >> 15;
        *to = if hash < threshold { 0.0 } else { from * scale };
    }
}

/// to = to + from.
///
/// # Panics
/// When one has fewer values.
pub(crate) fn add(isa: Isa, from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len(), "every value needs one to be added to");
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { add_kernel(isa, from, to) }
}

simd_kernel! {
    fn add_kernel = add_values(from: &[f32], to: &mut [f32])
}

#[inline(always)]
fn add_values<S: Simd>(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// Inputs that differ by less are taken for equal: the quotient of such differences is mostly rounding.
pub(crate) const LEAST_DIFFERENCE: f32 = 1e-6;

/// before = behind · Δy / Δx for pairs of inputs `x` and their values `y`; where the inputs are as good as equal, `before`
/// stays as it is.
pub(crate) fn rescale(isa: Isa, x: [&[f32]; 2], y: [&[f32]; 2], behind: &[f32], before: &mut [f32]) {
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { rescale_kernel(isa, x, y, behind, before) }
}

simd_kernel! {
    fn rescale_kernel = rescale_values(x: [&[f32]; 2], y: [&[f32]; 2], behind: &[f32], before: &mut [f32])
}

#[inline(always)]
fn rescale_values<S: Simd>(x: [&[f32]; 2], y: [&[f32]; 2], behind: &[f32], before: &mut [f32]) {
    let len = before.len();
    let ([x, x0], [y, y0], behind) = (x.map(|x| &x[..len]), y.map(|y| &y[..len]), &behind[..len]);
    for index in 0..len {
        let (dx, dy) = (x[index] - x0[index], y[index] - y0[index]);
        let quotient = behind[index] * (dy / dx);
        before[index] = if dx.abs() < LEAST_DIFFERENCE { before[index] } else { quotient };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropout_drops_its_share_and_keeps_the_mean() {
        let from = vec![1.0; 100_000];
        for isa in Isa::available() {
            for rate in [0.0, 0.25, 0.5, 0.9] {
                let mut to = vec![f32::NAN; from.len()];
                dropout(isa, Stream::new(1), rate, 0, &from, &mut to);
                let dropped = to.iter().filter(|&&v| v == 0.0).count() as f32 / from.len() as f32;
                let mean = to.iter().sum::<f32>() / from.len() as f32;
                assert!(
                    (dropped - rate).abs() < 0.005 && (mean - 1.0).abs() < 0.04,
                    "{isa} {rate}: {dropped} {mean}"
                );
                let mut later = vec![0.0; 50];
                dropout(isa, Stream::new(1), rate, 1000, &from[..50], &mut later);
                assert_eq!(later, to[1000..1050], "a mask depends on the position alone");
            }
        }
        let mask = |stream: Stream| {
            let mut to = vec![0.0; 64];
            dropout(Isa::Portable, stream, 0.5, 0, &from[..64], &mut to);
            to
        };
        assert_ne!(mask(Stream::new(1)), mask(Stream::new(2)));
        assert_ne!(mask(Stream::new(1).at(0)), mask(Stream::new(1).at(1)));
    }
}
