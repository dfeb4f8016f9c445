//! Every kind of source, made in a temporary folder: what is listed, what is left out, and what is refused.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use candor_core::{Channels, Dataset, Image, Silent, Subset};
use candor_data::source::{KINDS, Source, SourceError, SourceOptions};
use tempfile::TempDir;

/// A folder of files; a text content is written as it is, a number becomes a grey PNG of that value.
struct Folder(TempDir);

#[derive(Clone)]
enum File {
    Text(&'static str),
    Bytes(Vec<u8>),
    Picture(u8),
}
use File::{Bytes, Picture, Text};

impl Folder {
    fn with(files: &[(&str, File)]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for (name, file) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let bytes = match file {
                Text(text) => text.as_bytes().to_vec(),
                Bytes(bytes) => bytes.clone(),
                Picture(value) => png(*value),
            };
            fs::write(path, bytes).unwrap();
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn open(&self) -> Result<Source, SourceError> {
        self.open_with(SourceOptions::default())
    }

    fn open_with(&self, options: SourceOptions) -> Result<Source, SourceError> {
        Source::open(self.path(), &options, &Silent)
    }
}

fn png(value: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::GrayImage::from_pixel(3, 2, image::Luma([value]));
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Png).unwrap();
    bytes
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| bytes.extend(size.to_be_bytes()));
    bytes.extend(values);
    bytes
}

fn files_of(source: &Source) -> Vec<&str> {
    source.samples().iter().map(|sample| sample.provenance.file.as_str()).collect()
}

fn labels_of(source: &Source) -> Vec<&str> {
    source.samples().iter().map(|sample| source.classes()[sample.class].as_str()).collect()
}

fn problems_of(source: &Source) -> Vec<String> {
    source.problems().iter().map(|problem| format!("{}: {}", problem.place, problem.reason)).collect()
}

#[test]
fn class_folders_are_listed_by_name_and_what_is_no_picture_is_told() {
    let folder = Folder::with(&[
        ("10/b.png", Picture(1)),
        ("10/a.png", Picture(2)),
        ("9/deep/er/c", Picture(3)),
        ("9/notes.txt", Text("what I saw")),
        ("9/.DS_Store", Text("junk")),
        ("9/Thumbs.db", Text("junk")),
        ("9/broken.png", Bytes(png(4)[..40].to_vec())),
        ("9/page.jpg", Text("<!DOCTYPE html><title>404</title>")),
        ("2/d.jpg", Picture(5)),
        ("readme.md", Text("about")),
        (".git/config", Text("x")),
    ]);
    let source = folder.open().unwrap();
    assert_eq!(source.kind(), "class-folders");
    assert_eq!(source.classes(), ["2", "9", "10"]);
    assert_eq!(files_of(&source), ["10/a.png", "10/b.png", "2/d.jpg", "9/deep/er/c"]);
    assert_eq!(labels_of(&source), ["10", "10", "2", "9"]);
    assert_eq!(source.predefined(), None);
    assert_eq!(
        problems_of(&source),
        [
            "9/broken.png: is a PNG that is cut off: the end of the file is missing",
            "9/page.jpg: is a web page, not a picture"
        ]
    );
    assert_eq!(source.image(3).unwrap(), Image::filled(3, 2, Channels::Grey, 3));
    assert_eq!(source.samples()[3].id, candor_core::SampleId::of(&png(3)));
}

