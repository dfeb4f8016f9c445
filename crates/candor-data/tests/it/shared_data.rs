//! The real data sets, where the folder that `CANDOR_SHARED` names holds them.

use std::path::PathBuf;

use candor_core::{Channels, Dataset, Fit, Preprocessing, Seed, Silent, Subset};
use candor_data::known::{FetchOptions, fetch, find};
use candor_data::prepare::{prepare, survey};
use candor_data::source::{Source, SourceOptions};
use candor_data::split::{Fractions, split};

/// The folder `data/<name>`, or `None` (and a word) when there is none.
fn data(name: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("CANDOR_SHARED").map(|shared| PathBuf::from(shared).join("data").join(name));
    let found = folder.filter(|folder| folder.exists());
    if found.is_none() {
        eprintln!("skipped: CANDOR_SHARED names no folder with data/{name}");
    }
    found
}

fn open(path: &std::path::Path) -> Source {
    Source::open(path, &SourceOptions::default(), &Silent).unwrap()
}

#[test]
fn mnist_is_read_with_its_split() {
    let Some(folder) = data("mnist") else { return };
    let source = open(&folder);
    assert_eq!((source.samples().len(), source.classes().len()), (20_000, 10));
    let parts = split(&source, source.predefined(), Fractions::default(), Seed(1)).unwrap();
    let sizes = Subset::ALL.map(|subset| parts.split.indices(subset).len());
    assert_eq!((sizes.iter().sum::<usize>(), sizes[2]), (20_000, 10_000));
    assert!(sizes[1].abs_diff(1_250) <= 10, "{sizes:?}");
    let seen = survey(&source, &Silent).unwrap();
    assert!(seen.all_grey && seen.one_size && (seen.median_width, seen.median_height) == (28, 28));
}

#[test]
fn photographs_in_class_folders_are_prepared() {
    let Some(folder) = data("forks-scissors") else { return };
    let source = open(&folder);
    assert_eq!(
        (source.samples().len(), source.classes()),
        (40, &["fork".to_owned(), "scissors".to_owned()][..])
    );
    let input = Preprocessing { height: 64, width: 64, channels: Channels::Rgb, fit: Fit::Crop };
    let prepared = prepare(&source, input, &Silent).unwrap();
    assert_eq!((prepared.len(), prepared.problems.len(), prepared.pixels.len()), (40, 0, 40 * 64 * 64 * 3));
    assert!(!prepared.survey.all_grey && prepared.survey.min_width >= 64, "{:?}", prepared.survey);
    let parts = split(&source, None, Fractions::default(), Seed(1)).unwrap();
    assert_eq!(Subset::ALL.map(|subset| parts.split.indices(subset).len()), [28, 4, 8]);
}

#[test]
fn digits_are_read_from_a_gzipped_table() {
    let Some(folder) = data("digits") else { return };
    let options = SourceOptions { pixel_max: Some(16.0), ..SourceOptions::default() };
    let source = Source::open(&folder, &options, &Silent).unwrap();
    assert_eq!((source.kind(), source.samples().len(), source.classes().len()), ("pixel-csv", 1797, 10));
    assert_eq!(source.image(0).unwrap().width(), 8);
    assert_eq!(source.image(0).unwrap().pixels()[2], (5.0f64 / 16.0 * 255.0).round() as u8);
}

#[test]
fn local_copies_of_fashion_mnist_are_what_is_pinned() {
    let Some(folder) = data("fashion-mnist") else { return };
    let (known, into) = (find("fashion-mnist").unwrap(), tempfile::tempdir().unwrap());
    let test_only = candor_data::known::KnownDataset { files: &known.files[2..], ..*known };
    let options = FetchOptions { from_dir: Some(folder), ..FetchOptions::default() };
    fetch(&test_only, into.path(), &options, &Silent).unwrap();
    let source = open(into.path());
    assert_eq!((source.samples().len(), source.classes()[9].as_str()), (10_000, "Ankle boot"));
    assert_eq!(source.predefined(), None);
    assert_eq!(source.samples()[17].id, candor_data::demo::fashion_mnist().samples()[17].id);
}
