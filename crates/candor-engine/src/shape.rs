//! Sizes: of what flows between layers, and of windows that slide over it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The shape of one sample's tensor between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A picture or a stack of feature maps.
    Image {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Values a pixel.
        channels: usize,
    },
    /// A plain vector.
    Features(usize),
}

impl Shape {
    /// `height × width × channels`.
    pub const fn image(height: usize, width: usize, channels: usize) -> Shape {
        Shape::Image { height, width, channels }
    }

    /// Values in one sample.
    pub fn len(self) -> usize {
        match self {
            Shape::Image { height, width, channels } => height * width * channels,
            Shape::Features(count) => count,
        }
    }

    /// Whether there is no value at all.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Image { height, width, channels } => write!(f, "{height}×{width}×{channels}"),
            Shape::Features(count) => write!(f, "{count}"),
        }
    }
}

/// Rows and columns of a window or a stride. In a recipe, `3` or `[3, 5]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "PairText", into = "PairText")]
pub struct Pair {
    /// Along the height.
    pub rows: usize,
    /// Along the width.
    pub columns: usize,
}

impl Pair {
    /// The same in both directions.
    pub const fn square(side: usize) -> Pair {
        Pair { rows: side, columns: side }
    }
}

impl From<usize> for Pair {
    fn from(side: usize) -> Pair {
        Pair::square(side)
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.rows, self.columns)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum PairText {
    Square(usize),
    Both([usize; 2]),
}

impl From<PairText> for Pair {
    fn from(text: PairText) -> Pair {
        match text {
            PairText::Square(side) => Pair::square(side),
            PairText::Both([rows, columns]) => Pair { rows, columns },
        }
    }
}

impl From<Pair> for PairText {
    fn from(pair: Pair) -> PairText {
        if pair.rows == pair.columns {
            PairText::Square(pair.rows)
        } else {
            PairText::Both([pair.rows, pair.columns])
        }
    }
}
