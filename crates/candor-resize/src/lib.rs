//! Resizing of grey and RGB pictures, on plain bytes.
//!
//! `fast_image_resize` is generic: its kernels are compiled where they are used, once for each kind of pixel and precision.
//! Here that happens once, for the two kinds that candor has, and not again whenever a line of `candor-core` changes.

#![forbid(unsafe_code)]

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::{U8, U8x3};
use fast_image_resize::{FilterType, PixelTrait, ResizeAlg, ResizeOptions, Resizer};

/// The sides of a picture in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// A picture of `channels` bytes a pixel (1 or 3), row by row, in other sides: an anti-aliased convolution (triangle filter
/// whose support grows with the reduction), in the file's own gamma, as Pillow's `BILINEAR`. With `crop`, only the largest
/// centred part in the proportion of `to` is kept; else the proportion changes.
///
/// # Panics
/// When `pixels` does not fit `from`, or for other numbers of channels.
pub fn resize(pixels: &[u8], channels: usize, from: Sides, to: Sides, crop: bool) -> Vec<u8> {
    match channels {
        1 => resize_typed::<U8>(pixels, from, to, crop),
        3 => resize_typed::<U8x3>(pixels, from, to, crop),
        _ => panic!("pictures have 1 or 3 channels, not {channels}"),
    }
}

fn resize_typed<P: PixelTrait>(pixels: &[u8], from: Sides, to: Sides, crop: bool) -> Vec<u8> {
    let source = TypedImageRef::<P>::from_buffer(from.width as u32, from.height as u32, pixels)
        .expect("the buffer fits the sides");
    let mut resized = vec![0; to.width * to.height * P::size()];
    let mut target = TypedImage::<P>::from_buffer(to.width as u32, to.height as u32, &mut resized)
        .expect("the buffer was made for these sides");
    let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    if crop {
        options = options.fit_into_destination(None);
    }
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .expect("the part that is kept lies within the picture");
    resized
}
