//! The transforms of the kernels, G g Gᵀ, and of their gradients, Gᵀ u G, for a block of kernels at a time.

use super::{MOST_PLACES, TileSize};
use crate::kernel::BLOCK;

/// G g Gᵀ of a block of 3×3 kernels, value by value. Of the places the first [`TileSize::places`] count.
pub(crate) fn transform_kernels(size: TileSize, g: &[[f32; BLOCK]; 9]) -> [[f32; BLOCK]; MOST_PLACES] {
    match size {
        TileSize::Two => forth(g, |[a, b, c]| [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c]),
        TileSize::Four => forth(g, |[a, b, c]| {
            let (near, far) = ((a + c) / -6.0, (a + 4.0 * c) / 24.0);
            [0.25 * a, near - b / 6.0, near + b / 6.0, far + b / 12.0, far - b / 12.0, c]
        }),
    }
}

fn forth<const T: usize>(
    g: &[[f32; BLOCK]; 9],
    along: impl Fn([f32; 3]) -> [f32; T],
) -> [[f32; BLOCK]; MOST_PLACES] {
    let mut places = [[0.0; BLOCK]; MOST_PLACES];
    for lane in 0..BLOCK {
        let columns: [[f32; T]; 3] =
            std::array::from_fn(|column| along(std::array::from_fn(|row| g[3 * row + column][lane])));
        for row in 0..T {
            let values = along(std::array::from_fn(|column| columns[column][row]));
            values.into_iter().enumerate().for_each(|(column, value)| places[T * row + column][lane] = value);
        }
    }
    places
}

/// Gᵀ u G: the gradients of a block of 3×3 kernels from those of their transforms, value by value. Of `u` the first
/// [`TileSize::places`] count.
pub(crate) fn transform_kernel_gradients(
    size: TileSize,
    u: &[[f32; BLOCK]; MOST_PLACES],
) -> [[f32; BLOCK]; 9] {
    match size {
        TileSize::Two => {
            back(u, |[a, b, c, d]: [f32; 4]| [a + 0.5 * (b + c), 0.5 * (b - c), 0.5 * (b + c) + d])
        }
        TileSize::Four => back(u, |[a, b, c, d, e, f]: [f32; 6]| {
            let (near, far) = (-(b + c) / 6.0, (d + e) / 24.0);
            [0.25 * a + near + far, (c - b) / 6.0 + (d - e) / 12.0, near + 4.0 * far + f]
        }),
    }
}

fn back<const T: usize>(
    u: &[[f32; BLOCK]; MOST_PLACES],
    along: impl Fn([f32; T]) -> [f32; 3],
) -> [[f32; BLOCK]; 9] {
    let mut kernels = [[0.0; BLOCK]; 9];
    for lane in 0..BLOCK {
        let columns: [[f32; 3]; T] =
            std::array::from_fn(|column| along(std::array::from_fn(|row| u[T * row + column][lane])));
        for row in 0..3 {
            let taps = along(std::array::from_fn(|column| columns[column][row]));
            taps.into_iter().enumerate().for_each(|(column, tap)| kernels[3 * row + column][lane] = tap);
        }
    }
    kernels
}
