//! Bringing a well-known data set into a folder: what is there already, what lies in another folder, what a mirror has.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use candor_core::{Progress, Reporter, Stage};

use super::download::{Failed, download};
use super::verify::verify;
use super::{Attempt, FetchError, KnownDataset, KnownFile, archive};

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
    fs::create_dir_all(dir).map_err(|error| FetchError::File { path: dir.to_owned(), error })?;
    let fetching = Fetching { dataset, dir, options, reporter };
    let mut fetched = Fetched { dir: dir.to_owned(), new_files: 0, present_files: 0 };
    let mut done = 0;
    for file in dataset.files {
        match present(dir, file)? {
            Some(_) => fetched.present_files += 1,
            None => {
                fetching.bring(file, done)?;
                fetched.new_files += 1;
            }
        }
        done += file.bytes;
        fetching.progress(done, file)?;
        if file.name.ends_with(".tar.gz") {
            archive::unpack(&dir.join(file.name), dir)?;
        }
    }
    write_class_names(dataset, dir)?;
    Ok(fetched)
}

/// The file in `dir` that is `known`: under its name, or unpacked under its name without `.gz`. A file of that name
/// with another content is none.
fn present(dir: &Path, known: &KnownFile) -> Result<Option<PathBuf>, FetchError> {
    for path in candidates(dir, known) {
        if path.is_file() && verify(&path, known).map_err(|error| in_file(&path, error))?.is_ok() {
            return Ok(Some(path));
        }
    }
    Ok(None)
}

fn candidates(dir: &Path, known: &KnownFile) -> Vec<PathBuf> {
    let unpacked = known.unpacked_sha256.and_then(|_| known.name.strip_suffix(".gz"));
    std::iter::once(known.name).chain(unpacked).map(|name| dir.join(name)).collect()
}

fn in_file(path: &Path, error: io::Error) -> FetchError {
    FetchError::File { path: path.to_owned(), error }
}

/// Names beside the pictures, so that a source that numbers its classes shows them.
fn write_class_names(dataset: &KnownDataset, dir: &Path) -> Result<(), FetchError> {
    let path = dir.join("classes.txt");
    fs::write(&path, dataset.classes.join("\n") + "\n").map_err(|error| in_file(&path, error))
}

struct Fetching<'a> {
    dataset: &'a KnownDataset,
    dir: &'a Path,
    options: &'a FetchOptions,
    reporter: &'a dyn Reporter,
}

impl Fetching<'_> {
    fn bring(&self, file: &KnownFile, done: u64) -> Result<(), FetchError> {
        match &self.options.from_dir {
            Some(from) => self.copy(from, file),
            None => self.download(file, done),
        }
    }

    fn copy(&self, from: &Path, file: &KnownFile) -> Result<(), FetchError> {
        let found = candidates(from, file).into_iter().find(|path| path.is_file());
        let missing = || FetchError::MissingInDir { dir: from.to_owned(), name: file.name };
        let path = found.ok_or_else(missing)?;
        if let Err(found) = verify(&path, file).map_err(|error| in_file(&path, error))? {
            return Err(FetchError::WrongFile { path, found, expected: file.sha256 });
        }
        let name = path.file_name().expect("a candidate has a name");
        let part = self.dir.join(format!("{}.part", name.to_string_lossy()));
        let copied = fs::copy(&path, &part).and_then(|_| fs::rename(&part, self.dir.join(name)));
        copied.map_err(|error| in_file(&part, error))
    }

    fn download(&self, file: &KnownFile, done: u64) -> Result<(), FetchError> {
        let mut attempts = Vec::new();
        for mirror in self.mirrors() {
            let url = format!("{}/{}", mirror.trim_end_matches('/'), file.name);
            let on_progress = |received| self.progress(done + received, file);
            match download(&url, file, &self.dir.join(file.name), &on_progress) {
                Ok(()) => return Ok(()),
                Err(Failed::Fetch(error)) => return Err(error),
                Err(Failed::Mirror(error)) => {
                    let attempt = Attempt { url, error };
                    self.reporter.note(&attempt.to_string());
                    attempts.push(attempt);
                }
            }
        }
        Err(FetchError::NoMirror { file: file.name, attempts })
    }

    fn mirrors(&self) -> Vec<&str> {
        if self.options.mirrors.is_empty() {
            self.dataset.mirrors.to_vec()
        } else {
            self.options.mirrors.iter().map(String::as_str).collect()
        }
    }

    fn progress(&self, done: u64, file: &KnownFile) -> Result<(), FetchError> {
        if self.reporter.cancelled() {
            return Err(FetchError::Cancelled);
        }
        let (total, message) = (self.dataset.bytes(), file.name.to_owned());
        self.reporter.progress(Progress { stage: Stage::Download, done, total, message });
        Ok(())
    }
}
