//! A table with one square grey picture a row: its values, and a column with its class (`target`, by default the last).
//!
//! With a header or without, any square size, gzipped or not. Values are whole numbers from 0 (black) to 255, unless
//! [`SourceOptions::pixel_max`] says which value is white.

use std::collections::BTreeMap;
use std::path::Path;

use candor_core::{Channels, Progress, Provenance, Reporter, SampleId, Stage, Subset};
use csv::ByteRecord;

use super::class_folders::subset_name;
use super::files::file_name;
use super::listing::{Entry, LeftOut, Listing, in_memory};
use super::table::{self, Rows, column, find_column, table_at, text};
use super::{SourceError, SourceErrorKind, SourceKind, SourceOptions};

pub(super) static KIND: SourceKind = SourceKind {
    name: "pixel-csv",
    summary: "a table with one square grey picture a row, its pixels from 0 to 255 and its class in the last column",
    recognises,
    read,
};

const CLASS: [&str; 4] = ["target", "label", "class", "category"];

/// A table whose second row is numbers but for a few cells.
fn recognises(path: &Path, _: &SourceOptions) -> bool {
    let Some(path) = table_at(path) else { return false };
    let mut row = ByteRecord::new();
    let Ok(mut rows) = table::open(&path) else { return false };
    for _ in 0..2 {
        if table::next(&mut rows, &mut row, &path).is_err() {
            return false;
        }
    }
    let numbers = row.iter().filter(|cell| number(cell).is_some()).count();
    numbers >= 4 && row.len() - numbers <= 3
}

fn read(path: &Path, options: &SourceOptions, reporter: &dyn Reporter) -> Result<Listing, SourceError> {
    let path = &table_at(path).unwrap_or_else(|| path.to_owned());
    let mut rows = table::open(path)?;
    let mut row = ByteRecord::new();
    let mut more = table::next(&mut rows, &mut row, path)?;
    let header = is_header(&row, options).then(|| row.iter().map(text).collect::<Vec<_>>());
    let layout = Layout::find(row.len(), header.as_deref(), options, path)?;
    if header.is_some() {
        more = table::next(&mut rows, &mut row, path)?;
    }
    let mut reading = Reading {
        layout,
        file: file_name(path),
        pixel_max: options.pixel_max,
        class_names: &options.class_names,
        entries: Vec::new(),
        pixels: Vec::new(),
        left_out: LeftOut::new(reporter),
    };
    reading.all(&mut rows, row, more, path, reporter)?;
    reading.into_listing(reporter)
}

/// A row is a header when it names the class, counts its columns (0, 1, 2 ...), or when a cell other than the first
/// and the last is no number (those may hold a class).
fn is_header(row: &ByteRecord, options: &SourceOptions) -> bool {
    let names = CLASS.into_iter().chain(options.class_column.as_deref());
    let names_class =
        names.filter(|name| number(name.as_bytes()).is_none()).any(|name| column_of(row, name).is_some());
    let inner = 1..row.len().saturating_sub(1);
    let counts = row.len() > 4
        && inner.clone().all(|at| number(&row[at]) == number(&row[1]).map(|first| first + at as f64 - 1.0));
    let varies = row.len() > 4 && number(&row[1]) != number(&row[2]);
    names_class || (counts && varies) || inner.clone().any(|at| number(&row[at]).is_none())
}

