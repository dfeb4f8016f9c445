//! Results in words and tables that fit 80 columns.

mod audit;
mod collect;
mod compare;
mod explain;
mod fairness;
mod figures;
mod judged;
mod label;
mod lesson;
mod models;
mod predictions;
mod run;
mod study;
mod table;

pub use figures::{Checked, Template};
pub use label::{History, opinions_csv};
pub use models::Models;
pub use predictions::predictions_csv;
pub use run::Rendered;

use candor_workflow::{DatasetListing, DatasetReceipt, Doctor, Exported, LearningRates, Written, count};
use serde::Serialize;

use table::Table;

/// A result that people can read. Ends with a line break.
pub trait Words {
    /// The whole text.
    fn words(&self) -> String;
}

/// What `candor data list` gives.
#[derive(Serialize)]
pub struct Datasets {
    /// One entry a data set.
    pub datasets: Vec<DatasetListing>,
}

impl Words for Datasets {
    fn words(&self) -> String {
        let lines = self.datasets.iter().map(|dataset| {
            let megabytes = dataset.bytes as f64 / 1e6;
            format!("{}\n    {}\n    {megabytes:.1} MB, {}\n", dataset.name, dataset.summary, dataset.licence)
        });
        lines.collect::<String>() + "\nFetch one: candor data get NAME\n"
    }
}

impl Words for DatasetReceipt {
    fn words(&self) -> String {
        let DatasetReceipt { name, dir, new_files, present_files } = self;
        format!(
            "{name}: {new_files} files fetched, {present_files} were there already, all verified.\n\
             Train on it: candor train {}\n",
            dir.display()
        )
    }
}

impl Words for LearningRates {
    fn words(&self) -> String {
        let found = match self.suggestion {
            Some(rate) => format!(
                "The loss falls fastest at a learning rate of about {rate}.\n\
                 Train with it: --learning-rate {rate} (the recipe has {})\n",
                self.recipe
            ),
            None => "The loss fell at no learning rate: are the labels right, is the network large enough?\n"
                .to_owned(),
        };
        let end = if self.diverged { "From there on it grew, and the test ended.\n" } else { "" };
        let lowest =
            format!("It was lowest at {:.1e}, after {} steps. {end}", self.lowest_at, self.steps.len());
        format!("{found}{}\nDrawn in {}\n", lowest.trim_end(), self.page.display())
    }
}

impl Words for Exported {
    fn words(&self) -> String {
        let [rows, columns, colours] = self.input_shape;
        let outputs = if self.probabilities { "probabilities" } else { "what the last layer gives" };
        format!(
            "{} written ({:.1} MB).\n\
             It takes \"{}\": bytes from 0 to 255, N × {rows} × {columns} × {colours}.\n\
             It gives \"{}\": {outputs}, N × {}, in this order: {}.\n",
            self.file.display(),
            self.bytes as f64 / 1e6,
            self.input,
            self.output,
            self.classes.len(),
            self.classes.join(", ")
        )
    }
}

impl Words for Written {
    fn words(&self) -> String {
        let (pictures, files) = (count(self.pictures as u64), count(self.files as u64));
        let left_out = match self.problems.len() {
            0 => String::new(),
            left_out => format!("{} left out: they cannot be read.\n", count(left_out as u64)),
        };
        format!(
            "Written into {} ({}): {pictures} pictures, files: {files}.\n{left_out}",
            self.out.display(),
            self.layout
        )
    }
}

impl Words for Doctor {
    fn words(&self) -> String {
        let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
        let memory = self.memory.map_or_else(
            || "unknown".to_owned(),
            |memory| format!("{}, {} free", gigabytes(memory.total), gigabytes(memory.available)),
        );
        let mut machine = Table::plain();
        machine.row(["candor", self.version]);
        machine.row(["system", &self.system]);
        machine.row(["processor cores", &self.cores.to_string()]);
        machine.row(["threads in use", &self.threads.to_string()]);
        machine.row(["memory", &memory]);
        machine.row(["instruction sets", &self.instruction_sets.join(", ")]);
        machine.row(["in use", self.instruction_set]);
        let speed = format!("{} images a second (mnist-cnn)", count(self.images_per_second as u64));
        machine.row(["training speed", &speed]);
        let mut checks = Table::plain();
        for check in &self.checks {
            checks.row([if check.ok { "ok" } else { "FAILED" }, check.name, &check.detail]);
        }
        let end = match self.is_well() {
            true => "All is well.",
            false => "Something is wrong: please file an issue with this text.",
        };
        format!("{machine}\n{checks}\n{end}\n")
    }
}
