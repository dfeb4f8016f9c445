//! Faces cut out of a study's pictures. The originals stay as they are; crops are files of their own in `derived/`, by their
//! SHA-256, and the ledger says of each which face of which picture it shows, and how it was found.
//!
//! In bundles, as an import: crops are on the disk before their rows, rows come in one transaction, and what was begun is
//! gone on with. A crop's id is the SHA-256 of its own bytes; what it is of, its class and its group are the picture's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candor_core::{Area, Detection, Detector, Image, Problem, Progress, Reporter, SampleId, Stage};
use rayon::prelude::*;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;

use super::blobs::{Beside, Blobs};
use super::{Outcome, Place, Study, StudyError, StudyErrorKind};
use crate::decode::{Limits, decode};
use crate::encode::png;
use crate::faces::{Cropping, Which, crop};

/// Pictures whose rows are written at once.
const BUNDLE: usize = 64;
/// More faces than anybody finds in one picture.
const MOST_FACES: usize = 10_000;

/// How the crops of a study were made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CroppedHow {
    /// The detector with its settings.
    pub detector: String,
    /// What was done with what it found.
    #[serde(flatten)]
    pub how: Cropping,
}

/// What looking for faces came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cropped {
    /// How.
    #[serde(flatten)]
    pub made: CroppedHow,
    /// Pictures that were looked at now.
    pub looked_at: usize,
    /// Pictures that had been looked at before, in the same way.
    pub known: usize,
    /// Crops that were made now.
    pub new: usize,
    /// Crops that had been made in another way, and were taken away.
    pub replaced: usize,
    /// Pictures that could not be read. They are looked at again the next time.
    pub problems: Vec<Problem>,
}

/// A picture in which faces were looked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Searched {
    /// SHA-256 of the original.
    pub id: SampleId,
    /// Where it was first found.
    pub file: String,
    /// Its class.
    pub class: String,
    /// Why nothing was cut out; `None` where something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// The faces that were found, the surest first.
    pub faces: Vec<FoundFace>,
    /// The original.
    #[serde(skip)]
    pub original: PathBuf,
}

/// A face that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundFace {
    /// Where, in the original.
    #[serde(flatten)]
    pub face: Detection,
    /// What was cut out; `None` where this face was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<KeptCrop>,
}

/// A crop of a study.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeptCrop {
    /// SHA-256 of its bytes.
    pub id: SampleId,
    /// The square of the original that it shows.
    pub shows: Area,
    /// Its file, a PNG.
    #[serde(skip)]
    pub file: PathBuf,
}

/// A picture that is to be looked at.
struct Todo {
    number: i64,
    id: SampleId,
    file: PathBuf,
    name: String,
}

impl Todo {
    /// The picture, or why it cannot be looked at.
    fn read(&self, limits: &Limits) -> Result<Image, String> {
        let bytes = std::fs::read(&self.file).map_err(|error| format!("cannot be read: {error}"))?;
        match SampleId::of(&bytes) == self.id {
            true => decode(&bytes, limits).map_err(|error| error.to_string()),
            false => Err("has changed since it was imported: import it again".to_owned()),
        }
    }
}

/// What was found in it.
struct Looked {
    number: i64,
    failure: Option<String>,
    faces: Vec<(Detection, Option<Cut>)>,
}

/// A crop that is stored and has no row yet.
struct Cut {
    id: SampleId,
    shows: Area,
    written: Option<Beside>,
}

impl Study {
    /// Cuts the faces that `detector` finds out of all pictures that it has not looked at yet. Crops that were made in another
    /// way (with another detector, margin, size, choice) are taken away first.
    ///
    /// # Errors
    /// When the disk says no, or the person stops it: what was done until then stays.
    pub fn crop(
        &mut self,
        detector: &dyn Detector,
        how: &Cropping,
        limits: &Limits,
        reporter: &dyn Reporter,
    ) -> Result<Cropped, StudyError> {
        let outcome = self.crop_all(detector, how, limits, reporter);
        self.at(outcome)
    }

