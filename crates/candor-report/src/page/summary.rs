//! The top of the page: what a reader takes away who reads nothing else.

use maud::{Markup, html};

use super::parts;
use crate::{Report, chart};

pub(super) fn header(report: &Report) -> Markup {
    let summary = &report.summary;
    let audited = report.audit.as_ref().and_then(super::audit::in_short);
    let lines = [
        ("What was learned", summary.learned.clone()),
        ("How sure that is", summary.certainty.clone()),
        ("Look at this first", summary.look_first.clone()),
    ];
    let lines = audited.map(|found| ("What the audit found", found)).into_iter().chain(lines);
    html! {
        header {
            p class="maker" { "candor report" }
            h1 { (report.title) }
            dl class="summary" {
                @for (name, sentence) in lines { div { dt { (name) } dd { (sentence) } } }
            }
            (parts::side_by_side(report, |model| html! {
                figure class="card" {
                    (chart::accuracy_range(&model.evaluations))
                    figcaption { "Accuracy and its 95% interval on each part of the pictures." }
                }
                @if let Some(note) = &model.note { p class="note" { (note) } }
            }))
            @if let Some(lesson) = &report.lesson {
                aside class="lesson" { h2 { "What the comparison teaches" } p { (lesson) } }
            }
            nav aria-label="Sections" {
                @for (id, title) in SECTIONS { a href={ "#" (id) } { (title) } " " }
            }
        }
    }
}

/// The page's sections in their order.
const SECTIONS: [(&str, &str); 10] = [
    ("audit", "Audit"),
    ("data", "Pictures"),
    ("training", "Training"),
    ("evaluation", "Evaluation"),
    ("baselines", "Simple models"),
    ("galleries", "Right and wrong"),
    ("network", "Network"),
    ("claims", "What may be claimed"),
    ("reproduce", "Reproduce"),
    ("record", "Record"),
];
