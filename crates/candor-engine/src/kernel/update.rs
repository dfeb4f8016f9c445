//! Runs a rule that changes parameters value by value, compiled once for each instruction set.
//!
//! The rules themselves are plain loops and stand with their optimisers; here they only get vectors as wide as the
//! machine's. No two operations are fused into one, so every instruction set gives the same bits.

use super::Isa;

/// A run of values with all that belongs to them. Slots that a rule does not use are empty.
pub(crate) struct Run<'a> {
    /// The parameters.
    pub w: &'a mut [f32],
    /// Their gradients.
    pub g: &'a [f32],
    /// What the rule remembers of each: the velocity, or the mean gradient.
    pub first: &'a mut [f32],
    /// Likewise: the mean squared gradient.
    pub second: &'a mut [f32],
}

/// A rule with all numbers that are the same for every value of a step.
pub(crate) trait Update: Copy {
    /// Changes `w` and the slots. To be `#[inline(always)]`, so that it is compiled for the caller's instruction set.
    fn run(self, run: Run<'_>);
}

/// Runs `rule` on the instruction set `isa`, which must be one of [`Isa::available`].
pub(crate) fn update<U: Update>(isa: Isa, rule: U, run: Run<'_>) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
    fn avx512<U: Update>(rule: U, run: Run<'_>) {
        rule.run(run);
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2<U: Update>(rule: U, run: Run<'_>) {
        rule.run(run);
    }
    match isa.vectors() {
        // SAFETY: the rule is safe code; `isa` comes from `Isa::available`.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => unsafe { avx512(rule, run) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => unsafe { avx2(rule, run) },
        _ => rule.run(run),
    }
}
