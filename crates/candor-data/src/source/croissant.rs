//! A data set described in Croissant (<https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html>): JSON-LD that names
//! files and says where each record's picture and class stand.
//!
//! Three layouts are read: Parquet with a column of pictures, a table with a column of picture files, and a set of picture files
//! whose class is part of their path or stands in a table. The files have to lie beside the description: nothing is fetched.

mod description;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use candor_core::{Problem, Provenance, Reporter, SampleId, Subset};
use glob::Pattern;
use regex_lite::Regex;
use tempfile::TempDir;

use super::class_folders::subset_name;
use super::files::{file_name, identify, relative, visible_entries};
use super::index_csv::{self, CLASS, FILE, ID};
use super::listing::{FileEntry, LeftOut, Listing, of_files};
use super::packed::{self, kept};
use super::table::{Table, column, missing};
use super::{SourceError, SourceErrorKind, SourceKind, SourceOptions};
use description::{Description, Field, FieldSource, Part, is_data_set};

pub(super) static KIND: SourceKind = SourceKind {
    name: "croissant",
    summary: "a description in Croissant (croissant.json) and the files that it names beside it",
    recognises: |path, _| description_at(path).is_some(),
    read,
};

/// The description: the file itself, or the one in a folder.
fn description_at(path: &Path) -> Option<PathBuf> {
    const NAMES: [&str; 3] = ["croissant.json", "croissant.jsonld", "metadata.json"];
    let is_description = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap_or_default();
        serde_json::from_str(&text).is_ok_and(|value| is_data_set(&value))
    };
    let ends = |file: &Path| file.extension().is_some_and(|ending| ending == "json" || ending == "jsonld");
    match path.is_dir() {
        true => NAMES.iter().map(|name| path.join(name)).find(is_description),
        false => Some(path.to_owned()).filter(|file| ends(file)).filter(is_description),
    }
}

fn read(path: &Path, options: &SourceOptions, reporter: &dyn Reporter) -> Result<Listing, SourceError> {
    let description = Description::read(&description_at(path).unwrap_or_else(|| path.to_owned()))?;
    let no_picture = || {
        let fields = description.field_names();
        description.failed(SourceErrorKind::NoPictureField { fields })
    };
    let is_picture = |field: &&Field| match &options.file_column {
        Some(asked) => field.name == *asked,
        None => field.is_picture(),
    };
    let mut sets = description.record_sets.iter();
    let found = sets.find_map(|fields| Some((fields, fields.iter().find(is_picture)?)));
    let (fields, picture) = found.ok_or_else(no_picture)?;
    let source = description.source_of(picture)?;
    let part = description.part(&source.part)?;
    let reading = Reading { description: &description, fields, options, reporter };
    match &source.column {
        Some(column) if part.is("parquet") => reading.parquet(part, column),
        Some(column) => reading.table(part, column),
        None => reading.files(part),
    }
}

/// A set of records being read.
struct Reading<'a> {
    description: &'a Description,
    fields: &'a [Field],
    options: &'a SourceOptions,
    reporter: &'a dyn Reporter,
}

/// How the class, or the subset, of a file is told.
enum Told {
    /// By what the pattern takes out of its name or path.
    Path { whole_path: bool, pattern: Option<Regex> },
    /// By a table, under its name or path.
    Table(BTreeMap<String, String>),
}

