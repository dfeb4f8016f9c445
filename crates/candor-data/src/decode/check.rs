//! Whether a picture can be decoded, for whoever does not need its pixels.
//!
//! Of the usual JPEG only the brightness is computed: all of its bytes are unpacked as ever, but colours are neither transformed
//! back, nor brought to full size, nor turned into red, green and blue. That cannot fail, so the answer is the same, in three
//! quarters of the time. All other formats, and whatever is not all right, are decoded as ever.

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::ImageFormat;
use image::metadata::Orientation;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{DecodeError, Limits, decode, inspect, recognise};

/// A picture that can be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Columns, as it is to be looked at.
    pub width: usize,
    /// Rows, as it is to be looked at.
    pub height: usize,
    /// The format's usual name, such as `JPEG`.
    pub format: &'static str,
}

/// Decodes `bytes` as far as it takes to know that [`decode`] gives a picture of them, and of which size.
///
/// # Errors
/// As [`decode`].
pub fn check(bytes: &[u8], limits: &Limits) -> Result<Checked, DecodeError> {
    let quickly = || usual_jpeg(bytes, limits);
    // As in `decode`: what other people's code does not survive is not all right.
    if let Ok(Some(checked)) = catch_unwind(AssertUnwindSafe(quickly)) {
        return Ok(checked);
    }
    let format = inspect(bytes, limits)?.format;
    let image = decode(bytes, limits)?;
    Ok(Checked { width: image.width(), height: image.height(), format })
}

/// A JPEG in YCbCr with which all is well; of anything else, `None`.
fn usual_jpeg(bytes: &[u8], limits: &Limits) -> Option<Checked> {
    let is_jpeg = recognise::picture_format(bytes).is_ok_and(|format| format == ImageFormat::Jpeg);
    if !is_jpeg || bytes.len() as u64 > limits.max_bytes || recognise::is_cut_off(ImageFormat::Jpeg, bytes) {
        return None;
    }
    // As lenient as `decode` is, and as large as the format allows.
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().ok()?;
    let (width, height) = decoder.dimensions()?;
    let has_pixels = width > 0 && height > 0 && (width as u64) * (height as u64) <= limits.max_pixels;
    if !has_pixels || decoder.input_colorspace() != Some(ColorSpace::YCbCr) {
        return None;
    }
    decoder.decode_into(&mut vec![0; width * height]).ok()?;
    let orientation = decoder.exif().and_then(|exif| Orientation::from_exif_chunk(exif));
    let (width, height) = if orientation.is_some_and(turns) { (height, width) } else { (width, height) };
    Some(Checked { width, height, format: recognise::name(ImageFormat::Jpeg) })
}

/// Whether columns become rows.
fn turns(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate90FlipH | Rotate270 | Rotate270FlipH)
}
