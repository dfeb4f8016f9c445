//! What samples are read from. One file a kind of source, all of them listed in [`KINDS`].

mod error;

use std::path::Path;

use candor_core::{Dataset, Image, Problem, ReadError, Reporter, Sample, Subset};
use serde::{Deserialize, Serialize};

pub use error::{SourceError, SourceErrorKind};

use crate::decode::Limits;

/// How a source is to be read. The defaults suit a source that follows its kind's conventions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceOptions {
    /// The kind, by its name in [`KINDS`]; recognised from what is there when `None`.
    pub kind: Option<String>,
    /// The column that holds the class (`category` in an index, `target` in a pixel CSV).
    pub class_column: Option<String>,
    /// The column that holds the id by which a picture's file is found (`id`).
    pub id_column: Option<String>,
    /// The column that holds the path of the picture's file (`file` or `path`).
    pub file_column: Option<String>,
    /// The column that holds the address the picture came from (`image_url`).
    pub url_column: Option<String>,
    /// The column that says what must not be torn apart by a split; no groups when `None`.
    pub group_column: Option<String>,
    /// The column that holds `train`, `validation` or `test`; no predefined split when `None`.
    pub split_column: Option<String>,
    /// Names of the classes 0, 1, 2 ... where the source numbers them (pixel CSV, IDX, CIFAR-10).
    pub class_names: Vec<String>,
    /// What a picture may cost.
    pub limits: Limits,
}

/// One kind of source.
pub struct SourceKind {
    /// What it is called in [`SourceOptions::kind`]: `class-folders`, `index-csv`, `pixel-csv`, `idx`, `cifar`.
    pub name: &'static str,
    /// What it looks like, in a line.
    pub summary: &'static str,
}

/// Every kind of source, in the order in which they are tried.
pub static KINDS: &[SourceKind] = &[];

/// Samples that can be read, with their classes.
#[derive(Clone, Debug)]
pub struct Source {
    kind: &'static str,
    classes: Vec<String>,
    samples: Vec<Sample>,
    predefined: Option<Vec<Subset>>,
    problems: Vec<Problem>,
}

impl Source {
    /// Recognises what `path` is (or takes [`SourceOptions::kind`]'s word for it) and lists its samples: sorted, so
    /// that every machine lists them alike. What cannot be read is reported, kept in [`Source::problems`] and left out.
    /// Files are hashed here and decoded in [`Dataset::image`].
    ///
    /// # Errors
    /// When `path` is nothing candor knows, or holds no pictures, or pictures of one class only.
    pub fn open(
        path: &Path,
        options: &SourceOptions,
        reporter: &dyn Reporter,
    ) -> Result<Source, SourceError> {
        let _ = (path, options, reporter);
        todo!()
    }

    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The subset of each sample, where the source itself says so (folders `train` and `test`, IDX `train` and `t10k`).
    pub fn predefined(&self) -> Option<&[Subset]> {
        self.predefined.as_deref()
    }

    /// What was left out while listing.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Keeps only the samples at the given ascending indices: after it, index `i` is the sample that was at `kept[i]`.
    /// Classes stay as they are.
    ///
    /// # Panics
    /// When an index does not exist.
    pub fn retain(&mut self, kept: &[usize]) {
        let _ = kept;
        todo!()
    }
}

impl Dataset for Source {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn samples(&self) -> &[Sample] {
        &self.samples
    }

    fn image(&self, index: usize) -> Result<Image, ReadError> {
        let _ = index;
        todo!()
    }
}
