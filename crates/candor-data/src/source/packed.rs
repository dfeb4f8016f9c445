//! Sources that are packed into files: zip and tar of any other source, WebDataset's tar shards, Parquet in the layout of
//! Hugging Face. What is in them is unpacked into a temporary folder that goes when the source does, and read from there.
//!
//! Archives come from strangers: no path leaves the folder, links are left out, and what unpacks to far more than it is, is
//! refused.

mod archive;
mod parquet;
mod web_dataset;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use candor_core::Subset;
use tempfile::TempDir;

use super::class_folders::subset_name;
use super::files::{file_name, visible_entries};
use super::listing::Listing;
use super::{Pictures, SourceError, SourceErrorKind};
use crate::decode::Limits;

pub(super) use archive::{KIND as ARCHIVE, unpack};
pub(super) use parquet::{KIND as PARQUET, read_files as read_parquet};
pub(super) use web_dataset::KIND as WEB_DATASET;

/// More files are not unpacked.
const MOST_ENTRIES: usize = 2_000_000;
/// Pictures are packed already: what unpacks to more than this many times its size holds something else.
const MOST_RATIO: u64 = 100;
/// Below so many bytes any ratio is harmless.
const HARMLESS_BYTES: u64 = 64 << 20;

/// A temporary folder that is being filled from the file at `place`.
struct Unpacking<'a> {
    place: &'a Path,
    folder: TempDir,
    packed: u64,
    limit: u64,
    max_bytes: u64,
    written: u64,
    entries: usize,
    /// What is put before every name: shards may hold the same ones.
    below: String,
}

impl<'a> Unpacking<'a> {
    /// Of files of `packed` bytes in all.
    fn of(place: &'a Path, packed: u64, limits: &Limits) -> Result<Unpacking<'a>, SourceError> {
        let folder = tempfile::Builder::new().prefix("candor-").tempdir();
        let folder = folder.map_err(|error| SourceError::unreadable(&std::env::temp_dir(), error))?;
        let limit = packed.saturating_mul(MOST_RATIO).max(HARMLESS_BYTES).min(limits.max_bytes);
        let max_bytes = limits.max_bytes;
        Ok(Unpacking {
            place,
            folder,
            packed,
            limit,
            max_bytes,
            written: 0,
            entries: 0,
            below: String::new(),
        })
    }

    fn failed(&self, kind: SourceErrorKind) -> SourceError {
        SourceError::new(self.place, kind)
    }

    fn damaged(&self, detail: impl ToString) -> SourceError {
        self.failed(SourceErrorKind::Packed { detail: detail.to_string() })
    }

    /// Where `name` lies below the folder; why it is left out, where it would lie elsewhere.
    fn place_of(&self, name: &str) -> Result<PathBuf, &'static str> {
        let mut inside = PathBuf::new();
        for part in Path::new(name).components() {
            match part {
                Component::Normal(part) if !part.to_string_lossy().contains(['\\', ':']) => inside.push(part),
                Component::CurDir => {}
                _ => return Err("its path leaves the archive"),
            }
        }
        if inside.as_os_str().is_empty() { Err("it has no name") } else { Ok(inside) }
    }

    /// Writes one file; the inner error says why it is left out.
    fn add(&mut self, name: &str, content: impl Read) -> Result<Result<PathBuf, String>, SourceError> {
        self.entries += 1;
        if self.entries > MOST_ENTRIES {
            return Err(self.failed(SourceErrorKind::TooManyEntries { most: MOST_ENTRIES }));
        }
        let path = match self.place_of(name).map(|inside| self.folder.path().join(&self.below).join(inside)) {
            Ok(path) => path,
            Err(reason) => return Ok(Err(reason.to_owned())),
        };
        let folder = path.parent().unwrap_or(self.folder.path());
        let made = fs::create_dir_all(folder).and_then(|()| File::create_new(&path));
        let mut file = match made {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Ok(Err("another file there has its name".to_owned()));
            }
            Err(error) => return Ok(Err(format!("cannot be unpacked: {error}"))),
        };
        // One byte more than is left tells what is too much.
        let left = self.limit - self.written;
        let written =
            io::copy(&mut content.take(left + 1), &mut file).map_err(|error| self.stopped(error))?;
        self.written += written;
        if written > left { Err(self.too_much()) } else { Ok(Ok(path)) }
    }

    /// Reading or writing failed.
    fn stopped(&self, error: io::Error) -> SourceError {
        match error.kind() {
            io::ErrorKind::StorageFull => {
                self.failed(SourceErrorKind::NoRoom { folder: std::env::temp_dir() })
            }
            _ => self.damaged(error),
        }
    }

    fn too_much(&self) -> SourceError {
        let Unpacking { packed, limit, max_bytes, written, .. } = *self;
        self.failed(match limit == max_bytes {
            true => SourceErrorKind::TooManyBytes { bytes: written, max_bytes },
            false => SourceErrorKind::Bomb { packed, limit },
        })
    }
}

