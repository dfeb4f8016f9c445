//! The three transforms of Winograd's F(2×2, 3×3): a 3×3 convolution of stride 1 with four multiplications an output
//! value instead of nine.
//!
//! The output is cut into tiles of 2×2 pixels, each of which sees 4×4 pixels of the input. For one tile, with d its input,
//! g a kernel and ⊙ the product value by value,
//!
//! y = Aᵀ ((G g Gᵀ) ⊙ (Bᵀ d B)) A
//!
//! (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, equation 8, with the matrices of section
//! 4.1). Summed over channels, each of the sixteen places of a tile is a product of matrices over all tiles, which
//! [`convolve`](super::convolve) computes with a single tap. Turned round, the same matrices give the gradient of the
//! kernels: Gᵀ (Σ (Bᵀ d B) ⊙ (A dy Aᵀ)) G, summed over tiles.
//!
//! A, B are made of 0, 1 and −1 and G of halves, so that rounding stays what it is with a direct sum. A transformed
//! tensor lies as \[place\]\[block of channels\]\[tile\]\[16\]; [`Tiled`] knows the distances.

use super::Isa;
use super::simd::{BLOCK, Simd, simd_kernel};

/// Places of a transformed tile.
pub(crate) const PLACES: usize = 16;

/// How a transformed tensor of some tiles lies in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiled {
    /// Blocks of channels.
    pub blocks: usize,
    /// Tiles of a block.
    pub tiles: usize,
}

impl Tiled {
    /// Floats from one block to the next. One more tile than there are: at a distance of a power of two, what is written
    /// to the sixteen places would push each other out of the first-level cache.
    pub fn block_len(&self) -> usize {
        (self.tiles + 1) * BLOCK
    }

    /// Floats from one place to the next.
    pub fn place_len(&self) -> usize {
        self.blocks * self.block_len() + BLOCK
    }

    /// Floats in all.
    pub fn len(&self) -> usize {
        PLACES * self.place_len()
    }
}

/// A row of tiles: the pixels of one block of channels that it covers, and its place in a transformed tensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TileRow {
    /// The first pixel that the tiles see.
    pub start: usize,
    /// Floats from one row of pixels to the next.
    pub row: usize,
    /// Pixels that there are, from the first on. Those beyond count as zero, and nothing is written there.
    pub rows: usize,
    pub columns: usize,
    /// The first tile in the transformed tensor, in floats.
    pub tile: usize,
    /// Floats from one place to the next there.
    pub place_len: usize,
    /// Tiles in the row.
    pub count: usize,
}

impl TileRow {
    /// Panics unless tiles of `size` pixels, two pixels apart, stay inside both tensors.
    fn check(&self, pixels: usize, tiles: usize, size: usize) {
        let rows = self.rows.min(size);
        let columns = self.columns.min(2 * (self.count - 1) + size);
        let last_pixel = self.start + (rows - 1) * self.row + columns * BLOCK;
        let last_tile = self.tile + (PLACES - 1) * self.place_len + self.count * BLOCK;
        assert!(rows > 0 && columns > 2 * (self.count - 1), "a tile without pixels");
        assert!(last_pixel <= pixels && last_tile <= tiles, "a row of tiles reaches out of its tensor");
    }
}

/// Bᵀ d B of each 4×4 tile of the input.
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn tile_inputs(isa: Isa, row: &TileRow, x: &[f32], tiles: &mut [f32]) {
    row.check(x.len(), tiles.len(), 4);
    // SAFETY: the check holds every access inside its slice; `isa` comes from `Isa::available`.
    unsafe { inputs_kernel(isa, row, x.as_ptr(), tiles.as_mut_ptr()) }
}

/// A dy Aᵀ of each 2×2 tile of the output's gradient.
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn tile_gradients(isa: Isa, row: &TileRow, g: &[f32], tiles: &mut [f32]) {
    row.check(g.len(), tiles.len(), 2);
    // SAFETY: as in `tile_inputs`.
    unsafe { gradients_kernel(isa, row, g.as_ptr(), tiles.as_mut_ptr()) }
}

/// Aᵀ m A of each tile: 2×2 pixels of the output, to which `bias` is added; then max(0, ·) with `relu`.
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn untile_outputs(
    isa: Isa,
    row: &TileRow,
    tiles: &[f32],
    bias: &[f32; BLOCK],
    relu: bool,
    out: &mut [f32],
) {
    row.check(out.len(), tiles.len(), 2);
    // SAFETY: as in `tile_inputs`.
    unsafe { outputs_kernel(isa, row, tiles.as_ptr(), bias, relu, out.as_mut_ptr()) }
}

