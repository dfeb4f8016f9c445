//! The pictures of a run: opened from where they are, checked against what they were, prepared and split.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use candor_core::{
    Dataset, Image, Preprocessing, Problem, ReadError, Reporter, Sample, SampleId, Seed, Split, Subset,
};
use candor_data::demo;
use candor_data::prepare::{Prepared, prepare};
use candor_data::source::{Source, SourceOptions};
use candor_report::PictureSizes;
use serde::{Deserialize, Serialize};

use crate::error::{Result, WorkflowError};

/// Where the pictures of a run come from, with all that is needed to find them again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceSpec {
    /// The place.
    pub origin: Origin,
    /// How it is read.
    #[serde(default)]
    pub options: SourceOptions,
    /// A second place: what is there is the test split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test: Option<PathBuf>,
    /// Gives every picture the label of another one, drawn by this seed: what can be learned from noise?
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shuffle_labels: Option<Seed>,
}

/// How the pictures inside the binary are asked for where a path is expected.
pub const BUILT_IN: &str = "built-in:fashion-mnist";

/// A place where pictures are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A file or folder.
    Path(PathBuf),
    /// The pictures inside the binary.
    FashionMnist,
}

impl SourceSpec {
    /// The file or folder at `path`, read by its kind's conventions; the pictures inside the binary for [`BUILT_IN`].
    pub fn at(path: impl Into<PathBuf>) -> SourceSpec {
        let path = path.into();
        let built_in = path.as_os_str() == BUILT_IN;
        SourceSpec {
            origin: if built_in { Origin::FashionMnist } else { Origin::Path(path) },
            options: SourceOptions::default(),
            test: None,
            shuffle_labels: None,
        }
    }

    /// The pictures inside the binary.
    pub fn built_in() -> SourceSpec {
        SourceSpec::at(BUILT_IN)
    }

    /// For people.
    pub fn name(&self) -> String {
        match &self.origin {
            Origin::Path(path) => path.display().to_string(),
            Origin::FashionMnist => "Fashion-MNIST (inside candor)".to_owned(),
        }
    }

    /// The last part of the name: a heading.
    pub fn short_name(&self) -> String {
        let short = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        match &self.origin {
            Origin::Path(path) => short(path).unwrap_or_else(|| self.name()),
            Origin::FashionMnist => "Fashion-MNIST".to_owned(),
        }
    }

    /// The same as it is typed: `photos --group-column person`.
    pub fn command(&self) -> String {
        let SourceOptions { kind, class_column, id_column, file_column, url_column, group_column, .. } =
            &self.options;
        let flags = [
            ("kind", kind.clone()),
            ("class-column", class_column.clone()),
            ("id-column", id_column.clone()),
            ("file-column", file_column.clone()),
            ("url-column", url_column.clone()),
            ("group-column", group_column.clone()),
            ("split-column", self.options.split_column.clone()),
            ("class-names", Some(self.options.class_names.join(",")).filter(|names| !names.is_empty())),
            ("pixel-max", self.options.pixel_max.map(|max| max.to_string())),
            ("test-source", self.test.as_ref().map(|path| path.display().to_string())),
            ("shuffle-labels", self.shuffle_labels.map(|seed| seed.0.to_string())),
        ];
        let place = match &self.origin {
            Origin::Path(path) => quoted(&path.display().to_string()),
            Origin::FashionMnist => BUILT_IN.to_owned(),
        };
        let typed =
            flags.into_iter().filter_map(|(flag, value)| Some(format!(" --{flag} {}", quoted(&value?))));
        place + &typed.collect::<String>()
    }

    /// The same with paths that hold from any working directory.
    pub fn absolute(&self) -> SourceSpec {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let origin = match &self.origin {
            Origin::Path(path) => Origin::Path(absolute(path)),
            Origin::FashionMnist => Origin::FashionMnist,
        };
        SourceSpec { origin, test: self.test.as_ref().map(absolute), ..self.clone() }
    }
}

/// As a shell takes it for one word.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./,=:+@%".contains(c);
    match !text.is_empty() && text.chars().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

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

    /// Prepares every picture for `input`, and keeps only those that could be read.
    ///
    /// # Errors
    /// When the person asked to stop, or nothing could be read.
    pub fn prepare(&mut self, input: Preprocessing, reporter: &dyn Reporter) -> Result<Prepared> {
        if let Ok(sizes) = self.sizes.get_mut() {
            sizes.clear();
        }
        let prepared = prepare(self, input, reporter)?;
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

/// `source.json`: where the pictures came from, and what they were.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Paths are absolute.
    #[serde(flatten)]
    pub spec: SourceSpec,
    /// The kind of source.
    pub kind: String,
    /// Class names, in the order of the labels.
    pub classes: Vec<String>,
    /// Pictures that were read.
    pub pictures: usize,
    /// SHA-256 over the ids and classes of all pictures, in order.
    pub fingerprint: SampleId,
    /// Whether the run is to be judged and reported once it is trained (`candor study`).
    pub study: bool,
}

