//! Why bytes are not a picture, in words that a person can act on.

use std::error::Error as _;
use std::io;

use image::{ImageError, ImageFormat};
use thiserror::Error;

use super::recognise;

/// Bytes that are no picture candor can read. Its text continues a sentence that starts with the file's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
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

impl From<DecodeErrorKind> for DecodeError {
    fn from(kind: DecodeErrorKind) -> DecodeError {
        DecodeError { kind }
    }
}

/// The ways in which bytes can fail to be a picture.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum DecodeErrorKind {
    /// No bytes at all.
    #[error("is empty (0 bytes)")]
    Empty,
    /// Bytes of a known kind that is not a picture: text, a web page, a document.
    #[error("is {what}, not a picture")]
    NotAPicture { what: &'static str },
    /// A picture, or near it, in a format that candor does not read.
    #[error("is {what}, which candor does not read: convert it to JPEG or PNG")]
    Foreign { what: &'static str },
    /// Bytes that look like nothing known.
    #[error("is no picture in a format that candor reads (JPEG, PNG, GIF, BMP, TIFF, WebP)")]
    Unknown,
    /// A known format in a variety that the decoder lacks.
    #[error("is a {format} of a kind that candor does not read ({detail}): convert it to JPEG or PNG")]
    Unsupported { format: &'static str, detail: String },
    /// The file ends before the picture does.
    #[error("is a {format} that is cut off: the end of the file is missing")]
    CutOff { format: &'static str },
    /// The format is known, the content is broken.
    #[error("is damaged: {detail}")]
    Damaged { detail: String },
    /// A header that tells of a picture without rows or columns.
    #[error("is damaged: its header says that it has {width} × {height} pixels")]
    NoPixels { width: u32, height: u32 },
    /// More pixels than allowed.
    #[error(
        "has {width} × {height} pixels, more than the {max_pixels} allowed: if you trust it, raise --max-pixels"
    )]
    TooManyPixels { width: u32, height: u32, max_pixels: u64 },
    /// More bytes than allowed.
    #[error("has {bytes} bytes, more than the {max_bytes} allowed: if you trust it, raise --max-bytes")]
    TooManyBytes { bytes: u64, max_bytes: u64 },
    /// The header asks for more memory than a picture within the limits needs.
    #[error(
        "would need more memory than a picture of {max_pixels} pixels does: if you trust it, raise --max-pixels"
    )]
    TooMuchMemory { max_pixels: u64 },
}

/// The decoder's error in candor's words. `bytes` decide between cut off and damaged.
pub(super) fn from_image(
    error: ImageError,
    format: ImageFormat,
    bytes: &[u8],
    max_pixels: u64,
) -> DecodeError {
    let name = recognise::name(format);
    match error {
        ImageError::Limits(_) => DecodeErrorKind::TooMuchMemory { max_pixels },
        ImageError::Unsupported(error) => {
            DecodeErrorKind::Unsupported { format: name, detail: error.to_string() }
        }
        error if is_unexpected_end(&error) || recognise::is_cut_off(format, bytes) => {
            DecodeErrorKind::CutOff { format: name }
        }
        error => DecodeErrorKind::Damaged { detail: error.to_string() },
    }
    .into()
}

fn is_unexpected_end(error: &ImageError) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = match error {
        ImageError::IoError(error) => Some(error),
        other => other.source(),
    };
    while let Some(error) = cause {
        if error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::UnexpectedEof) {
            return true;
        }
        cause = error.source();
    }
    false
}