    fn crop_all(
        &mut self,
        detector: &dyn Detector,
        how: &Cropping,
        limits: &Limits,
        reporter: &dyn Reporter,
    ) -> Outcome<Cropped> {
        let made = CroppedHow { detector: detector.name(), how: *how };
        let replaced = self.begin_cropping(&made)?;
        self.derived.prepare()?;
        let (todo, known) = self.not_looked_at()?;
        let mut cropped = Cropped { made, looked_at: 0, known, new: 0, replaced, problems: Vec::new() };
        for bundle in todo.chunks(BUNDLE) {
            if reporter.cancelled() {
                return Err(StudyErrorKind::Cancelled);
            }
            let derived = &self.derived;
            let looked: Vec<Outcome<_>> =
                bundle.par_iter().map(|picture| look(picture, detector, how, limits, derived)).collect();
            let looked: Vec<Result<Looked, Problem>> = looked.into_iter().collect::<Outcome<_>>()?;
            let cuts =
                looked.iter().flatten().flat_map(|looked| &looked.faces).filter_map(|face| face.1.as_ref());
            let written: Vec<&Beside> = cuts.filter_map(|cut| cut.written.as_ref()).collect();
            self.derived.settle(&written)?;
            let transaction = self.connection.transaction()?;
            for looked in looked {
                match looked {
                    Ok(looked) => {
                        write(&transaction, &looked)?;
                        cropped.looked_at += 1;
                        cropped.new += looked.faces.iter().filter(|(_, cut)| cut.is_some()).count();
                    }
                    Err(problem) => {
                        reporter.problem(problem.clone());
                        cropped.problems.push(problem);
                    }
                }
            }
            transaction.commit()?;
            let (done, total) = ((cropped.looked_at + cropped.problems.len()) as u64, todo.len() as u64);
            reporter.progress(Progress { stage: Stage::Crop, done, total, message: String::new() });
        }
        Ok(cropped)
    }

    /// Makes room for crops of this kind; how many of another kind there were.
    fn begin_cropping(&mut self, made: &CroppedHow) -> Outcome<usize> {
        if self.cropped_how()?.as_ref() == Some(made) {
            return Ok(0);
        }
        let transaction = self.connection.transaction()?;
        let replaced: i64 =
            transaction
                .query_row("SELECT count(*) FROM face WHERE crop IS NOT NULL", [], |row| row.get(0))?;
        transaction.execute("DELETE FROM searched", [])?;
        let sql =
            "INSERT OR REPLACE INTO cropping (id, detector, which, margin, side) VALUES (1, ?1, ?2, ?3, ?4)";
        let Cropping { which, margin, side_px } = made.how;
        transaction.execute(sql, params![made.detector, which.name(), margin, side_px as i64])?;
        transaction.commit()?;
        self.derived.sweep_crops(&self.crop_ids()?)?;
        Ok(replaced as usize)
    }

    /// How the study's crops were made; `None` where there were never any.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn cropping(&self) -> Result<Option<CroppedHow>, StudyError> {
        self.at(self.cropped_how())
    }

    pub(super) fn cropped_how(&self) -> Outcome<Option<CroppedHow>> {
        let sql = "SELECT detector, which, margin, side FROM cropping";
        let row = self.connection.query_row(sql, [], |row| {
            let which: String = row.get(1)?;
            let which = Which::ALL.into_iter().find(|known| known.name() == which).unwrap_or_default();
            let how = Cropping { which, margin: row.get(2)?, side_px: row.get::<_, i64>(3)? as usize };
            Ok(CroppedHow { detector: row.get(0)?, how })
        });
        Ok(row.optional()?)
    }

    /// The pictures that are still to be looked at, and how many were.
    fn not_looked_at(&self) -> Outcome<(Vec<Todo>, usize)> {
        let mut known: Vec<i64> = self.numbers_of("SELECT picture FROM searched")?;
        known.sort_unstable();
        let todo =
            self.list_all()?.into_iter().filter(|picture| known.binary_search(&picture.number).is_err());
        let todo = todo.map(|picture| Todo {
            number: picture.number,
            id: picture.id,
            name: picture.provenance.to_string(),
            file: picture.place.into_path(),
        });
        Ok((todo.collect(), known.len()))
    }

    fn numbers_of(&self, sql: &str) -> Outcome<Vec<i64>> {
        let mut rows = self.connection.prepare(sql)?;
        let numbers = rows.query_map([], |row| row.get(0))?;
        Ok(numbers.collect::<rusqlite::Result<_>>()?)
    }

    /// The pictures in which faces were looked for, by their files, with what was found and cut out.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn searched(&self) -> Result<Vec<Searched>, StudyError> {
        self.at(self.searched_all())
    }

    fn searched_all(&self) -> Outcome<Vec<Searched>> {
        let mut rows = self.connection.prepare("SELECT picture, failure FROM searched")?;
        let failures = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut failures: BTreeMap<i64, Option<String>> = failures.collect::<rusqlite::Result<_>>()?;
        let mut faces = self.faces()?;
        let searched = self.list_all()?.into_iter().filter_map(|picture| {
            Some(Searched {
                failure: failures.remove(&picture.number)?,
                faces: faces.remove(&picture.number).unwrap_or_default(),
                id: picture.id,
                file: picture.provenance.to_string(),
                class: picture.class,
                original: picture.place.into_path(),
            })
        });
        let mut searched: Vec<Searched> = searched.collect();
        searched.sort_by(|a, b| (&a.file, &a.id).cmp(&(&b.file, &b.id)));
        Ok(searched)
    }

    /// The faces of each picture, by its row.
    fn faces(&self) -> Outcome<BTreeMap<i64, Vec<FoundFace>>> {
        let sql = "SELECT picture, x, y, width, height, score, crop, shows_x, shows_y, shows_side FROM face ORDER BY id";
        let mut rows = self.connection.prepare(sql)?;
        let rows = rows.query_map([], |row| Ok((row.get::<_, i64>(0)?, self.face(row)?)))?;
        let mut faces: BTreeMap<i64, Vec<FoundFace>> = BTreeMap::new();
        for row in rows {
            let (picture, face) = row?;
            faces.entry(picture).or_default().push(face);
        }
        Ok(faces)
    }

    fn face(&self, row: &Row<'_>) -> rusqlite::Result<FoundFace> {
        let number =
            |at: usize| row.get::<_, Option<i64>>(at).map(|number| number.unwrap_or_default() as usize);
        let area = Area { x: number(1)?, y: number(2)?, width: number(3)?, height: number(4)? };
        let shows = Area { x: number(7)?, y: number(8)?, width: number(9)?, height: number(9)? };
        let id = row.get::<_, Option<String>>(6)?.and_then(|id| SampleId::from_hex(&id));
        Ok(FoundFace {
            face: Detection { area, score: row.get::<_, f64>(5)? as f32 },
            crop: id.map(|id| KeptCrop { id, shows, file: self.derived.path(&id) }),
        })
    }

    /// The crops of each picture, by its row.
    pub(super) fn crops(&self) -> Outcome<BTreeMap<i64, Vec<KeptCrop>>> {
        let kept = |faces: Vec<FoundFace>| faces.into_iter().filter_map(|face| face.crop).collect::<Vec<_>>();
        let all = self.faces()?.into_iter().map(|(picture, faces)| (picture, kept(faces)));
        Ok(all.filter(|(_, crops)| !crops.is_empty()).collect())
    }
}

