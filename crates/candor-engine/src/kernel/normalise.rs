//! What batch normalisation computes of rows of pixels of 16 channels: sums, and the two linear maps.
//!
//! Each kernel takes one vector of channels after the other along the row; sums are kept for two pixels in turn, so that one
//! addition need not wait for the last. Sums run over one row in `f32` and are gathered in `f64` by whoever calls.

use super::Isa;
use super::simd::{BLOCK, Simd, simd_kernel};

/// One value for each of 16 channels.
pub(crate) type PerChannel = [f32; BLOCK];

/// Σ (x − about) and Σ (x − about)² over a row, added to `sums`.
pub(crate) fn add_moments(isa: Isa, row: &[f32], about: &PerChannel, sums: &mut [PerChannel; 2]) {
    // SAFETY: the kernel stays in the row's whole pixels; `isa` comes from `Isa::available`.
    unsafe { moments_kernel(isa, row.len() / BLOCK, row.as_ptr(), about, sums) }
}

/// x · scale + shift, and the values of `added` on top of that; then max(0, ·) with `relu`.
///
/// # Panics
/// When the slices are not of one length.
pub(crate) fn scale_and_shift(
    isa: Isa,
    (from, added): (&[f32], Option<&[f32]>),
    map: [&PerChannel; 2],
    relu: bool,
    to: &mut [f32],
) {
    assert!(from.len() == to.len() && added.is_none_or(|added| added.len() == to.len()), "unequal rows");
    let (pixels, added) = (to.len() / BLOCK, added.map(<[f32]>::as_ptr));
    // SAFETY: all slices hold so many pixels; `isa` comes from `Isa::available`.
    unsafe { scale_kernel(isa, pixels, from.as_ptr(), added, map, relu, to.as_mut_ptr()) }
}

/// Σ g and Σ g · (x − mean) over a row, added to `sums`. With the `output` of a ReLU, g is set to zero where that is zero.
///
/// # Panics
/// When the slices are not of one length.
pub(crate) fn add_gradient_sums(
    isa: Isa,
    (g, x): (&mut [f32], &[f32]),
    output: Option<&[f32]>,
    mean: &PerChannel,
    sums: &mut [PerChannel; 2],
) {
    assert!(x.len() == g.len() && output.is_none_or(|output| output.len() == g.len()), "unequal rows");
    let (pixels, output) = (g.len() / BLOCK, output.map(<[f32]>::as_ptr));
    // SAFETY: all slices hold so many pixels; `isa` comes from `Isa::available`.
    unsafe { gradient_sums_kernel(isa, pixels, g.as_mut_ptr(), x.as_ptr(), output, mean, sums) }
}

/// g · a + x · b + c.
///
/// # Panics
/// When the slices are not of one length.
pub(crate) fn combine(isa: Isa, (g, x): (&[f32], &[f32]), map: [&PerChannel; 3], to: &mut [f32]) {
    assert!(g.len() == to.len() && x.len() == to.len(), "unequal rows");
    // SAFETY: all slices hold so many pixels; `isa` comes from `Isa::available`.
    unsafe { combine_kernel(isa, to.len() / BLOCK, g.as_ptr(), x.as_ptr(), map, to.as_mut_ptr()) }
}

/// Sums over pixels, those of even and of odd place apart.
struct PairOfSums<S: Simd>([[S::V; 2]; 2]);

impl<S: Simd> PairOfSums<S> {
    #[inline(always)]
    unsafe fn new() -> Self {
        unsafe { PairOfSums([[S::splat(0.0); 2]; 2]) }
    }

    /// Takes `value` and `value · factor` in.
    #[inline(always)]
    unsafe fn add(&mut self, pixel: usize, value: S::V, factor: S::V) {
        unsafe {
            let [first, second] = &mut self.0[pixel % 2];
            *first = S::add(*first, value);
            *second = S::mul_add(value, factor, *second);
        }
    }

    #[inline(always)]
    unsafe fn add_to(self, sums: &mut [PerChannel; 2], lane: usize) {
        let [even, odd] = self.0;
        for (which, sums) in sums.iter_mut().enumerate() {
            unsafe {
                let to = sums.as_mut_ptr().add(lane);
                S::store(to, S::add(S::load(to), S::add(even[which], odd[which])));
            }
        }
    }
}

simd_kernel! {
    fn moments_kernel = moments(pixels: usize, row: *const f32, about: &PerChannel, sums: &mut [PerChannel; 2])
}

#[inline(always)]
unsafe fn moments<S: Simd>(pixels: usize, row: *const f32, about: &PerChannel, sums: &mut [PerChannel; 2]) {
    for lane in (0..BLOCK).step_by(S::LANES) {
        unsafe {
            let about = S::load(about.as_ptr().add(lane));
            let mut totals = PairOfSums::<S>::new();
            let mut add = |pixel: usize| {
                let away = S::sub(S::load(row.add(pixel * BLOCK + lane)), about);
                totals.add(pixel, away, away);
            };
            in_pairs(pixels, &mut add);
            totals.add_to(sums, lane);
        }
    }
}

/// Calls `work` with every pixel's number, so that the compiler sees which are even.
#[inline(always)]
fn in_pairs(pixels: usize, work: &mut impl FnMut(usize)) {
    let even = pixels - pixels % 2;
    for pixel in (0..even).step_by(2) {
        work(pixel);
        work(pixel + 1);
    }
    if pixels > even {
        work(even);
    }
}

simd_kernel! {
    fn scale_kernel = scale_rows(
        pixels: usize, from: *const f32, added: Option<*const f32>, map: [&PerChannel; 2], relu: bool, to: *mut f32,
    )
}

