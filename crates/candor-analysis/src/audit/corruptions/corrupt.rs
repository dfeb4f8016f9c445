//! Ten ways in which pictures get worse, each in five strengths, after ImageNet-C.
//!
//! Strengths are those of ImageNet-C (made for pictures of 224 pixels). Lengths (of a blur, of the fog's patches) shrink with
//! the picture's longer side, so that a small picture suffers as much as a large one looked at from the same distance.

use candor_core::{Image, Rng};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageFormat};

/// One way.
pub(super) struct Corruption {
    pub name: &'static str,
    /// Strengths 1 to 5, in the unit of the way.
    strengths: [f64; 5],
    apply: fn(&Canvas, f64, &mut Rng) -> Option<Canvas>,
}

/// All ways, in the order of the table.
pub(super) static CORRUPTIONS: [Corruption; 10] = [
    Corruption { name: "Gaussian noise", strengths: [0.08, 0.12, 0.18, 0.26, 0.38], apply: gaussian_noise },
    Corruption { name: "shot noise", strengths: [60.0, 25.0, 12.0, 5.0, 3.0], apply: shot_noise },
    Corruption { name: "impulse noise", strengths: [0.03, 0.06, 0.09, 0.17, 0.27], apply: impulse_noise },
    Corruption { name: "Gaussian blur", strengths: [1.0, 2.0, 3.0, 4.0, 6.0], apply: gaussian_blur },
    Corruption { name: "motion blur", strengths: [10.0, 15.0, 20.0, 25.0, 35.0], apply: motion_blur },
    Corruption { name: "JPEG", strengths: [25.0, 18.0, 15.0, 10.0, 7.0], apply: jpeg },
    Corruption { name: "brightness", strengths: [0.1, 0.2, 0.3, 0.4, 0.5], apply: brightness },
    Corruption { name: "contrast", strengths: [0.4, 0.3, 0.2, 0.1, 0.05], apply: contrast },
    Corruption { name: "fog", strengths: [0.6, 0.8, 1.0, 1.25, 1.5], apply: fog },
    Corruption { name: "pixelation", strengths: [0.6, 0.5, 0.4, 0.3, 0.25], apply: pixelation },
];

/// The side, in pixels, that ImageNet-C's lengths are for.
const REFERENCE_SIDE: f64 = 224.0;

impl Corruption {
    /// `image`, worse; `strength` in 0..5. What is random comes from `rng`.
    pub fn of(&self, image: &Image, strength: usize, rng: &mut Rng) -> Image {
        let canvas = Canvas::of(image);
        let worse = (self.apply)(&canvas, self.strengths[strength], rng);
        worse.map_or_else(|| image.clone(), |canvas| canvas.into_image())
    }
}

/// A picture as numbers in 0..=1, row-major, channels interleaved.
struct Canvas {
    width: usize,
    height: usize,
    channels: candor_core::Channels,
    values: Vec<f64>,
}

impl Canvas {
    fn of(image: &Image) -> Canvas {
        let values = image.pixels().iter().map(|&value| f64::from(value) / 255.0).collect();
        Canvas { width: image.width(), height: image.height(), channels: image.channels(), values }
    }

    fn bytes(&self) -> Vec<u8> {
        self.values.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
    }

    fn into_image(self) -> Image {
        let bytes = self.bytes();
        Image::new(self.width, self.height, self.channels, bytes).expect("the size is that of a picture")
    }

    fn with(&self, values: Vec<f64>) -> Option<Canvas> {
        Some(Canvas { values, ..*self })
    }

    fn map(&self, change: impl FnMut(f64) -> f64) -> Option<Canvas> {
        self.with(self.values.iter().copied().map(change).collect())
    }

    /// Lengths for 224 pixels, in this picture's.
    fn scaled(&self, length: f64) -> f64 {
        length * self.width.max(self.height) as f64 / REFERENCE_SIDE
    }

