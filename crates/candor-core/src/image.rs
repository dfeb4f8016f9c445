//! A decoded picture: 8-bit samples, rows from top to bottom, channels interleaved.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Area;

/// How many values describe a pixel. Transparency is resolved when a file is decoded, so there is no alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// One value: luma.
    Grey,
    /// Three values: red, green, blue.
    Rgb,
}

impl Channels {
    /// Values per pixel: 1 or 3.
    pub fn count(self) -> usize {
        match self {
            Channels::Grey => 1,
            Channels::Rgb => 3,
        }
    }
}

/// A picture held in memory, `height × width × channels` values from 0 (dark) to 255.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    width: usize,
    height: usize,
    channels: Channels,
    pixels: Vec<u8>,
}

/// A buffer that does not have the size its dimensions call for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a picture of {width}×{height} with {channels} values a pixel needs {expected} bytes, got {actual}")]
#[allow(missing_docs)]
pub struct ImageError {
    pub width: usize,
    pub height: usize,
    pub channels: usize,
    pub expected: usize,
    pub actual: usize,
}

impl Image {
    /// Wraps `pixels` in row-major, channel-interleaved order.
    ///
    /// # Errors
    /// When `pixels` does not hold exactly `width · height · channels` bytes, or a side is zero.
    pub fn new(
        width: usize,
        height: usize,
        channels: Channels,
        pixels: Vec<u8>,
    ) -> Result<Image, ImageError> {
        let expected = width.saturating_mul(height).saturating_mul(channels.count());
        if expected == 0 || expected != pixels.len() {
            let (channels, actual) = (channels.count(), pixels.len());
            return Err(ImageError { width, height, channels, expected, actual });
        }
        Ok(Image { width, height, channels, pixels })
    }

    /// A picture of one value everywhere.
    ///
    /// # Panics
    /// When a side is zero.
    pub fn filled(width: usize, height: usize, channels: Channels, value: u8) -> Image {
        let pixels = vec![value; width * height * channels.count()];
        Image::new(width, height, channels, pixels).expect("the buffer was made for these sides")
    }

    /// Columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Grey or RGB.
    pub fn channels(&self) -> Channels {
        self.channels
    }

    /// All values, row by row, the channels of a pixel side by side.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Gives the buffer away.
    pub fn into_pixels(self) -> Vec<u8> {
        self.pixels
    }

    /// The values of the pixel in column `x` and row `y`.
    pub fn pixel(&self, x: usize, y: usize) -> &[u8] {
        let channels = self.channels.count();
        let start = (y * self.width + x) * channels;
        &self.pixels[start..start + channels]
    }

    /// The part of the picture in `area`.
    ///
    /// # Panics
    /// When the area is empty, or not within the picture.
    pub fn cut(&self, area: &Area) -> Image {
        let (channels, row_bytes) = (self.channels.count(), self.width * self.channels.count());
        let rows = self.pixels.chunks_exact(row_bytes).skip(area.y).take(area.height);
        let columns = area.x * channels..(area.x + area.width) * channels;
        let pixels = rows.flat_map(|row| &row[columns.clone()]).copied().collect();
        Image::new(area.width, area.height, self.channels, pixels).expect("the area lies within the picture")
    }

    /// The same picture in `channels`. Grey is Rec. 601 luma, (299 R + 587 G + 114 B) / 1000 rounded, as Pillow's
    /// `convert("L")` has it within one level; RGB from grey repeats the value.
    pub fn to_channels(&self, channels: Channels) -> Image {
        let pixels = match (self.channels, channels) {
            (from, to) if from == to => self.pixels.clone(),
            (Channels::Grey, _) => self.pixels.iter().flat_map(|&v| [v, v, v]).collect(),
            (Channels::Rgb, _) => self.pixels.chunks_exact(3).map(luma).collect(),
        };
        Image { width: self.width, height: self.height, channels, pixels }
    }
}

fn luma(rgb: &[u8]) -> u8 {
    let weighted = 299 * u32::from(rgb[0]) + 587 * u32::from(rgb[1]) + 114 * u32::from(rgb[2]);
    ((weighted + 500) / 1000) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_of_the_wrong_size_is_refused_with_both_sizes() {
        let error = Image::new(2, 3, Channels::Rgb, vec![0; 17]).unwrap_err();
        assert_eq!(error.to_string(), "a picture of 2×3 with 3 values a pixel needs 18 bytes, got 17");
        assert!(Image::new(0, 3, Channels::Grey, vec![]).is_err());
    }

    #[test]
    fn grey_is_luma_and_survives_the_way_to_rgb_and_back() {
        let image = Image::new(4, 1, Channels::Rgb, vec![255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9]).unwrap();
        let grey = image.to_channels(Channels::Grey);
        assert_eq!(grey.pixels(), [76, 150, 29, 9]);
        assert_eq!(grey.to_channels(Channels::Rgb).to_channels(Channels::Grey), grey);
        assert_eq!(image.pixel(1, 0), [0, 255, 0]);
    }

    #[test]
    fn a_part_is_cut_out_in_its_own_sides() {
        let image = Image::new(4, 3, Channels::Grey, (0..12).collect()).unwrap();
        let part = image.cut(&Area { x: 1, y: 1, width: 2, height: 2 });
        assert_eq!((part.width(), part.height(), part.pixels()), (2, 2, &[5, 6, 9, 10][..]));
        let rgb = image.to_channels(Channels::Rgb).cut(&Area { x: 3, y: 2, width: 1, height: 1 });
        assert_eq!(rgb.pixels(), [11, 11, 11]);
    }
}
