//! Taking what came: what it means, what is written down, and what is asked for next.

use std::time::{Duration, SystemTime};

use candor_core::SampleId;
use url::Url;

use super::{Crawl, Done, Got, Task};
use crate::collect::answer::{Verdict, of_answer, of_failure, opted_out};
use crate::collect::client::{Answer, Failure};
use crate::collect::host::{Closed, Job, Rules};
use crate::collect::pace::Again;
use crate::collect::page::{self, Named, Page};
use crate::collect::{CollectError, PicturePreview, charset};
use crate::decode::{Limits, decode, format_of};
use crate::study::{Came, Ended, Expected, FetchKind, NamedPicture, NewPicture, Resemblance};

/// Redirects that are followed.
const MOST_HOPS: usize = 10;
/// After so many addresses in a row that could not be had, a host is left alone.
const MOST_FAILURES: u32 = 5;

impl Crawl<'_> {
    pub(super) fn take(&mut self, done: Done) -> Result<(), CollectError> {
        let Done { host, task, got } = done;
        self.under_way -= 1;
        self.hosts[host].busy = false;
        if matches!(got, Got::Built(_)) {
            // A browser asks when it is ready, which may be long after it was told to: the pace counts from its end.
            let now = self.now();
            self.hosts[host].pace.asked(now);
        }
        match (task, got) {
            (Task::Robots, Got::Answer(got)) => self.take_robots(host, got),
            (Task::Job(job), Got::Answer(got)) => self.take_answer(host, *job, got),
            (Task::Job(job), Got::Built(Ok(text))) => self.take_page(host, *job, &text),
            (Task::Job(job), Got::Built(Err(error))) if error.is_of_the_page() => {
                self.end(&job, job.plain.as_ref(), Ended::Failed, error.to_string())
            }
            (_, Got::Built(Err(error))) => Err(error.into()),
            (Task::Robots, Got::Built(_)) => unreachable!("no browser reads robots.txt"),
        }
    }

    pub(super) fn again(
        &mut self,
        host: usize,
        tries: u32,
        retry_after: Option<Duration>,
        patient: bool,
    ) -> Again {
        let most = self.recipe.politeness.tries;
        let (most, now) = (if patient { most } else { most.min(2) }, self.now());
        self.hosts[host].pace.failed(tries, most, retry_after, now)
    }

    fn take_answer(
        &mut self,
        host: usize,
        mut job: Job,
        got: Result<Answer, Failure>,
    ) -> Result<(), CollectError> {
        let (verdict, answer) = match got {
            Ok(answer) => (of_answer(&job.url, job.row.kind, &answer, SystemTime::now()), Some(answer)),
            Err(failure) => (of_failure(failure), None),
        };
        if !matches!(verdict, Verdict::Later { .. }) {
            self.hosts[host].failures = 0;
        }
        match (verdict, answer) {
            (Verdict::Here, Some(answer)) if job.row.kind == FetchKind::Picture => {
                self.take_picture(&job, &answer)
            }
            (Verdict::Here, Some(answer)) => {
                let is_scripted = self.browser.is_some() && self.site(&job).script != Some(false);
                let text = charset::text(&answer.body, answer.header("content-type"));
                job.plain = Some(answer);
                if is_scripted {
                    self.hosts[host].jobs.push_front(job);
                    return Ok(());
                }
                self.take_page(host, job, &text)
            }
            (Verdict::Unchanged, answer) if job.row.etag.is_none() && job.row.last_modified.is_none() => {
                let reason = "answers that nothing has changed, but it was never there".to_owned();
                self.end(&job, answer.as_ref(), Ended::Refused, reason)
            }
            (Verdict::Unchanged, _) => {
                self.collected.unchanged += 1;
                Ok(self.study.write_down(|ledger| ledger.unchanged(job.row.id))?)
            }
            (Verdict::Elsewhere(url), Some(answer)) => self.follow(job, url, &answer),
            (Verdict::Later { reason, retry_after, patient }, answer) => {
                job.tries += 1;
                match self.again(host, job.tries, retry_after, patient) {
                    Again::Later => self.hosts[host].jobs.push_back(job),
                    Again::GiveUp => self.give_up(host, &job, answer.as_ref(), reason)?,
                    Again::TooLong(wait) => {
                        self.hosts[host].jobs.push_front(job);
                        self.close_host(host, Closed::Waits(asks_to_wait(wait)), answer.as_ref())?;
                    }
                }
                Ok(())
            }
            (Verdict::No(reason), answer) => self.end(&job, answer.as_ref(), Ended::Refused, reason),
            (Verdict::Here | Verdict::Elsewhere(_), None) => unreachable!("what is here has an answer"),
        }
    }

    fn give_up(
        &mut self,
        host: usize,
        job: &Job,
        answer: Option<&Answer>,
        reason: String,
    ) -> Result<(), CollectError> {
        self.hosts[host].failures += 1;
        self.end(job, answer, Ended::Failed, reason)?;
        if self.hosts[host].failures >= MOST_FAILURES {
            let why = format!(
                "{MOST_FAILURES} addresses in a row could not be had: the host is left alone for now"
            );
            self.hosts[host].rules = Rules::Closed(Closed::Failed(why));
        }
        Ok(())
    }

    /// Goes where a redirect leads: in that host's turn, if its robots.txt and its address allow it.
    fn follow(&mut self, mut job: Job, url: Url, answer: &Answer) -> Result<(), CollectError> {
        job.hops.push((job.url.to_string(), answer.status));
        if job.hops.len() > MOST_HOPS {
            let reason = format!("leads from one address to the next, more than {MOST_HOPS} times");
            return self.end(&job, None, Ended::Refused, reason);
        }
        if job.row.kind == FetchKind::Picture && self.study.was_taken_out(None, url.as_str())? {
            return self.bury(&job);
        }
        job.url = url;
        let host = self.host_of(&job.url);
        self.hosts[host].jobs.push_front(job);
        Ok(())
    }

    /// A picture that was taken out before, under another address: nothing of it is kept.
    fn bury(&mut self, job: &Job) -> Result<(), CollectError> {
        self.study.write_down(|ledger| ledger.bury(job.row.id, &job.row.url))?;
        let place = self.site(job).place.clone();
        self.tell_taken_out(1, &place);
        Ok(())
    }

    fn take_picture(&mut self, job: &Job, answer: &Answer) -> Result<(), CollectError> {
        let bytes = &answer.body;
        let id = SampleId::of(bytes);
        if self.study.was_taken_out(Some(&id), job.url.as_str())? {
            return self.bury(job);
        }
        let read = format_of(bytes).and_then(|format| Ok((format, decode(bytes, &Limits::default())?)));
        let (format, image) = match read {
            Ok(read) => read,
            Err(error) => return self.end(job, Some(answer), Ended::Refused, error.to_string()),
        };
        match (self.resembles)(&image) {
            Resemblance::Copy => return self.bury(job),
            Resemblance::Similar => self.tell(
                &job.row.url,
                "is very similar to a picture that was taken out of this study (candor forget), and was taken in: look at it"
                    .to_owned(),
            ),
            Resemblance::None => {}
        }
        let came = Came { sha256: Some(id), ..self.came(job, Some(answer), None) };
        let picture = NewPicture { id, bytes, image: &image, format };
        let taken = self.study.take_in(job.row.id, &picture, &came)?;
        match taken.new {
            true => {
                self.collected.new += 1;
                *self.collected.classes.entry(taken.class.clone()).or_default() += 1;
            }
            false => self.collected.known += 1,
        }
        for other in taken.other_classes {
            let reason = format!(
                "is of class \"{other}\" here, but is in the study as \"{}\": it stays that",
                taken.class
            );
            self.tell(&job.row.url, reason);
        }
        Ok(())
    }

    fn take_page(&mut self, host: usize, job: Job, text: &str) -> Result<(), CollectError> {
        let site = self.site(&job);
        let page = page::read(text, &job.url, site);
        if let Some(said) = page.opt_out {
            return self.end(&job, job.plain.as_ref(), Ended::Refused, opted_out(said));
        }
        if self.preview.is_some() {
            return self.show(&job, page);
        }
        if page.entries == 0 && self.hosts[host].jobs.is_empty() {
            let hint =
                "nothing on it matches the recipe's entry or picture: is it built by script (--browser)?";
            self.tell(&job.row.url, hint.to_owned());
        }
        for unfit in &page.unfit {
            self.tell(&job.row.url, unfit.clone());
        }
        let body = job.plain.as_ref().map(|answer| SampleId::of(&answer.body));
        let came = Came { sha256: body, ..self.came(&job, job.plain.as_ref(), None) };
        let next = self.pages_after(&job, &page);
        self.write_page(&job, &page, next, &came)
    }

    /// The pages to be read after this one, but for a pattern's: only on hosts that the site begins with.
    fn pages_after(&mut self, job: &Job, page: &Page) -> Vec<Url> {
        let site = self.site(job);
        let hosts: Vec<Option<&str>> = site.start.iter().map(Url::host_str).collect();
        let (inside, outside): (Vec<&Url>, Vec<&Url>) = page
            .next
            .iter()
            .partition(|url| url.host_str() == job.url.host_str() || hosts.contains(&url.host_str()));
        for url in outside {
            let reason = format!("leads on to {url}, which is another site: it is not followed");
            self.tell(&job.row.url, reason);
        }
        inside.into_iter().cloned().collect()
    }

    fn write_page(
        &mut self,
        job: &Job,
        page: &Page,
        next: Vec<Url>,
        came: &Came,
    ) -> Result<(), CollectError> {
        let (site, source, limits) = (self.site(job), self.sources[job.site], self.recipe.limits);
        let (mut pages, _) = self.study.fetch_counts(source, FetchKind::Page)?;
        let (mut pictures, _) = self.study.fetch_counts(source, FetchKind::Picture)?;
        let id = job.row.id;
        let mut left_out = 0;
        let (waiting, taken_out) = self.study.write_down(|ledger| {
            let (mut waiting, mut taken_out) = (Vec::new(), 0);
            ledger.read_anew(id)?;
            for Named { url, class, name, licence } in &page.pictures {
                if pictures >= limits.pictures {
                    left_out += 1;
                    continue;
                }
                let (name, licence) = (name.as_deref(), licence.as_deref());
                let named = NamedPicture { url: url.as_str(), class, name, licence };
                match ledger.expect_picture(source, Some(id), &named)? {
                    Expected::New(row) => {
                        pictures += 1;
                        waiting.push(row);
                    }
                    Expected::TakenOut => taken_out += 1,
                    Expected::Known => {}
                }
            }
            // A pattern without an end ends where nothing new comes.
            let url = Url::parse(&job.row.url).ok().filter(|_| !waiting.is_empty());
            let numbered = url.and_then(|url| site.open.iter().find_map(|pattern| pattern.after(&url)));
            for url in next.iter().chain(&numbered) {
                if pages >= limits.pages {
                    left_out += 1;
                } else if let Some(row) = ledger.expect_page(source, url.as_str())? {
                    pages += 1;
                    waiting.push(row);
                }
            }
            ledger.finish(id, Ended::Done, came)?;
            ledger.drop_unnamed()?;
            Ok((waiting, taken_out))
        })?;
        self.collected.pages += 1;
        waiting.into_iter().for_each(|row| self.enqueue(row, job.site));
        self.tell_taken_out(taken_out, &job.row.url);
        if left_out > 0 {
            let reason = format!(
                "{left_out} more are left out: the site has as many as limits.pages or limits.pictures allow"
            );
            self.tell(&job.row.url, reason);
        }
        Ok(())
    }

    fn show(&mut self, job: &Job, page: Page) -> Result<(), CollectError> {
        page.unfit.into_iter().for_each(|unfit| self.tell(&job.row.url, unfit));
        if page.entries == 0 {
            let hint =
                "nothing on it matches the recipe's entry or picture: is it built by script (--browser)?";
            self.tell(&job.row.url, hint.to_owned());
        }
        let Some(site) = self.preview.as_mut().and_then(|preview| preview.sites.get_mut(job.site)) else {
            return Ok(());
        };
        site.pictures.extend(page.pictures.into_iter().map(|named| PicturePreview {
            url: named.url.to_string(),
            class: named.class,
            name: named.name,
            licence: named.licence,
        }));
        let first = Url::parse(&job.row.url).ok();
        let numbered =
            first.and_then(|url| self.recipe.sites[job.site].open.iter().find_map(|p| p.after(&url)));
        site.next = page.next.into_iter().chain(numbered).map(|url| url.to_string()).collect();
        Ok(())
    }
}

pub(super) fn asks_to_wait(wait: Duration) -> String {
    format!("asks to wait for {} seconds, more than politeness.longest_wait_seconds", wait.as_secs())
}
