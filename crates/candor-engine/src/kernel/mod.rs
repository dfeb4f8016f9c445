//! The computations themselves. The only place that knows how a tensor lies in memory, and the only one with `unsafe`.
//!
//! Each file shows the plain form of what it computes, the fast one, why that is laid out so, and the test that holds
//! the two together on every instruction set that the machine has.
#![allow(unsafe_code)]
// Tiles are addressed by their row and column, in several arrays at once.
#![allow(clippy::needless_range_loop)]

mod activation;
mod bf16;
mod buffer;
mod conductor;
mod convolution;
mod depthwise;
mod elementwise;
mod isa;
mod layout;
mod matrix;
pub mod measure;
mod normalise;
mod pooling;
mod seeds;
mod simd;
mod softmax;
mod sparse_gradient;
mod update;
mod weight_gradient;
mod winograd;

pub(crate) use activation::{activate, activate_backward};
pub(crate) use bf16::{Pairing, pack_planes, round_in_place, round_to_bf16};
pub(crate) use buffer::Buffer;
pub(crate) use conductor::Conductor;
pub(crate) use convolution::{Grid, TapSum, convolve, group_width, is_chunked};
pub(crate) use depthwise::{add_depthwise_weight_gradient, convolve_depthwise};
pub(crate) use elementwise::{LEAST_DIFFERENCE, add, dropout, rescale};
pub use isa::Isa;
pub(crate) use layout::{Halo, Layout};
pub(crate) use matrix::{Rows, batch_products, combine_rows, inner_products};
pub(crate) use normalise::{PerChannel, add_gradient_sums, add_moments, combine, scale_and_shift};
pub(crate) use pooling::{Windows, avg_pool_row, max_pool_row, spread_row};
pub(crate) use seeds::{PixelSum, add_to_pixels};
pub(crate) use simd::BLOCK;
pub(crate) use softmax::{softmax, softmax_backward};
pub(crate) use sparse_gradient::{Entry, Lists, add_sparse_gradients};
pub(crate) use update::{Run, Update, update};
pub(crate) use weight_gradient::{Region, add_weight_gradient};
pub(crate) use winograd::{
    TileRow, TileSize, Tiled, tile_gradients, tile_inputs, transform_kernel_gradients, transform_kernels,
    untile_outputs,
};
