//! The transforms of the tiles: Bᵀ d B of the input, A dy Aᵀ of the output's gradient, Aᵀ m A to pixels of the output. Each is
//! the transform of a column, done for all columns of a tile and then for all rows of what comes out.

use super::{TileRow, TileSize};
use crate::kernel::simd::{BLOCK, Simd, simd_kernel};

simd_kernel! { pub(super) fn inputs_kernel = inputs_of_size(row: &TileRow, x: *const f32, tiles: *mut f32) }

#[inline(always)]
unsafe fn inputs_of_size<S: Simd>(row: &TileRow, x: *const f32, tiles: *mut f32) {
    match row.size {
        TileSize::Two => unsafe { all_inputs::<S, 2, 4>(row, x, tiles) },
        TileSize::Four => unsafe { all_inputs::<S, 4, 6>(row, x, tiles) },
    }
}

#[inline(always)]
unsafe fn all_inputs<S: Simd, const M: usize, const T: usize>(row: &TileRow, x: *const f32, tiles: *mut f32) {
    let whole = row.whole(T);
    unsafe {
        let tiles = tiles.add(row.tile);
        for lane in (0..BLOCK).step_by(S::LANES) {
            let (from, to) = (x.add(row.start + lane), tiles.add(lane));
            inputs_of_row::<S, M, T>(from, row.row, to, row.place_len, whole);
        }
        for index in whole..row.count {
            let patch: Patch<T> = patch(row, x, index);
            for lane in (0..BLOCK).step_by(S::LANES) {
                let (from, to) = (patch.0.as_ptr().cast::<f32>().add(lane), tiles.add(index * BLOCK + lane));
                inputs_of_row::<S, M, T>(from, T * BLOCK, to, row.place_len, 1);
            }
        }
    }
}

/// The pixels of a tile, with zeros where there are none.
struct Patch<const SIDE: usize>([[[f32; BLOCK]; SIDE]; SIDE]);

unsafe fn patch<const SIDE: usize>(row: &TileRow, x: *const f32, index: usize) -> Patch<SIDE> {
    let mut pixels = [[[0.0; BLOCK]; SIDE]; SIDE];
    let first = row.size.pixels() * index;
    for (r, pixels) in pixels.iter_mut().enumerate().take(row.rows) {
        for (c, pixel) in pixels.iter_mut().enumerate().take(row.columns - first) {
            let at = row.start + r * row.row + (first + c) * BLOCK;
            // SAFETY: the pixel is there, as `TileRow::check` found.
            *pixel = unsafe { x.add(at).cast::<[f32; BLOCK]>().read_unaligned() };
        }
    }
    Patch(pixels)
}

/// Neighbours share two columns of pixels; what the columns come to is kept from one tile to the next.
#[inline(always)]
unsafe fn inputs_of_row<S: Simd, const M: usize, const T: usize>(
    x: *const f32,
    row: usize,
    to: *mut f32,
    place_len: usize,
    count: usize,
) {
    unsafe {
        if count == 0 {
            return;
        }
        let mut columns = [[S::splat(0.0); T]; T];
        columns[0] = seen_column::<S, T>(x, row);
        columns[1] = seen_column::<S, T>(x.add(BLOCK), row);
        for index in 0..count {
            for c in 2..T {
                columns[c] = seen_column::<S, T>(x.add((M * index + c) * BLOCK), row);
            }
            for r in 0..T {
                let mut values = [S::splat(0.0); T];
                for c in 0..T {
                    values[c] = columns[c][r];
                }
                let values = see::<S, T>(values);
                for c in 0..T {
                    S::store(to.add((T * r + c) * place_len + index * BLOCK), values[c]);
                }
            }
            (columns[0], columns[1]) = (columns[M], columns[M + 1]);
        }
    }
}

#[inline(always)]
unsafe fn seen_column<S: Simd, const T: usize>(x: *const f32, row: usize) -> [S::V; T] {
    unsafe {
        let mut values = [S::splat(0.0); T];
        for r in 0..T {
            values[r] = S::load(x.add(r * row));
        }
        see::<S, T>(values)
    }
}

