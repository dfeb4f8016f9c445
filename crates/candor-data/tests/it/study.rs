//! A study from outside: taken in once, held in every way, whole after whatever happened.

use std::fs;
use std::path::Path;

use candor_core::{Dataset, SampleId, Silent};
use candor_data::source::{Source, SourceOptions};
use candor_data::study::{ImportOptions, Imported, Keep, Study};
use tempfile::TempDir;

/// A BMP of one colour: grey values are told apart by `value`.
fn picture(value: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::GrayImage::from_pixel(5, 4, image::Luma([value]));
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

/// `photos/` with two classes, and a place for a study.
fn photos() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (file, value) in [("dark/a.png", 10), ("dark/b.png", 20), ("light/c.png", 200), ("light/d.png", 210)] {
        let path = dir.path().join("photos").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, picture(value)).unwrap();
    }
    dir
}

fn import(dir: &Path, source: &str, keep: Keep) -> Imported {
    let place = dir.join(source);
    let source = Source::open_part(&place, &SourceOptions::default(), &Silent).unwrap();
    let mut study = Study::create(&dir.join("study")).unwrap();
    study.import(&source, &place, ImportOptions { keep, ..ImportOptions::default() }, &Silent).unwrap()
}

fn open(dir: &Path) -> Source {
    Source::open(&dir.join("study"), &SourceOptions::default(), &Silent).unwrap()
}

#[test]
fn what_is_taken_in_twice_is_there_once_and_reads_as_it_was() {
    for keep in [Keep::Copy, Keep::HardLink, Keep::Reference] {
        let dir = photos();
        let first = import(dir.path(), "photos", keep);
        assert_eq!((first.new, first.known, first.copied_instead), (4, 0, 0), "{keep:?}");
        let again = import(dir.path(), "photos", keep);
        assert_eq!((again.new, again.known), (0, 4), "{keep:?}");
        let study = open(dir.path());
        let original = Source::open(&dir.path().join("photos"), &SourceOptions::default(), &Silent).unwrap();
        assert_eq!(study.kind(), "study");
        assert_eq!(study.classes(), original.classes());
        for (index, sample) in original.samples().iter().enumerate() {
            let at = study.samples().iter().position(|other| other.id == sample.id).unwrap();
            assert_eq!(study.image(at).unwrap(), original.image(index).unwrap());
            assert_eq!((study.samples()[at].class, &study.samples()[at].provenance), (sample.class, &sample.provenance));
        }
        let blobs = dir.path().join("study/blobs");
        let held = fs::read_dir(blobs).unwrap().count();
        assert_eq!(held, if keep == Keep::Reference { 0 } else { 4 }, "{keep:?}");
        let status = Study::read(&dir.path().join("study")).unwrap().status().unwrap();
        assert_eq!((status.pictures, status.missing, status.found_twice), (4, 0, 0));
    }
}

#[test]
fn a_broken_picture_is_told_and_the_others_are_taken_in() {
    let dir = photos();
    let whole = picture(77);
    fs::write(dir.path().join("photos/dark/cut.png"), &whole[..whole.len() - 20]).unwrap();
    fs::write(dir.path().join("photos/dark/page.png"), "<html>404</html>").unwrap();
    let imported = import(dir.path(), "photos", Keep::Copy);
    assert_eq!(imported.new, 4);
    let places: Vec<&str> = imported.problems.iter().map(|problem| problem.place.as_str()).collect();
    assert_eq!(places, ["dark/page.png", "dark/cut.png"], "{:?}", imported.problems);
    let status = Study::read(&dir.path().join("study")).unwrap().status().unwrap();
    assert_eq!(status.sources[0].problems, 2);
}

#[test]
fn the_same_picture_under_another_class_is_told_and_keeps_the_first() {
    let dir = photos();
    fs::write(dir.path().join("photos/light/copy-of-a.png"), picture(10)).unwrap();
    let imported = import(dir.path(), "photos", Keep::Copy);
    assert_eq!((imported.new, imported.known), (4, 1));
    let [problem] = imported.problems.as_slice() else { panic!("{:?}", imported.problems) };
    assert!(problem.place.ends_with("copy-of-a.png") && problem.reason.contains("\"dark\""), "{problem:?}");
    let status = Study::read(&dir.path().join("study")).unwrap().status().unwrap();
    assert_eq!(status.found_twice, 1);
}