    /// Every value from those at `place(x, y)`, a weighted mean whose weights add up to 1; beyond the edge the edge goes on.
    fn gathered(&self, taps: &[(f64, f64, f64)]) -> Option<Canvas> {
        let (channels, most_x, most_y) = (self.channels.count(), self.width - 1, self.height - 1);
        let at = |x: f64, y: f64, channel: usize| {
            let (x, y) = (x.clamp(0.0, most_x as f64), y.clamp(0.0, most_y as f64));
            let (left, top) = (x.floor() as usize, y.floor() as usize);
            let value = |x: usize, y: usize| {
                self.values[(y.min(most_y) * self.width + x.min(most_x)) * channels + channel]
            };
            let (a, b) = (x - left as f64, y - top as f64);
            let upper = value(left, top) * (1.0 - a) + value(left + 1, top) * a;
            let lower = value(left, top + 1) * (1.0 - a) + value(left + 1, top + 1) * a;
            upper * (1.0 - b) + lower * b
        };
        let one = |place: usize| {
            let (pixel, channel) = (place / channels, place % channels);
            let (x, y) = ((pixel % self.width) as f64, (pixel / self.width) as f64);
            taps.iter().map(|&(dx, dy, weight)| weight * at(x + dx, y + dy, channel)).sum()
        };
        self.with((0..self.values.len()).map(one).collect())
    }
}

/// Box and Muller's standard normal number.
fn normal(rng: &mut Rng) -> f64 {
    (-2.0 * (1.0 - rng.unit()).ln()).sqrt() * (2.0 * std::f64::consts::PI * rng.unit()).cos()
}

fn gaussian_noise(canvas: &Canvas, spread: f64, rng: &mut Rng) -> Option<Canvas> {
    canvas.map(|value| value + spread * normal(rng))
}

/// So few photons that their number shows: Poisson with `photons` at white, by Knuth's product.
fn shot_noise(canvas: &Canvas, photons: f64, rng: &mut Rng) -> Option<Canvas> {
    canvas.map(|value| {
        let (limit, mut product, mut count) = ((-value * photons).exp(), rng.unit(), 0.0);
        while product > limit {
            product *= rng.unit();
            count += 1.0;
        }
        count / photons
    })
}

/// Salt and pepper: a share of the values become white or black.
fn impulse_noise(canvas: &Canvas, share: f64, rng: &mut Rng) -> Option<Canvas> {
    canvas.map(|value| match rng.unit() {
        hit if hit < share / 2.0 => 0.0,
        hit if hit < share => 1.0,
        _ => value,
    })
}

fn gaussian_blur(canvas: &Canvas, spread: f64, _: &mut Rng) -> Option<Canvas> {
    let spread = canvas.scaled(spread);
    let reach = (3.0 * spread).ceil() as i64;
    let weight = |at: i64| (-(at as f64 / spread).powi(2) / 2.0).exp();
    let sum: f64 = (-reach..=reach).map(weight).sum();
    let line = |across: bool| -> Vec<(f64, f64, f64)> {
        let tap = |at: i64| {
            (
                at as f64 * f64::from(u8::from(across)),
                at as f64 * f64::from(u8::from(!across)),
                weight(at) / sum,
            )
        };
        (-reach..=reach).map(tap).collect()
    };
    canvas.gathered(&line(true))?.gathered(&line(false))
}

/// Along a line in a random direction, all of it alike.
fn motion_blur(canvas: &Canvas, length: f64, rng: &mut Rng) -> Option<Canvas> {
    let (length, angle) = (canvas.scaled(length), rng.range(0.0, std::f64::consts::PI));
    let steps = (2.0 * length).ceil().max(2.0) as usize;
    let tap = |step: usize| {
        let along = length * (step as f64 / (steps - 1) as f64 - 0.5);
        (along * angle.cos(), along * angle.sin(), 1.0 / steps as f64)
    };
    canvas.gathered(&(0..steps).map(tap).collect::<Vec<_>>())
}

