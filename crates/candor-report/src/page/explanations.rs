//! Where the evidence is: what each explanation had to pass, and the figures of those that did.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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
    let mut left = MOST_BYTES;
    let mut fits = |explanation: &&Explanation| {
        let size = explanation.drawing.as_ref().map_or(usize::MAX, String::len);
        let is_room = size <= left;
        left -= if is_room { size } else { 0 };
        is_room
    };
    let drawn: Vec<&Explanation> = report.explanations.iter().filter(&mut fits).collect();
    parts::section(
        "explanations",
        "Where the evidence is",
        html! {
            p {
                "Red speaks for the class of the column, blue against it. A map is shown only where it has passed the gate: its parts \
                 make the whole, it changes when the network's weights do, and what it names first counts more than chance."
            }
            (parts::scroll("What the gate measured", table(&report.explanations)))
            @for explanation in drawn { (figure(explanation)) }
        },
    )
}

fn table(explanations: &[Explanation]) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th { "method" }
                    th { "shown" }
                    th { "parts miss the whole by" }
                    th { "alike with random weights" }
                    th { "score left when covered first (random order)" }
                    th { "evidence on the border" }
                }
            }
            tbody { @for explanation in explanations { (row(explanation)) } }
        }
    }
}

fn row(explanation: &Explanation) -> Markup {
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
        img alt={ "Evidence found by " (explanation.method) } style="max-width:100%"
            src={ "data:image/svg+xml;base64," (STANDARD.encode(drawing)) };
    }
}

/// Title, what it shows, when it misleads. Of concepts the method is `ace: CLASS`.
fn words(method: &str) -> (String, &'static str, &'static str) {
    match (Method::find(method), method.split_once(": ")) {
        (Some(method), _) => (method.title.to_owned(), method.shows, method.misleads),
        (None, Some((ace::ID, class))) => (format!("{} of {class}", ace::TITLE), ace::SHOWS, ace::MISLEADS),
        (None, _) => (method.to_owned(), "", ""),
    }
}
