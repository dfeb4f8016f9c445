//! Web sites on this machine: each a port of 127.0.0.1 with answers of its own, and a log of what was asked for when.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What a site answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status with further headers and a body.
    Plain(u16, Vec<(String, String)>, Vec<u8>),
    /// The first request gets the first, and so on; the last one stays.
    InTurn(Vec<Reply>),
    /// A byte now and then, for ever.
    Drip(&'static str),
    /// A body that never ends, of this type.
    Endless(&'static str, Vec<u8>),
}

pub fn page(html: &str) -> Reply {
    Reply::Plain(200, vec![header("Content-Type", "text/html; charset=utf-8")], html.as_bytes().to_vec())
}

pub fn text(text: &str) -> Reply {
    Reply::Plain(200, vec![header("Content-Type", "text/plain")], text.as_bytes().to_vec())
}

/// A picture of its own for every `number`, with an ETag.
pub fn picture(number: u32) -> Reply {
    let headers = vec![header("Content-Type", "image/bmp"), header("ETag", &format!("\"p{number}\""))];
    Reply::Plain(200, headers, bmp(number))
}

pub fn status(status: u16, headers: &[(&str, &str)]) -> Reply {
    Reply::Plain(status, headers.iter().map(|(name, value)| header(name, value)).collect(), Vec::new())
}

pub fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// 24 × 24 pixels of noise.
pub fn bmp(number: u32) -> Vec<u8> {
    const SIDE: u32 = 24;
    let size = 54 + 3 * SIDE * SIDE;
    let mut bytes = b"BM".to_vec();
    for field in [size, 0, 54, 40, SIDE, SIDE, 24 << 16 | 1, 0, size - 54, 2835, 2835, 0, 0] {
        bytes.extend(field.to_le_bytes());
    }
    let mut state = number.wrapping_mul(2_654_435_761) | 1;
    for _ in 0..3 * SIDE * SIDE {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes.push((state >> 16) as u8);
    }
    bytes
}

/// A request, as a site saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub host: String,
    pub path: String,
    pub at: Instant,
    pub headers: HashMap<String, String>,
}

/// All requests to all sites of a test.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Seen>>>);

impl Log {
    pub fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// Forgets what was asked for until now.
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    /// What was asked of a site, in order.
    pub fn paths(&self, site: &Site) -> Vec<String> {
        self.all().into_iter().filter(|seen| seen.host == site.host).map(|seen| seen.path).collect()
    }
}

/// One site.
pub struct Site {
    /// `127.0.0.1:40001`
    pub host: String,
    replies: Arc<Mutex<HashMap<String, (Reply, usize)>>>,
}

impl Site {
    pub fn start(log: &Log) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let replies: Arc<Mutex<HashMap<String, (Reply, usize)>>> = Arc::default();
        let site = Site { host: host.clone(), replies: Arc::clone(&replies) };
        let log = log.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (host, replies, log) = (host.clone(), Arc::clone(&replies), log.clone());
                // A client that hangs up is part of the game.
                thread::spawn(move || answer(connection, &host, &replies, &log));
            }
        });
        site
    }

    /// What it answers to `path`; everything else is not there.
    pub fn at(&self, path: &str, reply: Reply) -> &Site {
        self.replies.lock().unwrap().insert(path.to_owned(), (reply, 0));
        self
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }
}

fn answer(
    mut connection: TcpStream,
    host: &str,
    replies: &Mutex<HashMap<String, (Reply, usize)>>,
    log: &Log,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    for line in lines {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let seen =
        Seen { host: host.to_owned(), path: path.clone(), at: Instant::now(), headers: headers.clone() };
    log.0.lock().unwrap().push(seen);
    let reply = match replies.lock().unwrap().get_mut(&path) {
        Some((reply, times)) => {
            *times += 1;
            match reply {
                Reply::InTurn(all) => all[(*times - 1).min(all.len() - 1)].clone(),
                other => other.clone(),
            }
        }
        None => status(404, &[]),
    };
    match reply {
        Reply::Plain(status, more, body) => {
            let etag = more.iter().find(|(name, _)| name == "ETag").map(|(_, value)| value.clone());
            let unchanged = etag.is_some() && headers.get("if-none-match") == etag.as_ref();
            let (status, body) = if unchanged { (304, Vec::new()) } else { (status, body) };
            write!(connection, "HTTP/1.1 {status} As Asked\r\n")?;
            for (name, value) in more {
                write!(connection, "{name}: {value}\r\n")?;
            }
            write!(connection, "Content-Length: {}\r\nConnection: close\r\n\r\n", body.len())?;
            connection.write_all(&body)
        }
        Reply::Drip(content_type) => {
            write!(connection, "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n")?;
            loop {
                connection.write_all(b" ")?;
                thread::sleep(Duration::from_millis(20));
            }
        }
        Reply::Endless(content_type, start) => {
            write!(connection, "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n")?;
            connection.write_all(&start)?;
            loop {
                connection.write_all(&[7; 4096])?;
            }
        }
        Reply::InTurn(_) => unreachable!("turns are taken one by one"),
    }
}
