//! Pages of the lessons: what came of it, the drawings, a table of the figures, and the questions for the class.

mod convolution;
mod random_labels;
mod regression;
mod scores;

use candor_analysis::lesson::Lesson;
use maud::{Markup, html};

pub use convolution::{ConvolutionLesson, convolution_html};
pub use random_labels::{LessonRun, RandomLabelsLesson, random_labels_html};
pub use regression::{RegressionLesson, regression_html};
pub use scores::{ScoredGroup, ScoresLesson, scores_html};

use super::{document, parts};

const STYLE: &str = include_str!("lesson/style.css");

/// What every lesson's page needs.
#[derive(Clone, Copy, Debug)]
pub struct LessonPage<'a> {
    /// Which lesson.
    pub lesson: &'static Lesson,
    /// What it was given on: a file, for people.
    pub source: &'a str,
    /// What came of it, in whole sentences.
    pub sentences: &'a [String],
    /// The command that makes the page again.
    pub command: &'a str,
    /// candor's version.
    pub version: &'a str,
}

impl LessonPage<'_> {
    /// The page around what the lesson draws.
    fn render(&self, figures: Markup) -> String {
        let LessonPage { lesson, source, sentences, command, version } = *self;
        let body = html! {
            header {
                p class="maker" { "candor lesson " (lesson.id) }
                h1 { (lesson.title) }
                p { (lesson.shows) }
                p class="note" { "Given on " (source) "." }
            }
            main {
                (parts::section("result", "What came of it", html! { @for sentence in sentences { p { (sentence) } } }))
                (figures)
                (parts::section("questions", "Questions for the class", html! {
                    ol class="questions" { @for question in lesson.questions { li { (question) } } }
                }))
                (parts::section("care", "When it misleads", html! {
                    p { (lesson.misleads) }
                    p { strong { "After " } (lesson.reference) }
                }))
                (parts::section("again", "The same again", html! { pre { (command) } }))
            }
        };
        document(&format!("Lesson: {}", lesson.title), version, STYLE, body).into_string()
    }
}

/// A drawing on a card with a word on how to read it.
fn card(drawing: Markup, words: &str) -> Markup {
    html! { figure class="card" { (drawing) figcaption { (words) } } }
}

/// A table of words and figures, with its heading.
fn table(label: &str, heading: &[&str], rows: &[Vec<String>]) -> Markup {
    let content = html! {
        table class="figures" {
            thead { tr { @for name in heading { th scope="col" { (name) } } } }
            tbody {
                @for row in rows {
                    tr {
                        @for (column, cell) in row.iter().enumerate() {
                            @if column == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                        }
                    }
                }
            }
        }
    };
    parts::scroll_long(label, rows.len(), content)
}
