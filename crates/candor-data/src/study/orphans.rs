//! Originals that no row names: they are set aside, never deleted.
//!
//! A process that was killed between a blob and its row leaves one; so does a `study.db` that was emptied, damaged or put
//! back from an older copy. What a person brought in is deleted by `forget` alone, so such files go to `orphans/`, with a line
//! each in `orphans/manifest.jsonl`. When a row names one again, it goes back to its place.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use candor_core::SampleId;
use serde::Serialize;

use super::blobs::{Blobs, sync_folder};
use super::{Outcome, StudyErrorKind};

/// The folder for originals without a row in the study's folder.
pub const ORPHANS: &str = "orphans";
const MANIFEST: &str = "manifest.jsonl";

/// What became of originals when a study was opened for writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrphanReport {
    /// Originals without a row that were moved to `orphans/`.
    pub set_aside: usize,
    /// Originals that a row names and that were moved back from `orphans/`.
    pub put_back: usize,
}

/// A line of the manifest.
#[derive(Serialize)]
struct ManifestLine {
    sha256: String,
    bytes: u64,
    /// Seconds since 1970-01-01, UTC: when it was set aside.
    unix_seconds: u64,
}

/// The folder `orphans/` of a study.
#[derive(Clone, Debug)]
pub(super) struct Orphans {
    folder: PathBuf,
}

impl Orphans {
    pub fn of(study: &Path) -> Orphans {
        Orphans { folder: study.join(ORPHANS) }
    }

    /// Where the original with this id is, or would be.
    pub fn path(&self, id: &SampleId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// How many originals are there.
    pub fn count(&self) -> Outcome<usize> {
        Ok(self.ids()?.len())
    }

    /// Moves originals that no row of `known` names out of `blobs`, and those that one names back.
    pub fn settle(&self, blobs: &Blobs, known: &HashSet<SampleId>) -> Outcome<OrphanReport> {
        let put_back = self.put_back(blobs, known)?;
        let strays: Vec<SampleId> = blobs.ids()?.into_iter().filter(|id| !known.contains(id)).collect();
        if !strays.is_empty() {
            self.set_aside(blobs, &strays)?;
        }
        Ok(OrphanReport { set_aside: strays.len(), put_back })
    }

    /// Deletes the original with this id, where it is there, and its lines in the manifest.
    pub fn delete(&self, ids: &[SampleId]) -> Outcome<()> {
        let manifest = self.folder.join(MANIFEST);
        if !manifest.is_file() {
            return Ok(());
        }
        for id in ids {
            remove_if_there(&self.path(id))?;
        }
        let text = fs::read_to_string(&manifest).map_err(StudyErrorKind::file(&manifest, "read"))?;
        let names: Vec<String> = ids.iter().map(SampleId::to_string).collect();
        let of_others = |line: &&str| !names.iter().any(|name| line.contains(name));
        let rest: String = text.split_inclusive('\n').filter(of_others).collect();
        if rest.len() < text.len() {
            let part = self.folder.join(format!("{MANIFEST}.part"));
            let written = File::create(&part).and_then(|mut file| {
                file.write_all(rest.as_bytes())?;
                file.sync_all()
            });
            written.map_err(StudyErrorKind::file(&part, "written"))?;
            fs::rename(&part, &manifest).map_err(StudyErrorKind::file(&manifest, "written"))?;
        }
        self.sync()
    }

    fn set_aside(&self, blobs: &Blobs, strays: &[SampleId]) -> Outcome<()> {
        fs::create_dir_all(&self.folder).map_err(StudyErrorKind::file(&self.folder, "made"))?;
        // The manifest first: what is there without a line would be a riddle, a line without a file is none.
        self.note(blobs, strays)?;
        for id in strays {
            let path = self.path(id);
            fs::rename(blobs.path(id), &path).map_err(StudyErrorKind::file(&path, "written"))?;
        }
        self.sync()?;
        blobs.sync()
    }

    fn note(&self, blobs: &Blobs, strays: &[SampleId]) -> Outcome<()> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let unix_seconds = now.map_or(0, |since| since.as_secs());
        let line = |id: &SampleId| {
            let bytes = fs::metadata(blobs.path(id)).map_or(0, |metadata| metadata.len());
            let line = ManifestLine { sha256: id.to_string(), bytes, unix_seconds };
            serde_json::to_string(&line).expect("plain data can be written") + "\n"
        };
        let lines: String = strays.iter().map(line).collect();
        let path = self.folder.join(MANIFEST);
        let appended = OpenOptions::new().create(true).append(true).open(&path).and_then(|mut file| {
            file.write_all(lines.as_bytes())?;
            file.sync_all()
        });
        appended.map_err(StudyErrorKind::file(&path, "written"))
    }

