//! A 3×3 convolution of stride 1 by way of transformed tiles (`kernel/winograd.rs`), forward and back.
//!
//! Some rows of tiles at a time, of one sample or several: their inputs are transformed, each place is a
//! product of matrices, and the tiles become pixels again. What is transformed stays in the second-level cache between.

use std::ops::Range;

use rayon::join;

use super::channels::{ChannelGroup, Dimensions};
use crate::Precision;
use crate::kernel::{
    BLOCK, Buffer, Grid, Isa, Layout, Pairing, Region, TapSum, TileRow, TileSize, Tiled, Windows,
    add_weight_gradient, convolve, tile_gradients, tile_inputs, transform_kernel_gradients,
    transform_kernels, untile_outputs,
};

/// Floats of transformed tiles that share the second-level cache with weights, and the fewest tiles that are worth loading
/// the weights for: with few channels a small part of that cache will do, with more the most of it.
const WORK: [(usize, usize); 2] = [(24 * 1024, 16), (96 * 1024, 48)];
/// Where no more would stay in the cache, so many are taken that the weights, which are then many too, are loaded less often
/// than what stays in the third-level cache.
const MANY_TILES: usize = 128;
/// Share of the tiles' pixels that must be pixels of the output: else too much is computed for nothing.
const LEAST_COVER: f64 = 0.6;
/// The same for tiles of 4×4, which save less than half of what is left to tiles of 2×2.
const LEAST_COVER_OF_LARGE: f64 = 0.75;

/// The pixels that come out, in tiles.
#[derive(Clone, Copy)]
pub(super) struct Tiling {
    pub size: TileSize,
    pub rows: usize,
    pub columns: usize,
}

impl Tiling {
    /// The tiles of a convolution whose kernel, stride and size suit. None where operands are rounded to bf16: what is rounded
    /// in a large tile counts some ten times in a pixel, which is more than eight bits can spare.
    pub fn of(shape: &Dimensions, pool: Option<&Windows>) -> Option<Tiling> {
        let fits = (shape.kernel.rows, shape.kernel.columns, shape.stride.rows, shape.stride.columns)
            == (3, 3, 1, 1)
            && shape.groups == 1
            && shape.input.block == BLOCK
            && shape.precision == Precision::F32;
        let tiling = match pool {
            None => Tiling::best(shape.output.height, shape.output.width),
            // A row of tiles is then one row of windows or two.
            Some(windows) if (windows.rows, windows.row_step) == (2, 2) => {
                Tiling::best(2 * shape.output.height, windows.width)
            }
            Some(_) => return None,
        };
        (fits && tiling.cover() >= LEAST_COVER).then_some(tiling)
    }

    /// The tiles of the gradient with respect to the input.
    pub fn of_input(shape: &Dimensions) -> Option<Tiling> {
        Tiling::of(shape, None).map(|_| Tiling::best(shape.input.height, shape.input.width))
    }

    /// Large tiles, where most of what they cover is there.
    fn best(rows: usize, columns: usize) -> Tiling {
        let [large, small] = [TileSize::Four, TileSize::Two].map(|size| Tiling { size, rows, columns });
        if large.cover() >= LEAST_COVER_OF_LARGE { large } else { small }
    }

    /// Share of the tiles' pixels that are there.
    fn cover(self) -> f64 {
        let pixels = self.size.pixels().pow(2) * self.down() * self.across();
        (self.rows * self.columns) as f64 / pixels as f64
    }

    /// Rows of windows that lie in a row of tiles, where what comes out is pooled.
    pub fn rows_of_windows(self) -> usize {
        self.size.pixels() / 2
    }

    /// Rows of tiles.
    fn down(self) -> usize {
        self.rows.div_ceil(self.size.pixels())
    }

    /// The rows of pixels that this row of tiles covers.
    fn pixels(self, down: usize) -> Range<usize> {
        let side = self.size.pixels();
        side * down..(side * (down + 1)).min(self.rows)
    }

    /// Tiles in a row.
    fn across(self) -> usize {
        self.columns.div_ceil(self.size.pixels())
    }

