//! Ten ways in which pictures get worse, each in five strengths, after ImageNet-C.
//!
//! Ways and strengths are those of ImageNet-C (Hendrycks and Dietterich, "Benchmarking neural network robustness to common
//! corruptions and perturbations", 2019), made for pictures of 224 pixels; on such a picture they give what its authors'
//! programme gives (`tests/goldens/corruptions.py`). JPEG alone is milder in colours, whose resolution the encoder here does not
//! halve. Lengths of a blur shrink with the picture's longer side, so that a small picture suffers as much as a large one looked
//! at from the same distance. Noise, light and contrast stay as they are: for pictures of 32 pixels (CIFAR-10-C) the authors
//! chose weaker ones, so small pictures suffer more here.

use candor_core::{Image, Rng};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageFormat};

/// One way.
pub(super) struct Corruption {
    pub name: &'static str,
    /// Strengths 1 to 5, in the unit of the way; the second number is a blur's spread or the fog's decay.
    strengths: [[f64; 2]; 5],
    apply: fn(&Canvas, [f64; 2], &mut Rng) -> Option<Canvas>,
}

/// All ways, in the order of the table.
pub(super) static CORRUPTIONS: [Corruption; 10] = [
    Corruption {
        name: "Gaussian noise",
        strengths: of([0.08, 0.12, 0.18, 0.26, 0.38]),
        apply: gaussian_noise,
    },
    Corruption { name: "shot noise", strengths: of([60.0, 25.0, 12.0, 5.0, 3.0]), apply: shot_noise },
    Corruption { name: "impulse noise", strengths: of([0.03, 0.06, 0.09, 0.17, 0.27]), apply: impulse_noise },
    Corruption { name: "Gaussian blur", strengths: of([1.0, 2.0, 3.0, 4.0, 6.0]), apply: gaussian_blur },
    Corruption { name: "motion blur", strengths: MOTION, apply: motion_blur },
    Corruption { name: "JPEG", strengths: of([25.0, 18.0, 15.0, 10.0, 7.0]), apply: jpeg },
    Corruption { name: "brightness", strengths: of([0.1, 0.2, 0.3, 0.4, 0.5]), apply: brightness },
    Corruption { name: "contrast", strengths: of([0.4, 0.3, 0.2, 0.1, 0.05]), apply: contrast },
    Corruption { name: "fog", strengths: FOG, apply: fog },
    Corruption { name: "pixelation", strengths: of([0.6, 0.5, 0.4, 0.3, 0.25]), apply: pixelation },
];

/// Strengths of a way that has one number.
const fn of(strengths: [f64; 5]) -> [[f64; 2]; 5] {
    let [a, b, c, d, e] = strengths;
    [[a, 0.0], [b, 0.0], [c, 0.0], [d, 0.0], [e, 0.0]]
}

/// Radius and spread.
const MOTION: [[f64; 2]; 5] = [[10.0, 3.0], [15.0, 5.0], [15.0, 8.0], [15.0, 12.0], [20.0, 15.0]];
/// Thickness and decay.
const FOG: [[f64; 2]; 5] = [[1.5, 2.0], [2.0, 2.0], [2.5, 1.7], [2.5, 1.5], [3.0, 1.4]];

/// The side, in pixels, that ImageNet-C's lengths are for.
const REFERENCE_SIDE: f64 = 224.0;

