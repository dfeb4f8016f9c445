//! WebDataset's tar shards, as img2dataset and others write them: files with one name and several endings belong together,
//! such as `000001.jpg`, `000001.cls` and `000001.json`.
//!
//! The class stands in the JSON (`class`, `label` or `category`, or the field that `--class-column` names) or in `.cls`; all
//! other simple values of the JSON are attributes, and so is the caption in `.txt`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candor_core::{Provenance, Reporter, Subset};
use serde_json::Value;

use super::super::class_folders::subset_name;
use super::super::files::{file_name, identify, visible_entries};
use super::super::listing::{FileEntry, LeftOut, Listing, of_files};
use super::super::{SourceError, SourceErrorKind, SourceKind, SourceOptions};
use super::archive::{is_tar, untar};
use super::{Unpacking, bytes_of, files_ending_in, kept, subset_of};

pub(in super::super) static KIND: SourceKind = SourceKind {
    name: "web-dataset",
    summary: "tar shards of WebDataset: files with one name and the endings jpg, cls, json, txt",
    recognises,
    read,
};

const CLASS: [&str; 3] = ["class", "label", "category"];
const PICTURES: [&str; 12] =
    ["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "ppm", "pgm", "pnm", "img"];
/// What img2dataset writes of its own work, and what candor finds out itself.
const OF_NO_USE: [&str; 10] = [
    "key",
    "status",
    "error_message",
    "exif",
    "sha256",
    "md5",
    "width",
    "height",
    "original_width",
    "original_height",
];
/// Entries of a tar that are looked at to tell it.
const ENTRIES_TO_TELL: usize = 12;

fn recognises(path: &Path, _: &SourceOptions) -> bool {
    let is_shard = |file: &PathBuf| is_tar(file) && looks_like_a_shard(file);
    if path.is_dir() {
        let folders = visible_entries(path).is_ok_and(|entries| entries.iter().any(|entry| entry.is_dir()));
        let shards = files_ending_in(path, "tar").unwrap_or_default();
        return !folders && shards.first().is_some_and(is_shard);
    }
    path.is_file() && is_shard(&path.to_owned())
}

/// Whether one of the first entries has a label or a description that a picture beside it shares its name with.
fn looks_like_a_shard(path: &Path) -> bool {
    let Ok(file) = super::super::files::open_unpacked(path) else { return false };
    let mut archive = tar::Archive::new(file);
    let Ok(entries) = archive.entries() else { return false };
    let mut endings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in entries.take(ENTRIES_TO_TELL).flatten() {
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if let Some((key, ending)) = parted(&name) {
            endings.entry(key.to_owned()).or_default().push(ending);
        }
    }
    let told = |endings: &Vec<String>| {
        let has = |wanted: &[&str]| endings.iter().any(|ending| wanted.contains(&ending.as_str()));
        has(&PICTURES) && has(&["cls", "json", "txt"])
    };
    endings.values().any(told)
}

/// The key and the ending of a name: it parts at the first dot of its last part.
fn parted(name: &str) -> Option<(&str, String)> {
    let last = name.rfind('/').map_or(0, |at| at + 1);
    let dot = last + name[last..].find('.')?;
    (dot > last).then(|| (&name[..dot], name[dot + 1..].to_lowercase()))
}

fn read(path: &Path, options: &SourceOptions, reporter: &dyn Reporter) -> Result<Listing, SourceError> {
    let shards = match path.is_dir() {
        true => files_ending_in(path, "tar")?,
        false => vec![path.to_owned()],
    };
    if shards.is_empty() {
        return Err(SourceError::new(path, SourceErrorKind::NoPictures { left_out: 0, first: None }));
    }
    let mut unpacking = Unpacking::of(path, bytes_of(&shards)?, &options.limits)?;
    let (mut files, mut left_out) = (Vec::new(), LeftOut::new(reporter));
    for (number, shard) in shards.iter().enumerate() {
        let mut parts: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
        let mut problems = Vec::new();
        // Two shards may have the same keys.
        unpacking.below = number.to_string();
        untar(shard, &mut unpacking, reporter, |name, outcome| match (parted(&name), outcome) {
            (Some((key, ending)), Ok(file)) => {
                parts.entry(key.to_owned()).or_default().insert(ending, file);
            }
            (_, Err(reason)) => problems.push((name, reason)),
            (None, Ok(_)) => {}
        })?;
        let shard_name = file_name(shard);
        for (name, reason) in problems {
            left_out.add(format!("{shard_name}: {name}"), reason);
        }
        for (key, parts) in parts {
            let file = format!("{shard_name}/{key}");
            match entry(&parts, file.clone(), subset_of(shard), options) {
                Ok(Some(entry)) => files.push(entry),
                Ok(None) => {}
                Err(reason) => left_out.add(file, reason),
            }
        }
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let identified = identify(path, &paths, &options.limits, reporter)?;
    let listing = of_files(files, identified, options.limits, left_out);
    Ok(kept(listing, unpacking.folder))
}

/// The sample that the files of one key are; `None` where there is no picture among them.
fn entry(
    parts: &BTreeMap<String, PathBuf>,
    file: String,
    subset: Option<Subset>,
    options: &SourceOptions,
) -> Result<Option<FileEntry>, String> {
    let Some((ending, picture)) = parts.iter().find(|(ending, _)| PICTURES.contains(&ending.as_str())) else {
        return Ok(None);
    };
    let text = |ending: &str| {
        let read =
            |path| fs::read_to_string(path).map_err(|error| format!(".{ending} cannot be read: {error}"));
        parts.get(ending).map(read).transpose()
    };
    let mut attributes = described(text("json")?)?;
    if let Some(caption) = text("txt")? {
        attributes.entry("caption".to_owned()).or_insert(caption.trim().to_owned());
    }
    let class = class(&mut attributes, text("cls")?, options)?;
    let mut take = |asked: &Option<String>, usual: &[&str]| match asked {
        Some(name) => attributes.remove(name),
        None => usual.iter().find_map(|&name| attributes.remove(name)),
    };
    let url = take(&options.url_column, &["url", "image_url"]);
    let group = take(&options.group_column, &["group"]);
    let told = take(&options.split_column, &["split"]);
    let subset = subset.or_else(|| told.as_deref().and_then(subset_name));
    attributes.retain(|name, _| !OF_NO_USE.contains(&name.as_str()));
    // What candor exported says what the picture's file was called before.
    let file = attributes.remove("file").unwrap_or_else(|| format!("{file}.{ending}"));
    let provenance = Provenance { file, row: None, url };
    Ok(Some(FileEntry { path: picture.clone(), class, subset, group, provenance, attributes }))
}

/// The simple values of the JSON.
fn described(json: Option<String>) -> Result<BTreeMap<String, String>, String> {
    let Some(json) = json else { return Ok(BTreeMap::new()) };
    let value: Value = serde_json::from_str(&json).map_err(|error| format!("its .json is none: {error}"))?;
    let Value::Object(fields) = value else { return Ok(BTreeMap::new()) };
    let simple = fields.into_iter().filter_map(|(name, value)| Some((name, plain(&value)?)));
    Ok(simple.collect())
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn class(
    attributes: &mut BTreeMap<String, String>,
    label: Option<String>,
    options: &SourceOptions,
) -> Result<String, String> {
    if let Some(class) = &options.class {
        return Ok(class.clone());
    }
    let told = match &options.class_column {
        Some(name) => attributes.remove(name),
        None => CLASS.iter().find_map(|&name| attributes.remove(name)),
    };
    let label = label.map(|label| label.trim().to_owned()).filter(|label| !label.is_empty());
    let class = told.or(label).ok_or(
        "has no class: name its field in the JSON with --class-column, or give all one with --class",
    )?;
    let named = class.parse::<usize>().ok().and_then(|number| options.class_names.get(number));
    Ok(named.cloned().unwrap_or(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_part_at_the_first_dot_of_their_last_part() {
        for (name, expected) in [
            ("000001.jpg", Some(("000001", "jpg"))),
            ("a.b/c.seg.PNG", Some(("a.b/c", "seg.png"))),
            ("a/.hidden", None),
            ("plain", None),
        ] {
            let expected = expected.map(|(key, ending)| (key, ending.to_owned()));
            assert_eq!(parted(name), expected, "{name}");
        }
    }
}
