//! Pixels, as they come in, written into the first tensor.

use crate::executor::Inputs;
use crate::kernel::{BLOCK, Layout};

impl Inputs<'_> {
    /// Writes the sample at `index` into a tensor; bytes as value / 255.
    pub(super) fn write(&self, index: usize, layout: &Layout, to: &mut [f32]) {
        let len = layout.height * layout.width * layout.channels;
        let range = index * len..(index + 1) * len;
        match self {
            Inputs::Bytes(bytes) => {
                write_pixels(layout, &bytes[range], to, |&byte| BYTE_VALUES[usize::from(byte)])
            }
            Inputs::Floats(values) => write_pixels(layout, &values[range], to, |&value| value),
        }
    }
}

/// What each byte is worth: value / 255.
static BYTE_VALUES: [f32; 256] = {
    let mut values = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        values[byte] = byte as f32 / 255.0;
        byte += 1;
    }
    values
};

fn write_pixels<T>(layout: &Layout, pixels: &[T], to: &mut [f32], value: impl Fn(&T) -> f32) {
    let row_len = layout.width * layout.channels;
    for (y, row) in pixels.chunks_exact(row_len).enumerate() {
        if layout.block < BLOCK {
            let start = layout.row_start(0, y);
            to[start..start + row_len].iter_mut().zip(row).for_each(|(to, from)| *to = value(from));
        } else {
            for (x, pixel) in row.chunks_exact(layout.channels).enumerate() {
                pixel
                    .iter()
                    .enumerate()
                    .for_each(|(channel, from)| to[layout.position(channel, y, x)] = value(from));
            }
        }
    }
}
