//! The face detector on a face, and what a study keeps of faces.

use std::fs;
use std::path::{Path, PathBuf};

use candor_core::{
    Area, Channels, Dataset, Detection, Detector, Fit, Image, Preprocessing, SampleId, Silent,
};
use candor_data::decode::{Limits, decode, read_image};
use candor_data::faces::{Cropping, Which, detector};
use candor_data::source::{Source, SourceOptions};
use candor_data::study::{Cropped, ImportOptions, Study};
use tempfile::TempDir;

/// 120×120, grey: Eileen Collins, by NASA.
fn astronaut() -> Image {
    decode(include_bytes!("../fixtures/faces/astronaut.pgm"), &Limits::default()).unwrap()
}

fn resized(image: &Image, width: usize, height: usize) -> Image {
    Preprocessing { height, width, channels: image.channels(), fit: Fit::Stretch }.apply(image)
}

fn mirrored(image: &Image) -> Image {
    let rows = image.pixels().chunks_exact(image.width());
    let pixels = rows.flat_map(|row| row.iter().rev()).copied().collect();
    Image::new(image.width(), image.height(), Channels::Grey, pixels).unwrap()
}

#[test]
fn a_face_is_found_in_any_size_colour_and_mirror() {
    // From the hair to the chin and from ear to ear, by eye.
    let truth = Area { x: 34, y: 26, width: 50, height: 62 };
    let picture = astronaut();
    for (name, image, factor) in [
        ("as it is", picture.clone(), 1),
        ("in colour", picture.to_channels(Channels::Rgb), 1),
        ("enlarged", resized(&picture, 360, 360), 3),
        ("larger than it is searched", resized(&picture, 1200, 1200), 10),
    ] {
        let found = detector().detect(&image);
        let [Detection { area, score }] = found[..] else { panic!("{name}: {found:?}") };
        let [x, y, width, height] = [truth.x, truth.y, truth.width, truth.height].map(|at| at * factor);
        assert!(area.overlap(&Area { x, y, width, height }) > 0.5 && score > 10.0, "{name}: {found:?}");
        assert_eq!(detector().detect(&image), found, "the same picture gives the same answer");
    }
    assert_eq!(detector().detect(&mirrored(&picture)).len(), 1);
    let without_face = picture.cut(&Area { x: 0, y: 0, width: 120, height: 40 });
    assert_eq!(detector().detect(&without_face), []);
}

/// Finds as many faces as the grey of the first pixel says, one beside the other.
struct ByGrey;

impl Detector for ByGrey {
    fn name(&self) -> String {
        "by grey".to_owned()
    }

    fn detect(&self, image: &Image) -> Vec<Detection> {
        let faces = 0..usize::from(image.pixels()[0] / 10);
        faces
            .map(|at| Detection {
                area: Area { x: 8 * at, y: 4, width: 6, height: 6 },
                score: 9.0 - at as f32,
            })
            .collect()
    }
}

/// `photos/` with pictures of which no part is like another: none, one, one and two faces.
fn photos() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (file, value) in [("a/none.pgm", 3u8), ("a/one.pgm", 12), ("b/one.pgm", 14), ("b/two.pgm", 20)] {
        let mut bytes = format!("P5 40 24 255\n{}", char::from(value)).into_bytes();
        bytes.extend((1..40 * 24u32).map(|at| (at * at * (at + u32::from(value))) as u8));
        let path = dir.path().join("photos").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    dir
}

fn import(dir: &Path) -> PathBuf {
    let (place, path) = (dir.join("photos"), dir.join("study"));
    let source = Source::open_part(&place, &SourceOptions::default(), &Silent).unwrap();
    let mut study = Study::create(&path).unwrap();
    study.import(&source, &place, ImportOptions::default(), None, &Silent).unwrap();
    path
}

fn crop(study: &Path, which: Which) -> Cropped {
    let how = Cropping { which, margin: 0.0, side_px: 8 };
    Study::write(study).unwrap().crop(&ByGrey, &how, &Limits::default(), &Silent).unwrap()
}

