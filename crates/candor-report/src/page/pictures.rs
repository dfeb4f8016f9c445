//! All pictures of a report as data URIs, made once, in the order of their places on the page.

use std::collections::HashMap;

use candor_core::Image;
use maud::{Markup, html};

use crate::{Gallery, Model, Picture, Report, figures, thumbnail};

/// Pictures smaller than this are shown enlarged, with their pixels visible.
const SMALL_PX: usize = 64;
/// Pictures in the grid of samples.
const MOST_SAMPLES: usize = 60;

/// The data URI of each picture and map shown, found by its address in the report.
pub(super) struct Pictures {
    uris: HashMap<*const Image, String>,
}

impl Pictures {
    /// Every picture without a pixel: to measure the rest of the page.
    pub(super) fn blank(report: &Report) -> Pictures {
        Pictures { uris: images(report).map(|image| (std::ptr::from_ref(image), String::new())).collect() }
    }

    /// As many as fit into `bytes`, as large as fit.
    pub(super) fn within(report: &Report, bytes: usize) -> Pictures {
        let images: Vec<&Image> = images(report).collect();
        let uris = thumbnail::data_uris(&images, bytes);
        let found =
            images.iter().zip(uris).filter_map(|(&image, uri)| Some((std::ptr::from_ref(image), uri?)));
        Pictures { uris: found.collect() }
    }

    /// The picture with `caption` below it; nothing where it did not fit.
    pub(super) fn figure(&self, picture: &Picture, classes: &[String], caption: Markup) -> Markup {
        let Some(shown) = self.img(&picture.image, &alt(picture, classes), &picture.provenance.to_string())
        else {
            return html! {};
        };
        let map =
            picture.map.as_ref().and_then(|map| self.img(map, "Where the evidence for the answer is", ""));
        html! {
            figure class="picture" {
                (shown)
                @if let Some(map) = map { (map) }
                figcaption { (caption) }
            }
        }
    }

    fn img(&self, image: &Image, alt: &str, title: &str) -> Option<Markup> {
        let uri = self.uris.get(&std::ptr::from_ref(image))?;
        let small = image.width().max(image.height()) < SMALL_PX;
        Some(html! {
            img class=[small.then_some("small")] src=(uri) alt=(alt) title=[(!title.is_empty()).then_some(title)]
                width=(image.width()) height=(image.height());
        })
    }
}

/// The samples that are shown: of many, evenly spread ones.
pub(super) fn samples(report: &Report) -> impl Iterator<Item = &Picture> {
    let all = &report.data.samples;
    let step = all.len().div_ceil(MOST_SAMPLES).max(1);
    all.iter().step_by(step)
}

/// The pictures, and the maps of those that have one behind them: where there is no room, they go first.
fn images(report: &Report) -> impl Iterator<Item = &Image> {
    let maps = shown(report).filter_map(|picture| picture.map.as_ref());
    shown(report).map(|picture| &picture.image).chain(maps)
}

fn shown(report: &Report) -> impl Iterator<Item = &Picture> {
    let audited = report.audit.iter().flat_map(|audit| &audit.findings);
    let evidence = audited.flat_map(|audited| audited.pictures.iter().flatten());
    evidence.chain(samples(report)).chain(report.models.iter().flat_map(answered))
}

fn answered(model: &Model) -> impl Iterator<Item = &Picture> {
    model.galleries.iter().flat_map(all_of).chain(&model.least_certain)
}

fn all_of(gallery: &Gallery) -> impl Iterator<Item = &Picture> {
    gallery.missed.iter().chain(&gallery.false_alarms).chain(&gallery.right)
}

fn alt(picture: &Picture, classes: &[String]) -> String {
    let truth = &classes[picture.truth];
    match picture.answer {
        None => format!("A picture of the class {truth}"),
        Some(answer) => format!(
            "A picture of the class {truth}, taken for {} with {}",
            classes[answer.predicted],
            figures::probability(answer.probability)
        ),
    }
}
