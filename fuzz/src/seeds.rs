//! Well-formed files, small: what is changed at random should begin where readers get far.

use std::fs;
use std::path::Path;
use std::process::Command;

use candor_core::{Channels, Image, Silent};
use candor_data::encode::png;
use candor_data::export::{LAYOUTS, export};
use candor_data::source::Source;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/candor-data/tests/fixtures");

pub fn idx() -> Vec<Vec<u8>> {
    let mut labels = vec![0, 0, 8, 1, 0, 0, 0, 4, 0, 1, 0, 1];
    let mut pictures = vec![0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 2];
    pictures.extend(0..24u8);
    let mut bytes = vec![labels.len() as u8];
    bytes.append(&mut labels);
    bytes.append(&mut pictures);
    vec![bytes]
}

pub fn csv() -> Vec<Vec<u8>> {
    let text = "p0,p1,p2,p3,target\n0,9,9,0,one\n255,0,0,255,two\n";
    vec![text.into(), text.replace(',', ";").into(), text.replace("255", "0.5").into()]
}

pub fn index_csv() -> Vec<Vec<u8>> {
    let text = "id,category,image_url,name\na,cat,https://x.org/a,\"A, b\"\nb,dog,,\n";
    vec![text.into(), text.replace(',', "\t").into(), text.replace("id,", "file,").into()]
}

pub fn croissant() -> Vec<Vec<u8>> {
    let by_path = r#"{"@type": "sc:Dataset", "distribution": [{"@type": "cr:FileSet", "@id": "f", "includes": "*.png"}],
        "recordSet": [{"field": [
            {"@id": "r/image", "dataType": "sc:ImageObject", "source": {"fileSet": {"@id": "f"}, "extract": {"fileProperty": "content"}}},
            {"@id": "r/label", "source": {"fileSet": {"@id": "f"}, "extract": {"fileProperty": "filename"}, "transform": {"regex": "(a|b)[.]png"}}}
        ]}]}"#;
    let table = r#"{"@type": "sc:Dataset", "distribution": {"@type": "cr:FileObject", "@id": "t", "contentUrl": "all.csv"},
        "recordSet": {"field": [
            {"@id": "r/image", "dataType": ["sc:ImageObject"], "source": {"fileObject": {"@id": "t"}, "extract": {"column": "file"}}},
            {"@id": "r/label", "source": {"field": {"@id": "r/other"}}},
            {"@id": "r/other", "source": {"fileObject": {"@id": "t"}, "extract": {"column": "label"}}}
        ]}}"#;
    vec![by_path.into(), table.into()]
}

pub fn picture() -> Vec<Vec<u8>> {
    let folder = fs::read_dir(Path::new(FIXTURES).join("pictures")).expect("the fixtures are there");
    let mut files: Vec<_> = folder.map(|file| file.expect("the fixtures can be listed").path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).expect("the fixtures can be read")).collect()
}

pub fn face() -> Vec<Vec<u8>> {
    vec![fs::read(Path::new(FIXTURES).join("faces/astronaut.pgm")).expect("the fixture is there")]
}

pub fn recipe() -> Vec<Vec<u8>> {
    let folder =
        fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples")).expect("the examples are there");
    let files = folder.map(|file| file.expect("the examples can be listed").path());
    let recipes = files.filter(|file| file.extension().is_some_and(|ending| ending == "toml"));
    recipes.map(|file| fs::read(file).expect("the examples can be read")).collect()
}

/// Four small pictures of two classes.
fn pictures() -> Source {
    let pixels = (0..4 * 12u8).collect();
    Source::in_memory("seed", &["cat", "dog"], &[0, 1, 0, 1], (3, 4, Channels::Grey), pixels)
}

fn exported(layout: &str) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let layout = LAYOUTS.into_iter().find(|known| known.name == layout).expect("the layout is there");
    export(&pictures(), layout, folder.path(), &Silent).expect("pictures can be written");
    let below = |folder: &Path| {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let mut files = below(folder.path());
    files.extend(below(&folder.path().join("data")));
    files
        .into_iter()
        .filter(|file| file.is_file())
        .map(|file| fs::read(file).expect("it was written"))
        .collect()
}

pub fn parquet() -> Vec<Vec<u8>> {
    exported("parquet")
}

pub fn archive() -> Vec<Vec<u8>> {
    let mut seeds = exported("web-dataset");
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    for (class, value) in [("cat", 10), ("dog", 200)] {
        let class = folder.path().join("photos").join(class);
        fs::create_dir_all(&class).expect("temporary folders can be made");
        let image = Image::filled(5, 4, Channels::Grey, value);
        fs::write(class.join("a.png"), png(&image)).expect("temporary files can be written");
    }
    // Written by others, so that what they write is tried.
    for (tool, flags, name) in [
        ("tar", &["-cf"][..], "a.tar"),
        ("tar", &["-czf"], "a.tgz"),
        ("python3", &["-m", "zipfile", "-c"], "a.zip"),
    ] {
        let made = Command::new(tool).args(flags).arg(name).arg("photos").current_dir(folder.path()).status();
        if made.is_ok_and(|status| status.success()) {
            seeds.push(fs::read(folder.path().join(name)).expect("it was written"));
        }
    }
    seeds
}

/// A model that `CANDOR_FUZZ_MODEL` names (a run's model.safetensors); without it, a header that leads nowhere.
pub fn model() -> Vec<Vec<u8>> {
    let named = std::env::var_os("CANDOR_FUZZ_MODEL").and_then(|file| fs::read(file).ok());
    let header = br#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let mut small = (header.len() as u64).to_le_bytes().to_vec();
    small.extend_from_slice(header);
    small.extend_from_slice(&[0; 8]);
    named.into_iter().chain([small]).collect()
}
