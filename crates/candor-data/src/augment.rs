//! Variants of training pictures, made while training goes on: rotated, zoomed, shifted, mirrored, lighter or darker.
//!
//! All geometric changes are one affine map about the picture's centre, applied backwards with bilinear interpolation
//! in a single pass over the prepared picture. What a variant looks like depends on the seed, the epoch, the sample and
//! the copy alone, never on which thread makes it.

use candor_core::{Preprocessing, Seed};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What lies beyond the edge of a picture that was turned or shifted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    /// The nearest pixel of the edge, repeated (`aaa|abcd|ddd`), as Keras does it by default.
    #[default]
    Nearest,
    /// The picture mirrored at its edge (`cba|abcd|dcb`).
    Reflect,
}

/// How training pictures are varied. The default varies nothing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Rotation about the centre, uniform in ± this many degrees (0..=180).
    pub rotation_degrees: f64,
    /// Zoom, a scale uniform in 1 ± this share (0..1), the same for both sides; above 1 the picture is enlarged.
    pub zoom: f64,
    /// Shift of each axis, uniform in ± this share of the side (0..=1).
    pub shift: f64,
    /// Mirrored left to right, every second time.
    pub horizontal_flip: bool,
    /// Brightness, values multiplied by a factor uniform in 1 ± this share (0..=1).
    pub brightness: f64,
    /// How many pictures an epoch sees for each training picture. 1: one variant. 3: the picture itself and two
    /// variants ("3 times the training data").
    pub factor: usize,
    /// What lies beyond the edge.
    pub edge: Edge,
}

impl Default for Augmentation {
    fn default() -> Augmentation {
        Augmentation {
            rotation_degrees: 0.0,
            zoom: 0.0,
            shift: 0.0,
            horizontal_flip: false,
            brightness: 0.0,
            factor: 1,
            edge: Edge::Nearest,
        }
    }
}

/// A setting of an [`Augmentation`] outside of its range.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("augmentation: {setting} is {value}, it has to be in {range}")]
#[allow(missing_docs)]
pub struct AugmentationError {
    pub setting: &'static str,
    pub value: f64,
    pub range: &'static str,
}

/// Names one variant of one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// The epoch, from 0.
    pub epoch: u64,
    /// The index of the sample in the data set (not in the shuffled order).
    pub sample: u64,
    /// Which of the epoch's variants of this picture, in 0..factor. With a factor above 1, copy 0 is the picture itself.
    pub copy: u64,
}

impl Augmentation {
    /// Checks that every setting is in its range.
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), AugmentationError> {
        let settings = [
            ("rotation_degrees", self.rotation_degrees, 180.0, "0..=180"),
            ("zoom", self.zoom, 0.99, "0..=0.99"),
            ("shift", self.shift, 1.0, "0..=1"),
            ("brightness", self.brightness, 1.0, "0..=1"),
        ];
        for (setting, value, most, range) in settings {
            if !(0.0..=most).contains(&value) {
                return Err(AugmentationError { setting, value, range });
            }
        }
        match self.factor {
            1..=1000 => Ok(()),
            _ => Err(AugmentationError { setting: "factor", value: self.factor as f64, range: "1..=1000" }),
        }
    }

    /// Whether variants are all equal to the picture.
    pub fn is_none(&self) -> bool {
        !self.horizontal_flip && !self.moves() && self.brightness == 0.0
    }

    fn moves(&self) -> bool {
        [self.rotation_degrees, self.zoom, self.shift].iter().any(|&amount| amount != 0.0)
    }

    /// Writes the variant of `picture` into `out`; both are `input.bytes()` long, height × width × channels.
    /// Draws from `seed.derive("augment")`. Allocates nothing.
    ///
    /// # Panics
    /// When a slice has another length.
    pub fn apply(&self, input: &Preprocessing, seed: Seed, variant: Variant, picture: &[u8], out: &mut [u8]) {
        assert_eq!((picture.len(), out.len()), (input.bytes(), input.bytes()), "one picture in, one out");
        if self.is_none() || (self.factor > 1 && variant.copy == 0) {
            out.copy_from_slice(picture);
            return;
        }
        let Variant { epoch, sample, copy } = variant;
        let drawn = self.draw(input, seed.derive("augment").at(epoch).at(sample).at(copy));
        match input.channels.count() {
            1 => drawn.warp::<1>(input, self.edge, picture, out),
            _ => drawn.warp::<3>(input, self.edge, picture, out),
        }
        if drawn.brightness != 1.0 {
            out.iter_mut().for_each(|value| *value = (f32::from(*value) * drawn.brightness).round() as u8);
        }
    }

    /// Every parameter is drawn whether it is used or not: switching one on does not change the others.
    fn draw(&self, input: &Preprocessing, seed: Seed) -> Drawn {
        let mut rng = seed.rng();
        let mut within = |amount: f64| amount * rng.range(-1.0, 1.0);
        let angle = within(self.rotation_degrees).to_radians();
        let scale = 1.0 + within(self.zoom);
        let (shift_x, shift_y) =
            (within(self.shift) * input.width as f64, within(self.shift) * input.height as f64);
        let brightness = 1.0 + within(self.brightness);
        let mirrored = within(1.0) < 0.0 && self.horizontal_flip;
        Drawn::new(input, angle, scale, (shift_x, shift_y), mirrored, brightness as f32)
    }
}

