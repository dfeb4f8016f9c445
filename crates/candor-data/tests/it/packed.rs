//! What is packed into files, and what is written for other programs: it comes back as it was, and cannot do harm.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use candor_core::{Dataset, Silent, Subset};
use candor_data::export::{ExportError, LAYOUTS, export};
use candor_data::source::{Source, SourceErrorKind, SourceOptions};
use flate2::Compression;
use flate2::write::GzEncoder;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// A PNG of one grey.
fn picture(value: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::GrayImage::from_pixel(6, 5, image::Luma([value]));
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

/// Names and contents of class folders, in a folder of their own.
fn class_folders() -> Vec<(String, Vec<u8>)> {
    let file = |(at, name): (usize, &str)| (format!("photos/{name}.png"), picture(20 * at as u8));
    ["dark/a", "dark/b", "light/a", "light/c"].into_iter().enumerate().map(file).collect()
}

fn write_zip(path: &Path, files: &[(String, Vec<u8>)]) {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, content) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap();
}

fn write_tar(out: impl Write, files: &[(String, Vec<u8>)]) {
    let mut tar = tar::Builder::new(out);
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        // The builder refuses what a stranger would write.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        tar.append(&header, &content[..]).unwrap();
    }
    tar.finish().unwrap();
}

fn open(path: &Path, options: SourceOptions) -> Source {
    Source::open_part(path, &options, &Silent).unwrap()
}

/// Everything that should come back: by the id, class, subset, group, address and attributes.
fn content(source: &Source) -> BTreeMap<String, String> {
    let told = |(index, sample): (usize, &candor_core::Sample)| {
        assert_eq!(candor_core::SampleId::of(&source.original(index).unwrap()), sample.id);
        let subset = source.predefined().map(|subsets| subsets[index]);
        let told = (
            &source.classes()[sample.class],
            subset,
            &sample.group,
            &sample.provenance.url,
            &sample.attributes,
        );
        (sample.id.to_string(), format!("{told:?}"))
    };
    source.samples().iter().enumerate().map(told).collect()
}

#[test]
fn archives_are_read_as_what_is_in_them() {
    let dir = tempfile::tempdir().unwrap();
    let files = class_folders();
    for (name, content) in &files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    write_zip(&dir.path().join("a.zip"), &files);
    write_tar(File::create(dir.path().join("a.tar")).unwrap(), &files);
    write_tar(GzEncoder::new(File::create(dir.path().join("a.tgz")).unwrap(), Compression::fast()), &files);
    let expected = open(&dir.path().join("photos"), SourceOptions::default());
    for name in ["a.zip", "a.tar", "a.tgz"] {
        let mut source = open(&dir.path().join(name), SourceOptions::default());
        assert_eq!((source.kind(), source.samples()), ("archive", expected.samples()), "{name}");
        assert_eq!(source.image(3).unwrap(), expected.image(3).unwrap(), "{name}");
        assert_eq!(source.file(0), None, "its files go when it goes");
        source.retain(&[1]);
        let clone = source.clone();
        drop(source);
        assert_eq!(clone.image(0).unwrap(), expected.image(1).unwrap(), "what is left keeps the files");
    }
}

#[test]
fn archives_of_strangers_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    let outside = dir.path().join("outside.png");
    let mut files = class_folders();
    files.push((format!("../{}", outside.file_name().unwrap().to_string_lossy()), picture(1)));
    files.push(("/candor-was-here.png".to_owned(), picture(2)));
    let path = dir.path().join("evil.tar");
    write_tar(File::create(&path).unwrap(), &files);
    let source = open(&path, SourceOptions::default());
    assert_eq!((source.samples().len(), source.problems().len()), (4, 2), "{:?}", source.problems());
    assert!(source.problems().iter().all(|problem| problem.reason.contains("leaves the archive")));
    assert!(!outside.exists() && !Path::new("/candor-was-here.png").exists());

    // 80 MB of nothing in 80 kB.
    let path = dir.path().join("bomb.zip");
    write_zip(&path, &[("a/bomb.png".to_owned(), vec![0; 80 << 20])]);
    let error = Source::open_part(&path, &SourceOptions::default(), &Silent).unwrap_err();
    assert!(matches!(error.kind(), SourceErrorKind::Bomb { .. }), "{error}");

    let path = dir.path().join("cut.zip");
    write_zip(&path, &class_folders());
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = Source::open_part(&path, &SourceOptions::default(), &Silent).unwrap_err();
    assert!(matches!(error.kind(), SourceErrorKind::Packed { .. }), "{error}");
}

