//! What happens to pictures on their way into a data set: cameras, compression, stamps, editing. Values in, values out.

use candor_core::{Channels, Image, Rng, Seed};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageFormat};

/// Every value by itself.
pub(super) fn mapped(image: &Image, mut value: impl FnMut(f64) -> f64) -> Image {
    placed(image, |_, _, _, old| value(old))
}

/// Every value by its column, row and channel.
pub(super) fn placed(image: &Image, mut value: impl FnMut(usize, usize, usize, f64) -> f64) -> Image {
    let (width, channels) = (image.width(), image.channels().count());
    let each = image.pixels().iter().enumerate().map(|(place, &old)| {
        let (pixel, channel) = (place / channels, place % channels);
        value(pixel % width, pixel / width, channel, f64::from(old)).round().clamp(0.0, 255.0) as u8
    });
    Image::new(width, image.height(), image.channels(), each.collect()).expect("the sides stay as they are")
}

/// Every pixel from another place of the picture; places outside are the nearest inside. Bilinear.
fn sampled(image: &Image, from: impl Fn(f64, f64) -> (f64, f64)) -> Image {
    let (right, bottom) = (image.width() - 1, image.height() - 1);
    placed(image, |x, y, channel, _| {
        let (x, y) = from(x as f64, y as f64);
        let (x, y) = (x.clamp(0.0, right as f64), y.clamp(0.0, bottom as f64));
        let (left, top) = (x.floor() as usize, y.floor() as usize);
        let (dx, dy) = (x - left as f64, y - top as f64);
        let at = |x: usize, y: usize| f64::from(image.pixel(x.min(right), y.min(bottom))[channel]);
        let above = at(left, top) * (1.0 - dx) + at(left + 1, top) * dx;
        let below = at(left, top + 1) * (1.0 - dx) + at(left + 1, top + 1) * dx;
        above * (1.0 - dy) + below * dy
    })
}

pub(super) fn shifted(image: &Image, by: f64) -> Image {
    mapped(image, |value| value + by)
}

pub(super) fn noisy(image: &Image, by: f64, rng: &mut Rng) -> Image {
    mapped(image, |value| value + rng.range(-by, by))
}

/// Turned about its middle.
pub(super) fn rotated(image: &Image, degrees: f64) -> Image {
    let (sin, cos) = (libm::sin(degrees.to_radians()), libm::cos(degrees.to_radians()));
    let (x0, y0) = ((image.width() - 1) as f64 / 2.0, (image.height() - 1) as f64 / 2.0);
    sampled(image, |x, y| {
        let (x, y) = (x - x0, y - y0);
        (x0 + cos * x - sin * y, y0 + sin * x + cos * y)
    })
}

/// The part from (`left`, `top`) on that is `share` of each side, brought to the old size.
pub(super) fn cropped(image: &Image, share: f64, left: f64, top: f64) -> Image {
    let (x0, y0) = (left * (1.0 - share) * image.width() as f64, top * (1.0 - share) * image.height() as f64);
    sampled(image, |x, y| (x0 + share * x, y0 + share * y))
}

/// Moved by parts of a pixel, as a hand does between two pictures of a burst.
pub(super) fn moved(image: &Image, dx: f64, dy: f64) -> Image {
    sampled(image, |x, y| (x - dx, y - dy))
}

/// Left and right exchanged.
pub(super) fn mirrored(image: &Image) -> Image {
    let right = (image.width() - 1) as f64;
    sampled(image, |x, y| (right - x, y))
}

/// The mean of the pixels within `radius` in both directions.
pub(super) fn blurred(image: &Image, radius: usize) -> Image {
    let (width, height) = (image.width(), image.height());
    let around = |at: usize, side: usize| at.saturating_sub(radius)..(at + radius + 1).min(side);
    placed(image, |x, y, channel, _| {
        let (columns, rows) = (around(x, width), around(y, height));
        let count = (columns.len() * rows.len()) as f64;
        let sum: f64 = rows
            .flat_map(|row| columns.clone().map(move |column| (column, row)))
            .map(|(column, row)| f64::from(image.pixel(column, row)[channel]))
            .sum();
        sum / count
    })
}

/// Another white balance: red becomes stronger and blue weaker. A grey picture becomes lighter.
pub(super) fn warmer(image: &Image, by: f64) -> Image {
    let grey = image.channels() == Channels::Grey;
    placed(image, |_, _, channel, value| match channel {
        0 if grey => value * (1.0 + by / 2.0),
        0 => value * (1.0 + by),
        1 => value,
        _ => value * (1.0 - by),
    })
}

/// What the sensor of one camera adds: each pixel has a gain of its own, which stays from picture to picture, and each
/// picture has noise. After Lukáš, Fridrich and Goljan 2006 (photo-response non-uniformity).
pub(super) fn sensor(image: &Image, camera: Seed, pattern: f64, noise: f64, rng: &mut Rng) -> Image {
    placed(image, |x, y, channel, value| {
        let place = (y * image.width() + x) * 3 + channel;
        let gain = 1.0 + pattern * camera.at(place as u64).rng().range(-1.0, 1.0);
        value * gain + rng.range(-noise, noise)
    })
}

