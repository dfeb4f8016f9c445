//! Pooling of blocks of 16 channels.
//!
//! One row of output pixels at a time, over windows that are clipped to the picture. The maximum's place in its window
//! is kept for the way back.

use super::Isa;
use super::simd::{BLOCK, Simd, simd_kernel};

/// A sixteen-channel pixel.
type Pixel = [f32; BLOCK];

/// Windows over one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Rows and columns of the input.
    pub height: usize,
    pub width: usize,
    /// Rows and columns of a window.
    pub rows: usize,
    pub columns: usize,
    /// Steps between two windows.
    pub row_step: usize,
    pub column_step: usize,
    /// How far the first window reaches over the border.
    pub pad_top: usize,
    pub pad_left: usize,
}

impl Windows {
    /// The input rows that output row `y` sees, and which row of the window the first of them is.
    pub fn row_range(&self, y: usize) -> (std::ops::Range<usize>, usize) {
        clip(y * self.row_step, self.rows, self.pad_top, self.height)
    }

    /// Likewise for columns.
    pub fn column_range(&self, x: usize) -> (std::ops::Range<usize>, usize) {
        clip(x * self.column_step, self.columns, self.pad_left, self.width)
    }

    /// Whether no window of output row `y`, which has so many pixels, reaches over the border.
    fn are_whole(&self, y: usize, pixels: usize) -> bool {
        let is_inside = |last: usize, step: usize, pad: usize, len: usize, size: usize| {
            pad == 0 && last * step + len <= size
        };
        is_inside(y, self.row_step, self.pad_top, self.rows, self.height)
            && is_inside(pixels.max(1) - 1, self.column_step, self.pad_left, self.columns, self.width)
    }

    /// The input pixel at `place` in the window of output pixel (`y`, `x`).
    pub fn pixel_at(&self, y: usize, x: usize, place: u16) -> (usize, usize) {
        let place = place as usize;
        let row = y * self.row_step + place / self.columns - self.pad_top;
        (row, x * self.column_step + place % self.columns - self.pad_left)
    }
}

fn clip(start: usize, len: usize, pad: usize, size: usize) -> (std::ops::Range<usize>, usize) {
    let first = start.max(pad) - pad;
    let last = (start + len - pad.min(start + len)).min(size);
    (first..last, pad.saturating_sub(start))
}

/// The maxima of one row of output pixels.
///
/// `plane` holds the input, `row` floats from one row to the next; `out` and `places` get 16 values a pixel.
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn max_pool_row(
    isa: Isa,
    windows: &Windows,
    (plane, row): (&[f32], usize),
    y: usize,
    out: &mut [f32],
    places: &mut [u16],
    relu: bool,
) {
    assert_eq!(out.len(), places.len(), "every maximum has a place");
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { max_row_kernel(isa, windows, plane, row, y, out, places, relu) }
}

