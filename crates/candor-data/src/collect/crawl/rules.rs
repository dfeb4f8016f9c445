//! What a host allows: its robots.txt is read before anything else is asked for, and what came of that decides over all of it.

use std::time::SystemTime;

use candor_core::SampleId;

use super::Crawl;
use super::take::asks_to_wait;
use crate::collect::CollectError;
use crate::collect::answer::{Verdict, of_answer, of_failure};
use crate::collect::client::{Answer, Failure};
use crate::collect::host::{Closed, Rules};
use crate::collect::pace::Again;
use crate::collect::robots::Robots;
use crate::study::{Came, Ended, FetchKind};

/// Redirects that are followed for a robots.txt (RFC 9309, 2.3.1.2).
const MOST_HOPS: usize = 5;

impl Crawl<'_> {
    pub(super) fn take_robots(
        &mut self,
        host: usize,
        got: Result<Answer, Failure>,
    ) -> Result<(), CollectError> {
        let at = self.hosts[host].robots_at.clone();
        let answer = match got {
            Ok(answer) => answer,
            Err(Failure::Address(refused)) => {
                // Nothing was sent.
                self.collected.requests -= 1;
                self.hosts[host].requests -= 1;
                return self.close_host(host, Closed::Refused(refused.to_string()), None);
            }
            Err(failure) => return self.robots_failed(host, of_failure(failure), None),
        };
        match of_answer(&at, FetchKind::Robots, &answer, SystemTime::now()) {
            Verdict::Here => self.read_robots(host, &answer),
            Verdict::Elsewhere(url) if self.hosts[host].robots_hops < MOST_HOPS => {
                self.hosts[host].robots_hops += 1;
                self.hosts[host].robots_at = url;
                Ok(())
            }
            // What is not there forbids nothing (2.3.1.3), nor does what cannot be found (2.3.1.2).
            Verdict::Elsewhere(_) => {
                self.no_robots(host, "robots.txt leads from one address to the next", &answer)
            }
            Verdict::No(reason) => self.no_robots(host, &format!("no robots.txt: {reason}"), &answer),
            later => self.robots_failed(host, later, Some(&answer)),
        }
    }

    fn read_robots(&mut self, host: usize, answer: &Answer) -> Result<(), CollectError> {
        let now = self.now();
        let robots = Robots::parse(&answer.body);
        if let Err(delay) = self.hosts[host].pace.crawl_delay(robots.crawl_delay, now) {
            let why = format!(
                "robots.txt asks for {} seconds between requests, more than politeness.longest_wait_seconds",
                delay.as_secs()
            );
            return self.close_host(host, Closed::Waits(why), Some(answer));
        }
        self.open_host(host, robots, "robots.txt read".to_owned(), answer)
    }

    fn no_robots(&mut self, host: usize, why: &str, answer: &Answer) -> Result<(), CollectError> {
        self.open_host(host, Robots::default(), why.to_owned(), answer)
    }

    fn open_host(
        &mut self,
        host: usize,
        robots: Robots,
        words: String,
        answer: &Answer,
    ) -> Result<(), CollectError> {
        self.note_robots(host, Ended::Done, Some(answer), None)?;
        let at = self.now();
        let host = &mut self.hosts[host];
        host.rules = Rules::Read { robots, words, at };
        (host.robots_tries, host.robots_hops, host.robots_at) = (0, 0, host.robots_url.clone());
        Ok(())
    }

    /// What cannot be read for the moment forbids everything (RFC 9309, 2.3.1.4).
    fn robots_failed(
        &mut self,
        host: usize,
        verdict: Verdict,
        answer: Option<&Answer>,
    ) -> Result<(), CollectError> {
        let (reason, retry_after, patient) = match verdict {
            Verdict::Later { reason, retry_after, patient } => (reason, retry_after, patient),
            Verdict::No(reason) => (reason, None, true),
            _ => ("answers with nothing".to_owned(), None, true),
        };
        self.hosts[host].robots_tries += 1;
        let tries = self.hosts[host].robots_tries;
        match self.again(host, tries, retry_after, patient) {
            Again::Later => Ok(()),
            Again::GiveUp => {
                let why = format!("robots.txt cannot be read ({reason}), and so nothing may be asked for");
                self.close_host(host, Closed::Failed(why), answer)
            }
            Again::TooLong(wait) => self.close_host(host, Closed::Waits(asks_to_wait(wait)), answer),
        }
    }

    /// Leaves a host alone for the rest of the run.
    pub(super) fn close_host(
        &mut self,
        host: usize,
        closed: Closed,
        answer: Option<&Answer>,
    ) -> Result<(), CollectError> {
        let (ended, why) = match &closed {
            Closed::Refused(why) => (Ended::Refused, why.clone()),
            Closed::Failed(why) | Closed::Waits(why) => (Ended::Failed, why.clone()),
        };
        if !matches!(self.hosts[host].rules, Rules::Read { .. }) {
            self.note_robots(host, ended, answer, Some(why.clone()))?;
        }
        if matches!(closed, Closed::Waits(_)) {
            let name = self.hosts[host].name.clone();
            self.tell(&name, format!("{why}: what is left waits for the next run"));
        }
        self.hosts[host].rules = Rules::Closed(closed);
        Ok(())
    }

    fn note_robots(
        &mut self,
        host: usize,
        ended: Ended,
        answer: Option<&Answer>,
        reason: Option<String>,
    ) -> Result<(), CollectError> {
        let Some(first) = self.hosts[host].jobs.front() else { return Ok(()) };
        let (source, url) = (self.sources[first.site], self.hosts[host].robots_url.to_string());
        let at = &self.hosts[host].robots_at;
        let came = Came {
            reason,
            asked: true,
            status: answer.map(|answer| answer.status),
            content_type: answer.and_then(|answer| answer.header("content-type")).map(str::to_owned),
            sha256: answer.filter(|answer| answer.status == 200).map(|answer| SampleId::of(&answer.body)),
            location: (at.as_str() != url).then(|| at.to_string()),
            recipe: self.recipe.sha256.to_string(),
            ..Came::default()
        };
        Ok(self.study.write_down(|ledger| ledger.robots(source, &url, ended, &came))?)
    }
}
