//! The transforms of Winograd's F(m×m, 3×3): a 3×3 convolution of stride 1 with fewer multiplications than nine an output
//! value: four for m = 2, two and a quarter for m = 4.
//!
//! The output is cut into tiles of m×m pixels, each of which sees t×t pixels of the input, t = m + 2. For one tile, with d its
//! input, g a kernel and ⊙ the product value by value,
//!
//! y = Aᵀ ((G g Gᵀ) ⊙ (Bᵀ d B)) A
//!
//! (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016, equation 8, with the matrices of sections
//! 4.1 and 4.2). Summed over channels, each of the t² places of a tile is a product of matrices over all tiles, which
//! [`convolve`](super::convolve) computes with a single tap. Turned round, the same matrices give the gradient of the
//! kernels: Gᵀ (Σ (Bᵀ d B) ⊙ (A dy Aᵀ)) G, summed over tiles.
//!
//! For m = 2, A and B are made of 0, 1 and −1 and G of halves, so that rounding stays what it is with a direct sum. For m = 4
//! they hold numbers up to 8, and a result is off by some ten times as much, which is still in the sixth digit. A transformed
//! tensor lies as \[place\]\[block of channels\]\[tile\]\[16\]; [`Tiled`] knows the distances.

mod kernels;
mod tiles;

use self::kernels::{kernel_gradients_kernel, kernels_kernel};
use self::tiles::{gradients_kernel, inputs_kernel, outputs_kernel};
use super::Isa;
use super::simd::BLOCK;

/// The side of a tile of the output, m.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TileSize {
    Two,
    Four,
}

impl TileSize {
    /// Pixels along a side.
    pub fn pixels(self) -> usize {
        match self {
            TileSize::Two => 2,
            TileSize::Four => 4,
        }
    }

    /// Pixels of the input that a tile sees along a side, t.
    fn seen(self) -> usize {
        self.pixels() + 2
    }

    /// Places of a transformed tile, t².
    pub fn places(self) -> usize {
        self.seen().pow(2)
    }
}

/// How a transformed tensor of some tiles lies in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiled {
    pub size: TileSize,
    /// Blocks of channels.
    pub blocks: usize,
    /// Tiles of a block.
    pub tiles: usize,
}

impl Tiled {
    /// Floats from one block to the next. One more tile than there are: at a distance of a power of two, what is written
    /// to the places would push each other out of the first-level cache.
    pub fn block_len(&self) -> usize {
        (self.tiles + 1) * BLOCK
    }

    /// Floats from one place to the next.
    pub fn place_len(&self) -> usize {
        self.blocks * self.block_len() + BLOCK
    }

    /// Floats in all.
    pub fn len(&self) -> usize {
        self.size.places() * self.place_len()
    }
}

/// A row of tiles: the pixels of one block of channels that it covers, and its place in a transformed tensor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TileRow {
    pub size: TileSize,
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
    /// Panics unless tiles that reach over `side` pixels stay inside both tensors.
    fn check(&self, pixels: usize, tiles: usize, side: usize) {
        let to_last = self.size.pixels() * (self.count - 1);
        let rows = self.rows.min(side);
        let columns = self.columns.min(to_last + side);
        let last_pixel = self.start + (rows - 1) * self.row + columns * BLOCK;
        let last_tile = self.tile + (self.size.places() - 1) * self.place_len + self.count * BLOCK;
        assert!(rows > 0 && columns > to_last, "a tile without pixels");
        assert!(last_pixel <= pixels && last_tile <= tiles, "a row of tiles reaches out of its tensor");
    }

    /// How many tiles, from the first on, reach over `side` pixels that are all there.
    fn whole(&self, side: usize) -> usize {
        if self.rows < side || self.columns < side {
            return 0;
        }
        self.count.min((self.columns - side) / self.size.pixels() + 1)
    }
}

/// Bᵀ d B of each tile of the input.
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn tile_inputs(isa: Isa, row: &TileRow, x: &[f32], tiles: &mut [f32]) {
    row.check(x.len(), tiles.len(), row.size.seen());
    // SAFETY: the check holds every access inside its slice; `isa` comes from `Isa::available`.
    unsafe { inputs_kernel(isa, row, x.as_ptr(), tiles.as_mut_ptr()) }
}

/// A dy Aᵀ of each tile of the output's gradient.
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn tile_gradients(isa: Isa, row: &TileRow, g: &[f32], tiles: &mut [f32]) {
    row.check(g.len(), tiles.len(), row.size.pixels());
    // SAFETY: as in `tile_inputs`.
    unsafe { gradients_kernel(isa, row, g.as_ptr(), tiles.as_mut_ptr()) }
}

/// Aᵀ m A of each tile: pixels of the output, to which `bias` is added; then max(0, ·) with `relu`.
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
    row.check(out.len(), tiles.len(), row.size.pixels());
    // SAFETY: as in `tile_inputs`.
    unsafe { outputs_kernel(isa, row, tiles.as_ptr(), bias, relu, out.as_mut_ptr()) }
}

/// G g Gᵀ of many kernels. `g` holds nine equal parts, one a tap with a value of each kernel; as many values go to each place in
/// `to`, `place_len` apart.
///
/// # Panics
/// When the kernels are not whole blocks, or `to` is too short.
pub(crate) fn transform_kernels(isa: Isa, size: TileSize, g: &[f32], to: &mut [f32], place_len: usize) {
    let count = g.len() / 9;
    assert!(g.len() == 9 * count && count.is_multiple_of(BLOCK), "kernels come in blocks");
    assert!((size.places() - 1) * place_len + count <= to.len(), "the transforms have no room");
    // SAFETY: the asserts hold every access inside its slice; `isa` comes from `Isa::available`.
    unsafe { kernels_kernel(isa, size, count, g.as_ptr(), to.as_mut_ptr(), place_len) }
}

