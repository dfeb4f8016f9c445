//! The second stage: what is left of a picture, or of a window in it, without its local mean.

use candor_core::Seed;

use super::{Likeness, SIDE, Window};

/// Side of the grid.
const GRID: usize = 24;
/// Cells around a cell of which its local mean is taken, to each side.
const AROUND: usize = 2;
/// A picture whose fine structure varies less than this (levels) shows nothing to compare.
const FLAT: f32 = 1.0;

type Grid = [[f32; GRID]; GRID];

/// Fine structure on the grid, at mean 0 and length 1.
pub(super) struct Fine(Box<Grid>);

impl Fine {
    /// Of a window of a picture, mirrored after cutting where that is asked for; `None` where it is flat.
    pub fn of(picture: &Likeness, window: Window, mirrored: bool) -> Option<Fine> {
        let grey = pooled(picture, window, mirrored);
        let means = local_means(&grey);
        let mut fine: Box<Grid> = Box::new([[0.0; GRID]; GRID]);
        for ((fine, grey), mean) in
            fine.iter_mut().flatten().zip(grey.iter().flatten()).zip(means.iter().flatten())
        {
            *fine = grey - mean;
        }
        let cells = fine.as_flattened_mut();
        let mean = cells.iter().sum::<f32>() / cells.len() as f32;
        cells.iter_mut().for_each(|value| *value -= mean);
        let length = cells.iter().map(|value| value * value).sum::<f32>().sqrt();
        if length < FLAT * GRID as f32 {
            return None;
        }
        cells.iter_mut().for_each(|value| *value /= length);
        Some(Fine(fine))
    }

    /// -1 to 1.
    pub fn correlation(&self, other: &Fine) -> f32 {
        self.0.iter().zip(other.0.iter()).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>()).sum()
    }

    /// The signs of its products with 256 random vectors of 1 and -1, drawn by `seed`.
    pub fn signs(&self, seed: Seed) -> [u64; 4] {
        let mut rng = seed.derive("sketch").rng();
        std::array::from_fn(|_| {
            let mut sums = [0.0f32; 64];
            for &value in self.0.as_flattened() {
                let signs = rng.next_u64();
                for (bit, sum) in sums.iter_mut().enumerate() {
                    *sum += if (signs >> bit) & 1 == 1 { value } else { -value };
                }
            }
            sums.iter().enumerate().fold(0, |word, (bit, sum)| word | (u64::from(*sum > 0.0) << bit))
        })
    }
}

/// Where a half of a cell lies between two pixels: the first of them, and the weight of the second.
#[derive(Clone, Copy)]
struct Between(usize, f32);

/// The two halves of each cell along one side.
fn halves(start: f32, size: f32) -> [[Between; 2]; GRID] {
    let half = |number: usize| {
        let share = start + size * (number as f32 + 0.5) / (2 * GRID) as f32;
        let place = (share * SIDE as f32 - 0.5).clamp(0.0, (SIDE - 1) as f32);
        let pixel = (place as usize).min(SIDE - 2);
        Between(pixel, place - pixel as f32)
    };
    std::array::from_fn(|cell| [half(2 * cell), half(2 * cell + 1)])
}

/// Grey on the grid: the mean of four samples a cell, between the pixels; first along the rows, then down the columns.
fn pooled(picture: &Likeness, window: Window, mirrored: bool) -> Grid {
    let mut across = halves(window.left, window.width);
    if mirrored {
        across.reverse();
    }
    let down = halves(window.top, window.height);
    // Rows outside of the window are asked for by nothing.
    let (first, last) = (down[0][0].0, down[GRID - 1][1].0 + 1);
    let mut rows = [[0.0; GRID]; SIDE];
    for (pixels, row) in picture.grey.chunks_exact(SIDE).zip(&mut rows).take(last + 1).skip(first) {
        let at = |Between(pixel, weight): Between| {
            f32::from(pixels[pixel]) * (1.0 - weight) + f32::from(pixels[pixel + 1]) * weight
        };
        row.iter_mut().zip(across).for_each(|(value, [a, b])| *value = (at(a) + at(b)) / 2.0);
    }
    let mut grid = [[0.0; GRID]; GRID];
    for (cells, [Between(a, at), Between(b, bt)]) in grid.iter_mut().zip(down) {
        for (column, cell) in cells.iter_mut().enumerate() {
            let first = rows[a][column] * (1.0 - at) + rows[a + 1][column] * at;
            let second = rows[b][column] * (1.0 - bt) + rows[b + 1][column] * bt;
            *cell = (first + second) / 2.0;
        }
    }
    grid
}

/// Of the 5×5 cells around, as far as they are there.
fn local_means(grey: &Grid) -> Grid {
    let mut across = [[0.0; GRID]; GRID];
    for (means, row) in across.iter_mut().zip(grey) {
        around(|at, share, from| means[at] += share * row[from]);
    }
    let mut means = [[0.0; GRID]; GRID];
    around(|at, share, from| {
        means[at].iter_mut().zip(&across[from]).for_each(|(mean, value)| *mean += share * value);
    });
    means
}

/// For each place along a side those around it that are there, and the share that each of them has.
fn around(mut add: impl FnMut(usize, f32, usize)) {
    for at in 0..GRID {
        let places = at.saturating_sub(AROUND)..(at + AROUND + 1).min(GRID);
        let share = 1.0 / places.len() as f32;
        places.for_each(|from| add(at, share, from));
    }
}