/// The listing of files in `folder`, which is kept for as long as the pictures are.
pub(super) fn kept(listing: Listing, folder: TempDir) -> Listing {
    let pictures = match listing.pictures {
        Pictures::Files { paths, limits } => Pictures::Unpacked { paths, limits, _folder: Arc::new(folder) },
        in_memory => in_memory,
    };
    Listing { pictures, ..listing }
}

/// `path` itself, or the files with this ending in the folder there, by name.
fn files_ending_in(path: &Path, ending: &str) -> Result<Vec<PathBuf>, SourceError> {
    let ends = |file: &PathBuf| file.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
    match path.is_dir() {
        true => Ok(visible_entries(path)?.into_iter().filter(|file| file.is_file() && ends(file)).collect()),
        false => Ok(Some(path.to_owned()).filter(|file| file.is_file() && ends(file)).into_iter().collect()),
    }
}

/// The size of all of them.
fn bytes_of(files: &[PathBuf]) -> Result<u64, SourceError> {
    let size = |file: &PathBuf| {
        fs::metadata(file).map(|data| data.len()).map_err(|error| SourceError::unreadable(file, error))
    };
    files.iter().map(size).sum()
}

/// The subset that a file's name begins with: `train-00000-of-00002.parquet`, `test-000001.tar`.
fn subset_of(file: &Path) -> Option<Subset> {
    let name = file_name(file);
    subset_name(name.split(['-', '_', '.']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpacking(packed: u64) -> Unpacking<'static> {
        Unpacking::of(Path::new("a.zip"), packed, &Limits::default()).unwrap()
    }

    #[test]
    fn no_path_leaves_the_folder() {
        let mut unpacking = unpacking(10);
        for name in ["../a", "/etc/passwd", "a/../../b", "C:\\b", "a\\..\\b", "", "."] {
            assert!(unpacking.add(name, &b"x"[..]).unwrap().is_err(), "{name}");
        }
        let file = unpacking.add("./a/b.jpg", &b"xyz"[..]).unwrap().unwrap();
        assert!(file.starts_with(unpacking.folder.path()) && fs::read(file).unwrap() == b"xyz");
        assert!(unpacking.add("a/b.jpg", &b"other"[..]).unwrap().is_err(), "nothing is written over");
    }

    #[test]
    fn what_unpacks_to_far_more_than_it_is_is_refused() {
        let mut unpacking = unpacking(1000);
        assert_eq!(unpacking.limit, HARMLESS_BYTES);
        unpacking.limit = 100;
        assert!(unpacking.add("a", io::repeat(0).take(100)).unwrap().is_ok());
        let error = unpacking.add("b", io::repeat(0)).unwrap_err();
        assert!(matches!(error.kind(), SourceErrorKind::Bomb { packed: 1000, limit: 100 }), "{error}");
    }

    #[test]
    fn subsets_are_read_off_names() {
        for (name, expected) in [
            ("train-00000-of-00002.parquet", Some(Subset::Train)),
            ("validation_1.tar", Some(Subset::Validation)),
            ("test.parquet", Some(Subset::Test)),
            ("00000.tar", None),
            ("trainer-1.tar", None),
        ] {
            assert_eq!(subset_of(Path::new(name)), expected, "{name}");
        }
    }
}
