//! The study's collected pictures as other programs take them: `index.csv` (`id,category,image_url,name`) and `raw/`, one file
//! a picture. candor reads it back as a source.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::listing::Listed;
use super::{Outcome, Place, Study, StudyError, StudyErrorKind};
use crate::decode::{Limits, inspect};

const COLUMNS: [&str; 4] = ["id", "category", "image_url", "name"];
/// Digits of a picture's hash that make its id, where they tell it from the others.
const DIGITS: usize = 8;

impl Study {
    /// Writes the pictures that have an address into `folder`, which is new or holds what this wrote before. Gives their number.
    ///
    /// # Errors
    /// When an original cannot be read, or the folder cannot be written.
    pub fn write_index(&self, folder: &Path) -> Result<usize, StudyError> {
        self.at(self.write_index_into(folder))
    }

    fn write_index_into(&self, folder: &Path) -> Outcome<usize> {
        let listed = self.list_all()?;
        let pictures: Vec<&Listed> = listed.iter().filter(|one| one.provenance.url.is_some()).collect();
        let raw = folder.join("raw");
        fs::create_dir_all(&raw).map_err(StudyErrorKind::file(&raw, "made"))?;
        let mut table = csv::Writer::from_writer(Vec::new());
        let in_table = |error: csv::Error| StudyErrorKind::File {
            path: folder.join("index.csv"),
            doing: "written",
            source: io::Error::other(error),
        };
        table.write_record(COLUMNS).map_err(in_table)?;
        for (picture, id) in pictures.iter().zip(short_ids(&pictures)) {
            copy(picture, &raw, &id)?;
            let url = picture.provenance.url.as_deref().unwrap_or_default();
            let name = picture.attributes.get("name").map_or("", String::as_str);
            table.write_record([id.as_str(), &picture.class, url, name]).map_err(in_table)?;
        }
        let text = table.into_inner().map_err(|error| in_table(error.into_error().into()))?;
        write(&folder.join("index.csv"), &text)?;
        Ok(pictures.len())
    }
}

/// The beginnings of the pictures' hashes: as long as it takes to tell them apart.
fn short_ids(pictures: &[&Listed]) -> Vec<String> {
    let all: Vec<String> = pictures.iter().map(|picture| picture.id.to_string()).collect();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    all.iter().for_each(|id| *seen.entry(&id[..DIGITS]).or_default() += 1);
    all.iter().map(|id| if seen[&id[..DIGITS]] > 1 { id.clone() } else { id[..DIGITS].to_owned() }).collect()
}

fn copy(picture: &Listed, raw: &Path, id: &str) -> Outcome<()> {
    let (Place::Blob(file) | Place::Reference(file)) = &picture.place;
    let bytes = fs::read(file).map_err(StudyErrorKind::file(file, "read"))?;
    let format = inspect(&bytes, &Limits::default()).map_or("", |header| header.format);
    let target = raw.join(format!("{id}.{}", ending(format)));
    if target.is_file() { Ok(()) } else { write(&target, &bytes) }
}

fn ending(format: &str) -> &'static str {
    match format {
        "JPEG" => "jpg",
        "PNG" => "png",
        "GIF" => "gif",
        "BMP" => "bmp",
        "TIFF" => "tif",
        "WebP" => "webp",
        "Netpbm" => "pnm",
        _ => "bin",
    }
}

/// Whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> Outcome<()> {
    let beside = PathBuf::from(format!("{}.part", path.display()));
    fs::write(&beside, bytes)
        .and_then(|()| fs::rename(&beside, path))
        .map_err(StudyErrorKind::file(path, "written"))
}
