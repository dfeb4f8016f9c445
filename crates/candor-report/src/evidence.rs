//! Where the evidence is, drawn: a picture a row, a class a column, red where the picture speaks for the class and blue where
//! it speaks against it, over the picture in pale grey. One scale for the whole figure, and one function from evidence to colour
//! for the maps and the bar below them.

use candor_analysis::explain::Map;
use candor_core::{Channels, Image};

use crate::colour_scale::{ColourScale, colour_of};
use crate::grid::{GridRow, PictureGrid};

/// How much of the picture shines through.
const PALE: f32 = 0.35;
/// Share of all values that the scale ends with: a few large ones would make all others pale.
const WITHIN_SCALE: f64 = 0.998;

/// One row: a picture as the network sees it, and its map for each column.
pub struct EvidenceRow {
    /// What stands before it, a line each: true class, what the network said.
    pub label: Vec<String>,
    /// The picture.
    pub picture: Image,
    /// One map a column, of the picture's size.
    pub maps: Vec<Map>,
}

/// The figure of some rows under the names of its columns.
pub struct EvidenceFigure<'a> {
    rows: &'a [EvidenceRow],
    columns: &'a [String],
    scale: f32,
}

impl<'a> EvidenceFigure<'a> {
    /// One scale for all maps of `rows`.
    pub fn new(rows: &'a [EvidenceRow], columns: &'a [String]) -> EvidenceFigure<'a> {
        let mut sizes: Vec<f32> =
            rows.iter().flat_map(|row| &row.maps).flat_map(|map| &map.values).map(|v| v.abs()).collect();
        sizes.sort_by(f32::total_cmp);
        let at = (sizes.len() as f64 * WITHIN_SCALE) as usize;
        let scale = sizes.get(at.min(sizes.len().saturating_sub(1))).copied().unwrap_or(0.0);
        EvidenceFigure { rows, columns, scale: if scale > 0.0 { scale } else { 1.0 } }
    }

    /// The maps of each row over its picture, on the figure's scale.
    pub fn cells(&self) -> Vec<Vec<Image>> {
        let of_row = |row: &EvidenceRow| row.maps.iter().map(|map| self.cell(&row.picture, map)).collect();
        self.rows.iter().map(of_row).collect()
    }

    /// The figure with labels and its scale.
    pub fn grid(&self) -> PictureGrid {
        let with_picture = |(row, cells): (&EvidenceRow, Vec<Image>)| GridRow {
            label: row.label.clone(),
            cells: std::iter::once(row.picture.clone()).chain(cells).collect(),
        };
        PictureGrid {
            description: "Evidence in each picture for each class".to_owned(),
            title: None,
            columns: std::iter::once("picture".to_owned()).chain(self.columns.iter().cloned()).collect(),
            rows: self.rows.iter().zip(self.cells()).map(with_picture).collect(),
            scale: Some(ColourScale {
                end: self.scale,
                words: ["against".to_owned(), "for the class, per pixel".to_owned()],
            }),
        }
    }

    fn cell(&self, picture: &Image, map: &Map) -> Image {
        let grey = picture.to_channels(Channels::Grey);
        let pixel = |(value, evidence): (&u8, &f32)| {
            colour_of(evidence / self.scale, 255.0 - PALE * (255.0 - f32::from(*value)))
        };
        let pixels = grey.pixels().iter().zip(&map.values).flat_map(pixel).collect();
        Image::new(picture.width(), picture.height(), Channels::Rgb, pixels)
            .expect("a map has its picture's size")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bar of a figure whose strongest evidence is `end`, one colour a column of its picture.
    fn bar(end: f32) -> Vec<[u8; 3]> {
        let map = Map { height: 1, width: 1, values: vec![end], gap: None };
        let picture = Image::filled(1, 1, Channels::Grey, 255);
        let rows = [EvidenceRow { label: Vec::new(), picture, maps: vec![map] }];
        let bar = EvidenceFigure::new(&rows, &[]).grid().scale.expect("a figure of evidence has a bar").bar();
        bar.pixels().chunks(3).map(|rgb| [rgb[0], rgb[1], rgb[2]]).collect()
    }

    #[test]
    fn a_value_has_the_same_colour_in_the_bar_and_in_a_map() {
        for end in [0.003, 1.0, 250.0] {
            let bar = bar(end);
            let value_at = |column: usize| end * (2.0 * column as f32 / (bar.len() - 1) as f32 - 1.0);
            let values: Vec<f32> = (0..bar.len()).map(value_at).collect();
            let (width, picture) = (values.len(), Image::filled(bar.len(), 1, Channels::Rgb, 255));
            let map = Map { height: 1, width, values, gap: None };
            let rows = [EvidenceRow { label: Vec::new(), picture: picture.clone(), maps: vec![map] }];
            let figure = EvidenceFigure { rows: &rows, columns: &[], scale: end };
            let drawn = figure.cell(&picture, &rows[0].maps[0]);
            let drawn: Vec<[u8; 3]> = drawn.pixels().chunks(3).map(|rgb| [rgb[0], rgb[1], rgb[2]]).collect();
            assert_eq!(drawn, bar, "{end}");
        }
    }

    #[test]
    fn half_of_the_scale_looks_like_more_than_half_in_both() {
        let bar = bar(2.0);
        let red = |column: usize| f32::from(255 - bar[column][1]) / f32::from(255 - bar[bar.len() - 1][1]);
        let half = red(3 * (bar.len() - 1) / 4);
        assert!((half - 0.5_f32.powf(0.7)).abs() < 0.01, "{half}");
    }

    #[test]
    fn what_speaks_for_a_class_is_red_what_speaks_against_it_blue_and_names_are_escaped() {
        let picture = Image::filled(2, 1, Channels::Grey, 0);
        let map = Map { height: 1, width: 2, values: vec![3.0, -3.0], gap: None };
        let rows =
            [EvidenceRow { label: vec!["a <b>".into()], picture: picture.clone(), maps: vec![map.clone()] }];
        let columns = ["c & d".to_owned()];
        let figure = EvidenceFigure::new(&rows, &columns);
        assert_eq!(figure.cell(&picture, &map).pixels(), [211, 35, 50, 33, 102, 190]);
        let svg = figure.grid().svg();
        assert!(
            svg.contains("a &lt;b&gt;")
                && svg.contains("c &amp; d")
                && svg.contains("for the class, per pixel")
                && svg.contains(">+3.0<"),
            "{svg}"
        );
    }
}
