//! What was written outside of the study of pictures that are taken out: copies for other programs, crops.
//!
//! A file of its own is known by its bytes, wherever in its folder it lies, and taken away; tables are written again without
//! the pictures. Parquet and tar shards are not: what still holds a picture is told. No link is followed, and what
//! somebody has changed since is not touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use candor_core::SampleId;
use candor_data::study::{Doomed, OutsideCopy, OutsideFolder, Study};
use serde::Serialize;

use crate::crop_sheet::{FAILURES, SHEET};
use crate::error::{Result, WorkflowError};
use crate::run_dir::{sync_folder, write_atomically};
use crate::verbs::crop::TABLE as CROPS;

/// Layouts whose files hold many pictures, with the endings of these files.
const BUNDLES: [(&str, &str); 2] = [("parquet", "parquet"), ("web-dataset", "tar")];
/// Tables and lists that speak of the pictures; they, or the beginnings of their SHA-256, stand in there.
const TABLES: [&str; 3] = ["index.csv", CROPS, FAILURES];

/// What a folder outside of the study has of the pictures.
#[derive(Clone, Debug, Serialize)]
pub struct FoundOutside {
    /// Where, and what wrote it.
    #[serde(flatten)]
    pub folder: OutsideFolder,
    /// Whether the folder is no longer where it was written: gone, moved, or a link stands in its place.
    pub gone: bool,
    /// Files that are taken away, by their path from the folder.
    pub files: Vec<String>,
    /// Tables and lists that are written again without the pictures.
    pub tables: Vec<String>,
    /// Copies that are no longer in the folder: deleted, or moved elsewhere.
    pub missing: usize,
    /// Files that are left as they are, though they hold one of the pictures, or may.
    pub left: Vec<LeftOutside>,
    /// What is to stand in `tables`.
    #[serde(skip)]
    rests: Vec<Vec<u8>>,
}

/// A file that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOutside {
    /// By its path from the folder.
    pub file: String,
    /// Why.
    pub why: WhyLeft,
}

/// Why a file is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyLeft {
    /// Many pictures are in it, and it is not written again.
    HoldsOthersToo,
    /// It bears the picture's name or speaks of it, but is not as it was written.
    Changed,
    /// It is a link that bears the picture's name: where it leads, candor has not written.
    Link,
}

impl FoundOutside {
    /// Whether something stays that a person has to see to.
    pub fn is_incomplete(&self) -> bool {
        self.gone || !self.left.is_empty()
    }

    /// How many files are left for each reason.
    pub fn left_by_reason(&self) -> BTreeMap<WhyLeft, usize> {
        let mut reasons = BTreeMap::new();
        self.left.iter().for_each(|left| *reasons.entry(left.why).or_default() += 1);
        reasons
    }
}

/// Looks for the pictures in all folders that the study's ledger speaks of.
pub(super) fn find(study: &Study, pictures: &[Doomed]) -> Result<Vec<FoundOutside>> {
    let folders = study.outside_of(pictures)?;
    folders.into_iter().map(|(folder, copies)| look(folder, &copies, pictures)).collect()
}

fn look(folder: OutsideFolder, copies: &[OutsideCopy], pictures: &[Doomed]) -> Result<FoundOutside> {
    let root = folder.folder.clone();
    // Its name was written down without links.
    let gone = root.canonicalize().ok().as_ref() != Some(&root);
    let wanted = Wanted::of(&folder, copies, pictures);
    let mut found = FoundOutside {
        folder,
        gone,
        files: Vec::new(),
        tables: Vec::new(),
        missing: 0,
        left: Vec::new(),
        rests: Vec::new(),
    };
    if !gone {
        let seen = wanted.look_through(&root, "", &mut found)?;
        found.missing = wanted.alone.difference(&seen).count().saturating_sub(found.left.len());
    }
    Ok(found)
}

/// By what the pictures are known.
struct Wanted {
    /// SHA-256 of everything that was written of them.
    ids: BTreeSet<SampleId>,
    /// How long that was: a file of another length is not read.
    lengths: BTreeSet<u64>,
    /// Of what was written as a file of its own: its SHA-256.
    alone: BTreeSet<SampleId>,
    /// What the names of files of theirs hold, and their rows in tables.
    short: BTreeSet<String>,
    /// Files that hold them together with others.
    bundles: BTreeSet<String>,
    /// What files that may hold them end in, where the writing did not end.
    any_bundle: Option<&'static str>,
    /// Whether the folder is one of crops, with a contact sheet.
    has_sheet: bool,
}

impl Wanted {
    fn of(folder: &OutsideFolder, copies: &[OutsideCopy], pictures: &[Doomed]) -> Wanted {
        let written = || copies.iter().filter_map(|copy| copy.written);
        let ending = BUNDLES.iter().find(|(layout, _)| folder.layout == *layout).map(|(_, ending)| *ending);
        let alone = if ending.is_none() { written().map(|(id, _)| id).collect() } else { BTreeSet::new() };
        let ids: BTreeSet<SampleId> =
            written().map(|(id, _)| id).chain(pictures.iter().flat_map(Doomed::ids)).collect();
        Wanted {
            lengths: written().map(|(_, length)| length).collect(),
            short: ids.iter().map(SampleId::short).collect(),
            bundles: copies.iter().filter_map(|copy| copy.file.clone()).collect(),
            any_bundle: ending.filter(|_| copies.iter().any(|copy| copy.file.is_none())),
            has_sheet: folder.verb == "crop",
            alone,
            ids,
        }
    }

