//! The shapes of a drawing: a block for a stack of maps, a bar for a list of values, a bead for what changes nothing.

use maud::{Markup, html};

use crate::Shape;

/// Room on each side of the spine.
const MOST_HALF_WIDTH: f64 = 76.0;
/// How a step into depth is drawn: to the right and up.
const DEPTH_RIGHT: f64 = 0.5;
const DEPTH_UP: f64 = 0.42;

/// What is drawn for a layer, in pixels at scale 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Block {
    Maps { width: f64, depth: f64, thickness: f64 },
    Vector { length: f64 },
    Bead,
}

impl Block {
    /// The block for an output shape: logarithmic, so that 224 columns and 7 both fit.
    pub(super) fn of(shape: Shape) -> Block {
        match shape {
            Shape::Maps { height, width, channels } => Block::Maps {
                width: 14.0 + 10.0 * log2(width),
                depth: 6.0 + 6.5 * log2(height),
                thickness: 3.0 + 3.0 * log2(channels),
            },
            Shape::Vector { units } => Block::Vector { length: 12.0 + 10.5 * log2(units) },
        }
    }

    /// Height of the drawing in pixels.
    pub(super) fn height(&self, scale: f64) -> f64 {
        match *self {
            Block::Maps { depth, thickness, .. } => scale * (DEPTH_UP * depth + thickness),
            Block::Vector { .. } => 9.0,
            Block::Bead => 8.0,
        }
    }

    /// The block with its middle at (`x`, `y`).
    pub(super) fn draw(&self, x: f64, y: f64, scale: f64) -> Markup {
        match *self {
            Block::Maps { width, depth, thickness } => {
                cuboid(x, y, scale * width, scale * depth, scale * thickness)
            }
            Block::Vector { length } => bar(x, y, length),
            Block::Bead => html! { circle class="bead" cx=(px(x)) cy=(px(y)) r="4" {} },
        }
    }
}

fn log2(value: usize) -> f64 {
    (value.max(1) as f64).log2()
}

fn bar(x: f64, y: f64, length: f64) -> Markup {
    let half = (length / 2.0).min(MOST_HALF_WIDTH);
    html! { rect class="front" x=(px(x - half)) y=(px(y - 4.5)) width=(px(2.0 * half)) height="9" rx="2" {} }
}

/// A box seen from the front, from above and a little from the left: three faces.
fn cuboid(x: f64, y: f64, width: f64, depth: f64, thickness: f64) -> Markup {
    let (right, up) = (DEPTH_RIGHT * depth, DEPTH_UP * depth);
    let half = (width / 2.0).min(MOST_HALF_WIDTH - right / 2.0);
    let (left, top) = (x - half - right / 2.0, y - (up + thickness) / 2.0 + up);
    let (end, bottom) = (left + 2.0 * half, top + thickness);
    let above = [(left, top), (end, top), (end + right, top - up), (left + right, top - up)];
    let side = [(end, top), (end + right, top - up), (end + right, bottom - up), (end, bottom)];
    let front = [(left, top), (end, top), (end, bottom), (left, bottom)];
    html! {
        polygon class="above" points=(points(&above)) {}
        polygon class="side" points=(points(&side)) {}
        polygon class="front" points=(points(&front)) {}
    }
}

fn points(corners: &[(f64, f64)]) -> String {
    corners.iter().map(|&(x, y)| format!("{},{}", px(x), px(y))).collect::<Vec<_>>().join(" ")
}

/// A length with one decimal at most.
pub(super) fn px(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn maps(side: usize, channels: usize) -> Block {
        Block::of(Shape::Maps { height: side, width: side, channels })
    }

    #[test]
    fn larger_maps_are_wider_and_more_of_them_are_thicker() {
        let (Block::Maps { width, .. }, Block::Maps { width: wider, .. }) = (maps(7, 8), maps(224, 8)) else {
            panic!("maps are blocks");
        };
        assert!(wider > width);
        assert!(maps(7, 512).height(1.0) > maps(7, 8).height(1.0));
    }

    #[test]
    fn everything_stays_between_the_edge_and_the_words() {
        for shape in [
            Shape::Maps { height: 1, width: 1, channels: 1 },
            Shape::Maps { height: 4096, width: 4096, channels: 4096 },
            Shape::Vector { units: 1 },
            Shape::Vector { units: 10_000_000 },
        ] {
            let text = Block::of(shape).draw(84.0, 50.0, 1.0).into_string();
            let numbers = text.split(['"', ' ', ',']).filter_map(|word| word.parse::<f64>().ok());
            assert!(numbers.clone().count() > 3, "{text}");
            assert!(numbers.into_iter().all(|n| (0.0..=165.0).contains(&n)), "{shape:?}: {text}");
        }
    }
}