#[test]
fn folders_of_a_split_are_told_from_classes_of_that_name() {
    let split = Folder::with(&[
        ("Train/cat/1.png", Picture(1)),
        ("Train/dog/1.png", Picture(2)),
        ("test/cat/1.png", Picture(3)),
        ("val/dog/1.png", Picture(4)),
        ("unsorted/5.png", Picture(5)),
    ]);
    let source = split.open().unwrap();
    assert_eq!(source.classes(), ["cat", "dog"]);
    assert_eq!(
        source.predefined().unwrap(),
        [Subset::Train, Subset::Train, Subset::Test, Subset::Validation]
    );
    assert_eq!(problems_of(&source), ["unsorted: lies beside the folders of a split and was not read"]);

    let vehicles =
        Folder::with(&[("train/1.png", Picture(1)), ("test/2.png", Picture(2)), ("bus/3.png", Picture(3))]);
    let source = vehicles.open().unwrap();
    assert_eq!(source.classes(), ["bus", "test", "train"]);
    assert_eq!(source.predefined(), None);

    let only_train = Folder::with(&[("train/a/1.png", Picture(1)), ("train/b/2.png", Picture(2))]);
    assert_eq!(only_train.open().unwrap().classes(), ["a", "b"]);
}

#[test]
fn an_empty_class_is_left_out_with_a_word() {
    let folder = Folder::with(&[
        ("a/1.png", Picture(1)),
        ("b/2.png", Picture(2)),
        ("c/only.txt", Text("notes")),
        ("d/bad.png", Text("text")),
    ]);
    let source = folder.open().unwrap();
    assert_eq!(source.classes(), ["a", "b"]);
    assert_eq!(
        problems_of(&source),
        [
            "c: the class folder holds no pictures: it is left out",
            "d: none of the pictures of this class can be read: it is left out",
            "d/bad.png: is text, not a picture",
        ]
    );
}

#[test]
fn what_is_no_source_is_refused_with_what_to_do() {
    type Case<'a> = (&'a str, &'a [(&'a str, File)], &'a str);
    let cases: [Case; 9] = [
        (
            "",
            &[("a/1.png", Picture(1))],
            "holds only the class \"a\": a classifier needs at least two; add pictures of another one",
        ),
        (
            "",
            &[("1.png", Picture(1)), ("2.png", Picture(2))],
            "holds 2 pictures but no subfolders: put the pictures of each class into a subfolder that is named after it",
        ),
        (
            "",
            &[("a/1.png", Text("no")), ("b/1.png", Text("no"))],
            "holds no picture that can be read (4 left out; the first: a: none of the pictures of this class can be read: it is left out)",
        ),
        (
            "x.zip",
            &[("x.zip", Text("PK"))],
            "is an archive that candor does not unpack (zip, tar and tar.gz it does, unless they are damaged); a source is a folder with one subfolder a class, an index.csv, a CSV of pixels, or IDX files",
        ),
        (
            "1.png",
            &[("1.png", Picture(1))],
            "is a single picture; a source is a folder with one subfolder a class, an index.csv, a CSV of pixels, or IDX files",
        ),
        (
            "",
            &[("index.csv", Text("name,age\nx,3\n"))],
            "has no column \"id\" for the picture's id (or \"file\" for its file); it has: name, age",
        ),
        (
            "",
            &[("index.csv", Text("id,age\nx,3\n"))],
            "has no column \"category\" for the class; it has: id, age",
        ),
        (
            "p.csv",
            &[("p.csv", Text("1,2,3,4,5,0\n1,2,3,4,5,1\n"))],
            "has 6 columns, 5 of them without the class: that is not a square number of pixels. Name the column of the class if it is not the last, and those that hold no pixels",
        ),
        (
            "",
            &[("train-images-idx3-ubyte", Bytes(idx(&[1, 1, 1], &[5])))],
            "needs train-labels-idx1-ubyte beside it",
        ),
    ];
    for (name, files, expected) in cases {
        let folder = Folder::with(files);
        let path = folder.path().join(name);
        let error = Source::open(&path, &SourceOptions::default(), &Silent).unwrap_err();
        assert!(error.to_string().ends_with(&format!(": {expected}")), "{error}\nexpected {expected}");
    }
    let error = Source::open("no/such".as_ref(), &SourceOptions::default(), &Silent).unwrap_err();
    assert_eq!(error.to_string(), "no/such: there is no such file or folder");
}

