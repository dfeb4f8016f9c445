//! A part of a picture, in the pixels that the network sees.

use candor_core::Image;

/// The border: this share of each side.
const BORDER: f64 = 0.125;

/// Some of a picture's pixels. All pictures have one size, so that a place means the same in each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    width: usize,
    /// One entry a pixel, row by row.
    pub mask: Vec<bool>,
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

impl Region {
    /// Of a picture with these sides.
    pub fn of(width: usize, height: usize, contains: impl Fn(usize, usize) -> bool) -> Region {
        let mask = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Region { width, mask: mask.map(|(x, y)| contains(x, y)).collect() }
    }

    /// A rectangle of `image`.
    pub fn window(image: &Image, window: Window) -> Region {
        Region::of(image.width(), image.height(), |x, y| {
            (window.x..window.x + window.width).contains(&x)
                && (window.y..window.y + window.height).contains(&y)
        })
    }

    /// The outermost eighth at each side of `image`.
    pub fn border(image: &Image) -> Region {
        Region::of(image.width(), image.height(), |x, y| {
            is_outer(x, image.width()) || is_outer(y, image.height())
        })
    }

    /// All other pixels.
    pub fn rest(&self) -> Region {
        Region { width: self.width, mask: self.mask.iter().map(|inside| !inside).collect() }
    }

    /// Its rectangle with a margin of half its sides, a pixel at least.
    pub fn with_margin(&self) -> Region {
        let Window { x, y, width, height } = self.bounds();
        let (across, down) = (width.div_ceil(2), height.div_ceil(2));
        let inside = |at: usize, start: usize, side: usize, margin: usize| {
            (start.saturating_sub(margin)..start + side + margin).contains(&at)
        };
        Region::of(self.width, self.height(), |column, row| {
            inside(column, x, width, across) && inside(row, y, height, down)
        })
    }

    /// Pixels.
    pub fn pixels(&self) -> usize {
        self.mask.iter().filter(|inside| **inside).count()
    }

    /// Share of the picture.
    pub fn share(&self) -> f64 {
        self.pixels() as f64 / self.mask.len().max(1) as f64
    }

    /// The smallest rectangle around it.
    pub fn bounds(&self) -> Window {
        let places = || (0..self.mask.len()).filter(|&place| self.mask[place]);
        let [xs, ys] = [|place: usize, width: usize| place % width, |place, width| place / width].map(
            |of: fn(usize, usize) -> usize| {
                let ends = places().map(|place| of(place, self.width));
                ends.fold((usize::MAX, 0), |(low, high), at| (low.min(at), high.max(at)))
            },
        );
        let side = |(low, high): (usize, usize)| (high + 1).saturating_sub(low);
        Window { x: xs.0, y: ys.0, width: side(xs), height: side(ys) }
    }

    /// Whether it touches the edge of the picture, or is wholly within the border.
    pub fn is_at_edge(&self) -> bool {
        let Window { x, y, width, height } = self.bounds();
        let touches = x == 0 || y == 0 || x + width == self.width || y + height == self.height();
        touches || self.is_within_border()
    }

    /// Whether all of it is within the outermost eighth at each side.
    pub fn is_within_border(&self) -> bool {
        let is_outer = |place: usize| {
            is_outer(place % self.width, self.width) || is_outer(place / self.width, self.height())
        };
        (0..self.mask.len()).filter(|&place| self.mask[place]).all(is_outer)
    }

    fn height(&self) -> usize {
        self.mask.len() / self.width.max(1)
    }

    /// `2×2 pixels at column 12, row 9`; where it does not fill its rectangle, `31 pixels within 20×2 at …`. Counted from 1.
    pub fn words(&self) -> String {
        let Window { x, y, width, height } = self.bounds();
        let at = format!("at column {}, row {}", x + 1, y + 1);
        match self.pixels() {
            1 => format!("one pixel {at}"),
            pixels if pixels == width * height => format!("{width}×{height} pixels {at}"),
            pixels => format!("{pixels} pixels within {width}×{height} {at}"),
        }
    }
}

fn is_outer(at: usize, side: usize) -> bool {
    let middle = (at as f64 + 0.5) / side as f64;
    !(BORDER..1.0 - BORDER).contains(&middle)
}

#[cfg(test)]
mod tests {
    use candor_core::Channels;

    use super::*;

    #[test]
    fn a_region_knows_its_size_and_its_place() {
        let image = Image::filled(16, 16, Channels::Grey, 0);
        let patch = Region::window(&image, Window { x: 7, y: 8, width: 2, height: 2 });
        assert_eq!(patch.words(), "2×2 pixels at column 8, row 9");
        assert_eq!((patch.share(), patch.is_at_edge()), (4.0 / 256.0, false));
        let corner = Region::window(&image, Window { x: 0, y: 2, width: 4, height: 4 });
        assert!(corner.is_at_edge() && !corner.is_within_border());
        assert!(Region::border(&image).is_within_border() && !patch.is_within_border());
        let diagonal = Region::of(16, 16, |x, y| x == y && (4..8).contains(&x));
        assert_eq!(diagonal.words(), "4 pixels within 4×4 at column 5, row 5");
        assert_eq!(Region::border(&image).rest().pixels(), 144);
        assert_eq!(patch.with_margin().bounds(), Window { x: 6, y: 7, width: 4, height: 4 });
    }
}
