//! Both gradients of a convolution when most of the output's gradient is zero.
//!
//! Behind a max-pool at most one gradient in each window is not zero, and behind a ReLU many of those are. For each
//! output channel the non-zero ones are listed as (where, how much). One walk over a list adds, for every tap, value ×
//! input to the weights' gradient (which stays in registers) and value × weight to the input's gradient: both exact,
//! for a quarter of the work or less.

use super::Isa;
use super::simd::{BLOCK, Simd, simd_kernel};

/// A non-zero value of the gradient with respect to the convolution's output.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(crate) struct Entry {
    /// The pixel's origin in an input plane, in floats.
    pub origin: u32,
    /// The gradient.
    pub value: f32,
}

/// Lists the non-zero gradients of 16 channels, one row of pixels after the other.
pub(crate) struct Lists<'a> {
    /// Room for `positions` entries a channel, one channel behind the other.
    pub entries: &'a mut [Entry],
    pub positions: usize,
    /// Entries that each channel has so far.
    pub counts: [usize; BLOCK],
}

impl Lists<'_> {
    /// Appends a row of pixels: `gradient` and `places` hold 16 values each; a value's origin is `first`, plus `step` a
    /// pixel, plus the offset of its place in the window.
    ///
    /// # Panics
    /// When the row has more pixels than there is room for, or a place has no offset.
    pub fn append_row(
        &mut self,
        gradient: &[f32],
        places: &[u16],
        (first, step): (usize, usize),
        offset_of_place: &[u32],
    ) {
        let pixels = gradient.as_chunks::<BLOCK>().0.iter().zip(places.as_chunks::<BLOCK>().0);
        for (x, (gradient, places)) in pixels.enumerate() {
            let origin = (first + x * step) as u32;
            for lane in 0..BLOCK {
                // Written always and counted only when it is not zero: cheaper than a branch that is hard to foresee.
                let entry =
                    Entry { origin: origin + offset_of_place[places[lane] as usize], value: gradient[lane] };
                self.entries[lane * self.positions + self.counts[lane]] = entry;
                self.counts[lane] += usize::from(gradient[lane] != 0.0);
            }
        }
    }
}

/// One output channel × one plane of 16 input channels: where they are wanted, adds to the weights' gradient `dw`
/// (\[tap\]\[16\]), with the input plane `x`, and to the input's gradient, laid out as that plane, with the weights.
///
/// # Panics
/// When an entry reaches out of the plane, or a slice has not 16 values a tap.
pub(crate) fn add_sparse_gradients(
    isa: Isa,
    entries: &[Entry],
    taps: &[usize],
    weight: Option<(&[f32], &mut [f32])>,
    input: Option<(&[f32], &mut [f32])>,
) {
    let farthest_tap = taps.iter().max().copied().unwrap_or(0);
    let farthest_entry = entries.iter().map(|entry| entry.origin).max().unwrap_or(0) as usize;
    let end = farthest_entry + farthest_tap + BLOCK;
    let (x, dw) = match weight {
        Some((x, dw)) => {
            assert!(end <= x.len(), "an entry reaches out of the input plane");
            assert!(dw.len() == taps.len() * BLOCK, "the weight gradient needs 16 values a tap");
            (x.as_ptr(), dw.as_mut_ptr())
        }
        None => (std::ptr::null(), std::ptr::null_mut()),
    };
    let (weights, dx) = match input {
        Some((weights, dx)) => {
            assert!(weights.len() == taps.len() * BLOCK, "the weights need 16 values a tap");
            assert!(end <= dx.len(), "an entry reaches out of the input's gradient");
            (weights.as_ptr(), dx.as_mut_ptr())
        }
        None => (std::ptr::null(), std::ptr::null_mut()),
    };
    // SAFETY: the asserts above hold every read and write inside its slice; `isa` comes from `Isa::available`.
    unsafe { entries_kernel(isa, entries, taps, x, dw, weights, dx) }
}

simd_kernel! {
    fn entries_kernel = entries_in_taps(
        entries: &[Entry],
        taps: &[usize],
        x: *const f32,
        dw: *mut f32,
        weights: *const f32,
        dx: *mut f32,
    )
}

#[inline(always)]
unsafe fn entries_in_taps<S: Simd>(
    entries: &[Entry],
    taps: &[usize],
    x: *const f32,
    dw: *mut f32,
    weights: *const f32,
    dx: *mut f32,
) {
    let mut first = 0;
    while first < taps.len() {
        macro_rules! some_taps {
            ($count:literal) => {{
                let chunk: [usize; $count] = std::array::from_fn(|tap| taps[first + tap]);
                for lane in (0..BLOCK).step_by(S::LANES) {
                    let at = first * BLOCK + lane;
                    // Pointers that are null are only moved, never followed.
                    let (weights, dw) = (weights.wrapping_add(at), dw.wrapping_add(at));
                    let (from, to) = (x.wrapping_add(lane), dx.wrapping_add(lane));
                    match (x.is_null(), dx.is_null()) {
                        (true, true) => {}
                        (true, false) => unsafe {
                            walk::<S, $count, false, true>(entries, chunk, from, dw, weights, to)
                        },
                        (false, true) => unsafe {
                            walk::<S, $count, true, false>(entries, chunk, from, dw, weights, to)
                        },
                        (false, false) => unsafe {
                            walk::<S, $count, true, true>(entries, chunk, from, dw, weights, to)
                        },
                    }
                }
                first += $count;
            }};
        }
        match taps.len() - first {
            1 => some_taps!(1),
            2 => some_taps!(2),
            3 => some_taps!(3),
            4 => some_taps!(4),
            5..=8 => some_taps!(5),
            _ => some_taps!(9),
        }
    }
}

