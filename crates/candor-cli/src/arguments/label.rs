//! What can be typed about labels.

use std::path::PathBuf;

use candor_workflow::{CLASS, Holds};
use clap::{Args, Subcommand, ValueEnum};

/// What people say of pictures.
#[derive(Debug, Subcommand)]
pub enum LabelCommand {
    /// Set or correct the label of one picture; what was said before is kept
    Set(LabelSetArguments),
    /// Take in a table of labels: columns picture and label, and annotator and why where it has them
    Import(LabelImportArguments),
    /// Who said what, when and why: of one picture, or of all
    History(LabelHistoryArguments),
    /// Do several annotators agree? Cohen's and Fleiss' kappa, Krippendorff's alpha
    Agreement(LabelAgreementArguments),
}

#[derive(Debug, Args)]
pub struct LabelSetArguments {
    /// The study's folder
    pub study: PathBuf,
    /// Its SHA-256, or the name of its file
    pub picture: String,
    /// What it is
    pub label: String,
    /// Who says so
    #[arg(long, value_name = "WHO")]
    pub by: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
    /// An attribute instead of the class
    #[arg(long, value_name = "NAME", default_value = CLASS)]
    pub attribute: String,
}

#[derive(Debug, Args)]
pub struct LabelImportArguments {
    /// The study's folder
    pub study: PathBuf,
    /// CSV with the columns picture (or sha256, file, id) and label (or value, class, category)
    pub file: PathBuf,
    /// Who says so, where the table has no column annotator
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// An attribute instead of the class
    #[arg(long, value_name = "NAME", default_value = CLASS)]
    pub attribute: String,
    /// What holds afterwards: what most annotators say, the last that is said, or what held before
    #[arg(long, value_enum, default_value_t = WhatHolds::Most)]
    pub holds: WhatHolds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WhatHolds {
    Most,
    Latest,
    Before,
}

impl From<WhatHolds> for Holds {
    fn from(holds: WhatHolds) -> Holds {
        match holds {
            WhatHolds::Most => Holds::Most,
            WhatHolds::Latest => Holds::Latest,
            WhatHolds::Before => Holds::Before,
        }
    }
}

#[derive(Debug, Args)]
pub struct LabelHistoryArguments {
    /// The study's folder
    pub study: PathBuf,
    /// Of this picture only: its SHA-256, or the name of its file
    pub picture: Option<String>,
    /// Comma-separated values instead of a table; `candor label import` reads them
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

#[derive(Debug, Args)]
pub struct LabelAgreementArguments {
    /// The study's folder
    pub study: PathBuf,
    /// On an attribute instead of the class
    #[arg(long, value_name = "NAME", default_value = CLASS)]
    pub attribute: String,
}
