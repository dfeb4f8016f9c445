//! ARCHITECTURE.md's promises, held against the manifests and the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Edges = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names in backticks of a line or a cell.
fn quoted(text: &str) -> BTreeSet<String> {
    let names = text.split('`').skip(1).step_by(2);
    names.filter(|name| name.starts_with("candor-")).map(str::to_owned).collect()
}

/// The crate table: crate, job, what it may depend on.
fn allowed() -> Edges {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| `candor-"));
    let edge = |line: &str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let name = quoted(cells[0]).into_iter().next().unwrap();
        (name, quoted(cells[cells.len() - 1]))
    };
    rows.map(edge).collect()
}

/// What the manifests say, dependencies for tests and for building included.
fn actual() -> Edges {
    let folders = fs::read_dir(root().join("crates")).unwrap().map(|entry| entry.unwrap().path());
    let edge = |folder: PathBuf| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        (name, dependencies(&manifest))
    };
    folders.filter(|folder| folder.join("Cargo.toml").is_file()).map(edge).collect()
}

fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.contains("dependencies");
            found.extend(
                line.split(['.', ']'])
                    .filter(|part| inside && part.starts_with("candor-"))
                    .map(str::to_owned),
            );
        } else if inside && line.starts_with("candor-") {
            found.insert(line.split(['.', ' ', '=']).next().unwrap().to_owned());
        }
    }
    found
}

#[test]
fn no_crate_depends_on_what_the_architecture_does_not_allow() {
    let (allowed, actual) = (allowed(), actual());
    let names = |edges: &Edges| edges.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&actual), names(&allowed), "ARCHITECTURE.md's table and crates/ name different crates");
    for (name, dependencies) in &actual {
        let stray: Vec<_> = dependencies.difference(&allowed[name]).collect();
        assert!(stray.is_empty(), "{name} depends on {stray:?}, which ARCHITECTURE.md does not allow");
    }
}

#[test]
fn manifests_are_read_in_all_their_forms() {
    let manifest = "[package]\nname = \"candor-x\"\n[dependencies]\ncandor-a.workspace = true\ncandor-b = { path = \"..\" }\n\
                    serde = \"1\"\n[dev-dependencies.candor-c]\npath = \"x\"\n[lints]\ncandor-d = 1\n";
    let expected = ["candor-a", "candor-b", "candor-c"].map(str::to_owned);
    assert_eq!(dependencies(manifest), BTreeSet::from(expected));
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => rust_files(&path, found),
            false if path.extension().is_some_and(|ending| ending == "rs") => found.push(path),
            false => {}
        }
    }
}

/// Whether the keyword stands before what it can stand before; words in texts and comments are none.
fn says_unsafe(text: &str) -> bool {
    let keyword = ["un", "safe"].concat();
    let code = text.lines().map(|line| line.split("//").next().unwrap_or(""));
    let after = code.flat_map(|line| line.split(&keyword).skip(1).map(str::trim_start).collect::<Vec<_>>());
    let marks = ["{", "fn ", "impl", "extern ", "trait "];
    after.into_iter().any(|rest| rest.is_empty() || marks.iter().any(|mark| rest.starts_with(mark)))
}

#[test]
fn the_keyword_is_told_from_the_word() {
    let keyword = ["un", "safe"].concat();
    for code in
        ["let x = KEY { f() };", "KEY fn f()", "pub KEY extern \"C\" fn", "KEY impl Send for X", "x = KEY"]
    {
        assert!(says_unsafe(&code.replace("KEY", &keyword)), "{code}");
    }
    for text in ["// KEY { }", "'KEY-inline'", "#![forbid(KEY_code)]", "KEYly"] {
        assert!(!says_unsafe(&text.replace("KEY", &keyword)), "{text}");
    }
}

#[test]
fn unsafe_stands_only_in_the_engine_s_kernels() {
    let mut files = Vec::new();
    for folder in fs::read_dir(root().join("crates")).unwrap() {
        let source = folder.unwrap().path().join("src");
        if source.is_dir() {
            rust_files(&source, &mut files);
        }
    }
    assert!(files.len() > 50, "only {} files were found", files.len());
    let stray: Vec<_> = files
        .iter()
        .filter(|file| !file.to_string_lossy().replace('\\', "/").contains("candor-engine/src/kernel/"))
        .filter(|file| says_unsafe(&fs::read_to_string(file).unwrap()))
        .collect();
    assert!(stray.is_empty(), "these files say it: {stray:?}");
}
