//! `split`: which pictures of a study a model learns from, is chosen by, and is judged on.

use std::collections::HashMap;
use std::path::PathBuf;

use candor_core::{Dataset, Reporter, SampleId};
use candor_data::source::{Source, SourceOptions};
use candor_data::study::{ALL, Dealt, SplitMade, SplitRequest, Tie, Tied, find_ties};

use super::duplicates::as_ties;
use crate::error::Result;
use crate::near_copies::near_copies;
use crate::threads::in_pool;
use crate::writing::write_study;

/// What is to be split, and how.
#[derive(Clone, Debug)]
pub struct StudySplitRequest {
    /// The study's folder.
    pub study: PathBuf,
    /// The split.
    pub split: SplitRequest,
    /// What is kept together.
    pub together: Vec<Tie>,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// Splits a study, without tearing apart what was found to belong together, and writes the split into the ledger.
///
/// # Errors
/// When there are too few pictures, something that is asked for is not there, or the person stops it.
pub fn split_study(request: &StudySplitRequest, reporter: &dyn Reporter) -> Result<SplitMade> {
    let StudySplitRequest { study: path, split, together, threads } = request;
    let mut study = write_study(path, reporter)?;
    let dealt = study.dealt()?;
    let mut ties = find_ties(&dealt.samples, &dealt.exif, together);
    if together.contains(&Tie::Duplicates) {
        ties.extend(in_pool(*threads, || near(path, &dealt, reporter))?);
    }
    let made = study.split(split, dealt, ties)?;
    made.problems.iter().for_each(|problem| reporter.problem(problem.clone()));
    Ok(made)
}

/// The near copies, with the places that the pictures have in `dealt`.
fn near(path: &std::path::Path, dealt: &Dealt, reporter: &dyn Reporter) -> Result<Vec<Tied>> {
    let options = SourceOptions { split: Some(ALL.to_owned()), ..SourceOptions::default() };
    let source = Source::open_part(path, &options, reporter)?;
    let places: HashMap<SampleId, usize> = dealt.samples.iter().map(|sample| sample.id).zip(0..).collect();
    let place = |index: &usize| places[&source.samples()[*index].id];
    let ties = as_ties(&near_copies(&source, reporter)?).into_iter();
    Ok(ties.map(|tied| Tied { members: tied.members.iter().map(place).collect(), ..tied }).collect())
}
