//! A source that cannot be used at all. A single bad picture or row is no error but a `Problem`.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::study::StudyError;

/// A source that cannot be used, and where that showed.
#[derive(Debug, Error)]
#[error("{}: {kind}", place.display())]
pub struct SourceError {
    place: PathBuf,
    #[source]
    kind: Box<SourceErrorKind>,
}

impl SourceError {
    pub(crate) fn new(place: &Path, kind: SourceErrorKind) -> SourceError {
        SourceError { place: place.to_owned(), kind: Box::new(kind) }
    }

    pub(super) fn unreadable(place: &Path, error: io::Error) -> SourceError {
        SourceError::new(place, SourceErrorKind::Unreadable(error))
    }

    /// The same of the archive at `place`, in which it was found.
    pub(super) fn moved(self, place: &Path) -> SourceError {
        SourceError { place: place.to_owned(), ..self }
    }

    /// The file or folder.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// What is wrong with it.
    pub fn kind(&self) -> &SourceErrorKind {
        &self.kind
    }
}

/// The ways in which a source can be unusable.
#[derive(Debug, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum SourceErrorKind {
    /// There is nothing at the path.
    #[error("there is no such file or folder")]
    NotFound,
    /// The file system says no.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The person asked to stop.
    #[error("stopped before all pictures were listed")]
    Cancelled,
    /// A kind was asked for that does not exist.
    #[error("\"{asked}\" is no kind of source; there are: {known}")]
    UnknownKind { asked: String, known: String },
    /// No kind of source looks like this.
    #[error(
        "is {what}; a source is a folder with one subfolder a class, an index.csv, a CSV of pixels, or IDX files"
    )]
    NotRecognised { what: &'static str },
    /// A folder with pictures right inside.
    #[error(
        "holds {pictures} pictures but no subfolders: put the pictures of each class into a subfolder that is named after it"
    )]
    NoClassFolders { pictures: usize },
    /// Nothing that can be read.
    #[error("holds no picture that can be read{}", first_of(*left_out, first))]
    NoPictures { left_out: usize, first: Option<String> },
    /// Nothing to tell apart.
    #[error("holds only the class \"{class}\": a classifier needs at least two; add pictures of another one")]
    OneClass { class: String },
    /// A table without a column that is needed.
    #[error("has no column \"{wanted}\" for the {role}; it has: {columns}")]
    MissingColumn { role: &'static str, wanted: String, columns: String },
    /// A table of pixels whose rows are no squares.
    #[error(
        "has {columns} columns, {pixels} of them without the class: that is not a square number of pixels. Name the column of the class if it is not the last, and those that hold no pixels"
    )]
    NotSquare { columns: usize, pixels: usize },
    /// A file that does not start as IDX files do.
    #[error("is no IDX file of {wanted}: it starts with {found:02x?}")]
    NotIdx { wanted: &'static str, found: [u8; 4] },
    /// Fewer bytes than the header calls for.
    #[error("is cut off: its header calls for {expected} bytes, it holds {actual}")]
    CutOff { expected: u64, actual: u64 },
    /// More bytes than allowed.
    #[error(
        "unpacks to {bytes} bytes, more than the {max_bytes} allowed: if you trust it, raise --max-bytes"
    )]
    TooManyBytes { bytes: u64, max_bytes: u64 },
    /// An archive that unpacks to far more than it is.
    #[error(
        "unpacks to more than {limit} bytes from {packed}: no pictures are packed so tightly. If you trust it, unpack it yourself"
    )]
    Bomb { packed: u64, limit: u64 },
    /// A disk that is too small for what an archive holds.
    #[error("unpacks to more than {} has room for: name a folder on a larger disk in TMPDIR", folder.display())]
    NoRoom { folder: PathBuf },
    /// An archive with more entries than anybody packs.
    #[error("holds more than {most} files: unpack it yourself")]
    TooManyEntries { most: usize },
    /// An archive or a Parquet file that cannot be read on.
    #[error("is damaged, or packed in a way that candor does not read: {detail}")]
    Packed { detail: String },
    /// Rows of Parquet without pictures.
    #[error(
        "has no column of pictures (a struct with \"bytes\", as Hugging Face writes it, or bytes); it has: {columns}"
    )]
    NoPictureColumn { columns: String },
    /// A description that cannot be understood.
    #[error("is no description in Croissant that candor understands: {detail}")]
    NotCroissant { detail: String },
    /// A description that refers to what it does not hold, or to no file that is there.
    #[error("means files as \"{part}\" that it does not name, or that are not there")]
    NoSuchPart { part: String },
    /// A description of something else.
    #[error(
        "describes no field of pictures (data type sc:ImageObject); its fields are: {fields}. Name one with --file-column"
    )]
    NoPictureField { fields: String },
    /// A file that a description names and that is not there.
    #[error("is named by the description and not there: {}", how_to_get(url))]
    NotFetched { url: Option<String> },
    /// A file that has changed since it was described.
    #[error("is not the file that was described: its SHA-256 is {found}, that of the description {expected}")]
    OtherBytes { expected: String, found: String },
    /// Pictures without labels or the other way round.
    #[error("needs {partner} beside it")]
    MissingPartner { partner: String },
    /// Two candidates for one part.
    #[error("holds more than one candidate for the {part} pictures ({names}): give the file itself")]
    Ambiguous { part: &'static str, names: String },
    /// Pictures and labels of different number.
    #[error("holds {pictures} pictures, but {labels_file} holds {labels} labels")]
    CountMismatch { pictures: usize, labels: usize, labels_file: String },
    /// Train and test pictures of different size.
    #[error("holds pictures of {found:?} (height, width), the others are {expected:?}")]
    SizeMismatch { found: (usize, usize), expected: (usize, usize) },
    /// A number without a name.
    #[error("holds class {label}, but only {names} class names were given")]
    ClassWithoutName { label: usize, names: usize },
    /// A study that cannot be read.
    #[error(transparent)]
    Study(StudyError),
    /// A file whose size is no multiple of a record's.
    #[error(
        "has {bytes} bytes, which is no multiple of CIFAR-10's 3073 a picture: it is cut off or something else"
    )]
    NotCifar { bytes: u64 },
}

fn how_to_get(url: &Option<String>) -> String {
    match url {
        Some(url) => format!("candor fetches no data sets; download {url} and put it there"),
        None => "it came with the description; put it there".to_owned(),
    }
}

fn first_of(left_out: usize, first: &Option<String>) -> String {
    match first {
        None => String::new(),
        Some(first) => format!(" ({left_out} left out; the first: {first})"),
    }
}