#[test]
fn groups_addresses_and_further_columns_come_along() {
    let dir = photos();
    let index = "id,category,image_url,person,year\na,dark,https://x.org/a.png,p1,1999\nc,light,https://y.org/c.png,p2,\n";
    fs::create_dir_all(dir.path().join("table/raw")).unwrap();
    fs::write(dir.path().join("table/index.csv"), index).unwrap();
    for (name, value) in [("a.png", 10), ("c.png", 200)] {
        fs::write(dir.path().join("table/raw").join(name), picture(value)).unwrap();
    }
    let options = SourceOptions { group_column: Some("person".into()), ..SourceOptions::default() };
    let place = dir.path().join("table");
    let source = Source::open_part(&place, &options, &Silent).unwrap();
    Study::create(&dir.path().join("study"))
        .unwrap()
        .import(&source, &place, ImportOptions::default(), &Silent)
        .unwrap();
    let study = open(dir.path());
    let a = study.samples().iter().find(|sample| sample.id == SampleId::of(&picture(10))).unwrap();
    assert_eq!((a.group.as_deref(), a.provenance.site()), (Some("p1"), Some("x.org")));
    assert_eq!(a.attributes["year"], "1999");
}

#[test]
fn rows_of_pixels_become_files_that_anything_opens() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("digits.csv"), "p0,p1,p2,p3,target\n0,9,9,0,one\n255,0,0,255,two\n").unwrap();
    let imported = import(dir.path(), "digits.csv", Keep::HardLink);
    assert_eq!((imported.new, imported.copied_instead), (2, 2), "there is no file to link to");
    assert_eq!(import(dir.path(), "digits.csv", Keep::Copy).new, 0);
    let study = open(dir.path());
    assert_eq!(study.samples()[0].provenance.file, "digits.csv");
    let pixels: Vec<Vec<u8>> = (0..2).map(|index| study.image(index).unwrap().into_pixels()).collect();
    assert!(pixels.contains(&vec![0, 9, 9, 0]) && pixels.contains(&vec![255, 0, 0, 255]), "{pixels:?}");
}

#[test]
fn what_is_missing_is_told_and_left_out() {
    let dir = photos();
    import(dir.path(), "photos", Keep::Reference);
    fs::remove_file(dir.path().join("photos/dark/a.png")).unwrap();
    let study = open(dir.path());
    assert_eq!((study.samples().len(), study.problems().len()), (3, 1));
    assert!(study.problems()[0].reason.contains("by reference"));
    assert_eq!(Study::read(&dir.path().join("study")).unwrap().status().unwrap().missing, 1);
}

#[test]
fn a_blob_without_a_row_is_swept_when_the_study_is_written_next() {
    let dir = photos();
    import(dir.path(), "photos", Keep::Copy);
    let orphan = dir.path().join("study/blobs").join(SampleId::of(b"killed here").to_string());
    fs::write(&orphan, "killed here").unwrap();
    drop(Study::read(&dir.path().join("study")).unwrap());
    assert!(orphan.exists(), "a reader may run beside the writer whose blob it is");
    drop(Study::write(&dir.path().join("study")).unwrap());
    assert!(!orphan.exists());
    assert_eq!(open(dir.path()).samples().len(), 4);
}

#[test]
fn a_study_is_not_taken_into_itself() {
    let dir = photos();
    import(dir.path(), "photos", Keep::Copy);
    let place = dir.path().join("study");
    let source = Source::open_part(&place, &SourceOptions::default(), &Silent).unwrap();
    let error = Study::write(&place).unwrap().import(&source, &place, ImportOptions::default(), &Silent).unwrap_err();
    assert!(error.to_string().contains("cannot be imported into itself"), "{error}");
}

#[test]
fn one_class_alone_is_taken_in_under_a_name() {
    let dir = photos();
    let place = dir.path().join("photos/dark");
    let options = SourceOptions { class: Some("night".into()), ..SourceOptions::default() };
    let source = Source::open_part(&place, &options, &Silent).unwrap();
    assert_eq!((source.classes(), source.samples().len()), (&["night".to_owned()][..], 2));
}
