//! Where the evidence is: what each explanation had to pass, and the figures of those that did.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use candor_analysis::explain::gate::orders;
use candor_analysis::explain::view::View;
use candor_analysis::explain::{Method, ace};
use maud::{Markup, html};

use super::parts;
use crate::{Explanation, Report, p_value};

/// Bytes of drawings that the page takes; others lie in the run's folder.
const MOST_BYTES: usize = 1_500_000;

/// Nothing where nothing was asked for.
pub(super) fn section(report: &Report) -> Markup {
    if report.explanations.is_empty() {
        return html! {};
    }
    let (views, others): (Vec<&Explanation>, Vec<&Explanation>) =
        report.explanations.iter().partition(|explanation| View::find(&explanation.method).is_some());
    let (concepts, maps): (Vec<&Explanation>, Vec<&Explanation>) =
        others.into_iter().partition(|explanation| explanation.method.starts_with(ace::ID));
    let mut left = MOST_BYTES;
    // Views are small: they are sure of their place.
    let drawn_views = that_fit(&views, &mut left);
    let (drawn_maps, drawn_concepts) = (that_fit(&maps, &mut left), that_fit(&concepts, &mut left));
    parts::section(
        "explanations",
        "Where the evidence is",
        html! {
            @if !maps.is_empty() {
                p {
                    "Red speaks for the class of the column, blue against it. A map is shown only if its method passed the gate: the \
                     parts add up to the whole, the map changes when the network's weights do, and what it names first counts more \
                     than all " (orders::ORDERS) " random orders (p = " (orders::LEVEL) ")."
                }
                (parts::scroll("What the gate measured", table(&maps)))
            }
            @for explanation in &drawn_maps { (figure(explanation)) }
            @for concept in &concepts { (concept_section(concept, &drawn_concepts)) }
            @for explanation in &drawn_views { (figure(explanation)) }
            @for view in &views { @if !view.refused.is_empty() { (refused(view)) } }
        },
    )
}

/// The figure where there is one, or why there is none.
fn concept_section(concept: &Explanation, drawn: &[&Explanation]) -> Markup {
    if drawn.iter().any(|other| std::ptr::eq(*other, concept)) {
        return figure(concept);
    }
    let (title, ..) = words(&concept.method);
    html! {
        p {
            b { (title) ". " }
            @if concept.refused.is_empty() { "The figure is in the run's folder. " } @else { (concept.refused.join(" ")) }
            (concept.summary.as_deref().unwrap_or(""))
        }
    }
}

/// Those whose drawings fit into what is `left` of the page's bytes.
fn that_fit<'a>(all: &[&'a Explanation], left: &mut usize) -> Vec<&'a Explanation> {
    let mut fits = |explanation: &&Explanation| {
        let rest = explanation.drawing.as_ref().and_then(|drawing| left.checked_sub(drawing.len()));
        *left = rest.unwrap_or(*left);
        rest.is_some()
    };
    all.iter().copied().filter(&mut fits).collect()
}

fn table(explanations: &[&Explanation]) -> Markup {
    let has_faces = explanations.iter().any(|explanation| explanation.share_on_face.is_some());
    html! {
        table class="words" {
            thead {
                tr {
                    th { "method" }
                    th { "shown" }
                    th { "parts miss the whole by" }
                    th { "similarity to maps with random weights" }
                    th { "score left when covered first (random orders; p)" }
                    th { "score reached when shown first (random orders; p)" }
                    th { "evidence on the border" }
                    @if has_faces { th { "evidence on faces (area of faces)" } }
                }
            }
            tbody { @for explanation in explanations { (row(explanation, has_faces)) } }
        }
    }
}

fn row(explanation: &Explanation, has_faces: bool) -> Markup {
    let passport = explanation.passport.as_ref();
    let per_cent = |share: f64| format!("{:.1} %", 100.0 * share);
    let alike =
        passport.and_then(|passport| passport.randomised.last()).map(|last| format!("{:.2}", last.alike));
    let area = |[by_map, random]: [f64; 2], p: f64| format!("{by_map:.2} ({random:.2}; p {})", p_value(p));
    let covered = passport.map(|passport| area(passport.deletion, passport.p_values[0]));
    let shown_first = passport.map(|passport| area(passport.insertion, passport.p_values[1]));
    let cell = |text: Option<String>| html! { td { (text.unwrap_or_else(|| "–".into())) } };
    html! {
        tr {
            th { (explanation.method) }
            td {
                @if explanation.refused.is_empty() { "yes" } @else { "no. " (explanation.refused.join(" ")) }
            }
            (cell(passport.and_then(|passport| passport.additivity).map(per_cent)))
            (cell(alike))
            (cell(covered))
            (cell(shown_first))
            (cell(explanation.share_on_border.map(per_cent)))
            @if has_faces {
                (cell(explanation.share_on_face.map(|[evidence, area]| format!("{} ({})", per_cent(evidence), per_cent(area)))))
            }
        }
    }
}

fn figure(explanation: &Explanation) -> Markup {
    let Some(drawing) = &explanation.drawing else { return html! {} };
    let (title, shows, misleads) = words(&explanation.method);
    html! {
        h3 { (title) }
        p { (shows) }
        @if let Some(summary) = &explanation.summary { p { (summary) } }
        @if !misleads.is_empty() { p { b { "When it misleads. " } (misleads) } }
        img alt={ "Figure: " (title) } style="max-width:100%"
            src={ "data:image/svg+xml;base64," (STANDARD.encode(drawing)) };
    }
}

fn refused(view: &Explanation) -> Markup {
    let (title, ..) = words(&view.method);
    html! { p { (title) ": nothing to see. " (view.refused.join(" ")) } }
}

/// Title, what it shows, when it misleads. Of concepts the method is `ace: CLASS`.
fn words(method: &str) -> (String, &'static str, &'static str) {
    if let Some(view) = View::find(method) {
        return (view.title.to_owned(), view.shows, view.misleads);
    }
    match (Method::find(method), method.split_once(": ")) {
        (Some(method), _) => (method.title.to_owned(), method.shows, method.misleads),
        (None, Some((ace::ID, class))) => (format!("{} of {class}", ace::TITLE), ace::SHOWS, ace::MISLEADS),
        (None, _) => (method.to_owned(), "", ""),
    }
}