/// One pixel in fixed-point units.
const ONE: i64 = 1 << 16;

/// The inverse map in 16.16 fixed point, from a pixel of the variant to its place in the picture.
struct Drawn {
    origin: (i64, i64),
    /// How the place moves for one column to the right, and for one row down.
    column: (i64, i64),
    row: (i64, i64),
    brightness: f32,
}

impl Drawn {
    /// Rotates counter-clockwise by `angle` (radians), scales, then shifts (pixels); mirrors first.
    fn new(
        input: &Preprocessing,
        angle: f64,
        scale: f64,
        shift: (f64, f64),
        mirrored: bool,
        brightness: f32,
    ) -> Drawn {
        let centre = ((input.width - 1) as f64 / 2.0, (input.height - 1) as f64 / 2.0);
        let (sin, cos) = angle.sin_cos();
        let mirror = if mirrored { -1.0 } else { 1.0 };
        let column = (mirror * cos / scale, sin / scale);
        let row = (mirror * -sin / scale, cos / scale);
        let (left, top) = (-centre.0 - shift.0, -centre.1 - shift.1);
        let origin = (centre.0 + column.0 * left + row.0 * top, centre.1 + column.1 * left + row.1 * top);
        let fixed = |(x, y): (f64, f64)| ((x * ONE as f64).round() as i64, (y * ONE as f64).round() as i64);
        Drawn { origin: fixed(origin), column: fixed(column), row: fixed(row), brightness }
    }

    fn warp<const CHANNELS: usize>(&self, input: &Preprocessing, edge: Edge, picture: &[u8], out: &mut [u8]) {
        let source = Source { pixels: picture, width: input.width as i64, height: input.height as i64, edge };
        for (y, line) in out.chunks_exact_mut(input.width * CHANNELS).enumerate() {
            let (mut at_x, mut at_y) =
                (self.origin.0 + y as i64 * self.row.0, self.origin.1 + y as i64 * self.row.1);
            let last = (input.width - 1) as i64;
            let end = (at_x + last * self.column.0, at_y + last * self.column.1);
            // The map is linear: when both ends of a line lie inside the picture, so does all between them.
            let inside = source.contains((at_x, at_y)) && source.contains(end);
            for pixel in line.as_chunks_mut::<CHANNELS>().0 {
                let (x, y) = if inside { (at_x, at_y) } else { source.bring_inside(at_x, at_y) };
                *pixel = source.interpolate(x, y);
                at_x += self.column.0;
                at_y += self.column.1;
            }
        }
    }
}

/// The picture that is read from.
struct Source<'a> {
    pixels: &'a [u8],
    width: i64,
    height: i64,
    edge: Edge,
}

