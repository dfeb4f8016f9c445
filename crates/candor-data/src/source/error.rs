//! A source that cannot be used at all. A single bad picture or row is no error but a `Problem`.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// A source that cannot be used, and where that showed.
#[derive(Debug, Error)]
#[error("{}: {kind}", place.display())]
pub struct SourceError {
    place: PathBuf,
    #[source]
    kind: Box<SourceErrorKind>,
}

impl SourceError {
    /// The file or folder.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// What is wrong with it.
    pub fn kind(&self) -> &SourceErrorKind {
        &self.kind
    }
}

/// The ways in which a source can be unusable.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceErrorKind {
    /// There is nothing at the path.
    #[error("there is no such file or folder")]
    NotFound,
    /// The person asked to stop.
    #[error("stopped before all files were listed")]
    Cancelled,
}
