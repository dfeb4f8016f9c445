//! Networks with a name. One file each; [`ALL`] is the registry that the command line and the docs are fed from.
//!
//! Each adapts to the input and the number of classes at hand; with the figures that its source gives, its
//! parameter counts are those of its source.

mod face_cnn;
mod face_mlp;
mod lenet5;
mod linear;
mod mnist_cnn;
mod mobilenet_v2;
mod resnet;
mod simple_cnn;
mod vgg16;

use crate::layer::{Activation, Dense, Layer};
use crate::network::NamedLayer;
use crate::{EngineError, Loss, Network, Optimizer, Shape};

/// A network with a name, and the settings it is usually trained with.
pub struct Architecture {
    /// What it is called on the command line.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// The input that its source has.
    pub input: Shape,
    /// The classes that its source has.
    pub classes: usize,
    /// The loss it is usually trained with, for a number of classes.
    pub loss: fn(classes: usize) -> Loss,
    /// The optimiser it is usually trained with.
    pub optimizer: fn() -> Optimizer,
    /// Samples a step in its source.
    pub batch_size: usize,
    /// Epochs in its source.
    pub epochs: usize,
    /// Layers before this one are the base; the rest is the top, which [`Architecture::base`] leaves out.
    layers: fn(input: Shape, classes: usize, width: f32) -> Vec<NamedLayer>,
    base_layers: Option<usize>,
    /// Whether all its layers can be made narrower or wider by a factor.
    pub has_width: bool,
}

/// Every architecture, from the smallest to the largest.
pub const ALL: &[Architecture] = &[
    linear::ARCHITECTURE,
    mnist_cnn::ARCHITECTURE,
    lenet5::ARCHITECTURE,
    resnet::RESNET8,
    simple_cnn::ARCHITECTURE,
    face_mlp::ARCHITECTURE,
    face_cnn::ARCHITECTURE,
    resnet::RESNET20,
    mobilenet_v2::ARCHITECTURE,
    vgg16::ARCHITECTURE,
    vgg16::FULL,
];

/// The architecture called `name`.
pub fn find(name: &str) -> Option<&'static Architecture> {
    ALL.iter().find(|architecture| architecture.name == name)
}

impl Architecture {
    /// The layers for this input and number of classes, as they would stand in a recipe.
    pub fn layers(&self, input: Shape, classes: usize) -> Vec<NamedLayer> {
        (self.layers)(input, classes, 1.0)
    }

    /// The same with every layer narrower or wider by the factor `width` (1 is as published), rounded to whole blocks
    /// of eight channels. Only for architectures that have one (`has_width`); others are not changed.
    pub fn layers_of_width(&self, input: Shape, classes: usize, width: f32) -> Vec<NamedLayer> {
        (self.layers)(input, classes, width)
    }

    /// The network for this input and number of classes.
    ///
    /// # Errors
    /// When the input is too small for it; names the layer.
    pub fn build(&self, input: Shape, classes: usize) -> Result<Network, EngineError> {
        Network::new(input, self.layers(input, classes))
    }

    /// The part without the classifier on top, for those that have one to be exchanged (`vgg16`).
    pub fn base(&self, input: Shape) -> Option<Result<Network, EngineError>> {
        let count = self.base_layers?;
        Some(Network::new(input, self.layers(input, self.classes).into_iter().take(count)))
    }
}

/// One sigmoid unit for two classes, as the seeds' systems have it; one softmax unit a class for more.
fn binary_or_softmax(classes: usize) -> Layer {
    match classes {
        2 => Dense::new(1, Activation::Sigmoid).into(),
        _ => Dense::new(classes, Activation::Softmax).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_builds_for_its_own_input_and_for_others() {
        for architecture in ALL {
            let network = architecture.build(architecture.input, architecture.classes).unwrap();
            assert!(network.parameter_count() > 0, "{}", architecture.name);
            for classes in [2, 3, 60] {
                let network = architecture.build(Shape::image(64, 96, 3), classes).unwrap();
                let units = if classes == 2 { &[1, 2][..] } else { &[classes] };
                assert!(units.contains(&network.output().len()), "{} {classes}", architecture.name);
            }
        }
    }

    #[test]
    fn parameter_counts_are_those_of_the_sources() {
        let counts = |name: &str| -> Vec<usize> {
            let architecture = find(name).unwrap();
            let network = architecture.build(architecture.input, architecture.classes).unwrap();
            network.summary().iter().map(|layer| layer.parameters).filter(|&count| count > 0).collect()
        };
        assert_eq!(counts("mnist-cnn"), [320, 18_496, 16_010]);
        assert_eq!(counts("simple-cnn"), [320, 9_248, 9_248, 73_792, 260]);
        assert_eq!(counts("mnist-cnn").iter().sum::<usize>(), 34_826);
        assert_eq!(counts("simple-cnn").iter().sum::<usize>(), 92_868);
        assert_eq!(counts("vgg16").iter().sum::<usize>(), 14_780_868);
        assert_eq!(counts("vgg16")[12..], [2_359_808, 65_664, 516]);
        let vgg16 = find("vgg16").unwrap();
        assert_eq!(vgg16.base(vgg16.input).unwrap().unwrap().parameter_count(), 14_714_688);
        assert_eq!(counts("linear"), [784 * 10 + 10]);
        assert_eq!(counts("lenet5"), [156, 2_416, 48_120, 10_164, 850]);
        assert_eq!(counts("resnet8").iter().sum::<usize>(), 78_042);
        assert_eq!(counts("resnet20").iter().sum::<usize>(), 272_474);
        assert_eq!(counts("mobilenet-v2").iter().sum::<usize>(), 3_504_872);
        let mobilenet = find("mobilenet-v2").unwrap();
        let narrow = mobilenet.layers_of_width(mobilenet.input, 1000, 0.5);
        assert_eq!(Network::new(mobilenet.input, narrow).unwrap().parameter_count(), 1_968_680);
        assert_eq!(counts("vgg16-full").iter().sum::<usize>(), 138_357_544);
        assert_eq!(counts("face-mlp"), [4096 * 256 + 256, 32_896, 8_256, 2_080, 528, 17]);
        assert_eq!(counts("face-cnn"), [640, 18_464, 8192 * 256 + 256, 257]);
    }

    #[test]
    fn an_input_that_is_too_small_is_refused_by_the_layer_that_cannot_take_it() {
        let error = find("simple-cnn").unwrap().build(Shape::image(8, 8, 1), 4).unwrap_err().to_string();
        assert!(error.starts_with("layer max_pool2d_2 (max-pool2d) gets 1×1×32"), "{error}");
    }
}
