//! Pieces that several sections share.

use candor_analysis::evaluate::MetricInfo;
use maud::{Markup, html};

use crate::{Fact, Model, Report};

/// A section with its heading and its anchor.
pub(super) fn section(id: &str, title: &str, content: Markup) -> Markup {
    html! { section id=(id) { h2 { a href={ "#" (id) } { (title) } } (content) } }
}

/// The same for every model: side by side, each under its name where there are several.
pub(super) fn side_by_side(report: &Report, content: impl Fn(&Model) -> Markup) -> Markup {
    let several = report.models.len() > 1;
    html! {
        div class="columns" {
            @for model in &report.models {
                div class="column" {
                    @if several { p class="model" { (model.name) } }
                    (content(model))
                }
            }
        }
    }
}

/// Values longer than this have a line to themselves.
const LONG_VALUE: usize = 48;

/// Names and values, in columns.
pub(super) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, String)>) -> Markup {
    html! {
        dl class="facts" {
            @for (name, value) in facts {
                div class=[(value.len() > LONG_VALUE).then_some("long")] { dt { (name) } dd { (flags_whole(&value)) } }
            }
        }
    }
}

/// `text`, in which no line ends within a flag such as `--batch-size`.
pub(super) fn flags_whole(text: &str) -> Markup {
    html! {
        @for (place, word) in text.split(' ').enumerate() {
            @if place > 0 { " " }
            @if word.starts_with("--") { span class="flag" { (word) } } @else { (word) }
        }
    }
}

/// Facts that the caller wrote.
pub(super) fn pairs(facts: &[Fact]) -> impl Iterator<Item = (&str, String)> {
    facts.iter().map(|fact| (fact.name.as_str(), fact.value.clone()))
}

/// The heading of a metric, and how it and those `beside` it should be read.
pub(super) fn metric_heading(id: &str, beside: &[&str]) -> Markup {
    let find = |id| MetricInfo::find(id).expect("the page shows registered metrics only");
    let first = find(id);
    html! {
        h3 { (first.title) }
        details class="how" {
            summary { "How to read this" }
            (explanation(first))
            @for other in beside.iter().map(|id| find(id)) {
                p { b { (other.title) } }
                (explanation(other))
            }
        }
    }
}

/// What a metric shows, when it misleads, and its reference.
pub(super) fn explanation(metric: &MetricInfo) -> Markup {
    html! {
        p { strong { "What it shows. " } (metric.shows) }
        p { strong { "When it misleads. " } (metric.misleads) }
        p { strong { "Reference. " } (metric.reference) }
    }
}

/// Tables of more rows than this scroll by themselves.
const MANY_ROWS: usize = 24;

/// The same for a table of `rows` rows: a long one does not push the rest of the page away. Printed in full.
pub(super) fn scroll_long(label: &str, rows: usize, table: Markup) -> Markup {
    html! { div class={ "scroll" @if rows > MANY_ROWS { " long" } } tabindex="0" role="region" aria-label=(label) { (table) } }
}

/// A table that may be wider than a phone: it scrolls by itself, also with the keyboard.
pub(super) fn scroll(label: &str, table: Markup) -> Markup {
    html! { div class="scroll" tabindex="0" role="region" aria-label=(label) { (table) } }
}
