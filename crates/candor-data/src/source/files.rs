//! Looking at files: what is in a folder, what a file's bytes are, and what lies compressed.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use candor_core::{Progress, Reporter, SampleId, Stage};
use flate2::read::MultiGzDecoder;
use rayon::prelude::*;

use super::{SourceError, SourceErrorKind};
use crate::decode::{Limits, inspect};

/// What lies in a folder, by name in byte order, without what systems hide in there.
pub(super) fn visible_entries(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let unreadable = |error| SourceError::unreadable(folder, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if !is_hidden(&file_name(&path)) {
            paths.push(path);
        }
    }
    paths.sort_by_key(|path| file_name(path));
    Ok(paths)
}

/// The last part of a path, as text.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// `path` below `root`, with slashes on every system.
pub(super) fn relative(path: &Path, root: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

fn is_hidden(name: &str) -> bool {
    const SYSTEM: [&str; 6] =
        ["thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin"];
    name.starts_with('.') || SYSTEM.contains(&name.to_lowercase().as_str())
}

/// Whether the name says that the file is no picture but accompanies some: notes, tables, archives.
pub(super) fn is_side_file(path: &Path) -> bool {
    const ENDINGS: [&str; 31] = [
        "txt", "csv", "tsv", "json", "jsonl", "xml", "md", "rst", "html", "htm", "yaml", "yml", "toml",
        "ini", "db", "log", "py", "ipynb", "sh", "bat", "pdf", "doc", "docx", "xls", "xlsx", "zip", "gz",
        "tar", "npy", "npz", "lnk",
    ];
    path.extension().is_some_and(|ending| ENDINGS.contains(&ending.to_string_lossy().to_lowercase().as_str()))
}

/// Hashes every file and looks at its header, on all cores. One answer a path, in order: its id, or why it is no
/// picture.
pub(super) fn identify(
    root: &Path,
    paths: &[PathBuf],
    limits: &Limits,
    reporter: &dyn Reporter,
) -> Result<Vec<Result<SampleId, String>>, SourceError> {
    let done = AtomicU64::new(0);
    let identified: Option<Vec<_>> = paths
        .par_iter()
        .map(|path| {
            if reporter.cancelled() {
                return None;
            }
            let identified = identify_one(path, limits);
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            let total = paths.len() as u64;
            reporter.progress(Progress { stage: Stage::Scan, done, total, message: String::new() });
            Some(identified)
        })
        .collect();
    identified.ok_or_else(|| SourceError::new(root, SourceErrorKind::Cancelled))
}

fn identify_one(path: &Path, limits: &Limits) -> Result<SampleId, String> {
    let size = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if size > limits.max_bytes {
        let max = limits.max_bytes;
        return Err(format!(
            "has {size} bytes, more than the {max} allowed: if you trust it, raise --max-bytes"
        ));
    }
    let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    inspect(&bytes, limits).map_err(|error| error.to_string())?;
    Ok(SampleId::of(&bytes))
}

/// Opens a file, unpacking it on the way when its first bytes say gzip.
pub(super) fn open_unpacked(path: &Path) -> io::Result<Box<dyn Read>> {
    let mut file = File::open(path)?;
    let mut magic = [0; 2];
    let is_gzip = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    file.seek(SeekFrom::Start(0))?;
    let file = BufReader::with_capacity(1 << 16, file);
    if is_gzip { Ok(Box::new(MultiGzDecoder::new(file))) } else { Ok(Box::new(file)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systems_hide_and_what_accompanies_pictures_is_known() {
        for (name, hidden, side) in [
            (".DS_Store", true, false),
            ("Thumbs.db", true, true),
            ("notes.TXT", false, true),
            ("a.jpg", false, false),
            ("01ab23cd", false, false),
        ] {
            assert_eq!((is_hidden(name), is_side_file(Path::new(name))), (hidden, side), "{name}");
        }
    }
}
