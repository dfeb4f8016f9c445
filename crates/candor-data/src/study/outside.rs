//! Where pictures were written to outside of the study: by `export`, and by `crop` into a folder. Taking a picture out has to
//! reach there too. Here is only what the ledger knows of it; the files themselves are looked at by whoever takes them away.

use std::path::{Path, PathBuf};

use candor_core::SampleId;
use rusqlite::{Row, params};
use serde::Serialize;

use super::{Doomed, Outcome, Study, StudyError, StudyErrorKind};

/// A folder outside of the study that pictures of it were written to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutsideFolder {
    /// Its number in the ledger.
    #[serde(skip)]
    pub number: i64,
    /// Where it was when it was written: absolute, without links.
    pub folder: PathBuf,
    /// What wrote it: `crop` or `export`.
    pub verb: String,
    /// How the pictures lie in it: the name of one of [`crate::export::LAYOUTS`].
    pub layout: String,
    /// When, UTC.
    pub written_at: String,
    /// Since when it may hold pictures that were taken out of the study, UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_since: Option<String>,
}

/// What of one picture is in such a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideCopy {
    /// The picture, or a crop of it that the study keeps.
    pub of: SampleId,
    /// SHA-256 and length of what was written; `None` where only a table speaks of the picture.
    pub written: Option<(SampleId, u64)>,
    /// The file within the folder, where it holds many pictures and is complete.
    pub file: Option<String>,
}

impl Study {
    /// Writes down that pictures are about to be written into `folder`, which is empty: what was known of it no longer holds. The
    /// number is the one to give to [`Study::note_copies`].
    ///
    /// # Errors
    /// When there is no such folder, or the ledger cannot be written.
    pub fn note_outside(&self, folder: &Path, verb: &str, layout: &str) -> Result<i64, StudyError> {
        let note = || -> Outcome<i64> {
            let real = folder.canonicalize().map_err(StudyErrorKind::file(folder, "found"))?;
            let real = real.display().to_string();
            self.connection.execute("DELETE FROM outside WHERE folder = ?1", [&real])?;
            let sql = "INSERT INTO outside (folder, verb, layout) VALUES (?1, ?2, ?3) RETURNING id";
            Ok(self.connection.query_row(sql, params![real, verb, layout], |row| row.get(0))?)
        };
        self.at(note())
    }

    /// Writes down what is about to be written there, and the faces that the study keeps are told from whose they are.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note_copies(&mut self, outside: i64, copies: &[OutsideCopy]) -> Result<(), StudyError> {
        let mut note = || -> Outcome<()> {
            let transaction = self.connection.transaction()?;
            for OutsideCopy { of, written, file } in copies {
                let sql = "INSERT INTO outside_copy (outside, picture, sha256, bytes, file)
                           SELECT ?1, id, ?3, ?4, ?5 FROM picture
                           WHERE sha256 = ?2 OR id IN (SELECT picture FROM face WHERE crop = ?2)";
                let (id, bytes) = written.map(|(id, bytes)| (id.to_string(), bytes as i64)).unzip();
                transaction.execute(sql, params![outside, of.to_string(), id, bytes, file])?;
            }
            Ok(transaction.commit()?)
        };
        let noted = note();
        self.at(noted)
    }

    /// Writes down which file holds which picture, for files that hold many and are complete.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note_bundles(&mut self, outside: i64, held: &[(SampleId, String)]) -> Result<(), StudyError> {
        let mut note = || -> Outcome<()> {
            let transaction = self.connection.transaction()?;
            for (id, file) in held {
                let sql = "UPDATE outside_copy SET file = ?3 WHERE outside = ?1 AND sha256 = ?2";
                transaction.execute(sql, params![outside, id.to_string(), file])?;
            }
            Ok(transaction.commit()?)
        };
        let noted = note();
        self.at(noted)
    }

    /// The folders that anything of the pictures was written to, each with what was written.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn outside_of(
        &self,
        doomed: &[Doomed],
    ) -> Result<Vec<(OutsideFolder, Vec<OutsideCopy>)>, StudyError> {
        let find = || -> Outcome<_> {
            let mut found = Vec::new();
            for folder in self.folders_outside()? {
                let copies: Vec<Vec<OutsideCopy>> = doomed
                    .iter()
                    .map(|picture| self.copies_in(&folder, picture.id))
                    .collect::<Outcome<_>>()?;
                found.push((folder, copies.concat()));
            }
            found.retain(|(_, copies)| !copies.is_empty());
            Ok(found)
        };
        self.at(find())
    }

    fn copies_in(&self, folder: &OutsideFolder, of: SampleId) -> Outcome<Vec<OutsideCopy>> {
        let sql = "SELECT outside_copy.sha256, outside_copy.bytes, file FROM outside_copy JOIN picture ON picture.id = picture
                   WHERE outside = ?1 AND picture.sha256 = ?2";
        let mut rows = self.connection.prepare(sql)?;
        let copy = |row: &Row<'_>| {
            let (id, bytes): (Option<String>, Option<i64>) = (row.get(0)?, row.get(1)?);
            let id = id.and_then(|id| SampleId::from_hex(&id));
            Ok(OutsideCopy { of, written: id.zip(bytes.map(|bytes| bytes as u64)), file: row.get(2)? })
        };
        let copies = rows.query_map(params![folder.number, of.to_string()], copy)?;
        Ok(copies.collect::<rusqlite::Result<_>>()?)
    }

    /// Writes down that the folder may hold pictures which are taken out of the study now.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn note_stale(&self, folder: &OutsideFolder) -> Result<(), StudyError> {
        let sql = "UPDATE outside SET stale_since = ifnull(stale_since, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')) WHERE id = ?1";
        let noted = self.connection.execute(sql, [folder.number]);
        self.at(noted.map(|_| ()).map_err(StudyErrorKind::from))
    }

    /// All folders that pictures were written to, in the order in which that was done.
    pub(super) fn folders_outside(&self) -> Outcome<Vec<OutsideFolder>> {
        let sql = "SELECT id, folder, verb, layout, written_at, stale_since FROM outside ORDER BY id";
        let mut rows = self.connection.prepare(sql)?;
        let folders = rows.query_map([], |row| {
            Ok(OutsideFolder {
                number: row.get(0)?,
                folder: PathBuf::from(row.get::<_, String>(1)?),
                verb: row.get(2)?,
                layout: row.get(3)?,
                written_at: row.get(4)?,
                stale_since: row.get(5)?,
            })
        })?;
        Ok(folders.collect::<rusqlite::Result<_>>()?)
    }
}
