//! What the two kinds of CSV share: finding the delimiter, unpacking, skipping the byte-order mark.

use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::files::{file_name, open_unpacked, visible_entries};
use super::{SourceError, SourceErrorKind};

pub(super) type Rows = csv::Reader<Box<dyn Read>>;

/// A small table of anything, whole in memory: what people have in spreadsheets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    path: PathBuf,
    pub(super) columns: Vec<String>,
    /// The rows below the heading, each with its line in the file, counted from 1. Where empty lines stand before a row, it is
    /// the line of the first of them.
    pub rows: Vec<(u64, Vec<String>)>,
}

impl Table {
    /// Reads a CSV whose first line names its columns, parted by commas, semicolons or tabs, gzipped or not.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> Result<Table, SourceError> {
        let (mut rows, mut row) = (open(path)?, ByteRecord::new());
        let cells = |row: &ByteRecord| row.iter().map(text).collect::<Vec<String>>();
        let columns = if next(&mut rows, &mut row, path)? { cells(&row) } else { Vec::new() };
        let mut table = Table { path: path.to_owned(), columns, rows: Vec::new() };
        while next(&mut rows, &mut row, path)? {
            table.rows.push((row.position().map_or(0, csv::Position::line), cells(&row)));
        }
        Ok(table)
    }

    /// Where the column called `wanted` stands, which is needed as the `role`.
    ///
    /// # Errors
    /// When there is none; names those that there are.
    pub fn column(&self, wanted: &str, role: &'static str) -> Result<usize, SourceError> {
        column(&self.columns, wanted).ok_or_else(|| missing(&self.columns, wanted, role, &self.path))
    }
}

/// Whether the path is named like a table: `.csv`, `.tsv`, and the same gzipped.
pub(super) fn is_table(path: &Path) -> bool {
    let name = file_name(path).to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    path.is_file() && (name.ends_with(".csv") || name.ends_with(".tsv"))
}

/// The table that `path` stands for: itself, or the only table in a folder without subfolders.
pub(super) fn table_at(path: &Path) -> Option<PathBuf> {
    if is_table(path) {
        return Some(path.to_owned());
    }
    if !path.is_dir() {
        return None;
    }
    let entries = visible_entries(path).ok()?;
    let mut tables = entries.iter().filter(|entry| is_table(entry));
    let only = tables.next()?;
    let alone = tables.next().is_none() && !entries.iter().any(|entry| entry.is_dir());
    alone.then(|| only.clone())
}

/// Opens a table; the first line is a row like any other. Rows may have different lengths: that is for the reader to
/// judge, row by row.
pub(super) fn open(path: &Path) -> Result<Rows, SourceError> {
    let unreadable = |error: io::Error| SourceError::unreadable(path, error);
    let mut input = BufReader::with_capacity(1 << 16, open_unpacked(path).map_err(unreadable)?);
    let start = input.fill_buf().map_err(unreadable)?;
    let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let first_line = start[mark..].split(|&byte| byte == b'\n').next().unwrap_or_default();
    let delimiter = most_frequent_delimiter(first_line);
    input.consume(mark);
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(delimiter).has_headers(false).flexible(true);
    Ok(builder.from_reader(Box::new(input)))
}

fn most_frequent_delimiter(line: &[u8]) -> u8 {
    let count = |delimiter: u8| line.iter().filter(|&&byte| byte == delimiter).count();
    let mut best = b',';
    for delimiter in [b';', b'\t'] {
        if count(delimiter) > count(best) {
            best = delimiter;
        }
    }
    best
}

/// Reads the next row into `row`; false at the end.
pub(super) fn next(rows: &mut Rows, row: &mut ByteRecord, path: &Path) -> Result<bool, SourceError> {
    rows.read_byte_record(row).map_err(|error| SourceError::unreadable(path, error.into()))
}

/// A cell as text without the space around it; bytes that are no UTF-8 are shown as such.
pub(super) fn text(cell: &[u8]) -> String {
    String::from_utf8_lossy(cell).trim().to_owned()
}

/// Where the column called `wanted` stands, whatever the case of its letters.
pub(super) fn column(header: &[String], wanted: &str) -> Option<usize> {
    header.iter().position(|name| name.eq_ignore_ascii_case(wanted))
}

/// The column that was asked for, which has to be there; else the first there is of those it is usually called.
pub(super) fn find_column(
    header: &[String],
    asked: Option<&str>,
    usual: &[&str],
    role: &'static str,
    path: &Path,
) -> Result<Option<usize>, SourceError> {
    let Some(asked) = asked else {
        return Ok(usual.iter().find_map(|name| column(header, name)));
    };
    match column(header, asked) {
        Some(at) => Ok(Some(at)),
        None => Err(missing(header, asked, role, path)),
    }
}

/// The error for a column that is not there, with those that are.
pub(super) fn missing(header: &[String], wanted: &str, role: &'static str, path: &Path) -> SourceError {
    let mut columns = header.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
    if header.len() > 12 {
        columns.push_str(&format!(" and {} more", header.len() - 12));
    }
    SourceError::new(path, SourceErrorKind::MissingColumn { role, wanted: wanted.to_owned(), columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_knows_its_columns_and_the_lines_of_its_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "\u{feff}Tax;Emissions\n5;5\n10; 4.3 \n\n7;1").unwrap();
        let table = Table::read(&path).unwrap();
        assert_eq!(
            table.rows,
            [
                (2, vec!["5".into(), "5".into()]),
                (3, vec!["10".into(), "4.3".into()]),
                (4, vec!["7".into(), "1".into()]),
            ]
        );
        assert_eq!(table.column("emissions", "y").unwrap(), 1);
        let error = table.column("rate", "value").unwrap_err().to_string();
        assert!(error.ends_with("has no column \"rate\" for the value; it has: Tax, Emissions"), "{error}");
    }

    #[test]
    fn the_delimiter_is_the_one_that_occurs_most() {
        for (line, expected) in [
            ("id,category,image_url,name", b','),
            ("id;category;image_url;a,b", b';'),
            ("id\tcategory\tname", b'\t'),
            ("single", b','),
        ] {
            assert_eq!(most_frequent_delimiter(line.as_bytes()), expected, "{line}");
        }
    }
}
