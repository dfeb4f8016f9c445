//! Which pictures must stay in one subset, as a table beside the pictures says.

use std::collections::BTreeMap;
use std::path::Path;

use candor_core::SampleId;
use serde::{Deserialize, Serialize};

use crate::error::{Result, WorkflowError};

/// The group of each picture that belongs to one.
pub(crate) type Together = BTreeMap<SampleId, String>;

/// A row of the table.
#[derive(Serialize, Deserialize)]
struct Row {
    /// SHA-256 of the picture's bytes.
    id: SampleId,
    group: String,
}

/// Reads a CSV with the columns `id` and `group`; others are left alone.
///
/// # Errors
/// When the file cannot be read or a row has no such columns; names the row.
pub(super) fn read(path: &Path) -> Result<Together> {
    let refuse =
        |error: csv::Error| WorkflowError::Groups { path: path.to_owned(), reason: error.to_string() };
    let mut rows = csv::Reader::from_path(path).map_err(refuse)?;
    let row = |row: std::result::Result<Row, csv::Error>| row.map(|row| (row.id, row.group)).map_err(refuse);
    rows.deserialize().map(row).collect()
}

/// The table of that.
pub(crate) fn write(together: &Together) -> Vec<u8> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    for (id, group) in together {
        rows.serialize(Row { id: *id, group: group.clone() }).expect("a vector takes every row");
    }
    rows.into_inner().expect("a vector takes every row")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_back_and_a_wrong_row_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("groups.csv");
        let together =
            Together::from([(SampleId::of(b"a"), "ann, at sea".into()), (SampleId::of(b"b"), "bob".into())]);
        std::fs::write(&path, write(&together)).unwrap();
        assert_eq!(read(&path).unwrap(), together);
        std::fs::write(&path, "id,group\n12,x\n").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("groups.csv") && error.contains("line: 2"), "{error}");
    }
}
