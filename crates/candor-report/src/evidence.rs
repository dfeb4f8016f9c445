//! Where the evidence is, drawn: a picture a row, a class a column, red where the picture speaks for the class and blue where
//! it speaks against it, over the picture in pale grey. One scale for the whole figure.

use candor_analysis::explain::Map;
use candor_core::{Channels, Image};

use maud::{Markup, html};

use crate::text::shorten;
use crate::thumbnail::{data_uri, png};

/// Side of a cell in the drawing, px; small pictures are enlarged to it pixel by pixel.
const CELL_PX: usize = 84;
const GAP_PX: usize = 6;
/// Room for a row's label, above the columns, and below for the scale.
const LABEL_PX: usize = 190;
const HEAD_PX: usize = 30;
const FOOT_PX: usize = 58;
/// For and against, and how much of the picture shines through.
const FOR: [f32; 3] = [211.0, 35.0, 50.0];
const AGAINST: [f32; 3] = [33.0, 102.0, 190.0];
const PALE: f32 = 0.35;
/// Share of all values that the scale ends with: a few large ones would make all others pale.
const WITHIN_SCALE: f64 = 0.998;

/// One row: a picture as the network sees it, and its map for each column.
pub struct EvidenceRow<'a> {
    /// What stands before it, a line each: true class, what the network said.
    pub label: Vec<String>,
    /// The picture.
    pub picture: &'a Image,
    /// One map a column, of the picture's size.
    pub maps: Vec<&'a Map>,
}

/// The figure of some rows under the names of its columns.
pub struct EvidenceFigure<'a> {
    rows: &'a [EvidenceRow<'a>],
    columns: &'a [String],
    scale: f32,
}

impl<'a> EvidenceFigure<'a> {
    /// One scale for all maps of `rows`.
    pub fn new(rows: &'a [EvidenceRow<'a>], columns: &'a [String]) -> EvidenceFigure<'a> {
        let mut sizes: Vec<f32> =
            rows.iter().flat_map(|row| &row.maps).flat_map(|map| &map.values).map(|v| v.abs()).collect();
        sizes.sort_by(f32::total_cmp);
        let at = (sizes.len() as f64 * WITHIN_SCALE) as usize;
        let scale = sizes.get(at.min(sizes.len().saturating_sub(1))).copied().unwrap_or(0.0);
        EvidenceFigure { rows, columns, scale: if scale > 0.0 { scale } else { 1.0 } }
    }

