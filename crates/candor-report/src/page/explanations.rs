//! Where the evidence is: what each explanation had to pass, and the figures of those that did.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use candor_analysis::explain::view::View;
use candor_analysis::explain::{Method, ace};
use maud::{Markup, html};

use super::parts;
use crate::{Explanation, Report};

/// Bytes of drawings that the page takes; others lie in the run's folder.
const MOST_BYTES: usize = 1_500_000;

/// Nothing where nothing was asked for.
pub(super) fn section(report: &Report) -> Markup {
    if report.explanations.is_empty() {
        return html! {};
    }
    let (views, maps): (Vec<&Explanation>, Vec<&Explanation>) =
        report.explanations.iter().partition(|explanation| View::find(&explanation.method).is_some());
    let mut left = MOST_BYTES;
    // Views are small: they are sure of their place.
    let (drawn_views, drawn_maps) = (that_fit(&views, &mut left), that_fit(&maps, &mut left));
    parts::section(
        "explanations",
        "Where the evidence is",
        html! {
            @if !maps.is_empty() {
                p {
                    "Red speaks for the class of the column, blue against it. A map is shown only where it has passed the gate: its \
                     parts make the whole, it changes when the network's weights do, and what it names first counts more than \
                     chance."
                }
                (parts::scroll("What the gate measured", table(&maps)))
            }
            @for explanation in drawn_maps.iter().chain(&drawn_views) { (figure(explanation)) }
            @for view in &views { @if !view.refused.is_empty() { (refused(view)) } }
        },
    )
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
                    th { "alike with random weights" }
                    th { "score left when covered first (random order)" }
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
        passport.and_then(|passport| passport.randomised.last()).map(|(_, alike)| format!("{alike:.2}"));
    let covered =
        passport.map(|passport| format!("{:.2} ({:.2})", passport.deletion[0], passport.deletion[1]));
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
