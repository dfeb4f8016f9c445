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
    /// The larger one; `b` where either is not a number.
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
            unsafe { float32x4x2_t(vmaxq_f32(a.0, b.0), vmaxq_f32(a.1, b.1)) }
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
                match isa {
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
