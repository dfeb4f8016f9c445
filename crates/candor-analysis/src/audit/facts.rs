//! What can be told of an original without looking at what it shows: its size, its format, how it was compressed.
//!
//! Where a class comes from one place, such facts give it away: one site scales to 640 pixels, one camera writes EXIF.

use std::io::Cursor;

use candor_core::{Channels, Image};
use exif::{In, Reader, Tag};
use serde::{Deserialize, Serialize};

use crate::near_duplicates::Likeness;

/// What is known of one original.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Mean of red, green and blue (of grey thrice), in 0..=1.
    pub mean: [f64; 3],
    /// Standard deviation of the luma over the pixels, in 0..=.5.
    pub spread: f64,
    /// To find its copies by.
    pub likeness: Likeness,
    /// Of the file, where each picture has one of its own.
    pub file: Option<FileFacts>,
}

/// What is known of a picture's file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its length.
    pub bytes: u64,
    /// By its first bytes.
    pub format: Format,
    /// Whether it says something of camera and time.
    pub exif: bool,
    /// Mean of the first JPEG quantisation table, which is finer the smaller it is: 1 to 255.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantisation: Option<f64>,
    /// Make and model of the camera, as EXIF has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub camera: Option<String>,
    /// The program that wrote the file, as EXIF has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software: Option<String>,
    /// The day on which it was taken, as EXIF has it: `2024:02:29`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
}

/// A picture's file format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Format {
    Jpeg,
    Png,
    Gif,
    Webp,
    #[default]
    Other,
}

impl Facts {
    /// Of a decoded original; `file` holds its bytes where it has a file of its own.
    pub fn of(image: &Image, file: Option<&[u8]>) -> Facts {
        let (mean, spread) = light(image);
        let (width, height) = (image.width(), image.height());
        let likeness = Likeness::of(image);
        Facts { width, height, mean, spread, likeness, file: file.map(FileFacts::of) }
    }

    /// Whether the files say anything at all about where a picture comes from: those of a table are alike.
    pub fn row(&self) -> Vec<f64> {
        let (width, height) = (self.width as f64, self.height as f64);
        let mut row = vec![width, height, width / height];
        if let Some(file) = &self.file {
            row.extend([
                file.bytes as f64,
                file.bytes as f64 / (width * height),
                file.format as u8 as f64,
                f64::from(u8::from(file.exif)),
                file.quantisation.unwrap_or(0.0),
            ]);
        }
        row
    }
}

/// Mean colour and spread of the luma.
fn light(image: &Image) -> ([f64; 3], f64) {
    let pixels = (image.width() * image.height()) as f64;
    let channels = image.channels().count();
    let (mut sums, mut luma, mut squares) = ([0.0; 3], 0.0, 0.0);
    for pixel in image.pixels().chunks_exact(channels) {
        let rgb = match image.channels() {
            Channels::Grey => [f64::from(pixel[0]); 3],
            Channels::Rgb => [pixel[0], pixel[1], pixel[2]].map(f64::from),
        };
        (0..3).for_each(|channel| sums[channel] += rgb[channel]);
        let value = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
        luma += value;
        squares += value * value;
    }
    let mean = luma / pixels;
    let variance = (squares / pixels - mean * mean).max(0.0);
    (sums.map(|sum| sum / pixels / 255.0), variance.sqrt() / 255.0)
}

impl FileFacts {
    /// Of a file's bytes. Nothing is decoded.
    pub fn of(bytes: &[u8]) -> FileFacts {
        let format = match bytes {
            [0xff, 0xd8, ..] => Format::Jpeg,
            [0x89, b'P', b'N', b'G', ..] => Format::Png,
            [b'G', b'I', b'F', ..] => Format::Gif,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::Webp,
            _ => Format::Other,
        };
        let (exif, quantisation) = match format {
            Format::Jpeg => jpeg(bytes),
            Format::Png => (contains(bytes, b"eXIf"), None),
            _ => (contains(bytes, b"Exif") || contains(bytes, b"EXIF"), None),
        };
        let [camera, software, day] = if exif { written(bytes) } else { Default::default() };
        FileFacts { bytes: bytes.len() as u64, format, exif, quantisation, camera, software, day }
    }
}