fn column_of(row: &ByteRecord, name: &str) -> Option<usize> {
    row.iter().position(|cell| cell.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}

fn number(cell: &[u8]) -> Option<f64> {
    std::str::from_utf8(cell).ok()?.trim().parse().ok()
}

/// Which column is what.
struct Layout {
    columns: usize,
    class: usize,
    group: Option<usize>,
    split: Option<usize>,
    pixels: Vec<usize>,
    side: usize,
}

impl Layout {
    fn find(
        columns: usize,
        header: Option<&[String]>,
        options: &SourceOptions,
        path: &Path,
    ) -> Result<Layout, SourceError> {
        let named = |asked: &Option<String>, role| match header {
            Some(header) => find_column(header, asked.as_deref(), &[], role, path),
            None => Ok(None),
        };
        let class = class_column(columns, header, options, path)?;
        let (group, split) = (named(&options.group_column, "group")?, named(&options.split_column, "split")?);
        let id = named(&options.id_column, "id")?;
        let other = [Some(class), group, split, id];
        let pixels: Vec<usize> = (0..columns).filter(|at| !other.contains(&Some(*at))).collect();
        let side = pixels.len().isqrt();
        if side == 0 || side * side != pixels.len() {
            let kind = SourceErrorKind::NotSquare { columns, pixels: pixels.len() };
            return Err(SourceError::new(path, kind));
        }
        Ok(Layout { columns, class, group, split, pixels, side })
    }
}

/// The column of the class: by name, `first`, `last`, or the usual names, or else the last.
fn class_column(
    columns: usize,
    header: Option<&[String]>,
    options: &SourceOptions,
    path: &Path,
) -> Result<usize, SourceError> {
    let asked = options.class_column.as_deref();
    let by_name = |name: &str| header.and_then(|header| column(header, name));
    let last = columns.saturating_sub(1);
    match asked {
        None => Ok(CLASS.iter().find_map(|name| by_name(name)).unwrap_or(last)),
        Some(name) => match (by_name(name), name) {
            (Some(at), _) => Ok(at),
            (None, "first") => Ok(0),
            (None, "last") => Ok(last),
            (None, _) => {
                let none = ["(no header; say \"first\" or \"last\")".to_owned()];
                Err(table::missing(header.unwrap_or(&none), name, "class", path))
            }
        },
    }
}

struct Reading<'a> {
    layout: Layout,
    file: String,
    pixel_max: Option<f64>,
    class_names: &'a [String],
    entries: Vec<Entry>,
    pixels: Vec<u8>,
    left_out: LeftOut<'a>,
}

impl Reading<'_> {
    fn all(
        &mut self,
        rows: &mut Rows,
        mut row: ByteRecord,
        mut more: bool,
        path: &Path,
        reporter: &dyn Reporter,
    ) -> Result<(), SourceError> {
        let mut done = 0;
        while more {
            if reporter.cancelled() {
                return Err(SourceError::new(path, SourceErrorKind::Cancelled));
            }
            let before = self.pixels.len();
            if let Err(reason) = self.row(&row, done) {
                self.pixels.truncate(before);
                let line = row.position().map_or(0, csv::Position::line);
                self.left_out.add(format!("{}, row {done} (line {line})", self.file), reason);
            }
            done += 1;
            reporter.progress(Progress { stage: Stage::Scan, done, total: 0, message: String::new() });
            more = table::next(rows, &mut row, path)?;
        }
        Ok(())
    }

    fn row(&mut self, row: &ByteRecord, number: u64) -> Result<(), String> {
        if row.len() != self.layout.columns {
            return Err(format!("has {} columns where {} were expected", row.len(), self.layout.columns));
        }
        let start = self.pixels.len();
        for &at in &self.layout.pixels {
            let value = pixel(&row[at], self.pixel_max);
            self.pixels.push(value.ok_or_else(|| self.bad_pixel(at, &row[at]))?);
        }
        let class = class_name(&row[self.layout.class], self.class_names)?;
        let subset = self.layout.split.map(|at| subset(&row[at])).transpose()?;
        let group = self.layout.group.map(|at| text(&row[at])).filter(|group| !group.is_empty());
        self.entries.push(Entry {
            id: SampleId::of(&self.pixels[start..]),
            class,
            subset,
            group,
            provenance: Provenance { file: self.file.clone(), row: Some(number), url: None },
            attributes: BTreeMap::new(),
        });
        Ok(())
    }

    fn bad_pixel(&self, at: usize, cell: &[u8]) -> String {
        let expected = match self.pixel_max {
            None => "a whole number from 0 to 255".to_owned(),
            Some(max) => format!("a number from 0 to {max}"),
        };
        format!("column {} holds \"{}\" where {expected} was expected", at + 1, text(cell))
    }

    fn into_listing(self, reporter: &dyn Reporter) -> Result<Listing, SourceError> {
        let brightest = self.pixels.iter().max().copied().unwrap_or(0);
        if self.pixel_max.is_none() && !self.entries.is_empty() && brightest <= 32 {
            reporter.note(&format!(
                "the brightest of all pixels is {brightest} of 255; if that is white, say so with --pixel-max {brightest}"
            ));
        }
        let side = self.layout.side;
        Ok(Listing {
            entries: self.entries,
            pictures: in_memory(side, side, Channels::Grey, self.pixels),
            problems: self.left_out.problems,
            class_order: self.class_names.to_vec(),
        })
    }
}

