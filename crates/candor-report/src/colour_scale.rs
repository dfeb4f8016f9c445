//! From evidence to colour: the one function that maps and their colour bars are drawn with.

use candor_core::{Channels, Image};

/// For and against.
const FOR: [u8; 3] = [211, 35, 50];
const AGAINST: [u8; 3] = [33, 102, 190];
/// Weak evidence is drawn stronger than in proportion, so that it can be seen: half of the scale has .62 of the colour.
const EXPONENT: f32 = 0.7;
/// Columns of the bar: an odd number, so that 0 has its own.
const COLUMNS: usize = 241;

/// The colour of evidence that is `share` of the scale (in −1..=1; beyond it the ends), over paper of this brightness.
pub(crate) fn colour_of(share: f32, paper: f32) -> [u8; 3] {
    let colour = if share > 0.0 { FOR } else { AGAINST };
    let strength = share.abs().min(1.0).powf(EXPONENT);
    colour.map(|colour| (paper + (f32::from(colour) - paper) * strength).round() as u8)
}

/// The bar below a figure of maps: linear in the evidence, coloured as the maps are over white.
#[derive(Clone, Debug)]
pub struct ColourScale {
    /// The evidence at the right end; the left end has the same with a minus.
    pub end: f32,
    /// What the two ends mean.
    pub words: [String; 2],
}

/// A value on the bar.
pub(crate) struct Tick {
    /// From 0 at the left end to 1 at the right one.
    pub place: f32,
    /// The value.
    pub text: String,
}

impl ColourScale {
    /// The bar as a picture of one row.
    pub(crate) fn bar(&self) -> Image {
        let share = |column: usize| 2.0 * column as f32 / (COLUMNS - 1) as f32 - 1.0;
        let pixels = (0..COLUMNS).flat_map(|column| colour_of(share(column), 255.0)).collect();
        Image::new(COLUMNS, 1, Channels::Rgb, pixels).expect("one row has this size")
    }

    /// The ends, the middle, and what is between.
    pub(crate) fn ticks(&self) -> Vec<Tick> {
        // Two figures that count.
        let digits = (1 - self.end.log10().floor() as i32).clamp(0, 8) as usize;
        let tick = |quarter: i16| {
            let value = f32::from(quarter) / 2.0;
            let text = match quarter {
                0 => "0".to_owned(),
                _ => {
                    let size = format!("{:.digits$}", (self.end * value).abs());
                    format!("{}{size}", if quarter < 0 { "−" } else { "+" })
                }
            };
            Tick { place: (value + 1.0) / 2.0, text }
        };
        (-2..=2).map(tick).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_name_the_values_at_their_places() {
        let scale = ColourScale { end: 0.25, words: ["against".into(), "for".into()] };
        let ticks: Vec<(f32, String)> =
            scale.ticks().into_iter().map(|tick| (tick.place, tick.text)).collect();
        let expected = [(0.0, "−0.25"), (0.25, "−0.12"), (0.5, "0"), (0.75, "+0.12"), (1.0, "+0.25")];
        assert_eq!(ticks, expected.map(|(place, text)| (place, text.to_owned())));
    }

    #[test]
    fn nothing_is_white_and_beyond_the_scale_is_the_end() {
        assert_eq!(colour_of(0.0, 255.0), [255; 3]);
        assert_eq!((colour_of(3.0, 255.0), colour_of(-3.0, 80.0)), (FOR, AGAINST));
    }
}