/// Written as a JPEG of low quality and read again. `None`, and no change, where the encoder refuses the size.
fn jpeg(canvas: &Canvas, quality: f64, _: &mut Rng) -> Option<Canvas> {
    let colour = if canvas.channels.count() == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let (width, height) = (u32::try_from(canvas.width).ok()?, u32::try_from(canvas.height).ok()?);
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, quality as u8)
        .encode(&canvas.bytes(), width, height, colour)
        .ok()?;
    let read = image::load_from_memory_with_format(&file, ImageFormat::Jpeg).ok()?;
    let bytes =
        if canvas.channels.count() == 1 { read.into_luma8().into_raw() } else { read.into_rgb8().into_raw() };
    canvas.with(bytes.into_iter().map(|value| f64::from(value) / 255.0).collect())
}

fn brightness(canvas: &Canvas, more: f64, _: &mut Rng) -> Option<Canvas> {
    canvas.map(|value| value + more)
}

/// Each channel drawn towards its mean.
fn contrast(canvas: &Canvas, kept: f64, _: &mut Rng) -> Option<Canvas> {
    let channels = canvas.channels.count();
    let mean = |channel: usize| {
        let values = canvas.values.iter().skip(channel).step_by(channels);
        values.sum::<f64>() / (canvas.values.len() / channels) as f64
    };
    let means: Vec<f64> = (0..channels).map(mean).collect();
    let place = |(at, value): (usize, &f64)| means[at % channels] + kept * (value - means[at % channels]);
    canvas.with(canvas.values.iter().enumerate().map(place).collect())
}

/// White patches of several sizes, laid over the picture, which then is scaled so that its lightest stays where it was.
fn fog(canvas: &Canvas, thickness: f64, rng: &mut Rng) -> Option<Canvas> {
    let patches = [112.0, 56.0, 28.0].map(|length| Patches::new(canvas, canvas.scaled(length).max(1.0), rng));
    let lightest = canvas.values.iter().copied().fold(0.0, f64::max);
    let channels = canvas.channels.count();
    let foggy = |(at, value): (usize, &f64)| {
        let (x, y) = (at / channels % canvas.width, at / channels / canvas.width);
        // Halved at each finer size, as in a plasma fractal; 4/7 makes the sum of the halves 1.
        let white: f64 =
            patches.iter().zip([4.0, 2.0, 1.0]).map(|(one, part)| one.at(x, y) * part / 7.0).sum();
        (value + thickness * white) * lightest / (lightest + thickness).max(f64::MIN_POSITIVE)
    };
    canvas.with(canvas.values.iter().enumerate().map(foggy).collect())
}

/// Random light on a grid, smooth in between.
struct Patches {
    side: f64,
    columns: usize,
    light: Vec<f64>,
}

impl Patches {
    fn new(canvas: &Canvas, side: f64, rng: &mut Rng) -> Patches {
        let knots = |length: usize| (length as f64 / side).ceil() as usize + 2;
        let (columns, rows) = (knots(canvas.width), knots(canvas.height));
        Patches { side, columns, light: (0..columns * rows).map(|_| rng.unit()).collect() }
    }

    fn at(&self, x: usize, y: usize) -> f64 {
        let (x, y) = (x as f64 / self.side, y as f64 / self.side);
        let (column, row) = (x as usize, y as usize);
        let smooth = |t: f64| t * t * (3.0 - 2.0 * t);
        let (a, b) = (smooth(x.fract()), smooth(y.fract()));
        let knot = |column: usize, row: usize| self.light[row * self.columns + column];
        let upper = knot(column, row) * (1.0 - a) + knot(column + 1, row) * a;
        let lower = knot(column, row + 1) * (1.0 - a) + knot(column + 1, row + 1) * a;
        upper * (1.0 - b) + lower * b
    }
}

