//! Parquet in the layout of Hugging Face: one picture a row, its bytes in a struct (`bytes`, `path`) or in a column of bytes,
//! the class as a number whose names stand in the file's metadata, or as text. All other simple columns are attributes.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use candor_core::{Provenance, Reporter};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use serde_json::Value;

use super::super::class_folders::subset_name;
use super::super::files::{file_name, identify};
use super::super::listing::{FileEntry, LeftOut, Listing, of_files};
use super::super::{SourceError, SourceErrorKind, SourceKind, SourceOptions};
use super::{Unpacking, bytes_of, files_ending_in, kept, subset_of};

pub(in super::super) static KIND: SourceKind = SourceKind {
    name: "parquet",
    summary: "Parquet files of Hugging Face: a column of pictures, one of classes",
    recognises: |path, _| files(path).is_ok_and(|files| !files.is_empty()),
    read,
};

const CLASS: [&str; 5] = ["label", "class", "category", "target", "fine_label"];
const URL: [&str; 2] = ["url", "image_url"];

/// The files, in the folder or in its folder `data`.
fn files(path: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let found = files_ending_in(path, "parquet")?;
    let data = path.join("data");
    match found.is_empty() && data.is_dir() {
        true => files_ending_in(&data, "parquet"),
        false => Ok(found),
    }
}

fn read(path: &Path, options: &SourceOptions, reporter: &dyn Reporter) -> Result<Listing, SourceError> {
    read_files(path, &files(path)?, options, reporter)
}

/// The pictures in the files `shards`, which were found at `path`.
pub(in super::super) fn read_files(
    path: &Path,
    shards: &[PathBuf],
    options: &SourceOptions,
    reporter: &dyn Reporter,
) -> Result<Listing, SourceError> {
    let mut unpacking = Unpacking::of(path, bytes_of(shards)?, &options.limits)?;
    let (mut files, mut left_out) = (Vec::new(), LeftOut::new(reporter));
    for shard in shards {
        // Other people's code fed with other people's bytes.
        let read = catch_unwind(AssertUnwindSafe(|| {
            read_shard(shard, options, &mut unpacking, &mut files, &mut left_out, reporter)
        }));
        read.unwrap_or_else(|_| {
            let detail = "the reader gave up".to_owned();
            Err(SourceError::new(shard, SourceErrorKind::Packed { detail }))
        })?;
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let identified = identify(path, &paths, &options.limits, reporter)?;
    let listing = of_files(files, identified, options.limits, left_out);
    Ok(kept(listing, unpacking.folder))
}

fn read_shard(
    shard: &Path,
    options: &SourceOptions,
    unpacking: &mut Unpacking<'_>,
    files: &mut Vec<FileEntry>,
    left_out: &mut LeftOut<'_>,
    reporter: &dyn Reporter,
) -> Result<(), SourceError> {
    let damaged =
        |error: ParquetError| SourceError::new(shard, SourceErrorKind::Packed { detail: error.to_string() });
    let file = File::open(shard).map_err(|error| SourceError::unreadable(shard, error))?;
    let reader = SerializedFileReader::new(file).map_err(damaged)?;
    let metadata = reader.metadata().file_metadata();
    let described = metadata
        .key_value_metadata()
        .and_then(|pairs| pairs.iter().find(|pair| pair.key == "huggingface"))
        .and_then(|pair| serde_json::from_str(pair.value.as_deref()?).ok());
    let columns = Columns { options, described: described.unwrap_or_default() };
    let name = file_name(shard);
    let subset = subset_of(shard);
    for (number, row) in reader.get_row_iter(None).map_err(damaged)?.enumerate() {
        if reporter.cancelled() {
            return Err(SourceError::new(shard, SourceErrorKind::Cancelled));
        }
        let row = row.map_err(damaged)?;
        let provenance = Provenance { file: name.clone(), row: Some(number as u64), url: None };
        if number == 0 && !row.get_column_iter().any(|(name, field)| columns.is_picture(name, field)) {
            let names: Vec<&str> = row.get_column_iter().map(|(name, _)| name.as_str()).collect();
            let columns = names.join(", ");
            return Err(SourceError::new(shard, SourceErrorKind::NoPictureColumn { columns }));
        }
        let place = provenance.to_string();
        match columns.sample(row) {
            Ok(sample) => {
                let unpacked = unpacking.add(&format!("{name}/{number}"), &sample.bytes[..])?;
                match unpacked {
                    Ok(path) => files.push(sample.into_entry(path, subset, provenance)),
                    Err(reason) => left_out.add(place, reason),
                }
            }
            Err(reason) => left_out.add(place, reason),
        }
    }
    Ok(())
}

/// What the columns mean.
struct Columns<'a> {
    options: &'a SourceOptions,
    /// The metadata that Hugging Face writes.
    described: Value,
}

