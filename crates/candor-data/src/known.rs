//! Well-known data sets: where they are, how large their files are, and the hashes by which they are told from
//! anything else. [`fetch`] brings them onto this machine.

use std::path::{Path, PathBuf};

use candor_core::Reporter;
use thiserror::Error;

/// One file of a well-known data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFile {
    /// The file's name, on the mirrors and here.
    pub name: &'static str,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: &'static str,
}

/// A well-known data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownDataset {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it holds, in a line.
    pub summary: &'static str,
    /// Licence, as its authors state it.
    pub licence: &'static str,
    /// Addresses under which the files are found, tried in this order; each ends with a slash.
    pub mirrors: &'static [&'static str],
    /// The files.
    pub files: &'static [KnownFile],
    /// Class names, in the order of the labels.
    pub classes: &'static [&'static str],
}

/// All of them.
pub fn known_datasets() -> &'static [KnownDataset] {
    todo!()
}

/// The one called `name`.
pub fn find(name: &str) -> Option<&'static KnownDataset> {
    known_datasets().iter().find(|dataset| dataset.name == name)
}

/// Where files come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// Addresses to try instead of the data set's own; a file's name is appended.
    pub mirrors: Vec<String>,
    /// A folder that holds the files already: they are verified and copied, and the network is not touched.
    pub from_dir: Option<PathBuf>,
}

/// What [`fetch`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The folder that `Source::open` reads.
    pub dir: PathBuf,
    /// Files that were downloaded or copied now.
    pub new_files: usize,
    /// Files that were there already and whose hash was right.
    pub present_files: usize,
}

/// Why a file could not be had.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The person asked to stop; what arrived is kept and the next fetch goes on from there.
    #[error("stopped; the next fetch goes on where this one ended")]
    Cancelled,
}

/// Brings the files of `dataset` into `dir`, verified. Goes on where an interrupted fetch stopped, tries the next
/// mirror when one fails or serves something else, and puts a file under its name only when its hash is right.
///
/// # Errors
/// When no mirror serves a file with the right hash, `from_dir` lacks one, or `dir` cannot be written.
pub fn fetch(
    dataset: &KnownDataset,
    dir: &Path,
    options: &FetchOptions,
    reporter: &dyn Reporter,
) -> Result<Fetched, FetchError> {
    let _ = (dataset, dir, options, reporter);
    todo!()
}
