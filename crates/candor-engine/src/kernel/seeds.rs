//! Gradients of several seeds with respect to pixels of one or three channels, where most of the output's gradient is zero.
//!
//! Pixels have too few channels to fill a vector. But where several seeds are taken back through the same maxima, their
//! gradients stand at the same places: sixteen seeds lie side by side instead. For each maximum and each weight one vector
//! is added to one place; the weight is the same for all seeds.

use super::Isa;
use super::simd::{BLOCK, Simd, simd_kernel};

/// What a maximum of sixteen channels is a sum of.
pub(crate) struct PixelSum<'a> {
    /// Where each value of the kernel's window lies, from the window's first.
    pub offsets: &'a [u32],
    /// \[channel\]\[value of the window\].
    pub weights: &'a [f32],
}

/// Adds weight × gradient to `to` (\[pixel's value\]\[16 seeds\]) for each value of each window. `origins` say where windows
/// begin, for one pixel after the other its sixteen channels; `gradients` are \[origin\]\[16 seeds\].
///
/// # Panics
/// When a window reaches out of `to`, or a slice has not the length that the others ask for.
pub(crate) fn add_to_pixels(
    isa: Isa,
    origins: &[u32],
    gradients: &[f32],
    sum: &PixelSum<'_>,
    to: &mut [f32],
) {
    let PixelSum { offsets, weights } = *sum;
    let farthest = |all: &[u32]| all.iter().max().copied().unwrap_or(0) as usize;
    assert!(
        (farthest(origins) + farthest(offsets) + 1) * BLOCK <= to.len(),
        "a window reaches out of the pixels"
    );
    assert!(
        weights.len() == BLOCK * offsets.len(),
        "each channel needs a weight for each value of its window"
    );
    assert!(
        gradients.len() == origins.len() * BLOCK && origins.len().is_multiple_of(BLOCK),
        "gradients come for sixteen channels and sixteen seeds"
    );
    // SAFETY: the asserts above hold every read and write inside its slice; `isa` comes from `Isa::available`.
    unsafe { pixels_kernel(isa, origins, gradients.as_ptr(), offsets, weights.as_ptr(), to.as_mut_ptr()) }
}

simd_kernel! {
    fn pixels_kernel = all_windows(
        origins: &[u32],
        gradients: *const f32,
        offsets: &[u32],
        weights: *const f32,
        to: *mut f32,
    )
}

#[inline(always)]
unsafe fn all_windows<S: Simd>(
    origins: &[u32],
    gradients: *const f32,
    offsets: &[u32],
    weights: *const f32,
    to: *mut f32,
) {
    unsafe {
        for (index, &origin) in origins.iter().enumerate() {
            let to = to.add(origin as usize * BLOCK);
            let weights = weights.add(index % BLOCK * offsets.len());
            for lane in (0..BLOCK).step_by(S::LANES) {
                let gradient = S::load(gradients.add(index * BLOCK + lane));
                for (term, &offset) in offsets.iter().enumerate() {
                    let to = to.add(offset as usize * BLOCK + lane);
                    S::store(to, S::mul_add(S::splat(*weights.add(term)), gradient, S::load(to)));
                }
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
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn every_instruction_set_computes_the_plain_loops(
            (rows, columns) in (1usize..5, 1usize..5),
            (width, pixels) in (1usize..9, 1usize..4),
            seed: u64,
        ) {
            let row = width + columns;
            let offsets: Vec<u32> = (0..rows * columns).map(|at| (at / columns * row + at % columns) as u32).collect();
            let stream = Stream::new(seed);
            let values = |name: &str, len: usize| -> Vec<f32> {
                (0..len).map(|i| 2.0 * stream.derive(name).unit(i as u64) - 1.0).collect()
            };
            let origins: Vec<u32> =
                (0..pixels * BLOCK).map(|i| (stream.derive("x").unit(i as u64) * width as f32) as u32).collect();
            let (gradients, weights) = (values("g", origins.len() * BLOCK), values("w", BLOCK * offsets.len()));
            let before = values("to", (width + rows * row) * BLOCK);
            let mut expected = before.clone();
            for (index, origin) in origins.iter().enumerate() {
                for (term, offset) in offsets.iter().enumerate() {
                    for seed in 0..BLOCK {
                        expected[(origin + offset) as usize * BLOCK + seed] +=
                            weights[index % BLOCK * offsets.len() + term] * gradients[index * BLOCK + seed];
                    }
                }
            }
            for isa in Isa::available() {
                let mut to = before.clone();
                let sum = PixelSum { offsets: &offsets, weights: &weights };
                add_to_pixels(isa, &origins, &gradients, &sum, &mut to);
                prop_assert!(to.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4), "{isa}");
            }
        }
    }
}
