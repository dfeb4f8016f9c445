//! The transforms of the kernels, G g Gᵀ, and of their gradients, Gᵀ u G, value by value for many kernels at a time.

use super::TileSize;
use crate::kernel::simd::{Simd, simd_kernel};

simd_kernel! {
    pub(super) fn kernels_kernel = kernels_of_size(
        size: TileSize, count: usize, g: *const f32, to: *mut f32, place_len: usize,
    )
}

#[inline(always)]
unsafe fn kernels_of_size<S: Simd>(
    size: TileSize,
    count: usize,
    g: *const f32,
    to: *mut f32,
    place_len: usize,
) {
    match size {
        TileSize::Two => unsafe { all_kernels::<S, 4>(count, g, to, place_len) },
        TileSize::Four => unsafe { all_kernels::<S, 6>(count, g, to, place_len) },
    }
}

#[inline(always)]
unsafe fn all_kernels<S: Simd, const T: usize>(count: usize, g: *const f32, to: *mut f32, place_len: usize) {
    unsafe {
        for at in (0..count).step_by(S::LANES) {
            let mut columns = [[S::splat(0.0); T]; 3];
            for c in 0..3 {
                let mut taps = [S::splat(0.0); 3];
                for r in 0..3 {
                    taps[r] = S::load(g.add((3 * r + c) * count + at));
                }
                columns[c] = forth::<S, T>(taps);
            }
            for r in 0..T {
                let values = forth::<S, T>([columns[0][r], columns[1][r], columns[2][r]]);
                for c in 0..T {
                    S::store(to.add((T * r + c) * place_len + at), values[c]);
                }
            }
        }
    }
}

/// G of a column.
#[inline(always)]
unsafe fn forth<S: Simd, const T: usize>(g: [S::V; 3]) -> [S::V; T] {
    unsafe {
        let zero = S::splat(0.0);
        let mut places = [g[0]; T];
        if T == 4 {
            let half = S::splat(0.5);
            let even = S::mul_add(half, S::add(g[0], g[2]), zero);
            let odd = S::mul_add(half, g[1], zero);
            places[1] = S::add(even, odd);
            places[2] = S::sub(even, odd);
            places[3] = g[2];
        } else {
            let near = S::mul_add(S::splat(-1.0 / 6.0), S::add(g[0], g[2]), zero);
            let odd = S::mul_add(S::splat(1.0 / 6.0), g[1], zero);
            places[0] = S::mul_add(S::splat(0.25), g[0], zero);
            places[1] = S::sub(near, odd);
            places[2] = S::add(near, odd);
            let far = S::mul_add(S::splat(4.0), g[2], g[0]);
            let far = S::mul_add(S::splat(1.0 / 24.0), far, zero);
            let odd = S::mul_add(S::splat(0.5), odd, zero);
            places[3] = S::add(far, odd);
            places[4] = S::sub(far, odd);
            places[5] = g[2];
        }
        places
    }
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
