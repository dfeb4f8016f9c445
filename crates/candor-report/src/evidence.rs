//! Where the evidence is, drawn: a picture a row, a class a column, red where the picture speaks for the class and blue where
//! it speaks against it, over the picture in pale grey. One scale for the whole figure.

use candor_analysis::explain::Map;
use candor_core::{Channels, Image};

use crate::grid::{ColourScale, GridRow, PictureGrid};

/// For and against, and how much of the picture shines through.
const FOR: [u8; 3] = [211, 35, 50];
const AGAINST: [u8; 3] = [33, 102, 190];
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
        // Two figures that count.
        let digits = (1 - self.scale.log10().floor() as i32).clamp(0, 8) as usize;
        let end = format!("{:.digits$}", self.scale);
        PictureGrid {
            description: "Evidence in each picture for each class".to_owned(),
            title: None,
            columns: std::iter::once("picture".to_owned()).chain(self.columns.iter().cloned()).collect(),
            rows: self.rows.iter().zip(self.cells()).map(with_picture).collect(),
            scale: Some(ColourScale {
                colours: [AGAINST, FOR],
                ends: [format!("against, −{end}"), format!("for, +{end} a pixel")],
            }),
        }
    }

    fn cell(&self, picture: &Image, map: &Map) -> Image {
        let grey = picture.to_channels(Channels::Grey);
        let pixel = |(value, evidence): (&u8, &f32)| {
            let pale = 255.0 - PALE * (255.0 - f32::from(*value));
            let colour = if *evidence > 0.0 { FOR } else { AGAINST };
            let share = (evidence.abs() / self.scale).min(1.0).powf(0.7);
            colour.map(|colour| (pale + (f32::from(colour) - pale) * share).round() as u8)
        };
        let pixels = grey.pixels().iter().zip(&map.values).flat_map(pixel).collect();
        Image::new(picture.width(), picture.height(), Channels::Rgb, pixels)
            .expect("a map has its picture's size")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            svg.contains("a &lt;b&gt;") && svg.contains("c &amp; d") && svg.contains("for, +3.0 a pixel"),
            "{svg}"
        );
    }
}
