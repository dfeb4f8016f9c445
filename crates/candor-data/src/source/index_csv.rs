//! A table with one picture a row: `id,category,image_url,name` by default, as crawlers write it.
//!
//! A picture's file is named by a column `file` or `path` (relative to the table), or found by its id, with or without
//! an ending, beside the table or in the folders `raw` and `images`. Columns with no part in this are kept as
//! attributes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candor_core::{Provenance, Reporter, Subset};
use csv::ByteRecord;

use super::class_folders::subset_name;
use super::files::{file_name, identify, relative, visible_entries};
use super::listing::{FileEntry, LeftOut, Listing, of_files};
use super::table::{self, find_column, table_at, text};
use super::{SourceError, SourceKind, SourceOptions};

pub(super) static KIND: SourceKind = SourceKind {
    name: "index-csv",
    summary: "a table with one picture a row (id,category,image_url,name) and the pictures beside it or in raw/",
    recognises,
    read,
};

pub(super) const CLASS: [&str; 4] = ["category", "class", "label", "target"];
pub(super) const ID: [&str; 1] = ["id"];
pub(super) const FILE: [&str; 5] = ["file", "path", "filename", "file_name", "image"];
const URL: [&str; 2] = ["image_url", "url"];

fn index_at(path: &Path) -> Option<PathBuf> {
    let inside = path.join("index.csv");
    if inside.is_file() { Some(inside) } else { table_at(path) }
}

fn recognises(path: &Path, options: &SourceOptions) -> bool {
    let Some(index) = index_at(path) else { return false };
    if file_name(&index) == "index.csv" {
        return true;
    }
    let mut row = ByteRecord::new();
    let header = table::open(&index).and_then(|mut rows| table::next(&mut rows, &mut row, &index));
    if header.is_err() {
        return false;
    }
    let header: Vec<String> = row.iter().map(text).collect();
    let has = |asked: &Option<String>, usual: &[&str]| {
        find_column(&header, asked.as_deref(), usual, "", &index).is_ok_and(|at| at.is_some())
    };
    // A table of pixels may have an id too, but not so few columns.
    let few_columns = header.len() < 49;
    has(&options.class_column, &CLASS)
        && (has(&options.file_column, &FILE) || (few_columns && has(&options.id_column, &ID)))
}

