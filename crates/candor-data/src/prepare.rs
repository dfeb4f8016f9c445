//! Decodes and resizes a whole data set on all cores, once, into one block of bytes that training reads from.

use std::sync::atomic::{AtomicU64, Ordering};

use candor_core::{
    Channels, Dataset, Image, Preprocessing, Problem, Progress, ReadError, Reporter, Sample, Stage,
};
use rayon::prelude::*;
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

impl Survey {
    fn of(seen: &[Seen]) -> Survey {
        let sorted = |side: fn(&Seen) -> usize| {
            let mut sides: Vec<usize> = seen.iter().map(side).collect();
            sides.sort_unstable();
            sides
        };
        let (widths, heights) = (sorted(|seen| seen.width), sorted(|seen| seen.height));
        let median = |sides: &[usize]| sides.get(sides.len().saturating_sub(1) / 2).copied().unwrap_or(0);
        Survey {
            pictures: seen.len(),
            median_width: median(&widths),
            median_height: median(&heights),
            min_width: widths.first().copied().unwrap_or(0),
            min_height: heights.first().copied().unwrap_or(0),
            all_grey: seen.iter().all(|seen| seen.grey),
            one_size: widths.first() == widths.last() && heights.first() == heights.last(),
        }
    }
}

/// What one picture is like.
struct Seen {
    width: usize,
    height: usize,
    grey: bool,
}

impl Seen {
    fn of(image: &Image) -> Seen {
        Seen { width: image.width(), height: image.height(), grey: is_grey(image) }
    }
}

/// Levels by which the red, green and blue of a grey picture may differ.
const GREY_TOLERANCE: u8 = 8;

fn is_grey(image: &Image) -> bool {
    let levels = |pixel: &[u8]| pixel.iter().max().zip(pixel.iter().min()).map_or(0, |(max, min)| max - min);
    image.channels() == Channels::Grey
        || image.pixels().chunks_exact(3).all(|pixel| levels(pixel) <= GREY_TOLERANCE)
}

/// Reads at most this many pictures in a [`survey`], evenly spread over the data set.
pub const SURVEY_PICTURES: usize = 256;

/// Looks at up to [`SURVEY_PICTURES`] pictures of `dataset`. Unreadable ones are passed over (preparing reports them).
///
/// # Errors
/// When the person asked to stop.
pub fn survey(dataset: &dyn Dataset, reporter: &dyn Reporter) -> Result<Survey, Cancelled> {
    let all = dataset.samples().len();
    let looked_at = all.min(SURVEY_PICTURES);
    let look = |at: usize| {
        let seen = dataset.image(at * all / looked_at).ok().as_ref().map(Seen::of);
        (!reporter.cancelled()).then_some(seen)
    };
    let seen: Option<Vec<Option<Seen>>> = (0..looked_at).into_par_iter().map(look).collect();
    let seen: Vec<Seen> = seen.ok_or(Cancelled)?.into_iter().flatten().collect();
    Ok(Survey::of(&seen))
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
    let (samples, bytes) = (dataset.samples(), preprocessing.bytes());
    let (done, total) = (AtomicU64::new(0), samples.len() as u64);
    let mut pixels = vec![0; samples.len() * bytes];
    let read: Option<Vec<Result<Seen, ReadError>>> = pixels
        .par_chunks_exact_mut(bytes)
        .enumerate()
        .map(|(index, out)| {
            if reporter.cancelled() {
                return None;
            }
            let seen = dataset.image(index).map(|image| {
                out.copy_from_slice(preprocessing.apply(&image).pixels());
                Seen::of(&image)
            });
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            reporter.progress(Progress { stage: Stage::Decode, done, total, message: String::new() });
            Some(seen)
        })
        .collect();
    Ok(gather(samples, preprocessing, pixels, read.ok_or(Cancelled)?, reporter))
}