    /// Rows of tiles that are taken at once where each tile has so many channels, before and after.
    fn rows_at_once(self, channels: usize) -> usize {
        let that_stay = WORK.map(|(floats, fewest)| (floats / (self.size.places() * channels), fewest));
        let enough = that_stay.iter().find(|(tiles, fewest)| tiles >= fewest);
        enough.map_or(MANY_TILES, |(tiles, _)| *tiles).div_ceil(self.across())
    }

    /// Floats of work for a block of samples.
    pub fn work_len(self, samples: usize, shape: &Dimensions) -> usize {
        let (from, to) = (shape.input.planes(), shape.output.planes());
        let rows = self.rows_at_once((from + to) * BLOCK).min(samples * self.down());
        [from, to]
            .map(|blocks| Tiled { size: self.size, blocks, tiles: rows * self.across() }.len())
            .iter()
            .sum()
    }
}

/// Pixels of some samples, as tiles see them.
#[derive(Clone, Copy)]
pub(super) struct Pixels<'a> {
    pub values: &'a [f32],
    pub layout: &'a Layout,
    /// Where the first row of tiles begins in a sample, and how far it is to the next row of pixels.
    pub from: Grid,
}

/// Some rows of tiles, counted through all samples, and the transformed tensor that they become.
struct Part {
    rows: Range<usize>,
    tiled: Tiled,
}

impl Part {
    /// All rows of `samples` samples, as many at a time as suit a tensor of `blocks` blocks when all tensors together have
    /// `channels`.
    fn all(samples: usize, tiling: Tiling, channels: usize) -> impl Iterator<Item = Range<usize>> {
        let all = samples * tiling.down();
        let each = tiling.rows_at_once(channels);
        (0..all).step_by(each).map(move |first| first..(first + each).min(all))
    }

    fn new(rows: &Range<usize>, tiling: Tiling, blocks: usize) -> Part {
        Part {
            rows: rows.clone(),
            tiled: Tiled { size: tiling.size, blocks, tiles: rows.len() * tiling.across() },
        }
    }

    /// One row of tiles of a block of channels, over pixels from `start` on. The tiles see `beyond` pixels more than they
    /// cover.
    fn row(
        &self,
        tiling: Tiling,
        (index, block): (usize, usize),
        (start, row): (usize, usize),
        beyond: usize,
    ) -> TileRow {
        TileRow {
            size: tiling.size,
            start,
            row,
            rows: tiling.rows + beyond - tiling.size.pixels() * (index % tiling.down()),
            columns: tiling.columns + beyond,
            tile: block * self.tiled.block_len() + (index - self.rows.start) * tiling.across() * BLOCK,
            place_len: self.tiled.place_len(),
            count: tiling.across(),
        }
    }

    /// Transforms the pixels that the tiles see.
    fn fill(&self, tiling: Tiling, pixels: Pixels<'_>, beyond: usize, mut transform: impl FnMut(&TileRow)) {
        for index in self.rows.clone() {
            let (sample, down) = (index / tiling.down(), index % tiling.down());
            for block in 0..self.tiled.blocks {
                let plane = sample * pixels.layout.len() + block * pixels.layout.plane();
                let start = plane + pixels.from.start + tiling.size.pixels() * down * pixels.from.row;
                transform(&self.row(tiling, (index, block), (start, pixels.from.row), beyond));
            }
        }
    }
}

/// Products of transformed inputs and kernels, summed over channels.
pub(super) struct WinogradSum {
    isa: Isa,
    tiling: Tiling,
    /// Channels that come in, and that go out.
    channels: (usize, usize),
    /// Blocks of them.
    planes: (usize, usize),
    groups: Vec<ChannelGroup>,
    /// \[group\]\[place\]\[channel in\]\[channel out\].
    weights: Buffer,
}

/// A row of tiles of one block of channels whose sums are done.
pub(super) struct Finished<'a> {
    pub sample: usize,
    /// The sample's rows of pixels that it covers.
    pub pixels: Range<usize>,
    pub block: usize,
    isa: Isa,
    row: TileRow,
    tiles: &'a [f32],
}

