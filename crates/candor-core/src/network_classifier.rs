//! How analysis sees the inside of a network.

use crate::{ClassifyError, DifferentiableClassifier, Quantity, Seed};

/// What is known of a layer from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerFacts {
    /// Unique in the network.
    pub name: String,
    /// What it is: `conv2d`, `dense`.
    pub kind: String,
    /// Height, width and channels of the feature maps that it makes, where the network passes nothing beside them: there it
    /// can be looked into.
    pub maps: Option<[usize; 3]>,
    /// Whether it has weights that were trained.
    pub is_trained: bool,
}

/// The kernels of a convolution that reads the picture itself, each as a small picture of its weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Filters {
    /// The layer.
    pub layer: String,
    /// Rows and columns of each.
    pub size: [usize; 2],
    /// Height × width × the picture's channels, one filter behind the other.
    pub weights: Vec<f32>,
}

/// A classifier that is a network with layers.
///
/// Feature maps come channel by channel, each row by row, one picture behind the other.
pub trait NetworkClassifier: DifferentiableClassifier {
    /// Its layers in the order in which they compute.
    fn layers(&self) -> Vec<LayerFacts>;

    /// What each input value contributes to each quantity beyond what the references have of it, by DeepLIFT's rescale rule,
    /// averaged over the references: for each input, for each quantity, one value an input value. They add up to the
    /// input's score or probability minus the references' mean.
    ///
    /// # Errors
    /// When there is no reference, a quantity is a loss, or the classifier cannot run at all.
    fn contributions(
        &self,
        inputs: &[f32],
        references: &[f32],
        of: &[Quantity],
    ) -> Result<Vec<f32>, ClassifyError>;

    /// The filters of the first layer; none where that is no convolution of the picture.
    fn filters(&self) -> Option<Filters>;

    /// The feature maps of a layer.
    ///
    /// # Errors
    /// When no layer with maps is called so, or the classifier cannot run at all.
    fn maps(&self, inputs: &[f32], layer: &str) -> Result<Vec<f32>, ClassifyError>;

    /// The gradient of one quantity an input with respect to the feature maps of a layer.
    ///
    /// # Errors
    /// As [`NetworkClassifier::maps`], and where there is not one quantity for each input.
    fn map_gradient(&self, inputs: &[f32], layer: &str, of: &[Quantity]) -> Result<Vec<f32>, ClassifyError>;

    /// The same network with new random weights in these layers, as before any training.
    ///
    /// # Errors
    /// When the network cannot be put together.
    fn randomised(&self, layers: &[String], seed: Seed) -> Result<Box<dyn NetworkClassifier>, ClassifyError>;
}