/// Made smaller and larger again: each value becomes the mean of its block.
fn pixelation(canvas: &Canvas, share: f64, _: &mut Rng) -> Option<Canvas> {
    let channels = canvas.channels.count();
    let blocks = |length: usize| ((length as f64 * share) as usize).max(1);
    let (columns, rows) = (blocks(canvas.width), blocks(canvas.height));
    let block = |at: usize| {
        let (x, y) = (at / channels % canvas.width, at / channels / canvas.width);
        let (column, row) = (x * columns / canvas.width, y * rows / canvas.height);
        (row * columns + column) * channels + at % channels
    };
    let mut sums = vec![(0.0, 0.0); columns * rows * channels];
    for (at, value) in canvas.values.iter().enumerate() {
        let sum = &mut sums[block(at)];
        *sum = (sum.0 + value, sum.1 + 1.0);
    }
    canvas.with((0..canvas.values.len()).map(|at| sums[block(at)].0 / sums[block(at)].1).collect())
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Seed};

    use super::*;

    /// A slope with a square on it.
    fn picture(channels: Channels) -> Image {
        let light = |i: usize| {
            let (x, y) = (i % 40, i / 40);
            let square = (13..29).contains(&x) && (9..25).contains(&y);
            if square { 210 } else { 20 + 3 * x as u8 }
        };
        let pixels = (0..40 * 32).flat_map(|i| vec![light(i); channels.count()]).collect();
        Image::new(40, 32, channels, pixels).unwrap()
    }

    fn distance(a: &Image, b: &Image) -> f64 {
        let apart = |(a, b): (&u8, &u8)| f64::from(a.abs_diff(*b)).powi(2);
        (a.pixels().iter().zip(b.pixels()).map(apart).sum::<f64>() / a.pixels().len() as f64).sqrt()
    }

    #[test]
    fn every_way_changes_the_picture_more_the_stronger_it_is_and_alike_for_a_seed() {
        for channels in [Channels::Grey, Channels::Rgb] {
            let image = picture(channels);
            for way in &CORRUPTIONS {
                let worse = |strength| way.of(&image, strength, &mut Seed(3).rng());
                let apart: Vec<f64> = (0..5).map(|strength| distance(&image, &worse(strength))).collect();
                // A blur of a fifth of a pixel is none; noise at its weakest is seen.
                assert!(apart[4] > 3.0 && apart[4] > 1.3 * apart[0], "{}: {apart:?}", way.name);
                assert!(apart.is_sorted_by(|a, b| *a <= b * 1.15), "{}: {apart:?}", way.name);
                assert_eq!(worse(2), worse(2), "{}", way.name);
            }
        }
    }

    #[test]
    fn noise_has_the_spread_that_it_should() {
        let grey = Image::filled(100, 100, Channels::Grey, 128);
        let way = |name: &str| CORRUPTIONS.iter().find(|way| way.name == name).unwrap();
        let spread = |name: &str| distance(&grey, &way(name).of(&grey, 0, &mut Seed(1).rng())) / 255.0;
        assert!((spread("Gaussian noise") - 0.08).abs() < 0.003, "{}", spread("Gaussian noise"));
        // Poisson: √(.502 / 60).
        assert!((spread("shot noise") - 0.0915).abs() < 0.004, "{}", spread("shot noise"));
        // 3 % of the values move by a half.
        assert!((spread("impulse noise") - 0.0866).abs() < 0.01, "{}", spread("impulse noise"));
    }

    #[test]
    fn a_blur_keeps_the_light_and_a_flat_picture() {
        let flat = Image::filled(30, 20, Channels::Rgb, 90);
        for way in CORRUPTIONS
            .iter()
            .filter(|way| ["Gaussian blur", "motion blur", "contrast", "pixelation"].contains(&way.name))
        {
            assert!(distance(&flat, &way.of(&flat, 4, &mut Seed(2).rng())) < 1e-9, "{}", way.name);
        }
    }
}
