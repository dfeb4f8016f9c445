//! What a person wants collected: sites, where their pictures and names stand, how politely and how much.
//!
//! A TOML file. Everything in it is checked before the first request; what is wrong is named with its line and key.

mod error;
mod pattern;
mod pick;
mod reading;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use candor_core::SampleId;
use scraper::Selector;
use url::Url;

pub use error::{CollectRecipeError, CollectRecipeErrorKind};
pub(super) use pattern::Pattern;
pub(super) use pick::Pick;
use reading::Reading;

use CollectRecipeErrorKind as Kind;

/// A recipe that was read and checked.
#[derive(Clone, Debug)]
pub struct CollectRecipe {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of its bytes: every row says by which recipe it came.
    pub sha256: SampleId,
    /// Who collects, for those who run the sites: part of the User-Agent.
    pub contact: String,
    /// How the sites are treated.
    pub politeness: Politeness,
    /// What an answer, and a site, may cost.
    pub limits: CollectLimits,
    pub(super) sites: Vec<Site>,
}

/// How sites are treated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Politeness {
    /// Between two requests to a host, at least.
    pub between_requests: Duration,
    /// The longest that a host may ask to wait (`Retry-After`, `Crawl-delay`); what asks for more is left for another run.
    pub longest_wait: Duration,
    /// How often an address is asked for that fails for the moment.
    pub tries: u32,
}

/// What an answer, and a site, may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectLimits {
    /// Bytes of a page.
    pub page_bytes: u64,
    /// Bytes of a picture.
    pub picture_bytes: u64,
    /// For one request from its first to its last byte.
    pub request: Duration,
    /// Pages of a site.
    pub pages: usize,
    /// Pictures of a site.
    pub pictures: usize,
}

/// One site, or one part of it, whose pages look alike.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// What it is called in the ledger: its first address, or the list's file.
    pub place: String,
    /// Pages to begin with.
    pub start: Vec<Url>,
    /// Numbered pages without a known end.
    pub open: Vec<Pattern>,
    /// Pictures whose addresses are given.
    pub pictures: Vec<Url>,
    pub class: Class,
    pub rules: Rules,
    /// Whether its pages are built by script: `None` says nothing.
    pub script: Option<bool>,
    /// Hosts that its scripts need besides its own.
    pub script_hosts: Vec<String>,
    /// SHA-256 of all that decides what is found on a page: when that changes, pages are read again.
    pub rules_sha256: SampleId,
}

/// Where a picture's class comes from.
#[derive(Clone, Debug)]
pub(super) enum Class {
    /// All pictures have the same.
    Fixed(String),
    /// It stands on the page; what stands there may have another name in the study.
    OnPage { label: Pick, names: BTreeMap<String, String> },
}

/// Where on a page things stand.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// What holds one picture with what is said of it; the whole page, where nothing is said.
    pub entry: Option<Selector>,
    pub picture: Selector,
    pub attributes: Vec<String>,
    pub name: Option<Pick>,
    pub licence: Option<Pick>,
    pub next: Option<Selector>,
    /// What a browser waits for.
    pub wait_for: String,
}

impl CollectRecipe {
    /// Reads the recipe at `path` and all that it refers to. `less_polite` allows less than a second between two requests
    /// to a host.
    ///
    /// # Errors
    /// When it cannot be read, or anything in it cannot be right: names line and key.
    pub fn read(path: &Path, less_polite: bool) -> Result<CollectRecipe, CollectRecipeError> {
        let failed = |kind| CollectRecipeError::new(path, None, "", kind);
        let text = std::fs::read_to_string(path).map_err(|error| failed(Kind::Unreadable(error)))?;
        Reading { path, text: &text, less_polite }.recipe()
    }
}