    /// The figure with labels and its scale, self-contained.
    pub fn svg(&self) -> String {
        let step = CELL_PX + GAP_PX;
        let width = LABEL_PX + (self.columns.len() + 1) * step;
        let height = HEAD_PX + self.rows.len() * step + FOOT_PX;
        let names = std::iter::once("picture").chain(self.columns.iter().map(String::as_str));
        html! {
            svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height)
                font-family="system-ui,sans-serif" font-size="13" fill="#1a1a1a" role="img"
                aria-label="Evidence in each picture for each class" {
                rect width="100%" height="100%" fill="#fff" {}
                @for (column, name) in names.enumerate() {
                    text x=(LABEL_PX + column * step + CELL_PX / 2) y="20" text-anchor="middle" { (shorten(name, 12)) }
                }
                @for (number, row) in self.rows.iter().enumerate() { (self.row(row, HEAD_PX + number * step)) }
                (scale_bar(self.scale, HEAD_PX + self.rows.len() * step + 10))
            }
        }
        .into_string()
            + "\n"
    }

    fn row(&self, row: &EvidenceRow<'_>, y: usize) -> Markup {
        let cells = std::iter::once(row.picture.clone())
            .chain(row.maps.iter().map(|map| self.cell(row.picture, map)))
            .enumerate();
        html! {
            @for (line, text) in row.label.iter().enumerate() {
                text x="8" y=(y + CELL_PX / 2 + 17 * line - 8 * row.label.len().saturating_sub(1).min(2)) {
                    (shorten(text, 27))
                }
            }
            @for (column, cell) in cells {
                image x=(LABEL_PX + column * (CELL_PX + GAP_PX)) y=(y) width=(CELL_PX) height=(CELL_PX)
                    style="image-rendering:pixelated" href=(data_uri(&cell)) {}
            }
        }
    }

    /// The cells alone, side by side, for programs that want pixels.
    pub fn png(&self) -> Vec<u8> {
        let (step, columns) = (CELL_PX + GAP_PX, self.columns.len() + 1);
        let (width, height) = (columns * step + GAP_PX, self.rows.len() * step + GAP_PX);
        let mut canvas = vec![255_u8; width * height * 3];
        for (number, row) in self.rows.iter().enumerate() {
            let cells = std::iter::once(row.picture.to_channels(Channels::Rgb))
                .chain(row.maps.iter().map(|map| self.cell(row.picture, map)));
            for (column, cell) in cells.enumerate() {
                for at in 0..CELL_PX * CELL_PX {
                    let (y, x) = (at / CELL_PX, at % CELL_PX);
                    let pixel = cell.pixel(x * cell.width() / CELL_PX, y * cell.height() / CELL_PX);
                    let to = (GAP_PX + number * step + y) * width + GAP_PX + column * step + x;
                    canvas[to * 3..to * 3 + 3].copy_from_slice(pixel);
                }
            }
        }
        png(&Image::new(width, height, Channels::Rgb, canvas).expect("the canvas was made for these sides"))
    }

    fn cell(&self, picture: &Image, map: &Map) -> Image {
        let grey = picture.to_channels(Channels::Grey);
        let pixel = |(value, evidence): (&u8, &f32)| {
            let pale = 255.0 - PALE * (255.0 - f32::from(*value));
            let colour = if *evidence > 0.0 { FOR } else { AGAINST };
            let share = (evidence.abs() / self.scale).min(1.0).powf(0.7);
            colour.map(|colour| (pale + (colour - pale) * share).round() as u8)
        };
        let pixels = grey.pixels().iter().zip(&map.values).flat_map(pixel).collect();
        Image::new(picture.width(), picture.height(), Channels::Rgb, pixels)
            .expect("a map has its picture's size")
    }
}

fn scale_bar(scale: f32, y: usize) -> Markup {
    const WIDTH: usize = 240;
    let rgb = |[r, g, b]: [f32; 3]| format!("rgb({r},{g},{b})");
    // Two figures that count.
    let digits = (1 - scale.log10().floor() as i32).clamp(0, 8) as usize;
    html! {
        defs {
            linearGradient id="evidence" {
                stop offset="0" stop-color=(rgb(AGAINST)) {}
                stop offset=".5" stop-color="#fff" {}
                stop offset="1" stop-color=(rgb(FOR)) {}
            }
        }
        rect x=(LABEL_PX) y=(y) width=(WIDTH) height="12" fill="url(#evidence)" stroke="#bbb" {}
        text x=(LABEL_PX) y=(y + 30) { "against, −" (format!("{scale:.digits$}")) }
        text x=(LABEL_PX + WIDTH) y=(y + 30) text-anchor="end" { "for, +" (format!("{scale:.digits$}")) " a pixel" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_for_a_class_is_red_what_speaks_against_it_blue_and_names_are_escaped() {
        let picture = Image::filled(2, 1, Channels::Grey, 0);
        let map = Map { height: 1, width: 2, values: vec![3.0, -3.0], gap: None };
        let rows = [EvidenceRow { label: vec!["a <b>".into()], picture: &picture, maps: vec![&map] }];
        let columns = ["c & d".to_owned()];
        let figure = EvidenceFigure::new(&rows, &columns);
        assert_eq!(figure.cell(&picture, &map).pixels(), [211, 35, 50, 33, 102, 190]);
        let svg = figure.svg();
        assert!(
            svg.contains("a &lt;b&gt;") && svg.contains("c &amp; d") && svg.contains("for, +3.0 a pixel"),
            "{svg}"
        );
        assert!(figure.png().starts_with(b"\x89PNG"));
    }
}
