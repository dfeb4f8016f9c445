//! What can be wrong with a recipe, and where in it.

use std::path::{Path, PathBuf};

use candor_engine::{EngineError, architecture};
use thiserror::Error;

use crate::train::FairnessError;

#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum RecipeError {
    #[error("{}: the recipe cannot be read", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: {error}", path.display())]
    InFile { path: PathBuf, error: Box<RecipeError> },
    #[error("{}", in_words(&.0.to_string()))]
    Toml(#[from] toml::de::Error),
    #[error("--{flag} {typed}: {reason}")]
    Flag { flag: &'static str, typed: String, reason: String },
    #[error("network layer {number}{}: {reason}", line.map_or_else(String::new, |line| format!(" (line {line})")))]
    Layer { number: usize, line: Option<usize>, reason: String },
    #[error("both an architecture and layers of your own are given: leave one of them out")]
    TwoNetworks,
    #[error("there is no architecture called \"{0}\": choose one of {names}", names = names())]
    Architecture(String),
    #[error("{key} = {value}, but it must be {needs}")]
    Value { key: &'static str, value: String, needs: &'static str },
    #[error("{key} does not go with the optimizer {kind}: leave it out, or choose another optimizer")]
    Optimizer { key: String, kind: &'static str },
    #[error("{key} does not go with the schedule {kind}: leave it out, or choose another schedule")]
    Schedule { key: &'static str, kind: &'static str },
    #[error(transparent)]
    Network(#[from] EngineError),
    #[error(transparent)]
    Fairness(#[from] FairnessError),
    #[error(
        "the network ends in {units} outputs, but there are {classes} classes: its last layer needs {classes} units{}",
        if *classes == 2 { " (or one with a sigmoid)" } else { "" }
    )]
    Outputs { units: usize, classes: usize },
}

impl RecipeError {
    pub(super) fn in_file(self, path: &Path) -> RecipeError {
        RecipeError::InFile { path: path.to_owned(), error: Box::new(self) }
    }

    pub(super) fn with_line(self, find: impl Fn(usize) -> Option<usize>) -> RecipeError {
        match self {
            RecipeError::Layer { number, reason, .. } => {
                RecipeError::Layer { number, line: find(number), reason }
            }
            other => other,
        }
    }
}

/// What the TOML reader says, in the words of a recipe instead of Rust's.
pub(super) fn in_words(message: &str) -> String {
    let words = [("expected usize", "expected a whole number"), ("expected u64", "expected a whole number")];
    let more = [("expected f64", "expected a number"), ("expected f32", "expected a number")];
    let plain = message.trim_end().to_owned();
    words.iter().chain(&more).fold(plain, |text, (rust, plain)| text.replace(rust, plain))
}

fn names() -> String {
    architecture::ALL.iter().map(|architecture| architecture.name).collect::<Vec<_>>().join(", ")
}
