//! IDX, the format of MNIST: a file of pictures and a file of labels, gzipped or not.
//!
//! A folder with `train*` and `t10k*` (or `test*`) files brings its split along. The header is big-endian: two zero
//! bytes, the type (8: unsigned bytes), the number of dimensions, and each dimension in four bytes; the values follow
//! (LeCun, Cortes and Burges, "The MNIST database of handwritten digits").

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use candor_core::{Channels, Provenance, Reporter, SampleId, Subset};
use rayon::prelude::*;

use super::files::{file_name, open_unpacked, visible_entries};
use super::listing::{Entry, Listing, in_memory};
use super::{SourceError, SourceErrorKind, SourceKind, SourceOptions};

pub(super) static KIND: SourceKind = SourceKind {
    name: "idx",
    summary: "MNIST's format: ...images-idx3-ubyte and ...labels-idx1-ubyte, gzipped or not, or a folder of those",
    recognises,
    read,
};

fn recognises(path: &Path, _: &SourceOptions) -> bool {
    if path.is_dir() {
        return visible_entries(path)
            .is_ok_and(|entries| entries.iter().any(|entry| is_images(&file_name(entry))));
    }
    let mut magic = [0; 4];
    let read = open_unpacked(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic[..3] == [0, 0, 8] && (magic[3] == 3 || magic[3] == 1)
}

fn is_images(name: &str) -> bool {
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.contains("images") && name.ends_with("idx3-ubyte")
}

fn read(path: &Path, options: &SourceOptions, _: &dyn Reporter) -> Result<Listing, SourceError> {
    let parts = if path.is_dir() { parts_of_folder(path)? } else { vec![(None, path.to_owned())] };
    let folder = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
    let mut merged: Option<Idx> = None;
    let mut entries = Vec::new();
    for (subset, images) in parts {
        let images = images_of_pair(&images);
        let part = read_pair(&images, options)?;
        entries.extend(part.entries(&file_name(&images), subset));
        match &mut merged {
            None => merged = Some(part),
            Some(all) => all.append(part, &images)?,
        }
    }
    let all = merged.expect("a source has at least one part");
    let class_order = class_names(folder, options, &entries)?;
    for entry in &mut entries {
        let label: usize = entry.class.parse().expect("labels were written as numbers");
        entry.class.clone_from(&class_order[label]);
    }
    let pictures = in_memory(all.width, all.height, Channels::Grey, all.pixels);
    Ok(Listing { entries, pictures, problems: Vec::new(), class_order })
}

/// The picture files of a folder with their subsets; one alone has none.
fn parts_of_folder(folder: &Path) -> Result<Vec<(Option<Subset>, PathBuf)>, SourceError> {
    let mut found: BTreeMap<Option<Subset>, Vec<PathBuf>> = BTreeMap::new();
    for entry in visible_entries(folder)?.into_iter().filter(|entry| is_images(&file_name(entry))) {
        let subset = subset_of(&file_name(&entry));
        let files = found.entry(subset).or_default();
        // "x" sorts before "x.gz": the unpacked file is taken where both are there.
        let is_copy = files.iter().any(|file| file_name(&entry) == format!("{}.gz", file_name(file)));
        if !is_copy {
            files.push(entry);
        }
    }
    let alone = found.len() == 1;
    let mut parts = Vec::new();
    for (subset, mut files) in found {
        if files.len() > 1 {
            let names = files.iter().map(|file| file_name(file)).collect::<Vec<_>>().join(", ");
            let part = subset.map_or("unnamed", Subset::name);
            return Err(SourceError::new(folder, SourceErrorKind::Ambiguous { part, names }));
        }
        parts.push((if alone { None } else { subset }, files.remove(0)));
    }
    Ok(parts)
}

fn subset_of(name: &str) -> Option<Subset> {
    let name = name.to_lowercase();
    [("train", Subset::Train), ("t10k", Subset::Test), ("test", Subset::Test), ("val", Subset::Validation)]
        .into_iter()
        .find_map(|(prefix, subset)| name.contains(prefix).then_some(subset))
}

/// The file of pictures that `path` is, or whose labels it is.
fn images_of_pair(path: &Path) -> PathBuf {
    let name = file_name(path);
    if !name.contains("labels") {
        return path.to_owned();
    }
    with_or_without_gz(&path.with_file_name(name.replace("labels", "images").replace("idx1", "idx3")))
}

fn labels_of(images: &Path) -> PathBuf {
    let name = file_name(images).replace("images", "labels").replace("idx3", "idx1");
    with_or_without_gz(&images.with_file_name(name))
}

fn with_or_without_gz(path: &Path) -> PathBuf {
    let name = file_name(path);
    let other = match name.strip_suffix(".gz") {
        Some(plain) => path.with_file_name(plain),
        None => path.with_file_name(format!("{name}.gz")),
    };
    if !path.exists() && other.exists() { other } else { path.to_owned() }
}

/// Names for the labels: the person's, those in `classes.txt` beside the files, or the labels themselves.
fn class_names(
    folder: &Path,
    options: &SourceOptions,
    entries: &[Entry],
) -> Result<Vec<String>, SourceError> {
    let largest = entries.iter().filter_map(|entry| entry.class.parse::<usize>().ok()).max().unwrap_or(0);
    let mut names = options.class_names.clone();
    if names.is_empty() {
        let listed = fs::read_to_string(folder.join("classes.txt")).unwrap_or_default();
        names = listed.lines().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    }
    if names.is_empty() {
        names = (0..=largest).map(|label| label.to_string()).collect();
    }
    if largest >= names.len() {
        let kind = SourceErrorKind::ClassWithoutName { label: largest, names: names.len() };
        return Err(SourceError::new(folder, kind));
    }
    Ok(names)
}

/// Pictures of one size with their labels.
pub(crate) struct Idx {
    pub height: usize,
    pub width: usize,
    pub pixels: Vec<u8>,
    pub labels: Vec<u8>,
}

impl Idx {
    fn entries(&self, file: &str, subset: Option<Subset>) -> Vec<Entry> {
        let size = self.width * self.height;
        let pictures = self.pixels.par_chunks_exact(size).zip(self.labels.par_iter()).enumerate();
        pictures
            .map(|(row, (pixels, label))| Entry {
                id: SampleId::of(pixels),
                class: label.to_string(),
                subset,
                group: None,
                provenance: Provenance { file: file.to_owned(), row: Some(row as u64), url: None },
                attributes: BTreeMap::new(),
            })
            .collect()
    }

    fn append(&mut self, other: Idx, place: &Path) -> Result<(), SourceError> {
        let (found, expected) = ((other.height, other.width), (self.height, self.width));
        if found != expected {
            return Err(SourceError::new(place, SourceErrorKind::SizeMismatch { found, expected }));
        }
        self.pixels.extend(other.pixels);
        self.labels.extend(other.labels);
        Ok(())
    }
}

fn read_pair(images: &Path, options: &SourceOptions) -> Result<Idx, SourceError> {
    let labels = labels_of(images);
    for (path, partner) in [(images, &labels), (labels.as_path(), &images.to_owned())] {
        if !path.exists() {
            let kind = SourceErrorKind::MissingPartner { partner: file_name(path) };
            return Err(SourceError::new(partner, kind));
        }
    }
    let open = |path: &Path| open_unpacked(path).map_err(|error| SourceError::unreadable(path, error));
    let max = options.limits.max_bytes;
    let (sizes, pixels) =
        read_values::<3>(open(images)?, "pictures", max).map_err(|kind| SourceError::new(images, kind))?;
    let (_, label_values) =
        read_values::<1>(open(&labels)?, "labels", max).map_err(|kind| SourceError::new(&labels, kind))?;
    pair(sizes, pixels, label_values, &file_name(&labels)).map_err(|kind| SourceError::new(images, kind))
}

/// Joins pictures of `[number, height, width]` with their labels.
pub(crate) fn pair(
    [pictures, height, width]: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<u8>,
    labels_file: &str,
) -> Result<Idx, SourceErrorKind> {
    if pictures != labels.len() {
        let labels_file = labels_file.to_owned();
        return Err(SourceErrorKind::CountMismatch { pictures, labels: labels.len(), labels_file });
    }
    if pixels.is_empty() {
        return Err(SourceErrorKind::NoPictures { left_out: 0, first: None });
    }
    Ok(Idx { height, width, pixels, labels })
}

/// Reads an IDX file of unsigned bytes with `DIMENSIONS` dimensions: their sizes, and the values.
pub(crate) fn read_values<const DIMENSIONS: usize>(
    mut file: impl Read,
    wanted: &'static str,
    max_bytes: u64,
) -> Result<([usize; DIMENSIONS], Vec<u8>), SourceErrorKind> {
    let mut four = || -> Result<[u8; 4], SourceErrorKind> {
        let mut bytes = [0; 4];
        file.read_exact(&mut bytes).map_err(SourceErrorKind::Unreadable)?;
        Ok(bytes)
    };
    let magic = four()?;
    if magic != [0, 0, 8, DIMENSIONS as u8] {
        return Err(SourceErrorKind::NotIdx { wanted, found: magic });
    }
    let mut sizes = [0; DIMENSIONS];
    for size in &mut sizes {
        *size = u32::from_be_bytes(four()?) as usize;
    }
    let bytes = sizes.iter().fold(1u64, |product, &size| product.saturating_mul(size as u64));
    if bytes > max_bytes {
        return Err(SourceErrorKind::TooManyBytes { bytes, max_bytes });
    }
    // Read as much as there is, not as much as the header claims: a wrong header must not claim the memory.
    let mut values = Vec::new();
    file.take(bytes).read_to_end(&mut values).map_err(SourceErrorKind::Unreadable)?;
    if (values.len() as u64) < bytes {
        return Err(SourceErrorKind::CutOff { expected: bytes, actual: values.len() as u64 });
    }
    Ok((sizes, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, sizes.len() as u8];
        sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    #[test]
    fn a_header_is_believed_only_as_far_as_the_file_goes() {
        let (sizes, values) = read_values::<1>(&idx(&[3], &[7, 8, 9])[..], "labels", 100).unwrap();
        assert_eq!((sizes, values), ([3], vec![7, 8, 9]));
        let message = |bytes: Vec<u8>| read_values::<3>(&bytes[..], "pictures", 100).unwrap_err().to_string();
        assert_eq!(
            message(idx(&[2, 3, 3], &[0; 17])),
            "is cut off: its header calls for 18 bytes, it holds 17"
        );
        assert!(
            message(idx(&[u32::MAX, u32::MAX, u32::MAX], &[]))
                .starts_with("unpacks to 18446744073709551615 bytes")
        );
        assert!(message(b"PK\x03\x04....".to_vec()).starts_with("is no IDX file of pictures"));
    }

    #[test]
    fn names_tell_the_subset_and_the_partner() {
        for (name, subset, labels) in [
            ("train-images-idx3-ubyte.gz", Some(Subset::Train), "train-labels-idx1-ubyte.gz"),
            (
                "train-first10000-images-idx3-ubyte.gz",
                Some(Subset::Train),
                "train-first10000-labels-idx1-ubyte.gz",
            ),
            ("t10k-images.idx3-ubyte", Some(Subset::Test), "t10k-labels.idx1-ubyte"),
            ("images-idx3-ubyte", None, "labels-idx1-ubyte"),
        ] {
            assert!(is_images(name), "{name}");
            assert_eq!(subset_of(name), subset, "{name}");
            assert_eq!(file_name(&labels_of(Path::new(name))), labels);
        }
    }
}
