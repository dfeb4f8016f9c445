//! The words that all of candor's crates share.
//!
//! Values only: pictures, samples with their provenance, classes, predictions, preprocessing, seeds, and the
//! traits through which analysis sees data and models. Nothing here reads a file, a clock or the network.
#![forbid(unsafe_code)]

mod classifier;
mod detector;
mod image;
mod network_classifier;
mod preprocessing;
mod reporter;
mod sample;
mod seed;
mod split;

pub use classifier::{
    Classifier, ClassifyError, Dataset, DifferentiableClassifier, Evidence, Prediction, Quantity, ReadError,
};
pub use detector::{Area, Detection, Detector};
pub use image::{Channels, Image, ImageError};
pub use network_classifier::{Filters, LayerFacts, NetworkClassifier};
pub use preprocessing::{Fit, Preprocessing};
pub use reporter::{Problem, Progress, Reporter, Silent, Stage};
pub use sample::{Provenance, Sample, SampleId};
pub use seed::{Rng, Seed};
pub use split::{Split, Subset};
