//! What samples are read from. One file a kind of source, all of them listed in [`KINDS`].
//!
//! To add a kind: a file with its `KIND` (how it is recognised, how it is read into a listing), and a line in [`KINDS`].

mod cifar;
mod class_folders;
mod croissant;
mod error;
mod files;
pub(crate) mod idx;
mod index_csv;
mod listing;
mod netpbm;
mod packed;
mod pixel_csv;
mod study;
mod table;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candor_core::{
    Channels, Dataset, Image, Problem, Provenance, ReadError, Reporter, Sample, SampleId, Subset,
};
use serde::{Deserialize, Serialize};

pub use cifar::CIFAR10_CLASSES;
pub use error::{SourceError, SourceErrorKind};
pub use table::Table;

use crate::decode::{Limits, decode};
use listing::Listing;

/// How a source is to be read. The defaults suit a source that follows its kind's conventions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SourceOptions {
    /// The kind, by its name in [`KINDS`]; recognised from what is there when `None`.
    pub kind: Option<String>,
    /// The column that holds the class (`category` in an index, `target` in a pixel CSV).
    pub class_column: Option<String>,
    /// The column that holds the id by which a picture's file is found (`id`).
    pub id_column: Option<String>,
    /// The column that holds the path of the picture's file (`file` or `path`).
    pub file_column: Option<String>,
    /// The column that holds the address the picture came from (`image_url`).
    pub url_column: Option<String>,
    /// The column that says what must not be torn apart by a split; no groups when `None`.
    pub group_column: Option<String>,
    /// The column that holds `train`, `validation` or `test`; no predefined split when `None`.
    pub split_column: Option<String>,
    /// The faces that were cut out of a study's pictures, in their place.
    pub crops: bool,
    /// The name of a study's split; `main`, where there is one, when `None`.
    pub split: Option<String>,
    /// All pictures below a folder are of this class; the folders say so when `None`.
    pub class: Option<String>,
    /// Names of the classes 0, 1, 2 ... where the source numbers them (pixel CSV, IDX, CIFAR-10).
    pub class_names: Vec<String>,
    /// The value that means white in a pixel CSV, above 0; 255, with whole numbers only, when `None`.
    pub pixel_max: Option<f64>,
    /// What a picture may cost.
    pub limits: Limits,
}

/// One kind of source.
pub struct SourceKind {
    /// What it is called in [`SourceOptions::kind`].
    pub name: &'static str,
    /// What it looks like, in a line.
    pub summary: &'static str,
    recognises: fn(&Path, &SourceOptions) -> bool,
    read: fn(&Path, &SourceOptions, &dyn Reporter) -> Result<Listing, SourceError>,
}

impl fmt::Debug for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceKind").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Every kind of source, in the order in which they are tried: any folder passes for class folders, so they come last.
pub static KINDS: [&SourceKind; 10] = [
    &study::KIND,
    &packed::PARQUET,
    &packed::WEB_DATASET,
    &packed::ARCHIVE,
    &idx::KIND,
    &cifar::KIND,
    &index_csv::KIND,
    &pixel_csv::KIND,
    &croissant::KIND,
    &class_folders::KIND,
];

/// Samples that can be read, with their classes.
#[derive(Clone)]
pub struct Source {
    kind: &'static str,
    classes: Vec<String>,
    samples: Vec<Sample>,
    predefined: Option<Vec<Subset>>,
    problems: Vec<Problem>,
    pictures: Pictures,
}

/// Where the pictures of a source are, one for each sample.
#[derive(Clone)]
enum Pictures {
    /// Files, decoded when they are asked for.
    Files { paths: Vec<PathBuf>, limits: Limits },
    /// Files that were unpacked for as long as the source lives.
    Unpacked { paths: Vec<PathBuf>, limits: Limits, _folder: Arc<tempfile::TempDir> },
    /// Pictures of one size in memory, shared by clones; sample `i` is the `rows[i]`-th of them.
    Memory { width: usize, height: usize, channels: Channels, pixels: Arc<Vec<u8>>, rows: Vec<usize> },
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("kind", &self.kind)
            .field("classes", &self.classes)
            .field("samples", &self.samples.len())
            .field("problems", &self.problems.len())
            .finish_non_exhaustive()
    }
}

