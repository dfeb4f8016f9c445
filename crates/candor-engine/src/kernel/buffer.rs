//! Memory for tensors, aligned to cache lines.
//!
//! What was never written to takes no memory: zeros come from the system as pages that it makes on first use, in whichever
//! thread that is. (Memory that is asked for aligned would be written with zeros by the thread that asks.) Where much is asked
//! for at once, the system may make large pages of it: they come and are found with a fraction of the work, which a pass over
//! more memory than any cache holds feels.

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

/// Floats in 64 bytes: a cache line, and the widest vector register.
const LINE: usize = 16;
/// Floats from which on large pages are asked for: with less, most of a page of 2 MB could be left over.
const LARGE: usize = 1 << 20;

/// A slice of `f32` that starts at a cache line.
pub(crate) struct Buffer {
    first: NonNull<f32>,
    len: usize,
    _memory: Option<Arc<Memory>>,
}

// SAFETY: a buffer is the only one that reads and writes its floats, as a `Box<[f32]>` would be.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Buffer {
        Buffer::all(&[len]).pop().unwrap_or_default()
    }

    /// Zeros that lie in one piece of memory, so many for each buffer. It is given back with the last of them.
    pub fn all(lens: &[usize]) -> Vec<Buffer> {
        let lines: usize = lens.iter().map(|len| len.div_ceil(LINE)).sum();
        if lines == 0 {
            return lens.iter().map(|_| Buffer::default()).collect();
        }
        let memory = Arc::new(Memory::zeros(lines));
        let mut next = memory.first;
        let each = lens.iter().map(|&len| {
            let first = next;
            // SAFETY: all buffers together have the lines that `zeros` made; behind the last is the end, which may be named.
            next = unsafe { next.add(len.div_ceil(LINE) * LINE) };
            Buffer { first, len, _memory: Some(Arc::clone(&memory)) }
        });
        each.collect()
    }
}

impl Default for Buffer {
    fn default() -> Buffer {
        Buffer { first: NonNull::dangling(), len: 0, _memory: None }
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
        // SAFETY: `first` and what follows are floats that `_memory` keeps, or there are none; nobody else has them.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and `self` is borrowed mutably for as long as the slice.
        unsafe { std::slice::from_raw_parts_mut(self.first.as_ptr(), self.len) }
    }
}

/// What buffers share. Nothing is read or written by way of it.
struct Memory {
    values: NonNull<f32>,
    len: usize,
    /// The first cache line that begins in it.
    first: NonNull<f32>,
}

// SAFETY: it is a box of floats that only the last buffer's end touches.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// So many cache lines.
    fn zeros(lines: usize) -> Memory {
        // Zeros of a number come from the system as they are; the floats before the first line are left over.
        let mut values = ManuallyDrop::new(vec![0.0; lines * LINE + LINE - 1].into_boxed_slice());
        let len = values.len();
        let before = values.as_ptr().align_offset(LINE * size_of::<f32>());
        assert!(before < LINE, "the system gives memory that is aligned to floats");
        if len >= LARGE {
            ask_for_large_pages(&mut values);
        }
        let values = NonNull::from(&mut **values).cast();
        // SAFETY: there are LINE − 1 floats more than the lines need.
        Memory { values, len, first: unsafe { values.add(before) } }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        let values = NonNull::slice_from_raw_parts(self.values, self.len);
        // SAFETY: it is the box that `zeros` took apart, and the last buffer in it is gone.
        drop(unsafe { Box::from_raw(values.as_ptr()) });
    }
}

#[cfg(target_os = "linux")]
fn ask_for_large_pages(values: &mut [f32]) {
    const PAGE: usize = 4096;
    let before = values.as_ptr().cast::<u8>().align_offset(PAGE);
    let len = (size_of_val(values) - before) / PAGE * PAGE;
    // SAFETY: whole pages of memory that is ours; the advice changes nothing that a program can see. A system that does not
    // take it says so, and all is as before.
    unsafe { libc::madvise(values.as_mut_ptr().cast::<u8>().add(before).cast(), len, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn ask_for_large_pages(_values: &mut [f32]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_and_their_copies_start_at_cache_lines() {
        for len in [1, 15, 16, 17, 1_000, 2_000_000] {
            let mut buffer = Buffer::zeros(len);
            assert_eq!(buffer.len(), len);
            assert!(buffer.iter().all(|&value| value == 0.0));
            buffer[len - 1] = 1.0;
            for buffer in [buffer.clone(), buffer] {
                assert_eq!(buffer.as_ptr() as usize % 64, 0);
                assert_eq!(buffer[len - 1], 1.0);
            }
        }
    }

    #[test]
    fn buffers_in_one_piece_of_memory_are_apart_and_outlive_each_other() {
        let lens = [3, 0, 16, 33, 0];
        let mut all = Buffer::all(&lens);
        for (index, buffer) in all.iter_mut().enumerate() {
            assert!(buffer.is_empty() || (buffer.as_ptr() as usize).is_multiple_of(64));
            buffer.fill(index as f32);
        }
        let last = all.remove(3);
        assert!(all.iter().map(|buffer| buffer.len()).eq([3, 0, 16, 0]));
        assert_eq!(*all[0], [0.0; 3]);
        assert_eq!(*all[2], [2.0; 16]);
        drop(all);
        assert_eq!(*last, [3.0; 33]);
        assert!(Buffer::all(&[0, 0]).iter().all(|buffer| buffer.is_empty()));
    }
}