simd_kernel! {
    fn max_row_kernel = max_row(
        windows: &Windows, plane: &[f32], row: usize, y: usize, out: &mut [f32], places: &mut [u16], relu: bool,
    )
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn max_row<S: Simd>(
    windows: &Windows,
    plane: &[f32],
    row: usize,
    y: usize,
    out: &mut [f32],
    places: &mut [u16],
    relu: bool,
) {
    if windows.are_whole(y, out.len() / BLOCK) && (windows.rows, windows.columns) == (2, 2) {
        return max_row_of_two(windows, &plane[y * windows.row_step * row..], row, out, places, relu);
    }
    let (rows, first_row) = windows.row_range(y);
    let pixels = out.as_chunks_mut::<BLOCK>().0.iter_mut().zip(places.as_chunks_mut::<BLOCK>().0);
    for (x, (out, places)) in pixels.enumerate() {
        let (columns, first_column) = windows.column_range(x);
        let mut best: Option<(Pixel, [i32; BLOCK])> = None;
        for (r, input_row) in rows.clone().enumerate() {
            for (c, input_column) in columns.clone().enumerate() {
                let place = ((first_row + r) * windows.columns + first_column + c) as i32;
                let value = pixel(plane, input_row * row + input_column * BLOCK);
                match &mut best {
                    None => best = Some((value, [place; BLOCK])),
                    Some((best, places)) => {
                        for lane in 0..BLOCK {
                            let larger = value[lane] > best[lane];
                            best[lane] = if larger { value[lane] } else { best[lane] };
                            places[lane] = if larger { place } else { places[lane] };
                        }
                    }
                }
            }
        }
        let (best, found) = best.unwrap_or_default();
        for lane in 0..BLOCK {
            out[lane] = if relu && best[lane] <= 0.0 { 0.0 } else { best[lane] };
            places[lane] = found[lane] as u16;
        }
    }
}

/// [`max_row`] for the windows that nearly all networks have: 2 × 2 inside the picture, which begins at the row of windows.
#[inline(always)]
fn max_row_of_two(
    windows: &Windows,
    plane: &[f32],
    row: usize,
    out: &mut [f32],
    places: &mut [u16],
    relu: bool,
) {
    let pixels = out.as_chunks_mut::<BLOCK>().0.iter_mut().zip(places.as_chunks_mut::<BLOCK>().0);
    let (above, below) = (&plane[..row], &plane[row..]);
    for (x, (out, places)) in pixels.enumerate() {
        let start = x * windows.column_step * BLOCK;
        let (above, below) = (&above[start..start + 2 * BLOCK], &below[start..start + 2 * BLOCK]);
        for lane in 0..BLOCK {
            let (mut best, mut place) = (above[lane], 0_u32);
            for (number, value) in [(1, above[BLOCK + lane]), (2, below[lane]), (3, below[BLOCK + lane])] {
                let larger = value > best;
                best = if larger { value } else { best };
                place = if larger { number } else { place };
            }
            out[lane] = if relu && best <= 0.0 { 0.0 } else { best };
            places[lane] = place as u16;
        }
    }
}

/// The way back from [`max_pool_row`] for windows that do not overlap: each gradient goes to where its maximum was, all
/// other values of the windows become zero.
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn spread_row(
    isa: Isa,
    windows: &Windows,
    gradient: &[f32],
    places: &[u16],
    (to, row): (&mut [f32], usize),
) {
    assert_eq!(gradient.len(), places.len(), "every gradient has a place");
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { spread_kernel(isa, windows, gradient, places, to, row) }
}

simd_kernel! {
    fn spread_kernel = spread(windows: &Windows, gradient: &[f32], places: &[u16], to: &mut [f32], row: usize)
}

#[inline(always)]
fn spread<S: Simd>(windows: &Windows, gradient: &[f32], places: &[u16], to: &mut [f32], row: usize) {
    let pixels = gradient.as_chunks::<BLOCK>().0.iter().zip(places.as_chunks::<BLOCK>().0);
    for (x, (gradient, places)) in pixels.enumerate() {
        let places = places.map(f32::from);
        let mut place = 0.0;
        for r in 0..windows.rows {
            let start = r * row + x * windows.column_step * BLOCK;
            for to in to[start..start + windows.columns * BLOCK].as_chunks_mut::<BLOCK>().0 {
                for lane in (0..BLOCK).step_by(S::LANES) {
                    // SAFETY: the lanes are among the sixteen of each array.
                    unsafe {
                        // Above zero only where the places are the same: they are whole numbers.
                        let apart = S::sub(S::load(places.as_ptr().add(lane)), S::splat(place));
                        let here = S::mul_add(apart, S::sub(S::splat(0.0), apart), S::splat(0.5));
                        let value = S::load(gradient.as_ptr().add(lane));
                        S::store(to.as_mut_ptr().add(lane), S::where_positive(here, value));
                    }
                }
                place += 1.0;
            }
        }
    }
}

/// The means of one row of output pixels; what lies outside the picture does not count.
///
/// # Panics
/// When a slice is too short for what is asked.
pub(crate) fn avg_pool_row(
    isa: Isa,
    windows: &Windows,
    (plane, row): (&[f32], usize),
    y: usize,
    out: &mut [f32],
) {
    // SAFETY: the kernel is safe code; `isa` comes from `Isa::available`.
    unsafe { avg_row_kernel(isa, windows, plane, row, y, out) }
}

simd_kernel! {
    fn avg_row_kernel = avg_row(windows: &Windows, plane: &[f32], row: usize, y: usize, out: &mut [f32])
}

#[inline(always)]
fn avg_row<S: Simd>(windows: &Windows, plane: &[f32], row: usize, y: usize, out: &mut [f32]) {
    let (rows, _) = windows.row_range(y);
    for (x, out) in out.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
        let (columns, _) = windows.column_range(x);
        let mut sum = [0.0; BLOCK];
        for input_row in rows.clone() {
            for input_column in columns.clone() {
                let value = pixel(plane, input_row * row + input_column * BLOCK);
                for lane in 0..BLOCK {
                    sum[lane] += value[lane];
                }
            }
        }
        let share = 1.0 / (rows.len() * columns.len()) as f32;
        *out = sum.map(|sum| sum * share);
    }
}

