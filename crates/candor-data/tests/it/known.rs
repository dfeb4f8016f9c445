//! Fetching from mirrors that misbehave: a small server on this machine plays them.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use candor_core::{Problem, Progress, Reporter, Silent};
use candor_data::known::{AttemptError, FetchError, FetchOptions, KnownDataset, KnownFile, fetch};
use sha2::{Digest, Sha256};

/// What the server does with one request for the file's bytes.
#[derive(Clone, Copy)]
enum Answer {
    /// All of it, or the rest from where the request asks.
    Serve,
    /// As much as this many bytes, then the connection breaks.
    BreakAfter(usize),
    /// All of it, even when only the rest was asked for.
    IgnoreRange,
    /// A page in place of the file.
    Status(&'static str),
    /// As many bytes as the file has, but others.
    OtherContent,
    /// A file of another size.
    OtherSize,
    /// No `Content-Length`, and the connection is closed in the middle.
    SilentCut(usize),
}

struct Server {
    url: String,
    /// The first byte that each request asked for.
    asked_from: Arc<Mutex<Vec<usize>>>,
}

impl Server {
    /// Answers one request after another; the last answer is repeated.
    fn start(content: &'static [u8], answers: &'static [Answer]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked_from = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked_from);
        thread::spawn(move || {
            for (number, connection) in listener.incoming().enumerate() {
                let answer = answers[number.min(answers.len() - 1)];
                // A client that hangs up is part of the game.
                let _ = respond(connection.unwrap(), content, answer, &log);
            }
        });
        Server { url, asked_from }
    }

    fn asked_from(&self) -> Vec<usize> {
        self.asked_from.lock().unwrap().clone()
    }
}

fn respond(
    mut connection: TcpStream,
    content: &[u8],
    answer: Answer,
    log: &Mutex<Vec<usize>>,
) -> std::io::Result<()> {
    let mut start = 0;
    for line in BufReader::new(connection.try_clone()?).lines() {
        let line = line?.to_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
    }
    log.lock().unwrap().push(start);
    let whole = |bytes: &[u8]| (format!("200 OK\r\nContent-Length: {}", bytes.len()), bytes.to_vec());
    let rest = || match start {
        0 => whole(content),
        _ => {
            let length = content.len();
            let range = format!("Content-Range: bytes {start}-{}/{length}", length - 1);
            let head = format!("206 Partial Content\r\n{range}\r\nContent-Length: {}", length - start);
            (head, content[start..].to_vec())
        }
    };
    let (head, body) = match answer {
        Answer::Serve => rest(),
        Answer::BreakAfter(bytes) => {
            let (head, body) = rest();
            (head, body[..bytes.min(body.len())].to_vec())
        }
        Answer::IgnoreRange => whole(content),
        Answer::Status(status) => (format!("{status}\r\nContent-Length: 4"), b"oops".to_vec()),
        Answer::OtherContent => whole(&vec![7; content.len()]),
        Answer::OtherSize => whole(&[7; 100]),
        Answer::SilentCut(bytes) => ("200 OK".to_owned(), content[..bytes].to_vec()),
    };
    write!(connection, "HTTP/1.1 {head}\r\nConnection: close\r\n\r\n")?;
    connection.write_all(&body)
}

fn content() -> &'static [u8] {
    (0..300_000u32).map(|i| (i * 31 % 253) as u8).collect::<Vec<u8>>().leak()
}

fn hash(bytes: &[u8]) -> &'static str {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>().leak()
}

/// A data set of one file with `content`.
fn dataset(content: &[u8]) -> KnownDataset {
    let file = KnownFile {
        name: "pictures.bin",
        bytes: content.len() as u64,
        sha256: hash(content),
        unpacked_sha256: None,
    };
    KnownDataset {
        name: "test",
        summary: "",
        licence: "",
        mirrors: &[],
        files: vec![file].leak(),
        classes: &["a", "b"],
    }
}

