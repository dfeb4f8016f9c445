//! One host: what is to be asked of it, at which pace, and what its robots.txt allows. One request at a time.

use std::collections::VecDeque;
use std::time::Duration;

use url::Url;

use super::address::authority;
use super::client::Answer;
use super::pace::Pace;
use super::recipe::Politeness;
use super::robots::Robots;
use crate::study::Waiting;

/// What a robots.txt says holds for so long (RFC 9309, 2.4).
const ROBOTS_HOLD: Duration = Duration::from_secs(24 * 60 * 60);

/// Something to be asked for.
#[derive(Debug)]
pub(super) struct Job {
    pub row: Waiting,
    /// In the recipe.
    pub site: usize,
    /// Where it is asked for now: its address, or where redirects led.
    pub url: Url,
    /// Redirects so far: addresses, and what they answered.
    pub hops: Vec<(String, u16)>,
    pub tries: u32,
    /// Of a page that a browser is to read: what it answered when it was asked for plainly.
    pub plain: Option<Answer>,
    /// What robots.txt said of it.
    pub robots: Option<String>,
    /// Whether it was asked for.
    pub asked: bool,
}

impl Job {
    pub fn new(row: Waiting, site: usize, url: Url) -> Job {
        Job { row, site, url, hops: Vec::new(), tries: 0, plain: None, robots: None, asked: false }
    }
}

/// What is known of a host's robots.txt.
#[derive(Debug)]
pub(super) enum Rules {
    Unread,
    Read {
        robots: Robots,
        /// In words, for the ledger.
        words: String,
        at: Duration,
    },
    /// Nothing may be asked of the host in this run, for this reason.
    Closed(Closed),
}

/// Why a host is not asked, and what becomes of what was to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// It must not be: refused.
    Refused(String),
    /// It cannot be reached, or does not say what it allows: the next run tries again.
    Failed(String),
    /// It asks for more time than a run waits: everything goes on waiting.
    Waits(String),
}

/// A host.
#[derive(Debug)]
pub(super) struct Host {
    /// With port.
    pub name: String,
    pub robots_url: Url,
    pub jobs: VecDeque<Job>,
    pub pace: Pace,
    pub rules: Rules,
    /// Whether a request is under way.
    pub busy: bool,
    pub requests: usize,
    /// Addresses in a row that could not be had.
    pub failures: u32,
    /// Where its robots.txt is asked for now: redirects may lead elsewhere.
    pub robots_at: Url,
    pub robots_hops: usize,
    pub robots_tries: u32,
}

impl Host {
    pub fn of(url: &Url, politeness: Politeness) -> Host {
        let mut robots_url = url.clone();
        robots_url.set_path("/robots.txt");
        robots_url.set_query(None);
        Host {
            name: Host::name(url),
            robots_at: robots_url.clone(),
            robots_hops: 0,
            robots_url,
            jobs: VecDeque::new(),
            pace: Pace::new(politeness),
            rules: Rules::Unread,
            busy: false,
            requests: 0,
            robots_tries: 0,
            failures: 0,
        }
    }

    /// What has one robots.txt and one pace: scheme, host and port.
    pub fn name(url: &Url) -> String {
        match url.port().is_none() && url.scheme() == "https" {
            true => url.host_str().unwrap_or_default().to_owned(),
            false => format!("{}://{}", url.scheme(), authority(url)),
        }
    }

    /// Whether its robots.txt is to be read, for the first time or again.
    pub fn needs_robots(&self, now: Duration) -> bool {
        match &self.rules {
            Rules::Unread => true,
            Rules::Read { at, .. } => now.saturating_sub(*at) > ROBOTS_HOLD,
            Rules::Closed(_) => false,
        }
    }
}
