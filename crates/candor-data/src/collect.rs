//! Collecting pictures from the web into a study: politely, safely, and so that every picture can be traced to its page.
//!
//! What a person wants stands in a recipe ([`CollectRecipe`]). Before a host is asked for anything, its robots.txt is read; it
//! is asked for one thing at a time, at a pace; connections go to public addresses only. Every address that was asked for, or
//! was refused, is a row in the study with what came of it, written before the next answer: whoever is stopped or killed goes
//! on where it ended, and nothing that is there is asked for again.
//!
//! ```no_run
//! use candor_core::Silent;
//! use candor_data::collect::{CollectOptions, CollectRecipe, collect};
//! use candor_data::study::{Resemblance, Study};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let recipe = CollectRecipe::read("staff.toml".as_ref(), false)?;
//! let mut study = Study::create("st".as_ref())?;
//! let collected = collect(&mut study, &recipe, &CollectOptions::default(), &|_| Resemblance::None, &Silent)?;
//! println!("{} new pictures", collected.new);
//! # Ok(())
//! # }
//! ```

mod address;
mod answer;
mod browser;
mod charset;
mod client;
mod crawl;
mod host;
mod opt_out;
mod pace;
mod page;
mod recipe;
mod robots;
mod srcset;

use std::collections::BTreeMap;
use std::path::PathBuf;

use candor_core::{Problem, Reporter, SampleId};
use serde::Serialize;
use thiserror::Error;

pub use browser::BrowserError;
pub use recipe::{CollectLimits, CollectRecipe, CollectRecipeError, CollectRecipeErrorKind, Politeness};

use crate::study::{Resemblance, Resembles, Study, StudyError};

/// How a recipe is followed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CollectOptions {
    /// Ask again for what is there and for what was refused; what has not changed is not sent again (ETag, Last-Modified).
    pub refresh: bool,
    /// The address of a WebDriver, such as chromedriver's, that reads pages which are built by script.
    pub browser: Option<String>,
    /// Whether the recipe's own hosts may have private addresses: this machine, an intranet.
    pub allow_private: bool,
    /// Further hosts that may, with or without a port.
    pub private_hosts: Vec<String>,
}

/// What collecting came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Collected {
    /// The study's folder.
    pub study: PathBuf,
    /// The recipe.
    pub recipe: PathBuf,
    /// SHA-256 of its bytes, as the rows have it.
    pub recipe_sha256: Option<SampleId>,
    /// Requests that were made, those for robots.txt included.
    pub requests: usize,
    /// Pages that were read.
    pub pages: usize,
    /// Pictures that the study did not have.
    pub new: usize,
    /// Pictures whose bytes it had already from elsewhere.
    pub known: usize,
    /// Pictures that were there from an earlier run and were not asked for.
    pub there: usize,
    /// Addresses that were asked for again and had not changed.
    pub unchanged: usize,
    /// Addresses that are not taken: forbidden, no pictures, not there.
    pub refused: usize,
    /// Addresses that could not be had for the moment; the next run tries again.
    pub failed: usize,
    /// Pictures that were taken out of this study before, near copies included.
    pub taken_out: usize,
    /// Addresses that still wait, because their host asks for time.
    pub waiting: usize,
    /// New pictures of each class.
    pub classes: BTreeMap<String, usize>,
    /// The hosts that were asked, in the order in which they were met.
    pub hosts: Vec<HostReport>,
    /// What was left out, and why; contradictions.
    pub problems: Vec<Problem>,
}

/// How one host was treated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostReport {
    /// Host, with scheme and port where those are not the usual ones.
    pub host: String,
    /// Requests.
    pub requests: usize,
    /// Between two of them, at least.
    pub seconds_between_requests: f64,
    /// What its robots.txt came to.
    pub robots: String,
}

/// What a recipe would find, from its first pages.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Preview {
    /// The recipe.
    pub recipe: PathBuf,
    /// One a site.
    pub sites: Vec<SitePreview>,
    /// The hosts that were asked.
    pub hosts: Vec<HostReport>,
    /// What would be left out, and why.
    pub problems: Vec<Problem>,
}

/// What the first page of a site holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SitePreview {
    /// What the site is called in the study: its first address, or the list's file.
    pub site: String,
    /// Pages to begin with.
    pub start_pages: usize,
    /// The pictures that its first page names, or its list.
    pub pictures: Vec<PicturePreview>,
    /// Pages that the first one leads to.
    pub next: Vec<String>,
}

/// A picture that would be asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PicturePreview {
    /// Its address.
    pub url: String,
    /// Its class.
    pub class: String,
    /// The name that stands beside it.
    pub name: Option<String>,
    /// The licence that is stated.
    pub licence: Option<String>,
}

/// Why nothing, or nothing more, was collected.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum CollectError {
    #[error(transparent)]
    Recipe(#[from] CollectRecipeError),
    #[error(transparent)]
    Study(#[from] StudyError),
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// A site whose pages are built by script, and no browser.
    #[error(
        "{site}: the recipe says script = true, which needs a browser: start chromedriver, and give --browser http://127.0.0.1:9515"
    )]
    NoBrowser { site: String },
    /// The person asked to stop; what was written down stays.
    #[error("stopped; what was collected is kept, and the same command goes on from here")]
    Stopped,
}

/// Collects what `recipe` says into `study`. A picture that was taken out before, or a copy of such a one as `resembles` has it, is not
/// taken in again.
///
/// # Errors
/// When the study cannot be written, a browser that is needed cannot be reached, or the person stops it. What sites do is no
/// error: it is counted and told.
pub fn collect(
    study: &mut Study,
    recipe: &CollectRecipe,
    options: &CollectOptions,
    resembles: Resembles<'_>,
    reporter: &dyn Reporter,
) -> Result<Collected, CollectError> {
    crawl::Crawl::new(study, recipe, options, resembles, reporter)?.all()
}

/// Reads the first page of each site of `recipe`, and says what would be collected. Asks for no picture and writes nothing.
///
/// # Errors
/// As [`collect`].
pub fn preview(
    recipe: &CollectRecipe,
    options: &CollectOptions,
    reporter: &dyn Reporter,
) -> Result<Preview, CollectError> {
    let mut nowhere = Study::in_memory(&recipe.path)?;
    crawl::Crawl::new(&mut nowhere, recipe, options, &|_| Resemblance::None, reporter)?.first_pages()
}