/// Bᵀ of a column.
#[inline(always)]
unsafe fn see<S: Simd, const T: usize>(d: [S::V; T]) -> [S::V; T] {
    unsafe {
        let mut seen = d;
        if T == 4 {
            seen[0] = S::sub(d[0], d[2]);
            seen[1] = S::add(d[1], d[2]);
            seen[2] = S::sub(d[2], d[1]);
            seen[3] = S::sub(d[1], d[3]);
        } else {
            let (two, four, five) = (S::splat(2.0), S::splat(4.0), S::splat(-5.0));
            let less_four = S::splat(-4.0);
            seen[0] = S::mul_add(four, d[0], S::mul_add(five, d[2], d[4]));
            let (even, odd) = (S::mul_add(less_four, d[2], d[4]), S::mul_add(less_four, d[1], d[3]));
            seen[1] = S::add(even, odd);
            seen[2] = S::sub(even, odd);
            let (even, odd) = (S::sub(d[4], d[2]), S::sub(d[3], d[1]));
            seen[3] = S::mul_add(two, odd, even);
            seen[4] = S::mul_add(S::splat(-2.0), odd, even);
            seen[5] = S::mul_add(four, d[1], S::mul_add(five, d[3], d[5]));
        }
        seen
    }
}

simd_kernel! { pub(super) fn gradients_kernel = gradients_of_size(row: &TileRow, g: *const f32, tiles: *mut f32) }

#[inline(always)]
unsafe fn gradients_of_size<S: Simd>(row: &TileRow, g: *const f32, tiles: *mut f32) {
    match row.size {
        TileSize::Two => unsafe { all_gradients::<S, 2, 4>(row, g, tiles) },
        TileSize::Four => unsafe { all_gradients::<S, 4, 6>(row, g, tiles) },
    }
}

#[inline(always)]
unsafe fn all_gradients<S: Simd, const M: usize, const T: usize>(
    row: &TileRow,
    g: *const f32,
    tiles: *mut f32,
) {
    let whole = row.whole(M);
    unsafe {
        for index in 0..row.count {
            let patch: Patch<M>;
            let (from, step) = if index < whole {
                (g.add(row.start + M * index * BLOCK), row.row)
            } else {
                patch = self::patch(row, g, index);
                (patch.0.as_ptr().cast::<f32>(), M * BLOCK)
            };
            for lane in (0..BLOCK).step_by(S::LANES) {
                let to = tiles.add(row.tile + index * BLOCK + lane);
                gradients_of_tile::<S, M, T>(from.add(lane), step, to, row.place_len);
            }
        }
    }
}

#[inline(always)]
unsafe fn gradients_of_tile<S: Simd, const M: usize, const T: usize>(
    g: *const f32,
    row: usize,
    to: *mut f32,
    place_len: usize,
) {
    unsafe {
        let mut columns = [[S::splat(0.0); T]; M];
        for c in 0..M {
            let mut values = [S::splat(0.0); M];
            for r in 0..M {
                values[r] = S::load(g.add(r * row + c * BLOCK));
            }
            columns[c] = spread::<S, M, T>(values);
        }
        for r in 0..T {
            let mut values = [S::splat(0.0); M];
            for c in 0..M {
                values[c] = columns[c][r];
            }
            let values = spread::<S, M, T>(values);
            for c in 0..T {
                S::store(to.add((T * r + c) * place_len), values[c]);
            }
        }
    }
}

