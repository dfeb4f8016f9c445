//! Where pictures are, and how they are read.

use std::path::PathBuf;

use candor_core::Seed;
use candor_workflow::{Limits, SourceOptions, SourceSpec};
use clap::Args;

/// A source of pictures with labels.
#[derive(Debug, Args)]
pub struct SourceArguments {
    /// Folder with one subfolder a class, folder with an index.csv, CSV of pixels, IDX files, a study, or
    /// built-in:fashion-mnist
    pub source: PathBuf,
    /// Take the test split from here; all of SOURCE is then for training
    #[arg(long, value_name = "SOURCE", help_heading = "Source")]
    pub test_source: Option<PathBuf>,
    /// CSV with the columns id (SHA-256 of a picture's bytes) and group: what must stay in one subset
    #[arg(long, value_name = "FILE", help_heading = "Source")]
    pub groups: Option<PathBuf>,
    /// Give every picture the label of another one, drawn by this seed: what can be learned from noise?
    #[arg(long, value_name = "NUMBER", help_heading = "Source")]
    pub shuffle_labels: Option<u64>,
    #[command(flatten)]
    pub reading: ReadingArguments,
}

/// How a source is read.
#[derive(Debug, Args)]
pub struct ReadingArguments {
    /// The kind of source: study, parquet, web-dataset, archive, idx, cifar, index-csv, pixel-csv, croissant,
    /// class-folders
    /// [default: recognised]
    #[arg(long, value_name = "KIND", help_heading = "Source")]
    pub kind: Option<String>,
    /// Column that holds the class [default: category in an index.csv, target in a CSV of pixels]
    #[arg(long, value_name = "COLUMN", help_heading = "Source")]
    pub class_column: Option<String>,
    /// Column that holds the id by which the picture's file is found [default: id]
    #[arg(long, value_name = "COLUMN", help_heading = "Source")]
    pub id_column: Option<String>,
    /// Column that holds the path of the picture's file [default: file or path]
    #[arg(long, value_name = "COLUMN", help_heading = "Source")]
    pub file_column: Option<String>,
    /// Column that holds the address the picture came from [default: image_url]
    #[arg(long, value_name = "COLUMN", help_heading = "Source")]
    pub url_column: Option<String>,
    /// Column that says what must stay in one subset: a person, a web site
    #[arg(long, value_name = "COLUMN", help_heading = "Source")]
    pub group_column: Option<String>,
    /// Column that holds train, validation or test
    #[arg(long, value_name = "COLUMN", help_heading = "Source")]
    pub split_column: Option<String>,
    /// Split of a study, by its name; all for all its pictures [default: main, where there is one]
    #[arg(long, value_name = "NAME", help_heading = "Source")]
    pub split: Option<String>,
    /// Of a study, the faces that candor crop cut out, in the place of the pictures
    #[arg(long, help_heading = "Source")]
    pub crops: bool,
    /// Names of the classes 0, 1, 2 …, where the source numbers them
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', help_heading = "Source")]
    pub class_names: Vec<String>,
    /// The value that means white in a CSV of pixels [default: 255]
    #[arg(long, value_name = "NUMBER", help_heading = "Source")]
    pub pixel_max: Option<f64>,
    #[command(flatten)]
    pub limits: LimitArguments,
}

/// What a picture may cost.
#[derive(Debug, Args)]
pub struct LimitArguments {
    /// The most pixels that a picture may have
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().max_pixels, help_heading = "Source")]
    pub max_pixels: u64,
    /// The most bytes that a file may have
    #[arg(long, value_name = "NUMBER", default_value_t = Limits::default().max_bytes, help_heading = "Source")]
    pub max_bytes: u64,
}

impl SourceArguments {
    /// What the workflow needs to know.
    pub fn spec(&self) -> SourceSpec {
        SourceSpec {
            options: self.reading.options(),
            test: self.test_source.clone(),
            groups: self.groups.clone(),
            shuffle_labels: self.shuffle_labels.map(Seed),
            ..SourceSpec::at(&self.source)
        }
    }
}

impl ReadingArguments {
    /// What the workflow needs to know.
    pub fn options(&self) -> SourceOptions {
        SourceOptions {
            kind: self.kind.clone(),
            class_column: self.class_column.clone(),
            id_column: self.id_column.clone(),
            file_column: self.file_column.clone(),
            url_column: self.url_column.clone(),
            group_column: self.group_column.clone(),
            split_column: self.split_column.clone(),
            split: self.split.clone(),
            crops: self.crops,
            class: None,
            class_names: self.class_names.clone(),
            pixel_max: self.pixel_max,
            limits: self.limits.limits(),
        }
    }
}

impl LimitArguments {
    /// What the workflow needs to know.
    pub fn limits(&self) -> Limits {
        Limits { max_pixels: self.max_pixels, max_bytes: self.max_bytes }
    }
}
