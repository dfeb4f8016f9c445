//! Memory for tensors, aligned to cache lines.

use std::ops::{Deref, DerefMut, Range};

/// Floats in 64 bytes: a cache line, and the widest vector register.
const LINE: usize = 16;

/// A slice of `f32` that starts at a cache line.
///
/// What was never written to takes no memory: zeros come from the system as pages that it makes on first use, in whichever
/// thread that is. Memory that is asked for aligned would be written with zeros by the thread that asks.
#[derive(Default)]
pub(crate) struct Buffer {
    values: Vec<f32>,
    first: usize,
    len: usize,
}

impl Buffer {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Buffer {
        if len == 0 {
            return Buffer::default();
        }
        let values = vec![0.0; len + LINE - 1];
        let first = values.as_ptr().align_offset(LINE * size_of::<f32>());
        assert!(first < LINE, "the system gives memory that is aligned to floats");
        Buffer { values, first, len }
    }

    fn range(&self) -> Range<usize> {
        self.first..self.first + self.len
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Buffer {
        let mut copy = Buffer::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.range()]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        let range = self.range();
        &mut self.values[range]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_and_their_copies_start_at_cache_lines() {
        for len in [1, 15, 16, 17, 1_000, 100_000] {
            let mut buffer = Buffer::zeros(len);
            assert_eq!(buffer.len(), len);
            assert!(buffer.iter().all(|&value| value == 0.0));
            buffer[len - 1] = 1.0;
            for buffer in [buffer.clone(), buffer] {
                assert_eq!(buffer.as_ptr() as usize % 64, 0);
                assert_eq!(buffer[len - 1], 1.0);
            }
        }
        assert!(Buffer::zeros(0).is_empty());
    }
}
