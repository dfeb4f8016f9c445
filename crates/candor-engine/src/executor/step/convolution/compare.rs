//! The way back between two samples through a convolution and the pooling behind it.
//!
//! The difference of two maxima goes to where the larger one was found (the rule of `DeepLIFT` for maxima), so that in each window
//! only one place has a multiplier: Δ maximum / Δ value before the activation, times the multiplier behind. Place and quotient
//! are the same for all seeds, and are found once.

use super::backward::InputGradient;
use super::{BLOCK, ConvolutionStep, Windows};
use crate::executor::compiled::Purpose;
use crate::executor::step::{Backward, Compared, rows};
use crate::kernel::{Entry, LEAST_DIFFERENCE, Lists, PixelSum, add_sparse_gradients, add_to_pixels};

/// For each maximum, in the order of the places that the forward pass noted: what the multiplier behind is multiplied with,
/// and where in its window it goes.
struct Slopes {
    values: Vec<f32>,
    places: Vec<u16>,
}

impl ConvolutionStep {
    /// Floats a sample that are kept of what is pooled: for each block and row of windows the rows that the windows see.
    pub(super) fn pooled_len(&self) -> usize {
        let rows_of_windows = self.shape.output.planes() * self.shape.output.height;
        rows_of_windows * self.pooled_row_len()
    }

    fn pooled_row_len(&self) -> usize {
        let windows = self.pool.as_ref().filter(|_| self.purpose == Purpose::Compare);
        windows.map_or(0, |windows| windows.rows * windows.width * BLOCK)
    }

    /// Keeps the rows that a row of windows sees.
    pub(super) fn keep(&self, seen: &[f32], row_of_windows: usize, kept: &mut [f32]) {
        let len = self.pooled_row_len();
        kept[row_of_windows * len..][..len].copy_from_slice(&seen[..len]);
    }

    /// Floats that [`ConvolutionStep::multiply_back`] works in.
    pub(super) fn compared_work_len(&self) -> usize {
        let is_of_pixels =
            self.pool.is_some() && self.purpose == Purpose::Compare && self.shape.input.block != BLOCK;
        if is_of_pixels { (self.shape.input.len() + self.shape.output.width * BLOCK) * BLOCK } else { 0 }
    }

    pub(super) fn multiply_back(&self, windows: &Windows, compared: Compared<'_>, block: Backward<'_>) {
        let Some(to) = block.input_gradient else { return };
        let (len, slot) = (self.shape.output.without_halo().len(), block.slots.start);
        let own = Side {
            outputs: block.output,
            kept: &block.memory.kept[slot * self.pooled_len()..],
            places: &block.memory.places[slot * len..],
        };
        let (kept, places) = (&compared.memory.kept[..], &compared.memory.places[..]);
        let slopes = self.slopes(windows, [own, Side { outputs: compared.output, kept, places }]);
        to.fill(0.0);
        match &self.backward {
            Some(InputGradient::Sparse(weights)) => {
                let seeds = block.output_gradient.chunks_exact(self.shape.output.len());
                for (from, to) in seeds.zip(to.chunks_exact_mut(self.shape.input.len())) {
                    self.multiply_sparse(windows, (from, &slopes), weights, &mut block.memory.entries, to);
                }
            }
            Some(InputGradient::Pixels(weights)) => {
                self.multiply_pixels(windows, (block.output_gradient, &slopes), weights, block.work, to);
            }
            _ => {}
        }
    }