#[inline(always)]
unsafe fn walk<S: Simd, const TAPS: usize, const WEIGHT: bool, const INPUT: bool>(
    entries: &[Entry],
    taps: [usize; TAPS],
    x: *const f32,
    dw: *mut f32,
    weights: *const f32,
    dx: *mut f32,
) {
    unsafe {
        let mut sums = [S::splat(0.0); TAPS];
        let mut w = [S::splat(0.0); TAPS];
        for tap in 0..TAPS {
            if WEIGHT {
                sums[tap] = S::load(dw.add(tap * BLOCK));
            }
            if INPUT {
                w[tap] = S::load(weights.add(tap * BLOCK));
            }
        }
        for entry in entries {
            let value = S::splat(entry.value);
            let x = x.wrapping_add(entry.origin as usize);
            let dx = dx.wrapping_add(entry.origin as usize);
            for tap in 0..TAPS {
                if WEIGHT {
                    sums[tap] = S::mul_add(value, S::load(x.add(taps[tap])), sums[tap]);
                }
                if INPUT {
                    let to = dx.add(taps[tap]);
                    S::store(to, S::mul_add(value, w[tap], S::load(to)));
                }
            }
        }
        for (tap, sum) in sums.into_iter().enumerate().filter(|_| WEIGHT) {
            S::store(dw.add(tap * BLOCK), sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Stream;

    #[test]
    fn only_what_is_not_zero_is_listed() {
        let mut entries = vec![Entry::default(); 3 * BLOCK];
        let mut lists = Lists { entries: &mut entries, positions: 2, counts: [0; BLOCK] };
        let gradient: Vec<f32> = (0..2 * BLOCK).map(|i| if i % 3 == 0 { i as f32 } else { 0.0 }).collect();
        lists.append_row(&gradient, &[1; 2 * BLOCK], (100, 10), &[0, 5]);
        let counts = lists.counts;
        for lane in 0..BLOCK {
            let listed: Vec<(u32, f32)> =
                entries[lane * 2..][..counts[lane]].iter().map(|entry| (entry.origin, entry.value)).collect();
            let expected: Vec<(u32, f32)> = (0..2)
                .map(|x| (105 + 10 * x, gradient[x as usize * BLOCK + lane]))
                .filter(|(_, value)| *value != 0.0)
                .collect();
            assert_eq!(listed, expected, "channel {lane}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn every_instruction_set_computes_the_reference(
            (rows, columns) in (1usize..6, 1usize..8),
            (height, width) in (1usize..6, 1usize..8),
            count in 0usize..40,
            seed: u64,
        ) {
            let row = (width + columns) * BLOCK;
            let taps: Vec<usize> = (0..rows * columns).map(|t| t / columns * row + t % columns * BLOCK).collect();
            let len = (height + rows) * row;
            let stream = Stream::new(seed);
            let values = |name: &str, len: usize| -> Vec<f32> {
                (0..len).map(|i| 2.0 * stream.derive(name).unit(i as u64) - 1.0).collect()
            };
            let pick = |name: &str, i: usize, n: usize| (stream.derive(name).unit(i as u64) * n as f32) as usize;
            let entries: Vec<Entry> = (0..count)
                .map(|i| {
                    let origin = pick("y", i, height) * row + pick("x", i, width) * BLOCK;
                    Entry { origin: origin as u32, value: stream.derive("g").unit(i as u64) - 0.5 }
                })
                .collect();
            let (x, weights) = (values("input", len), values("w", taps.len() * BLOCK));
            let (dw_before, dx_before) = (values("dw", weights.len()), values("dx", len));
            let (mut dw_expected, mut dx_expected) = (dw_before.clone(), dx_before.clone());
            for entry in &entries {
                for (index, &tap) in taps.iter().enumerate() {
                    for lane in 0..BLOCK {
                        let at = entry.origin as usize + tap + lane;
                        dw_expected[index * BLOCK + lane] += entry.value * x[at];
                        dx_expected[at] += entry.value * weights[index * BLOCK + lane];
                    }
                }
            }
            for isa in Isa::available() {
                let (mut dw, mut dx) = (dw_before.clone(), dx_before.clone());
                add_sparse_gradients(isa, &entries, &taps, Some((&x, &mut dw)), Some((&weights, &mut dx)));
                let (mut dw_alone, mut dx_alone) = (dw_before.clone(), dx_before.clone());
                add_sparse_gradients(isa, &entries, &taps, Some((&x, &mut dw_alone)), None);
                add_sparse_gradients(isa, &entries, &taps, None, Some((&weights, &mut dx_alone)));
                let close = |got: &[f32], expected: &[f32]| got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4);
                prop_assert!(close(&dw, &dw_expected) && close(&dx, &dx_expected), "{isa}");
                prop_assert_eq!((dw, dx), (dw_alone, dx_alone));
            }
        }
    }
}
