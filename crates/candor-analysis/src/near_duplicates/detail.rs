//! The last stage: do two pictures that lie over each other agree in every part that holds detail?
//!
//! A copy that was scaled, recompressed or made brighter does. Two shots of one scene in which something moved, or two signs
//! that differ in a number, agree almost everywhere, and not there.

use candor_core::{Channels, Fit, Image, Preprocessing};

use super::{SIDE, Window, neighbours};

/// Side of the kept picture.
const KEPT: usize = 80;
/// Cells a side.
const CELLS: usize = 40;
/// Cells around a cell of which its local mean is taken, to each side.
const AROUND: usize = 2;
/// Cells a side of a part.
const PART: usize = 8;
const PARTS: usize = CELLS / PART;
/// A part with less than this share of the mean detail says nothing.
const FAINT: f32 = 0.1;
/// So alike (correlation) are nine of ten parts of copies, and all of them at least so. Of copies of trashnet's pictures
/// (112×84) scaled to 40 % and compressed again, 95 % are above both.
const MOST_PARTS: f32 = 0.7;
const ALL_PARTS: f32 = 0.4;

type Grid = Vec<[f32; CELLS]>;

/// Grey, stretched to a square: of 80 pixels a side, or of 48 where the picture itself has less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detail {
    grey: Vec<u8>,
    side: usize,
}

impl Detail {
    pub fn of(image: &Image) -> Detail {
        let side = if image.width().min(image.height()) >= KEPT { KEPT } else { SIDE };
        let input = Preprocessing { height: side, width: side, channels: Channels::Grey, fit: Fit::Stretch };
        Detail { grey: input.apply(image).into_pixels(), side }
    }

    /// Whether `window` of `cut`, mirrored or not, agrees with all of this one. A window is moved a little first, since it was
    /// found on a coarser grid.
    pub fn agrees(&self, cut: &Detail, window: Window, mirrored: bool) -> bool {
        let own = self.structure(super::WHOLE, false);
        let mut theirs = cut.structure(window, mirrored);
        if window != super::WHOLE {
            let (mut at, mut best) = (window, correlation(&own, &theirs, 0..CELLS, 0..CELLS));
            for step in [0.008, 0.004] {
                for next in neighbours(at, step) {
                    let moved = cut.structure(next, mirrored);
                    let likeness = correlation(&own, &moved, 0..CELLS, 0..CELLS);
                    if likeness > best {
                        (at, best, theirs) = (next, likeness, moved);
                    }
                }
            }
        }
        parts_agree(&own, &theirs)
    }

    /// What is left of a window without its local means.
    fn structure(&self, window: Window, mirrored: bool) -> Grid {
        let share =
            |start: f32, size: f32, number: usize| start + size * (number as f32 + 0.5) / (2 * CELLS) as f32;
        let cell = |row: usize, column: usize| {
            let column = if mirrored { CELLS - 1 - column } else { column };
            let halves = [(0, 0), (0, 1), (1, 0), (1, 1)];
            let sum: f32 = halves
                .iter()
                .map(|(down, right)| {
                    self.at(
                        share(window.left, window.width, 2 * column + right),
                        share(window.top, window.height, 2 * row + down),
                    )
                })
                .sum();
            sum / 4.0
        };
        let grey: Grid = (0..CELLS).map(|row| std::array::from_fn(|column| cell(row, column))).collect();
        let around = |at: usize| at.saturating_sub(AROUND)..(at + AROUND + 1).min(CELLS);
        let along: Grid = grey
            .iter()
            .map(|row| {
                std::array::from_fn(|at| row[around(at)].iter().sum::<f32>() / around(at).len() as f32)
            })
            .collect();
        let mean = |row: usize, column: usize| {
            around(row).map(|row| along[row][column]).sum::<f32>() / around(row).len() as f32
        };
        (0..CELLS).map(|row| std::array::from_fn(|column| grey[row][column] - mean(row, column))).collect()
    }

    /// Grey at a place in shares of the sides, between the pixels.
    fn at(&self, x: f32, y: f32) -> f32 {
        let place = |share: f32| (share * self.side as f32 - 0.5).clamp(0.0, (self.side - 1) as f32);
        let (x, y) = (place(x), place(y));
        let (left, top) = ((x as usize).min(self.side - 2), (y as usize).min(self.side - 2));
        let (right, below) = (x - left as f32, y - top as f32);
        let row = |row: usize| {
            let pixels = &self.grey[(top + row) * self.side + left..][..2];
            f32::from(pixels[0]) * (1.0 - right) + f32::from(pixels[1]) * right
        };
        row(0) * (1.0 - below) + row(1) * below
    }
}

type Cells = std::ops::Range<usize>;

fn sum(a: &Grid, b: &Grid, rows: Cells, columns: Cells) -> f32 {
    let row = |row: usize| {
        a[row][columns.clone()].iter().zip(&b[row][columns.clone()]).map(|(a, b)| a * b).sum::<f32>()
    };
    rows.map(row).sum()
}

fn correlation(a: &Grid, b: &Grid, rows: Cells, columns: Cells) -> f32 {
    let of = |a: &Grid, b: &Grid| sum(a, b, rows.clone(), columns.clone());
    of(a, b) / (of(a, a) * of(b, b)).sqrt().max(1e-6)
}

/// Whether the parts that hold detail agree.
fn parts_agree(a: &Grid, b: &Grid) -> bool {
    let part = |number: usize| {
        let cells = |at: usize| at * PART..(at + 1) * PART;
        let (rows, columns) = (cells(number / PARTS), cells(number % PARTS));
        let of = |grid: &Grid| sum(grid, grid, rows.clone(), columns.clone());
        // What only one of them shows counts as detail, too.
        (of(a).max(of(b)), correlation(a, b, rows.clone(), columns.clone()))
    };
    let parts: Vec<(f32, f32)> = (0..PARTS * PARTS).map(part).collect();
    let faint = FAINT * parts.iter().map(|(detail, _)| detail).sum::<f32>() / parts.len() as f32;
    let detailed: Vec<f32> =
        parts.into_iter().filter(|(detail, _)| *detail > faint).map(|(_, likeness)| likeness).collect();
    let most = detailed.iter().filter(|&&likeness| likeness >= MOST_PARTS).count();
    !detailed.is_empty()
        && 10 * most >= 9 * detailed.len()
        && detailed.iter().all(|&likeness| likeness >= ALL_PARTS)
}
