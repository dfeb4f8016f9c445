//! `data`: well-known data sets, fetched and verified.

use std::path::{Path, PathBuf};

use candor_core::Reporter;
use candor_data::known::{FetchOptions, fetch, find, known_datasets};
use serde::Serialize;

use crate::error::{Result, WorkflowError};

/// One well-known data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetListing {
    /// What it is called.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// As its authors state it.
    pub licence: &'static str,
    /// Of all files together.
    pub bytes: u64,
    /// Class names, in the order of the labels.
    pub classes: &'static [&'static str],
}

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DatasetReceipt {
    /// The data set.
    pub name: &'static str,
    /// The folder to train on.
    pub dir: PathBuf,
    /// Files that were downloaded or copied now.
    pub new_files: usize,
    /// Files that were there already, with the right hash.
    pub present_files: usize,
}

/// All of them.
pub fn data_list() -> Vec<DatasetListing> {
    let listing = |dataset: &candor_data::known::KnownDataset| DatasetListing {
        name: dataset.name,
        summary: dataset.summary,
        licence: dataset.licence,
        bytes: dataset.bytes(),
        classes: dataset.classes,
    };
    known_datasets().iter().map(listing).collect()
}

/// Brings the data set called `name` into `to`, from its mirrors or from local copies in `from`.
///
/// # Errors
/// When there is no such data set, or a file cannot be had with the right hash.
pub fn data_get(
    name: &str,
    to: &Path,
    from: Option<&Path>,
    reporter: &dyn Reporter,
) -> Result<DatasetReceipt> {
    let unknown = || WorkflowError::UnknownDataset {
        name: name.to_owned(),
        known: known_datasets().iter().map(|dataset| dataset.name).collect::<Vec<_>>().join(", "),
    };
    let dataset = find(name).ok_or_else(unknown)?;
    let options = FetchOptions { mirrors: Vec::new(), from_dir: from.map(Path::to_owned) };
    let fetched = fetch(dataset, to, &options, reporter)?;
    Ok(DatasetReceipt {
        name: dataset.name,
        dir: fetched.dir,
        new_files: fetched.new_files,
        present_files: fetched.present_files,
    })
}

#[cfg(test)]
mod tests {
    use candor_core::Silent;

    use super::*;

    #[test]
    fn a_name_that_is_not_known_lists_those_that_are() {
        let error = data_get("imagenet", "x".as_ref(), None, &Silent).unwrap_err().to_string();
        let expected =
            "there is no data set called \"imagenet\": choose one of mnist, fashion-mnist, cifar10";
        assert_eq!(error, expected);
    }
}