    fn slopes(&self, windows: &Windows, [own, other]: [Side<'_>; 2]) -> Slopes {
        let layout = &self.shape.output;
        let (len, row) = (layout.width * BLOCK, windows.width * BLOCK);
        let offsets: Vec<usize> = (0..windows.rows * windows.columns)
            .map(|place| place / windows.columns * row + place % windows.columns * BLOCK)
            .collect();
        let count = layout.without_halo().len();
        let mut slopes = Slopes { values: vec![0.0; count], places: own.places[..count].to_vec() };
        let found = slopes.values.chunks_exact_mut(len).zip(slopes.places.chunks_exact_mut(len));
        for (number, ((_, _, outputs), (values, places))) in rows(layout).zip(found).enumerate() {
            let others = &other.places[number * len..][..len];
            let [x, y] =
                [own.kept, other.kept].map(|kept| &kept[number * windows.rows * row..][..windows.rows * row]);
            for (index, at) in outputs.enumerate() {
                let difference = own.outputs[at] - other.outputs[at];
                if difference < 0.0 {
                    places[index] = others[index];
                }
                let first = index / BLOCK * windows.column_step * BLOCK + index % BLOCK;
                let before = first + offsets[usize::from(places[index])];
                let of_inputs = x[before] - y[before];
                // Equal inputs have equal values: nothing comes of them.
                values[index] = if of_inputs.abs() < LEAST_DIFFERENCE { 0.0 } else { difference / of_inputs };
            }
        }
        slopes
    }

    /// One seed's multipliers with respect to an input of whole blocks of channels.
    fn multiply_sparse(
        &self,
        windows: &Windows,
        (from, slopes): (&[f32], &Slopes),
        weights: &[f32],
        entries: &mut [Entry],
        to: &mut [f32],
    ) {
        let layout = &self.shape.output;
        let (per_plane, positions) = (self.sum.taps.len() * BLOCK, layout.height * layout.width);
        let len = layout.width * BLOCK;
        let mut multipliers = vec![0.0; len];
        for block in 0..layout.planes() {
            let mut lists = Lists { entries: &mut *entries, positions, counts: [0; BLOCK] };
            for y in 0..layout.height {
                let row = (block * layout.height + y) * len..(block * layout.height + y + 1) * len;
                let values = from[layout.row_start(block, y)..].iter().zip(&slopes.values[row.clone()]);
                multipliers.iter_mut().zip(values).for_each(|(to, (from, slope))| *to = from * slope);
                let first = self.shape.origin(y * windows.row_step, 0);
                let step = windows.column_step * self.shape.column_step();
                lists.append_row(&multipliers, &slopes.places[row], (first, step), &self.offset_of_place);
            }
            let counts = lists.counts;
            let first_plane = self.part_of_block(block) * self.sum.planes;
            for plane in 0..self.sum.planes {
                let start = (first_plane + plane) * self.shape.input.plane();
                let to = &mut to[start..start + self.shape.input.plane()];
                for (lane, &count) in counts.iter().enumerate() {
                    let at = ((block * BLOCK + lane) * self.sum.planes + plane) * per_plane;
                    let input = (&weights[at..at + per_plane], &mut *to);
                    let entries = &entries[lane * positions..][..count];
                    add_sparse_gradients(self.isa, entries, &self.sum.taps, None, Some(input));
                }
            }
        }
    }

    /// All seeds' multipliers with respect to an input of one or three channels: they lie side by side, as the channels of a
    /// block do elsewhere, since pixels have too few channels to fill a vector.
    fn multiply_pixels(
        &self,
        windows: &Windows,
        (from, slopes): (&[f32], &Slopes),
        weights: &[f32],
        work: &mut [f32],
        to: &mut [f32],
    ) {
        let (layout, input) = (&self.shape.output, &self.shape.input);
        let (len, terms) = (layout.width * BLOCK, self.sum.terms());
        let offsets: Vec<u32> =
            (0..terms).map(|term| (self.sum.taps[term / input.block] + term % input.block) as u32).collect();
        let (sums, values) = work.split_at_mut(input.len() * BLOCK);
        let (sums, values) = (&mut sums[..], &mut values[..len * BLOCK]);
        sums.fill(0.0);
        values.fill(0.0);
        let mut origins = vec![0; len];
        for (number, (block, y, row)) in rows(layout).enumerate() {
            let slopes_of_row = slopes.values[number * len..][..len].as_chunks::<BLOCK>().0;
            for (seed, from) in from.chunks_exact(layout.len()).enumerate() {
                let pixels = from[row.clone()].as_chunks::<BLOCK>().0.iter().zip(slopes_of_row);
                for ((from, slopes), to) in pixels.zip(values.as_chunks_mut::<{ BLOCK * BLOCK }>().0) {
                    for lane in 0..BLOCK {
                        to[lane * BLOCK + seed] = from[lane] * slopes[lane];
                    }
                }
            }
            let first = self.shape.origin(y * windows.row_step, 0);
            let step = windows.column_step * self.shape.column_step();
            for (index, (origin, place)) in origins.iter_mut().zip(&slopes.places[number * len..]).enumerate()
            {
                *origin = (first + index / BLOCK * step) as u32 + self.offset_of_place[usize::from(*place)];
            }
            let weights = &weights[block * BLOCK * terms..][..BLOCK * terms];
            add_to_pixels(self.isa, &origins, values, &PixelSum { offsets: &offsets, weights }, sums);
        }
        let sums = sums.as_chunks::<BLOCK>().0;
        for (seed, to) in to.chunks_exact_mut(input.len()).enumerate() {
            to.iter_mut().zip(sums).for_each(|(to, sums)| *to = sums[seed]);
        }
    }
}

/// One of the two samples: maxima, what was pooled, and where in their windows the maxima were found.
#[derive(Clone, Copy)]
struct Side<'a> {
    outputs: &'a [f32],
    kept: &'a [f32],
    places: &'a [u16],
}
