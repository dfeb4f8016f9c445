//! When a host may be asked next. Values in, values out: times are measured from any beginning, and nothing waits here.

use std::time::{Duration, SystemTime};

use super::recipe::Politeness;

/// The pace at which one host is asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pace {
    politeness: Politeness,
    crawl_delay: Duration,
    not_before: Duration,
}

/// What becomes of a request that failed for the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// It is made again; the host is left alone until then.
    Later,
    /// It was tried often enough.
    GiveUp,
    /// The host asks for more time than a run waits.
    TooLong(Duration),
}

impl Pace {
    pub fn new(politeness: Politeness) -> Pace {
        Pace { politeness, crawl_delay: Duration::ZERO, not_before: Duration::ZERO }
    }

    /// Between two requests: the longer of what the recipe and the site want.
    pub fn between(&self) -> Duration {
        self.politeness.between_requests.max(self.crawl_delay)
    }

    /// When the next request may be made.
    pub fn not_before(&self) -> Duration {
        self.not_before
    }

    /// A request is made at `now`.
    pub fn asked(&mut self, now: Duration) {
        self.not_before = self.not_before.max(now + self.between());
    }

    /// Takes the site's own pace over.
    ///
    /// # Errors
    /// When it is slower than a run waits.
    pub fn crawl_delay(&mut self, delay: Option<Duration>, now: Duration) -> Result<(), Duration> {
        let delay = delay.unwrap_or_default();
        if delay > self.politeness.longest_wait {
            return Err(delay);
        }
        self.crawl_delay = delay;
        // The request for robots.txt was one too.
        self.not_before = self.not_before.max(now + self.between());
        Ok(())
    }

    /// The request for something failed at `now`, for the `tries`-th time.
    pub fn failed(
        &mut self,
        tries: u32,
        most_tries: u32,
        retry_after: Option<Duration>,
        now: Duration,
    ) -> Again {
        let longest = self.politeness.longest_wait;
        if let Some(wait) = retry_after.filter(|wait| *wait > longest) {
            return Again::TooLong(wait);
        }
        // Twice as long each time (RFC 9110 leaves it to the client), and never longer than a run waits.
        let base = self.between().max(Duration::from_millis(50));
        let back_off = base.saturating_mul(1 << tries.min(16)).min(longest.max(base));
        let wait = retry_after.map_or(back_off, |wait| wait.max(self.between()));
        self.not_before = self.not_before.max(now + wait);
        if tries < most_tries { Again::Later } else { Again::GiveUp }
    }
}

/// What `Retry-After` asks for at `now`: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let then = httpdate::parse_http_date(value).ok()?;
    Some(then.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pace() -> Pace {
        Pace::new(Politeness { between_requests: SECOND, longest_wait: 120 * SECOND, tries: 4 })
    }

    #[test]
    fn a_host_is_asked_once_a_second_or_as_slowly_as_it_wants() {
        let mut pace = pace();
        pace.asked(10 * SECOND);
        assert_eq!(pace.not_before(), 11 * SECOND);
        pace.crawl_delay(Some(5 * SECOND), 10 * SECOND).unwrap();
        assert_eq!((pace.not_before(), pace.between()), (15 * SECOND, 5 * SECOND));
        pace.crawl_delay(Some(SECOND / 2), 10 * SECOND).unwrap();
        assert_eq!(pace.between(), SECOND, "no site makes candor faster than the recipe");
        assert_eq!(pace.crawl_delay(Some(121 * SECOND), 10 * SECOND), Err(121 * SECOND));
    }

    #[test]
    fn what_fails_is_tried_again_later_and_later() {
        let mut pace = pace();
        let mut waits = Vec::new();
        for tries in 1..=4 {
            let now = pace.not_before();
            let again = pace.failed(tries, 4, None, now);
            assert_eq!(again, if tries < 4 { Again::Later } else { Again::GiveUp });
            waits.push((pace.not_before() - now).as_secs());
        }
        assert_eq!(waits, [2, 4, 8, 16]);
        let now = pace.not_before();
        assert_eq!(pace.failed(15, 20, None, now), Again::Later);
        assert_eq!(pace.not_before() - now, 120 * SECOND);
    }

    #[test]
    fn a_host_that_says_when_is_taken_at_its_word() {
        let mut pace = pace();
        assert_eq!(pace.failed(1, 4, Some(7 * SECOND), Duration::ZERO), Again::Later);
        assert_eq!(pace.not_before(), 7 * SECOND);
        assert_eq!(pace.failed(1, 4, Some(3600 * SECOND), Duration::ZERO), Again::TooLong(3600 * SECOND));
        assert_eq!(pace.failed(2, 4, Some(Duration::ZERO), 20 * SECOND), Again::Later);
        assert_eq!(pace.not_before(), 21 * SECOND, "no site makes candor faster than the recipe");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60)),
            ("Sun Nov  6 08:50:37 1994", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
        ] {
            assert_eq!(retry_after(value, now).map(|wait| wait.as_secs()), seconds, "{value}");
        }
    }
}