impl Finished<'_> {
    /// Writes its pixels from `start` on, `row` floats from one row to the next: the sums with `bias`, then max(0, ·) with
    /// `relu`.
    pub fn write(&self, bias: &[f32; BLOCK], relu: bool, out: &mut [f32], (start, row): (usize, usize)) {
        let row = TileRow { start, row, ..self.row };
        untile_outputs(self.isa, &row, self.tiles, bias, relu, out);
    }
}

impl WinogradSum {
    /// From so many channels to so many others.
    pub fn new(isa: Isa, tiling: Tiling, from: usize, to: usize) -> WinogradSum {
        let groups = ChannelGroup::all(isa, to, 1);
        let planes = (from.div_ceil(BLOCK), to.div_ceil(BLOCK));
        let padded: usize = groups.iter().map(|group| group.width).sum();
        let weights = Buffer::zeros(tiling.size.places() * planes.0 * BLOCK * padded);
        WinogradSum { isa, tiling, channels: (from, to), planes, groups, weights }
    }

    /// Takes over the kernels: `kernel` gives that from one channel to another.
    pub fn load(&mut self, kernel: impl Fn(usize, usize) -> [f32; 9] + Sync) {
        let WinogradSum { isa, tiling, channels, planes, groups, weights } = self;
        let terms = planes.0 * BLOCK;
        each_group(groups, weights, tiling.size.places() * terms, &|group, weights| {
            let width = group.width;
            let filters = group.first_block * BLOCK..channels.1.min(group.first_block * BLOCK + width);
            let mut kernels = [0.0; 9 * 2 * BLOCK];
            let kernels = &mut kernels[..9 * width];
            for channel in 0..channels.0 {
                for (lane, filter) in filters.clone().enumerate() {
                    let taps = kernel(channel, filter);
                    taps.into_iter().enumerate().for_each(|(tap, value)| kernels[tap * width + lane] = value);
                }
                let to = &mut weights[channel * width..];
                transform_kernels(*isa, tiling.size, kernels, to, terms * width);
            }
        });
    }

    /// Gives every row of tiles of every block of channels to `take`.
    pub fn each_row(&self, pixels: Pixels<'_>, work: &mut [f32], mut take: impl FnMut(Finished<'_>)) {
        let (from, to) = self.planes;
        let samples = pixels.values.len() / pixels.layout.len();
        for rows in Part::all(samples, self.tiling, (from + to) * BLOCK) {
            let (seen, done) = (Part::new(&rows, self.tiling, from), Part::new(&rows, self.tiling, to));
            let (inputs, sums) = work.split_at_mut(seen.tiled.len());
            seen.fill(self.tiling, pixels, 2, |row| tile_inputs(self.isa, row, pixels.values, inputs));
            self.multiply((&seen.tiled, inputs), (&done.tiled, sums));
            for index in rows {
                for block in 0..to {
                    let row = done.row(self.tiling, (index, block), (0, 0), 0);
                    let sample = index / self.tiling.down();
                    let pixels = self.tiling.pixels(index % self.tiling.down());
                    take(Finished { sample, pixels, block, isa: self.isa, row, tiles: sums });
                }
            }
        }
    }

    /// Place by place a product of matrices: tiles × channels in, channels in × channels out.
    fn multiply(&self, (seen, inputs): (&Tiled, &[f32]), (done, sums): (&Tiled, &mut [f32])) {
        let sum = TapSum::of_pixels(self.planes.0, seen.block_len());
        let grid = |start| Grid { start, step: BLOCK, row: 0 };
        let places = self.tiling.size.places();
        for place in 0..places {
            let inputs = &inputs[place * seen.place_len()..];
            for group in &self.groups {
                let per_place = group.width * sum.terms();
                let of_group = group.weights(places * sum.terms()).start;
                let weights = &self.weights[of_group + place * per_place..][..per_place];
                let start = place * done.place_len() + group.first_block * done.block_len();
                let zeros = &[0.0; 2 * BLOCK][..group.width];
                let to = (&mut *sums, grid(start));
                convolve(
                    self.isa,
                    &sum,
                    (1, seen.tiles),
                    (inputs, grid(0)),
                    weights,
                    zeros,
                    to,
                    done.block_len(),
                    false,
                );
            }
        }
    }
}

