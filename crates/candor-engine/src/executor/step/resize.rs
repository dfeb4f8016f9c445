//! Steps that change the size of a picture without looking at it: zeros around it, and repeated pixels.

use super::{Backward, FeatureStep, Forward, Pass, rows};
use crate::Pair;
use crate::kernel::{BLOCK, Layout};

/// Zeros around the picture.
pub(in crate::executor) struct ZeroPadStep {
    pub input: Layout,
    pub output: Layout,
    pub top: usize,
    pub left: usize,
}

/// Every pixel several times.
pub(in crate::executor) struct UpsampleStep {
    pub input: Layout,
    pub output: Layout,
    pub factor: Pair,
}

impl ZeroPadStep {
    /// Where an input row lies in the output.
    fn target(&self, plane: usize, y: usize) -> usize {
        self.output.row_start(plane, self.top + y) + self.left * BLOCK
    }
}

impl FeatureStep for ZeroPadStep {
    fn forward(&self, _pass: &Pass, block: Forward<'_>) {
        let inputs = block.reads.get(0).chunks_exact(self.input.len());
        // What lies around is zero from the start, and nobody else writes here.
        for (input, output) in inputs.zip(block.output.chunks_exact_mut(self.output.len())) {
            for (plane, y, from) in rows(&self.input) {
                output[self.target(plane, y)..][..from.len()].copy_from_slice(&input[from]);
            }
        }
    }

    fn backward(&self, _pass: &Pass, block: Backward<'_>) {
        let Some(input_gradient) = block.input_gradient else { return };
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        for (from, to) in gradients.zip(input_gradient.chunks_exact_mut(self.input.len())) {
            for (plane, y, row) in rows(&self.input) {
                let len = row.len();
                to[row].copy_from_slice(&from[self.target(plane, y)..][..len]);
            }
        }
    }
}

impl UpsampleStep {
    /// The pixels that a pixel becomes, as places in the output.
    fn copies(&self, plane: usize, y: usize, x: usize) -> impl Iterator<Item = usize> + '_ {
        let Pair { rows, columns } = self.factor;
        (0..rows).flat_map(move |row| {
            let start = self.output.row_start(plane, y * rows + row);
            (0..columns).map(move |column| start + (x * columns + column) * BLOCK)
        })
    }
}

impl FeatureStep for UpsampleStep {
    fn forward(&self, _pass: &Pass, block: Forward<'_>) {
        let inputs = block.reads.get(0).chunks_exact(self.input.len());
        for (input, output) in inputs.zip(block.output.chunks_exact_mut(self.output.len())) {
            for (plane, y, row) in rows(&self.input) {
                for (x, pixel) in input[row].chunks_exact(BLOCK).enumerate() {
                    self.copies(plane, y, x).for_each(|at| output[at..at + BLOCK].copy_from_slice(pixel));
                }
            }
        }
    }

    fn backward(&self, _pass: &Pass, block: Backward<'_>) {
        let Some(input_gradient) = block.input_gradient else { return };
        let gradients = block.output_gradient.chunks_exact(self.output.len());
        for (from, to) in gradients.zip(input_gradient.chunks_exact_mut(self.input.len())) {
            for (plane, y, row) in rows(&self.input) {
                for (x, pixel) in to[row].chunks_exact_mut(BLOCK).enumerate() {
                    pixel.fill(0.0);
                    for at in self.copies(plane, y, x) {
                        pixel.iter_mut().zip(&from[at..]).for_each(|(to, from)| *to += from);
                    }
                }
            }
        }
    }
}
