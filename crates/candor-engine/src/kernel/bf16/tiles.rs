//! Rows of a convolution by the tiles of AMX: sixteen pixels × sixteen channels in a register, to which an instruction adds the
//! product of sixteen pixels × sixteen pairs and sixteen pairs × sixteen channels.
//!
//! A row of a tile is 64 bytes: the pairs of a pixel in a plane, the pairs' weights of a block of channels, the sums of a pixel.
//! So a tile is loaded from where things lie for every other kernel, at a distance from row to row. The compiler knows no tiles;
//! each instruction is written down with the number of its register.

use std::arch::asm;

use crate::kernel::Isa;
use crate::kernel::convolution::Row;
use crate::kernel::simd::{BLOCK, Simd, simd_kernel};

/// Pixels in a tile.
const PIXELS: usize = 16;

/// Whether the processor has tiles of bf16 and the kernel lets this process use them; it must be asked, as tiles make what it
/// saves of a thread much larger.
pub(crate) fn are_permitted() -> bool {
    let features = std::arch::x86_64::__cpuid_count(7, 0).edx;
    let (of_bf16, tiles) = (1 << 22, 1 << 24);
    features & of_bf16 != 0 && features & tiles != 0 && ask_kernel()
}

#[cfg(target_os = "linux")]
fn ask_kernel() -> bool {
    const REQUEST_PERMISSION: libc::c_long = 0x1023;
    const TILE_DATA: libc::c_long = 18;
    // SAFETY: the call changes nothing but what this process may use.
    unsafe { libc::syscall(libc::SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn ask_kernel() -> bool {
    false
}

/// How large each register's tile is, as the processor reads it.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    bytes_in_row: [u16; 16],
    rows: [u8; 16],
}

impl Shapes {
    /// Registers 0 to 2 hold the sums and pairs of `pixels`, 3 to 5 those of the last pixels of a row, 6 and 7 weights.
    fn new(pixels: usize, last: usize) -> Shapes {
        let mut rows = [0; 16];
        rows[..3].fill(pixels as u8);
        rows[3..6].fill(last as u8);
        rows[6..8].fill(BLOCK as u8);
        let mut bytes_in_row = [0; 16];
        bytes_in_row[..8].fill(64);
        Shapes { palette: 1, start_row: 0, reserved: [0; 14], bytes_in_row, rows }
    }
}

/// The shapes for rows of so many pixels, until dropped.
pub(crate) struct Tiles;

impl Tiles {
    /// Sets the registers' shapes on this thread, whose tiles must be permitted.
    pub fn of_rows(pixels: usize) -> Tiles {
        let (_, each, last) = cut(pixels);
        let shapes = Shapes::new(each, last);
        // SAFETY: the shapes are 64 bytes as the instruction reads them; the compiler uses no tiles.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const shapes, options(nostack, readonly)) };
        Tiles
    }
}

impl Drop for Tiles {
    fn drop(&mut self) {
        // SAFETY: nothing is in the registers any more.
        unsafe { asm!("tilerelease", options(nostack, nomem)) };
    }
}

/// Into how many tiles a row is cut, and how many pixels each and the last of them has.
fn cut(pixels: usize) -> (usize, usize, usize) {
    let tiles = pixels.div_ceil(PIXELS);
    let each = pixels.div_ceil(tiles);
    (tiles, each, pixels - (tiles - 1) * each)
}

/// A row of pairs.
///
/// # Safety
/// As the kernels of rows for other instruction sets, while there are [`Tiles`] for rows of so many pixels.
pub(crate) unsafe fn row_kernel(row: &Row<'_>, width: usize) {
    let (tiles, each, _) = cut(row.count);
    unsafe {
        for tile in 0..tiles - 1 {
            of_pixels(row, width, tile * each);
        }
        of_last_pixels(row, width, (tiles - 1) * each);
    }
    if row.relu {
        unsafe { clip_kernel(Isa::Amx, row, width) };
    }
}

simd_kernel! { fn clip_kernel = clip(row: &Row<'_>, width: usize) }

/// max(0, ·) of a row's sums.
#[inline(always)]
unsafe fn clip<S: Simd>(row: &Row<'_>, width: usize) {
    for pixel in 0..row.count {
        for lane in (0..width).step_by(S::LANES) {
            // SAFETY: the caller promises the sums of all pixels.
            unsafe {
                let at = row.out.add(pixel * row.out_step + lane / BLOCK * row.out_block + lane % BLOCK);
                // In this order a sum that is not a number stays one.
                S::store(at, S::max(S::splat(0.0), S::load(at)));
            }
        }
    }
}

/// Makes a function that computes a tile of pixels of one or two blocks of channels, with the sums in the registers `$low` and
/// `$high`, and pairs in `$pairs`.
macro_rules! tile_of_pixels {
    ($name:ident, $low:literal, $high:literal, $pairs:literal) => {
        unsafe fn $name(row: &Row<'_>, width: usize, first: usize) {
            let is_wide = width > BLOCK;
            let (low, step) = (row.out.wrapping_add(first * row.out_step), 4 * row.out_step);
            let high = low.wrapping_add(row.out_block);
            // A distance of zero: every pixel begins with the same biases.
            let start = row.bias.map_or((low.cast_const(), high.cast_const(), step), |bias| (bias, bias.wrapping_add(BLOCK), 0));
            // SAFETY: the caller promises the sums, the pairs and the weights; the registers have the shapes of `Shapes::new`.
            // The compiler uses none of them.
            unsafe {
                asm!(concat!("tileloadd ", $low, ", [{}+{}*1]"), in(reg) start.0, in(reg) start.2, options(nostack, readonly));
                if is_wide {
                    asm!(concat!("tileloadd ", $high, ", [{}+{}*1]"), in(reg) start.1, in(reg) start.2, options(nostack, readonly));
                }
                let mut weights = row.weights;
                for plane in 0..row.planes {
                    let x = row.x.add(plane * row.sum.plane_len + first * row.x_step);
                    for &tap in row.sum.taps.iter() {
                        asm!(
                            concat!("tileloadd ", $pairs, ", [{x}+{x_step}*1]"),
                            "tileloadd tmm6, [{w}+{w_step}*1]",
                            concat!("tdpbf16ps ", $low, ", ", $pairs, ", tmm6"),
                            x = in(reg) x.add(tap),
                            x_step = in(reg) 4 * row.x_step,
                            w = in(reg) weights,
                            w_step = in(reg) 4 * width,
                            options(nostack, readonly),
                        );
                        if is_wide {
                            asm!(
                                "tileloadd tmm7, [{w}+{w_step}*1]",
                                concat!("tdpbf16ps ", $high, ", ", $pairs, ", tmm7"),
                                w = in(reg) weights.add(BLOCK),
                                w_step = in(reg) 4 * width,
                                options(nostack, readonly),
                            );
                        }
                        weights = weights.add(BLOCK * width);
                    }
                }
                asm!(concat!("tilestored [{}+{}*1], ", $low), in(reg) low, in(reg) step, options(nostack));
                if is_wide {
                    asm!(concat!("tilestored [{}+{}*1], ", $high), in(reg) high, in(reg) step, options(nostack));
                }
            }
        }
    };
}

tile_of_pixels!(of_pixels, "tmm0", "tmm1", "tmm2");
tile_of_pixels!(of_last_pixels, "tmm3", "tmm4", "tmm5");