impl Source {
    /// Recognises what `path` is (or takes [`SourceOptions::kind`]'s word for it) and lists its samples: sorted, so
    /// that every machine lists them alike. What cannot be read is reported, kept in [`Source::problems`] and left out.
    /// Files are hashed here and decoded in [`Dataset::image`].
    ///
    /// # Errors
    /// When `path` is nothing candor knows, or holds no pictures, or pictures of one class only.
    pub fn open(
        path: &Path,
        options: &SourceOptions,
        reporter: &dyn Reporter,
    ) -> Result<Source, SourceError> {
        let source = Source::open_part(path, options, reporter)?;
        match source.classes.as_slice() {
            [class] => Err(SourceError::new(path, SourceErrorKind::OneClass { class: class.clone() })),
            _ => Ok(source),
        }
    }

    /// The same for pictures that are to join others: one class is enough.
    ///
    /// # Errors
    /// When `path` is nothing candor knows, or holds no pictures.
    pub fn open_part(
        path: &Path,
        options: &SourceOptions,
        reporter: &dyn Reporter,
    ) -> Result<Source, SourceError> {
        let failed = |kind| Err(SourceError::new(path, kind));
        if !path.exists() {
            return failed(SourceErrorKind::NotFound);
        }
        let kind = match &options.kind {
            Some(asked) => KINDS.iter().find(|kind| kind.name == asked.as_str()),
            None => recognised(path, options),
        };
        match (kind, &options.kind) {
            (Some(kind), _) => (kind.read)(path, options, reporter)?.into_source(kind.name, path),
            (None, Some(asked)) => {
                let known = KINDS.map(|kind| kind.name).join(", ");
                failed(SourceErrorKind::UnknownKind { asked: asked.clone(), known })
            }
            (None, None) => failed(SourceErrorKind::NotRecognised { what: what_else(path) }),
        }
    }

    /// A source of pictures of one size that are in memory already: `pixels` holds one after another, each
    /// `height × width × channels` bytes, with one label each.
    ///
    /// # Panics
    /// When the numbers of pixels and labels do not fit, or a label has no class.
    pub fn in_memory(
        name: &str,
        classes: &[&str],
        labels: &[usize],
        (height, width, channels): (usize, usize, Channels),
        pixels: Vec<u8>,
    ) -> Source {
        let bytes = height * width * channels.count();
        assert_eq!(pixels.len(), bytes * labels.len(), "one picture of {bytes} bytes for each label");
        let sample = |(row, (&class, pixels)): (usize, (&usize, &[u8]))| {
            assert!(class < classes.len(), "label {class} has no class");
            let provenance = Provenance { file: name.to_owned(), row: Some(row as u64), url: None };
            Sample {
                id: SampleId::of(pixels),
                class,
                group: None,
                provenance,
                attributes: Default::default(),
            }
        };
        Source {
            kind: "memory",
            classes: classes.iter().map(|&class| class.to_owned()).collect(),
            samples: labels.iter().zip(pixels.chunks_exact(bytes)).enumerate().map(sample).collect(),
            predefined: None,
            problems: Vec::new(),
            pictures: listing::in_memory(width, height, channels, pixels),
        }
    }

    /// The name of its kind.
    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The subset of each sample, where the source itself says so (folders `train` and `test`, IDX `train` and `t10k`).
    pub fn predefined(&self) -> Option<&[Subset]> {
        self.predefined.as_deref()
    }