/// Gᵀ u G: the gradients of many kernels from those of their transforms. `to` holds nine equal parts, one a tap with a value of
/// each kernel, and `u` as many values for each place, `place_len` apart.
///
/// # Panics
/// When the kernels are not whole blocks, or `u` is too short.
pub(crate) fn transform_kernel_gradients(
    isa: Isa,
    size: TileSize,
    u: &[f32],
    place_len: usize,
    to: &mut [f32],
) {
    let count = to.len() / 9;
    assert!(to.len() == 9 * count && count.is_multiple_of(BLOCK), "gradients of kernels come in blocks");
    assert!((size.places() - 1) * place_len + count <= u.len(), "the transforms of the kernels are missing");
    // SAFETY: the asserts hold every access inside its slice; `isa` comes from `Isa::available`.
    unsafe { kernel_gradients_kernel(isa, size, count, u.as_ptr(), place_len, to.as_mut_ptr()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Stream;

    const MOST_PLACES: usize = 36;

    /// A picture of one block of channels, `rows` × `columns`.
    fn picture(stream: Stream, rows: usize, columns: usize) -> Vec<f32> {
        (0..rows * columns * BLOCK).map(|at| stream.unit(at as u64) - 0.5).collect()
    }

    /// All rows of tiles of a picture, each as a tensor of its own.
    fn tile_row(
        size: TileSize,
        columns: usize,
        start: usize,
        (rows, width): (usize, usize),
    ) -> (TileRow, usize) {
        let count = columns.div_ceil(size.pixels());
        let tiled = Tiled { size, blocks: 1, tiles: count };
        let row = TileRow {
            size,
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
        fn tiles_come_to_the_convolution(rows in 1usize..11, columns in 1usize..14, relu: bool, seed: u64) {
            let stream = Stream::new(seed);
            let (height, width) = (rows + 2, columns + 2);
            let x = picture(stream.derive("x"), height, width);
            let dy = picture(stream.derive("dy"), rows, columns);
            let kernels = picture(stream.derive("kernels"), 3, 3);
            let bias: [f32; BLOCK] = std::array::from_fn(|lane| 0.1 * lane as f32 - 0.7);
            let kernels: &[[f32; BLOCK]; 9] = kernels.as_chunks().0.try_into().unwrap();
            let sizes = [(TileSize::Two, 1.0), (TileSize::Four, 10.0)];
            for (isa, (size, factor)) in Isa::available().into_iter().flat_map(|isa| sizes.map(|size| (isa, size))) {
                let mut of_kernels = [[0.0; BLOCK]; MOST_PLACES];
                transform_kernels(isa, size, kernels.as_flattened(), of_kernels.as_flattened_mut(), BLOCK);
                let mut out = vec![f32::NAN; rows * columns * BLOCK];
                let mut gradient = [[0.0; BLOCK]; MOST_PLACES];
                for first in (0..rows).step_by(size.pixels()) {
                    let (row, len) = tile_row(size, columns, first * width * BLOCK, (height - first, width));
                    let (mut tiles, mut of_gradient) = (vec![f32::NAN; len], vec![f32::NAN; len]);
                    tile_inputs(isa, &row, &x, &mut tiles);
                    let (to, _) = tile_row(size, columns, first * columns * BLOCK, (rows - first, columns));
                    tile_gradients(isa, &to, &dy, &mut of_gradient);
                    for place in 0..size.places() {
                        for at in 0..row.count * BLOCK {
                            let value = &mut tiles[place * row.place_len + at];
                            gradient[place][at % BLOCK] += *value * of_gradient[place * row.place_len + at];
                            *value *= of_kernels[place][at % BLOCK];
                        }
                    }
                    untile_outputs(isa, &to, &tiles, &bias, relu, &mut out);
                }
                let mut of_taps = [[0.0; BLOCK]; 9];
                transform_kernel_gradients(isa, size, gradient.as_flattened(), BLOCK, of_taps.as_flattened_mut());
                for lane in 0..BLOCK {
                    let seen = |row: usize, column: usize| x[(row * width + column) * BLOCK + lane];
                    let pixels = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
                    for (row, column) in pixels.clone() {
                        let taps = (0..9).map(|tap| kernels[tap][lane] * seen(row + tap / 3, column + tap % 3));
                        let sum = taps.sum::<f32>() + bias[lane];
                        let expected = if relu { sum.max(0.0) } else { sum };
                        let got = out[(row * columns + column) * BLOCK + lane];
                        prop_assert!((got - expected).abs() < 1e-5 * factor, "{isa}, {size:?}: ({row}, {column}): {got} for {expected}");
                    }
                    for (tap, gradient) in of_taps.iter().enumerate() {
                        let terms = pixels.clone().map(|(row, column)| {
                            seen(row + tap / 3, column + tap % 3) * dy[(row * columns + column) * BLOCK + lane]
                        });
                        let (expected, got) = (terms.sum::<f32>(), gradient[lane]);
                        prop_assert!((got - expected).abs() < 3e-5 * factor, "{isa}, {size:?}: tap {tap}: {got} for {expected}");
                    }
                }
            }
        }
    }
}
