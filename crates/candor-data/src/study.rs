//! The study: a folder that holds pictures with all that is known of them, so that nothing of it is lost or forgotten.
//!
//! `study.db` (SQLite: any tool reads it) says what pictures there are, where each came from, what class it has; `blobs/`
//! holds the originals by their SHA-256, `derived/` what was cut out of them, `runs/` the trainings. A study is itself a source of pictures.
//!
//! Killed at any moment, a study is whole: files are written beside their place and renamed, blobs come before their rows,
//! rows come and go in transactions, and half-written files are swept away when the study is next written to. No original is
//! deleted but by `forget`: one that no row names is set aside in `orphans/`.

mod blobs;
mod cropping;
mod error;
mod exif;
mod fetches;
mod forget;
mod import;
mod label;
mod listing;
mod orphans;
mod outside;
mod schema;
mod splitting;
mod status;
mod ties;

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use candor_core::SampleId;
use rusqlite::Connection;

pub use cropping::{Cropped, CroppedHow, FoundFace, KeptCrop, Searched};
pub use error::{StudyError, StudyErrorKind};
pub(crate) use fetches::{Came, Ended, Expected, FetchKind, NamedPicture, NewPicture, Waiting};
pub use forget::{Doomed, Resemblance, Signs, Sketch, Sketches};
pub use import::{ImportOptions, Imported, Keep, Resembles};
pub use label::{CLASS, Holds, Labelled, NewOpinion, Opinion};
pub(crate) use listing::{InSplit, Listed, Place};
pub use orphans::{ORPHANS, OrphanReport};
pub use outside::{OutsideCopy, OutsideFolder};
pub use splitting::{ALL, Dealt, MAIN, Method, NamedSplit, SplitMade, SplitRequest};
pub use status::{ClassCount, CropCount, SourceCount, Status};
pub use ties::{Exif, Tie, Tied, chains, find as find_ties};

use blobs::Blobs;
use orphans::{Orphans, remove_if_there};

/// The name of the ledger in the study's folder.
pub const LEDGER: &str = "study.db";
/// The folder for trainings in the study's folder.
pub const RUNS: &str = "runs";
/// The folder for crops in the study's folder.
pub const DERIVED: &str = "derived";
const LOCK: &str = ".lock";

/// An opened study.
#[derive(Debug)]
pub struct Study {
    path: PathBuf,
    connection: Connection,
    blobs: Blobs,
    derived: Blobs,
    orphans: Orphans,
    /// What was done about originals without a row when it was opened.
    orphan_report: OrphanReport,
    /// Held by the one process that writes.
    _lock: Option<File>,
}

type Outcome<T> = Result<T, StudyErrorKind>;

impl Study {
    /// Whether there is a study in the folder at `path`.
    pub fn is_at(path: &Path) -> bool {
        path.join(LEDGER).is_file()
    }

    /// Opens the study at `path` for reading; another process may write meanwhile.
    ///
    /// # Errors
    /// When there is none, a newer candor wrote it, or the disk says no.
    pub fn read(path: &Path) -> Result<Study, StudyError> {
        Study::open(path, false).map_err(|kind| StudyError::new(path, kind))
    }

    /// Opens the study at `path` for writing, alone: completes a removal that was killed, deletes half-written files,
    /// and sets originals aside that no row names ([`Study::orphan_report`]).
    ///
    /// # Errors
    /// As [`Study::read`], when another process writes, and when the ledger is damaged: then nothing is changed.
    pub fn write(path: &Path) -> Result<Study, StudyError> {
        Study::open(path, true).map_err(|kind| StudyError::new(path, kind))
    }

    /// The same, and makes the study where the folder does not exist or is empty.
    ///
    /// # Errors
    /// As [`Study::write`], and when something else is in the folder.
    pub fn create(path: &Path) -> Result<Study, StudyError> {
        let create = || {
            fs::create_dir_all(path).map_err(StudyErrorKind::file(path, "made"))?;
            let mut entries = fs::read_dir(path).map_err(StudyErrorKind::file(path, "read"))?;
            let foreign = |name: &std::ffi::OsStr| name != LOCK;
            match Study::is_at(path) || !entries.any(|entry| entry.is_ok_and(|e| foreign(&e.file_name()))) {
                true => Study::open_here(path, true),
                false => Err(StudyErrorKind::NotEmpty),
            }
        };
        create().map_err(|kind| StudyError::new(path, kind))
    }

    fn open(path: &Path, alone: bool) -> Outcome<Study> {
        match Study::is_at(path) {
            true => Study::open_here(path, alone),
            false => Err(StudyErrorKind::NotAStudy),
        }
    }