/// G g Gᵀ of one 3×3 kernel, both row by row.
pub(crate) fn transform_kernel(g: [f32; 9]) -> [f32; PLACES] {
    let along = |[a, b, c]: [f32; 3]| [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c];
    let columns: [[f32; 4]; 3] =
        std::array::from_fn(|column| along([g[column], g[3 + column], g[6 + column]]));
    let rows: [[f32; 4]; 4] =
        std::array::from_fn(|row| along([columns[0][row], columns[1][row], columns[2][row]]));
    std::array::from_fn(|place| rows[place / 4][place % 4])
}

/// Gᵀ u G: the gradients of a block of 3×3 kernels from those of their transforms, value by value.
pub(crate) fn transform_kernel_gradients(u: [[f32; BLOCK]; PLACES]) -> [[f32; BLOCK]; 9] {
    let along = |of: [&[f32; BLOCK]; 4]| -> [[f32; BLOCK]; 3] {
        let lanes =
            |value: fn([f32; 4]) -> f32| std::array::from_fn(|lane| value(of.map(|values| values[lane])));
        [
            lanes(|[a, b, c, _]| a + 0.5 * (b + c)),
            lanes(|[_, b, c, _]| 0.5 * (b - c)),
            lanes(|[_, b, c, d]| 0.5 * (b + c) + d),
        ]
    };
    let columns: [[[f32; BLOCK]; 3]; 4] =
        std::array::from_fn(|column| along(std::array::from_fn(|row| &u[4 * row + column])));
    let rows: [[[f32; BLOCK]; 3]; 3] =
        std::array::from_fn(|row| along(std::array::from_fn(|column| &columns[column][row])));
    std::array::from_fn(|at| rows[at / 3][at % 3])
}

simd_kernel! { fn inputs_kernel = all_inputs(row: &TileRow, x: *const f32, tiles: *mut f32) }

#[inline(always)]
unsafe fn all_inputs<S: Simd>(row: &TileRow, x: *const f32, tiles: *mut f32) {
    // Tiles that see only pixels that there are.
    let whole = if row.rows < 4 { 0 } else { row.count.min((row.columns.max(2) - 2) / 2) };
    unsafe {
        let tiles = tiles.add(row.tile);
        for lane in (0..BLOCK).step_by(S::LANES) {
            inputs_of_row::<S>(x.add(row.start + lane), row.row, tiles.add(lane), row.place_len, whole);
        }
        for index in whole..row.count {
            let patch: Patch<4> = patch(row, x, index);
            for lane in (0..BLOCK).step_by(S::LANES) {
                let (from, to) = (patch.0.as_ptr().cast::<f32>().add(lane), tiles.add(index * BLOCK + lane));
                inputs_of_row::<S>(from, 4 * BLOCK, to, row.place_len, 1);
            }
        }
    }
}

/// The pixels of a tile, with zeros where there are none.
struct Patch<const SIZE: usize>([[[f32; BLOCK]; SIZE]; SIZE]);

unsafe fn patch<const SIZE: usize>(row: &TileRow, x: *const f32, index: usize) -> Patch<SIZE> {
    let mut pixels = [[[0.0; BLOCK]; SIZE]; SIZE];
    for (r, pixels) in pixels.iter_mut().enumerate().take(row.rows) {
        for (c, pixel) in pixels.iter_mut().enumerate().take(row.columns - 2 * index) {
            let at = row.start + r * row.row + (2 * index + c) * BLOCK;
            // SAFETY: the pixel is there, as `TileRow::check` found.
            *pixel = unsafe { x.add(at).cast::<[f32; BLOCK]>().read_unaligned() };
        }
    }
    Patch(pixels)
}

