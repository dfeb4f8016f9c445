//! Random numbers by position: the value at an index of a stream is a function of the two, so that it does not
//! matter in which order, or on which thread, values are asked for.

/// A named stream of random values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stream(u64);

impl Stream {
    pub fn new(seed: u64) -> Stream {
        Stream(mix(seed ^ 0x63d8_3595_1c8b_4f0f))
    }

    /// The stream for a name.
    pub fn derive(self, name: &str) -> Stream {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        self.at(hash)
    }

    /// The stream for the `index`-th of something.
    pub fn at(self, index: u64) -> Stream {
        Stream(mix(self.0.wrapping_add(mix(index.wrapping_add(0x9e37_79b9_7f4a_7c15)))))
    }

    /// 64 bits that name the stream.
    pub fn key(self) -> u64 {
        self.0
    }

    /// Uniform in [0, 1): the value at `index`.
    pub fn unit(self, index: u64) -> f32 {
        (self.at(index).0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_uniform_and_streams_differ() {
        let stream = Stream::new(1).derive("conv2d_1.weight");
        let mean = (0..100_000).map(|i| f64::from(stream.unit(i))).sum::<f64>() / 100_000.0;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert_ne!(stream.key(), Stream::new(2).derive("conv2d_1.weight").key());
        assert_ne!(stream.at(0).key(), stream.at(1).key());
    }
}
