//! The pictures of a run: opened from where they are, checked against what they were, prepared and split.

mod record;
mod spec;
mod together;

use std::path::Path;
use std::sync::Mutex;

use candor_core::{Dataset, Image, Preprocessing, Problem, ReadError, Reporter, Sample, Seed, Subset};
use candor_data::demo;
use candor_data::prepare::{Prepared, prepare};
use candor_data::source::Source;
use candor_report::PictureSizes;

use crate::error::{Result, WorkflowError};

pub use record::{Difference, SourceRecord, SplitRecord, fingerprint};
pub(crate) use spec::quoted;
pub use spec::{BUILT_IN, Origin, SourceSpec};
pub(crate) use together::{Together, write as groups_table};

/// Samples from one or two sources, as one data set.
pub struct Pictures {
    kind: &'static str,
    parts: Vec<Source>,
    /// Which sample of which part.
    places: Vec<(usize, usize)>,
    classes: Vec<String>,
    samples: Vec<Sample>,
    predefined: Option<Vec<Subset>>,
    problems: Vec<Problem>,
    /// What a table beside the pictures keeps together.
    together: Together,
    /// Width and height of the originals that were read.
    sizes: Mutex<Vec<(usize, usize)>>,
}

impl Pictures {
    /// Opens what `spec` names.
    ///
    /// # Errors
    /// When a place is no source of pictures, or the second one has classes that the first has not.
    pub fn open(spec: &SourceSpec, reporter: &dyn Reporter) -> Result<Pictures> {
        let first = match &spec.origin {
            Origin::Path(path) => Source::open(path, &spec.options, reporter)?,
            Origin::FashionMnist => demo::fashion_mnist(),
        };
        let mut pictures = Pictures::of(first);
        if let Some(path) = &spec.test {
            pictures.add_test(path, Source::open(path, &spec.options, reporter)?)?;
        }
        if let Some(path) = &spec.groups {
            pictures.together = together::read(path)?;
        }
        if let Some(seed) = spec.shuffle_labels {
            pictures.shuffle_labels(seed);
        }
        Ok(pictures)
    }

    fn of(source: Source) -> Pictures {
        Pictures {
            kind: source.kind(),
            places: (0..source.samples().len()).map(|index| (0, index)).collect(),
            classes: source.classes().to_vec(),
            samples: source.samples().to_vec(),
            predefined: source.predefined().map(<[_]>::to_vec),
            problems: source.problems().to_vec(),
            parts: vec![source],
            together: Together::new(),
            sizes: Mutex::default(),
        }
    }

    /// Adds `source` as the test split; what the first source says of test pictures becomes training pictures.
    fn add_test(&mut self, path: &Path, source: Source) -> Result<()> {
        let class_of = classes_among(source.classes(), &self.classes, path)?;
        let (old, new) = (self.samples.len(), source.samples().len());
        let mut subsets = self.predefined.take().unwrap_or_else(|| vec![Subset::Train; old]);
        subsets
            .iter_mut()
            .filter(|subset| **subset == Subset::Test)
            .for_each(|subset| *subset = Subset::Train);
        subsets.resize(old + new, Subset::Test);
        let samples = source.samples().iter().cloned();
        self.samples.extend(samples.map(|sample| Sample { class: class_of[sample.class], ..sample }));
        self.places.extend((0..new).map(|index| (1, index)));
        self.problems.extend_from_slice(source.problems());
        self.predefined = Some(subsets);
        self.parts.push(source);
        Ok(())
    }

    fn shuffle_labels(&mut self, seed: Seed) {
        let mut labels: Vec<usize> = self.samples.iter().map(|sample| sample.class).collect();
        seed.derive("labels").rng().shuffle(&mut labels);
        self.samples.iter_mut().zip(labels).for_each(|(sample, label)| sample.class = label);
    }

    /// What kind of source it is, by its name in `candor_data::source::KINDS`.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The subset of each sample, where the source says so.
    pub fn predefined(&self) -> Option<&[Subset]> {
        self.predefined.as_deref()
    }

    /// Which of the places in [`SourceSpec::places`] the sample at `index` is from.
    pub fn place_of(&self, index: usize) -> usize {
        self.places[index].0
    }

    /// What was left out while listing.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How large the originals are, once they are prepared.
    pub fn sizes(&self) -> Option<PictureSizes> {
        let mut sizes = self.sizes.lock().ok()?.clone();
        sizes.sort_unstable_by_key(|&(width, height)| (width * height, width));
        let (smallest, largest) = (*sizes.first()?, *sizes.last()?);
        Some(PictureSizes { smallest, median: sizes[sizes.len() / 2], largest })
    }

    /// The file that the sample at `index` is, where each picture has one of its own.
    pub fn file(&self, index: usize) -> Option<&Path> {
        let (part, index) = self.places[index];
        self.parts[part].file(index)
    }

    /// Prepares every picture for `input`, and keeps only those that could be read.
    ///
    /// # Errors
    /// When the person asked to stop, or nothing could be read.
    pub fn prepare(&mut self, input: Preprocessing, reporter: &dyn Reporter) -> Result<Prepared> {
        if let Ok(sizes) = self.sizes.get_mut() {
            sizes.clear();
        }
        let mut prepared = prepare(self, input, reporter)?;
        for sample in &mut prepared.samples {
            let group = self.together.get(&sample.id).cloned();
            sample.group = group.or(sample.group.take());
        }
        self.problems.extend_from_slice(&prepared.problems);
        self.samples.clone_from(&prepared.samples);
        self.places = prepared.kept.iter().map(|&index| self.places[index]).collect();
        if let Some(subsets) = &mut self.predefined {
            *subsets = prepared.kept.iter().map(|&index| subsets[index]).collect();
        }
        match self.samples.is_empty() {
            true => Err(WorkflowError::EmptySubset { subset: Subset::Train }),
            false => Ok(prepared),
        }
    }
}

/// The place of each of `classes` among the `known` ones, by name. `path` is where they come from.
pub(crate) fn classes_among(classes: &[String], known: &[String], path: &Path) -> Result<Vec<usize>> {
    let place = |class: &String| {
        known.iter().position(|other| other == class).ok_or_else(|| WorkflowError::UnknownClass {
            path: path.to_owned(),
            class: class.clone(),
            known: known.join(", "),
        })
    };
    classes.iter().map(place).collect()
}

impl Dataset for Pictures {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn samples(&self) -> &[Sample] {
        &self.samples
    }

    fn image(&self, index: usize) -> std::result::Result<Image, ReadError> {
        let (part, index) = self.places[index];
        let image = self.parts[part].image(index)?;
        if let Ok(mut sizes) = self.sizes.lock() {
            sizes.push((image.width(), image.height()));
        }
        Ok(image)
    }
}
