//! A picture that a check changed, kept in its finding: nobody could read it from its file again.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use candor_core::{Channels, Image};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageFormat};
use serde::{Deserialize, Serialize};

/// The pixels of a changed picture, as a PNG file in base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChangedPicture(String);

impl ChangedPicture {
    /// Of a picture of any size that a PNG can hold; empty else.
    pub fn of(image: &Image) -> ChangedPicture {
        let colour = match image.channels() {
            Channels::Grey => ExtendedColorType::L8,
            Channels::Rgb => ExtendedColorType::Rgb8,
        };
        let mut file = Cursor::new(Vec::new());
        let (width, height) = (image.width() as u32, image.height() as u32);
        let written = PngEncoder::new(&mut file).write_image(image.pixels(), width, height, colour);
        ChangedPicture(written.map_or_else(|_| String::new(), |()| STANDARD.encode(file.into_inner())))
    }

    /// The pixels; `None` where the text is no such file.
    pub fn image(&self) -> Option<Image> {
        let file = STANDARD.decode(&self.0).ok()?;
        let read = image::load_from_memory_with_format(&file, ImageFormat::Png).ok()?;
        let (width, height) = (read.width() as usize, read.height() as usize);
        match read.color().has_color() {
            true => Image::new(width, height, Channels::Rgb, read.into_rgb8().into_raw()).ok(),
            false => Image::new(width, height, Channels::Grey, read.into_luma8().into_raw()).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_back_as_they_were() {
        for channels in [Channels::Grey, Channels::Rgb] {
            let pixels = (0..5 * 3 * channels.count()).map(|value| value as u8 * 5).collect();
            let image = Image::new(5, 3, channels, pixels).unwrap();
            assert_eq!(ChangedPicture::of(&image).image(), Some(image));
        }
        assert_eq!(ChangedPicture("no picture".into()).image(), None);
    }
}