/// Neighbours share two columns of pixels; what the columns come to is kept from one tile to the next.
#[inline(always)]
unsafe fn inputs_of_row<S: Simd>(x: *const f32, row: usize, to: *mut f32, place_len: usize, count: usize) {
    unsafe {
        if count == 0 {
            return;
        }
        let column = |at: usize| x.add(at * BLOCK);
        let (mut first, mut second) =
            (inputs_of_column::<S>(column(0), row), inputs_of_column::<S>(column(1), row));
        for index in 0..count {
            let third = inputs_of_column::<S>(column(2 * index + 2), row);
            let fourth = inputs_of_column::<S>(column(2 * index + 3), row);
            for r in 0..4 {
                let places = [
                    S::sub(first[r], third[r]),
                    S::add(second[r], third[r]),
                    S::sub(third[r], second[r]),
                    S::sub(second[r], fourth[r]),
                ];
                for (c, value) in places.into_iter().enumerate() {
                    S::store(to.add((4 * r + c) * place_len + index * BLOCK), value);
                }
            }
            (first, second) = (third, fourth);
        }
    }
}

/// Bᵀ of a column: a − c, b + c, c − b, b − d.
#[inline(always)]
unsafe fn inputs_of_column<S: Simd>(x: *const f32, row: usize) -> [S::V; 4] {
    unsafe {
        let (a, b, c, d) =
            (S::load(x), S::load(x.add(row)), S::load(x.add(2 * row)), S::load(x.add(3 * row)));
        [S::sub(a, c), S::add(b, c), S::sub(c, b), S::sub(b, d)]
    }
}

simd_kernel! { fn gradients_kernel = all_gradients(row: &TileRow, g: *const f32, tiles: *mut f32) }

#[inline(always)]
unsafe fn all_gradients<S: Simd>(row: &TileRow, g: *const f32, tiles: *mut f32) {
    let whole = if row.rows < 2 { 0 } else { row.count.min(row.columns / 2) };
    unsafe {
        for index in 0..row.count {
            let patch: Patch<2>;
            let (from, step) = if index < whole {
                (g.add(row.start + 2 * index * BLOCK), row.row)
            } else {
                patch = self::patch(row, g, index);
                (patch.0.as_ptr().cast::<f32>(), 2 * BLOCK)
            };
            for lane in (0..BLOCK).step_by(S::LANES) {
                let to = tiles.add(row.tile + index * BLOCK + lane);
                gradients_of_tile::<S>(from.add(lane), step, to, row.place_len);
            }
        }
    }
}

#[inline(always)]
unsafe fn gradients_of_tile<S: Simd>(g: *const f32, row: usize, to: *mut f32, place_len: usize) {
    unsafe {
        let left = spread::<S>(S::load(g), S::load(g.add(row)));
        let right = spread::<S>(S::load(g.add(BLOCK)), S::load(g.add(row + BLOCK)));
        for r in 0..4 {
            for (c, value) in spread::<S>(left[r], right[r]).into_iter().enumerate() {
                S::store(to.add((4 * r + c) * place_len), value);
            }
        }
    }
}

/// A of a pair: a, a + b, a − b, −b.
#[inline(always)]
unsafe fn spread<S: Simd>(a: S::V, b: S::V) -> [S::V; 4] {
    unsafe { [a, S::add(a, b), S::sub(a, b), S::sub(S::splat(0.0), b)] }
}

simd_kernel! {
    fn outputs_kernel = all_outputs(
        row: &TileRow, tiles: *const f32, bias: &[f32; BLOCK], relu: bool, out: *mut f32,
    )
}

