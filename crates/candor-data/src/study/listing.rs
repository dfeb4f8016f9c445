//! A study's pictures, in the order of their ids: the same whatever was imported first.

use std::collections::BTreeMap;
use std::path::PathBuf;

use candor_core::{Provenance, SampleId, Subset};
use rusqlite::Row;

use super::ties::Exif;
use super::{ALL, KeptCrop, MAIN, Outcome, Study, StudyError, StudyErrorKind};

/// One picture of a study.
pub(crate) struct Listed {
    /// Of its row.
    pub number: i64,
    pub id: SampleId,
    pub class: String,
    pub subset: Option<Subset>,
    pub group: Option<String>,
    pub provenance: Provenance,
    pub attributes: BTreeMap<String, String>,
    pub place: Place,
    pub exif: Exif,
    /// What keeps it together with others in a split, by whatever tie.
    pub unit: Option<String>,
    /// The place that it was first imported from.
    pub source: String,
}

/// The pictures of a split.
pub(crate) struct InSplit {
    pub pictures: Vec<Listed>,
    /// Pictures that are in none of its subsets: added since.
    pub outside: usize,
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

    /// The pictures of the split called `name`, each with its subset there; all, where no name is given and nothing was split.
    pub(crate) fn list_split(&self, name: Option<&str>) -> Result<InSplit, StudyError> {
        self.at(self.split_pictures(name))
    }

    /// The pictures that were found in more than one place, each with all of them.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn found_elsewhere(&self) -> Result<BTreeMap<SampleId, Vec<String>>, StudyError> {
        self.at(self.origins_of_several())
    }

    fn origins_of_several(&self) -> Outcome<BTreeMap<SampleId, Vec<String>>> {
        let sql = "SELECT sha256, place || '/' || file || ifnull(', row ' || row, '')
                   FROM origin JOIN picture ON picture.id = picture JOIN source ON source.id = source
                   WHERE picture IN (SELECT picture FROM origin GROUP BY picture HAVING count(*) > 1) ORDER BY origin.id";
        let mut rows = self.connection.prepare(sql)?;
        let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let mut found: BTreeMap<SampleId, Vec<String>> = BTreeMap::new();
        for row in rows {
            let (id, place) = row?;
            if let Some(id) = SampleId::from_hex(&id) {
                found.entry(id).or_default().push(place);
            }
        }
        Ok(found)
    }

    /// The crops of each picture, by the picture's row; none at all is an error.
    pub(crate) fn list_crops(&self) -> Result<BTreeMap<i64, Vec<KeptCrop>>, StudyError> {
        let crops = self.crops().and_then(|crops| match crops.is_empty() {
            true => Err(StudyErrorKind::NoCrops),
            false => Ok(crops),
        });
        self.at(crops)
    }

    fn split_pictures(&self, name: Option<&str>) -> Outcome<InSplit> {
        let pictures = self.list_all()?;
        if name == Some(ALL) {
            return Ok(InSplit { pictures, outside: 0 });
        }
        let members = self.members_by_id(name.unwrap_or(MAIN))?;
        match (name, members.is_empty()) {
            (None, true) => return Ok(InSplit { pictures, outside: 0 }),
            (Some(name), true) => {
                let known: Vec<String> = self.split_counts()?.into_iter().map(|split| split.name).collect();
                let known = if known.is_empty() { "none, yet".to_owned() } else { known.join(", ") };
                return Err(StudyErrorKind::NoSuchSplit { name: name.to_owned(), known });
            }
            _ => {}
        }
        let all = pictures.len();
        let inside = pictures.into_iter().filter_map(|picture| {
            let subset = Some(*members.get(&picture.id.to_string())?);
            Some(Listed { subset, ..picture })
        });
        let pictures: Vec<Listed> = inside.collect();
        Ok(InSplit { outside: all - pictures.len(), pictures })
    }

    pub(super) fn list_all(&self) -> Outcome<Vec<Listed>> {
        let mut attributes = self.attributes()?;
        // Of several origins the one that was found first.
        let sql = "SELECT picture.id, sha256, picture.class, subset, grouped_by, reference, file, row, url, taken_at, camera, place, unit
                   FROM picture LEFT JOIN origin ON origin.id = (SELECT min(id) FROM origin WHERE picture = picture.id)
                                LEFT JOIN source ON source.id = source
                   ORDER BY sha256";
        let mut rows = self.connection.prepare(sql)?;
        let listed = rows.query_map([], |row| {
            Ok(self.listed(row)?.map(|listed| {
                let attributes = attributes.remove(&listed.number).unwrap_or_default();
                Listed { attributes, ..listed }
            }))
        })?;
        let listed: Vec<Option<Listed>> = listed.collect::<rusqlite::Result<_>>()?;
        Ok(listed.into_iter().flatten().collect())
    }

    fn listed(&self, row: &Row<'_>) -> rusqlite::Result<Option<Listed>> {
        let Some(id) = SampleId::from_hex(&row.get::<_, String>(1)?) else { return Ok(None) };
        let place = match row.get::<_, Option<String>>(5)? {
            Some(file) => Place::Reference(file.into()),
            None => Place::Blob(self.blobs.path(&id)),
        };
        Ok(Some(Listed {
            number: row.get(0)?,
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
            exif: Exif { taken_at: row.get(9)?, camera: row.get(10)? },
            source: row.get::<_, Option<String>>(11)?.unwrap_or_default(),
            unit: row.get(12)?,
        }))
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
