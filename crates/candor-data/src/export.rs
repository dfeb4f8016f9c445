//! Pictures with their labels as files for other programs, one file of code a layout; all of them listed in [`LAYOUTS`]. What is
//! written is itself a source: reading it gives the same bytes, classes and subsets.
//!
//! To add a layout: a file with its `LAYOUT`, and a line in [`LAYOUTS`].

mod class_folders;
mod index_csv;
mod name;
mod parquet;
mod web_dataset;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use candor_core::{Dataset, Problem, Progress, Reporter, Sample, SampleId, Stage, Subset};
use rayon::prelude::*;
use serde::Serialize;
use thiserror::Error;

use crate::decode::{Limits, inspect};
use crate::source::Source;
use crate::study::{OutsideCopy, Study, StudyError};

pub use name::{file_name, picture_name};

/// Pictures that are read at the same time.
const BUNDLE: usize = 64;

/// One way to lay pictures out in files.
pub struct Layout {
    /// What it is called; a source of the same name reads it.
    pub name: &'static str,
    /// What it looks like, in a line.
    pub summary: &'static str,
    write: fn(&mut Exporting<'_>) -> Result<(), ExportError>,
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layout").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every layout.
pub static LAYOUTS: [&Layout; 4] =
    [&class_folders::LAYOUT, &index_csv::LAYOUT, &parquet::LAYOUT, &web_dataset::LAYOUT];

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The folder.
    pub out: PathBuf,
    /// The layout's name.
    pub layout: &'static str,
    /// Pictures that are in it.
    pub pictures: usize,
    /// Files, pictures or not.
    pub files: usize,
    /// Pictures that could not be read.
    pub problems: Vec<Problem>,
}

/// Pictures that could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum ExportError {
    /// Nothing is ever written over.
    #[error("{}: the folder is not empty", out.display())]
    NotEmpty { out: PathBuf },
    /// The file system says no.
    #[error("{}: cannot be {doing}: {source}", path.display())]
    File { path: PathBuf, doing: &'static str, source: io::Error },
    /// A table says no.
    #[error("{}: cannot be written: {reason}", path.display())]
    Table { path: PathBuf, reason: String },
    /// The study's ledger says no.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// The person asked to stop.
    #[error("{}: stopped; the folder is not complete: delete it", out.display())]
    Cancelled { out: PathBuf },
}

impl ExportError {
    fn file(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> ExportError {
        let path = path.to_owned();
        move |source| ExportError::File { path, doing, source }
    }

    fn table(path: &Path, reason: impl ToString) -> ExportError {
        ExportError::Table { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Writes the pictures of `source` into `out`, a new or empty folder, the originals byte for byte. Where they are those of a
/// `study`, it remembers where they went, from before the first file is there.
///
/// # Errors
/// When the folder is not empty, the disk says no, or the person stops it.
pub fn export(
    source: &Source,
    layout: &Layout,
    out: &Path,
    study: Option<&mut Study>,
    reporter: &dyn Reporter,
) -> Result<Written, ExportError> {
    fs::create_dir_all(out).map_err(ExportError::file(out, "made"))?;
    if fs::read_dir(out).map_err(ExportError::file(out, "read"))?.next().is_some() {
        return Err(ExportError::NotEmpty { out: out.to_owned() });
    }
    let noted =
        study.map(|study| note(study, source, layout, out).map(|number| (study, number))).transpose()?;
    let problems = source.problems().to_vec();
    let mut exporting =
        Exporting { source, out, reporter, pictures: 0, files: 0, bundled: Vec::new(), problems };
    (layout.write)(&mut exporting)?;
    let Exporting { pictures, files, bundled, problems, .. } = exporting;
    if let Some((study, number)) = noted {
        study.note_bundles(number, &bundled)?;
    }
    Ok(Written { out: out.to_owned(), layout: layout.name, pictures, files, problems })
}

/// Writes down in the ledger what goes where; the number is that of the folder.
fn note(study: &mut Study, source: &Source, layout: &Layout, out: &Path) -> Result<i64, ExportError> {
    let number = study.note_outside(out, "export", layout.name)?;
    let length = |index| source.file(index).and_then(|file| fs::metadata(file).ok());
    let copy = |(index, sample): (usize, &Sample)| {
        let bytes = length(index).map_or(0, |known| known.len());
        OutsideCopy { of: sample.id, written: Some((sample.id, bytes)), file: None }
    };
    let copies: Vec<OutsideCopy> = source.samples().iter().enumerate().map(copy).collect();
    study.note_copies(number, &copies)?;
    Ok(number)
}

/// A source on its way into files.
struct Exporting<'a> {
    source: &'a Source,
    out: &'a Path,
    reporter: &'a dyn Reporter,
    pictures: usize,
    files: usize,
    /// Of pictures that share a file with others: which, by its path from the folder.
    bundled: Vec<(SampleId, String)>,
    problems: Vec<Problem>,
}

/// One picture of it.
struct Original<'a> {
    index: usize,
    sample: &'a Sample,
    class: &'a str,
    subset: Option<Subset>,
    bytes: Vec<u8>,
    /// Such as `jpg`.
    ending: &'static str,
}

impl<'a> Exporting<'a> {
    /// Hands every picture that can be read to `write`, in the order of the source.
    fn each(
        &mut self,
        mut write: impl FnMut(&mut Self, Original<'a>) -> Result<(), ExportError>,
    ) -> Result<(), ExportError> {
        let source = self.source;
        let indices: Vec<usize> = (0..source.samples().len()).collect();
        for bundle in indices.chunks(BUNDLE) {
            if self.reporter.cancelled() {
                return Err(ExportError::Cancelled { out: self.out.to_owned() });
            }
            let read: Vec<_> = bundle.par_iter().map(|&index| original(source, index)).collect();
            for original in read {
                match original {
                    Ok(original) => {
                        write(self, original)?;
                        self.pictures += 1;
                    }
                    Err(problem) => {
                        self.reporter.problem(problem.clone());
                        self.problems.push(problem);
                    }
                }
            }
            let done = bundle.last().map_or(0, |last| last + 1) as u64;
            let total = indices.len() as u64;
            self.reporter.progress(Progress { stage: Stage::Export, done, total, message: String::new() });
        }
        Ok(())
    }

    /// Writes a file of its own.
    fn write_file(&mut self, path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
        let folder = path.parent().unwrap_or(self.out);
        fs::create_dir_all(folder).map_err(ExportError::file(folder, "made"))?;
        fs::write(path, bytes).map_err(ExportError::file(path, "written"))?;
        self.files += 1;
        Ok(())
    }

    /// Remembers that the sample is in this file, with others.
    fn is_in(&mut self, sample: &Sample, file: &Path) {
        let file = file.strip_prefix(self.out).unwrap_or(file);
        let parts: Vec<_> = file.iter().map(|part| part.to_string_lossy()).collect();
        self.bundled.push((sample.id, parts.join("/")));
    }

    /// The names of all further columns, those that a layout has itself with a suffix: each by its attribute.
    fn columns(&self, taken: &[&str]) -> Vec<(String, String)> {
        let names: std::collections::BTreeSet<&String> =
            self.source.samples().iter().flat_map(|sample| sample.attributes.keys()).collect();
        let column = |name: &String| match taken.contains(&name.as_str()) {
            true => format!("{name}_of_source"),
            false => name.clone(),
        };
        names.into_iter().map(|name| (name.clone(), column(name))).collect()
    }
}

fn original(source: &Source, index: usize) -> Result<Original<'_>, Problem> {
    let sample = &source.samples()[index];
    let bytes =
        source.original(index).map_err(|error| Problem { place: error.place, reason: error.reason })?;
    let header = inspect(&bytes, &Limits::default());
    Ok(Original {
        index,
        sample,
        class: &source.classes()[sample.class],
        subset: source.predefined().map(|subsets| subsets[index]),
        ending: header.map_or("img", |header| name::ending(header.format)),
        bytes,
    })
}

/// What files of a subset begin with; `data` where there are no subsets. Programs tell `train`, `validation` and `test`.
fn prefix(subset: Option<Subset>) -> &'static str {
    subset.map_or("data", Subset::name)
}
