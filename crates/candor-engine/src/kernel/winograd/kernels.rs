//! The transforms of the kernels, G g Gᵀ, and of their gradients, Gᵀ u G, value by value for many kernels at a time.

use super::{MOST_PLACES, TileSize};
use crate::kernel::BLOCK;
use crate::kernel::simd::{Simd, simd_kernel};

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

simd_kernel! {
    pub(super) fn kernel_gradients_kernel = kernel_gradients_of_size(
        size: TileSize, count: usize, u: *const f32, place_len: usize, to: *mut f32,
    )
}

#[inline(always)]
unsafe fn kernel_gradients_of_size<S: Simd>(
    size: TileSize,
    count: usize,
    u: *const f32,
    place_len: usize,
    to: *mut f32,
) {
    match size {
        TileSize::Two => unsafe { all_kernel_gradients::<S, 4>(count, u, place_len, to) },
        TileSize::Four => unsafe { all_kernel_gradients::<S, 6>(count, u, place_len, to) },
    }
}

#[inline(always)]
unsafe fn all_kernel_gradients<S: Simd, const T: usize>(
    count: usize,
    u: *const f32,
    place_len: usize,
    to: *mut f32,
) {
    unsafe {
        for at in (0..count).step_by(S::LANES) {
            let mut columns = [[S::splat(0.0); 3]; T];
            for c in 0..T {
                let mut places = [S::splat(0.0); T];
                for r in 0..T {
                    places[r] = S::load(u.add((T * r + c) * place_len + at));
                }
                columns[c] = back::<S, T>(places);
            }
            for r in 0..3 {
                let mut places = [S::splat(0.0); T];
                for c in 0..T {
                    places[c] = columns[c][r];
                }
                let taps = back::<S, T>(places);
                for c in 0..3 {
                    S::store(to.add((3 * r + c) * count + at), taps[c]);
                }
            }
        }
    }
}

/// Gᵀ of a column.
#[inline(always)]
unsafe fn back<S: Simd, const T: usize>(u: [S::V; T]) -> [S::V; 3] {
    unsafe {
        let zero = S::splat(0.0);
        let (near, far) = (S::add(u[1], u[2]), S::sub(u[1], u[2]));
        if T == 4 {
            let half = S::splat(0.5);
            let near = S::mul_add(half, near, zero);
            [S::add(u[0], near), S::mul_add(half, far, zero), S::add(near, u[3])]
        } else {
            let even = S::mul_add(S::splat(1.0 / 24.0), S::add(u[3], u[4]), zero);
            let odd = S::mul_add(S::splat(1.0 / 12.0), S::sub(u[3], u[4]), zero);
            let first = S::mul_add(S::splat(-1.0 / 6.0), near, even);
            let middle = S::mul_add(S::splat(-1.0 / 6.0), far, odd);
            let last = S::mul_add(S::splat(3.0), even, first);
            [S::mul_add(S::splat(0.25), u[0], first), middle, S::add(last, u[5])]
        }
    }
}
