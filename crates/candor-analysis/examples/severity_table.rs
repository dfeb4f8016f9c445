//! Writes the table of verdicts in `docs/audit.md` anew from the checks' own scales.
//!
//! ```text
//! cargo run -p candor-analysis --example severity_table
//! ```

use std::fs;
use std::path::Path;

use candor_analysis::audit::severity_table;

/// Where the table begins and ends.
const BEGIN: &str = "<!-- table of verdicts: written by the example severity_table -->\n";
const END: &str = "<!-- end of the table of verdicts -->\n";

fn main() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/audit.md");
    let manual = fs::read_to_string(&path).expect("the manual is there");
    let (before, rest) = manual.split_once(BEGIN).expect("the manual has a place for the table");
    let (_, after) = rest.split_once(END).expect("the table has an end");
    let written = format!("{before}{BEGIN}{}{END}{after}", severity_table());
    fs::write(&path, written).expect("the manual can be written");
}
