//! Pairs of bf16, each in the place of one `f32`: two tensors of the same size packed into one.
//!
//! A processor's product of pairs adds both products to a sum of `f32`. So whatever is summed is cut into two halves (planes of
//! channels with even and odd numbers, or two samples), and a kernel that walks over one half with ordinary products walks
//! over both with these: where things lie does not change. Which half a value is in does not matter, as long as it is the same
//! in both operands.

use super::{UPPER, rounded};
use crate::kernel::Isa;
use crate::kernel::simd::{Multiply, Portable, Simd, simd_kernel};

/// Whether products are made of values or of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pairing {
    /// Values, which may be rounded.
    Single,
    /// Pairs of bf16.
    Pairs,
}

impl Pairing {
    /// What products of bf16 are made of. The portable kernels take pairs too: they are the reference of the others.
    pub fn of(isa: Isa) -> Pairing {
        if isa.multiplies_bf16() || isa == Isa::Portable { Pairing::Pairs } else { Pairing::Single }
    }
}

/// A value's place in a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    Lower,
    Upper,
}

impl Half {
    /// Puts a value that is rounded already into a pair.
    pub fn set(self, pair: &mut f32, value: f32) {
        let (old, new) = (pair.to_bits(), value.to_bits());
        *pair = f32::from_bits(match self {
            Half::Lower => old & UPPER | new >> 16,
            Half::Upper => old & !UPPER | new & UPPER,
        });
    }
}

/// Rounds the values of two tensors and packs them; without a second one, zeros stand for its values.
///
/// # Panics
/// When one has fewer values than another.
fn pack_pairs(isa: Isa, lower: &[f32], upper: Option<&[f32]>, pairs: &mut [f32]) {
    assert_eq!(lower.len(), pairs.len(), "every pair needs a value");
    match upper {
        Some(upper) => {
            assert_eq!(lower.len(), upper.len(), "every value needs another");
            // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
            unsafe { two_kernel(isa, lower, upper, pairs) }
        }
        // SAFETY: as above.
        None => unsafe { one_kernel(isa, lower, pairs) },
    }
}

/// Rounds the planes of some samples, and packs the first of each `planes` with the second, the third with the fourth, and so on.
///
/// # Panics
/// When there is too little room, or the last planes are not whole.
pub(crate) fn pack_planes(isa: Isa, (planes, plane_len): (usize, usize), values: &[f32], pairs: &mut [f32]) {
    let packed = planes.div_ceil(2) * plane_len;
    assert!(values.len().div_ceil(planes * plane_len) * packed <= pairs.len(), "every pair needs a place");
    let samples = values.chunks(planes * plane_len).zip(pairs.chunks_mut(packed));
    for (values, pairs) in samples {
        for (two, pairs) in values.chunks(2 * plane_len).zip(pairs.chunks_exact_mut(plane_len)) {
            let (lower, upper) = two.split_at(plane_len);
            pack_pairs(isa, lower, (!upper.is_empty()).then_some(upper), pairs);
        }
    }
}

simd_kernel! {
    fn two_kernel = pack_two(lower: &[f32], upper: &[f32], pairs: &mut [f32])
}

simd_kernel! {
    fn one_kernel = pack_one(lower: &[f32], pairs: &mut [f32])
}

#[inline(always)]
fn pack_two<S: Simd>(lower: &[f32], upper: &[f32], pairs: &mut [f32]) {
    for ((pair, lower), upper) in pairs.iter_mut().zip(lower).zip(upper) {
        *pair = f32::from_bits(rounded(*upper).to_bits() | rounded(*lower).to_bits() >> 16);
    }
}

#[inline(always)]
fn pack_one<S: Simd>(lower: &[f32], pairs: &mut [f32]) {
    for (pair, lower) in pairs.iter_mut().zip(lower) {
        *pair = f32::from_bits(rounded(*lower).to_bits() >> 16);
    }
}

/// The products of pairs: a · b + c, where `a` and `b` are pairs.
pub(crate) struct Pairs;

// SAFETY: no instruction set is needed.
unsafe impl Multiply<Portable> for Pairs {
    #[inline(always)]
    unsafe fn mul_add(a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        let lower = |pair: f32| f32::from_bits(pair.to_bits() << 16);
        let upper = |pair: f32| f32::from_bits(pair.to_bits() & UPPER);
        std::array::from_fn(|i| c[i] + upper(a[i]) * upper(b[i]) + lower(a[i]) * lower(b[i]))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m512, __m512bh, _mm512_dpbf16_ps};
    use std::mem::transmute;

