//! The order of things: which host is asked for what and when, and what follows from the answers.
//!
//! One thread decides and writes; each request has a thread of its own, at most one a host. So a host that answers slowly holds
//! up itself alone, and no two answers are written down at once.

mod ask;
mod rules;
mod take;

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use candor_core::{Problem, Progress, Reporter, Stage};
use url::Url;

use super::address::{Guard, Trusted, authority};
use super::browser::Browser;
use super::client::{Answer, Client, Failure};
use super::host::{Closed, Host, Job, Rules};
use super::recipe::{Class, CollectRecipe, Site};
use super::{
    BrowserError, CollectError, CollectOptions, Collected, HostReport, PicturePreview, Preview, SitePreview,
};
use crate::study::{Came, Ended, Expected, FetchKind, NamedPicture, Resembles, Study, Waiting};

/// How often it is looked whether the person asked to stop.
const LOOK: Duration = Duration::from_millis(100);

/// A recipe that is being followed.
pub(super) struct Crawl<'a> {
    study: &'a mut Study,
    recipe: &'a CollectRecipe,
    resembles: Resembles<'a>,
    reporter: &'a dyn Reporter,
    client: Client,
    browser: Option<Browser>,
    /// Numbers of the sites' sources in the study.
    sources: Vec<i64>,
    hosts: Vec<Host>,
    by_name: HashMap<String, usize>,
    started: Instant,
    answers: (Sender<Done>, Receiver<Done>),
    under_way: usize,
    jobs: usize,
    collected: Collected,
    /// Where only the first pages are looked at: what they hold.
    preview: Option<Preview>,
}

/// What was asked for.
enum Task {
    Robots,
    Job(Box<Job>),
}

/// What came.
enum Got {
    Answer(Result<Answer, Failure>),
    /// The text of a page that a browser has built.
    Built(Result<String, BrowserError>),
}

struct Done {
    host: usize,
    task: Task,
    got: Got,
}

