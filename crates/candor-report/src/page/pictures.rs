//! All pictures of a report as data URIs, made once, in the order of their places on the page.

use std::collections::HashMap;

use maud::{Markup, html};

use crate::{Gallery, Model, Picture, Report, figures, thumbnail};

/// Pictures smaller than this are shown enlarged, with their pixels visible.
const SMALL_PX: usize = 64;
/// Pictures in the grid of samples.
const MOST_SAMPLES: usize = 60;

/// The data URI of each picture shown, found by its address in the report.
pub(super) struct Pictures {
    uris: HashMap<*const Picture, String>,
}

impl Pictures {
    /// Every picture without a pixel: to measure the rest of the page.
    pub(super) fn blank(report: &Report) -> Pictures {
        Pictures { uris: shown(report).map(|picture| (std::ptr::from_ref(picture), String::new())).collect() }
    }

    /// As many as fit into `bytes`, as large as fit.
    pub(super) fn within(report: &Report, bytes: usize) -> Pictures {
        let shown: Vec<&Picture> = shown(report).collect();
        let images: Vec<_> = shown.iter().map(|picture| &picture.image).collect();
        let uris = thumbnail::data_uris(&images, bytes);
        let found =
            shown.iter().zip(uris).filter_map(|(&picture, uri)| Some((std::ptr::from_ref(picture), uri?)));
        Pictures { uris: found.collect() }
    }

    /// The picture with `caption` below it; nothing where it did not fit.
    pub(super) fn figure(&self, picture: &Picture, classes: &[String], caption: Markup) -> Markup {
        let Some(uri) = self.uris.get(&std::ptr::from_ref(picture)) else { return html! {} };
        let small = picture.image.width().max(picture.image.height()) < SMALL_PX;
        let provenance = picture.provenance.to_string();
        html! {
            figure class="picture" {
                img class=[small.then_some("small")] src=(uri) alt=(alt(picture, classes)) title=(provenance)
                    width=(picture.image.width()) height=(picture.image.height());
                figcaption { (caption) }
            }
        }
    }
}

/// The samples that are shown: of many, evenly spread ones.
pub(super) fn samples(report: &Report) -> impl Iterator<Item = &Picture> {
    let all = &report.data.samples;
    let step = all.len().div_ceil(MOST_SAMPLES).max(1);
    all.iter().step_by(step)
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