pub(super) fn read(
    path: &Path,
    options: &SourceOptions,
    reporter: &dyn Reporter,
) -> Result<Listing, SourceError> {
    let index = index_at(path).unwrap_or_else(|| path.to_owned());
    let folder = index.parent().unwrap_or(Path::new(".")).to_owned();
    let mut rows = table::open(&index)?;
    let mut row = ByteRecord::new();
    table::next(&mut rows, &mut row, &index)?;
    let header: Vec<String> = row.iter().map(text).collect();
    let columns = Columns::find(&header, options, &index)?;
    let pictures = PictureFiles::below(&folder)?;

    let (mut files, mut left_out) = (Vec::new(), LeftOut::new(reporter));
    let mut number = 0;
    while table::next(&mut rows, &mut row, &index)? {
        let line = row.position().map_or(0, csv::Position::line);
        let cells: Vec<String> = row.iter().map(text).collect();
        match columns.entry(&cells, &header, &pictures) {
            Ok(file) => files.push(file),
            Err(reason) => left_out.add(format!("{}, row {number} (line {line})", file_name(&index)), reason),
        }
        number += 1;
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
    let identified = identify(&index, &paths, &options.limits, reporter)?;
    Ok(of_files(files, identified, options.limits, left_out))
}

/// Where each part of a sample stands in a row.
struct Columns {
    class: usize,
    id: Option<usize>,
    file: Option<usize>,
    url: Option<usize>,
    group: Option<usize>,
    split: Option<usize>,
}

impl Columns {
    fn find(header: &[String], options: &SourceOptions, index: &Path) -> Result<Columns, SourceError> {
        let find = |asked: &Option<String>, usual: &[&str], role| {
            find_column(header, asked.as_deref(), usual, role, index)
        };
        let file = find(&options.file_column, &FILE, "picture's file")?;
        let id = find(&options.id_column, &ID, "picture's id")?;
        if file.is_none() && id.is_none() {
            return Err(table::missing(header, "id", "picture's id (or \"file\" for its file)", index));
        }
        Ok(Columns {
            class: find(&options.class_column, &CLASS, "class")?
                .ok_or_else(|| table::missing(header, CLASS[0], "class", index))?,
            id,
            file,
            url: find(&options.url_column, &URL, "address")?,
            group: find(&options.group_column, &[], "group")?,
            split: find(&options.split_column, &[], "split")?,
        })
    }

    fn entry(
        &self,
        cells: &[String],
        header: &[String],
        pictures: &PictureFiles,
    ) -> Result<FileEntry, String> {
        if cells.len() > header.len() {
            return Err(format!("has {} cells, the header has {}", cells.len(), header.len()));
        }
        let cell = |at: Option<usize>| at.and_then(|at| cells.get(at)).filter(|cell| !cell.is_empty());
        let class = cell(Some(self.class)).ok_or("has no class")?.clone();
        let path = match (cell(self.file), cell(self.id)) {
            (Some(file), _) => pictures.named(file)?,
            (None, Some(id)) => pictures.with_id(id)?,
            (None, None) => return Err("names no picture".to_owned()),
        };
        let subset = self.subset(cells)?;
        let provenance =
            Provenance { file: relative(&path, &pictures.folder), row: None, url: cell(self.url).cloned() };
        let group = cell(self.group).cloned();
        Ok(FileEntry { path, class, subset, group, provenance, attributes: self.attributes(cells, header) })
    }

    fn subset(&self, cells: &[String]) -> Result<Option<Subset>, String> {
        let Some(at) = self.split else { return Ok(None) };
        let name = cells.get(at).map_or("", String::as_str);
        let not_one = || format!("is in the subset \"{name}\": train, validation or test was expected");
        subset_name(name).map(Some).ok_or_else(not_one)
    }

    fn attributes(&self, cells: &[String], header: &[String]) -> BTreeMap<String, String> {
        let used = [Some(self.class), self.id, self.file, self.url, self.group, self.split];
        let further = header.iter().zip(cells).enumerate().filter(|(at, _)| !used.contains(&Some(*at)));
        further
            .filter(|(_, (_, cell))| !cell.is_empty())
            .map(|(_, (name, cell))| (name.clone(), cell.clone()))
            .collect()
    }
}

/// The files among which a row's picture is looked for.
struct PictureFiles {
    folder: PathBuf,
    by_name: BTreeMap<String, Vec<PathBuf>>,
}

impl PictureFiles {
    fn below(folder: &Path) -> Result<PictureFiles, SourceError> {
        let mut by_name: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
        for place in [folder.to_owned(), folder.join("raw"), folder.join("images")] {
            if !place.is_dir() {
                continue;
            }
            for file in visible_entries(&place)?.into_iter().filter(|entry| !entry.is_dir()) {
                let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let name = file_name(&file);
                if name != stem {
                    by_name.entry(name).or_default().push(file.clone());
                }
                by_name.entry(stem).or_default().push(file);
            }
        }
        Ok(PictureFiles { folder: folder.to_owned(), by_name })
    }

    fn named(&self, file: &str) -> Result<PathBuf, String> {
        let path = self.folder.join(file);
        if path.is_file() { Ok(path) } else { self.with_id(file) }
    }

    fn with_id(&self, id: &str) -> Result<PathBuf, String> {
        match self.by_name.get(id).map_or(&[][..], Vec::as_slice) {
            [] => Err(format!("no picture \"{id}\" beside the table, in raw/ or in images/")),
            [file] => Ok(file.clone()),
            several => {
                let names: Vec<String> = several.iter().map(|file| relative(file, &self.folder)).collect();
                Err(format!("\"{id}\" could be any of {}: add a column \"file\"", names.join(", ")))
            }
        }
    }
}
