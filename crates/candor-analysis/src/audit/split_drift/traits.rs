//! What is compared between the splits: numbers of a picture, each by itself.

use candor_core::Image;

use crate::audit::Case;
use crate::baseline::View;

/// Numbers that have names; the pixels of a thumbnail come after them.
pub(super) const NAMED: [&str; 11] = [
    "brightness",
    "contrast",
    "red against blue",
    "green against red and blue",
    "sharpness",
    "fine detail",
    "area of the original",
    "proportion of the original",
    "bytes a pixel",
    "JPEG compression",
    "EXIF data",
];

/// What a row of [`row`] is called at a place.
pub(super) fn name(place: usize) -> &'static str {
    NAMED.get(place).copied().unwrap_or("a part of the picture")
}

/// The numbers of the picture at `index`: those with a name, then an 8×8 thumbnail.
pub(super) fn row(case: &Case<'_>, index: usize) -> Vec<f64> {
    let seen = (case.seen)(index);
    let facts = &case.facts[index];
    let [red, green, blue] = facts.mean;
    let (sharpness, detail) = sharpness(&seen);
    let pixels = (facts.width * facts.height) as f64;
    let file = facts.file.as_ref();
    let mut row = vec![
        (red + green + blue) / 3.0,
        facts.spread,
        red - blue,
        green - (red + blue) / 2.0,
        sharpness,
        detail,
        pixels.ln(),
        (facts.width as f64 / facts.height as f64).ln(),
        file.map_or(0.0, |file| (file.bytes as f64 / pixels).ln()),
        file.and_then(|file| file.quantisation).unwrap_or(0.0),
        file.map_or(0.0, |file| f64::from(u8::from(file.exif))),
    ];
    row.extend(View::Thumbnail.row(&seen));
    row
}

/// How much neighbouring pixels differ: in proportion to the contrast of the picture, and as it is; both as logarithms, of
/// the mean of the channels.
fn sharpness(image: &Image) -> (f64, f64) {
    let channels = image.channels().count();
    let light = |x: usize, y: usize| {
        image.pixel(x, y).iter().map(|&value| f64::from(value)).sum::<f64>() / channels as f64
    };
    let (width, height) = (image.width(), image.height());
    let (mut steps, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
        let own = light(x, y);
        sum += own;
        squares += own * own;
        if x + 1 < width && y + 1 < height {
            steps += (own - light(x + 1, y)).powi(2) + (own - light(x, y + 1)).powi(2);
        }
    }
    let pixels = (width * height) as f64;
    let variance = (squares / pixels - (sum / pixels).powi(2)).max(0.0);
    let steps = steps / pixels;
    (((steps + 1.0) / (variance + 1.0)).ln(), (steps + 1.0).ln())
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Preprocessing};

    use super::super::super::testing::Fake;
    use super::*;

    #[test]
    fn a_blurred_picture_is_less_sharp_and_every_number_has_a_place() {
        let noise = |i: usize| (i * 7919 % 251) as u8;
        let sharp = Image::new(16, 16, Channels::Grey, (0..256).map(noise).collect()).unwrap();
        let to = |side| Preprocessing {
            height: side,
            width: side,
            channels: Channels::Grey,
            fit: Default::default(),
        };
        let blurred = to(16).apply(&to(6).apply(&sharp));
        assert!(sharpness(&blurred).0 < sharpness(&sharp).0 - 0.5);
        assert!(sharpness(&blurred).1 < sharpness(&sharp).1 - 0.5);
        let row = Fake::bright(24).with(|case| row(case, 3));
        assert_eq!(row.len(), NAMED.len() + 64);
        assert_eq!((name(4), name(70)), ("sharpness", "a part of the picture"));
    }
}