impl<'a> Crawl<'a> {
    pub fn new(
        study: &'a mut Study,
        recipe: &'a CollectRecipe,
        options: &CollectOptions,
        resembles: Resembles<'a>,
        reporter: &'a dyn Reporter,
    ) -> Result<Crawl<'a>, CollectError> {
        let scripted = recipe.sites.iter().find(|site| site.script == Some(true));
        let browser = match (&options.browser, scripted) {
            (None, Some(site)) => return Err(CollectError::NoBrowser { site: site.place.clone() }),
            (None, None) => None,
            (Some(address), _) => Some(Browser::at(address, recipe)?),
        };
        let collected = Collected {
            study: study.path().to_owned(),
            recipe: recipe.path.clone(),
            recipe_sha256: Some(recipe.sha256),
            ..Collected::default()
        };
        let guard = Guard { trusted: trusted(recipe, options) };
        let mut crawl = Crawl {
            study,
            recipe,
            resembles,
            reporter,
            client: Client::new(recipe, guard),
            browser,
            sources: Vec::new(),
            hosts: Vec::new(),
            by_name: HashMap::new(),
            started: Instant::now(),
            answers: channel(),
            under_way: 0,
            jobs: 0,
            collected,
            preview: None,
        };
        for site in &recipe.sites {
            let source = crawl.study.collected_source(&site.place)?;
            crawl.study.reopen(source, &site.rules_sha256.to_string(), options.refresh)?;
            crawl.sources.push(source);
        }
        Ok(crawl)
    }

    /// Collects everything.
    pub fn all(mut self) -> Result<Collected, CollectError> {
        for site in 0..self.sources.len() {
            self.expect_listed(site)?;
            self.collected.there += self.study.fetch_counts(self.sources[site], FetchKind::Picture)?.1;
            for row in self.study.waiting(self.sources[site])? {
                self.enqueue(row, site);
            }
        }
        let ended = self.run();
        self.close();
        ended?;
        self.collected.hosts = self.host_reports();
        Ok(self.collected)
    }

    /// Looks at the first page of each site.
    pub fn first_pages(mut self) -> Result<Preview, CollectError> {
        let mut preview = Preview { recipe: self.recipe.path.clone(), ..Preview::default() };
        for (number, site) in self.recipe.sites.iter().enumerate() {
            preview.sites.push(site_preview(site));
            if let Some(first) = site.start.first() {
                let source = self.sources[number];
                let row = self.study.write_down(|ledger| ledger.expect_page(source, first.as_str()))?;
                row.into_iter().for_each(|row| self.enqueue(row, number));
            }
        }
        self.preview = Some(preview);
        let ended = self.run();
        self.close();
        ended?;
        let hosts = self.host_reports();
        let preview = self.preview.take().unwrap_or_default();
        Ok(Preview { hosts, problems: std::mem::take(&mut self.collected.problems), ..preview })
    }

    /// Writes down what the recipe itself names: pages to begin with, and pictures.
    fn expect_listed(&mut self, site: usize) -> Result<(), CollectError> {
        let (recipe, source) = (self.recipe, self.sources[site]);
        let Site { start, pictures, class, .. } = &recipe.sites[site];
        let taken_out = self.study.write_down(|ledger| {
            for page in start.iter().take(recipe.limits.pages) {
                ledger.expect_page(source, page.as_str())?;
            }
            let class = if let Class::Fixed(class) = class { class.as_str() } else { "" };
            let mut taken_out = 0;
            for url in pictures.iter().take(recipe.limits.pictures) {
                let named = NamedPicture { url: url.as_str(), class, name: None, licence: None };
                let expected = ledger.expect_picture(source, None, &named)?;
                taken_out += usize::from(expected == Expected::TakenOut);
            }
            Ok(taken_out)
        })?;
        self.tell_taken_out(taken_out, &recipe.sites[site].place);
        Ok(())
    }

    fn run(&mut self) -> Result<(), CollectError> {
        loop {
            if self.reporter.cancelled() {
                return Err(CollectError::Stopped);
            }
            self.hand_out()?;
            let nothing_to_do = self.hosts.iter().all(|host| host.jobs.is_empty());
            if self.under_way == 0 && nothing_to_do {
                return Ok(());
            }
            match self.answers.1.recv_timeout(self.until_next()) {
                Ok(done) => self.take(done)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => unreachable!("the crawl itself holds a sender"),
            }
            self.tell_progress();
        }
    }

    /// What is under way is left to itself; the browser is not.
    fn close(&mut self) {
        if let Some(browser) = self.browser.take() {
            browser.quit();
        }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Until a host may be asked again, or it is time to look around.
    fn until_next(&self) -> Duration {
        let now = self.now();
        let ready = self.hosts.iter().filter(|host| !host.busy && !host.jobs.is_empty());
        ready
            .map(|host| host.pace.not_before().saturating_sub(now))
            .min()
            .unwrap_or(LOOK)
            .clamp(Duration::ZERO, LOOK)
    }

    fn enqueue(&mut self, row: Waiting, site: usize) {
        // What stands in the ledger was an address when it was written.
        if let Ok(url) = Url::parse(&row.url) {
            self.jobs += 1;
            let host = self.host_of(&url);
            self.hosts[host].jobs.push_back(Job::new(row, site, url));
        }
    }

    fn host_of(&mut self, url: &Url) -> usize {
        let politeness = self.recipe.politeness;
        let next = self.hosts.len();
        let at = *self.by_name.entry(Host::name(url)).or_insert(next);
        if at == next {
            self.hosts.push(Host::of(url, politeness));
        }
        at
    }

    fn site(&self, job: &Job) -> &'a Site {
        &self.recipe.sites[job.site]
    }

    fn tell(&mut self, place: &str, reason: String) {
        let problem = Problem { place: place.to_owned(), reason };
        self.reporter.problem(problem.clone());
        self.collected.problems.push(problem);
    }

    fn tell_taken_out(&mut self, pictures: usize, place: &str) {
        self.collected.taken_out += pictures;
        if pictures > 0 {
            let were = if pictures == 1 { "picture was" } else { "pictures were" };
            let reason = format!(
                "{pictures} {were} taken out of this study before (candor forget): not taken in again"
            );
            self.tell(place, reason);
        }
    }

    fn tell_progress(&self) {
        let waiting: usize = self.hosts.iter().map(|host| host.jobs.len()).sum();
        let total = self.jobs as u64;
        let done = total.saturating_sub((waiting + self.under_way) as u64);
        let message = format!("{} pictures, {} requests", self.collected.new, self.collected.requests);
        self.reporter.progress(Progress { stage: Stage::Collect, done, total, message });
    }

    fn host_reports(&self) -> Vec<HostReport> {
        let report = |host: &Host| HostReport {
            host: host.name.clone(),
            requests: host.requests,
            seconds_between_requests: host.pace.between().as_secs_f64(),
            robots: match &host.rules {
                Rules::Unread => "not read".to_owned(),
                Rules::Read { words, .. } => words.clone(),
                Rules::Closed(Closed::Refused(why) | Closed::Failed(why) | Closed::Waits(why)) => why.clone(),
            },
        };
        self.hosts.iter().map(report).collect()
    }

    /// What the ledger keeps of how a job came out.
    fn came(&self, job: &Job, answer: Option<&Answer>, reason: Option<String>) -> Came {
        let header = |name: &str| answer.and_then(|answer| answer.header(name)).map(str::to_owned);
        let x_robots_tag = answer.map(|answer| answer.all("x-robots-tag").collect::<Vec<_>>().join(", "));
        let is_page = job.row.kind == FetchKind::Page;
        Came {
            reason,
            robots: job.robots.clone(),
            asked: job.asked,
            status: answer.map(|answer| answer.status),
            content_type: header("content-type"),
            etag: header("etag"),
            last_modified: header("last-modified"),
            x_robots_tag: x_robots_tag.filter(|tag| !tag.is_empty()),
            licence: answer.and_then(ask::licence_of),
            sha256: None,
            recipe: self.recipe.sha256.to_string(),
            rules: is_page.then(|| self.site(job).rules_sha256.to_string()),
            hops: job.hops.clone(),
            location: (!job.hops.is_empty()).then(|| job.url.to_string()),
        }
    }

    /// Writes down that a job ended without what was asked for, and tells of it.
    fn end(
        &mut self,
        job: &Job,
        answer: Option<&Answer>,
        ended: Ended,
        reason: String,
    ) -> Result<(), CollectError> {
        let came = self.came(job, answer, Some(reason.clone()));
        self.study.write_down(|ledger| ledger.finish(job.row.id, ended, &came))?;
        match ended {
            Ended::Failed => self.collected.failed += 1,
            _ => self.collected.refused += 1,
        }
        self.tell(&job.row.url, reason);
        Ok(())
    }
}

/// Hosts that may be private: those that the recipe names, where that is wanted, and those that were given.
fn trusted(recipe: &CollectRecipe, options: &CollectOptions) -> Trusted {
    let named = recipe.sites.iter().flat_map(|site| site.start.iter().chain(&site.pictures)).map(authority);
    let named: Vec<String> = if options.allow_private { named.collect() } else { Vec::new() };
    Trusted::new(named.into_iter().chain(options.private_hosts.iter().cloned()))
}

fn site_preview(site: &Site) -> SitePreview {
    let class = if let Class::Fixed(class) = &site.class { class.clone() } else { String::new() };
    let listed =
        |url: &Url| PicturePreview { url: url.to_string(), class: class.clone(), name: None, licence: None };
    SitePreview {
        site: site.place.clone(),
        start_pages: site.start.len(),
        pictures: site.pictures.iter().map(listed).collect(),
        next: Vec::new(),
    }
}