impl Reading<'_> {
    fn folder(&self) -> &Path {
        self.description.path.parent().unwrap_or(Path::new("."))
    }

    /// The field of the class: the one that was asked for, that has the type of a label, or that is called like one.
    fn class(&self) -> Result<Option<&Field>, SourceError> {
        let called = |name: &str| self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
        if let Some(asked) = &self.options.class_column {
            return called(asked).map(Some).ok_or_else(|| self.no_class(asked));
        }
        let labelled = self.fields.iter().find(|field| field.is_label());
        Ok(labelled.or_else(|| CLASS.iter().find_map(|name| called(name))))
    }

    fn no_class(&self, wanted: &str) -> SourceError {
        let names: Vec<String> = self.fields.iter().map(|field| field.name.clone()).collect();
        missing(&names, wanted, "class", &self.description.path)
    }

    /// The options with the columns that the description names.
    fn columns(&self, picture: &str) -> Result<SourceOptions, SourceError> {
        let class = match self.class()? {
            Some(field) => self.description.source_of(field)?.column,
            None => None,
        };
        let file_column = Some(picture.to_owned());
        Ok(SourceOptions { kind: None, class_column: class, file_column, ..self.options.clone() })
    }

    fn parquet(&self, part: &Part, picture: &str) -> Result<Listing, SourceError> {
        let options = self.columns(picture)?;
        let located = self.locate(part)?;
        packed::read_parquet(&self.description.path, &located.files, &options, self.reporter)
            .map(|listing| located.keep(listing))
    }

    fn table(&self, part: &Part, picture: &str) -> Result<Listing, SourceError> {
        let options = self.columns(picture)?;
        let located = self.locate(part)?;
        let [table] = &located.files[..] else { return Err(self.nothing_at(part)) };
        index_csv::read(table, &options, self.reporter).map(|listing| located.keep(listing))
    }

    /// Pictures that are files of their own.
    fn files(&self, part: &Part) -> Result<Listing, SourceError> {
        let class = match (&self.options.class, self.class()?) {
            (Some(_), _) => None,
            (None, Some(field)) => Some(self.told(field)?),
            (None, None) => return Err(self.no_class(CLASS[0])),
        };
        let split = self.fields.iter().find(|field| field.name == "split");
        let split = split.map(|field| self.told(field)).transpose()?;
        let located = self.locate(part)?;
        let (mut entries, mut left_out) = (Vec::new(), LeftOut::new(self.reporter));
        for path in &located.files {
            let file = relative(path, &located.root);
            let told = class.as_ref().map_or_else(|| self.options.class.clone(), |class| class.of(&file));
            let Some(class) = told else {
                left_out.add(file, "has no class");
                continue;
            };
            let subset: Option<Subset> = split.as_ref().and_then(|split| subset_name(&split.of(&file)?));
            let provenance = Provenance { file, row: None, url: None };
            let attributes = BTreeMap::new();
            entries.push(FileEntry {
                path: path.clone(),
                class,
                subset,
                group: None,
                provenance,
                attributes,
            });
        }
        let paths: Vec<PathBuf> = entries.iter().map(|entry| entry.path.clone()).collect();
        let limits = self.options.limits;
        let identified = identify(&self.description.path, &paths, &limits, self.reporter)?;
        Ok(located.keep(of_files(entries, identified, limits, left_out)))
    }

    /// How a field's value is told for a file.
    fn told(&self, field: &Field) -> Result<Told, SourceError> {
        let FieldSource { part, column, property, regex } = self.description.source_of(field)?;
        let Some(column) = column else {
            // Python's `match`, which the specification's examples are written for, begins at the beginning.
            let compiled =
                regex.map(|pattern| Regex::new(&format!("^(?:{pattern})")).map_err(|error| (pattern, error)));
            let pattern = compiled.transpose().map_err(|(pattern, error)| {
                let detail = format!("\"{pattern}\" of the field {} is no pattern: {error}", field.name);
                self.description.failed(SourceErrorKind::NotCroissant { detail })
            })?;
            return Ok(Told::Path { whole_path: property.as_deref() != Some("filename"), pattern });
        };
        let located = self.locate(self.description.part(&part)?)?;
        let [file] = &located.files[..] else { return Err(self.nothing_at(self.description.part(&part)?)) };
        let table = Table::read(file)?;
        let value = table.column(&column, "class")?;
        let key = self.key_column(&part, &table)?;
        let pair =
            |(_, cells): (u64, Vec<String>)| Some((cells.get(key)?.clone(), cells.get(value)?.clone()));
        Ok(Told::Table(
            table.rows.into_iter().filter_map(pair).filter(|(_, value)| !value.is_empty()).collect(),
        ))
    }

    /// Where a table names the files: in the field that refers to them, else in the column that is called like one.
    fn key_column(&self, part: &str, table: &Table) -> Result<usize, SourceError> {
        let fields = self.description.record_sets.iter().flatten().filter(|field| field.refers);
        for field in fields {
            match self.description.source_of(field)? {
                FieldSource { part: its_part, column: Some(column), .. } if its_part == part => {
                    return table.column(&column, "picture's file");
                }
                _ => {}
            }
        }
        let usual = FILE.iter().chain(&ID).find_map(|name| column(&table.columns, name));
        usual.map_or_else(|| table.column(FILE[0], "picture's file"), Ok)
    }

    fn nothing_at(&self, part: &Part) -> SourceError {
        self.description.failed(SourceErrorKind::NoSuchPart { part: part.id.clone() })
    }

    /// The files of a part, unpacked where they lie in an archive.
    fn locate(&self, part: &Part) -> Result<Located, SourceError> {
        let [inside, ..] = &part.inside[..] else {
            return if part.is_set {
                self.chosen(part, self.folder().to_owned(), None)
            } else {
                self.beside(part)
            };
        };
        let around = self.description.part(inside)?;
        let place = self.beside(around)?;
        let [archive] = &place.files[..] else { return self.chosen(part, place.root, None) };
        let mut left_out = LeftOut::new(self.reporter);
        let unpacked = packed::unpack(archive, &self.options.limits, &mut left_out, self.reporter)?;
        let located = self.chosen(part, unpacked.path().to_owned(), Some(unpacked))?;
        Ok(Located { problems: left_out.problems, ..located })
    }

    /// A file beside the description; no file, where the part is the repository that both lie in.
    fn beside(&self, part: &Part) -> Result<Located, SourceError> {
        let root = self.folder().to_owned();
        let url = part.url.as_deref().unwrap_or(&part.id);
        let is_address = url.contains("://");
        let name = if is_address { last_name(url) } else { url };
        if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        {
            return Err(self.nothing_at(part));
        }
        let file = root.join(name);
        if part.is("git") || file.is_dir() {
            let root = if file.is_dir() { file } else { root };
            return Ok(Located { root, files: Vec::new(), unpacked: None, problems: Vec::new() });
        }
        if !file.is_file() {
            let url = is_address.then(|| url.to_owned());
            return Err(SourceError::new(&file, SourceErrorKind::NotFetched { url }));
        }
        if let Some(expected) = &part.sha256 {
            let bytes = fs::read(&file).map_err(|error| SourceError::unreadable(&file, error))?;
            let found = SampleId::of(&bytes).to_string();
            if !found.eq_ignore_ascii_case(expected) {
                let expected = expected.clone();
                return Err(SourceError::new(&file, SourceErrorKind::OtherBytes { expected, found }));
            }
        }
        Ok(Located { root, files: vec![file], unpacked: None, problems: Vec::new() })
    }

    /// The files below `root` that the part means.
    fn chosen(&self, part: &Part, root: PathBuf, unpacked: Option<TempDir>) -> Result<Located, SourceError> {
        let patterns = |texts: &[String]| -> Result<Vec<Pattern>, SourceError> {
            let not_one = |detail: String| self.description.failed(SourceErrorKind::NotCroissant { detail });
            texts
                .iter()
                .map(|text| Pattern::new(text).map_err(|error| not_one(format!("\"{text}\": {error}"))))
                .collect()
        };
        // What is one file of an archive names it where a set has its patterns.
        let named = part.url.iter().filter(|_| !part.is_set).map(|url| Pattern::escape(url));
        let includes = patterns(&part.includes.iter().cloned().chain(named).collect::<Vec<_>>())?;
        let excludes = patterns(&part.excludes)?;
        let mut files = Vec::new();
        below(&root, &mut files)?;
        files.retain(|file| {
            let name = relative(file, &root);
            let fits = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(&name));
            (includes.is_empty() || fits(&includes)) && !fits(&excludes)
        });
        if files.is_empty() {
            return Err(self.nothing_at(part));
        }
        Ok(Located { root, files, unpacked, problems: Vec::new() })
    }
}