/// Looks for faces in one picture and stores what is cut out beside its place. The inner error is the picture's, the outer
/// one the disk's.
fn look(
    picture: &Todo,
    detector: &dyn Detector,
    how: &Cropping,
    limits: &Limits,
    derived: &Blobs,
) -> Outcome<Result<Looked, Problem>> {
    let image = match picture.read(limits) {
        Ok(image) => image,
        Err(reason) => return Ok(Err(Problem { place: picture.name.clone(), reason })),
    };
    let number = picture.number;
    let crops = match crop(&image, detector, how) {
        Ok(crops) => crops,
        Err(missed) => {
            let faces = missed.found().iter().map(|&face| (face, None)).collect();
            return Ok(Ok(Looked { number, failure: Some(missed.to_string()), faces }));
        }
    };
    let mut faces = Vec::new();
    for (at, crop) in crops.into_iter().enumerate() {
        let bytes = png(&crop.image);
        let id = SampleId::of(&bytes);
        let written = derived.write_beside(&id, &bytes, number as usize * MOST_FACES + at)?;
        faces.push((crop.face, Some(Cut { id, shows: crop.shows, written })));
    }
    Ok(Ok(Looked { number, failure: None, faces }))
}

fn write(transaction: &Transaction<'_>, looked: &Looked) -> Outcome<()> {
    let sql = "INSERT INTO searched (picture, failure) VALUES (?1, ?2)";
    transaction.execute(sql, params![looked.number, looked.failure])?;
    for (face, cut) in &looked.faces {
        let Area { x, y, width, height } = face.area;
        let [x, y, width, height] = [x, y, width, height].map(|number| number as i64);
        let id = cut.as_ref().map(|cut| cut.id.to_string());
        let shows = cut.as_ref().map(|cut| cut.shows);
        let [shows_x, shows_y, side] = [|area: Area| area.x, |area: Area| area.y, |area: Area| area.width]
            .map(|of| shows.map(|shows| of(shows) as i64));
        let sql = "INSERT INTO face (picture, x, y, width, height, score, crop, shows_x, shows_y, shows_side)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let values =
            params![looked.number, x, y, width, height, f64::from(face.score), id, shows_x, shows_y, side];
        transaction.execute(sql, values)?;
    }
    Ok(())
}

impl Place {
    /// The file.
    pub(crate) fn into_path(self) -> PathBuf {
        match self {
            Place::Blob(path) | Place::Reference(path) => path,
        }
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Place::Blob(path) | Place::Reference(path) => path,
        }
    }
}