fn from(servers: &[&Server]) -> FetchOptions {
    FetchOptions { mirrors: servers.iter().map(|server| server.url.clone()).collect(), from_dir: None }
}

fn file_names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn whatever_a_mirror_does_the_file_is_right_in_the_end() {
    use Answer::*;
    let cases: [(&str, &'static [Answer], &[usize]); 7] = [
        ("serves", &[Serve], &[0]),
        ("breaks once", &[BreakAfter(100_000), Serve], &[0, 100_000]),
        (
            "breaks often",
            &[BreakAfter(70_000), BreakAfter(70_000), BreakAfter(70_000), BreakAfter(70_000), Serve],
            &[0, 70_000, 140_000, 210_000, 280_000],
        ),
        ("breaks before a byte", &[BreakAfter(0), Serve], &[0, 0]),
        ("breaks without saying how long it is", &[SilentCut(123_456), Serve], &[0, 123_456]),
        ("cannot go on", &[BreakAfter(100_000), IgnoreRange], &[0, 100_000]),
        (
            "refuses to go on",
            &[BreakAfter(100_000), Status("416 Range Not Satisfiable"), Serve],
            &[0, 100_000, 0],
        ),
    ];
    let content = content();
    for (name, answers, asked_from) in cases {
        let (server, dir) = (Server::start(content, answers), tempfile::tempdir().unwrap());
        let fetched = fetch(&dataset(content), dir.path(), &from(&[&server]), &Silent)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(fs::read(dir.path().join("pictures.bin")).unwrap() == content, "{name}");
        assert_eq!(server.asked_from(), asked_from, "{name}");
        assert_eq!((fetched.new_files, fetched.present_files), (1, 0));
        assert_eq!(file_names(dir.path()), ["classes.txt", "pictures.bin"], "{name}");

        let again = fetch(&dataset(content), dir.path(), &from(&[&server]), &Silent).unwrap();
        assert_eq!((again.new_files, again.present_files), (0, 1));
        assert_eq!(server.asked_from().len(), asked_from.len(), "{name}: nothing was fetched again");
    }
}

#[test]
fn a_mirror_with_something_else_is_passed_over_and_named() {
    use Answer::*;
    let content = content();
    let expected: [(&'static [Answer], &str); 4] = [
        (&[Status("404 Not Found")], "answers with status 404"),
        (&[OtherSize], "serves a file of 100 bytes, 300000 were expected"),
        (&[OtherContent], "serves another file: its SHA-256 is "),
        (&[BreakAfter(0)], ""),
    ];
    let bad: Vec<Server> = expected.iter().map(|(answers, _)| Server::start(content, answers)).collect();
    let good = Server::start(content, &[Serve]);

    let dir = tempfile::tempdir().unwrap();
    let all: Vec<&Server> = bad.iter().chain([&good]).collect();
    fetch(&dataset(content), dir.path(), &from(&all), &Silent).unwrap();
    assert!(fs::read(dir.path().join("pictures.bin")).unwrap() == content);

    let dir = tempfile::tempdir().unwrap();
    let only_bad: Vec<&Server> = bad.iter().collect();
    let error = fetch(&dataset(content), dir.path(), &from(&only_bad), &Silent).unwrap_err();
    let FetchError::NoMirror { attempts, .. } = &error else { panic!("{error}") };
    for (attempt, (_, reason)) in attempts.iter().zip(&expected) {
        assert!(attempt.error.to_string().starts_with(reason), "{attempt}");
    }
    assert!(matches!(attempts[3].error, AttemptError::CutOff { .. } | AttemptError::Connection(_)));
    assert!(error.to_string().ends_with("give that folder with --from"), "{error}");
    assert!(file_names(dir.path()).iter().all(|name| name != "pictures.bin"), "{:?}", file_names(dir.path()));
}

/// Says stop once this many bytes are there.
struct StopAt {
    bytes: u64,
    reached: Mutex<RefCell<bool>>,
}

impl Reporter for StopAt {
    fn progress(&self, progress: Progress) {
        if progress.done >= self.bytes {
            *self.reached.lock().unwrap().borrow_mut() = true;
        }
    }
    fn problem(&self, _: Problem) {}
    fn note(&self, _: &str) {}
    fn cancelled(&self) -> bool {
        *self.reached.lock().unwrap().borrow()
    }
}

#[test]
fn a_stopped_fetch_goes_on_where_it_was() {
    let content = content();
    let (server, dir) = (Server::start(content, &[Answer::Serve]), tempfile::tempdir().unwrap());
    let stop = StopAt { bytes: 60_000, reached: Mutex::new(RefCell::new(false)) };
    let error = fetch(&dataset(content), dir.path(), &from(&[&server]), &stop).unwrap_err();
    assert!(matches!(error, FetchError::Cancelled), "{error}");
    let here = fs::metadata(dir.path().join("pictures.bin.part")).unwrap().len() as usize;
    assert!(here >= 60_000 && here < content.len(), "{here}");
    fetch(&dataset(content), dir.path(), &from(&[&server]), &Silent).unwrap();
    assert_eq!(server.asked_from(), [0, here]);
    assert!(fs::read(dir.path().join("pictures.bin")).unwrap() == content);
}

#[test]
fn the_beginning_of_another_file_is_thrown_away() {
    let content = content();
    for (begun, asked_from) in [(1_000, &[1_000, 0][..]), (300_000, &[0]), (400_000, &[0])] {
        let (server, dir) = (Server::start(content, &[Answer::Serve]), tempfile::tempdir().unwrap());
        fs::write(dir.path().join("pictures.bin.part"), vec![9; begun]).unwrap();
        fetch(&dataset(content), dir.path(), &from(&[&server]), &Silent).unwrap();
        assert!(fs::read(dir.path().join("pictures.bin")).unwrap() == content);
        assert_eq!(server.asked_from(), asked_from);
    }
}

#[test]
fn a_wrong_file_that_is_there_is_replaced() {
    let content = content();
    let (server, dir) = (Server::start(content, &[Answer::Serve]), tempfile::tempdir().unwrap());
    fs::write(dir.path().join("pictures.bin"), b"wrong").unwrap();
    fetch(&dataset(content), dir.path(), &from(&[&server]), &Silent).unwrap();
    assert!(fs::read(dir.path().join("pictures.bin")).unwrap() == content);
}

#[test]
fn local_copies_are_verified_packed_packed_anew_or_unpacked() {
    let content = content();
    let pack = |level| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(level));
        packed.write_all(content).unwrap();
        packed.finish().unwrap()
    };
    let original = pack(9);
    let file = KnownFile {
        name: "pictures.gz",
        bytes: original.len() as u64,
        sha256: hash(&original),
        unpacked_sha256: Some(hash(content)),
    };
    let dataset = KnownDataset { files: vec![file].leak(), ..dataset(content) };
    let cases: [(&str, Vec<u8>, Option<&str>); 5] = [
        ("pictures.gz", original.clone(), None),
        ("pictures.gz", pack(1), None),
        ("pictures", content.to_vec(), None),
        ("pictures.gz", content[1..].to_vec(), Some("is not the well-known file of this name")),
        ("other.gz", original, Some("lacks pictures.gz")),
    ];
    for (name, bytes, expected) in cases {
        let (dir, local) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::write(local.path().join(name), &bytes).unwrap();
        let options = FetchOptions { from_dir: Some(local.path().to_owned()), ..FetchOptions::default() };
        let fetched = fetch(&dataset, dir.path(), &options, &Silent);
        match expected {
            None => {
                assert_eq!(fetched.unwrap().new_files, 1, "{name}");
                assert_eq!(fs::read(dir.path().join(name)).unwrap(), bytes);
                assert_eq!(fetch(&dataset, dir.path(), &options, &Silent).unwrap().present_files, 1);
            }
            Some(reason) => {
                let error = fetched.unwrap_err().to_string();
                assert!(error.contains(reason), "{error}");
            }
        }
    }
}