#[inline(always)]
unsafe fn scale_rows<S: Simd>(
    pixels: usize,
    from: *const f32,
    added: Option<*const f32>,
    map: [&PerChannel; 2],
    relu: bool,
    to: *mut f32,
) {
    for lane in (0..BLOCK).step_by(S::LANES) {
        unsafe {
            let [scale, shift] = map.map(|values| S::load(values.as_ptr().add(lane)));
            // In this order what is not a number stays so.
            let bend = |value| if relu { S::max(S::splat(0.0), value) } else { value };
            let value = |at: usize| S::mul_add(S::load(from.add(at)), scale, shift);
            match added {
                None => {
                    for at in (0..pixels).map(|pixel| pixel * BLOCK + lane) {
                        S::store(to.add(at), bend(value(at)));
                    }
                }
                Some(added) => {
                    for at in (0..pixels).map(|pixel| pixel * BLOCK + lane) {
                        S::store(to.add(at), bend(S::add(value(at), S::load(added.add(at)))));
                    }
                }
            }
        }
    }
}

simd_kernel! {
    fn gradient_sums_kernel = gradient_sums(
        pixels: usize, g: *mut f32, x: *const f32, output: Option<*const f32>, mean: &PerChannel,
        sums: &mut [PerChannel; 2],
    )
}

#[inline(always)]
unsafe fn gradient_sums<S: Simd>(
    pixels: usize,
    g: *mut f32,
    x: *const f32,
    output: Option<*const f32>,
    mean: &PerChannel,
    sums: &mut [PerChannel; 2],
) {
    for lane in (0..BLOCK).step_by(S::LANES) {
        unsafe {
            let mean = S::load(mean.as_ptr().add(lane));
            let mut totals = PairOfSums::<S>::new();
            let away = |at: usize| S::sub(S::load(x.add(at)), mean);
            match output {
                None => in_pairs(pixels, &mut |pixel| {
                    let at = pixel * BLOCK + lane;
                    totals.add(pixel, S::load(g.add(at)), away(at));
                }),
                Some(output) => in_pairs(pixels, &mut |pixel| {
                    let at = pixel * BLOCK + lane;
                    let value = S::where_positive(S::load(output.add(at)), S::load(g.add(at)));
                    S::store(g.add(at), value);
                    totals.add(pixel, value, away(at));
                }),
            }
            totals.add_to(sums, lane);
        }
    }
}

simd_kernel! {
    fn combine_kernel = combine_rows(
        pixels: usize, g: *const f32, x: *const f32, map: [&PerChannel; 3], to: *mut f32,
    )
}

#[inline(always)]
unsafe fn combine_rows<S: Simd>(
    pixels: usize,
    g: *const f32,
    x: *const f32,
    map: [&PerChannel; 3],
    to: *mut f32,
) {
    for lane in (0..BLOCK).step_by(S::LANES) {
        unsafe {
            let [a, b, c] = map.map(|values| S::load(values.as_ptr().add(lane)));
            for at in (0..pixels).map(|pixel| pixel * BLOCK + lane) {
                let of_x = S::mul_add(S::load(x.add(at)), b, c);
                S::store(to.add(at), S::mul_add(S::load(g.add(at)), a, of_x));
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
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn every_instruction_set_computes_the_formulas(pixels in 1usize..20, relu: bool, with_more: bool, seed: u64) {
            let stream = Stream::new(seed);
            let values = |name: &str| -> Vec<f32> {
                (0..pixels * BLOCK).map(|at| 2.0 * stream.derive(name).unit(at as u64) - 1.0).collect()
            };
            let channels = |name: &str| -> PerChannel {
                std::array::from_fn(|lane| 2.0 * stream.derive(name).unit(lane as u64) - 1.0)
            };
            let (x, g, more) = (values("x"), values("g"), values("more"));
            let [a, b, c] = ["a", "b", "c"].map(channels);
            let more = with_more.then_some(&more[..]);
            let close = |got: f32, expected: f32| (got - expected).abs() < 1e-5;
            for isa in Isa::available() {
                let mut moments = [[1.0; BLOCK]; 2];
                add_moments(isa, &x, &a, &mut moments);
                let mut scaled = vec![f32::NAN; x.len()];
                scale_and_shift(isa, (&x, more), [&a, &b], relu, &mut scaled);
                let (mut masked, mut sums) = (g.clone(), [[1.0; BLOCK]; 2]);
                add_gradient_sums(isa, (&mut masked, &x), more, &b, &mut sums);
                let mut combined = vec![f32::NAN; x.len()];
                combine(isa, (&g, &x), [&a, &b, &c], &mut combined);
                for lane in 0..BLOCK {
                    let mut expected = [[1.0; 2]; 2];
                    for at in (lane..x.len()).step_by(BLOCK) {
                        let plain = x[at] * a[lane] + b[lane] + more.map_or(0.0, |more| more[at]);
                        prop_assert!(close(scaled[at], if relu { plain.max(0.0) } else { plain }), "{isa}");
                        let passes = more.is_none_or(|more| more[at] > 0.0);
                        let passed = if passes { g[at] } else { 0.0 };
                        prop_assert_eq!(masked[at], passed);
                        prop_assert!(close(combined[at], g[at] * a[lane] + x[at] * b[lane] + c[lane]), "{isa}");
                        let away = x[at] - a[lane];
                        let terms = [[away, away * away], [passed, passed * (x[at] - b[lane])]];
                        for (sums, terms) in expected.iter_mut().zip(terms) {
                            sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
                        }
                    }
                    for which in 0..2 {
                        prop_assert!(close(moments[which][lane], expected[0][which]), "{isa}");
                        prop_assert!(close(sums[which][lane], expected[1][which]), "{isa}");
                    }
                }
            }
        }
    }
}
