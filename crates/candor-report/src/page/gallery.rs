//! Pictures that the models got right and wrong, those with the surest answers first.

use candor_analysis::explain::Method;
use candor_core::Provenance;
use maud::{Markup, html};

use super::parts;
use super::pictures::Pictures;
use crate::text::shorten_front;
use crate::{Gallery, Model, Picture, Report, figures};

/// With more classes than this their galleries are folded, so that the page stays short; so are those of the models
/// that the first one is compared with.
const MOST_OPEN: usize = 12;
/// Characters of a file's name below a picture.
const PROVENANCE_CHARACTERS: usize = 28;

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
            @if let Some(method) = report.gallery_maps.as_deref().and_then(Method::find) {
                p {
                    "Below each picture: where " (method.title) " finds the evidence for the answer that was given. Red speaks for it, "
                    "blue against it; one scale for all. " b { "When it misleads. " } (method.misleads)
                }
            }
            @for model in shown {
                @if several { h3 { (model.name) } }
                @let open = std::ptr::eq(model, &report.models[0]) && model.galleries.len() <= MOST_OPEN;
                @for gallery in &model.galleries { (class(report, gallery, open, pictures)) }
                (least_certain(report, model, open, pictures))
            }
        },
    )
}

fn class(report: &Report, gallery: &Gallery, open: bool, pictures: &Pictures) -> Markup {
    let name = &report.data.classes[gallery.class];
    let rows = [
        ("Missed", "of this class, taken for another", &gallery.missed),
        ("False alarms", "of another class, taken for this one", &gallery.false_alarms),
        ("Right", "of this class, and found", &gallery.right),
    ];
    html! {
        details class="gallery" open[open] {
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

fn least_certain(report: &Report, model: &Model, open: bool, pictures: &Pictures) -> Markup {
    html! {
        @if !model.least_certain.is_empty() {
            details class="gallery" open[open] {
                summary { "The least certain answers" }
                div class="row" {
                    p class="kind" {
                        b { "Undecided" } " "
                        span { "the most probable class is hardly more probable than another" }
                    }
                    div class="grid" { @for picture in &model.least_certain { (judged(report, picture, pictures)) } }
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
        (provenance(&picture.provenance))
        code title=(picture.id) { (picture.id.short()) }
    };
    pictures.figure(picture, classes, caption)
}

/// Where it came from: the file and its row, and the web site, as a link, where it was fetched from one.
fn provenance(provenance: &Provenance) -> Markup {
    let short = |text: &str| shorten_front(text, PROVENANCE_CHARACTERS);
    html! {
        span class="provenance" title=(provenance) {
            (short(&provenance.file))
            @if let Some(row) = provenance.row { ", row " (row) }
        }
        @if let (Some(url), Some(site)) = (&provenance.url, provenance.site()) {
            span class="provenance" title=(url) { a href=(url) rel="noreferrer" { (short(site)) } }
        }
    }
}
