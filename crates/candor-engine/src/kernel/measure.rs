//! Kernels with something to work on, for benchmarks: not part of the interface that is kept stable.
//!
//! Each [`Kernel`] knows how many floating-point operations a run makes (a multiply-add is two; what falls to channels
//! that only fill up a block does not count), so that it can be held against [`peak`], the most that one core makes.

use super::bf16::Pairing;
use super::convolution::{Grid, TapSum, convolve, group_width};
use super::depthwise::{add_depthwise_weight_gradient, convolve_depthwise};
use super::matrix::{Rows, batch_products, combine_rows};
use super::seeds::{PixelSum, add_to_pixels};
use super::simd::{BLOCK, Simd, simd_kernel};
use super::weight_gradient::{Region, add_weight_gradient};
use super::{Isa, Layout};

/// Something to be measured.
pub struct Kernel {
    /// Floating-point operations of a run.
    pub operations: f64,
    run: Box<dyn FnMut() + Send>,
}

impl Kernel {
    /// A run of `run` makes so many floating-point operations.
    pub fn new(operations: usize, run: impl FnMut() + Send + 'static) -> Kernel {
        Kernel { operations: operations as f64, run: Box::new(run) }
    }

    /// Does the work once.
    pub fn run(&mut self) {
        (self.run)();
    }
}

/// A square convolution that keeps the picture's size, with stride 1.
#[derive(Clone, Copy)]
pub struct Convolution {
    /// Rows and columns of the picture.
    pub side: usize,
    /// Channels that come in.
    pub inputs: usize,
    /// Channels that come out.
    pub filters: usize,
    /// Rows and columns of the kernel.
    pub kernel: usize,
}

impl Convolution {
    /// Multiply-adds for one picture, as a direct sum has them.
    pub fn multiply_adds(self) -> usize {
        self.side * self.side * self.inputs * self.filters * self.kernel * self.kernel
    }

    fn layout(self, channels: usize) -> Layout {
        let side = self.side + self.kernel - 1;
        Layout::input(side, side, channels)
    }

    fn sum(self, layout: &Layout) -> TapSum {
        let positions = (0..self.kernel).flat_map(|u| (0..self.kernel).map(move |v| (u, v)));
        TapSum {
            taps: positions.map(|(u, v)| u * layout.row() + v * layout.block).collect(),
            planes: layout.planes(),
            plane_len: layout.plane(),
            block: layout.block,
            pairing: Pairing::Single,
        }
    }

    /// Forward, without an activation.
    pub fn forward(self) -> Kernel {
        let (isa, layout) = (Isa::detect(), self.layout(self.inputs));
        let (sum, x) = (self.sum(&layout), values(layout.len()));
        let plane = self.side * self.side * BLOCK;
        let mut out = vec![0.0; self.filters.next_multiple_of(2 * BLOCK) / BLOCK * plane];
        let weights = values(sum.terms() * 2 * BLOCK);
        Kernel::new(2 * self.multiply_adds(), move || {
            let mut first = 0;
            while first < self.filters {
                let width = group_width(isa, self.filters - first);
                let from = Grid { start: 0, step: layout.block, row: layout.row() };
                let to = Grid { start: first / BLOCK * plane, step: BLOCK, row: self.side * BLOCK };
                let (weights, zeros) = (&weights[..sum.terms() * width], &[0.0; 2 * BLOCK][..width]);
                let size = (self.side, self.side);
                convolve(isa, &sum, size, (&x, from), weights, zeros, (&mut out, to), plane, false);
                first += width;
            }
        })
    }

    /// The dense gradient with respect to the input: forward with inputs and filters exchanged.
    pub fn input_gradient(self) -> Kernel {
        Convolution { inputs: self.filters, filters: self.inputs, ..self }.forward()
    }

    /// The dense gradient with respect to the weights.
    pub fn weight_gradient(self) -> Kernel {
        let (isa, layout) = (Isa::detect(), self.layout(self.inputs));
        let (sum, x) = (self.sum(&layout), values(layout.len()));
        let plane = self.side * self.side * BLOCK;
        let blocks = self.filters.div_ceil(BLOCK);
        let (g, mut dw) = (values(blocks * plane), vec![0.0; blocks * sum.terms() * BLOCK]);
        Kernel::new(2 * self.multiply_adds(), move || {
            for (block, dw) in dw.chunks_exact_mut(sum.terms() * BLOCK).enumerate() {
                let from = Grid { start: 0, step: layout.block, row: layout.row() };
                let of_g = Grid { start: block * plane, step: BLOCK, row: self.side * BLOCK };
                let region = Region { rows: self.side, columns: self.side, x: from, g: of_g };
                add_weight_gradient(isa, Pairing::Single, &sum, &region, &x, &g, dw);
            }
        })
    }

    /// One filter a channel, forward; `filters` is not looked at.
    pub fn depthwise(self) -> Kernel {
        let (isa, layout) = (Isa::detect(), self.layout(self.inputs.next_multiple_of(BLOCK)));
        let (taps, x) = (self.sum(&layout).taps, values(layout.len()));
        let mut out = vec![0.0; self.side * self.side * BLOCK];
        let weights = values(taps.len() * BLOCK);
        Kernel::new(2 * self.multiply_adds() / self.filters, move || {
            for plane in x.chunks_exact(layout.plane()) {
                let from = Grid { start: 0, step: BLOCK, row: layout.row() };
                let to = Grid { start: 0, step: BLOCK, row: self.side * BLOCK };
                let size = (self.side, self.side);
                convolve_depthwise(isa, &taps, size, (plane, from), &weights, &[0.0; BLOCK], (&mut out, to));
            }
        })
    }