fn crops(study: &Path) -> Source {
    let options = SourceOptions { crops: true, ..SourceOptions::default() };
    Source::open_part(study, &options, &Silent).unwrap()
}

fn derived(study: &Path) -> Vec<String> {
    let entries = fs::read_dir(study.join("derived")).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn crops_are_made_once_and_know_what_they_are_of() {
    let dir = photos();
    let study = import(dir.path());
    let error =
        Source::open_part(&study, &SourceOptions { crops: true, ..SourceOptions::default() }, &Silent);
    assert!(error.unwrap_err().to_string().contains("has no crops: make them with candor crop"));

    let first = crop(&study, Which::One);
    assert_eq!((first.looked_at, first.known, first.new, first.replaced), (4, 0, 2, 0));
    let again = crop(&study, Which::One);
    assert_eq!((again.looked_at, again.known, again.new, again.replaced), (0, 4, 0, 0));
    let source = crops(&study);
    let files: Vec<&str> = source.samples().iter().map(|sample| sample.provenance.file.as_str()).collect();
    assert_eq!((files.len(), source.classes()), (2, &["a".to_owned(), "b".to_owned()][..]));
    let original = read_image(&dir.path().join("photos/a/one.pgm"), &Limits::default()).unwrap();
    let at = files.iter().position(|&file| file == "a/one.pgm").unwrap();
    let expected = resized(&original.cut(&Area { x: 0, y: 4, width: 6, height: 6 }), 8, 8);
    assert_eq!(source.image(at).unwrap(), expected);

    let searched = Study::read(&study).unwrap().searched().unwrap();
    let told: Vec<_> = searched
        .iter()
        .map(|picture| (picture.file.as_str(), picture.failure.as_deref(), picture.faces.len()))
        .collect();
    let several = "more than one face was found: whose label is it?";
    assert_eq!(
        told,
        [
            ("a/none.pgm", Some("no face was found"), 0),
            ("a/one.pgm", None, 1),
            ("b/one.pgm", None, 1),
            ("b/two.pgm", Some(several), 2)
        ]
    );
    let counted = Study::read(&study).unwrap().status().unwrap().crops.unwrap();
    assert_eq!((counted.crops, counted.failures, counted.not_looked_at), (2, 2, 0));
}

#[test]
fn crops_of_another_kind_take_the_place_of_the_first_and_those_of_one_picture_stay_together() {
    let dir = photos();
    let study = import(dir.path());
    crop(&study, Which::One);
    let before = derived(&study);
    let all = crop(&study, Which::All);
    assert_eq!((all.looked_at, all.new, all.replaced), (4, 4, 2));
    assert!(derived(&study).len() == 4 && before.iter().all(|crop| derived(&study).contains(crop)));
    let source = crops(&study);
    let of_two: Vec<_> = source
        .samples()
        .iter()
        .filter(|sample| sample.provenance.file == "b/two.pgm")
        .map(|sample| sample.group.clone())
        .collect();
    assert!(of_two.len() == 2 && of_two[0].is_some() && of_two[0] == of_two[1], "{of_two:?}");
    assert_eq!(source.samples().iter().filter(|sample| sample.group.is_none()).count(), 2);
}

#[test]
fn crops_go_with_their_picture_and_orphans_are_swept() {
    let dir = photos();
    let study = import(dir.path());
    crop(&study, Which::Largest);
    let orphan = study.join("derived").join(SampleId::of(b"killed here").to_string());
    fs::write(&orphan, "killed here").unwrap();
    let mut writing = Study::write(&study).unwrap();
    assert!(!orphan.exists());
    let doomed = writing.find("two.pgm").unwrap();
    let [picture] = &doomed[..] else { panic!("{doomed:?}") };
    let [crop] = picture.crops[..] else { panic!("{doomed:?}") };
    assert_eq!(writing.find(&crop.to_string()).unwrap(), doomed, "a picture is found by its crop");
    assert!(study.join("derived").join(crop.to_string()).exists());
    writing.forget(&doomed, &[], &[]).unwrap();
    assert!(!study.join("derived").join(crop.to_string()).exists());
    assert_eq!(crops(&study).samples().len(), 2);
}
