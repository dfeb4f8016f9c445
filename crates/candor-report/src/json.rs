//! The report for machines: everything but the pixels.

use serde::Serialize;

use crate::{Report, cautions};

/// Raised when a field changes its meaning or goes away; new fields do not raise it.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Versioned<'a> {
    schema: u32,
    cautions: Vec<String>,
    #[serde(flatten)]
    report: &'a Report,
}

/// The report as indented JSON: `schema`, `cautions` (what has to be said beside every figure), then the fields of [`Report`]. Pictures are named by id and provenance.
/// A value that is not finite becomes `null`.
pub fn to_json(report: &Report) -> String {
    serde_json::to_string_pretty(&Versioned { schema: SCHEMA, cautions: cautions(report), report })
        .expect("a report's maps have text keys and its values can all be written")
}
