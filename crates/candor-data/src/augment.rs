//! Variants of training pictures, made while training goes on: rotated, zoomed, shifted, mirrored, lighter or darker.
//!
//! All geometric changes are one affine map, applied backwards with bilinear interpolation in a single pass over the
//! prepared picture. What a variant looks like depends on the seed, the epoch, the sample and the copy alone.

use candor_core::{Preprocessing, Seed};
use serde::{Deserialize, Serialize};

/// What lies beyond the edge of a picture that was turned or shifted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// The nearest pixel of the edge, repeated (`aaa|abcd|ddd`), as Keras does it by default.
    #[default]
    Nearest,
    /// The picture mirrored at its edge (`cba|abcd|dcb`).
    Reflect,
}

/// How training pictures are varied. The default varies nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Rotation about the centre, uniform in ± this many degrees (0..=180).
    pub rotation_degrees: f64,
    /// Zoom, uniform in 1 ± this share (0..1), the same for both sides.
    pub zoom: f64,
    /// Shift of each axis, uniform in ± this share of the side (0..1).
    pub shift: f64,
    /// Mirrored left to right, every second time.
    pub horizontal_flip: bool,
    /// Brightness, values multiplied by a factor uniform in 1 ± this share (0..1).
    pub brightness: f64,
    /// How many pictures an epoch sees for each training picture. 1: one variant. 3: the picture itself and two
    /// variants.
    pub factor: usize,
    /// What lies beyond the edge.
    pub edge: Edge,
}

impl Default for Augmentation {
    fn default() -> Augmentation {
        Augmentation {
            rotation_degrees: 0.0,
            zoom: 0.0,
            shift: 0.0,
            horizontal_flip: false,
            brightness: 0.0,
            factor: 1,
            edge: Edge::Nearest,
        }
    }
}

/// Names one variant of one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The index of the sample in the data set (not in the shuffled order).
    pub sample: u64,
    /// Which of the epoch's variants of this picture, in 0..factor.
    pub copy: u64,
}

impl Augmentation {
    /// Whether variants are all equal to the picture.
    pub fn is_none(&self) -> bool {
        let Augmentation { rotation_degrees, zoom, shift, horizontal_flip, brightness, .. } = *self;
        !horizontal_flip && [rotation_degrees, zoom, shift, brightness].iter().all(|&amount| amount == 0.0)
    }

    /// Writes the variant of `picture` into `out`; both are `input.bytes()` long, height × width × channels.
    /// Allocates nothing.
    ///
    /// # Panics
    /// When a slice has another length.
    pub fn apply(&self, input: &Preprocessing, seed: Seed, variant: Variant, picture: &[u8], out: &mut [u8]) {
        let _ = (input, seed, variant, picture, out);
        todo!()
    }
}
