//! Pictures with one known fault, to measure the checks on: what should be found, is it found; and where there is nothing
//! to find, is it quiet?
//!
//! Faults come from real mechanisms (a camera's sensor, a JPEG encoder, a burst that a split tears apart) and are put into any
//! pictures: photographs, digits, or drawn ones ([`clean`]). [`Fault::plant`] puts one in. [`scenarios`] holds whole data sets
//! with a list of what would be false of them. Everything depends on the seed.

mod drawn;
mod fault;
mod picture;
pub mod scenarios;

use std::collections::BTreeMap;

use candor_core::{Dataset, Image, Provenance, ReadError, Sample, SampleId, Seed, Split, Subset};

use super::Facts;
use crate::Units;

pub use drawn::clean;
pub use fault::{Fault, Half};

/// Pictures, labels and a split, with or without a fault.
#[derive(Clone, Debug)]
pub struct Planted {
    classes: Vec<String>,
    samples: Vec<Sample>,
    images: Vec<Image>,
    /// The bytes of each picture's own file, where the fault is in the file.
    files: Vec<Option<Vec<u8>>>,
    /// Which pictures are for training, validation and test.
    pub split: Split,
    /// The samples whose label was changed.
    pub relabelled: Vec<usize>,
}

impl Dataset for Planted {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn samples(&self) -> &[Sample] {
        &self.samples
    }

    fn image(&self, index: usize) -> Result<Image, ReadError> {
        Ok(self.images[index].clone())
    }
}

impl Planted {
    /// Any pictures with their classes, split by class and seed.
    pub fn of(classes: Vec<String>, pictures: Vec<(Image, usize)>, seed: Seed) -> Planted {
        let sample = |(index, (image, class)): (usize, &(Image, usize))| Sample {
            id: SampleId::of(image.pixels()),
            class: *class,
            group: None,
            provenance: Provenance { file: "planted".into(), row: Some(index as u64), url: None },
            attributes: BTreeMap::new(),
        };
        let samples: Vec<Sample> = pictures.iter().enumerate().map(sample).collect();
        let split = split(&samples, classes.len(), seed);
        let images: Vec<Image> = pictures.into_iter().map(|(image, _)| image).collect();
        Planted { classes, files: vec![None; images.len()], samples, images, split, relabelled: Vec::new() }
    }

    /// The picture at `index`.
    pub fn picture(&self, index: usize) -> &Image {
        &self.images[index]
    }

    /// The bytes of the file of the picture at `index`, where it has one of its own.
    pub fn file(&self, index: usize) -> Option<&[u8]> {
        self.files[index].as_deref()
    }

    /// What is known of each original.
    pub fn facts(&self) -> Vec<Facts> {
        self.images.iter().zip(&self.files).map(|(image, file)| Facts::of(image, file.as_deref())).collect()
    }

    /// The class of every picture.
    pub fn labels(&self) -> Vec<usize> {
        self.samples.iter().map(|sample| sample.class).collect()
    }

    /// How many pictures there are.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    fn put(&mut self, index: usize, image: Image) {
        self.samples[index].id = SampleId::of(image.pixels());
        self.images[index] = image;
    }

    /// Changes every picture, knowing its place and class.
    fn change(&mut self, mut change: impl FnMut(usize, usize, &Image) -> Image) {
        for index in 0..self.len() {
            let image = change(index, self.samples[index].class, &self.images[index]);
            self.put(index, image);
        }
    }

    fn put_file(&mut self, index: usize, (image, file): (Image, Vec<u8>)) {
        self.samples[index].id = SampleId::of(&file);
        self.images[index] = image;
        self.files[index] = Some(file);
    }

    /// Gives each sample a column's value.
    fn attribute(&mut self, column: &str, mut value: impl FnMut(usize) -> String) {
        for (index, sample) in self.samples.iter_mut().enumerate() {
            sample.attributes.insert(column.to_owned(), value(index));
        }
    }

    /// Splits again, keeping together what belongs together: whole units go into the three subsets.
    fn split_by_unit(&mut self, seed: Seed) {
        let units = Units::of(&self.samples, &[]);
        let all: Vec<usize> = (0..self.len()).collect();
        let mut members = units.members(&all);
        seed.derive("units").rng().shuffle(&mut members);
        let mut split = Split::default();
        for unit in members {
            let full = |part: &[usize], share: f64| part.len() as f64 >= share * self.len() as f64;
            match (full(&split.test, 0.2), full(&split.validation, 0.1)) {
                (false, _) => split.test.extend(unit),
                (true, false) => split.validation.extend(unit),
                (true, true) => split.train.extend(unit),
            }
        }
        self.split = sorted(split);
    }
}

/// Shares of 70, 10 and 20 % of each class.
fn split(samples: &[Sample], classes: usize, seed: Seed) -> Split {
    let mut split = Split::default();
    for class in 0..classes {
        let mut own: Vec<usize> = (0..samples.len()).filter(|&index| samples[index].class == class).collect();
        seed.derive("split").at(class as u64).rng().shuffle(&mut own);
        let (validation, test) = (own.len() / 10, own.len() / 5);
        split.test.extend(own.drain(..test));
        split.validation.extend(own.drain(..validation));
        split.train.extend(own);
    }
    sorted(split)
}

fn sorted(mut split: Split) -> Split {
    Subset::ALL.into_iter().for_each(|subset| match subset {
        Subset::Train => split.train.sort_unstable(),
        Subset::Validation => split.validation.sort_unstable(),
        Subset::Test => split.test.sort_unstable(),
    });
    split
}
