//! Concepts, drawn: one a row, with its most typical patches, each cut out of its picture with what is around it in pale.

use candor_core::{Channels, Image};
use maud::{Markup, html};

use crate::text::shorten;
use crate::thumbnail::{data_uri, png};

/// Side of a cell in the drawing, px; small patches are enlarged to it pixel by pixel.
const CELL_PX: usize = 84;
const GAP_PX: usize = 6;
const LABEL_PX: usize = 190;
const HEAD_PX: usize = 34;
/// How much of what is around a patch is seen, and how pale it is.
const AROUND_PX: usize = 2;
const PALE: f32 = 0.3;

/// One concept.
#[derive(Clone, Debug)]
pub struct ConceptRow {
    /// What stands before it, a line each.
    pub label: Vec<String>,
    /// Its patches, as [`concept_patch`] cuts them out.
    pub patches: Vec<Image>,
}

/// The square around a patch's `pixels` (counted row by row), what does not belong to it in pale.
pub fn concept_patch(picture: &Image, pixels: &[usize]) -> Image {
    let (width, height) = (picture.width(), picture.height());
    let ends = |of: &dyn Fn(usize) -> usize| {
        let all = pixels.iter().map(|&pixel| of(pixel));
        all.fold((usize::MAX, 0), |(low, high), at| (low.min(at), high.max(at)))
    };
    let ((left, right), (top, bottom)) = (ends(&|pixel| pixel % width), ends(&|pixel| pixel / width));
    let side =
        ((right + 1).saturating_sub(left).max((bottom + 1).saturating_sub(top)) + 2 * AROUND_PX).max(1);
    // The square may hang over the picture's edge: there is paper.
    let start = |low: usize, high: usize| (low + high + 1) as isize / 2 - side as isize / 2;
    let (x0, y0) = (start(left.min(right), right), start(top.min(bottom), bottom));
    let mut square = Vec::with_capacity(side * side * 3);
    for at in 0..side * side {
        let (x, y) = (x0 + (at % side) as isize, y0 + (at / side) as isize);
        let inside = (0..width as isize).contains(&x) && (0..height as isize).contains(&y);
        if !inside {
            square.extend([255; 3]);
            continue;
        }
        let (x, y) = (x as usize, y as usize);
        let values = picture.pixel(x, y);
        let is_part = pixels.binary_search(&(y * width + x)).is_ok();
        for channel in 0..3 {
            let value = values[channel.min(values.len() - 1)];
            let pale = (255.0 - PALE * (255.0 - f32::from(value))).round() as u8;
            square.push(if is_part { value } else { pale });
        }
    }
    Image::new(side, side, Channels::Rgb, square).expect("the buffer was made for these sides")
}

/// The figure of a class's concepts.
pub struct ConceptFigure<'a> {
    class: &'a str,
    rows: &'a [ConceptRow],
}

impl<'a> ConceptFigure<'a> {
    /// Of a class's concepts, the most important first.
    pub fn new(class: &'a str, rows: &'a [ConceptRow]) -> ConceptFigure<'a> {
        ConceptFigure { class, rows }
    }

    fn columns(&self) -> usize {
        self.rows.iter().map(|row| row.patches.len()).max().unwrap_or(0).max(1)
    }

    /// The figure with labels, self-contained.
    pub fn svg(&self) -> String {
        let step = CELL_PX + GAP_PX;
        let (width, height) = (LABEL_PX + self.columns() * step, HEAD_PX + self.rows.len() * step);
        html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height)
                font-family="system-ui,sans-serif" font-size="13" fill="#1a1a1a" role="img"
                aria-label={ "Concepts that the score of " (self.class) " depends on, a row each" } {
                rect width="100%" height="100%" fill="#fff" {}
                text x="8" y="21" font-weight="600" { "What the score of “" (shorten(self.class, 40)) "” depends on" }
                @for (number, row) in self.rows.iter().enumerate() { (drawn(row, HEAD_PX + number * step)) }
            }
        }
        .into_string()
            + "\n"
    }

    /// The patches alone, side by side, for programs that want pixels.
    pub fn png(&self) -> Vec<u8> {
        let step = CELL_PX + GAP_PX;
        let (width, height) = (self.columns() * step + GAP_PX, self.rows.len() * step + GAP_PX);
        let mut canvas = vec![255_u8; width * height * 3];
        for (number, row) in self.rows.iter().enumerate() {
            for (column, patch) in row.patches.iter().enumerate() {
                for at in 0..CELL_PX * CELL_PX {
                    let (y, x) = (at / CELL_PX, at % CELL_PX);
                    let pixel = patch.pixel(x * patch.width() / CELL_PX, y * patch.height() / CELL_PX);
                    let to = (GAP_PX + number * step + y) * width + GAP_PX + column * step + x;
                    canvas[to * 3..to * 3 + 3].copy_from_slice(pixel);
                }
            }
        }
        png(&Image::new(width, height, Channels::Rgb, canvas).expect("the canvas was made for these sides"))
    }
}

fn drawn(row: &ConceptRow, y: usize) -> Markup {
    html! {
        @for (line, text) in row.label.iter().enumerate() {
            text x="8" y=(y + 18 + 18 * line) font-weight=(if line == 0 { "600" } else { "400" }) { (shorten(text, 27)) }
        }
        @for (column, patch) in row.patches.iter().enumerate() {
            image x=(LABEL_PX + column * (CELL_PX + GAP_PX)) y=(y) width=(CELL_PX) height=(CELL_PX)
                style="image-rendering:pixelated" href=(data_uri(patch)) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_keeps_its_values_and_what_is_around_it_is_pale() {
        let picture = Image::new(3, 2, Channels::Grey, vec![0, 100, 200, 0, 100, 200]).unwrap();
        let cut = concept_patch(&picture, &[1, 4]);
        assert_eq!((cut.width(), cut.height()), (6, 6));
        let greys: Vec<u8> = cut.pixels().iter().step_by(3).copied().collect();
        assert_eq!(greys.iter().filter(|&&value| value == 100).count(), 2);
        assert_eq!(greys.iter().filter(|&&value| value == 0 || value == 200).count(), 0);
        let rows = [ConceptRow { label: vec!["1. <b>".into()], patches: vec![cut] }];
        let figure = ConceptFigure::new("a & b", &rows);
        assert!(figure.svg().contains("1. &lt;b&gt;") && figure.svg().contains("a &amp; b"));
        assert!(figure.png().starts_with(b"\x89PNG"));
    }
}
