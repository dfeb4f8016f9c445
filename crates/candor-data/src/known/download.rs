//! One file from one mirror: resumed where it broke off, verified, and only then given its name.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ureq::http::Response;
use ureq::{Agent, Body};

use super::verify::verify;
use super::{AttemptError, FetchError, KnownFile};

/// Connections to one mirror for one file that may break without a byte arriving.
const FRUITLESS_TRIES: u32 = 3;
/// A connection on which nothing arrives for so long is given up (and tried again).
const SILENCE: Duration = Duration::from_secs(30);

/// Ends a download: for good, or for this mirror only.
pub(super) enum Failed {
    Mirror(AttemptError),
    Fetch(FetchError),
}

impl From<AttemptError> for Failed {
    fn from(error: AttemptError) -> Failed {
        Failed::Mirror(error)
    }
}

/// What a download tells and asks: how many bytes of the file are here, and whether to stop.
pub(super) type OnProgress<'a> = &'a dyn Fn(u64) -> Result<(), FetchError>;

/// Brings `known` from `url` to `target`. What arrived before a break stays in `<target>.part`.
pub(super) fn download(
    url: &str,
    known: &KnownFile,
    target: &Path,
    on_progress: OnProgress<'_>,
) -> Result<(), Failed> {
    let part = Part::of(target);
    let resumed = part.len() > 0;
    let agent = agent(url);
    receive_all(&agent, url, known, &part, on_progress)?;
    match part.verify(known)? {
        Ok(()) => part.finish(target),
        // The beginning may have come from another mirror, or from an older file: once more, from the start.
        Err(_) if resumed => {
            part.discard()?;
            download(url, known, target, on_progress)
        }
        Err(found) => {
            part.discard()?;
            Err(AttemptError::WrongContent { found, expected: known.sha256 }.into())
        }
    }
}

/// Connects until the file is complete, going on where the last connection broke off.
fn receive_all(
    agent: &Agent,
    url: &str,
    known: &KnownFile,
    part: &Part,
    on_progress: OnProgress<'_>,
) -> Result<(), Failed> {
    let mut fruitless = 0;
    while part.len() != known.bytes {
        if part.len() > known.bytes {
            part.discard()?;
        }
        let before = part.len();
        let broke = match receive(agent, url, known, part, on_progress) {
            Ok(()) if part.len() == known.bytes => return Ok(()),
            Ok(()) => AttemptError::CutOff { received: part.len(), expected: known.bytes },
            Err(Failed::Mirror(AttemptError::Connection(error))) => AttemptError::Connection(error),
            Err(other) => return Err(other),
        };
        fruitless = if part.len() > before { 0 } else { fruitless + 1 };
        if fruitless == FRUITLESS_TRIES {
            return Err(broke.into());
        }
        on_progress(part.len()).map_err(Failed::Fetch)?;
        thread::sleep(Duration::from_millis(100 << fruitless));
    }
    Ok(())
}

/// One request; returns when the answer ends, whether or not that is the end of the file.
fn receive(
    agent: &Agent,
    url: &str,
    known: &KnownFile,
    part: &Part,
    on_progress: OnProgress<'_>,
) -> Result<(), Failed> {
    let have = part.len();
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let mut response = request.call().map_err(AttemptError::Connection)?;
    let start = match response.status().as_u16() {
        200 => 0,
        206 if range_start(&response) == Some(have) => have,
        // The mirror cannot go on from here: start again.
        206 | 416 if have > 0 => return part.discard(),
        status => return Err(AttemptError::Status(status).into()),
    };
    if let Some(found) = response.body().content_length().map(|length| start + length)
        && found != known.bytes
    {
        return Err(AttemptError::WrongSize { found, expected: known.bytes }.into());
    }
    let file = part.open_at(start)?;
    copy(&mut response, file, start, known, part, on_progress)
}

fn copy(
    response: &mut Response<Body>,
    mut file: File,
    start: u64,
    known: &KnownFile,
    part: &Part,
    on_progress: OnProgress<'_>,
) -> Result<(), Failed> {
    // One byte more than expected is enough to know that it is another file.
    let mut body = response.body_mut().as_reader().take(known.bytes - start + 1);
    let (mut here, mut buffer) = (start, vec![0; 1 << 16]);
    loop {
        on_progress(here).map_err(Failed::Fetch)?;
        // A connection that breaks ends this answer; the caller sees that bytes are missing and asks for the rest.
        let received = match body.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(received) => received,
        };
        file.write_all(&buffer[..received]).map_err(|error| part.failed(error))?;
        here += received as u64;
    }
    if here > known.bytes {
        part.discard()?;
        return Err(AttemptError::WrongSize { found: here, expected: known.bytes }.into());
    }
    Ok(())
}

/// The first byte of a partial answer: `Content-Range: bytes 1000-1999/2000`.
fn range_start(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get("content-range")?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

fn agent(url: &str) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(SILENCE))
        .timeout_recv_response(Some(SILENCE))
        .timeout_per_read(Some(SILENCE))
        .user_agent(concat!("candor/", env!("CARGO_PKG_VERSION")));
    // No proxy can reach this machine's own servers.
    if url.starts_with("http://127.0.0.1") || url.starts_with("http://localhost") {
        config = config.proxy(None);
    }
    config.build().into()
}

/// The file that collects what arrives, under a name of its own.
struct Part {
    path: PathBuf,
}

impl Part {
    fn of(target: &Path) -> Part {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        Part { path: target.with_file_name(name) }
    }

    fn len(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    fn failed(&self, error: std::io::Error) -> Failed {
        Failed::Fetch(FetchError::File { path: self.path.clone(), error })
    }

    fn open_at(&self, start: u64) -> Result<File, Failed> {
        let open = || {
            let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&self.path)?;
            file.set_len(start)?;
            file.seek(SeekFrom::Start(start))?;
            Ok(file)
        };
        open().map_err(|error| self.failed(error))
    }

    fn discard(&self) -> Result<(), Failed> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(self.failed(error)),
            _ => Ok(()),
        }
    }

    fn verify(&self, known: &KnownFile) -> Result<Result<(), String>, Failed> {
        verify(&self.path, known).map_err(|error| self.failed(error))
    }

    fn finish(&self, target: &Path) -> Result<(), Failed> {
        let finish = || {
            File::open(&self.path)?.sync_all()?;
            fs::rename(&self.path, target)
        };
        finish().map_err(|error| self.failed(error))
    }
}