impl Corruption {
    /// Whether a person hardly minds the weakest strength. ImageNet-C's fog leaves two fifths of the contrast from the start, and
    /// those uneven.
    pub fn begins_mildly(&self) -> bool {
        self.name != "fog"
    }

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

fn gaussian_noise(canvas: &Canvas, [spread, _]: [f64; 2], rng: &mut Rng) -> Option<Canvas> {
    canvas.map(|value| value + spread * normal(rng))
}

/// So few photons that their number shows: Poisson with `photons` at white, by Knuth's product.
fn shot_noise(canvas: &Canvas, [photons, _]: [f64; 2], rng: &mut Rng) -> Option<Canvas> {
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
fn impulse_noise(canvas: &Canvas, [share, _]: [f64; 2], rng: &mut Rng) -> Option<Canvas> {
    canvas.map(|value| match rng.unit() {
        hit if hit < share / 2.0 => 0.0,
        hit if hit < share => 1.0,
        _ => value,
    })
}

fn gaussian_blur(canvas: &Canvas, [spread, _]: [f64; 2], _: &mut Rng) -> Option<Canvas> {
    let spread = canvas.scaled(spread);
    let reach = (4.0 * spread).round().max(1.0) as i64;
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

/// Along a line up to 45° from the horizontal, trailing off to one side: half of a Gaussian.
fn motion_blur(canvas: &Canvas, strength: [f64; 2], rng: &mut Rng) -> Option<Canvas> {
    moved(canvas, strength, rng.range(-45.0, 45.0))
}

fn moved(canvas: &Canvas, [radius, spread]: [f64; 2], degrees: f64) -> Option<Canvas> {
    // Steps of one pixel of a large picture; on a small one they are parts of a pixel.
    let (step, (across, down)) =
        (canvas.scaled(1.0), (degrees.to_radians().cos(), degrees.to_radians().sin()));
    let weight = |at: f64| (-(at / spread).powi(2) / 2.0).exp();
    let steps: Vec<f64> = (0..=2 * radius as usize).map(|at| at as f64).collect();
    let sum: f64 = steps.iter().map(|&at| weight(at)).sum();
    let tap = |&at: &f64| {
        let whole = |along: f64| step * (at * along - 0.5).ceil();
        (whole(across), whole(down), weight(at) / sum)
    };
    canvas.gathered(&steps.iter().map(tap).collect::<Vec<_>>())
}

/// Written as a JPEG of low quality and read again. `None`, and no change, where the encoder refuses the size.
fn jpeg(canvas: &Canvas, [quality, _]: [f64; 2], _: &mut Rng) -> Option<Canvas> {
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

/// More of the value of hue, saturation and value: the largest channel grows, and the others with it.
fn brightness(canvas: &Canvas, [more, _]: [f64; 2], _: &mut Rng) -> Option<Canvas> {
    let lighter = |pixel: &[f64]| -> Vec<f64> {
        let value = pixel.iter().copied().fold(0.0, f64::max);
        let grown = (value + more).min(1.0);
        let lift = |&channel: &f64| if value > 0.0 { channel * grown / value } else { grown };
        pixel.iter().map(lift).collect()
    };
    canvas.with(canvas.values.chunks_exact(canvas.channels.count()).flat_map(lighter).collect())
}

/// Each channel drawn towards its mean.
fn contrast(canvas: &Canvas, [kept, _]: [f64; 2], _: &mut Rng) -> Option<Canvas> {
    let channels = canvas.channels.count();
    let mean = |channel: usize| {
        let values = canvas.values.iter().skip(channel).step_by(channels);
        values.sum::<f64>() / (canvas.values.len() / channels) as f64
    };
    let means: Vec<f64> = (0..channels).map(mean).collect();
    let place = |(at, value): (usize, &f64)| means[at % channels] + kept * (value - means[at % channels]);
    canvas.with(canvas.values.iter().enumerate().map(place).collect())
}

/// A plasma of white laid over the picture, which then is scaled so that its lightest stays where it was.
fn fog(canvas: &Canvas, [thickness, decay]: [f64; 2], rng: &mut Rng) -> Option<Canvas> {
    let side = canvas.width.max(canvas.height).next_power_of_two();
    let white = plasma(side, decay, rng);
    let lightest = canvas.values.iter().copied().fold(0.0, f64::max);
    let channels = canvas.channels.count();
    let foggy = |(at, value): (usize, &f64)| {
        let (x, y) = (at / channels % canvas.width, at / channels / canvas.width);
        (value + thickness * white[y * side + x]) * lightest / (lightest + thickness)
    };
    canvas.with(canvas.values.iter().enumerate().map(foggy).collect())
}

/// A square of light in 0..=1 whose edges fit each other: every middle is the mean of its four neighbours and a random step,
/// which shrinks by `decay` (and its reach as well) when the neighbours are half as far (Fournier, Fussell and Carpenter,
/// "Computer rendering of stochastic models", 1982).
fn plasma(side: usize, decay: f64, rng: &mut Rng) -> Vec<f64> {
    let mut light = vec![0.0; side * side];
    let (mut step, mut reach) = (side, 100.0);
    let place = |x: usize, y: usize| y % side * side + x % side;
    while step >= 2 {
        let half = step / 2;
        let corners: Vec<(usize, usize)> =
            (0..side).step_by(step).flat_map(|y| (0..side).step_by(step).map(move |x| (x, y))).collect();
        let mut settle = |light: &mut [f64], at: usize, neighbours: [usize; 4]| {
            let mean = neighbours.iter().map(|&one| light[one]).sum::<f64>() / 4.0;
            light[at] = mean + reach * rng.range(-reach, reach);
        };
        for &(x, y) in &corners {
            let square = [place(x, y), place(x + step, y), place(x, y + step), place(x + step, y + step)];
            settle(&mut light, place(x + half, y + half), square);
        }
        for &(x, y) in &corners {
            let middle = |x: usize, y: usize| place(x + half, y + half);
            let above = [place(x, y), place(x + step, y), middle(x, y), middle(x, y + side - step)];
            settle(&mut light, place(x + half, y), above);
            let beside = [place(x, y), place(x, y + step), middle(x, y), middle(x + side - step, y)];
            settle(&mut light, place(x, y + half), beside);
        }
        (step, reach) = (half, reach / decay);
    }
    let (low, high) =
        light.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &v| (low.min(v), high.max(v)));
    light.iter().map(|value| (value - low) / (high - low).max(f64::MIN_POSITIVE)).collect()
}

/// Made smaller and larger again: each value becomes the mean of its block.
fn pixelation(canvas: &Canvas, [share, _]: [f64; 2], _: &mut Rng) -> Option<Canvas> {
    let channels = canvas.channels.count();
    let blocks = |length: usize| ((length as f64 * share) as usize).max(1);
    let (columns, rows) = (blocks(canvas.width), blocks(canvas.height));
    let block = |at: usize| {
        let (x, y) = (at / channels % canvas.width, at / channels / canvas.width);
        // A pixel is of the block in which its middle lies.
        let (column, row) =
            ((2 * x + 1) * columns / (2 * canvas.width), (2 * y + 1) * rows / (2 * canvas.height));
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
                // A blur of a fifth of a pixel is none; noise at its weakest is seen; fog is thick from the start.
                assert!(apart[4] > 3.0 && apart[4] > 1.1 * apart[0], "{}: {apart:?}", way.name);
                // The blocks of a pixelation may happen to fit the square.
                assert!(apart.is_sorted_by(|a, b| *a <= b * 1.4), "{}: {apart:?}", way.name);
                assert_eq!(worse(2), worse(2), "{}", way.name);
            }
        }
    }

    #[derive(serde::Deserialize)]
    struct Golden {
        /// Name, strength from 0, degrees of a motion, every 997th value.
        cases: Vec<(String, usize, f64, Vec<u8>)>,
        /// Strength from 0, then means over many draws of a flat grey picture in fog: of its mean and of its standard deviation.
        fog: Vec<(usize, f64, f64)>,
    }

    #[test]
    fn on_a_picture_of_its_size_they_are_those_of_imagenet_c() {
        let golden: Golden =
            serde_json::from_str(include_str!("../../../tests/goldens/corruptions.json")).unwrap();
        let value = |at: usize| (at * 7 % 251 / 3 + at / 3 % 224 / 2) as u8;
        let picture = Image::new(224, 224, Channels::Rgb, (0..224 * 224 * 3).map(value).collect()).unwrap();
        for (name, strength, degrees, expected) in golden.cases {
            let way = CORRUPTIONS.iter().find(|way| way.name == name).unwrap();
            let changed = match name.as_str() {
                "motion blur" => {
                    moved(&Canvas::of(&picture), way.strengths[strength], degrees).unwrap().into_image()
                }
                _ => way.of(&picture, strength, &mut Seed(1).rng()),
            };
            let got = changed.pixels().iter().step_by(997);
            let off = got.zip(&expected).map(|(got, expected)| got.abs_diff(*expected)).max();
            // Rounding up or down, here and there.
            assert!(off.unwrap() <= 1, "{name} {strength}: {off:?}");
        }
        let flat = Image::filled(224, 224, Channels::Grey, 100);
        for (strength, mean, spread) in golden.fog {
            let draws = (0..20)
                .map(|draw| fog(&Canvas::of(&flat), FOG[strength], &mut Seed(draw).rng()).unwrap().values);
            let (mut own_mean, mut own_spread) = (0.0, 0.0);
            for values in draws {
                let of_draw = values.iter().sum::<f64>() / values.len() as f64;
                let square =
                    values.iter().map(|value| (value - of_draw).powi(2)).sum::<f64>() / values.len() as f64;
                (own_mean, own_spread) = (own_mean + of_draw / 20.0, own_spread + square.sqrt() / 20.0);
            }
            assert!((own_mean / mean - 1.0).abs() < 0.1, "{strength}: {own_mean} {mean}");
            assert!((own_spread / spread - 1.0).abs() < 0.1, "{strength}: {own_spread} {spread}");
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
