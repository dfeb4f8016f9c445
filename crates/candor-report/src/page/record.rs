//! How to get the same again, and the record that machines read.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{Markup, html};

use super::parts;
use crate::{Report, to_json};

/// A record larger than this stays beside the page instead of inside it.
const MOST_RECORD_BYTES: usize = 1_000_000;

pub(super) fn reproduce(report: &Report) -> Markup {
    let reproduce = &report.reproduce;
    let fixed = [("candor", reproduce.version.clone()), ("Seed", reproduce.seed.to_string())];
    parts::section(
        "reproduce",
        "How to get the same again",
        html! {
            p { "With the same pictures and the same version of candor this command gives the same model, to the bit:" }
            pre class="command" { code { (reproduce.command) } }
            (parts::facts(fixed.into_iter().chain(parts::pairs(&reproduce.facts))))
        },
    )
}

pub(super) fn section(report: &Report) -> Markup {
    let json = to_json(report);
    parts::section(
        "record",
        "The record",
        html! {
            @if json.len() <= MOST_RECORD_BYTES {
                p {
                    "Every figure of this page, unrounded, and every picture's SHA-256 and provenance: "
                    a download="report.json" href={ "data:application/json;base64," (STANDARD.encode(&json)) } {
                        "report.json"
                    }
                    " (inside this page)."
                }
            } @else {
                p {
                    "Every figure of this page, unrounded, and every picture's SHA-256 and provenance are in report.json, \
                     which is too large for this page and was written beside it."
                }
            }
        },
    )
}
