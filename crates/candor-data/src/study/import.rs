//! Taking the pictures of a source into a study.
//!
//! In bundles: the pictures of one are read, decoded and stored on all cores, then their rows are written in one
//! transaction; while the disk is waited for, the next bundle is decoded. Stopped or killed between two bundles, the import begun
//! again finds the first ones there.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use candor_core::{Dataset, Image, Problem, Progress, Reporter, Sample, SampleId, Stage};
use rayon::prelude::*;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};

use super::blobs::{Beside, Blobs};
use super::exif::exif_of;
use super::forget::{Resemblance, Tombstones};
use super::ties::Exif;
use super::{Outcome, Study, StudyError, StudyErrorKind};
use crate::decode::{Checked, DecodeError, Limits, check, decode, inspect};
use crate::source::Source;

/// Pictures whose rows are written at once.
const BUNDLE: usize = 256;

/// How a study holds an original.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// As a copy of its own: nothing that happens to the source touches the study.
    #[default]
    Copy,
    /// As a second name of the same file, which takes no room. Programs that change pictures in place change both; a
    /// changed picture is noticed by its hash. A copy is made where the file system cannot link.
    HardLink,
    /// As the file's path. A file that is moved or changed later is missing in the study.
    Reference,
}

/// How pictures are taken in.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// How the originals are held.
    pub keep: Keep,
    /// What a picture may cost.
    pub limits: Limits,
}

/// What an import came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// The study's folder.
    pub study: PathBuf,
    /// The source, as an absolute path.
    pub source: String,
    /// Its kind.
    pub kind: &'static str,
    /// Pictures that the study did not have.
    pub new: usize,
    /// Pictures that it had already, or that are in the source twice: the same bytes.
    pub known: usize,
    /// Of those that were to be linked or referenced, so many were copied, because nothing else was possible.
    pub copied_instead: usize,
    /// Pictures that were taken out before and did not come back, copies included.
    pub refused: usize,
    /// New pictures that are very similar to one that was taken out: taken in, and among the problems.
    pub similar_to_taken_out: usize,
    /// New pictures of each class.
    pub classes: BTreeMap<String, usize>,
    /// What was left out, and classes that contradict each other.
    pub problems: Vec<Problem>,
}

/// What a picture is to those that were taken out, by its pixels, which this crate does not compare.
pub type Resembles<'a> = &'a (dyn Fn(&Image) -> Resemblance + Sync);

/// A picture that is stored and has no row yet.
struct Stored {
    index: usize,
    id: SampleId,
    /// Of a picture that the study does not have: its facts.
    new: Option<Facts>,
    /// Whether it is very similar to one that was taken out.
    similar: bool,
}

/// What is known of a picture's bytes.
pub(super) struct Facts {
    pub bytes: usize,
    pub width: usize,
    pub height: usize,
    pub format: &'static str,
    pub exif: Exif,
    pub held: Held,
}

/// How an original came to be held.
#[derive(Default)]
pub(super) struct Held {
    /// The file that it is, where it is only referred to.
    reference: Option<PathBuf>,
    /// Its copy, where one was written.
    copy: Option<Beside>,
    /// Whether it was copied although something else was asked for.
    copied_instead: bool,
}

impl Study {
    /// Takes in the pictures of `source`, which was opened from `place`. What is there already, by its bytes, is not taken
    /// in again; only where else it was found is written down. A picture that cannot be decoded is reported and left out, and
    /// so is one that was taken out before, or a copy of such a one as `resembles` has it; one that is only
    /// very similar is taken in and reported. Without `resembles`, less is computed of each.
    ///
    /// # Errors
    /// When the disk says no, or the person stops it: what was taken in until then stays.
    pub fn import(
        &mut self,
        source: &Source,
        place: &Path,
        options: ImportOptions,
        resembles: Option<Resembles<'_>>,
        reporter: &dyn Reporter,
    ) -> Result<Imported, StudyError> {
        let outcome = self.import_all(source, place, options, resembles, reporter);
        self.at(outcome)
    }

