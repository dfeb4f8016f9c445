//! Faces: what finds them, and how they are cut out of pictures. Values in, values out; [`crate::study`] keeps the crops.
//!
//! To add a detector: a file that implements [`Detector`], and a way to choose it in [`detector`].

mod crop;
mod seeta;

use candor_core::Detector;

pub use crop::{Crop, Cropping, Missed, Which, crop};
pub use seeta::SeetaFrontal;

/// The detector that is inside candor.
pub fn detector() -> &'static dyn Detector {
    static DETECTOR: SeetaFrontal = SeetaFrontal::new();
    &DETECTOR
}
