//! Things to put on a picture: bars, patches, masks, sunglasses, dazzle.
//!
//! Each is drawn in a box of its own shape, and comes in any size. A size is the share of a frame, the whole picture or the
//! box around a face, that is covered, so that different patterns can be compared.

use candor_core::{Area, Image};

/// Something to put on a picture.
pub struct Pattern {
    /// What people call it.
    pub name: &'static str,
    /// Width of its box by its height.
    aspect: f64,
    /// The colour at (across, down), both in 0..1 of its box; `None` where it covers nothing.
    ink: fn(f64, f64) -> Option<[u8; 3]>,
}

/// All of them, in the order of the tables.
pub static PATTERNS: [Pattern; 5] = [
    Pattern { name: "bar", aspect: 5.0, ink: |_, _| Some([0, 0, 0]) },
    Pattern { name: "patch", aspect: 1.0, ink: |_, _| Some([255, 255, 255]) },
    Pattern { name: "mask", aspect: 1.4, ink: mask },
    Pattern { name: "sunglasses", aspect: 2.8, ink: sunglasses },
    Pattern { name: "dazzle", aspect: 1.0, ink: dazzle },
];

/// A surgical mask: straight above, round below, pale blue with folds.
fn mask(x: f64, y: f64) -> Option<[u8; 3]> {
    let fold = ((y * 8.0) as usize).is_multiple_of(2);
    let inside = y < 0.4 || ((x - 0.5) / 0.5).powi(2) + ((y - 0.4) / 0.6).powi(2) <= 1.0;
    inside.then_some(if fold { [168, 205, 224] } else { [140, 184, 208] })
}

/// Two dark discs and what joins them.
fn sunglasses(x: f64, y: f64) -> Option<[u8; 3]> {
    let disc = |middle: f64| ((x - middle) / 0.22).powi(2) + ((y - 0.5) / 0.5).powi(2) <= 1.0;
    let bridge = (0.4..0.6).contains(&x) && (0.25..0.45).contains(&y);
    (disc(0.22) || disc(0.78) || bridge).then_some([16, 16, 20])
}

/// Slanting stripes in black and white that run against each other, as on ships of the first world war.
fn dazzle(x: f64, y: f64) -> Option<[u8; 3]> {
    let slant = if x + y < 1.0 { x - y } else { x + y };
    let is_light = (slant * 5.0).floor() as i64 % 2 == 0;
    Some(if is_light { [245, 245, 245] } else { [10, 10, 10] })
}

/// Points a side at which a pattern's share of its box is measured.
const MEASURED: usize = 40;

impl Pattern {
    /// The share of its box that it covers.
    fn fill(&self) -> f64 {
        let at = |step: usize| (step as f64 + 0.5) / MEASURED as f64;
        let points = (0..MEASURED).flat_map(|y| (0..MEASURED).map(move |x| (at(x), at(y))));
        points.filter(|&(x, y)| (self.ink)(x, y).is_some()).count() as f64 / (MEASURED * MEASURED) as f64
    }

    /// `image` with the pattern on it, covering about `size` (a share in 0..=1) of `frame`, with its middle at
    /// (across, down) in 0..=1 of the frame. What would lie outside the picture is lost.
    pub fn on(&self, image: &Image, frame: &Area, size: f64, (across, down): (f64, f64)) -> Image {
        let area = size * frame.pixels() as f64 / self.fill();
        let height = (area / self.aspect).sqrt().max(1.0);
        let width = (area / height).max(1.0);
        // From a whole pixel on: a small pattern would otherwise lie between the pixels' middles and cover none.
        let left = (frame.x as f64 + across * frame.width as f64 - width / 2.0).round();
        let top = (frame.y as f64 + down * frame.height as f64 - height / 2.0).round();
        let channels = image.channels().count();
        let mut pixels = image.pixels().to_vec();
        for (y, x) in (0..image.height()).flat_map(|y| (0..image.width()).map(move |x| (y, x))) {
            let place = ((x as f64 + 0.5 - left) / width, (y as f64 + 0.5 - top) / height);
            let inside = (0.0..1.0).contains(&place.0) && (0.0..1.0).contains(&place.1);
            let Some(colour) = inside.then(|| (self.ink)(place.0, place.1)).flatten() else { continue };
            let pixel = &mut pixels[(y * image.width() + x) * channels..][..channels];
            match pixel {
                [grey] => *grey = (colour.iter().map(|&value| u32::from(value)).sum::<u32>() / 3) as u8,
                rgb => rgb.copy_from_slice(&colour),
            }
        }
        Image::new(image.width(), image.height(), image.channels(), pixels)
            .expect("the sides stay as they are")
    }
}

#[cfg(test)]
mod tests {
    use candor_core::Channels;

    use super::*;

    #[test]
    fn every_pattern_covers_the_share_that_it_should_and_lies_where_it_should() {
        for channels in [Channels::Grey, Channels::Rgb] {
            let image = Image::filled(100, 80, channels, 128);
            for pattern in &PATTERNS {
                for size in [0.01, 0.05, 0.1] {
                    let changed = pattern.on(&image, &Area::of(&image), size, (0.5, 0.5));
                    let of = |x: usize, y: usize| changed.pixel(x, y) != image.pixel(x, y);
                    let covered: Vec<(usize, usize)> = (0..80)
                        .flat_map(|y| (0..100).map(move |x| (x, y)))
                        .filter(|&(x, y)| of(x, y))
                        .collect();
                    let share = covered.len() as f64 / 8000.0;
                    assert!((share / size - 1.0).abs() < 0.25, "{} {size}: {share}", pattern.name);
                    let middle =
                        covered.iter().map(|&(x, _)| x as f64 + 0.5).sum::<f64>() / covered.len() as f64;
                    assert!((middle - 50.0).abs() < 1.5, "{} {size}: {middle}", pattern.name);
                }
            }
        }
    }

    #[test]
    fn a_pattern_stays_in_the_picture_and_covers_something_of_a_small_one() {
        let image = Image::filled(8, 8, Channels::Grey, 77);
        for pattern in &PATTERNS {
            for place in [(0.2, 0.2), (0.8, 0.8), (0.5, 0.5)] {
                assert_ne!(pattern.on(&image, &Area::of(&image), 0.05, place), image, "{}", pattern.name);
            }
        }
        let face = Area { x: 4, y: 4, width: 4, height: 4 };
        let changed = PATTERNS[1].on(&image, &face, 1.0, (0.5, 0.5));
        assert!(changed.pixel(5, 5) != image.pixel(5, 5) && changed.pixel(1, 1) == image.pixel(1, 1));
    }
}
