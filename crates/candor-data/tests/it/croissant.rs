//! Data sets described in Croissant: each layout gives its pictures with their classes, and a description that does not fit its
//! files says where.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use candor_core::{Dataset, SampleId, Silent, Subset};
use candor_data::export::{LAYOUTS, export};
use candor_data::source::{Source, SourceError, SourceErrorKind, SourceOptions};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A PNG of one grey.
fn picture(value: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::GrayImage::from_pixel(6, 5, image::Luma([value]));
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

fn write(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn describe(folder: &Path, distribution: Value, fields: Value) {
    let description = json!({
        "@context": {"sc": "https://schema.org/", "cr": "http://mlcommons.org/croissant/"},
        "@type": "sc:Dataset",
        "name": "greys",
        "distribution": distribution,
        "recordSet": [{"@type": "cr:RecordSet", "@id": "pictures", "field": fields}],
    });
    write(folder, "croissant.json", description.to_string().as_bytes());
}

fn field(name: &str, kind: &str, source: Value) -> Value {
    json!({"@type": "cr:Field", "@id": format!("pictures/{name}"), "dataType": kind, "source": source})
}

fn open(folder: &Path) -> Result<Source, SourceError> {
    Source::open(folder, &SourceOptions::default(), &Silent)
}

/// The class and the subset of each picture.
fn told(source: &Source) -> BTreeSet<(String, String, Option<Subset>)> {
    assert_eq!(source.kind(), "croissant");
    let subset = |index: usize| source.predefined().map(|subsets| subsets[index]);
    let of = |(index, sample): (usize, &candor_core::Sample)| {
        (sample.id.to_string(), source.classes()[sample.class].clone(), subset(index))
    };
    source.samples().iter().enumerate().map(of).collect()
}

fn expected(pictures: &[(u8, &str, Option<Subset>)]) -> BTreeSet<(String, String, Option<Subset>)> {
    let of = |&(value, class, subset): &(u8, &str, Option<Subset>)| {
        (SampleId::of(&picture(value)).to_string(), class.to_owned(), subset)
    };
    pictures.iter().map(of).collect()
}

/// A zip of `train/dark/1.png` and others, described by their paths.
fn zipped(folder: &Path) -> Value {
    let mut zip = zip::ZipWriter::new(File::create(folder.join("greys.zip")).unwrap());
    for (name, value) in [("train/dark/1.png", 1), ("test/dark/2.png", 2), ("train/light/3.png", 200)] {
        zip.start_file(format!("greys/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(&picture(value)).unwrap();
    }
    zip.start_file("greys/notes.txt", zip::write::SimpleFileOptions::default()).unwrap();
    zip.finish().unwrap();
    let hash = SampleId::of(&fs::read(folder.join("greys.zip")).unwrap()).to_string();
    json!([
        {"@type": "cr:FileObject", "@id": "archive", "contentUrl": "https://example.org/data/greys.zip?x=1", "sha256": hash,
         "encodingFormat": "application/zip"},
        {"@type": "cr:FileSet", "@id": "files", "containedIn": {"@id": "archive"}, "includes": "*.png"},
    ])
}

fn by_path() -> Value {
    let regex = |pattern: &str| json!({"fileSet": {"@id": "files"}, "extract": {"fileProperty": "fullpath"}, "transform": {"regex": pattern}});
    json!([
        field(
            "image",
            "sc:ImageObject",
            json!({"fileSet": {"@id": "files"}, "extract": {"fileProperty": "content"}})
        ),
        field("label", "sc:Text", regex("greys/.*/(dark|light)/.*\\.png$")),
        field("split", "sc:Text", regex("greys/(train|test)/")),
    ])
}

#[test]
fn files_in_an_archive_whose_path_holds_the_class() {
    let dir = TempDir::new().unwrap();
    let distribution = zipped(dir.path());
    describe(dir.path(), distribution, by_path());
    let (train, test) = (Some(Subset::Train), Some(Subset::Test));
    let pictures = [(1, "dark", train), (2, "dark", test), (200, "light", train)];
    assert_eq!(told(&open(dir.path()).unwrap()), expected(&pictures));
    // The description itself may be named, too.
    assert_eq!(open(&dir.path().join("croissant.json")).unwrap().samples().len(), 3);
}

#[test]
fn files_whose_class_stands_in_a_table() {
    let dir = TempDir::new().unwrap();
    for (name, value) in [("images/a.png", 1), ("images/b.png", 200), ("images/c.png", 100)] {
        write(dir.path(), name, &picture(value));
    }
    write(dir.path(), "labels.csv", b"what,shade\na.png,dark\nb.png,light\n");
    let column = |name: &str| json!({"fileObject": {"@id": "labels"}, "extract": {"column": name}});
    let mut key = field("what", "sc:Text", column("what"));
    key["references"] = json!({"fileSet": {"@id": "files"}, "extract": {"fileProperty": "filename"}});
    describe(
        dir.path(),
        json!([
            {"@type": "cr:FileObject", "@id": "labels", "contentUrl": "labels.csv", "encodingFormat": "text/csv"},
            {"@type": "cr:FileSet", "@id": "files", "includes": ["images/*.png"]},
        ]),
        json!([
            key,
            field(
                "image",
                "sc:ImageObject",
                json!({"fileSet": {"@id": "files"}, "extract": {"fileProperty": "content"}})
            ),
            field("shade", "cr:Label", column("shade")),
        ]),
    );
    let source = open(dir.path()).unwrap();
    assert_eq!(told(&source), expected(&[(1, "dark", None), (200, "light", None)]));
    let problem = &source.problems()[0];
    assert_eq!((problem.place.as_str(), problem.reason.as_str()), ("images/c.png", "has no class"));
}

#[test]
fn a_table_that_names_the_files() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "x/1.png", &picture(1));
    write(dir.path(), "x/2.png", &picture(200));
    write(dir.path(), "all.csv", b"shade,where\ndark,x/1.png\nlight,x/2.png\n");
    let column = |name: &str| json!({"fileObject": {"@id": "all"}, "extract": {"column": name}});
    describe(
        dir.path(),
        json!({"@type": "cr:FileObject", "@id": "all", "contentUrl": "all.csv"}),
        json!([
            field("picture", "https://schema.org/ImageObject", column("where")),
            field("category", "sc:Text", column("shade")),
        ]),
    );
    assert_eq!(told(&open(dir.path()).unwrap()), expected(&[(1, "dark", None), (200, "light", None)]));
}

#[test]
fn parquet_as_hugging_face_describes_it() {
    let dir = TempDir::new().unwrap();
    let folders = dir.path().join("folders");
    write(&folders, "dark/1.png", &picture(1));
    write(&folders, "light/2.png", &picture(200));
    let out = dir.path().join("data");
    let parquet = LAYOUTS.iter().find(|layout| layout.name == "parquet").unwrap();
    export(&open(&folders).unwrap(), parquet, &out, None, &Silent).unwrap();
    fs::remove_dir_all(&folders).unwrap();
    let column = |name: &str, step: Value| json!({"fileSet": {"@id": "parquet"}, "extract": {"column": name}, "transform": step});
    describe(
        dir.path(),
        json!([
            {"@type": "cr:FileObject", "@id": "repo", "contentUrl": "https://example.org/greys/tree/main", "encodingFormat": "git+https"},
            {"@type": "cr:FileSet", "@id": "parquet", "containedIn": {"@id": "repo"}, "encodingFormat": "application/x-parquet",
             "includes": "data/*.parquet"},
        ]),
        json!([
            field("image", "sc:ImageObject", column("image", json!({"jsonPath": "bytes"}))),
            field("label", "sc:Integer", column("label", json!([]))),
        ]),
    );
    let source = open(dir.path()).unwrap();
    let classes: Vec<&str> = source.classes().iter().map(String::as_str).collect();
    assert_eq!((classes, source.samples().len()), (vec!["dark", "light"], 2));
}

#[test]
fn a_description_that_does_not_fit_its_files_says_where() {
    type Spoil = fn(&Path, &mut Value, &mut Value);
    let cases: [(Spoil, &str); 6] = [
        (
            |folder, _, _| fs::remove_file(folder.join("greys.zip")).unwrap(),
            "greys.zip: is named by the description and not there: candor fetches no data sets; download https://example.org/data/greys.zip?x=1 and put it there",
        ),
        (
            |_, distribution, _| distribution[0]["sha256"] = json!("0".repeat(64)),
            "is not the file that was described: its SHA-256 is",
        ),
        (
            |_, _, fields| fields[0]["dataType"] = json!("sc:Text"),
            "describes no field of pictures (data type sc:ImageObject); its fields are: image, label, split",
        ),
        (
            |_, distribution, _| distribution[1]["includes"] = json!("*.jpg"),
            "means files as \"files\" that it does not name, or that are not there",
        ),
        (
            |_, distribution, _| distribution[0]["contentUrl"] = json!("../greys.zip"),
            "means files as \"archive\" that it does not name, or that are not there",
        ),
        (
            |_, _, fields| fields[1]["source"]["transform"]["regex"] = json!("(["),
            "\"([\" of the field label is no pattern",
        ),
    ];
    for (spoil, message) in cases {
        let dir = TempDir::new().unwrap();
        let (mut distribution, mut fields) = (zipped(dir.path()), by_path());
        spoil(dir.path(), &mut distribution, &mut fields);
        describe(dir.path(), distribution, fields);
        let error = open(dir.path()).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let dir = TempDir::new().unwrap();
    write(dir.path(), "croissant.json", b"{\"@type\": \"sc:Dataset\"");
    let options = SourceOptions { kind: Some("croissant".to_owned()), ..SourceOptions::default() };
    let error = Source::open(&dir.path().join("croissant.json"), &options, &Silent).unwrap_err();
    assert!(matches!(error.kind(), SourceErrorKind::NotCroissant { .. }), "{error}");
}