    use super::{Multiply, Pairs};
    use crate::kernel::simd::Avx512;

    // SAFETY: needs AVX-512 F and AVX512-BF16.
    unsafe impl Multiply<Avx512> for Pairs {
        #[inline(always)]
        unsafe fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: both are 512 bits in which every pattern is a value. No closure: it could not use the instructions.
            let (a, b) = unsafe { (transmute::<__m512, __m512bh>(a), transmute::<__m512, __m512bh>(b)) };
            unsafe { _mm512_dpbf16_ps(c, a, b) }
        }
    }
}

/// Makes `name(isa, arguments…)` of the generic kernel `generic::<S, Pairs>(arguments…)`, as
/// [`simd_kernel!`](crate::kernel::simd::simd_kernel) does for values: by the instruction where `isa` has it, else plainly.
macro_rules! pairs_kernel {
    ($vis:vis fn $name:ident = $generic:ident($($argument:ident: $type:ty),* $(,)?)) => {
        $vis unsafe fn $name(isa: $crate::kernel::Isa, $($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,avx512bf16")]
            unsafe fn avx512bf16($($argument: $type),*) {
                unsafe { $generic::<$crate::kernel::simd::Avx512, $crate::kernel::bf16::Pairs>($($argument),*) }
            }
            // SAFETY: the caller promises that the machine has `isa`, and what `generic` needs.
            unsafe {
                match isa {
                    #[cfg(target_arch = "x86_64")]
                    $crate::kernel::Isa::Amx | $crate::kernel::Isa::Avx512Bf16 => avx512bf16($($argument),*),
                    _ => $generic::<$crate::kernel::simd::Portable, $crate::kernel::bf16::Pairs>($($argument),*),
                }
            }
        }
    };
}
pub(crate) use pairs_kernel;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::convolution::{Grid, TapSum, convolve, group_width, reference_pixel};
    use crate::kernel::simd::BLOCK;
    use crate::kernel::weight_gradient::{Region, add_weight_gradient};
    use crate::random::Stream;

    fn values(seed: u64, name: &str, len: usize) -> Vec<f32> {
        let stream = Stream::new(seed).derive(name);
        (0..len).map(|i| stream.unit(i as u64) - 0.5).collect()
    }

    /// The instruction sets that take pairs.
    fn with_pairs() -> impl Iterator<Item = Isa> {
        Isa::available().into_iter().filter(|isa| Pairing::of(*isa) == Pairing::Pairs)
    }

    fn all_rounded(values: &[f32]) -> Vec<f32> {
        values.iter().map(|&value| rounded(value)).collect()
    }

    /// A window that moves over planes without a halo.
    fn sum_over(planes: usize, (rows, columns): (usize, usize), (height, width): (usize, usize)) -> TapSum {
        let taps = (0..rows * columns).map(|tap| (tap / columns * width + tap % columns) * BLOCK).collect();
        TapSum { taps, planes, plane_len: height * width * BLOCK, block: BLOCK, pairing: Pairing::Single }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn convolutions_of_pairs_are_those_of_rounded_values(
            planes in 1usize..6,
            (kernel, step) in ((1usize..4, 1usize..4), 1usize..3),
            (rows, columns) in (1usize..3, prop_oneof![1usize..20, 30usize..50]),
            wide: bool,
            relu: bool,
            seed: u64,
        ) {
            let size = ((rows - 1) * step + kernel.0, (columns - 1) * step + kernel.1);
            let single = sum_over(planes, kernel, size);
            let pairs = single.packed(Pairing::Pairs);
            let x = values(seed, "x", planes * single.plane_len);
            let from = Grid { start: 0, step: step * BLOCK, row: step * size.1 * BLOCK };
            let to = Grid { start: 0, step: BLOCK, row: columns * BLOCK };
            let out_block = rows * columns * BLOCK;
            for isa in with_pairs() {
                let width = group_width(isa, if wide { 17 } else { 16 });
                let (weights, bias) = (values(seed, "w", single.terms() * width), values(seed, "b", width));
                let mut packed_weights = vec![0.0; pairs.terms() * width];
                for (at, &weight) in weights.iter().enumerate() {
                    let (term, lane) = (at / width, at % width);
                    let (tap, plane) = (term / BLOCK % single.taps.len(), term / BLOCK / single.taps.len());
                    let channel = plane * BLOCK + term % BLOCK;
                    pairs.set_weight((channel, tap), (width, lane), rounded(weight), &mut packed_weights);
                }
                let mut packed = vec![f32::NAN; pairs.planes * pairs.plane_len];
                pack_planes(isa, (planes, single.plane_len), &x, &mut packed);
                let mut out = vec![f32::NAN; 2 * out_block];
                let to_out = (&mut out[..], to);
                convolve(isa, &pairs, (rows, columns), (&packed, from), &packed_weights, &bias, to_out, out_block, relu);
                let (x, weights) = (all_rounded(&x), all_rounded(&weights));
                for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
                    let origin = row * from.row + column * from.step;
                    let expected = reference_pixel(&single, &x[origin..], &weights, &bias);
                    for (o, expected) in expected.into_iter().enumerate() {
                        let expected = if relu { expected.max(0.0) } else { expected };
                        let at = o / BLOCK * out_block + (row * columns + column) * BLOCK + o % BLOCK;
                        let got = f64::from(out[at]);
                        prop_assert!((got - expected).abs() < 1e-4, "{isa}: ({row}, {column}), channel {o}: {got} for {expected}");
                    }
                }
            }
        }

        #[test]
        fn weight_gradients_of_pairs_are_those_of_two_rounded_samples(
            planes in 1usize..3,
            (kernel, step) in ((1usize..4, 1usize..4), 1usize..3),
            (rows, columns) in (1usize..5, 1usize..9),
            alone: bool,
            seed: u64,
        ) {
            let size = ((rows - 1) * step + kernel.0, (columns - 1) * step + kernel.1);
            let sum = sum_over(planes, kernel, size);
            let region = Region {
                rows,
                columns,
                x: Grid { start: 0, step: step * BLOCK, row: step * size.1 * BLOCK },
                g: Grid { start: 0, step: BLOCK, row: columns * BLOCK },
            };
            let (x_len, g_len) = (planes * sum.plane_len, rows * columns * BLOCK);
            let samples = if alone { 1 } else { 2 };
            let (x, g) = (values(seed, "x", samples * x_len), values(seed, "g", samples * g_len));
            let before = values(seed, "dw", sum.terms() * BLOCK);
            for isa in with_pairs() {
                let (mut packed_x, mut packed_g) = (vec![f32::NAN; x_len], vec![f32::NAN; g_len]);
                pack_planes(isa, (2, x_len), &x, &mut packed_x);
                pack_planes(isa, (2, g_len), &g, &mut packed_g);
                let mut dw = before.clone();
                add_weight_gradient(isa, Pairing::Pairs, &sum, &region, &packed_x, &packed_g, &mut dw);
                let (x, g) = (all_rounded(&x), all_rounded(&g));
                for (index, (&got, &start)) in dw.iter().zip(&before).enumerate() {
                    let (term, o) = (index / BLOCK, index % BLOCK);
                    let (plane, tap) = (term / BLOCK / sum.taps.len(), term / BLOCK % sum.taps.len());
                    let origin = plane * sum.plane_len + sum.taps[tap] + term % BLOCK;
                    let mut expected = f64::from(start);
                    for at in 0..samples * rows * columns {
                        let (sample, r, c) = (at / (rows * columns), at / columns % rows, at % columns);
                        let pixel = sample * x_len + origin + r * region.x.row + c * region.x.step;
                        expected += f64::from(x[pixel]) * f64::from(g[at * BLOCK + o]);
                    }
                    prop_assert!((f64::from(got) - expected).abs() < 1e-4, "{isa}: term {term}, channel {o}");
                }
            }
        }
    }

    #[test]
    fn a_pair_holds_both_values_rounded() {
        let lower: Vec<f32> = (0..37).map(|i| (i as f32 - 18.3) * 1.017).collect();
        let upper: Vec<f32> = (0..37).map(|i| 1.0 / (i as f32 - 11.7)).collect();
        for isa in Isa::available() {
            for second in [Some(&upper[..]), None] {
                let mut pairs = vec![f32::NAN; lower.len()];
                pack_pairs(isa, &lower, second, &mut pairs);
                for (index, pair) in pairs.iter().enumerate() {
                    let mut expected = 1.0;
                    Half::Upper.set(&mut expected, second.map_or(0.0, |upper| rounded(upper[index])));
                    Half::Lower.set(&mut expected, rounded(lower[index]));
                    assert_eq!(pair.to_bits(), expected.to_bits(), "{isa}: {index}");
                    assert_eq!(f32::from_bits(pair.to_bits() << 16), rounded(lower[index]), "{isa}: {index}");
                }
            }
        }
    }
}
