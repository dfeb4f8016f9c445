//! From a picture to a file's bytes.

use candor_core::{Channels, Image};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

/// The picture as a PNG, without loss and without metadata. The same picture gives the same bytes.
pub fn png(image: &Image) -> Vec<u8> {
    let colour = match image.channels() {
        Channels::Grey => ExtendedColorType::L8,
        Channels::Rgb => ExtendedColorType::Rgb8,
    };
    let (width, height) = (image.width() as u32, image.height() as u32);
    let mut bytes = Vec::new();
    PngEncoder::new(&mut bytes)
        .write_image(image.pixels(), width, height, colour)
        .expect("a picture's buffer fits its sides, and memory can be written");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Limits, decode};

    #[test]
    fn a_picture_comes_back_as_it_was() {
        for channels in [Channels::Grey, Channels::Rgb] {
            let pixels = (0..7 * 5 * channels.count()).map(|value| value as u8).collect();
            let image = Image::new(7, 5, channels, pixels).unwrap();
            assert_eq!(decode(&png(&image), &Limits::default()).unwrap(), image);
        }
    }
}
