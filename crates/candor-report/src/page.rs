//! The page: one HTML file that holds its style, its drawings and its pictures.
//!
//! A content security policy forbids it everything else: no script runs, and nothing is fetched even by mistake.

mod audit;
mod baselines;
pub(crate) mod claims;
mod crops;
mod data;
mod evaluation;
mod explanations;
mod gallery;
mod layer_table;
mod learning_rates;
mod lesson;
mod parts;
mod pictures;
mod record;
mod summary;
mod training;

pub use crops::{CropSheet, MOST_ON_A_SHEET, SheetPicture, crop_sheet_html, framed_thumbnail};
pub use learning_rates::{RangeTest, learning_rates_html};
pub use lesson::{
    ConvolutionLesson, LessonPage, LessonRun, RandomLabelsLesson, RegressionLesson, ScoredGroup,
    ScoresLesson, convolution_html, random_labels_html, regression_html, scores_html,
};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{Report, network, theme};
use pictures::Pictures;

/// The page is never larger than this: thumbnails shrink until it fits, and the last ones are left out if need be.
pub const HTML_LIMIT_BYTES: usize = 5_000_000;

const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
const STYLE: &str = include_str!("page/style.css");

/// The whole report as one self-contained HTML file of at most [`HTML_LIMIT_BYTES`]. Only the tables of a study with
/// thousands of classes can make it larger.
///
/// # Panics
/// When a class index in the report has no name in [`Data::classes`](crate::Data::classes).
pub fn render_html(report: &Report) -> String {
    let without_pixels = page(report, &Pictures::blank(report)).into_string().len();
    let left = HTML_LIMIT_BYTES.saturating_sub(without_pixels);
    page(report, &Pictures::within(report, left)).into_string()
}

fn page(report: &Report, pictures: &Pictures) -> Markup {
    let shown = network::STYLE.to_owned() + &shades();
    document(
        &report.title,
        &report.reproduce.version,
        &shown,
        html! {
                (summary::header(report))
                main {
                    (audit::section(report, pictures))
                    (data::section(report, pictures))
                    (training::section(report))
                    (evaluation::section(report))
                    (baselines::section(report))
                    (gallery::section(report, pictures))
                    (explanations::section(report))
                    (layer_table::section(report))
                    (claims::section())
                    (record::reproduce(report))
                    (record::section(report))
                }
        },
    )
}

/// A page that fetches nothing and runs nothing, in the reader's scheme. `style` is what this one needs besides.
fn document(title: &str, version: &str, style: &str, body: Markup) -> Markup {
    let (light, dark) = (theme::LIGHT.declarations(), theme::DARK.declarations());
    let style = format!(
        ":root{{color-scheme:light dark;{light}}}\n\
         @media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n\
         @media print{{:root{{color-scheme:light;{light}--paper:#fff}}}}\n\
         {STYLE}{style}"
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "candor " (version) };
                title { (title) }
                style { (PreEscaped(style)) }
            }
            body { (body) }
        }
    }
}

/// Classes for the cells of a heat map.
fn shades() -> String {
    (1..=theme::SHADES)
        .flat_map(|level| ["right", "wrong"].map(|scale| (scale, level)))
        .map(|(scale, level)| {
            format!(
                ".heat .{scale}-{level}{{background:var(--{scale}-{level});color:var(--{scale}-ink-{level})}}\n"
            )
        })
        .collect()
}
