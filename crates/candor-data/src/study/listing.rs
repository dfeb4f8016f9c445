//! A study's pictures, in the order of their ids: the same whatever was imported first.

use std::collections::BTreeMap;
use std::path::PathBuf;

use candor_core::{Provenance, SampleId, Subset};
use rusqlite::Row;

use super::{Outcome, Study, StudyError};

/// One picture of a study.
pub(crate) struct Listed {
    pub id: SampleId,
    pub class: String,
    pub subset: Option<Subset>,
    pub group: Option<String>,
    pub provenance: Provenance,
    pub attributes: BTreeMap<String, String>,
    pub place: Place,
}

/// Where an original is.
pub(crate) enum Place {
    Blob(PathBuf),
    Reference(PathBuf),
}

impl Study {
    /// All pictures.
    pub(crate) fn list(&self) -> Result<Vec<Listed>, StudyError> {
        self.at(self.list_all())
    }

    pub(super) fn list_all(&self) -> Outcome<Vec<Listed>> {
        let mut attributes = self.attributes()?;
        // Of several origins the one that was found first.
        let sql = "SELECT picture.id, sha256, picture.class, subset, grouped_by, reference, file, row, url
                   FROM picture LEFT JOIN origin ON origin.id = (SELECT min(id) FROM origin WHERE picture = picture.id)
                   ORDER BY sha256";
        let mut rows = self.connection.prepare(sql)?;
        let listed = rows.query_map([], |row| {
            Ok(self.listed(row)?.map(|(number, listed)| {
                let attributes = attributes.remove(&number).unwrap_or_default();
                Listed { attributes, ..listed }
            }))
        })?;
        let listed: Vec<Option<Listed>> = listed.collect::<rusqlite::Result<_>>()?;
        Ok(listed.into_iter().flatten().collect())
    }

    fn listed(&self, row: &Row<'_>) -> rusqlite::Result<Option<(i64, Listed)>> {
        let Some(id) = SampleId::from_hex(&row.get::<_, String>(1)?) else { return Ok(None) };
        let place = match row.get::<_, Option<String>>(5)? {
            Some(file) => Place::Reference(file.into()),
            None => Place::Blob(self.blobs.path(&id)),
        };
        let listed = Listed {
            id,
            class: row.get(2)?,
            subset: row.get::<_, Option<String>>(3)?.and_then(|name| subset_called(&name)),
            group: row.get(4)?,
            provenance: Provenance {
                file: row.get::<_, Option<String>>(6)?.unwrap_or_else(|| id.to_string()),
                row: row.get::<_, Option<i64>>(7)?.map(|row| row as u64),
                url: row.get(8)?,
            },
            attributes: BTreeMap::new(),
            place,
        };
        Ok(Some((row.get(0)?, listed)))
    }

    fn attributes(&self) -> Outcome<BTreeMap<i64, BTreeMap<String, String>>> {
        let mut rows = self.connection.prepare("SELECT picture, name, value FROM attribute")?;
        let all = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let mut attributes: BTreeMap<i64, BTreeMap<String, String>> = BTreeMap::new();
        for attribute in all {
            let (picture, name, value) = attribute?;
            attributes.entry(picture).or_default().insert(name, value);
        }
        Ok(attributes)
    }
}

fn subset_called(name: &str) -> Option<Subset> {
    Subset::ALL.into_iter().find(|subset| subset.name() == name)
}
