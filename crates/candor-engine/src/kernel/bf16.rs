//! Numbers rounded to bf16: the upper half of an `f32`, with eight significant bits.
//!
//! [`rounded`] shows it for one value. Adding to the bits what lies just below half of the last place that stays carries into
//! that place where it must; a tie does so where the place is odd. The loops are plain, and compiled once for each instruction
//! set so that the compiler's vectors are as wide as the machine's.

mod pairs;
#[cfg(target_arch = "x86_64")]
pub(super) mod tiles;

pub(super) use pairs::{Half, Pairs, pairs_kernel};
pub(crate) use pairs::{Pairing, pack_planes};

use super::Isa;
use super::simd::{Simd, simd_kernel};

/// to = from, rounded.
///
/// # Panics
/// When one has fewer values.
pub(crate) fn round_to_bf16(isa: Isa, from: &[f32], to: &mut [f32]) {
    assert_eq!(from.len(), to.len(), "every value needs a place");
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { copy_kernel(isa, from, to) }
}

/// Rounds all values where they are.
pub(crate) fn round_in_place(isa: Isa, values: &mut [f32]) {
    // SAFETY: as above.
    unsafe { in_place_kernel(isa, values) }
}

simd_kernel! {
    fn copy_kernel = round_values(from: &[f32], to: &mut [f32])
}

simd_kernel! {
    fn in_place_kernel = round_these(values: &mut [f32])
}

#[inline(always)]
fn round_values<S: Simd>(from: &[f32], to: &mut [f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = rounded(*from);
    }
}

#[inline(always)]
fn round_these<S: Simd>(values: &mut [f32]) {
    for value in values {
        *value = rounded(*value);
    }
}

/// The bits of an `f32` that bf16 has.
const UPPER: u32 = 0xffff_0000;
/// Set in what is not a number, so that something is left of it where only lower bits were set.
const QUIET: u32 = 0x0040_0000;

#[inline(always)]
fn rounded(value: f32) -> f32 {
    let bits = value.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1));
    let kept = if value.is_nan() { bits | QUIET } else { nearest };
    f32::from_bits(kept & UPPER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What both kernels make of the values on every instruction set.
    fn on_every_instruction_set(values: &[f32]) -> Vec<(Isa, Vec<u32>)> {
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<u32>>();
        let of_isa = |isa| {
            let (mut copied, mut in_place) = (vec![0.0; values.len()], values.to_vec());
            round_to_bf16(isa, values, &mut copied);
            round_in_place(isa, &mut in_place);
            assert_eq!(bits(&copied), bits(&in_place), "{isa}");
            (isa, bits(&copied))
        };
        Isa::available().into_iter().map(of_isa).collect()
    }

    #[test]
    fn known_bits_round_to_known_bits() {
        let cases: [(u32, u32); 19] = [
            // Zeros, one, and what has no lower bits.
            (0x0000_0000, 0x0000_0000),
            (0x8000_0000, 0x8000_0000),
            (0x3f80_0000, 0x3f80_0000),
            // Below a tie, a tie above an even and above an odd place, beyond a tie.
            (0x3f80_7fff, 0x3f80_0000),
            (0x3f80_8000, 0x3f80_0000),
            (0x3f81_8000, 0x3f82_0000),
            (0x3f80_8001, 0x3f81_0000),
            (0xbf81_8000, 0xbf82_0000),
            // Into the next exponent.
            (0x3fff_8000, 0x4000_0000),
            // The smallest number, a tie of numbers without a leading one, and the first number with one.
            (0x0000_0001, 0x0000_0000),
            (0x0001_8000, 0x0002_0000),
            (0x807f_ffff, 0x8080_0000),
            // The largest number becomes infinite, as does all that is nearer to the next power of two.
            (0x7f7f_ffff, 0x7f80_0000),
            (0x7f7f_7fff, 0x7f7f_0000),
            (0x7f80_0000, 0x7f80_0000),
            (0xff80_0000, 0xff80_0000),
            // What is not a number stays so, with its sign, even where only lower bits say it.
            (0x7f80_0001, 0x7fc0_0000),
            (0xffff_ffff, 0xffff_0000),
            (0x7fc1_2345, 0x7fc1_0000),
        ];
        let from: Vec<f32> = cases.iter().map(|(from, _)| f32::from_bits(*from)).collect();
        for (isa, got) in on_every_instruction_set(&from) {
            for ((from, expected), got) in cases.iter().zip(got) {
                assert_eq!(got, *expected, "{isa}: {from:#010x} became {got:#010x}");
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_with_eight_bits_is_nearer(bits in proptest::collection::vec(0..0x7f7f_0000_u32, 1..40), negative: bool) {
            let from: Vec<f32> = bits.iter().map(|&bits| f32::from_bits(bits | u32::from(negative) << 31)).collect();
            for (isa, got) in on_every_instruction_set(&from) {
                for (from, got) in from.iter().zip(got) {
                    let below = from.to_bits() & UPPER;
                    let distance = |bits: u32| (f64::from(f32::from_bits(bits)) - f64::from(*from)).abs();
                    let [down, up] = [below, below + !UPPER + 1].map(|bits| (distance(bits), bits >> 16 & 1, bits));
                    let nearest = if (down.0, down.1) <= (up.0, up.1) { down } else { up };
                    prop_assert_eq!(got, nearest.2, "{}: {}", isa, from);
                }
            }
        }
    }
}
