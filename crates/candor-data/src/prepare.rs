//! Decodes and resizes a whole data set on all cores, once, into one block of bytes that training reads from.

use candor_core::{Dataset, Preprocessing, Problem, Reporter, Sample};
use serde::Serialize;
use thiserror::Error;

/// The person asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("stopped before all pictures were read")]
pub struct Cancelled;

/// Pictures in the size and colour of a model's input.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// What was done to each picture.
    pub preprocessing: Preprocessing,
    /// All pictures, one after another, [`Preprocessing::bytes`] each, in NHWC order.
    pub pixels: Vec<u8>,
    /// The samples that could be read, in the data set's order; picture `i` belongs to sample `i`.
    pub samples: Vec<Sample>,
    /// For each of `samples`, its index in the data set: ascending. Hand it to `Source::retain`.
    pub kept: Vec<usize>,
    /// Pictures that could not be read, in the data set's order. They were reported too.
    pub problems: Vec<Problem>,
    /// Sizes and colour of the originals that were read.
    pub survey: Survey,
}

impl Prepared {
    /// Pictures that were read.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether nothing could be read.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The bytes of picture `index`: height × width × channels.
    ///
    /// # Panics
    /// When there is no such picture.
    pub fn image(&self, index: usize) -> &[u8] {
        let bytes = self.preprocessing.bytes();
        &self.pixels[index * bytes..(index + 1) * bytes]
    }

    /// The class of every sample, in order.
    pub fn labels(&self) -> Vec<usize> {
        self.samples.iter().map(|sample| sample.class).collect()
    }
}

/// What the originals are like, for choosing a model's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Survey {
    /// How many pictures were looked at and could be read.
    pub pictures: usize,
    /// Half of the pictures are at most this wide, in pixels. 0 when there are none.
    pub median_width: usize,
    /// Half of the pictures are at most this high, in pixels.
    pub median_height: usize,
    /// The narrowest width, in pixels.
    pub min_width: usize,
    /// The lowest height, in pixels.
    pub min_height: usize,
    /// Whether every picture is grey: stored as grey, or its red, green and blue differ by 8 levels at most
    /// (which a grey picture saved as a colour JPEG keeps to).
    pub all_grey: bool,
    /// Whether every picture has the same width and height.
    pub one_size: bool,
}

/// Reads at most this many pictures in a [`survey`], evenly spread over the data set.
pub const SURVEY_PICTURES: usize = 256;

/// Looks at up to [`SURVEY_PICTURES`] pictures of `dataset`. Unreadable ones are passed over (preparing reports them).
///
/// # Errors
/// When the person asked to stop.
pub fn survey(dataset: &dyn Dataset, reporter: &dyn Reporter) -> Result<Survey, Cancelled> {
    let _ = (dataset, reporter);
    todo!()
}

/// Reads, decodes and resizes every picture of `dataset` on all cores of the current rayon pool. The order is the
/// data set's; what cannot be read is reported, counted and left out.
///
/// # Errors
/// When the person asked to stop.
pub fn prepare(
    dataset: &dyn Dataset,
    preprocessing: Preprocessing,
    reporter: &dyn Reporter,
) -> Result<Prepared, Cancelled> {
    let _ = (dataset, preprocessing, reporter);
    todo!()
}