impl Source<'_> {
    fn contains(&self, (x, y): (i64, i64)) -> bool {
        (0..=(self.width - 1) * ONE).contains(&x) && (0..=(self.height - 1) * ONE).contains(&y)
    }

    fn bring_inside(&self, x: i64, y: i64) -> (i64, i64) {
        let inside = |at: i64, side: i64| match self.edge {
            Edge::Nearest => at.clamp(0, (side - 1) * ONE),
            Edge::Reflect => {
                // Pixel 0 reaches from -1/2 to 1/2, so the mirrors stand at -1/2 and side - 1/2.
                let folded = (at + ONE / 2).rem_euclid(2 * side * ONE);
                let folded = if folded > side * ONE { 2 * side * ONE - folded } else { folded };
                (folded - ONE / 2).clamp(0, (side - 1) * ONE)
            }
        };
        (inside(x, self.width), inside(y, self.height))
    }

    /// Bilinear, with weights of 8 bits; a place on a pixel gives that pixel exactly.
    fn interpolate<const CHANNELS: usize>(&self, x: i64, y: i64) -> [u8; CHANNELS] {
        let (left, top) = (x >> 16, y >> 16);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (weight_x, weight_y) = (((x >> 8) & 0xff) as u32, ((y >> 8) & 0xff) as u32);
        let corners = [(left, top), (right, top), (left, bottom), (right, bottom)]
            .map(|(column, row)| self.pixel::<CHANNELS>(column, row));
        std::array::from_fn(|channel| {
            let corner = corners.map(|pixel| u32::from(pixel[channel]));
            let upper = corner[0] * (256 - weight_x) + corner[1] * weight_x;
            let lower = corner[2] * (256 - weight_x) + corner[3] * weight_x;
            ((upper * (256 - weight_y) + lower * weight_y + (1 << 15)) >> 16) as u8
        })
    }

    fn pixel<const CHANNELS: usize>(&self, column: i64, row: i64) -> &[u8; CHANNELS] {
        let start = (row * self.width + column) as usize * CHANNELS;
        self.pixels[start..].first_chunk().expect("the place was brought inside")
    }
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Fit};

    use super::*;

    fn input(height: usize, width: usize, channels: Channels) -> Preprocessing {
        Preprocessing { height, width, channels, fit: Fit::Stretch }
    }

    fn warped(drawn: &Drawn, input: &Preprocessing, edge: Edge, picture: &[u8]) -> Vec<u8> {
        let mut out = vec![0; picture.len()];
        drawn.warp::<1>(input, edge, picture, &mut out);
        out
    }

    #[test]
    fn known_maps_give_known_pictures() {
        let square = input(3, 3, Channels::Grey);
        let picture = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        let quarter = std::f64::consts::FRAC_PI_2;
        let cases: [(&str, Drawn, [u8; 9]); 6] = [
            ("nothing", Drawn::new(&square, 0.0, 1.0, (0.0, 0.0), false, 1.0), picture),
            ("mirror", Drawn::new(&square, 0.0, 1.0, (0.0, 0.0), true, 1.0), [3, 2, 1, 6, 5, 4, 9, 8, 7]),
            (
                "quarter turn",
                Drawn::new(&square, quarter, 1.0, (0.0, 0.0), false, 1.0),
                [3, 6, 9, 2, 5, 8, 1, 4, 7],
            ),
            (
                "half turn",
                Drawn::new(&square, 2.0 * quarter, 1.0, (0.0, 0.0), false, 1.0),
                [9, 8, 7, 6, 5, 4, 3, 2, 1],
            ),
            (
                "one to the right",
                Drawn::new(&square, 0.0, 1.0, (1.0, 0.0), false, 1.0),
                [1, 1, 2, 4, 4, 5, 7, 7, 8],
            ),
            (
                "twice as large",
                Drawn::new(&square, 0.0, 2.0, (0.0, 0.0), false, 1.0),
                [3, 4, 4, 5, 5, 6, 6, 7, 7],
            ),
        ];
        for (name, drawn, expected) in cases {
            assert_eq!(warped(&drawn, &square, Edge::Nearest, &picture), expected, "{name}");
        }
    }

    #[test]
    fn beyond_the_edge_lies_the_mirrored_picture_or_its_last_pixel() {
        let line = input(1, 4, Channels::Grey);
        let shifted = Drawn::new(&line, 0.0, 1.0, (3.0, 0.0), false, 1.0);
        let picture = [10, 20, 30, 40];
        assert_eq!(warped(&shifted, &line, Edge::Nearest, &picture), [10, 10, 10, 10]);
        assert_eq!(warped(&shifted, &line, Edge::Reflect, &picture), [30, 20, 10, 10]);
    }

    #[test]
    fn a_variant_depends_on_its_name_alone_and_copy_zero_is_the_picture() {
        let augmentation = Augmentation {
            rotation_degrees: 20.0,
            zoom: 0.2,
            shift: 0.1,
            horizontal_flip: true,
            brightness: 0.3,
            factor: 3,
            edge: Edge::Reflect,
        };
        let input = input(12, 17, Channels::Rgb);
        let picture: Vec<u8> = (0..input.bytes()).map(|i| (i * 7 % 251) as u8).collect();
        let variant = |epoch, sample, copy| {
            let mut out = vec![0; input.bytes()];
            augmentation.apply(&input, Seed(5), Variant { epoch, sample, copy }, &picture, &mut out);
            out
        };
        assert_eq!(variant(0, 0, 0), picture);
        assert_eq!(variant(3, 4, 1), variant(3, 4, 1));
        let different = [variant(0, 0, 1), variant(0, 0, 2), variant(1, 0, 1), variant(0, 1, 1)];
        for (at, one) in different.iter().enumerate() {
            assert_ne!(*one, picture);
            assert!(different[..at].iter().all(|other| other != one));
        }
    }

    #[test]
    fn half_of_all_variants_are_mirrored_and_brightness_keeps_its_range() {
        let input = input(1, 2, Channels::Grey);
        let mirror = Augmentation { horizontal_flip: true, ..Augmentation::default() };
        let brighter = Augmentation { brightness: 0.5, ..Augmentation::default() };
        let (mut mirrored, mut out) = (0, [0; 2]);
        for sample in 0..10_000 {
            let variant = Variant { epoch: 0, sample, copy: 0 };
            mirror.apply(&input, Seed(1), variant, &[100, 200], &mut out);
            mirrored += usize::from(out == [200, 100]);
            brighter.apply(&input, Seed(1), variant, &[100, 200], &mut out);
            assert!((50..=150).contains(&out[0]) && (100..=255).contains(&out[1]), "{out:?}");
        }
        assert!((4_800..5_200).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn settings_outside_their_range_are_named() {
        let wrong = Augmentation { zoom: 1.5, ..Augmentation::default() };
        assert_eq!(
            wrong.check().unwrap_err().to_string(),
            "augmentation: zoom is 1.5, it has to be in 0..=0.99"
        );
        assert!(Augmentation { factor: 0, ..Augmentation::default() }.check().is_err());
        assert!(Augmentation { shift: f64::NAN, ..Augmentation::default() }.check().is_err());
        assert!(Augmentation::default().check().is_ok());
    }
}