/// A of a column.
#[inline(always)]
unsafe fn spread<S: Simd, const M: usize, const T: usize>(g: [S::V; M]) -> [S::V; T] {
    unsafe {
        let mut places = [g[0]; T];
        if M == 2 {
            places[1] = S::add(g[0], g[1]);
            places[2] = S::sub(g[0], g[1]);
            places[3] = S::sub(S::splat(0.0), g[1]);
        } else {
            let (even, odd) = (S::add(g[0], g[2]), S::add(g[1], g[3]));
            places[1] = S::add(even, odd);
            places[2] = S::sub(even, odd);
            let even = S::mul_add(S::splat(4.0), g[2], g[0]);
            let odd = S::mul_add(S::splat(4.0), g[3], g[1]);
            places[3] = S::mul_add(S::splat(2.0), odd, even);
            places[4] = S::mul_add(S::splat(-2.0), odd, even);
            places[5] = g[3];
        }
        places
    }
}

simd_kernel! {
    pub(super) fn outputs_kernel = outputs_of_size(
        row: &TileRow, tiles: *const f32, bias: &[f32; BLOCK], relu: bool, out: *mut f32,
    )
}

#[inline(always)]
unsafe fn outputs_of_size<S: Simd>(
    row: &TileRow,
    tiles: *const f32,
    bias: &[f32; BLOCK],
    relu: bool,
    out: *mut f32,
) {
    match row.size {
        TileSize::Two => unsafe { all_outputs::<S, 2, 4>(row, tiles, bias, relu, out) },
        TileSize::Four => unsafe { all_outputs::<S, 4, 6>(row, tiles, bias, relu, out) },
    }
}

#[inline(always)]
unsafe fn all_outputs<S: Simd, const M: usize, const T: usize>(
    row: &TileRow,
    tiles: *const f32,
    bias: &[f32; BLOCK],
    relu: bool,
    out: *mut f32,
) {
    unsafe {
        for index in 0..row.count {
            for lane in (0..BLOCK).step_by(S::LANES) {
                let bias = S::load(bias.as_ptr().add(lane));
                let from = tiles.add(row.tile + index * BLOCK + lane);
                let pixels = outputs_of_tile::<S, M, T>(from, row.place_len, bias, relu);
                let out = out.add(row.start + M * index * BLOCK + lane);
                for (r, pixels) in pixels.into_iter().enumerate().take(row.rows) {
                    for (c, value) in pixels.into_iter().enumerate().take(row.columns - M * index) {
                        S::store(out.add(r * row.row + c * BLOCK), value);
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn outputs_of_tile<S: Simd, const M: usize, const T: usize>(
    from: *const f32,
    place_len: usize,
    bias: S::V,
    relu: bool,
) -> [[S::V; M]; M] {
    unsafe {
        let mut columns = [[bias; M]; T];
        for c in 0..T {
            let mut places = [bias; T];
            for r in 0..T {
                places[r] = S::load(from.add((T * r + c) * place_len));
            }
            columns[c] = gather::<S, M, T>(places);
        }
        let mut pixels = [[bias; M]; M];
        for r in 0..M {
            let mut places = [bias; T];
            for c in 0..T {
                places[c] = columns[c][r];
            }
            let values = gather::<S, M, T>(places);
            for c in 0..M {
                let value = S::add(values[c], bias);
                // In this order a sum that is not a number stays one instead of becoming zero.
                pixels[r][c] = if relu { S::max(S::splat(0.0), value) } else { value };
            }
        }
        pixels
    }
}

/// Aᵀ of a column.
#[inline(always)]
unsafe fn gather<S: Simd, const M: usize, const T: usize>(m: [S::V; T]) -> [S::V; M] {
    unsafe {
        let mut sums = [m[0]; M];
        if M == 2 {
            sums[0] = S::add(S::add(m[0], m[1]), m[2]);
            sums[1] = S::sub(S::sub(m[1], m[2]), m[3]);
        } else {
            let (near, far) = (S::add(m[1], m[2]), S::add(m[3], m[4]));
            sums[0] = S::add(S::add(m[0], near), far);
            sums[2] = S::mul_add(S::splat(4.0), far, near);
            let (near, far) = (S::sub(m[1], m[2]), S::sub(m[3], m[4]));
            sums[1] = S::mul_add(S::splat(2.0), far, near);
            sums[3] = S::add(S::mul_add(S::splat(8.0), far, near), m[5]);
        }
        sums
    }
}
