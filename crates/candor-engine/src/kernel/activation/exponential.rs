//! The exponential function and the normal distribution, as arithmetic on single values that the compiler makes vectors of.
//!
//! - eˣ = 2ⁿ · eʳ with n = x / ln 2 rounded and |r| ≤ ½ ln 2; eʳ − 1 is a polynomial of degree 7. n is rounded by adding
//!   1.5 · 2²³ (in double precision 1.5 · 2⁵²), where neighbouring floats are 1 apart, and its bits make the factor 2ⁿ.
//! - The normal distribution's Φ(−a) = e^(−a²/2) · R(a), a ≥ 0, where R falls slowly and is a fraction of two
//!   polynomials with positive coefficients, so that nothing cancels.
//!
//! Coefficients were fitted for the least largest relative error (Lawson, 1961), which is below .01 ulp of single precision
//! for eʳ − 1 and .1 ulp for R.

use crate::kernel::simd::Simd;

/// eˣ: 0 from −104 down, infinity from 89 up.
#[inline(always)]
pub(in crate::kernel) fn exp<S: Simd>(x: f32) -> f32 {
    let (e, scale) = exp_in_parts::<S>(x);
    e * scale
}

/// eˣ as a product.
///
/// Its parts have about half of the exponent each: both are floats of full precision even where the product is too small
/// for one, so that what it is a factor of is rounded once if the second part comes last.
#[inline(always)]
pub(super) fn exp_in_parts<S: Simd>(x: f32) -> (f32, f32) {
    let (n, power) = powers::<S>(clamp(x, -120.0, 89.0));
    let half = n >> 1;
    ((1.0 + power) * power_of_two(half), power_of_two(n.wrapping_sub(half)))
}

/// What eʳ − 1 is made of behind r: the terms of r², r³, …
const TERMS: [f32; 6] = [0.5, 0.166_666_64, 0.041_666_016, 0.008_333_626, 0.001_396_281_3, 0.000_197_720_9];

/// n and eʳ − 1, where x = n ln 2 + r.
#[inline(always)]
pub(super) fn powers<S: Simd>(x: f32) -> (i32, f32) {
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let shifted = fused::<S>(x, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    // The high part has nine bits: its product with n is exact.
    let r = fused::<S>(-n, LN_2_LOW, fused::<S>(-n, LN_2_HIGH, x));
    let mut sum = TERMS[TERMS.len() - 1];
    for &term in TERMS[..TERMS.len() - 1].iter().rev() {
        sum = fused::<S>(sum, r, term);
    }
    let power = fused::<S>(r * r, sum, r);
    (shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32, power)
}

/// 2ⁿ for −126 ≤ n ≤ 127.
#[inline(always)]
pub(super) fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n.wrapping_add(127)) as u32) << 23)
}

/// e^(−x²/2), and the share of the standard normal distribution beyond |x|, in double precision: where few steps are as
/// many roundings, and the results are small, single precision would be off by several ulp.
#[inline(always)]
pub(super) fn normal_tail<S: Simd>(x: f32) -> (f64, f64) {
    const ABOVE: [f32; 5] = [0.5, 0.438_295_42, 0.183_235_51, 0.040_633_358, 0.004_116_33];
    const BELOW: [f32; 6] = [1.0, 1.674_475_9, 1.202_504_6, 0.469_471_63, 0.101_859_175, 0.010_317_99];
    // From 15 on, both are zero in single precision.
    let a = f64::from(clamp(x.abs(), 0.0, 15.0));
    let exponential = exp_wide::<S>(-0.5 * a * a);
    (exponential, exponential * (polynomial_wide::<S>(a, &ABOVE) / polynomial_wide::<S>(a, &BELOW)))
}

/// eˣ for −700 ≤ x ≤ 700, to half an ulp of single precision.
#[inline(always)]
fn exp_wide<S: Simd>(x: f64) -> f64 {
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let shifted = fused_wide::<S>(x, std::f64::consts::LOG2_E, ROUND);
    let r = fused_wide::<S>(ROUND - shifted, std::f64::consts::LN_2, x);
    let power = fused_wide::<S>(r * r, polynomial_wide::<S>(r, &TERMS), r);
    let n = shifted.to_bits().wrapping_sub(ROUND.to_bits());
    let scale = f64::from_bits(n.wrapping_add(1023) << 52);
    fused_wide::<S>(power, scale, scale)
}

/// c₀ + c₁ x + c₂ x² + …
#[inline(always)]
fn polynomial_wide<S: Simd>(x: f64, coefficients: &[f32]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, &coefficient| fused_wide::<S>(sum, x, coefficient.into()))
}

/// a · b + c, rounded once where that is one instruction (elsewhere it would be a call).
#[inline(always)]
pub(super) fn fused<S: Simd>(a: f32, b: f32, c: f32) -> f32 {
    if S::FUSED { a.mul_add(b, c) } else { a * b + c }
}

#[inline(always)]
pub(super) fn fused_wide<S: Simd>(a: f64, b: f64, c: f64) -> f64 {
    if S::FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// The nearest value from `low` to `high`; what is not a number stays so.
#[inline(always)]
pub(super) fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = at_least(x, low);
    if x > high { high } else { x }
}

#[inline(always)]
pub(super) fn at_least(x: f32, low: f32) -> f32 {
    if x < low { low } else { x }
}
