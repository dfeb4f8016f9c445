//! Telling the well-known file from any other.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use super::KnownFile;

/// The SHA-256 of all that `input` gives, in hexadecimal.
pub(super) fn sha256(mut input: impl Read) -> io::Result<String> {
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match input.read(&mut buffer)? {
            0 => break,
            n => hasher.update(&buffer[..n]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Whether the file at `path` is the one that `known` pins: the same bytes, or a gzip file (or plain file) with the
/// same content. The error holds the hash that was found.
pub(super) fn verify(path: &Path, known: &KnownFile) -> io::Result<Result<(), String>> {
    let found = sha256(File::open(path)?)?;
    if found == known.sha256 || Some(found.as_str()) == known.unpacked_sha256 {
        return Ok(Ok(()));
    }
    // A file that cannot be unpacked is simply not the right one.
    let unpacked =
        known.unpacked_sha256.and_then(|_| sha256(MultiGzDecoder::new(File::open(path).ok()?)).ok());
    let same_content = unpacked.is_some() && unpacked.as_deref() == known.unpacked_sha256;
    Ok(if same_content { Ok(()) } else { Err(found) })
}