/// Files that a part stands for.
struct Located {
    /// What their paths are relative to.
    root: PathBuf,
    files: Vec<PathBuf>,
    unpacked: Option<TempDir>,
    /// What was left out while unpacking.
    problems: Vec<Problem>,
}

impl Located {
    /// The listing, with the unpacked files for as long as it lives.
    fn keep(self, mut listing: Listing) -> Listing {
        listing.problems.splice(0..0, self.problems);
        match self.unpacked {
            Some(folder) => kept(listing, folder),
            None => listing,
        }
    }
}

impl Told {
    fn of(&self, file: &str) -> Option<String> {
        let path = Path::new(file);
        match self {
            Told::Path { whole_path, pattern } => {
                let name = file_name(path);
                let text = if *whole_path { file } else { &name };
                let Some(pattern) = pattern else { return Some(text.to_owned()) };
                let groups = pattern.captures(text)?;
                let first = groups.iter().skip(1).flatten().next().or(groups.get(0));
                first.map(|group| group.as_str().to_owned())
            }
            Told::Table(values) => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                [file, &file_name(path), &stem].iter().find_map(|key| values.get(*key)).cloned()
            }
        }
    }
}

/// The file's name in an address.
fn last_name(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

/// All files below a folder, in the order of their names.
fn below(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), SourceError> {
    for entry in visible_entries(folder)? {
        if entry.is_dir() && !entry.is_symlink() {
            below(&entry, files)?;
        } else {
            files.push(entry);
        }
    }
    Ok(())
}
