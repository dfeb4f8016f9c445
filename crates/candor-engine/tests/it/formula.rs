//! Numbers from a formula, the same here and in `goldens/generate.py`: inputs and parameters need not be stored.

/// SplitMix64 (Steele, Lea and Flood, 2014), seeded with FNV-1a of a name.
pub struct Formula(u64);

impl Formula {
    pub fn new(name: &str) -> Formula {
        Formula(name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `end`, which must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        ((self.bits() >> 32) % end as u64) as usize
    }

    /// One of `choices`.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A value in −`limit`..`limit`.
    pub fn uniform(&mut self, limit: f64) -> f32 {
        let unit = (self.bits() >> 40) as f64 / f64::from(1 << 24);
        (limit * (2.0 * unit - 1.0)) as f32
    }
}

/// `count` values in −`limit`..`limit`.
pub fn uniform(name: &str, count: usize, limit: f64) -> Vec<f32> {
    let mut formula = Formula::new(name);
    (0..count).map(|_| formula.uniform(limit)).collect()
}

/// `count` bytes.
pub fn bytes(name: &str, count: usize) -> Vec<u8> {
    let mut formula = Formula::new(name);
    (0..count).map(|_| (formula.bits() >> 56) as u8).collect()
}

/// `count` whole numbers below `end`.
pub fn below(name: &str, count: usize, end: usize) -> Vec<usize> {
    let mut formula = Formula::new(name);
    (0..count).map(|_| formula.below(end)).collect()
}

#[test]
fn the_generator_is_splitmix64() {
    // The first outputs for the seed 1234567, as published with the Java and C reference implementations.
    let mut formula = Formula(1_234_567);
    assert_eq!([formula.bits(), formula.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
}
