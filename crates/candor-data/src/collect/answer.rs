//! What an answer means: take it, go elsewhere, come back later, or leave it. Values in, values out.

use std::time::{Duration, SystemTime};

use ureq::http::StatusCode;
use url::Url;

use super::client::{Answer, Failure};
use super::opt_out;
use super::pace::retry_after;
use super::page::fetchable;
use crate::study::FetchKind;

/// What is to be done about an answer, or about there being none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// What was asked for is in the body.
    Here,
    /// As it was the last time.
    Unchanged,
    /// At another address.
    Elsewhere(Url),
    /// Not now; asked again after a while, more than once only where `patient`.
    Later { reason: String, retry_after: Option<Duration>, patient: bool },
    /// Never.
    No(String),
}

/// What the answer to a request for `url` means at `now`.
pub(super) fn of_answer(url: &Url, kind: FetchKind, answer: &Answer, now: SystemTime) -> Verdict {
    match answer.status {
        200 => match refusal(kind, answer) {
            Some(reason) => Verdict::No(reason),
            None => Verdict::Here,
        },
        304 => Verdict::Unchanged,
        301..=303 | 307 | 308 => match answer.header("location").and_then(|to| fetchable(url.join(to).ok()?))
        {
            Some(to) => Verdict::Elsewhere(to),
            None => Verdict::No(format!(
                "answers with a redirect (status {}) to no address of the web",
                answer.status
            )),
        },
        408 | 425 | 429 | 500..=599 => Verdict::Later {
            reason: status(answer.status),
            retry_after: answer.header("retry-after").and_then(|value| retry_after(value, now)),
            patient: true,
        },
        other => Verdict::No(status(other)),
    }
}

/// What a request without an answer means.
pub(super) fn of_failure(failure: Failure) -> Verdict {
    let later = |reason: String, patient| Verdict::Later { reason, retry_after: None, patient };
    match failure {
        Failure::Address(refused) => Verdict::No(refused.to_string()),
        Failure::NoPicture(reason) => Verdict::No(reason),
        Failure::TooLong(limit) => Verdict::No(format!(
            "is larger than {:.1} MB and was cut off there (limits.page_megabytes, limits.picture_megabytes)",
            limit as f64 / 1e6
        )),
        Failure::TooSlow(patience) => later(
            format!("took longer than {} seconds (limits.request_seconds)", patience.as_secs_f64()),
            false,
        ),
        Failure::Broken(reason) => later(reason, true),
    }
}

/// Why what is in the body is not to be taken.
fn refusal(kind: FetchKind, answer: &Answer) -> Option<String> {
    if kind == FetchKind::Robots {
        return None;
    }
    let in_header = answer.all("x-robots-tag").find_map(opt_out::in_header);
    if let Some(said) = in_header.or_else(|| answer.all("tdm-reservation").find_map(opt_out::reserved)) {
        return Some(opted_out(said));
    }
    let content_type = answer.header("content-type").unwrap_or("text/html");
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_page = ["text/html", "application/xhtml+xml", ""].contains(&media_type.as_str());
    let is_wrong = kind == FetchKind::Page && !is_page;
    is_wrong.then(|| format!("is no web page: it says that it is {media_type}"))
}

/// In words.
pub(super) fn opted_out(said: &str) -> String {
    format!("says \"{said}\": it is not to be used for machine learning")
}

fn status(status: u16) -> String {
    let known = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    match known {
        Some(words) => format!("answers with status {status} ({})", words.to_lowercase()),
        None => format!("answers with status {status}"),
    }
}

#[cfg(test)]
mod tests {
    use ureq::http::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn judged(kind: FetchKind, status: u16, headers: &[(&'static str, &'static str)]) -> Verdict {
        let pairs = headers
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let answer = Answer { status, headers: HeaderMap::from_iter(pairs), body: Vec::new() };
        let url = Url::parse("https://x.org/staff/").unwrap();
        of_answer(&url, kind, &answer, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn an_answer_is_taken_only_where_it_may_be() {
        use FetchKind::{Page, Picture, Robots};
        type Case = (FetchKind, u16, &'static [(&'static str, &'static str)], Result<(), &'static str>);
        let cases: [Case; 11] = [
            (Page, 200, &[("content-type", "text/html; charset=utf-8")], Ok(())),
            (Page, 200, &[], Ok(())),
            (
                Page,
                200,
                &[("content-type", "image/jpeg")],
                Err("is no web page: it says that it is image/jpeg"),
            ),
            (Picture, 200, &[("content-type", "text/html")], Ok(())),
            (Picture, 200, &[("x-robots-tag", "noindex, noai")], Err("\"noai\"")),
            (Page, 200, &[("tdm-reservation", "1")], Err("\"tdm-reservation: 1\"")),
            (Robots, 200, &[("x-robots-tag", "noai")], Ok(())),
            (Page, 404, &[], Err("answers with status 404 (not found)")),
            (Page, 451, &[], Err("451")),
            (Page, 302, &[], Err("redirect (status 302) to no address")),
            (Page, 302, &[("location", "file:///etc/passwd")], Err("redirect (status 302) to no address")),
        ];
        for (kind, status, headers, expected) in cases {
            match (judged(kind, status, headers), expected) {
                (Verdict::Here, Ok(())) => {}
                (Verdict::No(reason), Err(says)) => assert!(reason.contains(says), "{reason}"),
                (other, _) => panic!("{status} {headers:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn redirects_lead_elsewhere_and_overload_to_later() {
        let to = |location| judged(FetchKind::Page, 301, &[("location", location)]);
        assert_eq!(to("../a?b#c"), Verdict::Elsewhere(Url::parse("https://x.org/a?b").unwrap()));
        assert_eq!(to("//y.org/"), Verdict::Elsewhere(Url::parse("https://y.org/").unwrap()));
        let Verdict::Later { retry_after, .. } = judged(FetchKind::Picture, 429, &[("retry-after", "3")])
        else {
            panic!("later");
        };
        assert_eq!(retry_after, Some(Duration::from_secs(3)));
        assert_eq!(judged(FetchKind::Page, 304, &[]), Verdict::Unchanged);
    }
}
