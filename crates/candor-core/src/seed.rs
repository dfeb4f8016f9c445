//! Randomness that depends on names, not on order.
//!
//! Every random decision draws from a stream that is named by the run's seed and by what is decided
//! (`seed.derive("split")`, `seed.derive("augment").at(epoch).at(sample)`). No decision shifts because another
//! was added, or because threads finished in another order.

use serde::{Deserialize, Serialize};

/// A point in the tree of random streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream for a purpose: `seed.derive("split")`.
    pub fn derive(self, purpose: &str) -> Seed {
        // FNV-1a over the name, then mixed with the seed.
        let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Seed(mix(self.0 ^ mix(hash)))
    }

    /// The stream for the `index`-th thing of a purpose: an epoch, a sample.
    pub fn at(self, index: u64) -> Seed {
        Seed(mix(self.0.wrapping_add(mix(index.wrapping_add(0x9e37_79b9_7f4a_7c15)))))
    }

    /// A generator that starts at this point.
    pub fn rng(self) -> Rng {
        Rng { state: self.0 }
    }
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): 64 bits of state,
/// passes BigCrush, and its output for a seed will never change with a library's version.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// Uniform in [0, 1), with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in [`low`, `high`).
    pub fn range(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..`n` without bias (Lemire's method).
    ///
    /// # Panics
    /// When `n` is zero.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "nothing lies below zero");
        let n = n as u64;
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= threshold {
                return (product >> 64) as usize;
            }
        }
    }

    /// Puts `items` into a uniformly random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_gives_its_published_sequence() {
        let mut rng = Seed(1234567).rng();
        let expected: [u64; 3] = [6457827717110365317, 3203168211198807973, 9817491932198370423];
        assert_eq!(std::array::from_fn(|_| rng.next_u64()), expected);
    }

    #[test]
    fn streams_of_different_names_differ() {
        let seed = Seed(7);
        let streams = [seed, seed.derive("split"), seed.derive("augment"), seed.at(0), seed.at(1), Seed(8)];
        let firsts: std::collections::HashSet<u64> = streams.iter().map(|s| s.rng().next_u64()).collect();
        assert_eq!(firsts.len(), streams.len());
    }

    #[test]
    fn below_is_uniform_and_shuffle_keeps_every_item() {
        let mut rng = Seed(3).rng();
        let mut counts = [0u32; 7];
        (0..70_000).for_each(|_| counts[rng.below(7)] += 1);
        assert!(counts.iter().all(|&c| c.abs_diff(10_000) < 400), "{counts:?}");
        let mut items: Vec<u32> = (0..100).collect();
        rng.shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