    /// Looks at the files below `root`/`below`, but for those of another study in there, which looks after itself. Gives what
    /// was found as a file of its own.
    fn look_through(&self, root: &Path, below: &str, found: &mut FoundOutside) -> Result<BTreeSet<SampleId>> {
        let folder = root.join(below);
        let mut seen = BTreeSet::new();
        if Study::is_at(&folder) {
            return Ok(seen);
        }
        let unreadable = || WorkflowError::file(&folder, "read");
        let entries = fs::read_dir(&folder).map_err(unreadable())?;
        let mut entries: Vec<fs::DirEntry> = entries.collect::<std::io::Result<_>>().map_err(unreadable())?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            // Of a link, this is the link itself.
            let kind = entry.file_type().map_err(unreadable())?;
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            match kind.is_dir() {
                true => seen.extend(self.look_through(root, &format!("{name}/"), found)?),
                false => seen.extend(self.look_at(&entry.path(), name, kind.is_symlink(), found)?),
            }
        }
        Ok(seen)
    }

    fn look_at(
        &self,
        path: &Path,
        name: String,
        is_link: bool,
        found: &mut FoundOutside,
    ) -> Result<Option<SampleId>> {
        let bears_its_name = self.short.iter().any(|short| file_of(&name).contains(short.as_str()));
        let why_left = match (is_link, self.is_bundle(&name)) {
            (true, bundle) => (bundle || bears_its_name).then_some(WhyLeft::Link),
            (false, true) => Some(WhyLeft::HoldsOthersToo),
            (false, false) if self.has_sheet && name == SHEET => {
                found.files.push(name);
                return Ok(None);
            }
            (false, false) if TABLES.contains(&name.as_str()) => {
                let table = fs::read(path).map_err(WorkflowError::file(path, "read"))?;
                let rest =
                    if name == FAILURES { self.rest_of_lines(&table) } else { self.rest_of_table(&table) };
                let speaks = self.is_spoken_of(rest.as_ref().unwrap_or(&table));
                if let Some(rest) = rest {
                    found.tables.push(name.clone());
                    found.rests.push(rest);
                }
                speaks.then_some(WhyLeft::Changed)
            }
            (false, false) => {
                if let Some(id) = self.one_of_them(path)? {
                    found.files.push(name);
                    return Ok(Some(id));
                }
                bears_its_name.then_some(WhyLeft::Changed)
            }
        };
        found.left.extend(why_left.map(|why| LeftOutside { file: name, why }));
        Ok(None)
    }

    fn is_bundle(&self, name: &str) -> bool {
        let ends_so = |ending: &str| Path::new(name).extension().is_some_and(|end| end == ending);
        self.bundles.contains(name) || self.any_bundle.is_some_and(ends_so)
    }

    /// Which of what was written the file is, by its bytes.
    fn one_of_them(&self, path: &Path) -> Result<Option<SampleId>> {
        let unreadable = || WorkflowError::file(path, "read");
        if !self.lengths.contains(&fs::metadata(path).map_err(unreadable())?.len()) {
            return Ok(None);
        }
        let id = SampleId::of(&fs::read(path).map_err(unreadable())?);
        Ok(self.ids.contains(&id).then_some(id))
    }

    fn is_spoken_of(&self, text: &[u8]) -> bool {
        self.short.iter().any(|short| super::contains(text, short.as_bytes()))
    }

    /// What stays of a table without their rows; `None` where they have none, or it is no longer a table as candor writes it.
    fn rest_of_table(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let is_theirs = |cell: &[u8]| {
            std::str::from_utf8(cell).is_ok_and(|cell| {
                self.short.contains(cell) || SampleId::from_hex(cell).is_some_and(|id| self.ids.contains(&id))
            })
        };
        let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
        let mut rest = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        let mut dropped = false;
        for row in rows.byte_records() {
            let row = row.ok()?;
            match row.iter().any(is_theirs) {
                true => dropped = true,
                false => rest.write_byte_record(&row).ok()?,
            }
        }
        rest.into_inner().ok().filter(|_| dropped)
    }

    /// What stays of a list without their lines; `None` where they have none.
    fn rest_of_lines(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let text = String::from_utf8_lossy(bytes);
        let ids: Vec<String> = self.ids.iter().map(SampleId::to_string).collect();
        let is_theirs = |line: &&str| ids.iter().any(|id| line.contains(id.as_str()));
        let rest: String = text.split_inclusive('\n').filter(|line| !is_theirs(line)).collect();
        (rest.len() < text.len()).then(|| rest.into_bytes())
    }
}

fn file_of(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Takes away what was found, and writes down which folders may still hold something.
pub(super) fn take_away(study: &Study, found: &[FoundOutside]) -> Result<()> {
    for outside in found {
        if outside.is_incomplete() {
            study.note_stale(&outside.folder)?;
        }
        let root = &outside.folder.folder;
        outside.files.iter().try_for_each(|file| remove(&root.join(file)))?;
        for (table, rest) in outside.tables.iter().zip(&outside.rests) {
            write_atomically(&root.join(table), rest)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path).and_then(|()| sync_folder(path)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(WorkflowError::file(path, "removed")),
    }
}
