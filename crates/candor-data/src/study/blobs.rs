//! Files by the SHA-256 of their bytes, each whole or absent: the originals in `blobs/`, what was cut out of them in `derived/`.
//!
//! A blob is on the disk before its row is written, so a row never lacks its blob. An original without a row is set aside
//! (`orphans.rs`); a crop without one is deleted, since it can be made again.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use candor_core::SampleId;

use super::orphans::remove_if_there;
use super::{DERIVED, StudyErrorKind};

/// A folder of such files.
#[derive(Clone, Debug)]
pub(crate) struct Blobs {
    folder: PathBuf,
}

const PART: &str = ".part";
/// Files whose arrival on the disk is waited for at the same time.
const SYNCS_AT_ONCE: usize = 32;

/// A blob that is written, but not in its place yet.
#[derive(Debug)]
pub(crate) struct Beside {
    part: PathBuf,
    path: PathBuf,
}

impl Beside {
    fn sync(&self) -> Result<(), StudyErrorKind> {
        let synced = OpenOptions::new().write(true).open(&self.part).and_then(|file| file.sync_all());
        synced.map_err(StudyErrorKind::file(&self.part, "synced"))
    }
}

impl Blobs {
    /// The originals of the study at `study`. The folder is made when a blob is put.
    pub fn of(study: &Path) -> Blobs {
        Blobs { folder: study.join("blobs") }
    }

    /// What was cut out of them.
    pub fn derived(study: &Path) -> Blobs {
        Blobs { folder: study.join(DERIVED) }
    }

    /// Such files in any folder.
    pub fn at(folder: PathBuf) -> Blobs {
        Blobs { folder }
    }

    /// Where the blob is, or would be.
    pub fn path(&self, id: &SampleId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Makes the folder.
    pub fn prepare(&self) -> Result<(), StudyErrorKind> {
        fs::create_dir_all(&self.folder).map_err(StudyErrorKind::file(&self.folder, "made"))
    }

    /// Writes `bytes` beside their place; [`Blobs::settle`] puts them in place. `writer` is a number that no other thread has
    /// at the moment. `None` where the blob is in its place already.
    pub fn write_beside(
        &self,
        id: &SampleId,
        bytes: &[u8],
        writer: usize,
    ) -> Result<Option<Beside>, StudyErrorKind> {
        let path = self.path(id);
        if path.is_file() {
            return Ok(None);
        }
        let part = self.folder.join(format!("{id}-{writer}{PART}"));
        fs::write(&part, bytes).map_err(StudyErrorKind::file(&part, "written"))?;
        Ok(Some(Beside { part, path }))
    }

    /// Forces what was written onto the disk and puts it in place, names included.
    pub fn settle(&self, written: &[&Beside]) -> Result<(), StudyErrorKind> {
        // Disks take many writes in one go: waiting for them one after the other takes three times as long.
        let share = written.len().div_ceil(SYNCS_AT_ONCE).max(1);
        std::thread::scope(|scope| {
            let waiting: Vec<_> = written
                .chunks(share)
                .map(|chunk| scope.spawn(|| chunk.iter().try_for_each(|beside| beside.sync())))
                .collect();
            waiting
                .into_iter()
                .try_for_each(|thread| thread.join().expect("waiting for a disk does not panic"))
        })?;
        for Beside { part, path } in written {
            fs::rename(part, path).map_err(StudyErrorKind::file(path, "written"))?;
        }
        self.sync()
    }

    /// Gives the file at `original` a second name in the study; false where the file system cannot.
    pub fn link(&self, id: &SampleId, original: &Path) -> bool {
        let path = self.path(id);
        path.is_file() || fs::hard_link(original, &path).is_ok()
    }

    /// Forces the names of new blobs, and that names are gone, onto the disk.
    pub fn sync(&self) -> Result<(), StudyErrorKind> {
        match sync_folder(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            synced => synced.map_err(StudyErrorKind::file(&self.folder, "synced")),
        }
    }

    /// The ids of the files that are there. Files that candor did not name are left alone.
    pub fn ids(&self) -> Result<Vec<SampleId>, StudyErrorKind> {
        let id = |path: &PathBuf| SampleId::from_hex(&path.file_name()?.to_string_lossy());
        Ok(self.files()?.iter().filter_map(id).collect())
    }

    /// Deletes half-written files, which a killed process left.
    pub fn sweep_parts(&self) -> Result<(), StudyErrorKind> {
        let is_part = |path: &PathBuf| path.to_string_lossy().ends_with(PART);
        self.files()?.iter().filter(|path| is_part(path)).try_for_each(|path| remove_if_there(path))
    }

    /// Deletes what has no row and can be made again: crops.
    pub fn sweep_crops(&self, known: &HashSet<SampleId>) -> Result<(), StudyErrorKind> {
        self.sweep_parts()?;
        let without_row = self.ids()?.into_iter().filter(|id| !known.contains(id));
        without_row.into_iter().try_for_each(|id| remove_if_there(&self.path(&id)))
    }

    fn files(&self) -> Result<Vec<PathBuf>, StudyErrorKind> {
        let unreadable = || StudyErrorKind::file(&self.folder, "read");
        match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            entries => {
                let entries = entries.map_err(unreadable())?;
                entries.map(|entry| Ok(entry.map_err(unreadable())?.path())).collect()
            }
        }
    }
}

/// A new name survives a power cut only when the folder is on the disk too.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_takes_halves_and_crops_without_a_row_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::of(dir.path());
        blobs.sweep_parts().unwrap();
        blobs.prepare().unwrap();
        let ids = [b"kept", b"lost"].map(|bytes| {
            let id = SampleId::of(bytes);
            let beside = blobs.write_beside(&id, bytes, 0).unwrap().unwrap();
            assert!(!blobs.path(&id).exists());
            blobs.settle(&[&beside]).unwrap();
            id
        });
        for name in ["notes.txt", "abc-1.part"] {
            fs::write(dir.path().join("blobs").join(name), "").unwrap();
        }
        blobs.sweep_parts().unwrap();
        assert_eq!(blobs.ids().unwrap().len(), 2, "no original goes with the halves");
        blobs.sweep_crops(&HashSet::from([ids[0]])).unwrap();
        assert_eq!(fs::read(blobs.path(&ids[0])).unwrap(), b"kept");
        assert!(!blobs.path(&ids[1]).exists() && dir.path().join("blobs/notes.txt").exists());
        assert!(!dir.path().join("blobs/abc-1.part").exists());
    }
}
