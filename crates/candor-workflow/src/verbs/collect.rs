//! `collect`: pictures from the web into a study, as a recipe says.

use std::path::PathBuf;

use candor_core::Reporter;
use candor_data::collect::{CollectOptions, CollectRecipe, Collected, Preview, collect as follow, preview};
use candor_data::study::Study;

use crate::error::Result;
use crate::near_copies::of_taken_out;
use crate::writing::note_orphans;

/// What is to be collected, and how.
#[derive(Clone, Debug, Default)]
pub struct CollectRequest {
    /// The recipe's file.
    pub recipe: PathBuf,
    /// The study's folder; made where it is not there.
    pub study: PathBuf,
    /// How the recipe is followed.
    pub options: CollectOptions,
    /// Whether hosts may be asked more than once a second.
    pub less_polite: bool,
}

/// Collects what the recipe says. Done twice, it asks for nothing that is there; stopped or killed, it goes on when done again.
///
/// # Errors
/// When the recipe is wrong, the study cannot be written, a browser that is needed is not there, or the person stops it.
pub fn collect(request: &CollectRequest, reporter: &dyn Reporter) -> Result<Collected> {
    let recipe = CollectRecipe::read(&request.recipe, request.less_polite)?;
    let mut study = Study::create(&request.study)?;
    note_orphans(&study, reporter);
    let sketches = study.sketches()?;
    Ok(follow(&mut study, &recipe, &request.options, &of_taken_out(&sketches), reporter)?)
}

/// Reads the first page of each site of the recipe and says what would be collected; asks for no picture, writes nothing.
///
/// # Errors
/// When the recipe is wrong, a browser that is needed is not there, or the person stops it.
pub fn collect_preview(request: &CollectRequest, reporter: &dyn Reporter) -> Result<Preview> {
    let recipe = CollectRecipe::read(&request.recipe, request.less_polite)?;
    Ok(preview(&recipe, &request.options, reporter)?)
}