/// Closes the gaps that unreadable pictures leave.
fn gather(
    samples: &[Sample],
    preprocessing: Preprocessing,
    mut pixels: Vec<u8>,
    read: Vec<Result<Seen, ReadError>>,
    reporter: &dyn Reporter,
) -> Prepared {
    let bytes = preprocessing.bytes();
    let (mut kept, mut seen, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (index, result) in read.into_iter().enumerate() {
        match result {
            Ok(picture) => {
                pixels.copy_within(index * bytes..(index + 1) * bytes, kept.len() * bytes);
                kept.push(index);
                seen.push(picture);
            }
            Err(ReadError { place, reason }) => {
                let problem = Problem { place, reason };
                reporter.problem(problem.clone());
                problems.push(problem);
            }
        }
    }
    pixels.truncate(kept.len() * bytes);
    let samples = kept.iter().map(|&index| samples[index].clone()).collect();
    Prepared { preprocessing, pixels, samples, kept, problems, survey: Survey::of(&seen) }
}

#[cfg(test)]
mod tests {
    use candor_core::{Fit, Provenance, SampleId, Silent};

    use super::*;

    /// Sample `i` is a picture of `i + 1` columns filled with `i`; every third cannot be read.
    struct Fake {
        samples: Vec<Sample>,
    }

    impl Fake {
        fn new(pictures: usize) -> Fake {
            let sample = |i: usize| Sample {
                id: SampleId::of(&i.to_le_bytes()),
                class: i % 2,
                group: None,
                provenance: Provenance { file: i.to_string(), ..Provenance::default() },
                attributes: Default::default(),
            };
            Fake { samples: (0..pictures).map(sample).collect() }
        }
    }

    impl Dataset for Fake {
        fn classes(&self) -> &[String] {
            &[]
        }

        fn samples(&self) -> &[Sample] {
            &self.samples
        }

        fn image(&self, index: usize) -> Result<Image, ReadError> {
            if index % 3 == 2 {
                return Err(ReadError { place: index.to_string(), reason: "is broken".to_owned() });
            }
            Ok(Image::filled(index + 1, 4, Channels::Grey, index as u8))
        }
    }

    const INPUT: Preprocessing =
        Preprocessing { height: 2, width: 2, channels: Channels::Grey, fit: Fit::Stretch };

    #[test]
    fn what_cannot_be_read_leaves_no_gap_and_is_listed_in_order() {
        let prepared = prepare(&Fake::new(100), INPUT, &Silent).unwrap();
        let readable: Vec<usize> = (0..100).filter(|i| i % 3 != 2).collect();
        assert_eq!(prepared.kept, readable);
        assert_eq!((prepared.len(), prepared.problems.len()), (67, 33));
        assert_eq!(prepared.problems[1], Problem { place: "5".into(), reason: "is broken".into() });
        for (at, &index) in readable.iter().enumerate() {
            assert_eq!(prepared.image(at), [index as u8; 4]);
            assert_eq!(prepared.samples[at].provenance.file, index.to_string());
        }
        assert_eq!((prepared.survey.pictures, prepared.survey.min_width), (67, 1));
        assert_eq!((prepared.survey.median_width, prepared.survey.median_height), (50, 4));
        assert!(prepared.survey.all_grey && !prepared.survey.one_size);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| prepare(&Fake::new(200), INPUT, &Silent).unwrap())
        };
        let (one, four) = (on(1), on(4));
        assert_eq!((one.pixels, one.kept, one.problems), (four.pixels, four.kept, four.problems));
    }

    #[test]
    fn a_stop_is_heeded() {
        struct Stop;
        impl Reporter for Stop {
            fn progress(&self, _: Progress) {}
            fn problem(&self, _: Problem) {}
            fn note(&self, _: &str) {}
            fn cancelled(&self) -> bool {
                true
            }
        }
        assert_eq!(prepare(&Fake::new(3), INPUT, &Stop).unwrap_err(), Cancelled);
        assert_eq!(survey(&Fake::new(3), &Stop), Err(Cancelled));
        assert_eq!(survey(&Fake::new(0), &Silent).unwrap().pictures, 0);
    }

    #[test]
    fn grey_allows_for_the_rounding_of_a_jpeg() {
        let rgb = |pixels: &[u8]| Image::new(pixels.len() / 3, 1, Channels::Rgb, pixels.to_vec()).unwrap();
        assert!(is_grey(&rgb(&[10, 12, 9, 200, 200, 208])));
        assert!(!is_grey(&rgb(&[10, 12, 9, 200, 200, 209])));
    }
}
