//! From a file's bytes to a picture: what the format is, is read from the bytes and never from the name.
//!
//! JPEG (baseline and progressive; grey, YCbCr, RGB, CMYK and YCCK), PNG, GIF (first frame), BMP, TIFF and WebP. The
//! EXIF orientation is applied, transparency is composited over white, 16 bits become 8, and a limit on the number of
//! pixels is checked before anything is decoded.

use std::path::Path;

use candor_core::{Image, ReadError};
use serde::{Deserialize, Serialize};

/// What a picture may cost, checked before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most pixels (width × height) that a picture may have.
    pub max_pixels: u64,
    /// The most bytes that a file may have.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// 100 million pixels (a 10,000 × 10,000 scan) and 1 GiB.
    fn default() -> Limits {
        Limits { max_pixels: 100_000_000, max_bytes: 1 << 30 }
    }
}

/// Bytes that are no picture candor can read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct DecodeError {
    kind: DecodeErrorKind,
}

impl DecodeError {
    /// What is wrong with the bytes.
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.kind
    }
}

/// The ways in which bytes can fail to be a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// No bytes at all.
    #[error("is empty (0 bytes)")]
    Empty,
}

/// Decodes `bytes`, orientation applied, transparency over white, 8 bits, grey or RGB.
///
/// # Errors
/// When the bytes are no picture, are damaged or cut off, or are larger than `limits` allow.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Image, DecodeError> {
    let _ = (bytes, limits);
    todo!()
}

/// Reads and decodes the file at `path`.
///
/// # Errors
/// As [`decode`], and when the file cannot be read; the place is the path.
pub fn read_image(path: &Path, limits: &Limits) -> Result<Image, ReadError> {
    let _ = (path, limits);
    todo!()
}