    fn import_all(
        &mut self,
        source: &Source,
        place: &Path,
        options: ImportOptions,
        resembles: Option<Resembles<'_>>,
        reporter: &dyn Reporter,
    ) -> Outcome<Imported> {
        let real = place.canonicalize().map_err(StudyErrorKind::file(place, "found"))?;
        if self.path.canonicalize().is_ok_and(|study| study == real) {
            return Err(StudyErrorKind::IntoItself);
        }
        self.blobs.prepare()?;
        let known = self.classes_by_id()?;
        let mut ledger = Ledger {
            known: known.clone(),
            imported: Imported {
                study: self.path.clone(),
                source: real.display().to_string(),
                kind: source.kind(),
                new: 0,
                known: 0,
                copied_instead: 0,
                refused: 0,
                similar_to_taken_out: 0,
                classes: BTreeMap::new(),
                problems: source.problems().to_vec(),
            },
            to_write: source.problems().to_vec(),
            reporter,
        };
        let tombstones = self.tombstones()?;
        let number = self.source_row(&ledger.imported.source, ledger.imported.kind)?;
        let indices: Vec<usize> = (0..source.samples().len()).collect();
        let store =
            Store { blobs: &self.blobs, source, known: &known, tombstones: &tombstones, resembles, options };
        let (connection, writer) = (&mut self.connection, &mut ledger);
        std::thread::scope(|scope| {
            // One bundle may wait for the disk while the next is decoded.
            let (sender, bundles) = sync_channel::<Vec<Result<Stored, Left>>>(1);
            let (store, total) = (&store, indices.len() as u64);
            let writing = scope.spawn(move || {
                let mut done = 0;
                for stored in bundles {
                    done += stored.len() as u64;
                    store.settle(&stored)?;
                    writer.write_bundle(connection, number, source, stored)?;
                    reporter.progress(Progress { stage: Stage::Import, done, total, message: String::new() });
                }
                Ok(())
            });
            let stored = indices.chunks(BUNDLE).try_for_each(|bundle| {
                if reporter.cancelled() {
                    return Err(StudyErrorKind::Cancelled);
                }
                // Nobody listens any more where rows could not be written, and then that error counts.
                sender.send(store.all(bundle)?).map_err(|_| StudyErrorKind::Cancelled)
            });
            drop(sender);
            writing.join().expect("writing rows does not panic").and(stored)
        })?;
        self.write_problems(number, &ledger.to_write)?;
        Ok(ledger.imported)
    }

    fn classes_by_id(&self) -> Outcome<HashMap<SampleId, String>> {
        let mut rows = self.connection.prepare("SELECT sha256, class FROM picture")?;
        let pairs = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
        let pairs: Vec<(String, String)> = pairs.collect::<rusqlite::Result<_>>()?;
        Ok(pairs.into_iter().filter_map(|(id, class)| Some((SampleId::from_hex(&id)?, class))).collect())
    }

    /// The row of the source, new or with the time of this import.
    pub(super) fn source_row(&self, place: &str, kind: &str) -> Outcome<i64> {
        let sql = "INSERT INTO source (place, kind, imported_at) VALUES (?1, ?2, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'))
                   ON CONFLICT (place) DO UPDATE SET kind = excluded.kind, imported_at = excluded.imported_at
                   RETURNING id";
        Ok(self.connection.query_row(sql, params![place, kind], |row| row.get(0))?)
    }

    fn write_problems(&mut self, source: i64, problems: &[Problem]) -> Outcome<()> {
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM problem WHERE source = ?1", [source])?;
        for Problem { place, reason } in problems {
            let sql = "INSERT INTO problem (source, place, reason) VALUES (?1, ?2, ?3)";
            transaction.execute(sql, params![source, place, reason])?;
        }
        Ok(transaction.commit()?)
    }
}

/// What stores pictures, on any thread.
struct Store<'a> {
    blobs: &'a Blobs,
    source: &'a Source,
    /// What the study had before: what is in the source twice is told when its rows are written.
    known: &'a HashMap<SampleId, String>,
    tombstones: &'a Tombstones,
    resembles: Option<Resembles<'a>>,
    options: ImportOptions,
}

/// A picture that is not taken in.
struct Left {
    problem: Problem,
    /// Because it was taken out before.
    refused: bool,
}

