//! Asking: who is next, whether it may be asked for, and the thread that does.

use std::thread;

use super::{Crawl, Done, Got, Task};
use crate::collect::CollectError;
use crate::collect::client::{Answer, Ask};
use crate::collect::host::{Closed, Job, Rules};
use crate::collect::robots;
use crate::study::{Ended, FetchKind};

/// Requests under way at a time, all hosts together.
const MOST_UNDER_WAY: usize = 16;

impl Crawl<'_> {
    /// Lets every host be asked that may be asked now.
    pub(super) fn hand_out(&mut self) -> Result<(), CollectError> {
        for host in 0..self.hosts.len() {
            while self.is_free(host) {
                if self.hosts[host].needs_robots(self.now()) {
                    self.ask_for_robots(host);
                    break;
                }
                let Some(job) = self.hosts[host].jobs.pop_front() else { break };
                if let Some(job) = self.allowed(host, job)? {
                    self.ask_for(host, job);
                    break;
                }
            }
        }
        Ok(())
    }

    fn is_free(&self, host: usize) -> bool {
        let now = self.now();
        let host = &self.hosts[host];
        let closed = matches!(host.rules, Rules::Closed(_));
        let rested = closed || host.pace.not_before() <= now;
        !host.busy && !host.jobs.is_empty() && rested && self.under_way < MOST_UNDER_WAY
    }

    /// The job, where robots.txt lets it be asked for; else it ends here.
    fn allowed(&mut self, host: usize, mut job: Job) -> Result<Option<Job>, CollectError> {
        match &self.hosts[host].rules {
            Rules::Closed(Closed::Refused(why)) => {
                let why = why.clone();
                self.end(&job, None, Ended::Refused, why)?;
            }
            Rules::Closed(Closed::Failed(why)) => {
                let why = why.clone();
                self.end(&job, None, Ended::Failed, why)?;
            }
            Rules::Closed(Closed::Waits(_)) => self.collected.waiting += 1,
            Rules::Unread => unreachable!("robots.txt is read before anything is asked for"),
            Rules::Read { robots, words, .. } => match robots.allow(&job.url) {
                Ok(()) => {
                    job.robots = Some(format!("allowed ({words})"));
                    return Ok(Some(job));
                }
                Err(rule) => {
                    let reason = format!("robots.txt of {} forbids it ({rule})", self.hosts[host].name);
                    job.robots = Some(format!("forbidden ({rule})"));
                    self.end(&job, None, Ended::Refused, reason)?;
                }
            },
        }
        Ok(None)
    }

    fn ask_for_robots(&mut self, host: usize) {
        let url = self.hosts[host].robots_at.clone();
        let limit = robots::MOST_BYTES as u64;
        let ask = Ask { url, kind: FetchKind::Robots, etag: None, last_modified: None, limit };
        self.send(host, ask, Task::Robots);
    }

    fn ask_for(&mut self, host: usize, mut job: Job) {
        job.asked = true;
        if job.plain.is_some() {
            return self.build(host, job);
        }
        let limits = &self.recipe.limits;
        let limit = if job.row.kind == FetchKind::Page { limits.page_bytes } else { limits.picture_bytes };
        // What is known of an address says nothing of the one it leads to.
        let known = job.hops.is_empty();
        let ask = Ask {
            url: job.url.clone(),
            kind: job.row.kind,
            etag: job.row.etag.clone().filter(|_| known),
            last_modified: job.row.last_modified.clone().filter(|_| known),
            limit,
        };
        self.send(host, ask, Task::Job(Box::new(job)));
    }

    fn send(&mut self, host: usize, ask: Ask, task: Task) {
        self.begin(host);
        let (client, answers) = (self.client.clone(), self.answers.0.clone());
        thread::spawn(move || {
            let got = Got::Answer(client.ask(&ask));
            // Nobody listens any more after the person stopped it.
            let _ = answers.send(Done { host, task, got });
        });
    }

    /// Lets the browser build a page.
    fn build(&mut self, host: usize, job: Job) {
        let Some(browser) = self.browser.clone() else { return };
        self.begin(host);
        let answers = self.answers.0.clone();
        let (url, wait_for) = (job.url.clone(), self.site(&job).rules.wait_for.clone());
        thread::spawn(move || {
            let got = Got::Built(browser.read(&url, &wait_for));
            let _ = answers.send(Done { host, task: Task::Job(Box::new(job)), got });
        });
    }

    fn begin(&mut self, host: usize) {
        let now = self.now();
        let host = &mut self.hosts[host];
        host.busy = true;
        host.requests += 1;
        host.pace.asked(now);
        self.under_way += 1;
        self.collected.requests += 1;
    }
}

/// The licence that a header states: `Link: <https://…>; rel="license"` (RFC 8288, RFC 4946).
pub(super) fn licence_of(answer: &Answer) -> Option<String> {
    answer.all("link").flat_map(|value| value.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let mut relations =
            parameters.split(';').filter_map(|parameter| parameter.trim().strip_prefix("rel="));
        relations
            .any(|relation| relation.trim_matches('"').split(' ').any(|r| r.eq_ignore_ascii_case("license")))
            .then(|| target.to_owned())
    })
}
