//! CIFAR-10's binary format: `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`.
//!
//! A record has 3,073 bytes: the label, then 1,024 red, 1,024 green and 1,024 blue values of a picture of 32 × 32,
//! row by row (Krizhevsky, "Learning multiple layers of features from tiny images", 2009).

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candor_core::{Channels, Provenance, Reporter, SampleId, Subset};
use rayon::prelude::*;

use super::files::{file_name, visible_entries};
use super::listing::{Entry, Listing, in_memory};
use super::{SourceError, SourceErrorKind, SourceKind, SourceOptions};

pub(super) static KIND: SourceKind = SourceKind {
    name: "cifar",
    summary: "CIFAR-10's binary format: data_batch_*.bin and test_batch.bin",
    recognises: |path, _| !batches(path).is_empty(),
    read,
};

/// The class names of CIFAR-10, in the order of its labels.
pub const CIFAR10_CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const RECORD: usize = 1 + 3 * PLANE;

/// The batches in a folder, or in the folder that the archive unpacks to.
fn batches(path: &Path) -> Vec<PathBuf> {
    let unpacked = path.join("cifar-10-batches-bin");
    let folder = if unpacked.is_dir() { &unpacked } else { path };
    let is_batch =
        |name: &str| name == "test_batch.bin" || (name.starts_with("data_batch_") && name.ends_with(".bin"));
    if !folder.is_dir() {
        return Vec::new();
    }
    let entries = visible_entries(folder).unwrap_or_default();
    entries.into_iter().filter(|entry| is_batch(&file_name(entry))).collect()
}

fn read(path: &Path, options: &SourceOptions, _: &dyn Reporter) -> Result<Listing, SourceError> {
    let files = batches(path);
    if files.is_empty() {
        let kind =
            SourceErrorKind::MissingPartner { partner: "data_batch_1.bin or test_batch.bin".to_owned() };
        return Err(SourceError::new(path, kind));
    }
    let is_test = |file: &Path| file_name(file) == "test_batch.bin";
    let has_split = files.iter().any(|file| is_test(file)) && files.iter().any(|file| !is_test(file));
    let classes = class_names(options);
    let (mut entries, mut pixels) = (Vec::new(), Vec::new());
    for file in files {
        let bytes = fs::read(&file).map_err(|error| SourceError::unreadable(&file, error))?;
        let subset = has_split.then(|| if is_test(&file) { Subset::Test } else { Subset::Train });
        entries.extend(records(&bytes, &file, subset, &classes)?);
        bytes.chunks_exact(RECORD).for_each(|record| interleave(&record[1..], &mut pixels));
    }
    let pictures = in_memory(SIDE, SIDE, Channels::Rgb, pixels);
    Ok(Listing { entries, pictures, problems: Vec::new(), class_order: classes })
}

fn class_names(options: &SourceOptions) -> Vec<String> {
    if options.class_names.is_empty() {
        CIFAR10_CLASSES.map(str::to_owned).to_vec()
    } else {
        options.class_names.clone()
    }
}

fn records(
    bytes: &[u8],
    file: &Path,
    subset: Option<Subset>,
    classes: &[String],
) -> Result<Vec<Entry>, SourceError> {
    if !bytes.len().is_multiple_of(RECORD) {
        return Err(SourceError::new(file, SourceErrorKind::NotCifar { bytes: bytes.len() as u64 }));
    }
    let name = file_name(file);
    let entry = |(row, record): (usize, &[u8])| {
        let label = usize::from(record[0]);
        let class = classes.get(label).cloned().ok_or_else(|| {
            SourceError::new(file, SourceErrorKind::ClassWithoutName { label, names: classes.len() })
        })?;
        Ok(Entry {
            id: SampleId::of(&record[1..]),
            class,
            subset,
            group: None,
            provenance: Provenance { file: name.clone(), row: Some(row as u64), url: None },
            attributes: BTreeMap::new(),
        })
    };
    bytes.par_chunks_exact(RECORD).enumerate().map(entry).collect()
}

/// Three planes become three values a pixel.
fn interleave(planes: &[u8], pixels: &mut Vec<u8>) {
    pixels.extend((0..PLANE).flat_map(|at| [planes[at], planes[PLANE + at], planes[2 * PLANE + at]]));
}
