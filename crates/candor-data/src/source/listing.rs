//! What a reader of a source hands back, and how that becomes a [`Source`]: classes put in order and numbered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candor_core::{Channels, Problem, Provenance, Reporter, Sample, SampleId, Subset};

use super::{Pictures, Source, SourceError, SourceErrorKind};
use crate::decode::Limits;

/// One sample as a reader found it, its class still a name.
pub(super) struct Entry {
    pub id: SampleId,
    pub class: String,
    pub subset: Option<Subset>,
    pub group: Option<String>,
    pub provenance: Provenance,
    pub attributes: BTreeMap<String, String>,
}

/// Everything that a reader found.
pub(super) struct Listing {
    pub entries: Vec<Entry>,
    pub pictures: Pictures,
    pub problems: Vec<Problem>,
    /// The order of the classes where the source has one of its own; sorted when empty.
    pub class_order: Vec<String>,
}

impl Listing {
    /// Numbers the classes and checks that there are pictures.
    pub fn into_source(self, kind: &'static str, place: &Path) -> Result<Source, SourceError> {
        if self.entries.is_empty() {
            let first = self.problems.first().map(|p| format!("{}: {}", p.place, p.reason));
            let left_out = self.problems.len();
            return Err(SourceError::new(place, SourceErrorKind::NoPictures { left_out, first }));
        }
        let classes = ordered_classes(&self.entries, self.class_order);
        let number: BTreeMap<&str, usize> = classes.iter().map(String::as_str).zip(0..).collect();
        let predefined = self.entries.iter().map(|entry| entry.subset).collect();
        let samples = self.entries.iter().map(|entry| entry.sample(number[entry.class.as_str()])).collect();
        Ok(Source { kind, classes, samples, predefined, problems: self.problems, pictures: self.pictures })
    }
}

impl Entry {
    fn sample(&self, class: usize) -> Sample {
        Sample {
            id: self.id,
            class,
            group: self.group.clone(),
            provenance: self.provenance.clone(),
            attributes: self.attributes.clone(),
        }
    }
}

/// The classes that occur, in the source's own order, else numbers by value and names by their bytes.
fn ordered_classes(entries: &[Entry], order: Vec<String>) -> Vec<String> {
    let seen: BTreeSet<&str> = entries.iter().map(|entry| entry.class.as_str()).collect();
    if !order.is_empty() {
        return order.into_iter().filter(|class| seen.contains(class.as_str())).collect();
    }
    let mut classes: Vec<String> = seen.into_iter().map(str::to_owned).collect();
    let as_number = |class: &String| class.parse::<u64>();
    if classes.iter().all(|class| as_number(class).is_ok()) {
        classes.sort_by_key(|class| as_number(class).expect("all are numbers"));
    }
    classes
}

/// Collects what was left out, and tells the reporter at once.
pub(super) struct LeftOut<'a> {
    reporter: &'a dyn Reporter,
    pub problems: Vec<Problem>,
}

impl<'a> LeftOut<'a> {
    pub fn new(reporter: &'a dyn Reporter) -> LeftOut<'a> {
        LeftOut { reporter, problems: Vec::new() }
    }

    pub fn add(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        let problem = Problem { place: place.into(), reason: reason.into() };
        self.reporter.problem(problem.clone());
        self.problems.push(problem);
    }
}

/// A file that may be a sample, before its bytes were looked at.
pub(super) struct FileEntry {
    pub path: PathBuf,
    pub class: String,
    pub subset: Option<Subset>,
    pub group: Option<String>,
    pub provenance: Provenance,
    pub attributes: BTreeMap<String, String>,
}

/// The listing of `files`, each with what identifying it gave; the unreadable go to `left_out`.
pub(super) fn of_files(
    files: Vec<FileEntry>,
    identified: Vec<Result<SampleId, String>>,
    limits: Limits,
    mut left_out: LeftOut<'_>,
) -> Listing {
    let (mut entries, mut paths) = (Vec::new(), Vec::new());
    for (file, identified) in files.into_iter().zip(identified) {
        let FileEntry { path, class, subset, group, provenance, attributes } = file;
        match identified {
            Ok(id) => {
                entries.push(Entry { id, class, subset, group, provenance, attributes });
                paths.push(path);
            }
            Err(reason) => left_out.add(provenance.file, reason),
        }
    }
    let pictures = Pictures::Files { paths, limits };
    Listing { entries, pictures, problems: left_out.problems, class_order: Vec::new() }
}

/// Pictures of one size, side by side in memory.
pub(super) fn in_memory(width: usize, height: usize, channels: Channels, pixels: Vec<u8>) -> Pictures {
    let rows = (0..pixels.len() / (width * height * channels.count())).collect();
    Pictures::Memory { width, height, channels, pixels: Arc::new(pixels), rows }
}
