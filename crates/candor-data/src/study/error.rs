//! A study that cannot be used, and where that showed.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::split::SplitError;

/// Something that could not be done with a study.
#[derive(Debug, Error)]
#[error("{}: {kind}", study.display())]
pub struct StudyError {
    study: PathBuf,
    #[source]
    kind: Box<StudyErrorKind>,
}

impl StudyError {
    pub(super) fn new(study: &Path, kind: StudyErrorKind) -> StudyError {
        StudyError { study: study.to_owned(), kind: Box::new(kind) }
    }

    /// The study's folder.
    pub fn study(&self) -> &Path {
        &self.study
    }

    /// What is wrong.
    pub fn kind(&self) -> &StudyErrorKind {
        &self.kind
    }
}

/// The ways in which a study can be unusable.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum StudyErrorKind {
    /// No `study.db` there.
    #[error("is no study of candor: it has no study.db")]
    NotAStudy,
    /// A folder with something else in it.
    #[error("the folder is not empty, and no study: choose a new one")]
    NotEmpty,
    /// Another process writes.
    #[error("another candor is working on this study: wait until it has ended, or stop it with Ctrl-C")]
    InUse,
    /// Tables that this version does not know.
    #[error(
        "was written by a newer candor (version {found} of the tables, this one knows {known}): update candor"
    )]
    Newer { found: usize, known: usize },
    /// SQLite says no.
    #[error("study.db: {0}")]
    Database(#[from] rusqlite::Error),
    /// The ledger contradicts itself.
    #[error(
        "study.db is damaged ({found}). Nothing was changed; the originals are untouched in blobs/. Put an undamaged copy of study.db back"
    )]
    Damaged { found: String },
    /// The file system says no.
    #[error("{} cannot be {doing}: {source}", path.display())]
    File { path: PathBuf, doing: &'static str, source: io::Error },
    /// A split that cannot be made.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// Nothing to leave out.
    #[error(
        "{found} different values of \"{what}\" were found, and at least 2 are needed to leave one out: choose site, source, or one of its columns ({columns})"
    )]
    TooFewSources { what: String, found: usize, columns: String },
    /// No order of time.
    #[error("no picture has a time \"{what}\": choose exif, or one of its columns ({columns})")]
    NoTimes { what: String, columns: String },
    /// A split that is not there.
    #[error("has no split \"{name}\"; it has: {known}")]
    NoSuchSplit { name: String, known: String },
    /// Crops that were never made.
    #[error("has no crops: make them with candor crop")]
    NoCrops,
    /// What was taken out is still in the write-ahead log.
    #[error(
        "another process reads study.db at the moment, so that what was taken out is still in its log: end it, and give any command that writes to the study"
    )]
    BeingRead,
    /// A row that candor did not write.
    #[error("study.db: \"{found}\" is no SHA-256")]
    NotAHash { found: String },
    /// The study is to be imported into itself.
    #[error("cannot be imported into itself")]
    IntoItself,
    /// The person asked to stop.
    #[error("stopped; what was done is kept")]
    Cancelled,
}

impl StudyErrorKind {
    pub(super) fn file(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> StudyErrorKind {
        let path = path.to_owned();
        move |source| StudyErrorKind::File { path, doing, source }
    }
}
