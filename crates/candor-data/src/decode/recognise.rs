//! What bytes are, judged by the bytes: the formats that candor reads, and those that are often found under a picture's
//! name without being one.

use image::ImageFormat;

use super::{DecodeError, DecodeErrorKind};

/// The format of a picture that candor reads.
pub(super) fn picture_format(bytes: &[u8]) -> Result<ImageFormat, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeErrorKind::Empty.into());
    }
    match image::guess_format(bytes) {
        Ok(format) if SUPPORTED.iter().any(|&(supported, _)| supported == format) => Ok(format),
        _ => Err(what_else(bytes).into()),
    }
}

/// The formats that candor reads, with the names people use.
const SUPPORTED: [(ImageFormat, &str); 7] = [
    (ImageFormat::Jpeg, "JPEG"),
    (ImageFormat::Png, "PNG"),
    (ImageFormat::Gif, "GIF"),
    (ImageFormat::Bmp, "BMP"),
    (ImageFormat::Tiff, "TIFF"),
    (ImageFormat::WebP, "WebP"),
    (ImageFormat::Pnm, "Netpbm"),
];

/// The usual name of a supported format.
pub(super) fn name(format: ImageFormat) -> &'static str {
    SUPPORTED.iter().find(|&&(supported, _)| supported == format).map_or("picture", |&(_, name)| name)
}

/// Whether the file ends before its format says that it may.
pub(super) fn is_cut_off(format: ImageFormat, bytes: &[u8]) -> bool {
    match format {
        ImageFormat::Jpeg => !contains_after_first_scan(bytes, &[0xff, 0xd9]),
        ImageFormat::Png => !bytes[bytes.len().saturating_sub(64)..].windows(4).any(|four| four == b"IEND"),
        ImageFormat::Gif => !bytes[bytes.len().saturating_sub(64)..].contains(&0x3b),
        ImageFormat::Bmp => little_endian(bytes, 2).is_none_or(|size| size > bytes.len() as u64),
        ImageFormat::WebP => little_endian(bytes, 4).is_none_or(|size| size + 8 > bytes.len() as u64),
        _ => false,
    }
}

/// A JPEG may hold a whole small JPEG in its header, so its end is looked for behind the start of the first scan.
fn contains_after_first_scan(bytes: &[u8], end: &[u8; 2]) -> bool {
    first_scan(bytes).is_some_and(|at| bytes[at..].windows(2).rev().any(|two| two == end))
}

/// Walks the segments of a JPEG's header up to the first start-of-scan marker (ITU T.81, B.1.1).
fn first_scan(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        match (*bytes.get(at)?, *bytes.get(at + 1)?) {
            (0xff, 0xff) => at += 1,
            (0xff, 0xda) => return Some(at),
            (0xff, 0x01 | 0xd0..=0xd8) => at += 2,
            (0xff, _) => {
                let length = u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?]);
                at += 2 + usize::from(length);
            }
            _ => at += 1,
        }
    }
}

fn little_endian(bytes: &[u8], at: usize) -> Option<u64> {
    let four = bytes.get(at..at + 4)?;
    Some(u64::from(u32::from_le_bytes(four.try_into().ok()?)))
}

/// Names what was found instead of a picture.
fn what_else(bytes: &[u8]) -> DecodeErrorKind {
    let start = &bytes[..bytes.len().min(1024)];
    if let Some(&(_, _, what)) = FOREIGN.iter().find(|(at, magic, _)| starts_at(start, *at, magic)) {
        return DecodeErrorKind::Foreign { what };
    }
    if let Some(&(_, what)) = DOCUMENTS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return DecodeErrorKind::NotAPicture { what };
    }
    if is_text(start) { text_kind(start) } else { DecodeErrorKind::Unknown }
}

const FOREIGN: [(usize, &[u8], &str); 12] = [
    (4, b"ftypheic", "a HEIC picture (as iPhones store them)"),
    (4, b"ftypheix", "a HEIC picture (as iPhones store them)"),
    (4, b"ftypmif1", "a HEIF picture"),
    (4, b"ftypmsf1", "a HEIF picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (0, b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"8BPS", "a Photoshop file"),
    (0, b"\x00\x00\x01\x00", "an icon file (ICO)"),
    (0, b"DDS ", "a DDS texture"),
    (0, b"qoif", "a QOI picture"),
];

const DOCUMENTS: [(&[u8], &str); 6] = [
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite format 3", "a database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x7fELF", "a program"),
];

fn starts_at(bytes: &[u8], at: usize, magic: &[u8]) -> bool {
    bytes.get(at..).is_some_and(|rest| rest.starts_with(magic))
}

/// Whether the first bytes read as text: valid UTF-8 (but for a character cut in two at the end) without control
/// characters.
fn is_text(start: &[u8]) -> bool {
    let valid = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).expect("it is valid up to there")
        }
        Err(_) => return false,
    };
    !valid.is_empty() && !valid.chars().any(|c| c.is_control() && !c.is_whitespace())
}

fn text_kind(start: &[u8]) -> DecodeErrorKind {
    let text = String::from_utf8_lossy(start).to_ascii_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.contains("<svg") {
        DecodeErrorKind::Foreign { what: "an SVG drawing" }
    } else if text.starts_with("<!doctype html") || text.contains("<html") {
        DecodeErrorKind::NotAPicture { what: "a web page" }
    } else if text.starts_with("version https://git-lfs") {
        DecodeErrorKind::NotAPicture { what: "a Git LFS pointer (the file itself was never fetched)" }
    } else {
        DecodeErrorKind::NotAPicture { what: "text" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_picture_is_named() {
        let cases: [(&[u8], &str); 9] = [
            (b"", "is empty (0 bytes)"),
            (b"hello, wor\xc3", "is text, not a picture"),
            (b"\xef\xbb\xbf<!DOCTYPE html><p>404", "is a web page, not a picture"),
            (b"<svg xmlns=''/>", "is an SVG drawing, which candor does not read: convert it to JPEG or PNG"),
            (b"%PDF-1.7 \xff\x00", "is a PDF document, not a picture"),
            (
                b"\0\0\0\x18ftypheic\0\0",
                "is a HEIC picture (as iPhones store them), which candor does not read: convert it to JPEG or PNG",
            ),
            (
                b"version https://git-lfs.github.com/spec/v1\noid sha256:1",
                "is a Git LFS pointer (the file itself was never fetched), not a picture",
            ),
            (
                b"\x01\x02\x03\x04",
                "is no picture in a format that candor reads (JPEG, PNG, GIF, BMP, TIFF, WebP)",
            ),
            (
                b"\x00\x01text",
                "is no picture in a format that candor reads (JPEG, PNG, GIF, BMP, TIFF, WebP)",
            ),
        ];
        for (bytes, expected) in cases {
            assert_eq!(picture_format(bytes).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_jpeg() {
        let thumbnail_in_header = b"\xff\xd8\xff\xe1\x00\x06..\xff\xd9\xff\xda\x00\x02scan";
        assert!(is_cut_off(ImageFormat::Jpeg, thumbnail_in_header));
        let whole = [thumbnail_in_header.as_slice(), b"\xff\xd9"].concat();
        assert!(!is_cut_off(ImageFormat::Jpeg, &whole));
    }
}
