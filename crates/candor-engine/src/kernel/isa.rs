//! Which vector instructions the kernels use, chosen when the program runs.

use std::fmt;

#[cfg(target_arch = "x86_64")]
use super::bf16::tiles;

/// An instruction set that the kernels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// As [`Isa::Avx512Bf16`], with products of matrices of bf16 in tiles (AMX-TILE, AMX-BF16).
    Amx,
    /// As [`Isa::Avx512`], with products of pairs of bf16 (AVX512-BF16).
    Avx512Bf16,
    /// x86-64 with 512-bit vectors (AVX-512 F, BW, DQ, VL).
    Avx512,
    /// x86-64 with 256-bit vectors and fused multiply-add.
    Avx2,
    /// 64-bit ARM with 128-bit vectors.
    Neon,
    /// Plain Rust, for every processor: the reference that the others are tested against.
    Portable,
}

impl Isa {
    /// All instruction sets that this machine can run, the best one first.
    pub fn available() -> Vec<Isa> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma");
            let wide = std::is_x86_feature_detected!("avx512f")
                && std::is_x86_feature_detected!("avx512bw")
                && std::is_x86_feature_detected!("avx512dq")
                && std::is_x86_feature_detected!("avx512vl");
            if wide && avx2 {
                let pairs = std::is_x86_feature_detected!("avx512bf16");
                if pairs && tiles::are_permitted() {
                    all.push(Isa::Amx);
                }
                if pairs {
                    all.push(Isa::Avx512Bf16);
                }
                all.push(Isa::Avx512);
            }
            if avx2 {
                all.push(Isa::Avx2);
            }
        }
        if cfg!(target_arch = "aarch64") {
            all.push(Isa::Neon);
        }
        all.push(Isa::Portable);
        all
    }

    /// The instruction set in use: the one that the environment variable `CANDOR_ISA` names, where this machine has
    /// it, else the best.
    pub fn detect() -> Isa {
        let available = Isa::available();
        let wanted = std::env::var("CANDOR_ISA").ok();
        let forced = wanted.and_then(|name| available.iter().copied().find(|isa| isa.name() == name));
        forced.unwrap_or(available[0])
    }

    /// Whether learning with [`Precision::Bf16`](crate::Precision) takes instructions of its own, else ordinary ones.
    pub fn multiplies_bf16(self) -> bool {
        matches!(self, Isa::Amx | Isa::Avx512Bf16)
    }

    /// The instruction set of everything but products of bf16.
    pub(super) fn vectors(self) -> Isa {
        if self.multiplies_bf16() { Isa::Avx512 } else { self }
    }

    /// The name that `CANDOR_ISA` takes.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Amx => "amx",
            Isa::Avx512Bf16 => "avx512bf16",
            Isa::Avx512 => "avx512",
            Isa::Avx2 => "avx2",
            Isa::Neon => "neon",
            Isa::Portable => "portable",
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
