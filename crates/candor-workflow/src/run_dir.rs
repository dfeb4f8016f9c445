//! The folder of a run: what is in it, and writing there such that a file is either the old one or the new one, whole.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Result, WorkflowError};

/// The resolved recipe.
pub const RECIPE: &str = "recipe.toml";
/// Where the pictures came from.
pub const SOURCE: &str = "source.json";
/// Which picture is in which subset.
pub const SPLIT: &str = "split.json";
/// Which pictures belong together: copies of one file, near copies, groups.
pub const UNITS: &str = "units.json";
/// What was left out, and why.
pub const PROBLEMS: &str = "problems.json";
/// What candor chose, and why.
pub const CHOICES: &str = "choices.json";
/// Where the training stands.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The weights that the training began with, where they came from another model.
pub const INITIAL: &str = "initial.safetensors";
/// What frozen layers make of the pictures, where it is too much for memory. Can be computed again.
pub const FEATURES: [&str; 2] = ["features.bin", "features-validation.bin"];
/// Loss and accuracy of each epoch.
pub const HISTORY_CSV: &str = "history.csv";
/// The same, for machines.
pub const HISTORY_JSON: &str = "history.json";
/// The best epoch's weights with all that is needed to use them.
pub const MODEL: &str = "model.safetensors";
/// What the model says of each picture that it was judged on.
pub const PREDICTIONS: &str = "predictions.csv";
/// The same, typed.
pub const PREDICTIONS_PARQUET: &str = "predictions.parquet";
/// The figures of each subset.
pub const EVALUATION: &str = "evaluation.json";
/// The model beside simple ones.
pub const BASELINES: &str = "baselines.json";
/// A folder with what each check of the audit found.
pub const AUDIT: &str = "audit";
/// The figures that somebody claims of the run, as they were given to its audit.
pub const CLAIMED_FIGURES: &str = "audit/claimed-figures.json";
/// A folder with what each explanation showed.
pub const EXPLAIN: &str = "explain";
/// The groups by which a repaired run was split.
pub const GROUPS: &str = "groups.csv";
/// Every look at the test split.
pub const LOOKS: &str = "looks.json";
/// What happened to pictures that it learned from.
pub const MARKS: &str = "marks.json";
/// The range test of the learning rate, drawn.
pub const LEARNING_RATES_SVG: &str = "learning-rates.svg";
/// The drawing on a page, with the suggestion.
pub const LEARNING_RATES_HTML: &str = "learning-rates.html";
/// The same, for machines.
pub const LEARNING_RATES_JSON: &str = "learning-rates.json";
/// Accuracy against gap over several weights of the fairness, drawn.
pub const FRONTIER_SVG: &str = "fairness-frontier.svg";
/// The same, for machines.
pub const FRONTIER_JSON: &str = "fairness-frontier.json";
/// What a frontier was asked to draw, so that it can go on.
pub const FRONTIER_REQUEST: &str = "fairness-request.json";
/// The report, for people.
pub const REPORT_HTML: &str = "report.html";
/// The report, for machines.
pub const REPORT_JSON: &str = "report.json";

const LOCK: &str = ".lock";

/// The folder of a run, held by this process alone.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    _lock: File,
}

impl RunDir {
    /// Makes the folder, or takes one that is there and empty.
    ///
    /// # Errors
    /// When it holds anything, or cannot be made.
    pub fn create(path: &Path) -> Result<RunDir> {
        fs::create_dir_all(path).map_err(WorkflowError::file(path, "made"))?;
        if entries(path)?.iter().any(|name| name != LOCK) {
            return Err(WorkflowError::NotEmpty { path: path.to_owned() });
        }
        RunDir::lock(path)
    }

    /// Takes the folder of a run that was begun before.
    ///
    /// # Errors
    /// When it is no run, or another process works on it.
    pub fn open(path: &Path) -> Result<RunDir> {
        for missing in [RECIPE, SOURCE, SPLIT] {
            if !path.join(missing).is_file() {
                return Err(WorkflowError::NotARun { path: path.to_owned(), missing });
            }
        }
        RunDir::lock(path)
    }

    /// Takes a folder that is there, whatever is in it.
    ///
    /// # Errors
    /// When another process works on it.
    pub(crate) fn take(path: &Path) -> Result<RunDir> {
        RunDir::lock(path)
    }

