//! Vectors of `f32` for each instruction set, so that a kernel is written once.
//!
//! A kernel is a generic function over [`Simd`], inlined into one entry point an instruction set by
//! [`simd_kernel!`]; the entry point enables the instructions, so the whole kernel is compiled with them. That holds for what is
//! inlined into it: a closure that is handed to `map` or `from_fn` may stay a function of its own, which cannot use the
//! instructions and calls them one by one (it once cost a third of the speed). So vectors are worked on in loops and in functions
//! that are `#[inline(always)]`.

/// The vector operations that kernels are written in.
///
/// # Safety
/// Every function may only run on a processor that has the instruction set; pointers must be valid for
/// [`Simd::LANES`] floats, without any alignment.
pub(crate) unsafe trait Simd: Copy {
    /// A vector register.
    type V: Copy;
    /// Floats in a register.
    const LANES: usize;
    /// Registers that a kernel may fill with sums and still have some left for its operands.
    const ACCUMULATORS: usize;
    /// Whether [`Simd::mul_add`] is one instruction, which rounds once.
    const FUSED: bool;

    unsafe fn splat(value: f32) -> Self::V;
    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, value: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a` where it is larger, else `b`: so too where either is not a number, and of two zeros.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// `value` where `condition` is above zero, else zero.
    unsafe fn where_positive(condition: Self::V, value: Self::V) -> Self::V;
    /// The sum over the lanes, always in the same order.
    unsafe fn sum(value: Self::V) -> f32;
    /// The sums over the lanes of several vectors, each as [`Simd::sum`] has it.
    #[inline(always)]
    unsafe fn sums<const COUNT: usize>(values: [Self::V; COUNT]) -> [f32; COUNT] {
        let mut sums = [0.0; COUNT];
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum = unsafe { Self::sum(value) };
        }
        sums
    }
    /// Asks for the cache line at `from`, which will be read soon and may lie anywhere; nothing where there is no such
    /// instruction.
    unsafe fn prefetch(_from: *const f32) {}
}

/// What is added to sums: products of values, or of what else lies in the lanes of a vector.
///
/// # Safety
/// As [`Simd`].
pub(crate) unsafe trait Multiply<S: Simd> {
    /// `a · b + c`
    unsafe fn mul_add(a: S::V, b: S::V, c: S::V) -> S::V;
}

/// Products of `f32`.
pub(crate) struct Values;

// SAFETY: as the instruction set's own.
unsafe impl<S: Simd> Multiply<S> for Values {
    #[inline(always)]
    unsafe fn mul_add(a: S::V, b: S::V, c: S::V) -> S::V {
        unsafe { S::mul_add(a, b, c) }
    }
}

/// The widest group of output channels that any kernel works on at once, and the block that channels come in.
pub(crate) const BLOCK: usize = 16;

/// Plain Rust; eight lanes give the compiler something to vectorise everywhere.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

// SAFETY: no instruction set is needed; loads and stores touch exactly LANES floats.
unsafe impl Simd for Portable {
    type V = [f32; 8];
    const LANES: usize = 8;
    const ACCUMULATORS: usize = 12;
    const FUSED: bool = false;

    #[inline(always)]
    unsafe fn splat(value: f32) -> [f32; 8] {
        [value; 8]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> [f32; 8] {
        unsafe { from.cast::<[f32; 8]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(to: *mut f32, value: [f32; 8]) {
        unsafe { to.cast::<[f32; 8]>().write_unaligned(value) }
    }

    #[inline(always)]
    unsafe fn add(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    unsafe fn sub(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|i| a[i] - b[i])
    }

    #[inline(always)]
    unsafe fn mul_add(a: [f32; 8], b: [f32; 8], c: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    unsafe fn max(a: [f32; 8], b: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    unsafe fn where_positive(condition: [f32; 8], value: [f32; 8]) -> [f32; 8] {
        std::array::from_fn(|i| if condition[i] > 0.0 { value[i] } else { 0.0 })
    }

    #[inline(always)]
    unsafe fn sum(v: [f32; 8]) -> f32 {
        ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]))
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Simd;

    /// 256-bit vectors with fused multiply-add: 16 registers.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    // SAFETY: needs AVX2 and FMA; loads and stores are the unaligned ones.
    unsafe impl Simd for Avx2 {
        type V = __m256;
        const LANES: usize = 8;
        const ACCUMULATORS: usize = 12;
        const FUSED: bool = true;

        #[inline(always)]
        unsafe fn splat(value: f32) -> __m256 {
            unsafe { _mm256_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m256 {
            unsafe { _mm256_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(to: *mut f32, value: __m256) {
            unsafe { _mm256_storeu_ps(to, value) }
        }

        #[inline(always)]
        unsafe fn add(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_add_ps(a, b) }
        }

        #[inline(always)]
        unsafe fn sub(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_sub_ps(a, b) }
        }

        #[inline(always)]
        unsafe fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 {
            unsafe { _mm256_fmadd_ps(a, b, c) }
        }

        #[inline(always)]
        unsafe fn max(a: __m256, b: __m256) -> __m256 {
            unsafe { _mm256_max_ps(a, b) }
        }

        #[inline(always)]
        unsafe fn where_positive(condition: __m256, value: __m256) -> __m256 {
            unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(condition, _mm256_setzero_ps()), value) }
        }

        #[inline(always)]
        unsafe fn prefetch(from: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
        }

        #[inline(always)]
        unsafe fn sum(v: __m256) -> f32 {
            unsafe { Self::sums([v])[0] }
        }

        /// Four at a time: pairs of neighbours, pairs of pairs, the two halves.
        #[inline(always)]
        unsafe fn sums<const COUNT: usize>(values: [__m256; COUNT]) -> [f32; COUNT] {
            let mut totals = [0.0; COUNT];
            for (totals, values) in totals.chunks_mut(4).zip(values.chunks(4)) {
                let value = |index: usize| values[index.min(values.len() - 1)];
                unsafe {
                    let low = _mm256_hadd_ps(value(0), value(1));
                    let high = _mm256_hadd_ps(value(2), value(3));
                    let quarters = _mm256_hadd_ps(low, high);
                    let halves = (_mm256_castps256_ps128(quarters), _mm256_extractf128_ps::<1>(quarters));
                    let mut four = [0.0; 4];
                    _mm_storeu_ps(four.as_mut_ptr(), _mm_add_ps(halves.0, halves.1));
                    totals.copy_from_slice(&four[..totals.len()]);
                }
            }
            totals
        }
    }

    /// 512-bit vectors: 32 registers.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    // SAFETY: needs AVX-512 F; loads and stores are the unaligned ones.
    unsafe impl Simd for Avx512 {
        type V = __m512;
        const LANES: usize = 16;
        const ACCUMULATORS: usize = 24;
        const FUSED: bool = true;

        #[inline(always)]
        unsafe fn splat(value: f32) -> __m512 {
            unsafe { _mm512_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> __m512 {
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(to: *mut f32, value: __m512) {
            unsafe { _mm512_storeu_ps(to, value) }
        }

        #[inline(always)]
        unsafe fn add(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_add_ps(a, b) }
        }

        #[inline(always)]
        unsafe fn sub(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_sub_ps(a, b) }
        }

        #[inline(always)]
        unsafe fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 {
            unsafe { _mm512_fmadd_ps(a, b, c) }
        }

        #[inline(always)]
        unsafe fn max(a: __m512, b: __m512) -> __m512 {
            unsafe { _mm512_max_ps(a, b) }
        }

        #[inline(always)]
        unsafe fn where_positive(condition: __m512, value: __m512) -> __m512 {
            unsafe {
                let mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(condition, _mm512_setzero_ps());
                _mm512_maskz_mov_ps(mask, value)
            }
        }

        #[inline(always)]
        unsafe fn prefetch(from: *const f32) {
            unsafe { _mm_prefetch::<_MM_HINT_T0>(from.cast()) }
        }

        #[inline(always)]
        unsafe fn sum(v: __m512) -> f32 {
            unsafe { _mm512_reduce_add_ps(v) }
        }
    }
}

#[cfg(target_arch = "aarch64")]
pub(crate) use arm::Neon;

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::*;

    use super::Simd;

    /// Two 128-bit registers as one vector of eight: 32 registers.
    #[derive(Clone, Copy)]
    pub(crate) struct Neon;

    // SAFETY: NEON is part of every 64-bit ARM processor; loads and stores need no alignment.
    unsafe impl Simd for Neon {
        type V = float32x4x2_t;
        const LANES: usize = 8;
        const ACCUMULATORS: usize = 12;
        const FUSED: bool = true;

        #[inline(always)]
        unsafe fn splat(value: f32) -> float32x4x2_t {
            unsafe { float32x4x2_t(vdupq_n_f32(value), vdupq_n_f32(value)) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> float32x4x2_t {
            unsafe { float32x4x2_t(vld1q_f32(from), vld1q_f32(from.add(4))) }
        }

        #[inline(always)]
        unsafe fn store(to: *mut f32, value: float32x4x2_t) {
            unsafe {
                vst1q_f32(to, value.0);
                vst1q_f32(to.add(4), value.1);
            }
        }

        #[inline(always)]
        unsafe fn add(a: float32x4x2_t, b: float32x4x2_t) -> float32x4x2_t {
            unsafe { float32x4x2_t(vaddq_f32(a.0, b.0), vaddq_f32(a.1, b.1)) }
        }

        #[inline(always)]
        unsafe fn sub(a: float32x4x2_t, b: float32x4x2_t) -> float32x4x2_t {
            unsafe { float32x4x2_t(vsubq_f32(a.0, b.0), vsubq_f32(a.1, b.1)) }
        }

        #[inline(always)]
        unsafe fn mul_add(a: float32x4x2_t, b: float32x4x2_t, c: float32x4x2_t) -> float32x4x2_t {
            unsafe { float32x4x2_t(vfmaq_f32(c.0, a.0, b.0), vfmaq_f32(c.1, a.1, b.1)) }
        }

        #[inline(always)]
        unsafe fn max(a: float32x4x2_t, b: float32x4x2_t) -> float32x4x2_t {
            // ARM's own maximum is not a number as soon as one of the two is not.
            let half = |a, b| unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) };
            float32x4x2_t(half(a.0, b.0), half(a.1, b.1))
        }

        #[inline(always)]
        unsafe fn where_positive(condition: float32x4x2_t, value: float32x4x2_t) -> float32x4x2_t {
            let half = |condition, value| unsafe {
                vreinterpretq_f32_u32(vandq_u32(vcgtzq_f32(condition), vreinterpretq_u32_f32(value)))
            };
            float32x4x2_t(half(condition.0, value.0), half(condition.1, value.1))
        }

        #[inline(always)]
        unsafe fn sum(v: float32x4x2_t) -> f32 {
            unsafe { vaddvq_f32(vaddq_f32(v.0, v.1)) }
        }
    }
}

/// Makes `name(isa, arguments…)` of the generic kernel `generic::<S>(arguments…)`: one compiled copy an instruction
/// set, chosen by `isa`.
///
/// The made function is unsafe as the kernel is: `isa` must be one of [`Isa::available`](super::Isa::available).
macro_rules! simd_kernel {
    ($vis:vis fn $name:ident = $generic:ident($($argument:ident: $type:ty),* $(,)?)) => {
        #[allow(clippy::too_many_arguments, unused_unsafe)]
        $vis unsafe fn $name(isa: $crate::kernel::Isa, $($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
            unsafe fn avx512($($argument: $type),*) {
                unsafe { $generic::<$crate::kernel::simd::Avx512>($($argument),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($argument: $type),*) {
                unsafe { $generic::<$crate::kernel::simd::Avx2>($($argument),*) }
            }
            // SAFETY: the caller promises that the machine has `isa`, and what `generic` needs.
            unsafe {
                match isa.vectors() {
                    #[cfg(target_arch = "x86_64")]
                    $crate::kernel::Isa::Avx512 => avx512($($argument),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::kernel::Isa::Avx2 => avx2($($argument),*),
                    #[cfg(target_arch = "aarch64")]
                    $crate::kernel::Isa::Neon => $generic::<$crate::kernel::simd::Neon>($($argument),*),
                    _ => $generic::<$crate::kernel::simd::Portable>($($argument),*),
                }
            }
        }
    };
}
pub(crate) use simd_kernel;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Isa;

    /// What every operation says to two blocks and a third.
    #[derive(Clone, Copy, Debug, Default)]
    struct Answers {
        splat: [f32; BLOCK],
        add: [f32; BLOCK],
        sub: [f32; BLOCK],
        mul_add: [f32; BLOCK],
        max: [f32; BLOCK],
        where_positive: [f32; BLOCK],
        is_fused: bool,
    }

    simd_kernel! {
        fn ask = all_operations(a: &[f32; BLOCK], b: &[f32; BLOCK], c: &[f32; BLOCK], answers: &mut Answers)
    }

    #[inline(always)]
    unsafe fn all_operations<S: Simd>(
        a: &[f32; BLOCK],
        b: &[f32; BLOCK],
        c: &[f32; BLOCK],
        answers: &mut Answers,
    ) {
        answers.is_fused = S::FUSED;
        for lane in (0..BLOCK).step_by(S::LANES) {
            unsafe {
                S::prefetch(a.as_ptr());
                let load = |from: &[f32; BLOCK]| S::load(from.as_ptr().add(lane));
                let keep = |to: &mut [f32; BLOCK], value| S::store(to.as_mut_ptr().add(lane), value);
                let (a, b, c) = (load(a), load(b), load(c));
                keep(&mut answers.add, S::add(a, b));
                keep(&mut answers.sub, S::sub(a, b));
                keep(&mut answers.mul_add, S::mul_add(a, b, c));
                keep(&mut answers.max, S::max(a, b));
                keep(&mut answers.where_positive, S::where_positive(a, b));
            }
        }
        // The last value, in every lane.
        for lane in (0..BLOCK).step_by(S::LANES) {
            unsafe { S::store(answers.splat.as_mut_ptr().add(lane), S::splat(a[BLOCK - 1])) };
        }
    }

    /// Numbers at which instruction sets are known to differ, and some plain ones.
    const VALUES: [f32; BLOCK] = [
        0.0,
        -0.0,
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MIN_POSITIVE,
        -1e-40,
        f32::MAX,
        f32::MIN,
        1.0,
        -1.0,
        1.000_000_1,
        -3.5,
        0.1,
        1e-20,
        16_777_217.0,
    ];

    /// The same bits; any two that are not numbers are alike.
    fn alike(got: f32, expected: f32) -> bool {
        got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan()
    }

    #[test]
    fn every_instruction_set_answers_as_plain_arithmetic_does() {
        for (isa, shift) in Isa::available().into_iter().flat_map(|isa| (0..BLOCK).map(move |by| (isa, by))) {
            let a = VALUES;
            let b: [f32; BLOCK] = std::array::from_fn(|lane| VALUES[(lane + shift) % BLOCK]);
            let c: [f32; BLOCK] = std::array::from_fn(|lane| VALUES[(3 * lane + shift) % BLOCK]);
            let mut answers = Answers::default();
            // SAFETY: `isa` comes from `Isa::available`, and there is a block of everything.
            unsafe { ask(isa, &a, &b, &c, &mut answers) };
            for lane in 0..BLOCK {
                let (a, b, c) = (a[lane], b[lane], c[lane]);
                for (what, got, expected) in [
                    ("splat", answers.splat[lane], VALUES[BLOCK - 1]),
                    ("add", answers.add[lane], a + b),
                    ("sub", answers.sub[lane], a - b),
                    (
                        "mul_add",
                        answers.mul_add[lane],
                        if answers.is_fused { a.mul_add(b, c) } else { a * b + c },
                    ),
                    ("max", answers.max[lane], if a > b { a } else { b }),
                    ("where_positive", answers.where_positive[lane], if a > 0.0 { b } else { 0.0 }),
                ] {
                    assert!(
                        alike(got, expected),
                        "{isa}: {what} of {a}, {b}, {c} is {got} instead of {expected}"
                    );
                }
            }
        }
    }

    /// Seven vectors' worth of values, so that sums of several at a time have a rest.
    const MANY: usize = 7;

    simd_kernel! {
        fn add_up = all_sums(values: &[[f32; BLOCK]; MANY], together: &mut [f32; MANY], alone: &mut [f32; MANY])
    }

    #[inline(always)]
    unsafe fn all_sums<S: Simd>(
        values: &[[f32; BLOCK]; MANY],
        together: &mut [f32; MANY],
        alone: &mut [f32; MANY],
    ) {
        for lane in (0..BLOCK).step_by(S::LANES) {
            unsafe {
                let mut vectors = [S::splat(0.0); MANY];
                for (vector, values) in vectors.iter_mut().zip(values) {
                    *vector = S::load(values.as_ptr().add(lane));
                }
                for (index, sum) in S::sums(vectors).into_iter().enumerate() {
                    together[index] += sum;
                    alone[index] += S::sum(vectors[index]);
                }
            }
        }
    }

    #[test]
    fn sums_run_over_every_lane_once_and_are_the_same_alone_and_together() {
        // Whole numbers of up to 20 bits: their sums are exact in any order, and tell which lanes are in them.
        let values: [[f32; BLOCK]; MANY] =
            std::array::from_fn(|row| std::array::from_fn(|lane| (3 * row + 1) as f32 * (1 << lane) as f32));
        // Sums of these round, so that another order may have other bits.
        let thirds = values.map(|row| row.map(|value| value / 3.0));
        for isa in Isa::available() {
            let sums = |values| {
                let (mut together, mut alone) = ([0.0; MANY], [0.0; MANY]);
                // SAFETY: `isa` comes from `Isa::available`.
                unsafe { add_up(isa, values, &mut together, &mut alone) };
                assert_eq!(alone, together, "{isa}");
                alone
            };
            assert_eq!(sums(&values), values.map(|row| row.iter().sum::<f32>()), "{isa}");
            sums(&thirds);
        }
    }
}
