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

use super::Isa;
use super::simd::{BLOCK, Simd, simd_kernel};

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

/// Places of a transformed tile at most.
pub(crate) const MOST_PLACES: usize = 36;

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

simd_kernel! { fn inputs_kernel = inputs_of_size(row: &TileRow, x: *const f32, tiles: *mut f32) }

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

simd_kernel! { fn gradients_kernel = gradients_of_size(row: &TileRow, g: *const f32, tiles: *mut f32) }

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
    fn outputs_kernel = outputs_of_size(
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
                let of_kernels = transform_kernels(size, kernels);
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
                let gradient = transform_kernel_gradients(size, &gradient);
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
                    for (tap, gradient) in gradient.iter().enumerate() {
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