    /// What was left out while listing.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Keeps only the samples at the given indices: after it, index `i` is the sample that was at `kept[i]`. Classes
    /// stay as they are.
    ///
    /// # Panics
    /// When an index does not exist.
    pub fn retain(&mut self, kept: &[usize]) {
        self.samples = pick(&self.samples, kept);
        if let Some(subsets) = &mut self.predefined {
            *subsets = pick(subsets, kept);
        }
        match &mut self.pictures {
            Pictures::Files { paths, .. } | Pictures::Unpacked { paths, .. } => *paths = pick(paths, kept),
            Pictures::Memory { rows, .. } => *rows = pick(rows, kept),
        }
    }

    /// The file that the sample at `index` is, where each picture has one of its own.
    pub fn file(&self, index: usize) -> Option<&Path> {
        match &self.pictures {
            Pictures::Files { paths, .. } => Some(&paths[index]),
            Pictures::Unpacked { .. } | Pictures::Memory { .. } => None,
        }
    }

    /// The bytes of the original: those of the file, or the pixels as a Netpbm file where there is none.
    ///
    /// # Errors
    /// When the file cannot be read, or has changed since it was listed.
    pub fn original(&self, index: usize) -> Result<Vec<u8>, ReadError> {
        match &self.pictures {
            Pictures::Files { paths, .. } | Pictures::Unpacked { paths, .. } => {
                self.read_bytes(index, &paths[index])
            }
            Pictures::Memory { .. } => Ok(netpbm::encode(&self.image(index)?)),
        }
    }

    fn failed(&self, index: usize, reason: String) -> ReadError {
        ReadError { place: self.samples[index].provenance.to_string(), reason }
    }

    fn read_bytes(&self, index: usize, path: &Path) -> Result<Vec<u8>, ReadError> {
        let bytes = fs::read(path).map_err(|error| self.failed(index, format!("cannot be read: {error}")))?;
        if SampleId::of(&bytes) != self.samples[index].id {
            return Err(self.failed(index, "has changed since it was listed: start again".to_owned()));
        }
        Ok(bytes)
    }

    fn read_file(&self, index: usize, path: &Path, limits: &Limits) -> Result<Image, ReadError> {
        let bytes = self.read_bytes(index, path)?;
        decode(&bytes, limits).map_err(|error| self.failed(index, error.to_string()))
    }
}

impl Dataset for Source {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn samples(&self) -> &[Sample] {
        &self.samples
    }

    fn image(&self, index: usize) -> Result<Image, ReadError> {
        match &self.pictures {
            Pictures::Files { paths, limits } | Pictures::Unpacked { paths, limits, .. } => {
                self.read_file(index, &paths[index], limits)
            }
            Pictures::Memory { width, height, channels, pixels, rows } => {
                let bytes = width * height * channels.count();
                let start = rows[index] * bytes;
                let image = Image::new(*width, *height, *channels, pixels[start..start + bytes].to_vec());
                Ok(image.expect("a row has the bytes of one picture"))
            }
        }
    }
}

/// The first kind that `path` looks like.
fn recognised(path: &Path, options: &SourceOptions) -> Option<&'static &'static SourceKind> {
    KINDS.iter().find(|kind| (kind.recognises)(path, options))
}

fn pick<T: Clone>(all: &[T], kept: &[usize]) -> Vec<T> {
    kept.iter().map(|&index| all[index].clone()).collect()
}

/// Names a file that is no source, for the error.
fn what_else(path: &Path) -> &'static str {
    let name = files::file_name(path).to_lowercase();
    let is = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if is(&[".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar", ".tar.xz", ".tar.bz2", ".tar.zst"]) {
        "an archive that candor does not unpack (zip, tar and tar.gz it does, unless they are damaged)"
    } else if is(&[".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp"]) {
        "a single picture"
    } else if is(&[".csv", ".csv.gz", ".tsv"]) {
        "a table in which neither pixels nor a class with an id or file were found (name the columns)"
    } else {
        "no file that candor can list pictures from"
    }
}