/// Camera, software and day of a file with EXIF. What cannot be read says nothing.
fn written(bytes: &[u8]) -> [Option<String>; 3] {
    let Ok(fields) = Reader::new().read_from_container(&mut Cursor::new(bytes)) else {
        return Default::default();
    };
    let text = |tag: Tag| {
        let field = fields.get_field(tag, In::PRIMARY)?;
        let exif::Value::Ascii(lines) = &field.value else { return None };
        let text = String::from_utf8_lossy(lines.first()?).trim().to_owned();
        (!text.is_empty()).then_some(text)
    };
    let camera: Vec<String> = [Tag::Make, Tag::Model].into_iter().filter_map(text).collect();
    let time = text(Tag::DateTimeOriginal).or_else(|| text(Tag::DateTime));
    let is_day =
        |day: &str| day.len() == 10 && !day.starts_with("0000") && day.as_bytes()[0].is_ascii_digit();
    let day = time.and_then(|time| time.split(' ').next().filter(|day| is_day(day)).map(str::to_owned));
    [(!camera.is_empty()).then(|| camera.join(" ")), text(Tag::Software), day]
}

/// How far into a file the facts are looked for.
const HEAD: usize = 4096;

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes[..bytes.len().min(HEAD)].windows(word.len()).any(|window| window == word)
}

/// Walks the segments in front of the first scan (ITU-T T.81, annex B): EXIF, and the mean of the first table.
fn jpeg(bytes: &[u8]) -> (bool, Option<f64>) {
    let (mut at, mut exif, mut quantisation) = (2, false, None);
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4).and_then(|head| head.first_chunk()) {
        let length = usize::from(high) << 8 | usize::from(low);
        let Some(content) = bytes.get(at + 4..at + 2 + length.max(2)) else { break };
        match marker {
            0xe1 => exif |= content.starts_with(b"Exif"),
            0xdb if quantisation.is_none() => quantisation = table_mean(content),
            0xda => break,
            _ => {}
        }
        at += 2 + length.max(2);
    }
    (exif, quantisation)
}

/// The mean of the first table of a DQT segment: its precision and number in a byte, then 64 values of 1 or 2 bytes.
fn table_mean(content: &[u8]) -> Option<f64> {
    let (&head, values) = content.split_first()?;
    let sum: u32 = match head >> 4 {
        0 => values.get(..64)?.iter().map(|&value| u32::from(value)).sum(),
        _ => {
            values.get(..128)?.chunks_exact(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum()
        }
    };
    Some(f64::from(sum) / 64.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() + 2) as u16;
        [&[0xff, marker], &length.to_be_bytes()[..], content].concat()
    }

    #[test]
    fn a_jpeg_tells_of_exif_and_of_its_first_table() {
        let table = [&[0u8][..], &[16; 64]].concat();
        let with = |exif: &[u8]| {
            [&[0xff, 0xd8][..], &segment(0xe1, exif), &segment(0xdb, &table), &segment(0xda, b"")].concat()
        };
        let facts = FileFacts::of(&with(b"Exif\0\0"));
        assert_eq!((facts.format, facts.exif, facts.quantisation), (Format::Jpeg, true, Some(16.0)));
        assert!(!FileFacts::of(&with(b"http://ns.adobe.com/xap/1.0/")).exif);
        for end in 0..with(b"Exif\0\0").len() {
            FileFacts::of(&with(b"Exif\0\0")[..end]);
        }
        assert_eq!(FileFacts::of(b"\x89PNG....eXIf").format, Format::Png);
    }

    /// A JPEG that says which software wrote it: little-endian TIFF with one directory of one entry.
    #[test]
    fn exif_names_the_software() {
        let text = b"Painter 3\0";
        let entry =
            [&[0x31, 0x01, 2, 0][..], &(text.len() as u32).to_le_bytes(), &26u32.to_le_bytes()].concat();
        let tiff = [b"II\x2a\0\x08\0\0\0\x01\0", &entry[..], &[0; 4], text].concat();
        let exif = segment(0xe1, &[b"Exif\0\0", &tiff[..]].concat());
        let file = [&[0xff, 0xd8][..], &exif, &segment(0xda, b""), &[0xff, 0xd9]].concat();
        let facts = FileFacts::of(&file);
        assert_eq!((facts.software.as_deref(), facts.camera, facts.day), (Some("Painter 3"), None, None));
    }

    #[test]
    fn light_is_that_of_the_pixels() {
        let image = Image::new(2, 1, Channels::Rgb, vec![255, 0, 0, 255, 0, 0]).unwrap();
        let facts = Facts::of(&image, None);
        assert_eq!((facts.mean, facts.row()), ([1.0, 0.0, 0.0], vec![2.0, 1.0, 2.0]));
        assert!(facts.spread < 1e-6);
        let halves = Image::new(2, 1, Channels::Grey, vec![0, 255]).unwrap();
        assert!((Facts::of(&halves, None).spread - 0.5).abs() < 1e-6);
    }
}