    /// The weights' gradient of [`Convolution::depthwise`].
    pub fn depthwise_weight_gradient(self) -> Kernel {
        let (isa, layout) = (Isa::detect(), self.layout(self.inputs.next_multiple_of(BLOCK)));
        let (taps, x) = (self.sum(&layout).taps, values(layout.len()));
        let g = values(self.side * self.side * BLOCK);
        let mut dw = vec![0.0; taps.len() * BLOCK];
        Kernel::new(2 * self.multiply_adds() / self.filters, move || {
            for plane in x.chunks_exact(layout.plane()) {
                let from = Grid { start: 0, step: BLOCK, row: layout.row() };
                let of_g = Grid { start: 0, step: BLOCK, row: self.side * BLOCK };
                let region = Region { rows: self.side, columns: self.side, x: from, g: of_g };
                add_depthwise_weight_gradient(isa, &taps, &region, plane, &g, &mut dw);
            }
        })
    }

    /// Gradients of sixteen seeds with respect to the input, of one or three channels, from the maxima of windows of 2×2.
    pub fn seeds(self) -> Kernel {
        let (isa, layout) = (Isa::detect(), self.layout(self.inputs));
        let sum = self.sum(&layout);
        let offsets: Vec<u32> =
            sum.taps.iter().flat_map(|&tap| (0..layout.block).map(move |i| (tap + i) as u32)).collect();
        let maxima = (self.side / 2).pow(2) * BLOCK;
        let origins: Vec<u32> = (0..maxima).map(|index| self.maximum(index, &layout) as u32).collect();
        let (gradients, weights) = (values(maxima * BLOCK), values(BLOCK * offsets.len()));
        let blocks = self.filters.div_ceil(BLOCK);
        let mut to = vec![0.0; layout.len() * BLOCK];
        Kernel::new(2 * blocks * maxima * offsets.len() * BLOCK, move || {
            let sum = PixelSum { offsets: &offsets, weights: &weights };
            (0..blocks).for_each(|_| add_to_pixels(isa, &origins, &gradients, &sum, &mut to));
        })
    }

    /// Where the pixel lies that won the `index`-th window of 2×2: each channel of a pooled pixel has another winner.
    fn maximum(self, index: usize, layout: &Layout) -> usize {
        let (pixel, lane, half) = (index / BLOCK, index % BLOCK, self.side / 2);
        let (y, x) = (2 * (pixel / half) + lane / 2 % 2, 2 * (pixel % half) + lane % 2);
        y * layout.row() + x * layout.block
    }
}

/// A dense layer's outputs for a batch of `samples`, where the network learns.
pub fn dense(samples: usize, inputs: usize, units: usize) -> Kernel {
    let (isa, x, w) = (Isa::detect(), values(samples * inputs), values(units * inputs));
    let mut y = vec![0.0; samples * units];
    Kernel::new(2 * samples * inputs * units, move || {
        let (a, b) = (Rows { values: &w, stride: inputs }, Rows { values: &x, stride: inputs });
        batch_products(isa, (units, samples, inputs), a, b, &mut y);
    })
}

/// The gradient of a dense layer's weights.
pub fn dense_weight_gradient(samples: usize, inputs: usize, units: usize) -> Kernel {
    let (isa, x, g) = (Isa::detect(), values(samples * inputs), values(samples * units));
    let mut dw = vec![0.0; units * inputs];
    Kernel::new(2 * samples * inputs * units, move || {
        let x = Rows { values: &x, stride: inputs };
        combine_rows(isa, (units, samples, inputs), (&g, 1, units), x, &mut dw);
    })
}

/// Multiply-adds in registers, as many at once as hide their latency: the most that a core makes.
pub fn peak() -> Kernel {
    let isa = Isa::detect();
    let lanes = match isa.vectors() {
        Isa::Avx512 => 16,
        _ => 8,
    };
    let mut values = [1.0; BLOCK];
    Kernel::new(2 * ROUNDS * CHAINS * lanes, move || {
        // SAFETY: `isa` comes from `Isa::available`, and there is a vector's worth of values.
        unsafe { peak_kernel(isa, values.as_mut_ptr()) }
    })
}

const ROUNDS: usize = 4096;
const CHAINS: usize = 12;

simd_kernel! { fn peak_kernel = multiply_adds(values: *mut f32) }

#[inline(always)]
unsafe fn multiply_adds<S: Simd>(values: *mut f32) {
    unsafe {
        let (factor, term) = (S::load(std::hint::black_box(values)), S::splat(0.0));
        let mut chains = [factor; CHAINS];
        for _ in 0..ROUNDS {
            for chain in &mut chains {
                *chain = S::mul_add(*chain, factor, term);
            }
        }
        let sum = chains.into_iter().fold(term, |sum, chain| S::max(sum, chain));
        S::store(values, sum);
    }
}

fn values(len: usize) -> Vec<f32> {
    (0..len).map(|index| (index % 17) as f32 / 17.0 - 0.5).collect()
}
