//! A Python with what a test needs, where there is one. Shared by the tests of the report and of the command.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A Python interpreter.
pub struct Python(PathBuf);

impl Python {
    /// The one that `CANDOR_PYTHON` names, or `python3`, where it can import `modules`; says so where it cannot, as
    /// `test` is then skipped.
    pub fn with(modules: &str, test: &str) -> Option<Python> {
        let python =
            std::env::var_os("CANDOR_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
        let imports = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
        let found = imports.is_ok_and(|output| output.status.success());
        if !found {
            println!("{test}: skipped, no Python with {modules} (CANDOR_PYTHON can name one)");
        }
        found.then_some(Python(python))
    }

    /// What `program` prints about the file at `path`, which is its first argument.
    pub fn ask(&self, program: &str, path: &Path) -> String {
        let output = Command::new(&self.0).args(["-c", program]).arg(path).output().expect("Python starts");
        let (answer, log) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{log}");
        answer.trim().to_owned()
    }
}
