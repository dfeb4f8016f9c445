//! Why a data set could not be had: each mirror's reason, so that a person can tell a broken cable from a moved file.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a file could not be had.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum FetchError {
    /// The person asked to stop; what arrived is kept and the next fetch goes on from there.
    #[error("stopped; the next fetch goes on where this one ended")]
    Cancelled,
    /// The file system says no.
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    /// The folder of local copies lacks a file.
    #[error("{}: lacks {name}", dir.display())]
    MissingInDir { dir: PathBuf, name: &'static str },
    /// A local copy is not the file it is called.
    #[error("{}: is not the well-known file of this name: its SHA-256 is {found}, {expected} was expected", path.display())]
    WrongFile { path: PathBuf, found: String, expected: &'static str },
    /// No mirror served the file.
    #[error(
        "{file} could not be fetched:{}\nIf you have it elsewhere, give that folder with --from",
        lines(attempts)
    )]
    NoMirror { file: &'static str, attempts: Vec<Attempt> },
    /// An archive does not hold what it should.
    #[error("{}: cannot be unpacked: {error}", path.display())]
    Archive { path: PathBuf, error: io::Error },
}

/// What one mirror did.
#[derive(Debug)]
pub struct Attempt {
    /// The address.
    pub url: String,
    /// Why it failed.
    pub error: AttemptError,
}

/// Why one mirror failed.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum AttemptError {
    /// No answer, or none that makes sense.
    #[error("{0}")]
    Connection(ureq::Error),
    /// An answer that is not the file.
    #[error("answers with status {0}")]
    Status(u16),
    /// Another size than the pinned one.
    #[error("serves a file of {found} bytes, {expected} were expected")]
    WrongSize { found: u64, expected: u64 },
    /// The connection broke, several times.
    #[error("the connection broke after {received} of {expected} bytes")]
    CutOff { received: u64, expected: u64 },
    /// All bytes, but not the right ones.
    #[error("serves another file: its SHA-256 is {found}, {expected} was expected")]
    WrongContent { found: String, expected: &'static str },
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.error)
    }
}

fn lines(attempts: &[Attempt]) -> String {
    attempts.iter().map(|attempt| format!("\n  {attempt}")).collect()
}
