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
        let mut fine = Box::new(grey);
        fine.iter_mut().flatten().zip(means.as_flattened()).for_each(|(cell, mean)| *cell -= mean);
        let mean = total(|row, column| fine[row][column]) / (GRID * GRID) as f32;
        fine.iter_mut().flatten().for_each(|cell| *cell -= mean);
        let length = total(|row, column| fine[row][column] * fine[row][column]).sqrt();
        if length < FLAT * GRID as f32 {
            return None;
        }
        fine.iter_mut().flatten().for_each(|cell| *cell /= length);
        Some(Fine(fine))
    }

    /// -1 to 1.
    pub fn correlation(&self, other: &Fine) -> f32 {
        total(|row, column| self.0[row][column] * other.0[row][column])
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

/// The sum over all cells; column by column, so that the columns are added up side by side.
fn total(value: impl Fn(usize, usize) -> f32) -> f32 {
    let mut sums = [0.0; GRID];
    for row in 0..GRID {
        sums.iter_mut().enumerate().for_each(|(column, sum)| *sum += value(row, column));
    }
    sums.iter().sum()
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

/// Grey on the grid: the mean of four samples a cell, between the pixels; first down all columns at once, then along the rows.
fn pooled(picture: &Likeness, window: Window, mirrored: bool) -> Grid {
    let mut across = halves(window.left, window.width);
    if mirrored {
        across.reverse();
    }
    let mut grid = [[0.0; GRID]; GRID];
    for (cells, [a, b]) in grid.iter_mut().zip(halves(window.top, window.height)) {
        let row = |pixel: usize| -> &[u8; SIDE] {
            picture.grey[pixel * SIDE..][..SIDE].try_into().expect("a whole row")
        };
        let [above, below] = [a, b].map(|Between(pixel, weight)| (row(pixel), row(pixel + 1), weight));
        let between = |(first, second, weight): (&[u8; SIDE], &[u8; SIDE], f32), at: usize| {
            f32::from(first[at]) * (1.0 - weight) + f32::from(second[at]) * weight
        };
        let column: [f32; SIDE] = std::array::from_fn(|at| (between(above, at) + between(below, at)) / 2.0);
        let at =
            |Between(pixel, weight): Between| column[pixel] * (1.0 - weight) + column[pixel + 1] * weight;
        cells.iter_mut().zip(across).for_each(|(cell, [a, b])| *cell = (at(a) + at(b)) / 2.0);
    }
    grid
}

/// Of the 5×5 cells around, as far as they are there.
fn local_means(grey: &Grid) -> Grid {
    // How many places there are around each place along a side.
    let there: [f32; GRID] =
        std::array::from_fn(|at| (at.saturating_sub(AROUND)..(at + AROUND + 1).min(GRID)).len() as f32);
    // Zeros all around stand for the cells that are not there.
    let mut sums = [[0.0; GRID]; GRID + 2 * AROUND];
    for (sums, row) in sums[AROUND..].iter_mut().zip(grey) {
        let mut padded = [0.0; GRID + 2 * AROUND];
        padded[AROUND..AROUND + GRID].copy_from_slice(row);
        *sums =
            std::array::from_fn(|at| (0..=2 * AROUND).map(|step| padded[at + step]).sum::<f32>() / there[at]);
    }
    std::array::from_fn(|row| {
        std::array::from_fn(|at| (0..=2 * AROUND).map(|step| sums[row + step][at]).sum::<f32>() / there[row])
    })
}
