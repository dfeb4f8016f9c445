//! A study in short.

use std::path::PathBuf;

use serde::Serialize;

use super::{CroppedHow, NamedSplit, Outcome, OutsideFolder, Place, Study, StudyError};

/// What is in a study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The study's folder.
    pub study: PathBuf,
    /// Pictures, each counted once.
    pub pictures: usize,
    /// Bytes of their originals.
    pub bytes: u64,
    /// Pictures whose original is not where it should be.
    pub missing: usize,
    /// Originals in `orphans/`, which no row names.
    pub orphans: usize,
    /// Pictures that were found in more than one place.
    pub found_twice: usize,
    /// By name.
    pub classes: Vec<ClassCount>,
    /// In the order in which they were first imported.
    pub sources: Vec<SourceCount>,
    /// By name.
    pub splits: Vec<NamedSplit>,
    /// Faces that were cut out, once that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crops: Option<CropCount>,
    /// Folders outside of the study that pictures were written to, in the order in which that was done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outside: Vec<OutsideFolder>,
}

/// What was cut out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CropCount {
    /// How.
    #[serde(flatten)]
    pub made: CroppedHow,
    /// Crops.
    pub crops: usize,
    /// Pictures out of which nothing was cut.
    pub failures: usize,
    /// Pictures in which no face was looked for yet: added since.
    pub not_looked_at: usize,
}

/// Pictures of a class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// The class.
    pub class: String,
    /// Pictures.
    pub pictures: usize,
}

/// Pictures of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SourceCount {
    /// Where it is.
    pub place: String,
    /// What it is.
    pub kind: String,
    /// When it was last imported, UTC.
    pub imported_at: String,
    /// Pictures that were found there.
    pub pictures: usize,
    /// What was left out then; of what was collected, addresses that were refused or failed.
    pub problems: usize,
}

impl Study {
    /// Counts what is there.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn status(&self) -> Result<Status, StudyError> {
        self.at(self.count())
    }

    fn count(&self) -> Outcome<Status> {
        let number = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        let twice = "SELECT count(*) FROM (SELECT picture FROM origin GROUP BY picture HAVING count(*) > 1)";
        let is_missing = |place: &Place| !place.path().is_file();
        Ok(Status {
            study: self.path.clone(),
            pictures: number("SELECT count(*) FROM picture")? as usize,
            bytes: number("SELECT ifnull(sum(bytes), 0) FROM picture")? as u64,
            missing: self.list_all()?.iter().filter(|listed| is_missing(&listed.place)).count(),
            orphans: self.orphans.count()?,
            found_twice: number(twice)? as usize,
            classes: self.class_counts()?,
            sources: self.source_counts()?,
            splits: self.split_counts()?,
            crops: self.crop_counts()?,
            outside: self.folders_outside()?,
        })
    }

    fn crop_counts(&self) -> Outcome<Option<CropCount>> {
        let Some(made) = self.cropped_how()? else { return Ok(None) };
        let number = |sql: &str| self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        Ok(Some(CropCount {
            made,
            crops: number("SELECT count(crop) FROM face")? as usize,
            failures: number("SELECT count(failure) FROM searched")? as usize,
            not_looked_at: number(
                "SELECT count(*) FROM picture WHERE id NOT IN (SELECT picture FROM searched)",
            )? as usize,
        }))
    }

    fn class_counts(&self) -> Outcome<Vec<ClassCount>> {
        let mut rows =
            self.connection.prepare("SELECT class, count(*) FROM picture GROUP BY class ORDER BY class")?;
        let counts = rows.query_map([], |row| {
            Ok(ClassCount { class: row.get(0)?, pictures: row.get::<_, i64>(1)? as usize })
        })?;
        Ok(counts.collect::<rusqlite::Result<_>>()?)
    }

    fn source_counts(&self) -> Outcome<Vec<SourceCount>> {
        let sql = "SELECT place, kind, imported_at,
                          (SELECT count(DISTINCT picture) FROM origin WHERE source = source.id),
                          (SELECT count(*) FROM problem WHERE source = source.id)
                            + (SELECT count(*) FROM fetch WHERE source = source.id AND state IN ('refused', 'failed') AND kind <> 'robots')
                   FROM source ORDER BY id";
        let mut rows = self.connection.prepare(sql)?;
        let counts = rows.query_map([], |row| {
            Ok(SourceCount {
                place: row.get(0)?,
                kind: row.get(1)?,
                imported_at: row.get(2)?,
                pictures: row.get::<_, i64>(3)? as usize,
                problems: row.get::<_, i64>(4)? as usize,
            })
        })?;
        Ok(counts.collect::<rusqlite::Result<_>>()?)
    }
}