/// A pixel's value in 0..=255; `None` when the cell holds something else.
fn pixel(cell: &[u8], max: Option<f64>) -> Option<u8> {
    if max.is_none() && (1..=3).contains(&cell.len()) && cell.iter().all(u8::is_ascii_digit) {
        let value = cell.iter().fold(0u32, |value, digit| 10 * value + u32::from(digit - b'0'));
        return u8::try_from(value).ok();
    }
    let (value, max) = (number(cell)?, max.unwrap_or(255.0));
    let whole = max != 255.0 || value.fract() == 0.0;
    (whole && (0.0..=max).contains(&value)).then(|| (value / max * 255.0).round() as u8)
}

/// The class that a cell names. `1.0`, as tables turn `1` into when a value is missing elsewhere, is 1.
fn class_name(cell: &[u8], names: &[String]) -> Result<String, String> {
    let mut class = text(cell);
    if class.is_empty() {
        return Err("has no class".to_owned());
    }
    if let Some(whole) = class.parse::<f64>().ok().filter(|value| value.fract() == 0.0 && *value >= 0.0) {
        class = (whole as u64).to_string();
    }
    if names.is_empty() || names.contains(&class) {
        return Ok(class);
    }
    let name = class.parse::<usize>().ok().and_then(|at| names.get(at));
    name.cloned()
        .ok_or_else(|| format!("is of class \"{class}\", which has no name: {} were given", names.len()))
}

fn subset(cell: &[u8]) -> Result<Subset, String> {
    let name = text(cell);
    subset_name(&name)
        .ok_or_else(|| format!("is in the subset \"{name}\": train, validation or test was expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_a_whole_number_to_255_unless_told_otherwise() {
        let cases: [(&str, Option<f64>, Option<u8>); 12] = [
            ("0", None, Some(0)),
            ("255", None, Some(255)),
            ("256", None, None),
            ("-1", None, None),
            (" 7 ", None, Some(7)),
            ("12.0", None, Some(12)),
            ("0.5", None, None),
            ("", None, None),
            ("NaN", None, None),
            ("16", Some(16.0), Some(255)),
            ("0.5", Some(1.0), Some(128)),
            ("1.1", Some(1.0), None),
        ];
        for (cell, max, expected) in cases {
            assert_eq!(pixel(cell.as_bytes(), max), expected, "{cell}");
        }
    }

    #[test]
    fn a_header_is_told_from_a_row() {
        let row = |text: &str| ByteRecord::from(text.split(',').collect::<Vec<_>>());
        for (text, expected) in [
            ("0,1,2,3,target", true),
            ("p0,p1,p2,p3,y", true),
            ("0,1,2,3,4", true),
            ("label,0,1,2,3", true),
            ("0,0,0,0,1", false),
            ("12,13,200,0,cat", false),
            ("cat,13,200,0,7", false),
            ("5,5,5,5,5", false),
        ] {
            assert_eq!(is_header(&row(text), &SourceOptions::default()), expected, "{text}");
        }
    }
}
