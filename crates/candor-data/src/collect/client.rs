//! One request: to an address that may be asked, within a time, and no more bytes than allowed.
//!
//! Redirects are not followed here: whoever asked looks first whether the next address may be asked.

use std::io::Read;
use std::time::Duration;

use ureq::http::{HeaderMap, HeaderValue, Uri};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Timeout};
use url::Url;

use super::address::{Guard, RefusedAddress};
use super::recipe::CollectRecipe;
use crate::decode::format_of;
use crate::study::FetchKind;

/// So many bytes of a picture tell whether it is one.
const ENOUGH_TO_TELL: usize = 512;

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub url: Url,
    pub kind: FetchKind,
    /// Of the answer that is there already, so that it comes again only if it has changed.
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    /// Bytes at most.
    pub limit: u64,
}

/// An answer of any status; a body only where there is one to be read.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub headers: HeaderMap<HeaderValue>,
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of this name, where it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All headers of this name.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok())
    }
}

/// Why there is no answer, or none that is wanted.
#[derive(Debug)]
pub(super) enum Failure {
    /// It must not be asked.
    Address(RefusedAddress),
    /// It takes longer than a request may.
    TooSlow(Duration),
    /// It is longer than allowed, and was cut off.
    TooLong(u64),
    /// Its first bytes are no picture's.
    NoPicture(String),
    /// The connection failed, or nothing that makes sense came.
    Broken(String),
}

/// What asks. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub(super) struct Client {
    agent: Agent,
    patience: Duration,
}

impl Client {
    pub fn new(recipe: &CollectRecipe, guard: Guard) -> Client {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // From the name to the last byte: a site that sends a byte a second holds nobody up.
            .timeout_global(Some(recipe.limits.request))
            .user_agent(user_agent(&recipe.contact))
            // Through a proxy nobody could tell where a request goes.
            .proxy(None)
            .build();
        let agent = Agent::with_parts(config, DefaultConnector::default(), guard);
        Client { agent, patience: recipe.limits.request }
    }

    /// Asks, and reads what comes.
    pub fn ask(&self, ask: &Ask) -> Result<Answer, Failure> {
        let uri: Uri = ask.url.as_str().parse().map_err(|error| Failure::Broken(format!("{error}")))?;
        let mut request = self.agent.get(uri).header("Accept", accepts(ask.kind));
        if let Some(etag) = &ask.etag {
            request = request.header("If-None-Match", etag);
        }
        if let Some(date) = &ask.last_modified {
            request = request.header("If-Modified-Since", date);
        }
        let response = request.call().map_err(|error| self.failure(error))?;
        let (head, mut body) = response.into_parts();
        let status = head.status.as_u16();
        if status != 200 {
            return Ok(Answer { status, headers: head.headers, body: Vec::new() });
        }
        let told = body.content_length().filter(|length| *length > ask.limit);
        if told.is_some() && ask.kind != FetchKind::Robots {
            return Err(Failure::TooLong(ask.limit));
        }
        let body = self.read(body.as_reader(), ask)?;
        Ok(Answer { status, headers: head.headers, body })
    }

    fn read(&self, mut from: impl Read, ask: &Ask) -> Result<Vec<u8>, Failure> {
        let (mut bytes, mut buffer, mut told) =
            (Vec::new(), vec![0; 1 << 16], ask.kind != FetchKind::Picture);
        loop {
            let received = match from.read(&mut buffer) {
                Ok(received) => received,
                Err(error) => return Err(self.failure(error.into())),
            };
            bytes.extend_from_slice(&buffer[..received]);
            if !told && (received == 0 || bytes.len() >= ENOUGH_TO_TELL) {
                told = true;
                format_of(&bytes).map_err(|error| Failure::NoPicture(error.to_string()))?;
            }
            if received == 0 {
                return Ok(bytes);
            }
            if bytes.len() as u64 > ask.limit {
                // Of a long robots.txt the beginning counts (RFC 9309, 2.5).
                bytes.truncate(ask.limit as usize);
                return if ask.kind == FetchKind::Robots {
                    Ok(bytes)
                } else {
                    Err(Failure::TooLong(ask.limit))
                };
            }
        }
    }

    fn failure(&self, error: ureq::Error) -> Failure {
        match error {
            ureq::Error::Other(error) => match error.downcast() {
                Ok(refused) => Failure::Address(*refused),
                Err(other) => Failure::Broken(other.to_string()),
            },
            ureq::Error::Timeout(Timeout::Global | Timeout::PerCall) => Failure::TooSlow(self.patience),
            // What is wrong while reading a body comes wrapped.
            ureq::Error::Io(error) => match error.downcast::<ureq::Error>() {
                Ok(inner) => self.failure(inner),
                Err(error) => Failure::Broken(error.to_string()),
            },
            other => Failure::Broken(other.to_string()),
        }
    }
}

fn accepts(kind: FetchKind) -> &'static str {
    match kind {
        FetchKind::Robots => "text/plain, */*;q=0.1",
        FetchKind::Page => "text/html, application/xhtml+xml",
        FetchKind::Picture => "image/webp, image/png, image/jpeg, image/*;q=0.8, */*;q=0.1",
    }
}

/// Who asks, so that those who run a site can say no in its robots.txt, or write.
pub(super) fn user_agent(contact: &str) -> String {
    format!("candor/{} (+{contact})", env!("CARGO_PKG_VERSION"))
}
