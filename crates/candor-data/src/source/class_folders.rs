//! One folder a class: `<class>/*`, or `train|validation|test/<class>/*`, which is a split that the source brings along.
//!
//! Pictures may lie in folders below a class. Everything is listed in the order of the names' bytes, on every system.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candor_core::{Provenance, Reporter, Subset};

use super::files::{file_name, identify, is_side_file, relative, visible_entries};
use super::listing::{FileEntry, LeftOut, Listing, of_files};
use super::{SourceError, SourceErrorKind, SourceKind, SourceOptions};

pub(super) static KIND: SourceKind = SourceKind {
    name: "class-folders",
    summary: "a folder with one subfolder a class, or with train, test and validation that hold those",
    recognises: |path, _| path.is_dir(),
    read,
};

fn read(root: &Path, options: &SourceOptions, reporter: &dyn Reporter) -> Result<Listing, SourceError> {
    if let Some(class) = &options.class {
        let mut walk = Walk { root, files: Vec::new(), side_files: 0, left_out: LeftOut::new(reporter) };
        walk.folder(root, class, None, &mut Vec::new())?;
        return walk.into_listing(options, reporter);
    }
    let mut left_out = LeftOut::new(reporter);
    let entries = visible_entries(root)?;
    let (folders, loose): (Vec<PathBuf>, Vec<PathBuf>) = entries.into_iter().partition(|path| path.is_dir());
    let pictures = loose.iter().filter(|path| !is_side_file(path)).count();
    if folders.is_empty() {
        return Err(SourceError::new(root, SourceErrorKind::NoClassFolders { pictures }));
    }
    if pictures > 0 {
        let reason = format!("{pictures} files lie beside the class folders: they have no class");
        left_out.add(root.display().to_string(), reason);
    }
    let mut walk = Walk { root, files: Vec::new(), side_files: 0, left_out };
    for (subset, folder) in class_folders(&folders, &mut walk)? {
        walk.class_folder(&folder, subset)?;
    }
    walk.into_listing(options, reporter)
}

/// The folders of the classes, each with its subset when the root holds `train` beside `test` or `validation` (or
/// nothing else) and `train` holds folders again. A class may be called "train" (beside "bus" and "car").
fn class_folders(
    folders: &[PathBuf],
    walk: &mut Walk<'_, '_>,
) -> Result<Vec<(Option<Subset>, PathBuf)>, SourceError> {
    let subsets: Vec<Option<Subset>> = folders.iter().map(|folder| subset_name(&file_name(folder))).collect();
    let train = subsets.iter().position(|&subset| subset == Some(Subset::Train));
    let another = subsets.iter().any(|&subset| subset.is_some_and(|s| s != Subset::Train));
    let is_split = match train {
        Some(train) if another || folders.len() == 1 => {
            visible_entries(&folders[train])?.iter().any(|entry| entry.is_dir())
        }
        _ => false,
    };
    if !is_split {
        return Ok(folders.iter().map(|folder| (None, folder.clone())).collect());
    }
    let mut found = Vec::new();
    for (folder, subset) in folders.iter().zip(subsets) {
        if subset.is_none() {
            walk.leave_out(folder, "lies beside the folders of a split and was not read");
            continue;
        }
        for entry in visible_entries(folder)? {
            if entry.is_dir() {
                found.push((subset, entry));
            } else if !is_side_file(&entry) {
                walk.leave_out(&entry, "lies beside the class folders: it has no class");
            }
        }
    }
    Ok(found)
}

/// The subset that a folder, or a cell of a table, names.
pub(super) fn subset_name(name: &str) -> Option<Subset> {
    match name.trim().to_lowercase().as_str() {
        "train" | "training" => Some(Subset::Train),
        "validation" | "valid" | "val" | "dev" => Some(Subset::Validation),
        "test" | "testing" => Some(Subset::Test),
        _ => None,
    }
}

struct Walk<'r, 'p> {
    root: &'p Path,
    files: Vec<FileEntry>,
    side_files: usize,
    left_out: LeftOut<'r>,
}

impl<'r> Walk<'r, '_> {
    /// What was found, hashed and looked at.
    fn into_listing(
        self,
        options: &SourceOptions,
        reporter: &'r dyn Reporter,
    ) -> Result<Listing, SourceError> {
        let Walk { root, files, side_files, mut left_out } = self;
        if side_files > 0 {
            reporter.note(&format!(
                "{side_files} files that accompany the pictures (notes, tables) were passed over"
            ));
        }
        let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
        let identified = identify(root, &paths, &options.limits, reporter)?;
        let found: BTreeSet<String> = files.iter().map(|file| file.class.clone()).collect();
        let readable: BTreeSet<&String> =
            files.iter().zip(&identified).filter(|(_, id)| id.is_ok()).map(|(file, _)| &file.class).collect();
        for class in found.iter().filter(|class| !readable.contains(class)) {
            left_out.add(class.clone(), "none of the pictures of this class can be read: it is left out");
        }
        Ok(of_files(files, identified, options.limits, left_out))
    }

    fn leave_out(&mut self, path: &Path, reason: &str) {
        self.left_out.add(relative(path, self.root), reason);
    }

    fn class_folder(&mut self, folder: &Path, subset: Option<Subset>) -> Result<(), SourceError> {
        let before = self.files.len();
        self.folder(folder, &file_name(folder), subset, &mut Vec::new())?;
        if self.files.len() == before {
            self.leave_out(folder, "the class folder holds no pictures: it is left out");
        }
        Ok(())
    }

    /// `above` holds the real places of the folders above: a link back to one of them would go on for ever.
    fn folder(
        &mut self,
        folder: &Path,
        class: &str,
        subset: Option<Subset>,
        above: &mut Vec<PathBuf>,
    ) -> Result<(), SourceError> {
        let real = folder.canonicalize().map_err(|error| SourceError::unreadable(folder, error))?;
        if above.contains(&real) {
            self.leave_out(folder, "is a link to a folder that it lies in and was not followed");
            return Ok(());
        }
        above.push(real);
        for entry in visible_entries(folder)? {
            if entry.is_dir() {
                self.folder(&entry, class, subset, above)?;
            } else if is_side_file(&entry) {
                self.side_files += 1;
            } else {
                self.file(entry, class, subset);
            }
        }
        above.pop();
        Ok(())
    }

    fn file(&mut self, path: PathBuf, class: &str, subset: Option<Subset>) {
        let provenance = Provenance { file: relative(&path, self.root), row: None, url: None };
        let class = class.to_owned();
        self.files.push(FileEntry {
            path,
            class,
            subset,
            group: None,
            provenance,
            attributes: BTreeMap::new(),
        });
    }
}
