//! Why there is no explanation.

use candor_core::ClassifyError;
use thiserror::Error;

/// A method without a map.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The person asked to stop.
    #[error("stopped")]
    Stopped,
    /// The classifier gave up.
    #[error(transparent)]
    Classify(#[from] ClassifyError),
    /// There is nothing to compare pictures with.
    #[error("an explanation compares with background pictures, and there are none")]
    NoBackground,
    /// The network has no place with feature maps.
    #[error(
        "the network has no layer with feature maps of at least 2×2 to look at: use a method that works on pixels, such as \
         occlusion"
    )]
    NoFeatureMaps,
    /// The network's first layer is no convolution.
    #[error("the network's first layer is not a convolution of the picture: it has no filters to show")]
    NoFilters,
    /// A class has too few pictures to say what recurs in them.
    #[error("concepts need at least {fewest} pictures of a class, and there {}", match pictures { 1 => "is one".into(), n => format!("are {n}") })]
    #[allow(missing_docs)]
    TooFewPictures { class: usize, pictures: usize, fewest: usize },
    /// There are too few pictures of other classes to say what parts of random pictures do.
    #[error("concepts need at least {fewest} training pictures of other classes, and there {}", match pictures { 1 => "is one".into(), n => format!("are {n}") })]
    #[allow(missing_docs)]
    TooFewOthers { pictures: usize, fewest: usize },
}