    fn open_here(path: &Path, alone: bool) -> Outcome<Study> {
        let lock = if alone { lock(path)? } else { None };
        let mut study = Study {
            path: path.to_owned(),
            connection: connect(&path.join(LEDGER))?,
            blobs: Blobs::of(path),
            derived: Blobs::derived(path),
            orphans: Orphans::of(path),
            orphan_report: OrphanReport::default(),
            _lock: lock,
        };
        if alone {
            study.check_ledger()?;
            study.complete_removals()?;
            study.tidy()?;
            // Of what was taken out, a killed process may have left something in the log.
            study
                .flush()
                .or_else(|kind| if matches!(kind, StudyErrorKind::BeingRead) { Ok(()) } else { Err(kind) })?;
        }
        Ok(study)
    }

    /// The study's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn at<T>(&self, outcome: Outcome<T>) -> Result<T, StudyError> {
        outcome.map_err(|kind| StudyError::new(&self.path, kind))
    }

    /// What was done about originals without a row when the study was opened for writing.
    pub fn orphan_report(&self) -> OrphanReport {
        self.orphan_report
    }

    /// Whether SQLite finds the ledger whole and every row's references there. A damaged one could name too few originals.
    fn check_ledger(&self) -> Outcome<()> {
        let damaged = |found| StudyErrorKind::Damaged { found };
        let told: String = self
            .connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
            .map_err(|error| damaged(error.to_string()))?;
        if told != "ok" {
            return Err(damaged(told));
        }
        let mut broken = self.connection.prepare("PRAGMA foreign_key_check")?;
        match broken.query([])?.next()? {
            Some(row) => Err(damaged(format!(
                "a row of “{}” names a row that does not exist",
                row.get::<_, String>(0)?
            ))),
            None => Ok(()),
        }
    }

    /// Deletes the files of pictures whose rows were taken out.
    fn complete_removals(&self) -> Outcome<()> {
        let ids: Vec<SampleId> = self.ids_in("SELECT sha256 FROM removal")?.into_iter().collect();
        if ids.is_empty() {
            return Ok(());
        }
        for id in &ids {
            remove_if_there(&self.blobs.path(id))?;
            remove_if_there(&self.derived.path(id))?;
        }
        self.orphans.delete(&ids)?;
        self.blobs.sync()?;
        self.derived.sync()?;
        self.connection.execute("DELETE FROM removal", [])?;
        Ok(())
    }

    /// Deletes half-written files and crops without a row; sets originals without a row aside.
    fn tidy(&mut self) -> Outcome<()> {
        self.blobs.sweep_parts()?;
        self.derived.sweep_crops(&self.crop_ids()?)?;
        self.orphan_report = self.orphans.settle(&self.blobs, &self.ids()?)?;
        Ok(())
    }

    /// The ids of all pictures.
    fn ids(&self) -> Outcome<HashSet<SampleId>> {
        self.ids_in("SELECT sha256 FROM picture")
    }

    /// The ids of all crops.
    fn crop_ids(&self) -> Outcome<HashSet<SampleId>> {
        self.ids_in("SELECT crop FROM face WHERE crop IS NOT NULL")
    }

    fn ids_in(&self, sql: &str) -> Outcome<HashSet<SampleId>> {
        let mut rows = self.connection.prepare(sql)?;
        let ids = rows.query_map([], |row| row.get::<_, String>(0))?;
        let ids: Vec<String> = ids.collect::<rusqlite::Result<_>>()?;
        Ok(ids.iter().filter_map(|id| SampleId::from_hex(id)).collect())
    }
}

fn connect(ledger: &Path) -> Outcome<Connection> {
    let mut connection = Connection::open(ledger)?;
    connection.busy_timeout(Duration::from_secs(60))?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What is deleted is overwritten: a name that was taken out must not be found in the file's free pages.
    connection.pragma_update(None, "secure_delete", true)?;
    schema::migrate(&mut connection)?;
    Ok(connection)
}

fn lock(path: &Path) -> Outcome<Option<File>> {
    let name = path.join(LOCK);
    let file = File::create(&name).map_err(StudyErrorKind::file(&name, "made"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StudyErrorKind::InUse),
        // Some network file systems know no locks: better to work than to refuse.
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_study_is_made_once_and_written_by_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("study");
        assert!(matches!(Study::read(&path).unwrap_err().kind(), StudyErrorKind::NotAStudy));
        let held = Study::create(&path).unwrap();
        assert!(matches!(Study::write(&path).unwrap_err().kind(), StudyErrorKind::InUse));
        assert!(Study::read(&path).is_ok(), "reading is always possible");
        drop(held);
        assert!(Study::create(&path).is_ok(), "a study that is there is opened");
    }

    #[test]
    fn a_folder_with_something_else_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.docx"), "years of work").unwrap();
        let error = Study::create(dir.path()).unwrap_err();
        assert!(matches!(error.kind(), StudyErrorKind::NotEmpty), "{error}");
        assert!(!Study::is_at(dir.path()));
    }

    #[test]
    fn what_is_no_database_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(LEDGER), "Dear editor, this is no database at all. ".repeat(40)).unwrap();
        let error = Study::read(dir.path()).unwrap_err().to_string();
        assert!(error.contains("study.db: file is not a database"), "{error}");
    }
}
