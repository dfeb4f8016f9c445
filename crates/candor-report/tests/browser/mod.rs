//! A page in a real browser, where there is one: what a person would find wrong with it. Shared by the tests of the
//! report and of the command.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const HARNESS: &str = include_str!("harness.html");

/// Widths in pixels, and whether the reader prefers dark.
const VIEWS: &str = r#"[{"width":390,"dark":false},{"width":390,"dark":true},{"width":1280,"dark":false},{"width":1280,"dark":true}]"#;

/// A browser of Chromium's family.
pub struct Browser(PathBuf);

/// What was found at one width in one scheme, and what the browser wrote to its console.
pub struct Findings {
    pub views: Vec<Value>,
    pub console: String,
}

impl Browser {
    /// The one on the path; says so where there is none, as `test` is then skipped.
    pub fn find(test: &str) -> Option<Browser> {
        let path = std::env::var_os("PATH")?;
        let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
        let found = std::env::split_paths(&path)
            .flat_map(|folder| names.map(|name| folder.join(name)))
            .find(|candidate| candidate.is_file());
        if found.is_none() {
            println!("{test}: skipped, no chromium on the path");
        }
        found.map(Browser)
    }

    /// Looks at the page on a phone and on a desktop, light and dark.
    pub fn look(&self, page: &str) -> Findings {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("harness.html");
        let harness = HARNESS.replace("VIEWS", VIEWS).replace("PAGE", &STANDARD.encode(page));
        std::fs::write(&file, harness).expect("the harness can be written");
        let output = self.command(folder.path()).arg(format!("file://{}", file.display())).output();
        let output = output.expect("the browser starts");
        let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let found = dom.split("<title>found:").nth(1).and_then(|rest| rest.split(';').next());
        let found = found.unwrap_or_else(|| panic!("the harness did not end: {log}"));
        let json = STANDARD.decode(found).expect("the harness writes base64");
        Findings {
            views: serde_json::from_slice(&json).expect("the harness writes JSON"),
            console: log.lines().filter(|line| line.contains("CONSOLE")).collect::<Vec<_>>().join("\n"),
        }
    }

    fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.0);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-sync", "--disable-background-networking", "--disable-component-update"])
            .args(["--hide-scrollbars", "--enable-logging=stderr", "--window-size=1400,1000", "--dump-dom"])
            .arg(format!("--user-data-dir={}", folder.join("profile").display()));
        command
    }

    /// Fails where a person would find anything wrong with the page. A copy is kept in `folder`, to be looked at.
    pub fn check(&self, name: &str, page: &str, folder: &str) {
        let copy = Path::new(folder).join(format!("{name}.html"));
        std::fs::write(&copy, page).expect("the page can be kept for a person to look at");
        let Findings { views, console } = self.look(page);
        assert_eq!(console, "", "{name}");
        for view in views {
            let place = format!("{name} at {}, dark: {}", view["width"], view["dark"]);
            assert_eq!(view["is_dark"], view["dark"], "{place}");
            assert!(view["content"].as_u64() <= view["width"].as_u64(), "{place}: {}", view["outside"]);
            assert_eq!(view["pictures"], page.matches("<img").count(), "{place}");
            assert_eq!(view["nameless"], 0, "{place}: pictures, drawings or inputs without words");
            for list in ["missing", "small", "faint", "overlapping"] {
                assert_eq!(view[list].as_array().map(Vec::len), Some(0), "{place}: {list}: {}", view[list]);
            }
        }
    }
}
