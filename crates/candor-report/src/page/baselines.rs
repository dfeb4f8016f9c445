//! The models beside simple ones.

use candor_analysis::baseline::{Baseline, BaselineComparison, BaselineScore};
use maud::{Markup, html};

use super::parts;
use crate::baselines::{learned_from, sees, title};
use crate::{Model, Report, baseline_verdict, figures};

pub(super) fn section(report: &Report) -> Markup {
    parts::section(
        "baselines",
        "Beside simple models",
        html! {
            p {
                "Models that see little of a picture and learn within seconds. What they reach, a network has to beat \
                 before its accuracy means that it sees something worth seeing."
            }
            (parts::side_by_side(report, model))
        },
    )
}

fn model(model: &Model) -> Markup {
    let Some((subset, comparison)) = model.baselines.last_key_value() else {
        return html! { p { "No simple models were judged beside this one." } };
    };
    html! {
        p class="subject" { "On " (figures::count(comparison.model.pictures)) " " (subset) " pictures" }
        p { strong { (baseline_verdict("The network", comparison)) } }
        (parts::scroll("Accuracy of the simple models", table(comparison)))
        p { (learned_from(comparison)) " The best one was chosen on these pictures, which flatters it, not the network." }
        (explanations(comparison))
    }
}

fn table(comparison: &BaselineComparison) -> Markup {
    html! {
        table class="figures" {
            thead {
                tr { th scope="col" { "model" } th scope="col" { "sees" } th scope="col" { "accuracy (95% interval)" } }
            }
            tbody {
                @for score in &comparison.baselines { (row(score, score.id == comparison.best)) }
                @for left_out in &comparison.left_out {
                    tr { th scope="row" { (left_out.id) } td colspan="2" { "left out: " (left_out.reason) } }
                }
            }
            tfoot {
                tr {
                    th scope="row" { "the network" }
                    td { "all it is given" }
                    td { (figures::accuracy_with_interval(&comparison.model)) }
                }
            }
        }
    }
}

fn row(score: &BaselineScore, best: bool) -> Markup {
    html! {
        tr {
            th scope="row" { (title(score)) @if best { " (best)" } }
            td { (sees(score)) }
            td { (figures::accuracy_with_interval(&score.accuracy)) }
        }
    }
}

fn explanations(comparison: &BaselineComparison) -> Markup {
    let known = comparison.baselines.iter().filter_map(|score| Baseline::find(&score.id));
    html! {
        details class="how" {
            summary { "What these models do" }
            dl { @for baseline in known { dt { (baseline.title) } dd { (baseline.summary) } } }
        }
    }
}
