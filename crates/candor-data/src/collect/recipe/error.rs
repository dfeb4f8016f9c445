//! What can be wrong with a recipe for collecting, and where in it.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A recipe that cannot be followed. Nothing was asked for.
#[derive(Debug, Error)]
#[error("{}{}{}: {kind}", path.display(), line_words(*line), key_words(key))]
pub struct CollectRecipeError {
    path: PathBuf,
    line: Option<usize>,
    key: String,
    #[source]
    kind: Box<CollectRecipeErrorKind>,
}

impl CollectRecipeError {
    pub(super) fn new(path: &Path, line: Option<usize>, key: &str, kind: CollectRecipeErrorKind) -> Self {
        CollectRecipeError { path: path.to_owned(), line, key: key.to_owned(), kind: Box::new(kind) }
    }

    /// What is wrong.
    pub fn kind(&self) -> &CollectRecipeErrorKind {
        &self.kind
    }

    /// The line, counted from 1, where one can be named.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

/// The ways in which a recipe can be wrong.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum CollectRecipeErrorKind {
    #[error("the recipe cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("{0}")]
    Toml(Box<toml::de::Error>),
    #[error(
        "is missing: write contact = \"your mail address or page\", so that whoever runs a site can reach you; it is sent with \
         every request"
    )]
    NoContact,
    #[error(
        "\"{typed}\" must be a mail address or the address of a page, in plain letters and without brackets"
    )]
    Contact { typed: String },
    #[error("there is none: write [[site]] with start = [\"https://…\"] and class = \"…\"")]
    NoSite,
    #[error(
        "names no page and no picture: add start = [\"https://…\"], pictures = […] or picture_list = \"list.txt\""
    )]
    NothingToCollect,
    #[error(
        "is missing: write class = \"…\" for all pictures of the site, or label = \"SELECTOR\" where the page says it"
    )]
    NoClass,
    #[error("goes with no class: the class is either fixed, or stands on the page")]
    TwoClasses,
    #[error("is missing: of pictures that are listed, no page says the class; write class = \"…\"")]
    ListWithoutClass,
    #[error("{value} must be {needs}")]
    Value { value: String, needs: &'static str },
    #[error("\"{text}\" is no CSS selector: {reason}")]
    Selector { text: String, reason: String },
    #[error("\"{text}\" is no address: {reason}")]
    Address { text: String, reason: &'static str },
    #[error("{} cannot be read: {error}", list.display())]
    ListUnreadable { list: PathBuf, error: io::Error },
}

fn line_words(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}

fn key_words(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!(", {key}") }
}
