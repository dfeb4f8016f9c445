//! Which pictures of a data set show the same: by the library that the audit uses, over all of them.

use std::sync::atomic::{AtomicU64, Ordering};

use candor_analysis::near_duplicates::{Copies, Likeness, copies_among};
use candor_core::{Dataset, Image, Progress, Reporter, Seed, Stage};
use candor_data::study::{Resemblance, Sketches};
use rayon::prelude::*;

use crate::error::{Result, WorkflowError};

/// Every pair of copies and of very similar pictures, the first picture before the second. What cannot be read is a copy of
/// nothing.
pub(crate) fn near_copies(dataset: &dyn Dataset, reporter: &dyn Reporter) -> Result<Vec<Copies>> {
    let readable = likenesses(dataset, reporter)?;
    let (indices, likenesses): (Vec<usize>, Vec<Likeness>) = readable.into_iter().unzip();
    reporter.note(&format!("looking for near copies among {} pictures", likenesses.len()));
    let compared: Vec<&Likeness> = likenesses.iter().collect();
    let found = copies_among(&compared, |_| !reporter.cancelled());
    let pairs = found.ok_or(WorkflowError::Stopped { run: None })?;
    let placed =
        |copies: Copies| Copies { first: indices[copies.first], second: indices[copies.second], ..copies };
    Ok(pairs.into_iter().map(placed).collect())
}

/// What a picture is to those that were taken out of the study with these sketches.
pub(crate) fn of_taken_out(sketches: &Sketches) -> impl Fn(&Image) -> Resemblance + Sync {
    let seed = Seed(sketches.seed);
    move |image| match sketches.is_empty() {
        true => Resemblance::None,
        false => Likeness::of(image)
            .sketch(seed, false)
            .map_or(Resemblance::None, |signs| sketches.resemblance(&signs)),
    }
}

fn likenesses(dataset: &dyn Dataset, reporter: &dyn Reporter) -> Result<Vec<(usize, Likeness)>> {
    let (done, total) = (AtomicU64::new(0), dataset.samples().len() as u64);
    let seen: Option<Vec<_>> = (0..dataset.samples().len())
        .into_par_iter()
        .map(|index| {
            if reporter.cancelled() {
                return None;
            }
            let image = dataset.image(index).ok();
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            reporter.progress(Progress { stage: Stage::Decode, done, total, message: String::new() });
            Some(image.map(|image| (index, Likeness::of(&image))))
        })
        .collect();
    Ok(seen.ok_or(WorkflowError::Stopped { run: None })?.into_iter().flatten().collect())
}