#[inline(always)]
unsafe fn all_outputs<S: Simd>(
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
                let pixels = outputs_of_tile::<S>(from, row.place_len, bias, relu);
                let out = out.add(row.start + 2 * index * BLOCK + lane);
                for (r, pixels) in pixels.into_iter().enumerate().take(row.rows) {
                    for (c, value) in pixels.into_iter().enumerate().take(row.columns - 2 * index) {
                        S::store(out.add(r * row.row + c * BLOCK), value);
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn outputs_of_tile<S: Simd>(
    from: *const f32,
    place_len: usize,
    bias: S::V,
    relu: bool,
) -> [[S::V; 2]; 2] {
    unsafe {
        let mut columns = [[bias; 2]; 4];
        for (c, column) in columns.iter_mut().enumerate() {
            let place = from.add(c * place_len);
            let [a, b] = [S::load(place), S::load(place.add(4 * place_len))];
            *column =
                gather::<S>(a, b, S::load(place.add(8 * place_len)), S::load(place.add(12 * place_len)));
        }
        let mut pixels = [[bias; 2]; 2];
        for (r, pixels) in pixels.iter_mut().enumerate() {
            let row = gather::<S>(columns[0][r], columns[1][r], columns[2][r], columns[3][r]);
            for (pixel, value) in pixels.iter_mut().zip(row) {
                let value = S::add(value, bias);
                // In this order a sum that is not a number stays one instead of becoming zero.
                *pixel = if relu { S::max(S::splat(0.0), value) } else { value };
            }
        }
        pixels
    }
}

/// Aᵀ of a column: a + b + c, b − c − d.
#[inline(always)]
unsafe fn gather<S: Simd>(a: S::V, b: S::V, c: S::V, d: S::V) -> [S::V; 2] {
    unsafe { [S::add(S::add(a, b), c), S::sub(S::sub(b, c), d)] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Stream;

    /// A picture of one block of channels, `rows` × `columns`.
    fn picture(stream: Stream, rows: usize, columns: usize) -> Vec<f32> {
        (0..rows * columns * BLOCK).map(|at| stream.unit(at as u64) - 0.5).collect()
    }

    /// All rows of tiles of a picture, each as a tensor of its own.
    fn tile_row(columns: usize, start: usize, rows: usize, width: usize) -> (TileRow, usize) {
        let count = columns.div_ceil(2);
        let tiled = Tiled { blocks: 1, tiles: count };
        let row = TileRow {
            start,
            row: width * BLOCK,
            rows,
            columns: width,
            tile: 0,
            place_len: tiled.place_len(),
            count,
        };
        (row, tiled.len())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        /// Channel by channel, with a kernel of its own each: what the transforms come to is the plain convolution, and the
        /// plain gradient of its kernels.
        #[test]
        fn tiles_come_to_the_convolution(rows in 1usize..7, columns in 1usize..12, relu: bool, seed: u64) {
            let stream = Stream::new(seed);
            let (height, width) = (rows + 2, columns + 2);
            let x = picture(stream.derive("x"), height, width);
            let dy = picture(stream.derive("dy"), rows, columns);
            let kernels = picture(stream.derive("kernels"), 3, 3);
            let bias: [f32; BLOCK] = std::array::from_fn(|lane| 0.1 * lane as f32 - 0.7);
            let kernel = |lane: usize| std::array::from_fn(|tap| kernels[tap * BLOCK + lane]);
            for isa in Isa::available() {
                let mut out = vec![f32::NAN; rows * columns * BLOCK];
                let mut gradient = [[0.0; BLOCK]; PLACES];
                for first in (0..rows).step_by(2) {
                    let (row, len) = tile_row(columns, first * width * BLOCK, height - first, width);
                    let (mut tiles, mut of_gradient) = (vec![f32::NAN; len], vec![f32::NAN; len]);
                    tile_inputs(isa, &row, &x, &mut tiles);
                    let (to, _) = tile_row(columns, first * columns * BLOCK, rows - first, columns);
                    tile_gradients(isa, &to, &dy, &mut of_gradient);
                    for place in 0..PLACES {
                        for at in 0..row.count * BLOCK {
                            let value = &mut tiles[place * row.place_len + at];
                            gradient[place][at % BLOCK] += *value * of_gradient[place * row.place_len + at];
                            *value *= transform_kernel(kernel(at % BLOCK))[place];
                        }
                    }
                    untile_outputs(isa, &to, &tiles, &bias, relu, &mut out);
                }
                let gradient = transform_kernel_gradients(gradient);
                for lane in 0..BLOCK {
                    let seen = |row: usize, column: usize| x[(row * width + column) * BLOCK + lane];
                    let pixels = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
                    for (row, column) in pixels.clone() {
                        let taps = (0..9).map(|tap| kernel(lane)[tap] * seen(row + tap / 3, column + tap % 3));
                        let sum = taps.sum::<f32>() + bias[lane];
                        let expected = if relu { sum.max(0.0) } else { sum };
                        let got = out[(row * columns + column) * BLOCK + lane];
                        prop_assert!((got - expected).abs() < 1e-5, "{isa}: ({row}, {column}): {got} for {expected}");
                    }
                    for (tap, gradient) in gradient.iter().enumerate() {
                        let terms = pixels.clone().map(|(row, column)| {
                            seen(row + tap / 3, column + tap % 3) * dy[(row * columns + column) * BLOCK + lane]
                        });
                        let (expected, got) = (terms.sum::<f32>(), gradient[lane]);
                        prop_assert!((got - expected).abs() < 3e-5, "{isa}: tap {tap}: {got} for {expected}");
                    }
                }
            }
        }
    }
}
