//! Architectures and their layers.

use candor_workflow::{ModelListing, ModelTable, count};
use serde::Serialize;

use super::Words;
use super::table::{Table, WIDTH};

/// What `candor models` gives.
#[derive(Serialize)]
pub struct Models {
    /// One entry an architecture.
    pub models: Vec<ModelListing>,
}

impl Words for Models {
    fn words(&self) -> String {
        let mut table = Table::new(&["name", "input", ">classes", ">parameters", ">mult-adds"]);
        for model in &self.models {
            let (parameters, work) = (count(model.parameters as u64), count(model.multiply_adds));
            table.row([model.name, &model.input, &model.classes.to_string(), &parameters, &work]);
        }
        let about = self.models.iter().map(|model| format!("{}\n    {}\n", model.name, model.summary));
        format!(
            "{table}\n{}\nInput and classes are those of the source; a network adapts to yours.\n\
             Its layers: candor models NAME --input 64x64x1 --classes 4\n",
            about.collect::<String>()
        )
    }
}

impl Words for ModelTable {
    fn words(&self) -> String {
        let mut table =
            Table::new(&["layer", "settings", "output", ">parameters", ">mult-adds"]).wrapping(1, WIDTH);
        for layer in &self.layers {
            let (parameters, work) = (count(layer.parameters as u64), count(layer.multiply_adds));
            table.row([&layer.name, &layer.layer, &layer.output, &parameters, &work]);
        }
        let ModelTable { name, input, classes, .. } = self;
        let base = self.base_parameters.map_or_else(String::new, |parameters| {
            format!("Without the classifier on top: {} parameters.\n", count(parameters as u64))
        });
        format!(
            "{name} for {input} and {classes} classes\n\n{table}\nTotal: {} parameters, {} multiply-adds a picture.\n{base}",
            count(self.parameters as u64),
            count(self.multiply_adds)
        )
    }
}