/// A row, taken apart.
struct Taken {
    bytes: Vec<u8>,
    /// The name that the picture had as a file.
    file: Option<String>,
    class: String,
    url: Option<String>,
    group: Option<String>,
    split: Option<String>,
    attributes: BTreeMap<String, String>,
}

impl Taken {
    fn into_entry(
        self,
        path: PathBuf,
        subset: Option<candor_core::Subset>,
        provenance: Provenance,
    ) -> FileEntry {
        FileEntry {
            path,
            class: self.class,
            subset: subset.or_else(|| self.split.as_deref().and_then(subset_name)),
            group: self.group,
            provenance: match self.file {
                Some(file) => Provenance { file, row: None, url: self.url },
                None => Provenance { url: self.url, ..provenance },
            },
            attributes: self.attributes,
        }
    }
}

impl Columns<'_> {
    fn is_picture(&self, name: &str, field: &Field) -> bool {
        let is_it = match &self.options.file_column {
            Some(asked) => name == asked,
            None => true,
        };
        is_it && (matches!(field, Field::Bytes(_)) || picture_of(field).is_some())
    }

    fn sample(&self, row: Row) -> Result<Taken, String> {
        let SourceOptions { class, class_column, url_column, group_column, split_column, .. } = self.options;
        let (mut bytes, mut file, mut attributes) = (None, None, BTreeMap::new());
        for (name, field) in row.into_columns() {
            if bytes.is_none() && self.is_picture(&name, &field) {
                let (found, path) = picture_of(&field).unwrap_or_else(|| (bytes_in(&field), None));
                bytes = found;
                file = path.filter(|path| !path.is_empty());
            } else if let Some(text) = self.text(&name, &field) {
                attributes.insert(name, text);
            }
        }
        let mut take = |asked: &Option<String>, usual: &[&str]| match asked {
            Some(name) => attributes.remove(name),
            None => usual.iter().find_map(|&name| attributes.remove(name)),
        };
        let told = take(class_column, &CLASS);
        let class = class.clone().or(told);
        let (url, group, split) =
            (take(url_column, &URL), take(group_column, &["group"]), take(split_column, &["split"]));
        Ok(Taken {
            bytes: bytes.ok_or("has no picture")?,
            file,
            class: class
                .ok_or("has no class: name its column with --class-column, or give all one with --class")?,
            url,
            group,
            split,
            attributes,
        })
    }

    /// A simple value as text; a number that stands for a class by its name.
    fn text(&self, column: &str, field: &Field) -> Option<String> {
        let name = |number: i64| {
            let at = usize::try_from(number).ok()?;
            let own = self.described["info"]["features"][column]["names"][at].as_str().map(str::to_owned);
            let is_class = match &self.options.class_column {
                Some(asked) => asked == column,
                None => CLASS.contains(&column),
            };
            own.or_else(|| self.options.class_names.get(at).filter(|_| is_class).cloned())
        };
        let whole = |number: i64| Some(name(number).unwrap_or_else(|| number.to_string()));
        match field {
            Field::Str(text) => Some(text.clone()).filter(|text| !text.is_empty()),
            Field::Bool(flag) => Some(flag.to_string()),
            Field::Byte(number) => whole(i64::from(*number)),
            Field::Short(number) => whole(i64::from(*number)),
            Field::Int(number) => whole(i64::from(*number)),
            Field::Long(number) => whole(*number),
            Field::UByte(number) => whole(i64::from(*number)),
            Field::UShort(number) => whole(i64::from(*number)),
            Field::UInt(number) => whole(i64::from(*number)),
            Field::Float(number) => Some(number.to_string()),
            Field::Double(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// The bytes and the path of a struct with pictures; `None` where it is none.
fn picture_of(field: &Field) -> Option<(Option<Vec<u8>>, Option<String>)> {
    let Field::Group(parts) = field else { return None };
    let part =
        |wanted: &str| parts.get_column_iter().find(|(name, _)| *name == wanted).map(|(_, field)| field);
    let path = part("path").and_then(|path| match path {
        Field::Str(path) => Some(path.clone()),
        _ => None,
    });
    Some((bytes_in(part("bytes")?), path))
}

fn bytes_in(field: &Field) -> Option<Vec<u8>> {
    match field {
        Field::Bytes(bytes) => Some(bytes.data().to_vec()),
        _ => None,
    }
}
