//! The way forward through a convolution: sums row by row or by way of tiles, then bias, activation and pooling.

use std::ops::Range;

use super::ConvolutionStep;
use super::channels::ChannelGroup;
use super::winograd::{Finished, Pixels, WinogradSum};
use crate::executor::step::{Forward, StepMemory};
use crate::kernel::{BLOCK, Grid, Windows, activate, convolve, max_pool_row};
use crate::layer::Activation;

impl ConvolutionStep {
    /// Rows of the convolution's output for a group of channels.
    fn convolve(
        &self,
        group: ChannelGroup,
        (first_row, rows, columns): (usize, usize, usize),
        input: &[f32],
        out: (&mut [f32], Grid),
        out_block: usize,
    ) {
        let input = (self.forward_sum.part(group.part, input), self.shape.origins(first_row));
        let weights = &self.weights[group.weights(self.forward_sum.terms())];
        let bias = &self.biases[group.first_block * BLOCK..][..group.width];
        let relu = self.pool.is_none() && self.ending.activation == Activation::Relu;
        convolve(self.isa, &self.forward_sum, (rows, columns), input, weights, bias, out, out_block, relu);
    }

    pub(super) fn forward_rows(
        &self,
        group: ChannelGroup,
        input: &[f32],
        output: &mut [f32],
        kept: &mut [f32],
    ) {
        let layout = &self.shape.output;
        let to = Grid { start: layout.row_start(group.first_block, 0), step: BLOCK, row: layout.row() };
        self.convolve(group, (0, layout.height, layout.width), input, (output, to), layout.plane());
        if matches!(self.ending.activation, Activation::Linear | Activation::Relu) {
            return;
        }
        for block in group.blocks() {
            (0..layout.height).for_each(|y| self.ending.forward((block, y), output, kept));
        }
    }

    pub(super) fn forward_pooled(
        &self,
        windows: &Windows,
        group: ChannelGroup,
        input: &[f32],
        output: &mut [f32],
        (places, scratch, pooled): (&mut [u16], &mut [f32], &mut [f32]),
    ) {
        let row_len = windows.width * BLOCK;
        let out_block = windows.height * row_len;
        for first in (0..self.shape.output.height).step_by(self.band) {
            let rows_of_windows = self.band.min(self.shape.output.height - first);
            let needed = (rows_of_windows - 1) * windows.row_step + windows.rows;
            let to = Grid { start: 0, step: BLOCK, row: row_len };
            let rows = (first * windows.row_step, needed, windows.width);
            self.convolve(group, rows, input, (&mut *scratch, to), out_block);
            for (block, scratch) in group.blocks().zip(scratch.chunks_exact(out_block)) {
                let rows = first..first + rows_of_windows;
                self.pool_rows(windows, (block, rows), scratch, output, places, pooled);
            }
        }
    }

    /// The samples of a block by way of tiles.
    pub(super) fn forward_tiled(&self, tiled: &WinogradSum, block: Forward<'_>) {
        let Forward { slots, reads, output, memory, work, .. } = block;
        let inputs = Pixels { values: reads.get(0), layout: &self.shape.input, from: self.shape.origins(0) };
        let layout = &self.shape.output;
        tiled.each_row(inputs, work, |row| {
            let output = &mut output[row.sample * layout.len()..][..layout.len()];
            let slot = slots.start + row.sample;
            match &self.pool {
                None => self.finish_rows(&row, output, memory.kept_mut(slot, self.ending.kept_len())),
                Some(windows) => self.finish_pooled(windows, &row, output, (slot, memory)),
            }
        });
    }

    /// A row of tiles of the output of a block of channels.
    fn finish_rows(&self, row: &Finished<'_>, output: &mut [f32], kept: &mut [f32]) {
        let layout = &self.shape.output;
        let relu = self.ending.activation == Activation::Relu;
        let rows = row.pixels.clone();
        let to = (layout.row_start(row.block, rows.start), layout.row());
        row.write(self.bias_of(row.block), relu, output, to);
        if !relu && self.ending.activation != Activation::Linear {
            rows.for_each(|y| self.ending.forward((row.block, y), output, kept));
        }
    }

    /// The rows of windows in a row of tiles of a block of channels.
    fn finish_pooled(
        &self,
        windows: &Windows,
        row: &Finished<'_>,
        output: &mut [f32],
        (slot, memory): (usize, &mut StepMemory),
    ) {
        let StepMemory { places, kept, scratch, .. } = memory;
        let row_len = windows.width * BLOCK;
        row.write(self.bias_of(row.block), false, scratch, (0, row_len));
        let first = row.pixels.start / windows.row_step;
        let count = row.pixels.len() / windows.row_step;
        let places = &mut places[slot * self.shape.output.without_halo().len()..];
        let pooled = &mut kept[slot * self.pooled_len()..];
        self.pool_rows(windows, (row.block, first..first + count), scratch, output, places, pooled);
    }

    fn bias_of(&self, block: usize) -> &[f32; BLOCK] {
        &self.biases.as_chunks().0[block]
    }

    /// The maxima of some rows of windows of a block of channels, through the activation. `scratch` begins with the first of
    /// them; all else is a sample's.
    fn pool_rows(
        &self,
        windows: &Windows,
        (block, rows): (usize, Range<usize>),
        scratch: &[f32],
        output: &mut [f32],
        places: &mut [u16],
        pooled: &mut [f32],
    ) {
        let layout = &self.shape.output;
        let (row_len, len) = (windows.width * BLOCK, layout.width * BLOCK);
        let activation = self.ending.activation;
        let relu = activation == Activation::Relu;
        for (y, of_output) in rows.enumerate() {
            let out = &mut output[layout.row_start(block, of_output)..][..len];
            let row = block * layout.height + of_output;
            let places = &mut places[row * len..][..len];
            max_pool_row(self.isa, windows, (scratch, row_len), y, out, places, relu);
            if !relu {
                activate(self.isa, activation, out);
            }
            self.keep(&scratch[y * windows.row_step * row_len..], row, pooled);
        }
    }
}
