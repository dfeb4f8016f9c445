//! `models`: what can be trained, and what it is made of.

use candor_core::Channels;
use candor_engine::{Network, Shape, architecture};
use serde::Serialize;

use crate::error::Result;
use crate::recipe::find_architecture;
use crate::report::{drawing, label, optimizer};

/// One line of the list of architectures, with the input and the classes of its source.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelListing {
    /// What it is called.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// `64×64×1`
    pub input: String,
    /// Classes.
    pub classes: usize,
    /// Trained values.
    pub parameters: usize,
    /// Multiply-adds for one picture.
    pub multiply_adds: u64,
    /// The loss that it is usually trained with.
    pub loss: &'static str,
    /// The optimiser that it is usually trained with.
    pub optimizer: String,
    /// Pictures a step in its source.
    pub batch_size: usize,
    /// Epochs in its source.
    pub epochs: usize,
}

/// The layers of an architecture for some input and classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelTable {
    /// The architecture's name.
    pub name: &'static str,
    /// `64×64×1`
    pub input: String,
    /// Classes.
    pub classes: usize,
    /// One row a layer.
    pub layers: Vec<LayerRow>,
    /// Trained values of all layers.
    pub parameters: usize,
    /// Trained values without the classifier on top, for architectures that have one to be exchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_parameters: Option<usize>,
    /// Multiply-adds of all layers for one picture.
    pub multiply_adds: u64,
    /// The network, drawn.
    #[serde(skip)]
    pub svg: String,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerRow {
    /// Unique in the network.
    pub name: String,
    /// `Conv 32 3×3 valid, relu`
    pub layer: String,
    /// `62×62×32`
    pub output: String,
    /// Trained values.
    pub parameters: usize,
    /// Multiply-adds for one picture.
    pub multiply_adds: u64,
}

/// Every architecture.
pub fn models() -> Vec<ModelListing> {
    architecture::ALL.iter().filter_map(listing).collect()
}

fn listing(architecture: &architecture::Architecture) -> Option<ModelListing> {
    let (input, classes) = (architecture.input, architecture.classes);
    let network = architecture.build(input, classes).ok()?;
    Some(ModelListing {
        name: architecture.name,
        summary: architecture.summary,
        source: architecture.source,
        input: input.to_string(),
        classes,
        parameters: network.parameter_count(),
        multiply_adds: network.multiply_adds(),
        loss: (architecture.loss)(classes).name(),
        optimizer: optimizer(&(architecture.optimizer)()),
        batch_size: architecture.batch_size,
        epochs: architecture.epochs,
    })
}

/// The layers of the architecture called `name`, for `input` (rows, columns, colours) and `classes`; those of its
/// source where they are `None`.
///
/// # Errors
/// When there is no such architecture, or the input is too small for it.
pub fn model_table(
    name: &str,
    input: Option<(usize, usize, Channels)>,
    classes: Option<usize>,
) -> Result<ModelTable> {
    let architecture = find_architecture(name)?;
    let shape =
        |(height, width, channels): (usize, usize, Channels)| Shape::image(height, width, channels.count());
    let input = input.map_or(architecture.input, shape);
    let classes = classes.unwrap_or(architecture.classes);
    let network = architecture.build(input, classes)?;
    let base = architecture.base(input).transpose()?;
    Ok(ModelTable {
        name: architecture.name,
        input: input.to_string(),
        classes,
        layers: rows(&network),
        parameters: network.parameter_count(),
        base_parameters: base.map(|base| base.parameter_count()),
        multiply_adds: network.multiply_adds(),
        svg: candor_report::network_svg(&drawing(architecture.name, &network)),
    })
}

fn rows(network: &Network) -> Vec<LayerRow> {
    let row = |summary: &candor_engine::LayerSummary| LayerRow {
        name: summary.name.clone(),
        layer: label(summary),
        output: summary.output.to_string(),
        parameters: summary.parameters,
        multiply_adds: summary.multiply_adds,
    };
    network.summary().iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_counts_come_out() {
        let counts = ["mnist-cnn", "simple-cnn", "vgg16"].map(|name| model_table(name, None, None).unwrap());
        let parameters: Vec<usize> = counts.iter().map(|table| table.parameters).collect();
        assert_eq!(parameters, [34_826, 92_868, 14_780_868]);
        assert_eq!(counts[2].base_parameters, Some(14_714_688));
        assert_eq!(models().len(), architecture::ALL.len());
    }

    #[test]
    fn an_architecture_adapts_to_the_input_asked_for() {
        let table = model_table("simple-cnn", Some((64, 96, Channels::Rgb)), Some(3)).unwrap();
        assert_eq!(table.input, "64×96×3");
        assert_eq!(table.layers[0].layer, "Conv 32 3×3 valid, relu");
        let error = model_table("simple-cnn", Some((8, 8, Channels::Grey)), None).unwrap_err().to_string();
        assert!(error.contains("max_pool2d_2"), "{error}");
    }
}