impl Store<'_> {
    /// Stores the pictures of a bundle on all cores; [`Store::settle`] puts their copies in place.
    fn all(&self, bundle: &[usize]) -> Outcome<Vec<Result<Stored, Left>>> {
        let stored: Vec<Outcome<_>> = bundle.par_iter().map(|&index| self.one(index)).collect();
        stored.into_iter().collect()
    }

    /// The copies of a bundle are on the disk and in place afterwards.
    fn settle(&self, stored: &[Result<Stored, Left>]) -> Outcome<()> {
        let facts = stored.iter().flatten().filter_map(|stored| stored.new.as_ref());
        let copies: Vec<&Beside> = facts.filter_map(|facts| facts.held.copy.as_ref()).collect();
        self.blobs.settle(&copies)
    }

    /// Reads, decodes and stores the picture at `index`. The inner error is the picture's, the outer one the disk's.
    fn one(&self, index: usize) -> Outcome<Result<Stored, Left>> {
        let sample = &self.source.samples()[index];
        let is_file = self.source.file(index).is_some();
        if is_file && self.known.contains_key(&sample.id) {
            return Ok(Ok(Stored { index, id: sample.id, new: None, similar: false }));
        }
        let bytes = match self.source.original(index) {
            Ok(bytes) => bytes,
            Err(error) => {
                return Ok(Err(Left {
                    problem: Problem { place: error.place, reason: error.reason },
                    refused: false,
                }));
            }
        };
        // A file was just held against its id; what has none of its own is another thing as a file.
        let id = if is_file { sample.id } else { SampleId::of(&bytes) };
        if self.known.contains_key(&id) {
            return Ok(Ok(Stored { index, id, new: None, similar: false }));
        }
        let left = |reason: String, refused: bool| {
            Ok(Err(Left { problem: Problem { place: sample.provenance.to_string(), reason }, refused }))
        };
        if self.tombstones.refuse(&id, sample.provenance.url.as_deref()) {
            return left(
                "was taken out of this study before (candor forget): it is not taken in again".to_owned(),
                true,
            );
        }
        let (Checked { width, height, format }, similar) = match self.look(&bytes) {
            Ok((_, Resemblance::Copy)) => {
                let reason = "is a copy of a picture that was taken out of this study (candor forget): it is not taken in";
                return left(reason.to_owned(), true);
            }
            Ok((checked, resemblance)) => (checked, resemblance == Resemblance::Similar),
            Err(error) => return left(error.to_string(), false),
        };
        let held = self.keep(index, &id, &bytes)?;
        let facts = Facts { bytes: bytes.len(), width, height, format, exif: exif_of(&bytes), held };
        Ok(Ok(Stored { index, id, new: Some(facts), similar }))
    }

    /// Whether it is a picture, which size it has, and what it is to those that were taken out.
    fn look(&self, bytes: &[u8]) -> Result<(Checked, Resemblance), DecodeError> {
        let limits = &self.options.limits;
        let Some(resembles) = self.resembles else {
            return Ok((check(bytes, limits)?, Resemblance::None));
        };
        let format = inspect(bytes, limits)?.format;
        let image = decode(bytes, limits)?;
        let checked = Checked { width: image.width(), height: image.height(), format };
        Ok((checked, resembles(&image)))
    }

    /// Holds the original as asked for.
    fn keep(&self, index: usize, id: &SampleId, bytes: &[u8]) -> Outcome<Held> {
        match (self.options.keep, self.source.file(index)) {
            (Keep::Reference, Some(file)) => {
                let real = file.canonicalize().map_err(StudyErrorKind::file(file, "found"))?;
                Ok(Held { reference: Some(real), ..Held::default() })
            }
            (Keep::HardLink, Some(file)) if self.blobs.link(id, file) => Ok(Held::default()),
            (keep, _) => Ok(Held {
                copy: self.blobs.write_beside(id, bytes, index)?,
                copied_instead: keep != Keep::Copy,
                ..Held::default()
            }),
        }
    }
}

/// What writes rows, and counts.
struct Ledger<'a> {
    known: HashMap<SampleId, String>,
    imported: Imported,
    /// The problems that are written down: not those that speak of what was taken out.
    to_write: Vec<Problem>,
    reporter: &'a dyn Reporter,
}