    fn put_back(&self, blobs: &Blobs, known: &HashSet<SampleId>) -> Outcome<usize> {
        let named: Vec<SampleId> = self.ids()?.into_iter().filter(|id| known.contains(id)).collect();
        // An original that was imported again meanwhile is there twice: of two equal files one is enough.
        let (again, missing): (Vec<SampleId>, Vec<SampleId>) =
            named.into_iter().partition(|id| blobs.path(id).exists());
        let equal = |id: &SampleId| -> Outcome<bool> {
            let read = |path: PathBuf| fs::read(&path).map_err(StudyErrorKind::file(&path, "read"));
            Ok(read(blobs.path(id))? == read(self.path(id))?)
        };
        for id in again {
            if equal(&id)? {
                self.delete(&[id])?;
            }
        }
        let put_back = missing.len();
        for id in missing {
            blobs.prepare()?;
            let path = blobs.path(&id);
            fs::rename(self.path(&id), &path).map_err(StudyErrorKind::file(&path, "written"))?;
        }
        if put_back > 0 {
            blobs.sync()?;
            self.sync()?;
        }
        Ok(put_back)
    }

    fn ids(&self) -> Outcome<Vec<SampleId>> {
        Blobs::at(self.folder.clone()).ids()
    }

    fn sync(&self) -> Outcome<()> {
        sync_folder(&self.folder).map_err(StudyErrorKind::file(&self.folder, "synced"))
    }
}

/// Deletes a file; one that is not there is gone already.
pub(super) fn remove_if_there(path: &Path) -> Outcome<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StudyErrorKind::file(path, "removed")(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn originals_without_a_row_are_set_aside_come_back_and_go_when_they_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let (blobs, orphans) = (Blobs::of(dir.path()), Orphans::of(dir.path()));
        assert_eq!(orphans.settle(&blobs, &HashSet::new()).unwrap(), OrphanReport::default());
        blobs.prepare().unwrap();
        let ids = [b"kept", b"lost"].map(|bytes| {
            let id = SampleId::of(bytes);
            fs::write(blobs.path(&id), bytes).unwrap();
            id
        });
        let settle = |known: &[SampleId]| orphans.settle(&blobs, &known.iter().copied().collect()).unwrap();
        assert_eq!(settle(&ids[..1]), OrphanReport { set_aside: 1, put_back: 0 });
        assert_eq!(
            (orphans.count().unwrap(), fs::read(orphans.path(&ids[1])).unwrap()),
            (1, b"lost".to_vec())
        );
        let manifest = || fs::read_to_string(dir.path().join("orphans/manifest.jsonl")).unwrap();
        assert!(manifest().contains(&ids[1].to_string()) && manifest().contains("\"bytes\":4"));
        assert_eq!(settle(&ids), OrphanReport { set_aside: 0, put_back: 1 });
        assert_eq!(fs::read(blobs.path(&ids[1])).unwrap(), b"lost");
        fs::write(orphans.path(&ids[1]), b"lost").unwrap();
        assert_eq!(settle(&ids), OrphanReport::default());
        assert_eq!(orphans.count().unwrap(), 0, "of two equal files one is enough");
        assert_eq!(settle(&[]), OrphanReport { set_aside: 2, put_back: 0 });
        orphans.delete(&ids[..1]).unwrap();
        assert!(!orphans.path(&ids[0]).exists() && orphans.path(&ids[1]).exists());
        assert!(!manifest().contains(&ids[0].to_string()) && manifest().contains(&ids[1].to_string()));
    }
}