/// `index.csv` with groups, a split, addresses and a further column.
fn table() -> (TempDir, SourceOptions) {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir_all(dir.path().join("raw")).unwrap();
    let mut index = "id,category,image_url,name,person,part,year\n".to_owned();
    for (at, part) in ["train", "train", "validation", "test"].into_iter().enumerate() {
        let class = ["cat, small", "dog"][at % 2];
        index +=
            &format!("p{at},\"{class}\",https://x.org/{at}.png,N{at},g{},{part},{}\n", at / 2, 1990 + at);
        fs::write(dir.path().join(format!("raw/p{at}.png")), picture(10 * at as u8)).unwrap();
    }
    fs::write(dir.path().join("index.csv"), index).unwrap();
    let options = SourceOptions {
        group_column: Some("person".into()),
        split_column: Some("part".into()),
        ..SourceOptions::default()
    };
    (dir, options)
}

#[test]
fn what_is_written_in_any_layout_comes_back() {
    let (dir, options) = table();
    let source = open(dir.path(), options);
    assert_eq!(source.predefined().unwrap()[3], Subset::Test);
    for layout in LAYOUTS {
        let out = dir.path().join(layout.name);
        let written = export(&source, layout, &out, None, &Silent).unwrap();
        assert_eq!((written.pictures, written.problems.len()), (4, 0), "{}", layout.name);
        let again = export(&source, layout, &out, None, &Silent).unwrap_err();
        assert!(matches!(again, ExportError::NotEmpty { .. }));
        let columns = match layout.name {
            "index-csv" => (Some("group".to_owned()), Some("split".to_owned())),
            _ => (None, None),
        };
        let options =
            SourceOptions { group_column: columns.0, split_column: columns.1, ..SourceOptions::default() };
        let back = open(&out, options);
        assert_eq!(back.kind(), layout.name);
        match layout.name {
            // Folders have names, and nothing else.
            "class-folders" => {
                let classes = |source: &Source| {
                    let mut classes: Vec<_> = source
                        .samples()
                        .iter()
                        .zip(source.predefined().unwrap())
                        .map(|(sample, subset)| (sample.id, source.classes()[sample.class].clone(), *subset))
                        .collect();
                    classes.sort();
                    classes
                };
                assert_eq!(classes(&back), classes(&source));
            }
            _ => assert_eq!(content(&back), content(&source), "{}", layout.name),
        }
    }
}

#[test]
fn without_a_split_none_is_invented() {
    let (dir, options) = table();
    let source = open(dir.path(), SourceOptions { split_column: None, ..options });
    assert_eq!(source.predefined(), None);
    for layout in LAYOUTS {
        let out = dir.path().join(layout.name);
        export(&source, layout, &out, None, &Silent).unwrap();
        assert_eq!(open(&out, SourceOptions::default()).predefined(), None, "{}", layout.name);
    }
}

/// What img2dataset writes: a picture, its caption and a description without a class.
#[test]
fn shards_of_img2dataset_are_read_with_their_addresses() {
    let dir = tempfile::tempdir().unwrap();
    let shard = |number: usize| -> Vec<(String, Vec<u8>)> {
        let key = |at: usize| format!("{number:05}{at:04}");
        let json = |at: usize| {
            format!(
                r#"{{"url":"https://x.org/{at}.png","caption":"a, b","key":"{}","status":"success","error_message":null,"width":6,"kind":"{}"}}"#,
                key(at),
                ["cat", "dog"][at % 2]
            )
        };
        (0..3)
            .flat_map(|at| {
                [
                    (format!("{}.jpg", key(at)), picture((60 * number + 20 * at) as u8)),
                    (format!("{}.json", key(at)), json(at).into_bytes()),
                    (format!("{}.txt", key(at)), b"a, b".to_vec()),
                ]
            })
            .collect()
    };
    for number in 0..2 {
        let path = dir.path().join(format!("{number:05}.tar"));
        write_tar(File::create(path).unwrap(), &shard(number));
        fs::write(dir.path().join(format!("{number:05}_stats.json")), "{}").unwrap();
        fs::write(dir.path().join(format!("{number:05}.parquet.txt")), "").unwrap();
    }
    let without = Source::open_part(dir.path(), &SourceOptions::default(), &Silent).unwrap_err().to_string();
    assert!(without.contains("has no class: name its field in the JSON with --class-column"), "{without}");
    let source =
        open(dir.path(), SourceOptions { class_column: Some("kind".into()), ..SourceOptions::default() });
    assert_eq!((source.kind(), source.samples().len()), ("web-dataset", 6));
    assert_eq!(source.classes(), ["cat", "dog"]);
    let first = &source.samples()[0];
    assert_eq!(first.provenance.url.as_deref(), Some("https://x.org/0.png"));
    assert_eq!(first.provenance.file, "00000.tar/000000000.jpg");
    assert_eq!(first.attributes, BTreeMap::from([("caption".to_owned(), "a, b".to_owned())]));
}

#[test]
fn parquet_that_is_none_or_has_no_pictures_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path: PathBuf = dir.path().join("train-00000-of-00001.parquet");
    fs::write(&path, "PAR1 this is no table PAR1").unwrap();
    let error = Source::open_part(&path, &SourceOptions::default(), &Silent).unwrap_err();
    assert!(matches!(error.kind(), SourceErrorKind::Packed { .. }), "{error}");
}