#[test]
fn a_kind_can_be_asked_for_and_a_wrong_one_is_answered_with_the_right_ones() {
    let folder = Folder::with(&[("a/1.png", Picture(1)), ("b/2.png", Picture(2))]);
    let with = |kind: &str| {
        folder.open_with(SourceOptions { kind: Some(kind.to_owned()), ..SourceOptions::default() })
    };
    assert_eq!(with("class-folders").unwrap().samples().len(), 2);
    let error = with("folders").unwrap_err().to_string();
    for kind in KINDS {
        assert!(error.contains(kind.name) && !kind.summary.is_empty(), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed_once() {
    let folder =
        Folder::with(&[("a/1.png", Picture(1)), ("b/2.png", Picture(2)), ("b/deep/3.png", Picture(3))]);
    let path = folder.path();
    std::os::unix::fs::symlink(path.join("b"), path.join("b/deep/loop")).unwrap();
    std::os::unix::fs::symlink(path.join("a/1.png"), path.join("a/link.png")).unwrap();
    std::os::unix::fs::symlink(path.join("nowhere"), path.join("a/gone.png")).unwrap();
    let source = folder.open().unwrap();
    assert_eq!(files_of(&source), ["a/1.png", "a/link.png", "b/2.png", "b/deep/3.png"]);
    assert_eq!(source.samples()[0].id, source.samples()[1].id);
    let problems = problems_of(&source);
    assert_eq!(problems[0], "b/deep/loop: is a link to a folder that it lies in and was not followed");
    assert!(problems[1].starts_with("a/gone.png: cannot be read: "), "{problems:?}");
}

#[test]
fn a_file_that_changed_since_it_was_listed_is_not_read() {
    let folder = Folder::with(&[("a/1.png", Picture(1)), ("b/2.png", Picture(2))]);
    let source = folder.open().unwrap();
    fs::write(folder.path().join("a/1.png"), png(9)).unwrap();
    let error = source.image(0).unwrap_err().to_string();
    assert_eq!(error, "a/1.png: has changed since it was listed: start again");
    assert!(source.image(1).is_ok());
}

#[test]
fn an_index_finds_its_pictures_and_keeps_further_columns() {
    let folder = Folder::with(&[
        (
            "index.csv",
            Text(
                "\u{feff}id,category,image_url,name,site\n\
                 00a1,cs,http://x/1.jpg,\"Doe, J.\",u1\n\
                 00b2,econ,http://x/2.jpg,,u2\n\
                 gone,econ,http://x/3.jpg,N,u2\n\
                 00c3,,http://x/3.jpg,N,u2\n\
                 twice,cs,,N,u1\n\
                 beside,econ,,,u1,too,many\n\
                 beside,econ,,,\n",
            ),
        ),
        ("raw/00a1", Picture(1)),
        ("raw/00b2.jpg", Picture(2)),
        ("raw/twice.jpg", Picture(4)),
        ("raw/twice.png", Picture(4)),
        ("beside.png", Picture(3)),
    ]);
    let options = SourceOptions { group_column: Some("Site".to_owned()), ..SourceOptions::default() };
    let source = folder.open_with(options).unwrap();
    assert_eq!(source.kind(), "index-csv");
    assert_eq!(files_of(&source), ["raw/00a1", "raw/00b2.jpg", "beside.png"]);
    assert_eq!(labels_of(&source), ["cs", "econ", "econ"]);
    let first = &source.samples()[0];
    assert_eq!(first.group.as_deref(), Some("u1"));
    assert_eq!(first.provenance.url.as_deref(), Some("http://x/1.jpg"));
    assert_eq!(first.attributes.iter().collect::<Vec<_>>(), [(&"name".to_owned(), &"Doe, J.".to_owned())]);
    assert_eq!(source.samples()[2].group, None);
    assert_eq!(
        problems_of(&source),
        [
            "index.csv, row 2 (line 4): no picture \"gone\" beside the table, in raw/ or in images/",
            "index.csv, row 3 (line 5): has no class",
            "index.csv, row 4 (line 6): \"twice\" could be any of raw/twice.jpg, raw/twice.png: add a column \"file\"",
            "index.csv, row 5 (line 7): has 7 cells, the header has 5",
        ]
    );
}

#[test]
fn columns_of_an_index_can_be_named() {
    let folder = Folder::with(&[
        (
            "table.csv",
            Text("what;where;part\ncat;p/1.png;train\ndog;p/2.png;train\ndog;p/3.png;TEST\ncat;p/4.png;\n"),
        ),
        ("p/1.png", Picture(1)),
        ("p/2.png", Picture(2)),
        ("p/3.png", Picture(3)),
        ("p/4.png", Picture(4)),
    ]);
    let options = SourceOptions {
        class_column: Some("what".to_owned()),
        file_column: Some("where".to_owned()),
        split_column: Some("part".to_owned()),
        ..SourceOptions::default()
    };
    let source = Source::open(&folder.path().join("table.csv"), &options, &Silent).unwrap();
    assert_eq!(files_of(&source), ["p/1.png", "p/2.png", "p/3.png"]);
    assert_eq!(source.predefined().unwrap(), [Subset::Train, Subset::Train, Subset::Test]);
    assert_eq!(
        problems_of(&source),
        ["table.csv, row 3 (line 5): is in the subset \"\": train, validation or test was expected"]
    );
}

/// The class and the pixels of every row that is read, whatever way the table is written.
#[test]
fn pixels_are_read_from_any_table() {
    let named =
        |class: &str| SourceOptions { class_column: Some(class.to_owned()), ..SourceOptions::default() };
    let unnamed = SourceOptions::default;
    let cases: [(&str, File, SourceOptions); 9] = [
        ("p.csv", Text("0,64,128,255,1\n9,8,7,6,0\n"), unnamed()),
        ("p.csv", Text("a,b,c,d,target\n0,64,128,255,1\n9,8,7,6,0\n"), unnamed()),
        ("p.csv", Text("0,1,2,3,target\n0,64,128,255,1\n9,8,7,6,0\n"), unnamed()),
        ("p.csv", Text("label,a,b,c,d\n1,0,64,128,255\n0,9,8,7,6\n"), unnamed()),
        ("p.csv", Text("a,b,y,c,d\n0,64,1,128,255\n9,8,0,7,6\n"), named("y")),
        ("p.csv", Text("1,0,64,128,255\n0,9,8,7,6\n"), named("first")),
        ("p.tsv", Text("0\t64\t128\t255\t1.0\r\n9\t8\t7\t6\t0.0\r\n"), unnamed()),
        ("p.csv", Text("\u{feff}0; 64; 128; 255; 1\n9; 8; 7; 6; 0"), unnamed()),
        ("p.csv.gz", Bytes(gz(b"0,64,128,255,1\n9,8,7,6,0\n")), unnamed()),
    ];
    for (name, table, options) in cases {
        let shown = match &table {
            Text(text) => *text,
            _ => name,
        };
        let folder = Folder::with(&[(name, table.clone())]);
        for path in [folder.path().join(name), folder.path().to_owned()] {
            let source = Source::open(&path, &options, &Silent).unwrap_or_else(|e| panic!("{shown}: {e}"));
            assert_eq!(source.kind(), "pixel-csv");
            assert_eq!(labels_of(&source), ["1", "0"], "{shown}");
            assert_eq!(source.image(0).unwrap().pixels(), [0, 64, 128, 255], "{shown}");
            assert_eq!(source.image(1).unwrap().pixels(), [9, 8, 7, 6], "{shown}");
            assert_eq!(source.samples()[1].provenance.row, Some(1));
        }
    }
}

#[test]
fn a_bad_row_is_told_and_the_rest_goes_on() {
    let folder = Folder::with(&[(
        "p.csv",
        Text("a,b,c,d,target\n1,2,3,4,cat\n1,2,300,4,cat\n1,2,3,4\n5,x,7,8,dog\n5,6,7,8,\n5,6,7,8,dog\n"),
    )]);
    let source = Source::open(&folder.path().join("p.csv"), &SourceOptions::default(), &Silent).unwrap();
    assert_eq!(labels_of(&source), ["cat", "dog"]);
    assert_eq!(source.image(1).unwrap().pixels(), [5, 6, 7, 8]);
    assert_eq!(source.samples()[1].provenance.row, Some(5));
    assert_eq!(
        problems_of(&source),
        [
            "p.csv, row 1 (line 3): column 3 holds \"300\" where a whole number from 0 to 255 was expected",
            "p.csv, row 2 (line 4): has 4 columns where 5 were expected",
            "p.csv, row 3 (line 5): column 2 holds \"x\" where a whole number from 0 to 255 was expected",
            "p.csv, row 4 (line 6): has no class",
        ]
    );
}

#[test]
fn classes_of_numbers_are_named_and_values_scaled() {
    let folder = Folder::with(&[("p.csv", Text("0,4,8,16,1\n16,0,0,0,0\n1,1,1,1,2\n"))]);
    let options = SourceOptions {
        class_names: vec!["no".to_owned(), "yes".to_owned()],
        pixel_max: Some(16.0),
        ..SourceOptions::default()
    };
    let source = folder.open_with(options).unwrap();
    assert_eq!(source.classes(), ["no", "yes"]);
    assert_eq!(labels_of(&source), ["yes", "no"]);
    assert_eq!(source.image(0).unwrap().pixels(), [0, 64, 128, 255]);
    assert_eq!(
        problems_of(&source),
        ["p.csv, row 2 (line 3): is of class \"2\", which has no name: 2 were given"]
    );
}

fn mnist_like() -> Vec<(&'static str, File)> {
    vec![
        ("train-few-images-idx3-ubyte.gz", Bytes(gz(&idx(&[3, 1, 2], &[1, 2, 3, 4, 5, 6])))),
        ("train-few-labels-idx1-ubyte.gz", Bytes(gz(&idx(&[3], &[0, 2, 0])))),
        ("t10k-images-idx3-ubyte", Bytes(idx(&[1, 1, 2], &[7, 8]))),
        ("t10k-labels-idx1-ubyte", Bytes(idx(&[1], &[2]))),
    ]
}

#[test]
fn idx_files_bring_their_split_along() {
    let folder = Folder::with(&mnist_like());
    let source = folder.open().unwrap();
    assert_eq!(source.kind(), "idx");
    assert_eq!(source.classes(), ["0", "2"]);
    assert_eq!(labels_of(&source), ["0", "2", "0", "2"]);
    let (train, test) = (Subset::Train, Subset::Test);
    assert_eq!(source.predefined().unwrap(), [train, train, train, test]);
    assert_eq!(source.image(3).unwrap(), Image::new(2, 1, Channels::Grey, vec![7, 8]).unwrap());
    assert_eq!(source.samples()[3].provenance.to_string(), "t10k-images-idx3-ubyte, row 0");

    for name in ["train-few-images-idx3-ubyte.gz", "train-few-labels-idx1-ubyte.gz"] {
        let source = Source::open(&folder.path().join(name), &SourceOptions::default(), &Silent).unwrap();
        assert_eq!((source.samples().len(), source.predefined()), (3, None));
    }
    let names = ["zero", "one", "two"].map(str::to_owned).to_vec();
    let named = folder.open_with(SourceOptions { class_names: names, ..SourceOptions::default() }).unwrap();
    assert_eq!(named.classes(), ["zero", "two"]);
    fs::write(folder.path().join("classes.txt"), "null\neins\nzwei\n").unwrap();
    assert_eq!(folder.open().unwrap().classes(), ["null", "zwei"]);
}

#[test]
fn idx_files_that_do_not_fit_are_refused() {
    let with = |name: &'static str, file: File| {
        let mut files = mnist_like();
        files.retain(|(other, _)| *other != name);
        files.push((name, file));
        Folder::with(&files).open().unwrap_err().to_string()
    };
    let pictures = "t10k-images-idx3-ubyte";
    for (name, bytes, expected) in [
        (pictures, idx(&[2, 1, 2], &[7, 8]), "is cut off: its header calls for 4 bytes, it holds 2"),
        (pictures, idx(&[2, 1, 2], &[7; 4]), "holds 2 pictures, but t10k-labels-idx1-ubyte holds 1 labels"),
        (
            pictures,
            idx(&[1, 2, 2], &[7; 4]),
            "holds pictures of (2, 2) (height, width), the others are (1, 2)",
        ),
        (
            "train-images-idx3-ubyte",
            idx(&[1, 1, 2], &[7; 2]),
            "holds more than one candidate for the train pictures (train-few-images-idx3-ubyte.gz, train-images-idx3-ubyte): give the file itself",
        ),
    ] {
        let error = with(name, Bytes(bytes));
        assert!(error.ends_with(expected), "{error}");
    }
    let names = vec!["only".to_owned()];
    let options = SourceOptions { class_names: names, ..SourceOptions::default() };
    let error = Folder::with(&mnist_like()).open_with(options).unwrap_err().to_string();
    assert!(error.ends_with("holds class 2, but only 1 class names were given"), "{error}");
}

#[test]
fn cifar_batches_are_read_plane_by_plane() {
    let record = |label: u8, red: u8| {
        let planes = [red, 20, 30].into_iter().flat_map(|value| vec![value; 1024]);
        std::iter::once(label).chain(planes).collect::<Vec<u8>>()
    };
    let train = [record(3, 1), record(5, 2)].concat();
    let folder = Folder::with(&[
        ("cifar-10-batches-bin/data_batch_1.bin", Bytes(train)),
        ("cifar-10-batches-bin/test_batch.bin", Bytes(record(3, 9))),
    ]);
    let source = folder.open().unwrap();
    assert_eq!((source.kind(), labels_of(&source)), ("cifar", vec!["cat", "dog", "cat"]));
    assert_eq!(source.predefined().unwrap()[2], Subset::Test);
    assert_eq!(source.image(2).unwrap().pixel(31, 31), [9, 20, 30]);
    fs::write(folder.path().join("cifar-10-batches-bin/data_batch_2.bin"), [0; 100]).unwrap();
    let error = folder.open().unwrap_err().to_string();
    assert!(error.contains("data_batch_2.bin: has 100 bytes"), "{error}");
}

#[test]
fn retaining_keeps_samples_pictures_and_subsets_together() {
    let folders = Folder::with(&[
        ("train/a/1.png", Picture(1)),
        ("train/b/2.png", Picture(2)),
        ("test/a/3.png", Picture(3)),
        ("test/b/4.png", Picture(4)),
    ]);
    for folder in [&folders, &Folder::with(&mnist_like())] {
        let whole = folder.open().unwrap();
        let mut part = whole.clone();
        part.retain(&[1, 3]);
        part.retain(&[1]);
        assert_eq!(part.samples(), &whole.samples()[3..]);
        assert_eq!(part.image(0).unwrap(), whole.image(3).unwrap());
        assert_eq!(part.predefined().unwrap(), &whole.predefined().unwrap()[3..]);
    }
}

proptest::proptest! {
    #[test]
    fn no_table_makes_a_reader_fail_other_than_by_an_error(
        table in "[0-9a,;.\"\n\t -]{0,200}",
        kind in proptest::sample::select(vec!["pixel-csv", "index-csv", "idx"]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("t.csv");
        fs::write(&path, &table).unwrap();
        let options = SourceOptions { kind: Some(kind.to_owned()), ..SourceOptions::default() };
        for options in [&options, &SourceOptions::default()] {
            if let Ok(source) = Source::open(&path, options, &Silent) {
                assert!(source.classes().len() > 1);
                assert!((0..source.samples().len()).all(|index| source.image(index).is_ok()));
            }
        }
    }
}
