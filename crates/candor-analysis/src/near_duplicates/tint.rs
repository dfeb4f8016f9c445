//! Colours, coarsely: pictures of one shape in different colours are two things.

use candor_core::{Channels, Fit, Image, Preprocessing};

use super::Window;

/// Side of the kept map of colours.
const SIDE: usize = 16;
/// Samples a side that are compared.
const GRID: usize = 8;
/// Below this mean strength (half levels) a picture counts as grey, and tells nothing of colours.
const GREY: f32 = 4.0;
/// Colours at least so alike (cosine) are those of one picture; copies made lighter or darker keep theirs, of 2,100 copies 99 in
/// 100 by more than this.
const ALIKE: f32 = 0.8;

/// Red against green and blue against both, in half levels, 16×16.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tint(Vec<[i8; 2]>);

impl Tint {
    pub fn of(image: &Image) -> Tint {
        if image.channels() == Channels::Grey {
            return Tint(vec![[0; 2]; SIDE * SIDE]);
        }
        let input = Preprocessing { height: SIDE, width: SIDE, channels: Channels::Rgb, fit: Fit::Stretch };
        let opponent = |rgb: &[u8]| {
            let [red, green, blue] = [rgb[0], rgb[1], rgb[2]].map(i16::from);
            [(red - green) / 2, (2 * blue - red - green) / 4].map(|value| value as i8)
        };
        Tint(input.apply(image).pixels().chunks_exact(3).map(opponent).collect())
    }

    /// Whether `cut`, of which `window` is shown (mirrored or not), has the colours of this one; so does what is grey.
    pub fn agrees(&self, cut: &Tint, window: Window, mirrored: bool) -> bool {
        let (mut product, mut own, mut theirs) = (0.0, 0.0, 0.0);
        for (row, column) in (0..GRID).flat_map(|row| (0..GRID).map(move |column| (row, column))) {
            let share = |cell: usize| (cell as f32 + 0.5) / GRID as f32;
            let across = share(if mirrored { GRID - 1 - column } else { column });
            let a = self.at(share(column), share(row));
            let b = cut.at(window.left + window.width * across, window.top + window.height * share(row));
            for (a, b) in a.into_iter().zip(b) {
                product += a * b;
                own += a * a;
                theirs += b * b;
            }
        }
        let least = GREY * GREY * (GRID * GRID) as f32;
        own.min(theirs) < least || product >= ALIKE * (own * theirs).sqrt()
    }

    fn at(&self, x: f32, y: f32) -> [f32; 2] {
        let place = |share: f32| ((share * SIDE as f32) as usize).min(SIDE - 1);
        self.0[place(y) * SIDE + place(x)].map(f32::from)
    }
}

#[cfg(test)]
mod tests {
    use super::super::WHOLE;
    use super::*;

    #[test]
    fn lighter_and_grey_copies_agree_and_other_colours_do_not() {
        let of = |[red, green, blue]: [u8; 3]| {
            let pixels = [red, green, blue].repeat(100);
            Tint::of(&Image::new(10, 10, Channels::Rgb, pixels).unwrap())
        };
        let red = of([160, 60, 40]);
        for (colour, agrees) in
            [([200, 75, 50], true), ([90, 90, 90], true), ([40, 60, 160], false), ([60, 160, 40], false)]
        {
            assert_eq!(red.agrees(&of(colour), WHOLE, false), agrees, "{colour:?}");
        }
        assert!(red.agrees(&Tint::of(&Image::filled(5, 5, Channels::Grey, 3)), WHOLE, true));
    }
}