/// Does `work` with each group and its weights, `per_channel` for each of its channels, on all threads.
fn each_group(
    groups: &[ChannelGroup],
    weights: &mut [f32],
    per_channel: usize,
    work: &(impl Fn(&ChannelGroup, &mut [f32]) + Sync),
) {
    match groups {
        [] => {}
        [group] => work(group, weights),
        _ => {
            let (left, right) = groups.split_at(groups.len() / 2);
            let at = left.iter().map(|group| group.width).sum::<usize>() * per_channel;
            let (of_left, of_right) = weights.split_at_mut(at);
            join(
                || each_group(left, of_left, per_channel, work),
                || each_group(right, of_right, per_channel, work),
            );
        }
    }
}

/// The gradient of a convolution's kernels, summed up transformed: \[place\]\[block out\]\[channel in\]\[16 out\].
pub(super) struct WinogradGradient {
    isa: Isa,
    tiling: Tiling,
    /// Blocks of channels that come in, and that go out.
    planes: (usize, usize),
}

impl WinogradGradient {
    pub fn new(isa: Isa, tiling: Tiling, shape: &Dimensions) -> WinogradGradient {
        WinogradGradient { isa, tiling, planes: (shape.input.planes(), shape.output.planes()) }
    }

    /// Floats of the sums.
    pub fn len(&self) -> usize {
        self.tiling.size.places() * self.planes.1 * self.per_block()
    }

    /// Floats of the sums of a place and a block of channels that go out.
    fn per_block(&self) -> usize {
        self.planes.0 * BLOCK * BLOCK
    }

    /// Adds up the products of what comes in with the gradients of what goes out.
    pub fn add(&self, inputs: Pixels<'_>, gradients: Pixels<'_>, work: &mut [f32], sums: &mut [f32]) {
        let (from, out) = self.planes;
        let samples = inputs.values.len() / inputs.layout.len();
        for rows in Part::all(samples, self.tiling, (from + out) * BLOCK) {
            let (seen, back) = (Part::new(&rows, self.tiling, from), Part::new(&rows, self.tiling, out));
            let (x, g) = work.split_at_mut(seen.tiled.len());
            seen.fill(self.tiling, inputs, 2, |row| tile_inputs(self.isa, row, inputs.values, x));
            back.fill(self.tiling, gradients, 0, |row| tile_gradients(self.isa, row, gradients.values, g));
            self.multiply((&seen.tiled, x), (&back.tiled, g), sums);
        }
    }

    fn multiply(&self, (seen, x): (&Tiled, &[f32]), (back, g): (&Tiled, &[f32]), sums: &mut [f32]) {
        let sum = TapSum::of_pixels(self.planes.0, seen.block_len());
        let grid = |start| Grid { start, step: BLOCK, row: 0 };
        for (index, sums) in sums.chunks_exact_mut(self.per_block()).enumerate() {
            let (place, block) = (index / self.planes.1, index % self.planes.1);
            let x = &x[place * seen.place_len()..];
            let start = place * back.place_len() + block * back.block_len();
            let region = Region { rows: 1, columns: seen.tiles, x: grid(0), g: grid(start) };
            add_weight_gradient(self.isa, Pairing::Single, &sum, &region, x, g, sums);
        }
    }

    /// The gradient of the kernels themselves, as [`add_weight_gradient`] has it.
    pub fn write(&self, sums: &[f32], to: &mut [f32]) {
        let place_len = self.planes.1 * self.per_block();
        for (index, to) in to.chunks_exact_mut(9 * BLOCK * BLOCK).enumerate() {
            let sums = &sums[index * BLOCK * BLOCK..];
            transform_kernel_gradients(self.isa, self.tiling.size, sums, place_len, to);
        }
    }
}
