//! What can be typed about a study.

use std::path::PathBuf;

use candor_workflow::Keep;
use clap::{Args, ValueEnum};

use super::source::ReadingArguments;

#[derive(Debug, Args)]
pub struct ImportArguments {
    /// Folder with one subfolder a class, folder with an index.csv, CSV of pixels, IDX or CIFAR-10 files
    pub source: PathBuf,
    /// The study's folder; made where it is not there
    #[arg(long, value_name = "DIR")]
    pub study: PathBuf,
    /// How the originals are held: as copies, as second names of the same files, or as paths only
    #[arg(long, value_name = "HOW", value_enum, default_value_t = By::Copy)]
    pub by: By,
    /// All pictures below SOURCE are of this class
    #[arg(long, value_name = "NAME")]
    pub class: Option<String>,
    #[command(flatten)]
    pub reading: ReadingArguments,
}

/// How originals are held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    Copy,
    HardLink,
    Reference,
}

impl From<By> for Keep {
    fn from(by: By) -> Keep {
        match by {
            By::Copy => Keep::Copy,
            By::HardLink => Keep::HardLink,
            By::Reference => Keep::Reference,
        }
    }
}

#[derive(Debug, Args)]
pub struct StatusArguments {
    /// The study's folder
    #[arg(default_value = ".")]
    pub study: PathBuf,
}