    fn lock(path: &Path) -> Result<RunDir> {
        let file = path.join(LOCK);
        let lock = File::create(&file).map_err(WorkflowError::file(&file, "made"))?;
        match lock.try_lock() {
            Ok(()) => Ok(RunDir { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(WorkflowError::InUse { path: path.to_owned() }),
            // Some network file systems know no locks: better to work than to refuse.
            Err(TryLockError::Error(_)) => Ok(RunDir { path: path.to_owned(), _lock: lock }),
        }
    }

    /// Leaves nothing behind of a run that could not begin: the lock, and the folder where nothing else is in it.
    pub(crate) fn abandon(self) {
        // What cannot be removed does no harm: an empty folder is taken for a new run.
        let _ = fs::remove_file(self.file(LOCK));
        let _ = fs::remove_dir(&self.path);
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether the file is there.
    pub fn has(&self, name: &str) -> bool {
        self.file(name).is_file()
    }

    /// Writes a file, whole or not at all.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Result<()> {
        write_atomically(&self.file(name), content.as_ref())
    }

    /// Takes a file away, if it is there.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(WorkflowError::file(&path, "removed")(error))
            }
            _ => Ok(()),
        }
    }

    /// Writes a value as indented JSON.
    ///
    /// # Errors
    /// When the disk says no.
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let path = self.file(name);
        let text = serde_json::to_string_pretty(value).map_err(|e| WorkflowError::damaged(&path, e))?;
        self.write(name, text + "\n")
    }

    /// Reads a value back.
    ///
    /// # Errors
    /// When it cannot be read or is no such value.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let path = self.file(name);
        serde_json::from_slice(&self.read(name)?).map_err(|error| WorkflowError::damaged(&path, error))
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.file(name);
        fs::read(&path).map_err(WorkflowError::file(&path, "read"))
    }
}

/// `name`, or the first of `name-2`, `name-3` … that is free: a folder for a run whose name nobody chose.
pub fn free_name(name: impl AsRef<Path>) -> PathBuf {
    let name = name.as_ref();
    let numbered = (2..).map(|number| {
        let mut text = name.as_os_str().to_owned();
        text.push(format!("-{number}"));
        PathBuf::from(text)
    });
    let free = |path: &PathBuf| entries(path).map_or(true, |names| names.is_empty());
    std::iter::once(name.to_owned()).chain(numbered).find(free).expect("there is no end to numbers")
}

/// Writes beside `path`, forces it onto the disk, and puts it in the place of whatever was there.
pub(crate) fn write_atomically(path: &Path, content: &[u8]) -> Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let write = || -> std::io::Result<()> {
        let mut file = File::create(&part)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        sync_folder(path)
    };
    write().map_err(WorkflowError::file(path, "written"))
}

/// That the name at `path` is new, or gone, survives a power cut only when its folder is on the disk too.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn entries(path: &Path) -> Result<Vec<std::ffi::OsString>> {
    let unreadable = || WorkflowError::file(path, "read");
    let entries = fs::read_dir(path).map_err(unreadable())?;
    entries.map(|entry| Ok(entry.map_err(unreadable())?.file_name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_something_in_it_is_refused_with_advice() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.docx"), "years of work").unwrap();
        let error = RunDir::create(dir.path()).unwrap_err();
        assert!(error.advice().unwrap().contains("--out"), "{error}");
        assert!(RunDir::create(&dir.path().join("new/deeper")).is_ok());
    }

    #[test]
    fn a_run_belongs_to_one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let held = RunDir::create(dir.path()).unwrap();
        assert!(matches!(RunDir::create(dir.path()), Err(WorkflowError::InUse { .. })));
        drop(held);
        assert!(RunDir::create(dir.path()).is_ok());
    }

    #[test]
    fn what_is_written_is_read_back_and_leaves_no_part_behind() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(dir.path()).unwrap();
        run.write_json("a.json", &[1, 2]).unwrap();
        run.write_json("a.json", &[3]).unwrap();
        assert_eq!(run.read_json::<Vec<u32>>("a.json").unwrap(), [3]);
        assert_eq!(entries(dir.path()).unwrap().len(), 2);
        let error = run.read_json::<String>("a.json").unwrap_err().to_string();
        assert!(error.contains("a.json: is damaged: invalid type"), "{error}");
    }

    #[test]
    fn what_is_no_run_says_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        let error = RunDir::open(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with("is no run of candor: it has no recipe.toml"), "{error}");
    }
}
