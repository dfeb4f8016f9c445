//! The pictures: how many of what, how large, a grid of them, and what was left out.

use candor_core::{Channels, Fit};
use maud::{Markup, html};

use super::parts;
use super::pictures::{self, Pictures};
use crate::text::shorten;
use crate::{Data, GroupSizes, Origin, Report, figures};

/// Rows of the list of what was left out; the rest is counted.
const MOST_LEFT_OUT: usize = 50;
/// Rows of the list of places; the rest is counted.
const MOST_ORIGINS: usize = 12;
/// Characters of a class's name below a picture.
const CLASS_CHARACTERS: usize = 14;

pub(super) fn section(report: &Report, pictures: &Pictures) -> Markup {
    let data = &report.data;
    parts::section(
        "data",
        "The pictures",
        html! {
            (parts::facts(facts(data)))
            p { (data.split) }
            h3 { "Pictures of each class" }
            (parts::scroll_long("Pictures of each class", data.classes.len(), counts(data)))
            (origins(data))
            h3 { "A few of them" }
            div class="grid" {
                @for picture in pictures::samples(report) {
                    (pictures.figure(picture, &data.classes, html! {
                        @let class = &data.classes[picture.truth];
                        span class="class" title=(class) { (shorten(class, CLASS_CHARACTERS)) }
                        code title=(picture.id) { (picture.id.short()) }
                    }))
                }
            }
            (left_out(data))
        },
    )
}

fn facts(data: &Data) -> Vec<(&str, String)> {
    let pictures: usize = data.counts.iter().flat_map(|subset| &subset.per_class).sum();
    let mut facts = vec![
        ("Source", data.source.clone()),
        ("Pictures", figures::count(pictures as u64)),
        ("Classes", figures::count(data.classes.len() as u64)),
        ("Places they come from", figures::count(data.origins.len() as u64)),
        (
            "Groups",
            data.groups.map_or_else(|| "none: every picture counts as independent".to_owned(), groups),
        ),
        ("The model sees", input(data)),
    ];
    if let Some(sizes) = data.sizes {
        let size = |(width, height)| format!("{width} × {height}");
        facts.push((
            "Originals, width × height",
            if sizes.smallest == sizes.largest {
                format!("all {} px", size(sizes.median))
            } else {
                format!(
                    "{} to {}, in the middle {} px",
                    size(sizes.smallest),
                    size(sizes.largest),
                    size(sizes.median)
                )
            },
        ));
    }
    facts
}

/// `34, of 1 to 12 pictures`
fn groups(sizes: GroupSizes) -> String {
    let GroupSizes { groups, smallest, largest, ungrouped } = sizes;
    let each = if smallest == largest { largest.to_string() } else { format!("{smallest} to {largest}") };
    let pictures = if largest == 1 { "picture" } else { "pictures" };
    let alone = match ungrouped {
        0 => String::new(),
        some => format!(", and {} in none", figures::count(some as u64)),
    };
    format!("{}, of {each} {pictures}{alone}", figures::count(groups as u64))
}

fn input(data: &Data) -> String {
    let input = data.input;
    let colour = match input.channels {
        Channels::Grey => "grey",
        Channels::Rgb => "colour",
    };
    let fit = match input.fit {
        Fit::Stretch => "stretched to fit",
        Fit::Crop => "the middle cut out to fit",
    };
    format!("{} × {} px, {colour}, {fit}", input.width, input.height)
}

fn counts(data: &Data) -> Markup {
    let total = |per_class: &[usize]| figures::count(per_class.iter().sum::<usize>() as u64);
    let of_class = |class: usize| data.counts.iter().map(|subset| subset.per_class[class]).sum::<usize>();
    let all: Vec<usize> = (0..data.classes.len()).map(of_class).collect();
    html! {
        table class="figures" {
            thead {
                tr {
                    th scope="col" { "class" }
                    @for subset in &data.counts { th scope="col" { (subset.subset) } }
                    th scope="col" { "all" }
                }
            }
            tbody {
                @for (class, name) in data.classes.iter().enumerate() {
                    tr {
                        th scope="row" { (name) }
                        @for subset in &data.counts { td { (figures::count(subset.per_class[class] as u64)) } }
                        td { (figures::count(all[class] as u64)) }
                    }
                }
            }
            tfoot {
                tr {
                    th scope="row" { "all" }
                    @for subset in &data.counts { td { (total(&subset.per_class)) } }
                    td { (total(&all)) }
                }
            }
        }
    }
}

/// Pictures of each place; nothing where all come from the one that was named.
fn origins(data: &Data) -> Markup {
    let shown = &data.origins[..data.origins.len().min(MOST_ORIGINS)];
    let more: usize = data.origins[shown.len()..].iter().map(Origin::total).sum();
    html! {
        @if data.origins.len() > 1 {
            h3 { "Where they come from" }
            (parts::scroll("Pictures of each place", html! {
                table class="figures" {
                    thead {
                        tr {
                            th scope="col" { "place" }
                            @for subset in &data.counts { th scope="col" { (subset.subset) } }
                            th scope="col" { "all" }
                        }
                    }
                    tbody {
                        @for origin in shown {
                            tr {
                                th scope="row" { (origin.name) }
                                @for &pictures in &origin.pictures { td { (figures::count(pictures as u64)) } }
                                td { (figures::count(origin.total() as u64)) }
                            }
                        }
                    }
                }
            }))
            @if more > 0 {
                p class="note" {
                    "And " (figures::count(more as u64)) " pictures from "
                    (figures::count((data.origins.len() - shown.len()) as u64)) " other places; report.json lists them all."
                }
            }
            p class="note" { "A place whose pictures are mostly of one class can give that class away." }
        }
    }
}

fn left_out(data: &Data) -> Markup {
    let more = data.left_out.len().saturating_sub(MOST_LEFT_OUT);
    html! {
        h3 { "What was left out" }
        @if data.left_out.is_empty() {
            p { "Nothing: every picture that was found could be read." }
        } @else {
            p { (figures::count(data.left_out.len() as u64)) " could not be used." }
            (parts::scroll("What was left out", html! {
                table class="words" {
                    thead { tr { th scope="col" { "file or row" } th scope="col" { "why" } } }
                    tbody {
                        @for problem in data.left_out.iter().take(MOST_LEFT_OUT) {
                            tr { td { code { (problem.place) } } td { (problem.reason) } }
                        }
                    }
                }
            }))
            @if more > 0 { p { "And " (figures::count(more as u64)) " more; report.json lists them all." } }
        }
    }
}
