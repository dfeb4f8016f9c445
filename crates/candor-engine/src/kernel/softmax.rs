//! Softmax of a row, and the way of the gradient back through it.

use super::Isa;
use super::activation::exp;
use super::simd::{Simd, simd_kernel};

/// eˣ over its sum, in place.
pub(crate) fn softmax(isa: Isa, row: &mut [f32]) {
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { softmax_kernel(isa, row) }
}

/// The gradient before a softmax from the one behind it, in place: p · (g − Σ p g).
pub(crate) fn softmax_backward(output: &[f32], gradient: &mut [f32]) {
    let mean: f32 = output.iter().zip(gradient.iter()).map(|(p, g)| p * g).sum();
    gradient.iter_mut().zip(output).for_each(|(g, p)| *g = p * *g - p * mean);
}

simd_kernel! { fn softmax_kernel = softmax_row(row: &mut [f32]) }

#[inline(always)]
fn softmax_row<S: Simd>(row: &mut [f32]) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    row.iter_mut().for_each(|value| *value = exp::<S>(*value - largest));
    let sum: f32 = row.iter().sum();
    row.iter_mut().for_each(|value| *value /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_value_is_never_too_large() {
        for isa in Isa::available() {
            let mut row = [1000.0, -1000.0, 999.0];
            softmax(isa, &mut row);
            assert!((row[0] - 0.731_058_6).abs() < 1e-6 && row[1] == 0.0, "{row:?}");
        }
    }
}
