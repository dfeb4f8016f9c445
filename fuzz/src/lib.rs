//! What is fuzzed: every reader of bytes that strangers write. A target takes any bytes; it may say no, and must not panic, hang
//! or take much memory.
//!
//! `cargo run --bin mutate -- TARGET SECONDS` changes well-formed files at random, on any toolchain. With a nightly one,
//! `cargo fuzz run TARGET --features libfuzzer` is led by what code the bytes reach.
#![forbid(unsafe_code)]

mod seeds;

use std::fs;
use std::path::Path;

use candor_core::{Dataset, Silent};
use candor_data::decode::{Limits, decode};
use candor_data::faces::detector;
use candor_data::source::{Source, SourceOptions};
use candor_workflow::TrainedModel;
use candor_workflow::recipe::RecipeFile;

/// One reader.
pub struct Target {
    /// What it is called.
    pub name: &'static str,
    /// Feeds it.
    pub feed: fn(&[u8]),
    /// Well-formed files to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub static TARGETS: [Target; 10] = [
    Target { name: "idx", feed: idx, seeds: seeds::idx },
    Target { name: "csv", feed: |bytes| source(bytes, "fuzz.csv"), seeds: seeds::csv },
    Target { name: "index_csv", feed: index_csv, seeds: seeds::index_csv },
    Target { name: "croissant", feed: croissant, seeds: seeds::croissant },
    Target { name: "parquet", feed: |bytes| source(bytes, "train-0.parquet"), seeds: seeds::parquet },
    Target { name: "archive", feed: |bytes| source(bytes, "fuzz.zip"), seeds: seeds::archive },
    Target { name: "picture", feed: picture, seeds: seeds::picture },
    Target { name: "face", feed: face, seeds: seeds::face },
    Target { name: "recipe", feed: recipe, seeds: seeds::recipe },
    Target { name: "model", feed: model, seeds: seeds::model },
];

/// Feeds the target of this name.
///
/// # Panics
/// When there is none, or it cannot take the bytes.
pub fn feed(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("the target is in the list");
    (target.feed)(bytes);
}

/// Little: what is taken beyond it is a finding.
fn limits() -> Limits {
    Limits { max_pixels: 1 << 20, max_bytes: 16 << 20 }
}

fn in_folder(feed: impl FnOnce(&Path)) {
    let folder = tempfile::Builder::new()
        .prefix("candor-fuzz-")
        .tempdir()
        .expect("there is a place for temporary files");
    feed(folder.path());
}

/// Opens what was written at `place`, and reads every picture.
fn open(place: &Path, options: SourceOptions) {
    let options = SourceOptions { limits: limits(), ..options };
    if let Ok(source) = Source::open_part(place, &options, &Silent) {
        for index in 0..source.samples().len().min(64) {
            let _ = source.image(index);
            let _ = source.original(index);
        }
    }
}

fn source(bytes: &[u8], name: &str) {
    in_folder(|folder| {
        let place = folder.join(name);
        fs::write(&place, bytes).expect("temporary files can be written");
        open(&place, SourceOptions::default());
    });
}

/// The first bytes are the labels, in number as many as the first says.
fn idx(bytes: &[u8]) {
    let at = bytes.first().map_or(0, |&length| usize::from(length) + 1).min(bytes.len());
    let (labels, pictures) = bytes.split_at(at);
    in_folder(|folder| {
        let place = folder.join("train-images-idx3-ubyte");
        fs::write(&place, pictures).expect("temporary files can be written");
        fs::write(folder.join("train-labels-idx1-ubyte"), labels.get(1..).unwrap_or_default())
            .expect("temporary files can be written");
        open(folder, SourceOptions::default());
    });
}

fn index_csv(bytes: &[u8]) {
    in_folder(|folder| {
        fs::create_dir_all(folder.join("raw")).expect("temporary folders can be made");
        for (name, picture) in ["a", "b"].into_iter().zip(seeds::picture()) {
            fs::write(folder.join("raw").join(name), picture).expect("temporary files can be written");
        }
        fs::write(folder.join("index.csv"), bytes).expect("temporary files can be written");
        open(folder, SourceOptions::default());
    });
}

fn croissant(bytes: &[u8]) {
    in_folder(|folder| {
        for (name, picture) in ["a.png", "b.png"].into_iter().zip(seeds::picture()) {
            fs::write(folder.join(name), picture).expect("temporary files can be written");
        }
        fs::write(folder.join("all.csv"), "file,label\na.png,cat\nb.png,dog\n").expect("temporary files can be written");
        fs::write(folder.join("croissant.json"), bytes).expect("temporary files can be written");
        open(folder, SourceOptions { kind: Some("croissant".to_owned()), ..SourceOptions::default() });
    });
}

fn picture(bytes: &[u8]) {
    if let Ok(image) = decode(bytes, &limits()) {
        assert!(image.width() * image.height() <= 1 << 20);
    }
}

fn face(bytes: &[u8]) {
    if let Ok(image) = decode(bytes, &limits()) {
        for found in detector().detect(&image) {
            let area = found.area;
            assert!(
                area.pixels() > 0
                    && area.x + area.width <= image.width()
                    && area.y + area.height <= image.height()
            );
        }
    }
}

fn recipe(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(recipe) = RecipeFile::parse(text) {
        let _ = recipe.layers();
    }
}

fn model(bytes: &[u8]) {
    in_folder(|folder| {
        let place = folder.join("model.safetensors");
        fs::write(&place, bytes).expect("temporary files can be written");
        let _ = TrainedModel::load(&place, 1);
    });
}