/// A pixel that is always light, as a sensor's defect: at a share of the width and height.
pub(super) fn hot_pixel(image: &Image, x: f64, y: f64) -> Image {
    let at = |share: f64, side: usize| (share * (side - 1) as f64).round() as usize;
    let (column, row) = (at(x, image.width()), at(y, image.height()));
    placed(image, |x, y, _, value| if (x, y) == (column, row) { 255.0 } else { value })
}

/// Digits of three by five pixels, from the top, three bits a row.
const DIGITS: [[u8; 5]; 10] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 7, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 1, 1, 1],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
];

/// The date in light digits at the lower right, as cameras print it; different on every picture.
pub(super) fn date_stamped(image: &Image, rng: &mut Rng) -> Image {
    let digits = [rng.below(3), rng.below(10), 2, rng.below(4)];
    let (right, bottom) = (image.width() - 1, image.height() - 1);
    placed(image, |x, y, channel, value| {
        let (x, y) = (right - x, bottom - y);
        let (digit, column) = (x.wrapping_sub(1) / 4, x.wrapping_sub(1) % 4);
        let inside = (1..17).contains(&x) && (1..6).contains(&y) && column < 3 && digit < 4;
        let lit = inside && DIGITS[digits[3 - digit]][5 - y] >> column & 1 == 1;
        if lit { [255.0, 170.0, 60.0][channel] } else { value }
    })
}

/// As written to a JPEG file of this quality and read again, with the file's bytes. `software` is put into its EXIF block.
pub(super) fn as_jpeg(image: &Image, quality: u8, software: Option<&str>) -> (Image, Vec<u8>) {
    let (width, height) = (image.width(), image.height());
    let colour = match image.channels() {
        Channels::Grey => ExtendedColorType::L8,
        Channels::Rgb => ExtendedColorType::Rgb8,
    };
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality)
        .encode(image.pixels(), width as u32, height as u32, colour)
        .expect("a small picture can be written");
    let read = image::load_from_memory_with_format(&file, ImageFormat::Jpeg).expect("what was just written");
    let pixels = match image.channels() {
        Channels::Grey => read.to_luma8().into_raw(),
        Channels::Rgb => read.to_rgb8().into_raw(),
    };
    let read = Image::new(width, height, image.channels(), pixels).expect("the sides stay as they are");
    if let Some(software) = software {
        file.splice(2..2, exif(software));
    }
    (read, file)
}

/// An APP1 segment with one entry: tag 0x0131, Software (Exif 2.32, 4.6.3 and 4.6.5).
fn exif(software: &str) -> Vec<u8> {
    let text = [software.as_bytes(), &[0]].concat();
    let mut content = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x31\0\x02".to_vec();
    content.extend((text.len() as u32).to_be_bytes());
    if text.len() <= 4 {
        content.extend(text.iter().copied().chain(std::iter::repeat(0)).take(4));
        content.extend([0; 4]);
    } else {
        content.extend([0, 0, 0, 26, 0, 0, 0, 0]);
        content.extend(text);
    }
    let mut segment = vec![0xff, 0xe1];
    segment.extend((content.len() as u16 + 2).to_be_bytes());
    segment.extend(content);
    segment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Facts;

    fn grey() -> Image {
        placed(&Image::filled(24, 24, Channels::Grey, 0), |x, y, _, _| (7 * x + 3 * y) as f64)
    }

    #[test]
    fn nothing_done_changes_nothing() {
        let image = grey();
        for same in [rotated(&image, 0.0), cropped(&image, 1.0, 0.5, 0.5), moved(&image, 0.0, 0.0)] {
            assert_eq!(same, image);
        }
        assert_eq!(mirrored(&mirrored(&image)), image);
        assert_eq!(blurred(&image, 0), image);
    }

    #[test]
    fn a_hot_pixel_is_one_pixel_and_a_stamp_is_at_the_lower_right() {
        let image = Image::filled(24, 24, Channels::Grey, 10);
        let changed = |after: &Image| {
            (0..576)
                .filter(|&i| after.pixels()[i] != image.pixels()[i])
                .map(|i| (i % 24, i / 24))
                .collect::<Vec<_>>()
        };
        assert_eq!(changed(&hot_pixel(&image, 0.0, 1.0)), [(0, 23)]);
        let stamp = changed(&date_stamped(&image, &mut Seed(1).rng()));
        assert!(stamp.len() > 20 && stamp.iter().all(|&(x, y)| x > 6 && y > 17), "{stamp:?}");
    }

    #[test]
    fn a_jpeg_says_what_wrote_it_and_how_coarsely() {
        let facts = |quality, software| {
            let (image, file) = as_jpeg(&grey(), quality, software);
            Facts::of(&image, Some(&file)).file.expect("there is a file")
        };
        let (fine, coarse) = (facts(90, None), facts(30, Some("Ver.1.03")));
        assert!(fine.quantisation < coarse.quantisation && !fine.exif && coarse.exif);
        let (_, file) = as_jpeg(&grey(), 90, Some("Ver.1.03"));
        assert!(image::load_from_memory(&file).is_ok(), "the file can still be read");
    }
}
