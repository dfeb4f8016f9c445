//! How candor sees what finds things in pictures, such as faces: a trait that a five-line fake can implement.

use serde::{Deserialize, Serialize};

use crate::Image;

/// A rectangle of whole pixels within a picture: columns `x..x + width`, rows `y..y + height`, counted from the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Area {
    /// The first column.
    pub x: usize,
    /// The first row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Area {
    /// The whole of a picture.
    pub fn of(image: &Image) -> Area {
        Area { x: 0, y: 0, width: image.width(), height: image.height() }
    }

    /// Pixels.
    pub fn pixels(&self) -> usize {
        self.width * self.height
    }

    /// Pixels in both over pixels in either (intersection over union), 0 to 1.
    pub fn overlap(&self, other: &Area) -> f64 {
        let shared = |a: usize, a_len: usize, b: usize, b_len: usize| {
            (a + a_len).min(b + b_len).saturating_sub(a.max(b))
        };
        let both = shared(self.x, self.width, other.x, other.width)
            * shared(self.y, self.height, other.y, other.height);
        match self.pixels() + other.pixels() - both {
            0 => 0.0,
            either => both as f64 / either as f64,
        }
    }
}

/// Something that was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Detection {
    /// Where, in the picture that was searched; not empty, and within it.
    pub area: Area,
    /// How sure the detector is. Larger is surer; the scale is the detector's own.
    pub score: f32,
}

/// Finds things of one kind in pictures. The same picture gives the same answer, on any thread.
pub trait Detector: Sync {
    /// Which detector it is, with all settings on which its answers depend: this is written down beside them.
    fn name(&self) -> String;
    /// What it finds in a picture of any size and colour, the surest first.
    fn detect(&self, image: &Image) -> Vec<Detection>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlap_is_what_both_have_of_what_either_has() {
        let area = |x, y, width, height| Area { x, y, width, height };
        let square = area(10, 10, 10, 10);
        for (other, expected) in [
            (square, 1.0),
            (area(15, 10, 10, 10), 50.0 / 150.0),
            (area(12, 12, 5, 5), 0.25),
            (area(20, 10, 10, 10), 0.0),
            (area(0, 0, 0, 0), 0.0),
        ] {
            assert_eq!((square.overlap(&other), other.overlap(&square)), (expected, expected), "{other:?}");
        }
        assert_eq!(area(3, 3, 0, 0).overlap(&area(3, 3, 0, 0)), 0.0);
    }
}