impl Ledger<'_> {
    fn problem(&mut self, problem: Problem) {
        self.to_write.push(problem.clone());
        self.tell(problem);
    }

    fn tell(&mut self, problem: Problem) {
        self.reporter.problem(problem.clone());
        self.imported.problems.push(problem);
    }

    /// The rows of a bundle whose pictures are in place.
    fn write_bundle(
        &mut self,
        connection: &mut Connection,
        source_row: i64,
        source: &Source,
        stored: Vec<Result<Stored, Left>>,
    ) -> Outcome<()> {
        let transaction = connection.transaction()?;
        for stored in stored {
            self.write(&transaction, source_row, source, stored)?;
        }
        Ok(transaction.commit()?)
    }

    fn write(
        &mut self,
        transaction: &Transaction<'_>,
        source_row: i64,
        source: &Source,
        stored: Result<Stored, Left>,
    ) -> Outcome<()> {
        match stored {
            Ok(stored) => return self.write_rows(transaction, source_row, source, stored),
            Err(Left { problem, refused: false }) => self.problem(problem),
            Err(Left { problem, refused: true }) => {
                self.imported.refused += 1;
                self.tell(problem);
            }
        }
        Ok(())
    }

    fn write_rows(
        &mut self,
        transaction: &Transaction<'_>,
        source_row: i64,
        source: &Source,
        stored: Stored,
    ) -> Outcome<()> {
        let sample = &source.samples()[stored.index];
        let class = &source.classes()[sample.class];
        let subset = source.predefined().map(|subsets| subsets[stored.index].name());
        if stored.similar {
            self.imported.similar_to_taken_out += 1;
            // Not written down: it speaks of what was taken out.
            self.tell(Problem {
                place: sample.provenance.to_string(),
                reason: "is very similar to a picture that was taken out of this study (candor forget), and was taken in: \
                         look at it, and take it out too if it shows the same"
                    .to_owned(),
            });
        }
        match (self.known.get(&stored.id), stored.new) {
            (None, Some(facts)) => {
                insert(transaction, &stored.id, class, &facts)?;
                self.imported.new += 1;
                self.imported.copied_instead += usize::from(facts.held.copied_instead);
                *self.imported.classes.entry(class.clone()).or_default() += 1;
                self.known.insert(stored.id, class.clone());
            }
            (known, _) => {
                let other = known.filter(|known| *known != class).cloned();
                self.imported.known += 1;
                if let Some(other) = other {
                    let reason = format!(
                        "is of class \"{class}\" here, but the same picture is in the study as \"{other}\": it stays that"
                    );
                    self.problem(Problem { place: sample.provenance.to_string(), reason });
                }
            }
        }
        describe(transaction, source_row, &stored.id, class, subset, sample)
    }
}

/// Writes the row of a picture that the study does not have.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    id: &SampleId,
    class: &str,
    facts: &Facts,
) -> Outcome<()> {
    let reference = facts.held.reference.as_ref().map(|path| path.display().to_string());
    let sql = "INSERT INTO picture (sha256, bytes, width, height, format, reference, class, taken_at, camera)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let [bytes, width, height] = [facts.bytes, facts.width, facts.height].map(|number| number as i64);
    let Exif { taken_at, camera } = &facts.exif;
    let values =
        params![id.to_string(), bytes, width, height, facts.format, reference, class, taken_at, camera];
    transaction.execute(sql, values)?;
    Ok(())
}

/// Where the picture was found, and what the source says of it; what is known already stays.
pub(super) fn describe(
    transaction: &Transaction<'_>,
    source_row: i64,
    id: &SampleId,
    class: &str,
    subset: Option<&str>,
    sample: &Sample,
) -> Outcome<()> {
    let sql = "UPDATE picture SET subset = ifnull(subset, ?2), grouped_by = ifnull(grouped_by, ?3) WHERE sha256 = ?1 RETURNING id";
    let picture: Option<i64> = transaction
        .query_row(sql, params![id.to_string(), subset, sample.group], |row| row.get(0))
        .optional()?;
    let Some(picture) = picture else { return Ok(()) };
    let from = &sample.provenance;
    let sql = "INSERT OR IGNORE INTO origin (picture, source, file, row, url, class) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let values = params![picture, source_row, from.file, from.row.map(|row| row as i64), from.url, class];
    transaction.execute(sql, values)?;
    for (name, value) in &sample.attributes {
        let sql = "INSERT OR IGNORE INTO attribute (picture, name, value) VALUES (?1, ?2, ?3)";
        transaction.execute(sql, params![picture, name, value])?;
    }
    Ok(())
}
