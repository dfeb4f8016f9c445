//! From a file's bytes to a picture: what the format is, is read from the bytes and never from the name.
//!
//! JPEG (baseline and progressive; grey, YCbCr, RGB, CMYK and YCCK), PNG, GIF (first frame), BMP, TIFF, WebP and Netpbm. The
//! EXIF orientation is applied, transparency is composited over white, 16 bits become 8, and the number of pixels is
//! checked against a limit before anything is decoded. Colour profiles are not applied.
//!
//! CMYK in a JPEG is taken as Adobe stores it, inverted, whether or not the file says so: Pillow and the browsers do
//! the same, because practically every CMYK JPEG was written that way.

mod check;
mod error;
mod recognise;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use candor_core::{Channels, Image, ReadError};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use serde::{Deserialize, Serialize};

pub use check::{Checked, check};
pub use error::{DecodeError, DecodeErrorKind};

/// What a picture may cost, checked before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// The most pixels (width × height) that a picture may have.
    pub max_pixels: u64,
    /// The most bytes that a file may have, and that a compressed file may unpack to.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// 100 million pixels (a 10,000 × 10,000 scan) and 4 GiB.
    fn default() -> Limits {
        Limits { max_pixels: 100_000_000, max_bytes: 4 << 30 }
    }
}

impl Limits {
    /// What a decoder may allocate: the widest pixel is 16 bytes, and decoders hold a second copy for a while.
    fn max_alloc(&self) -> u64 {
        self.max_pixels.saturating_mul(32).max(64 << 20)
    }
}

/// What a picture's header says, before orientation is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Columns, as stored.
    pub width: u32,
    /// Rows, as stored.
    pub height: u32,
    /// The format's usual name, such as `JPEG`.
    pub format: &'static str,
}

/// Reads the header only: cheap, and enough to tell a picture from anything else.
///
/// # Errors
/// When the bytes are no picture that candor reads, or are larger than `limits` allow.
pub fn inspect(bytes: &[u8], limits: &Limits) -> Result<Header, DecodeError> {
    let (format, decoder) = open(bytes, limits)?;
    let (width, height) = decoder.dimensions();
    Ok(Header { width, height, format: recognise::name(format) })
}

/// Whether the first bytes of something are those of a picture; how the format is called.
pub(crate) fn format_of(beginning: &[u8]) -> Result<&'static str, DecodeError> {
    recognise::picture_format(beginning).map(recognise::name)
}

/// Decodes `bytes`, orientation applied, transparency over white, 8 bits, grey or RGB.
///
/// # Errors
/// When the bytes are no picture that candor reads, are damaged or cut off, or are larger than `limits` allow.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Image, DecodeError> {
    // Decoders are other people's code fed with other people's bytes: should one panic, a picture is lost, not the run.
    catch_unwind(AssertUnwindSafe(|| decode_unguarded(bytes, limits)))
        .unwrap_or_else(|_| Err(DecodeErrorKind::Damaged { detail: "the decoder gave up".to_owned() }.into()))
}

/// Reads and decodes the file at `path`.
///
/// # Errors
/// As [`decode`], and when the file cannot be read; the place is the path.
pub fn read_image(path: &Path, limits: &Limits) -> Result<Image, ReadError> {
    let failed = |reason: String| ReadError { place: path.display().to_string(), reason };
    let bytes = std::fs::read(path).map_err(|error| failed(format!("cannot be read: {error}")))?;
    decode(&bytes, limits).map_err(|error| failed(error.to_string()))
}

fn decode_unguarded(bytes: &[u8], limits: &Limits) -> Result<Image, DecodeError> {
    let (format, mut decoder) = open(bytes, limits)?;
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder)
        .map_err(|error| error::from_image(error, format, bytes, limits.max_pixels))?;
    // The JPEG decoder fills what is missing with grey and says nothing; a person has to know.
    if format == ImageFormat::Jpeg && recognise::is_cut_off(format, bytes) {
        return Err(DecodeErrorKind::CutOff { format: recognise::name(format) }.into());
    }
    picture.apply_orientation(orientation);
    Ok(flatten(picture))
}

type Opened<'a> = (ImageFormat, Box<dyn ImageDecoder + 'a>);

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Opened<'a>, DecodeError> {
    if bytes.len() as u64 > limits.max_bytes {
        let (bytes, max_bytes) = (bytes.len() as u64, limits.max_bytes);
        return Err(DecodeErrorKind::TooManyBytes { bytes, max_bytes }.into());
    }
    let format = recognise::picture_format(bytes)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder_limits = image::Limits::no_limits();
    decoder_limits.max_alloc = Some(limits.max_alloc());
    reader.limits(decoder_limits);
    let decoder =
        reader.into_decoder().map_err(|error| error::from_image(error, format, bytes, limits.max_pixels))?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(DecodeErrorKind::NoPixels { width, height }.into());
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels {
        let max_pixels = limits.max_pixels;
        return Err(DecodeErrorKind::TooManyPixels { width, height, max_pixels }.into());
    }
    Ok((format, Box::new(decoder)))
}

fn flatten(picture: DynamicImage) -> Image {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let color = picture.color();
    let (channels, pixels) = match (color.has_color(), color.has_alpha()) {
        (false, false) => (Channels::Grey, picture.into_luma8().into_raw()),
        (false, true) => (Channels::Grey, over_white::<2>(&picture.into_luma_alpha8().into_raw())),
        (true, false) => (Channels::Rgb, picture.into_rgb8().into_raw()),
        (true, true) => (Channels::Rgb, over_white::<4>(&picture.into_rgba8().into_raw())),
    };
    Image::new(width, height, channels, pixels)
        .expect("a decoder refuses empty pictures and fills its buffer")
}

/// `VALUES` values a pixel, the last of which is alpha, composited over white: `(a·v + (255 − a)·255) / 255`, rounded.
fn over_white<const VALUES: usize>(pixels: &[u8]) -> Vec<u8> {
    let mut flat = Vec::with_capacity(pixels.len() / VALUES * (VALUES - 1));
    for pixel in pixels.chunks_exact(VALUES) {
        let alpha = u32::from(pixel[VALUES - 1]);
        let blend = |&value: &u8| ((alpha * u32::from(value) + (255 - alpha) * 255 + 127) / 255) as u8;
        flat.extend(pixel[..VALUES - 1].iter().map(blend));
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparency_goes_over_white() {
        assert_eq!(over_white::<2>(&[10, 255, 10, 0, 0, 128]), [10, 255, 127]);
        assert_eq!(over_white::<4>(&[1, 2, 3, 255, 9, 9, 9, 0]), [1, 2, 3, 255, 255, 255]);
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let error = read_image("no/such.png".as_ref(), &Limits::default()).unwrap_err();
        assert!(error.to_string().starts_with("no/such.png: cannot be read: "), "{error}");
    }
}