#[inline(always)]
fn pixel(plane: &[f32], start: usize) -> Pixel {
    plane[start..start + BLOCK].try_into().expect("the slice was cut to a block")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::random::Stream;

    #[test]
    fn windows_are_clipped_and_places_lead_back() {
        // A 3×3 picture, windows of 2×2 with step 2 that begin one pixel outside.
        let windows = Windows {
            height: 3,
            width: 3,
            rows: 2,
            columns: 2,
            row_step: 2,
            column_step: 2,
            pad_top: 1,
            pad_left: 1,
        };
        let plane: Vec<f32> = (0..9 * BLOCK).map(|i| (i / BLOCK) as f32 - 4.0).collect();
        for isa in Isa::available() {
            for (y, expected) in [[-4.0, -2.0], [2.0, 4.0]].into_iter().enumerate() {
                let (mut out, mut places) = (vec![0.0; 2 * BLOCK], vec![0; 2 * BLOCK]);
                max_pool_row(isa, &windows, (&plane, 3 * BLOCK), y, &mut out, &mut places, false);
                for x in 0..2 {
                    assert!(out[x * BLOCK..][..BLOCK].iter().all(|&v| v == expected[x]), "{isa} {out:?}");
                    let (row, column) = windows.pixel_at(y, x, places[x * BLOCK]);
                    assert_eq!(plane[(row * 3 + column) * BLOCK], expected[x]);
                }
                max_pool_row(isa, &windows, (&plane, 3 * BLOCK), y, &mut out, &mut places, true);
                assert_eq!(out[0], expected[0].max(0.0));
                avg_pool_row(isa, &windows, (&plane, 3 * BLOCK), y, &mut out);
                assert_eq!([out[0], out[BLOCK]], [[-4.0, -2.5], [0.5, 2.0]][y]);
            }
        }
    }

    #[test]
    fn a_gradient_goes_back_to_the_largest_value_alone() {
        // Two windows of 2×2 side by side; lane by lane another corner is the largest.
        let windows = Windows {
            height: 2,
            width: 4,
            rows: 2,
            columns: 2,
            row_step: 2,
            column_step: 2,
            pad_top: 0,
            pad_left: 0,
        };
        let plane: Vec<f32> = (0..8 * BLOCK).map(|i| ((i * 7919) % 101) as f32).collect();
        for isa in Isa::available() {
            let (mut out, mut places) = (vec![0.0; 2 * BLOCK], vec![0; 2 * BLOCK]);
            max_pool_row(isa, &windows, (&plane, 4 * BLOCK), 0, &mut out, &mut places, false);
            let mut back = vec![f32::NAN; plane.len()];
            spread_row(isa, &windows, &out, &places, (&mut back, 4 * BLOCK));
            for (index, (&value, &back)) in plane.iter().zip(&back).enumerate() {
                let (x, lane) = (index / BLOCK % 4, index % BLOCK);
                let expected = if value == out[x / 2 * BLOCK + lane] { value } else { 0.0 };
                assert_eq!(back, expected, "{isa} {index}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        /// Random values, several of them equal: the first of the largest wins, and gets the gradient.
        #[test]
        fn every_instruction_set_computes_the_plain_loops(
            (rows, columns) in prop_oneof![Just((2, 2)), (1usize..4, 1usize..4)],
            (down, right) in (1usize..5, 1usize..9),
            (pad_top, pad_left) in (0usize..2, 0usize..2),
            relu: bool,
            seed: u64,
        ) {
            let (pad_top, pad_left) = (pad_top.min(rows - 1), pad_left.min(columns - 1));
            let (height, width) = (rows * down - pad_top, columns * right - pad_left);
            let windows =
                Windows { height, width, rows, columns, row_step: rows, column_step: columns, pad_top, pad_left };
            let stream = Stream::new(seed);
            let plane: Vec<f32> =
                (0..height * width * BLOCK).map(|i| (stream.unit(i as u64) * 20.0).floor() - 10.0).collect();
            let row = width * BLOCK;
            for (isa, y) in Isa::available().into_iter().flat_map(|isa| (0..down).map(move |y| (isa, y))) {
                let (mut out, mut places) = (vec![f32::NAN; right * BLOCK], vec![u16::MAX; right * BLOCK]);
                max_pool_row(isa, &windows, (&plane, row), y, &mut out, &mut places, relu);
                let mut means = vec![f32::NAN; right * BLOCK];
                avg_pool_row(isa, &windows, (&plane, row), y, &mut means);
                let mut back = vec![f32::NAN; rows * columns * right * BLOCK];
                spread_row(isa, &windows, &out, &places, (&mut back, columns * right * BLOCK));
                for (at, (&got, &place)) in out.iter().zip(&places).enumerate() {
                    let (x, lane) = (at / BLOCK, at % BLOCK);
                    let seen: Vec<(usize, f32)> = (0..rows * columns)
                        .filter_map(|place| {
                            let r = (y * rows + place / columns).checked_sub(pad_top)?;
                            let c = (x * columns + place % columns).checked_sub(pad_left)?;
                            Some((place, plane[r * row + c * BLOCK + lane]))
                        })
                        .collect();
                    let (first, largest) =
                        seen.iter().copied().reduce(|best, next| if next.1 > best.1 { next } else { best }).unwrap();
                    let expected = if relu { largest.max(0.0) } else { largest };
                    prop_assert_eq!((got, usize::from(place)), (expected, first), "{} {} {}", isa, y, at);
                    let mean = seen.iter().map(|(_, value)| value).sum::<f32>() / seen.len() as f32;
                    prop_assert!((means[at] - mean).abs() < 1e-5, "{isa}: mean {at}");
                    for place in 0..rows * columns {
                        let to = place / columns * columns * right + x * columns + place % columns;
                        let expected = if place == first { got } else { 0.0 };
                        prop_assert_eq!(back[to * BLOCK + lane], expected, "{} {} back {}", isa, at, place);
                    }
                }
            }
        }
    }
}
