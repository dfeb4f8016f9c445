//! `import`: the pictures of a source into a study.

use std::path::PathBuf;

use candor_core::Reporter;
use candor_data::decode::Limits;
use candor_data::source::{Source, SourceOptions};
use candor_data::study::{ImportOptions, Imported, Keep, Resembles, Study};

use crate::error::Result;
use crate::near_copies::of_taken_out;
use crate::threads::in_pool;
use crate::writing::note_orphans;

/// What is to be taken in, and where.
#[derive(Clone, Debug)]
pub struct ImportRequest {
    /// The source.
    pub source: PathBuf,
    /// How it is read.
    pub options: SourceOptions,
    /// The study's folder; made where it is not there.
    pub study: PathBuf,
    /// How the originals are held.
    pub keep: Keep,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// Takes the pictures of a source into a study. Done twice, it doubles nothing; stopped, it goes on when done again.
///
/// # Errors
/// When there is nothing to take in, or the study cannot be written.
pub fn import(request: &ImportRequest, reporter: &dyn Reporter) -> Result<Imported> {
    let ImportRequest { source: place, options, study, keep, threads } = request;
    let limits: Limits = options.limits;
    in_pool(*threads, || {
        let source = Source::open_part(place, options, reporter)?;
        let mut study = Study::create(study)?;
        note_orphans(&study, reporter);
        let sketches = study.sketches()?;
        let options = ImportOptions { keep: *keep, limits };
        let resembles = of_taken_out(&sketches);
        let resembles = (!sketches.is_empty()).then_some(&resembles as Resembles<'_>);
        Ok(study.import(&source, place, options, resembles, reporter)?)
    })
}
