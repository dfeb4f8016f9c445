//! Zip, tar and tar.gz of any other source, with or without a folder around it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use candor_core::Reporter;
use tar::EntryType;
use tempfile::TempDir;
use zip::ZipArchive;

use super::super::files::{file_name, open_unpacked, visible_entries};
use super::super::listing::{LeftOut, Listing};
use super::super::{SourceError, SourceErrorKind, SourceKind, SourceOptions, recognised};
use super::{Unpacking, kept};
use crate::decode::Limits;

pub(in super::super) static KIND: SourceKind = SourceKind {
    name: "archive",
    summary: "zip, tar or tar.gz of any other source",
    recognises: |path, _| path.is_file() && format(path).is_some(),
    read,
};

/// How files are packed into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Zip,
    /// Plain or under gzip.
    Tar,
}

/// Told by the first bytes.
fn format(path: &Path) -> Option<Format> {
    let mut start = Vec::new();
    File::open(path).ok()?.take(4).read_to_end(&mut start).ok()?;
    if start == *b"PK\x03\x04" || start == *b"PK\x05\x06" {
        return Some(Format::Zip);
    }
    is_tar(path).then_some(Format::Tar)
}

/// Whether a header of tar is there, under gzip or not.
pub(super) fn is_tar(path: &Path) -> bool {
    const MAGIC: std::ops::Range<usize> = 257..262;
    let mut header = Vec::new();
    let read = open_unpacked(path).and_then(|file| file.take(512).read_to_end(&mut header));
    read.is_ok() && header.get(MAGIC) == Some(b"ustar")
}

fn read(path: &Path, options: &SourceOptions, reporter: &dyn Reporter) -> Result<Listing, SourceError> {
    let mut left_out = LeftOut::new(reporter);
    let folder = unpack(path, &options.limits, &mut left_out, reporter)?;
    let inside = SourceOptions { kind: None, ..options.clone() };
    let root = innermost(folder.path(), &inside)?;
    let not_recognised =
        || SourceError::new(path, SourceErrorKind::NotRecognised { what: "an archive of something else" });
    let kind = recognised(&root, &inside).ok_or_else(not_recognised)?;
    let place = |error: SourceError| error.moved(path);
    let mut listing = (kind.read)(&root, &inside, reporter).map_err(place)?;
    listing.problems.splice(0..0, left_out.problems);
    Ok(kept(listing, folder))
}

/// A temporary folder with what the archive at `path` holds.
pub(in super::super) fn unpack(
    path: &Path,
    limits: &Limits,
    left_out: &mut LeftOut<'_>,
    reporter: &dyn Reporter,
) -> Result<TempDir, SourceError> {
    let packed = fs::metadata(path).map_err(|error| SourceError::unreadable(path, error))?.len();
    let mut unpacking = Unpacking::of(path, packed, limits)?;
    reporter.note(&format!("unpacking {}", path.display()));
    match format(path) {
        Some(Format::Zip) => unzip(path, &mut unpacking, left_out, reporter)?,
        _ => untar(path, &mut unpacking, reporter, |name, outcome| {
            if let Err(reason) = outcome {
                left_out.add(name, reason);
            }
        })?,
    }
    Ok(unpacking.folder)
}

fn unzip(
    path: &Path,
    unpacking: &mut Unpacking<'_>,
    left_out: &mut LeftOut<'_>,
    reporter: &dyn Reporter,
) -> Result<(), SourceError> {
    let file = File::open(path).map_err(|error| SourceError::unreadable(path, error))?;
    let mut archive = ZipArchive::new(io::BufReader::new(file)).map_err(|error| unpacking.damaged(error))?;
    for index in 0..archive.len() {
        if reporter.cancelled() {
            return Err(SourceError::new(path, SourceErrorKind::Cancelled));
        }
        let entry = match archive.by_index(index) {
            Ok(entry) => entry,
            Err(error) => {
                left_out.add(format!("entry {index}"), error.to_string());
                continue;
            }
        };
        let name = String::from_utf8_lossy(entry.name_raw()).into_owned();
        if entry.is_symlink() {
            left_out.add(name, "is a link");
        } else if entry.is_file()
            && let Err(reason) = unpacking.add(&name, entry)?
        {
            left_out.add(name, reason);
        }
    }
    Ok(())
}

/// Unpacks every file and says of each where it lies, or why it is left out.
pub(super) fn untar(
    path: &Path,
    unpacking: &mut Unpacking<'_>,
    reporter: &dyn Reporter,
    mut each: impl FnMut(String, Result<PathBuf, String>),
) -> Result<(), SourceError> {
    let file = open_unpacked(path).map_err(|error| SourceError::unreadable(path, error))?;
    let mut archive = tar::Archive::new(file);
    for entry in archive.entries().map_err(|error| unpacking.damaged(error))? {
        if reporter.cancelled() {
            return Err(SourceError::new(path, SourceErrorKind::Cancelled));
        }
        let entry = entry.map_err(|error| unpacking.damaged(error))?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let outcome = unpacking.add(&name, entry)?;
                each(name, outcome);
            }
            EntryType::Symlink | EntryType::Link => each(name, Err("is a link".to_owned())),
            _ => {}
        }
    }
    Ok(())
}

/// The folder or file that is the source: not the folders around it.
fn innermost(folder: &Path, options: &SourceOptions) -> Result<PathBuf, SourceError> {
    let mut root = folder.to_owned();
    loop {
        let entries = visible_entries(&root)?;
        let [only] = &entries[..] else { return Ok(root) };
        let inside = if only.is_dir() { visible_entries(only)? } else { Vec::new() };
        let holds_folders_or_a_source = inside.iter().any(|entry| entry.is_dir() || is_table(entry));
        match only.is_dir() {
            // A folder of pictures is a class.
            true if options.class.is_none() && !holds_folders_or_a_source => return Ok(root),
            true => root.clone_from(only),
            false if is_table(only) => return Ok(only.clone()),
            false => return Ok(root),
        }
    }
}

/// Whether a file is a source, or says what the pictures beside it are.
fn is_table(path: &Path) -> bool {
    const ENDINGS: [&str; 6] = [".csv", ".csv.gz", "-ubyte", "-ubyte.gz", ".bin", ".parquet"];
    let name = file_name(path).to_lowercase();
    path.is_file() && ENDINGS.iter().any(|ending| name.ends_with(ending))
}
