//! Pictures that the models got right and wrong, those with the surest answers first.

use maud::{Markup, html};

use super::parts;
use super::pictures::Pictures;
use crate::{Gallery, Model, Picture, Report, figures};

/// With more classes than this their galleries are folded, so that the page stays short.
const MOST_OPEN: usize = 12;

pub(super) fn section(report: &Report, pictures: &Pictures) -> Markup {
    let shown = report.models.iter().filter(|model| !model.galleries.is_empty());
    let several = report.models.len() > 1;
    parts::section(
        "galleries",
        "Right and wrong",
        html! {
            p {
                "For each class the answers that the model was surest of. Sure and wrong is where the most is to be \
                 learned: a wrong label, a picture of two things, a background that gives the class away. The eight \
                 signs below a picture begin its SHA-256, by which the record names it."
            }
            @for model in shown {
                @if several { h3 { (model.name) } }
                @for gallery in &model.galleries { (class(report, model, gallery, pictures)) }
            }
        },
    )
}

fn class(report: &Report, model: &Model, gallery: &Gallery, pictures: &Pictures) -> Markup {
    let name = &report.data.classes[gallery.class];
    let rows = [
        ("Missed", "of this class, taken for another", &gallery.missed),
        ("False alarms", "of another class, taken for this one", &gallery.false_alarms),
        ("Right", "of this class, and found", &gallery.right),
    ];
    html! {
        details class="gallery" open[model.galleries.len() <= MOST_OPEN] {
            summary { (name) }
            @for (title, meaning, row) in rows {
                div class="row" {
                    p class="kind" { b { (title) } " " span { (meaning) } }
                    @if row.is_empty() {
                        p class="empty" { "none" }
                    } @else {
                        div class="grid" { @for picture in row { (judged(report, picture, pictures)) } }
                    }
                }
            }
        }
    }
}

fn judged(report: &Report, picture: &Picture, pictures: &Pictures) -> Markup {
    let classes = &report.data.classes;
    let caption = html! {
        @if let Some(answer) = picture.answer {
            @let right = answer.predicted == picture.truth;
            span class={ "answer " (if right { "is-right" } else { "is-wrong" }) } {
                (if right { "✓ " } else { "✗ " }) (classes[answer.predicted]) " " (figures::probability(answer.probability))
            }
            @if !right { span class="truth" { "is " (classes[picture.truth]) } }
        }
        span class="provenance" title=(picture.provenance) { (picture.provenance) }
        code title=(picture.id) { (picture.id.short()) }
    };
    pictures.figure(picture, classes, caption)
}
