//! A study from outside: taken in once, held in every way, whole after whatever happened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use candor_core::{Dataset, SampleId, Seed, Silent, Subset};
use candor_data::source::{Source, SourceOptions};
use candor_data::split::Fractions;
use candor_data::study::{
    ImportOptions, Imported, Keep, MAIN, Method, ORPHANS, SplitMade, SplitRequest, Study, Tie, find_ties,
};
use tempfile::TempDir;

/// A PNG of one grey.
fn picture(value: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::GrayImage::from_pixel(5, 4, image::Luma([value]));
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

/// `photos/` with two classes, and a place for a study.
fn photos() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (file, value) in [("dark/a.png", 10), ("dark/b.png", 20), ("light/c.png", 200), ("light/d.png", 210)]
    {
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
    study.import(&source, &place, ImportOptions { keep, ..ImportOptions::default() }, None, &Silent).unwrap()
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
            assert_eq!(
                (study.samples()[at].class, &study.samples()[at].provenance),
                (sample.class, &sample.provenance)
            );
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
        .import(&source, &place, ImportOptions::default(), None, &Silent)
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
fn an_original_without_a_row_is_set_aside_when_the_study_is_written_next() {
    let dir = photos();
    import(dir.path(), "photos", Keep::Copy);
    let orphan = dir.path().join("study/blobs").join(SampleId::of(b"killed here").to_string());
    fs::write(&orphan, "killed here").unwrap();
    drop(Study::read(&dir.path().join("study")).unwrap());
    assert!(orphan.exists(), "a reader may run beside the writer whose blob it is");
    let study = Study::write(&dir.path().join("study")).unwrap();
    assert_eq!(study.orphan_report().set_aside, 1);
    assert_eq!(study.status().unwrap().orphans, 1);
    assert!(!orphan.exists());
    let aside = dir.path().join("study").join(ORPHANS).join(orphan.file_name().unwrap());
    assert_eq!(fs::read(aside).unwrap(), b"killed here");
    assert_eq!(open(dir.path()).samples().len(), 4);
}

#[test]
fn an_emptied_or_older_ledger_loses_no_original_and_the_right_one_brings_them_back() {
    let dir = photos();
    import(dir.path(), "photos", Keep::Copy);
    let study = dir.path().join("study");
    let ledger = study.join("study.db");
    let whole = fs::read(&ledger).unwrap();
    fs::write(&ledger, "").unwrap();
    assert_eq!(Study::write(&study).unwrap().orphan_report().set_aside, 4);
    for name in ["study.db", "study.db-wal", "study.db-shm"] {
        let _ = fs::remove_file(study.join(name));
    }
    fs::write(&ledger, whole).unwrap();
    assert_eq!(Study::write(&study).unwrap().orphan_report().put_back, 4);
    let pictures = open(dir.path());
    assert_eq!((pictures.samples().len(), pictures.problems().len()), (4, 0));
}

#[test]
fn no_flipped_bit_of_the_ledger_costs_an_original() {
    let dir = photos();
    import(dir.path(), "photos", Keep::Copy);
    let study = dir.path().join("study");
    let ledger = study.join("study.db");
    let whole = fs::read(&ledger).unwrap();
    let originals = || {
        let files = [study.join("blobs"), study.join(ORPHANS)]
            .map(|folder| fs::read_dir(folder).into_iter().flatten());
        let mut names: Vec<String> = files
            .into_iter()
            .flatten()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.retain(|name| name.len() == 64);
        names.sort();
        names
    };
    let before = originals();
    assert_eq!(before.len(), 4);
    for flip in 0..60 {
        let mut damaged = whole.clone();
        let at = 100 + Seed(18).at(flip).rng().below(8 * (damaged.len() - 100));
        damaged[100 + at / 8] ^= 1 << (at % 8);
        fs::write(&ledger, &damaged).unwrap();
        drop(Study::write(&study));
        assert_eq!(originals(), before, "flip {flip} at bit {at}");
        for name in ["study.db-wal", "study.db-shm"] {
            let _ = fs::remove_file(study.join(name));
        }
    }
}

#[test]
fn a_removal_that_was_killed_after_its_rows_is_completed_by_the_next_writer() {
    let dir = photos();
    import(dir.path(), "photos", Keep::Copy);
    let path = dir.path().join("study");
    let mut study = Study::write(&path).unwrap();
    let doomed = study.find("a.png").unwrap();
    let (id, bytes) = (doomed[0].id, study.original(&doomed[0]).unwrap());
    study.forget(&doomed, &[], &[]).unwrap();
    drop(study);
    // As if the process had been killed between the rows and the file.
    let blob = path.join("blobs").join(id.to_string());
    fs::write(&blob, &bytes).unwrap();
    let ledger = rusqlite::Connection::open(path.join("study.db")).unwrap();
    ledger.execute("INSERT INTO removal (sha256) VALUES (?1)", [id.to_string()]).unwrap();
    drop(ledger);
    assert_eq!(Study::write(&path).unwrap().orphan_report().set_aside, 0);
    assert!(!blob.exists() && !path.join(ORPHANS).join(id.to_string()).exists());
}

#[test]
fn an_original_without_a_row_can_be_forgotten_by_its_bytes() {
    let dir = photos();
    import(dir.path(), "photos", Keep::Copy);
    let path = dir.path().join("study");
    let id = SampleId::of(b"killed here");
    fs::write(path.join("blobs").join(id.to_string()), "killed here").unwrap();
    let mut study = Study::write(&path).unwrap();
    let doomed = study.find(&id.to_string()).unwrap();
    assert_eq!(doomed.len(), 1);
    study.forget(&doomed, &[], &[]).unwrap();
    assert_eq!(study.status().unwrap().orphans, 0);
    assert!(
        !fs::read_to_string(path.join(ORPHANS).join("manifest.jsonl")).unwrap().contains(&id.to_string())
    );
}

#[test]
fn a_study_is_not_taken_into_itself() {
    let dir = photos();
    import(dir.path(), "photos", Keep::Copy);
    let place = dir.path().join("study");
    let source = Source::open_part(&place, &SourceOptions::default(), &Silent).unwrap();
    let error = Study::write(&place)
        .unwrap()
        .import(&source, &place, ImportOptions::default(), None, &Silent)
        .unwrap_err();
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

fn split(dir: &Path, method: Method, together: &[Tie]) -> SplitMade {
    let mut study = Study::write(&dir.join("study")).unwrap();
    let dealt = study.dealt().unwrap();
    let ties = find_ties(&dealt.samples, &dealt.exif, together);
    let fractions = Fractions { train: 0.5, validation: 0.0, test: 0.5 };
    let request = SplitRequest { name: MAIN.to_owned(), method, fractions, seed: Seed(1) };
    study.split(&request, dealt, ties).unwrap()
}

/// `each` pictures of two classes, in a table with the columns `person` (the group), `year` and the address.
fn table(each: u8) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut index = "id,category,image_url,person,year\n".to_owned();
    fs::create_dir_all(dir.path().join("photos/raw")).unwrap();
    for (class, base) in [("dark", 0), ("light", 128)] {
        for number in 0..each {
            let (id, site) = (base + number, if number % 2 == 0 { "a" } else { "b" });
            index += &format!(
                "{id},{class},https://{site}.org/{id}.png,{class}{},{}\n",
                number / 2,
                1900 + u16::from(number)
            );
            fs::write(dir.path().join(format!("photos/raw/{id}.png")), picture(id)).unwrap();
        }
    }
    fs::write(dir.path().join("photos/index.csv"), index).unwrap();
    let options = SourceOptions { group_column: Some("person".into()), ..SourceOptions::default() };
    let place = dir.path().join("photos");
    let source = Source::open_part(&place, &options, &Silent).unwrap();
    let mut study = Study::create(&dir.path().join("study")).unwrap();
    study.import(&source, &place, ImportOptions::default(), None, &Silent).unwrap();
    dir
}

/// The subset of each picture, by its id.
fn subsets(source: &Source) -> BTreeMap<SampleId, Subset> {
    source
        .samples()
        .iter()
        .map(|sample| sample.id)
        .zip(source.predefined().unwrap().iter().copied())
        .collect()
}

#[test]
fn a_split_keeps_groups_together_and_stays_when_pictures_are_added() {
    let dir = table(8);
    let made = split(dir.path(), Method::Shares { anew: false }, &[Tie::Group]);
    assert_eq!((made.tied, made.units, made.ties.len()), (16, 8, 8));
    let before = open(dir.path());
    let by_group: BTreeMap<_, BTreeSet<_>> = before.samples().iter().zip(before.predefined().unwrap()).fold(
        BTreeMap::new(),
        |mut all, (sample, subset)| {
            all.entry(sample.group.clone().unwrap()).or_insert_with(BTreeSet::new).insert(*subset);
            all
        },
    );
    assert!(by_group.len() == 8 && by_group.values().all(|subsets| subsets.len() == 1), "{by_group:?}");

    for (name, value) in [("dark/new.png", 60), ("light/new.png", 190)] {
        let path = dir.path().join("more").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, picture(value)).unwrap();
    }
    import(dir.path(), "more", Keep::Copy);
    assert_eq!(open(dir.path()).samples().len(), 16, "what was added since is in no subset");
    split(dir.path(), Method::Shares { anew: false }, &[Tie::Group]);
    let after = subsets(&open(dir.path()));
    assert_eq!(after.len(), 18);
    assert!(subsets(&before).iter().all(|(id, subset)| after[id] == *subset), "no picture moved");
}

#[test]
fn folds_test_every_picture_once_and_left_out_sites_are_tests() {
    let dir = table(6);
    let made = split(dir.path(), Method::Folds(3), &[Tie::Group]);
    let tests: Vec<usize> =
        made.splits.iter().map(|split| split.classes.values().map(|counts| counts[2]).sum()).collect();
    assert_eq!(tests, [4, 4, 4]);
    let made = split(dir.path(), Method::LeaveOut("site".into()), &[]);
    let names: Vec<&str> = made.splits.iter().map(|split| split.name.as_str()).collect();
    assert_eq!(names, ["without-a.org", "without-b.org"]);
    let options = SourceOptions { split: Some("without-b.org".into()), ..SourceOptions::default() };
    let source = Source::open(&dir.path().join("study"), &options, &Silent).unwrap();
    for (sample, subset) in source.samples().iter().zip(source.predefined().unwrap()) {
        assert_eq!(sample.provenance.site() == Some("b.org"), *subset == Subset::Test);
    }
    let options = SourceOptions { split: Some("fold-9".into()), ..SourceOptions::default() };
    let error = Source::open(&dir.path().join("study"), &options, &Silent).unwrap_err().to_string();
    assert!(error.contains("no split \"fold-9\"; it has: fold-1, fold-2, fold-3, without-a.org"), "{error}");
}

#[test]
fn in_the_order_of_time_the_latest_are_judged() {
    let dir = table(6);
    split(dir.path(), Method::ByTime("year".into()), &[]);
    let source = open(dir.path());
    for (sample, subset) in source.samples().iter().zip(source.predefined().unwrap()) {
        assert_eq!(sample.attributes["year"].as_str() >= "1903", *subset == Subset::Test, "{sample:?}");
    }
    let mut study = Study::write(&dir.path().join("study")).unwrap();
    let request = SplitRequest {
        name: MAIN.to_owned(),
        method: Method::ByTime("exif".into()),
        fractions: Fractions::default(),
        seed: Seed(1),
    };
    let dealt = study.dealt().unwrap();
    let error = study.split(&request, dealt, Vec::new()).unwrap_err().to_string();
    assert!(
        error.contains("no picture has a time \"exif\": choose exif, or one of its columns (year)"),
        "{error}"
    );
}
