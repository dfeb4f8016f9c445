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

/// Two sums over pixels, each kept for two pixels in turn.
struct PairOfSums<S: Simd> {
    first: [S::V; 2],
    second: [S::V; 2],
}

impl<S: Simd> PairOfSums<S> {
    #[inline(always)]
    unsafe fn new() -> Self {
        unsafe { PairOfSums { first: [S::splat(0.0); 2], second: [S::splat(0.0); 2] } }
    }

    /// Takes `value` and `value · factor` in; the next pixel's turn comes.
    #[inline(always)]
    unsafe fn add(&mut self, value: S::V, factor: S::V) {
        unsafe {
            self.first = [self.first[1], S::add(self.first[0], value)];
            self.second = [self.second[1], S::mul_add(value, factor, self.second[0])];
        }
    }

    #[inline(always)]
    unsafe fn add_to(self, sums: &mut [PerChannel; 2], lane: usize) {
        unsafe {
            for (sums, [a, b]) in sums.iter_mut().zip([self.first, self.second]) {
                let to = sums.as_mut_ptr().add(lane);
                S::store(to, S::add(S::load(to), S::add(a, b)));
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
            for pixel in 0..pixels {
                let away = S::sub(S::load(row.add(pixel * BLOCK + lane)), about);
                totals.add(away, away);
            }
            totals.add_to(sums, lane);
        }
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
            let [scale, shift] = [S::load(map[0].as_ptr().add(lane)), S::load(map[1].as_ptr().add(lane))];
            // What is added and what bends is the same for the whole row: the compiler makes a loop for each case.
            for at in (lane..pixels * BLOCK).step_by(BLOCK) {
                let mut value = S::mul_add(S::load(from.add(at)), scale, shift);
                if let Some(added) = added {
                    value = S::add(value, S::load(added.add(at)));
                }
                // In this order what is not a number stays so.
                S::store(to.add(at), if relu { S::max(S::splat(0.0), value) } else { value });
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
            for at in (lane..pixels * BLOCK).step_by(BLOCK) {
                let mut value = S::load(g.add(at));
                if let Some(output) = output {
                    value = S::where_positive(S::load(output.add(at)), value);
                    S::store(g.add(at), value);
                }
                totals.add(value, S::sub(S::load(x.add(at)), mean));
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
            let [a, b, c] = [
                S::load(map[0].as_ptr().add(lane)),
                S::load(map[1].as_ptr().add(lane)),
                S::load(map[2].as_ptr().add(lane)),
            ];
            for at in (lane..pixels * BLOCK).step_by(BLOCK) {
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
