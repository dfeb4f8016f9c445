//! Small pictures that anybody can write, and the command with its answers taken apart.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;
use tempfile::TempDir;

/// The command, in a folder of its own.
pub struct Candor {
    pub dir: TempDir,
}

/// What a call came to.
pub struct Answer {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Candor {
    pub fn new() -> Candor {
        Candor { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_candor"));
        command.current_dir(self.dir.path()).args(line.split_whitespace());
        command
    }

    /// Calls `candor` with the words of `line`.
    pub fn run(&self, line: &str) -> Answer {
        Answer::of(self.command(line).output().unwrap())
    }

    /// The JSON of a call that has to succeed.
    pub fn json(&self, line: &str) -> Value {
        let answer = self.run(&format!("{line} --json"));
        assert_eq!(answer.code, 0, "{line}: {}", answer.stderr);
        answer.json()
    }

    /// Everything that a run leaves on the disk.
    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Folders `dark` and `light` with `each` pictures of 40×30 pixels, which anything can tell apart.
    pub fn write_photos(&self, folder: &str, each: usize) {
        for (class, base) in [("dark", 20), ("light", 180)] {
            for number in 0..each {
                let pixel = |x: usize, y: usize| {
                    let value = base + ((7 * number + 3 * x + 5 * y) % 50) as u8;
                    [value, value / 2, 60]
                };
                self.write(&format!("{folder}/{class}/{number:03}.bmp"), bmp(40, 30, pixel));
            }
        }
    }

    /// Grey noise that says nothing, with two by two pixels in a corner that are light in class 1.
    pub fn write_marked_csv(&self, name: &str, rows: usize, side: usize) {
        let names: Vec<String> = (0..side * side).map(|pixel| format!("pixel{pixel}")).collect();
        let mut text = names.join(",") + ",target\n";
        for row in 0..rows {
            let class = row % 2;
            for pixel in 0..side * side {
                let is_marked = class == 1 && pixel % side < 2 && pixel / side < 2;
                let value =
                    if is_marked { 250 } else { (row / 2 * 37 + pixel * pixel * 7 + row / 6 * pixel) % 120 };
                text += &format!("{value},");
            }
            text += &format!("{class}\n");
        }
        self.write(name, text);
    }

    /// A pixel CSV of `rows` pictures of `side`×`side`; class 0 is dark above, class 1 below.
    pub fn write_pixel_csv(&self, name: &str, rows: usize, side: usize) {
        let names: Vec<String> = (0..side * side).map(|pixel| format!("pixel{pixel}")).collect();
        let mut text = names.join(",") + ",target\n";
        for row in 0..rows {
            let class = row % 2;
            for pixel in 0..side * side {
                let is_light = (pixel / side < side / 2) == (class == 1);
                let value = if is_light { 190 } else { 20 } + (row * 13 + pixel * 7) % 60;
                text += &format!("{value},");
            }
            text += &format!("{class}\n");
        }
        self.write(name, text);
    }
}

/// Whatever a test was about: every `report.json` that it made is as `docs/report.schema.json` says.
impl Drop for Candor {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            records(self.dir.path()).iter().for_each(|path| check_record(path));
        }
    }
}

/// All files called `report.json` below `folder`.
fn records(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = |path: PathBuf| match path.is_dir() {
        true => records(&path),
        false => Some(path).filter(|path| path.ends_with("report.json")).into_iter().collect(),
    };
    paths.flat_map(found).collect()
}

fn check_record(path: &Path) {
    static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
        let schema = serde_json::from_str(include_str!("../../../../docs/report.schema.json")).unwrap();
        jsonschema::validator_for(&schema).expect("the schema is one")
    });
    let record = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let faults: Vec<String> =
        SCHEMA.iter_errors(&record).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(faults, [""; 0], "{}", path.display());
}

impl Answer {
    pub fn of(output: Output) -> Answer {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap_or(-1);
        Answer { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}

/// A BMP file: the simplest format that candor reads.
pub fn bmp(width: usize, height: usize, pixel: impl Fn(usize, usize) -> [u8; 3]) -> Vec<u8> {
    let row = (3 * width).next_multiple_of(4);
    let size = (54 + row * height) as u32;
    let mut bytes = b"BM".to_vec();
    for number in [size, 0, 54, 40, width as u32, height as u32, 1 | (24 << 16), 0, 0, 2835, 2835, 0, 0] {
        bytes.extend(number.to_le_bytes());
    }
    for y in (0..height).rev() {
        let start = bytes.len();
        (0..width).map(|x| pixel(x, y)).for_each(|[r, g, b]| bytes.extend([b, g, r]));
        bytes.resize(start + row, 0);
    }
    bytes
}

/// The folder with data that is not in the repository, where it is there.
pub fn shared(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("CANDOR_SHARED").map(PathBuf::from).filter(|path| path.is_dir());
    if folder.is_none() {
        println!("{test}: skipped, because CANDOR_SHARED names no folder");
    }
    folder
}

/// Every file below `folder`, by its path from there.
pub fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}