/// SHA-256 over the ids and classes of all samples, in order.
pub fn fingerprint(samples: &[Sample]) -> SampleId {
    let mut text = String::with_capacity(samples.len() * 68);
    for sample in samples {
        text.push_str(&format!("{} {}\n", sample.id, sample.class));
    }
    SampleId::of(text.as_bytes())
}

/// `split.json`: which picture is in which subset, by index and by id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// Indices into the pictures that could be read.
    pub indices: Split,
    /// The same as ids: these hold when pictures come and go.
    pub ids: BTreeMap<Subset, Vec<SampleId>>,
}

impl SplitRecord {
    /// Of `split` over `samples`.
    pub fn new(split: Split, samples: &[Sample]) -> SplitRecord {
        let ids = |subset| split.indices(subset).iter().map(|&index| samples[index].id).collect();
        let ids = Subset::ALL.into_iter().map(|subset| (subset, ids(subset))).collect();
        SplitRecord { indices: split, ids }
    }

    /// Finds the split's pictures among `samples` by their ids; says how many are gone and how many are new.
    pub fn find_in(&self, samples: &[Sample]) -> (Split, Difference) {
        let mut places: HashMap<SampleId, Vec<usize>> = HashMap::new();
        // Backwards, so that of equal pictures the first is taken first.
        samples.iter().enumerate().rev().for_each(|(index, s)| places.entry(s.id).or_default().push(index));
        let mut gone = 0;
        let [train, validation, test] = Subset::ALL.map(|subset| {
            let ids = self.ids.get(&subset).map_or(&[][..], Vec::as_slice);
            let found = ids.iter().filter_map(|id| {
                let place = places.get_mut(id).and_then(Vec::pop);
                gone += usize::from(place.is_none());
                place
            });
            let mut indices: Vec<usize> = found.collect();
            indices.sort_unstable();
            indices
        });
        let split = Split { train, validation, test };
        let new = samples.len() - split.len();
        (split, Difference { gone, new })
    }
}

/// How pictures differ from those that a run began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Pictures that are no longer there.
    pub gone: usize,
    /// Pictures that were not there.
    pub new: usize,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Difference { gone: 0, new: 0 } => f.write_str("they are in another order or class"),
            Difference { gone, new } => write!(f, "{gone} are gone or changed, {new} are new"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(names: &str) -> Vec<Sample> {
        let sample = |name: char| Sample {
            id: SampleId::of(name.to_string().as_bytes()),
            class: 0,
            group: None,
            provenance: Default::default(),
            attributes: Default::default(),
        };
        names.chars().map(sample).collect()
    }

    #[test]
    fn a_split_is_found_again_by_ids() {
        let split = Split { train: vec![0, 1], validation: vec![2], test: vec![3] };
        let record = SplitRecord::new(split.clone(), &samples("aabc"));
        let found = |names| record.find_in(&samples(names));
        assert_eq!(found("aabc"), (split, Difference { gone: 0, new: 0 }));
        let moved = Split { train: vec![1, 3], validation: vec![2], test: vec![] };
        assert_eq!(found("xaba"), (moved, Difference { gone: 1, new: 1 }));
    }

    #[test]
    fn a_source_is_told_as_it_is_typed() {
        let mut spec = SourceSpec::at("my photos/o'clock");
        spec.options.class_names = vec!["a".into(), "b".into()];
        spec.shuffle_labels = Some(Seed(3));
        let expected = "'my photos/o'\\''clock' --class-names a,b --shuffle-labels 3";
        assert_eq!(spec.command(), expected);
    }

    #[test]
    fn the_fingerprint_sees_ids_classes_and_order() {
        let one = samples("ab");
        let mut relabelled = one.clone();
        relabelled[1].class = 1;
        let all = [&one, &samples("ba"), &samples("a"), &relabelled].map(|s| fingerprint(s));
        assert!((1..4).all(|other| all[other] != all[0]));
        assert_eq!(fingerprint(&samples("ab")), all[0]);
    }
}
