//! The models beside simple ones.

use candor_analysis::baseline::{Baseline, BaselineComparison, BaselineScore};
use candor_analysis::evaluate::Accuracy;
use candor_core::Subset;
use maud::{Markup, html};

use super::parts;
use crate::baselines::{learned_from, sees, title};
use crate::figures::{self, Scale};
use crate::{Report, baseline_verdict};

pub(super) fn section(report: &Report) -> Markup {
    parts::section(
        "baselines",
        "Beside simple models",
        html! {
            p {
                "Models that see little of a picture and learn within seconds. What they reach, a network has to beat \
                 before its accuracy means that it sees something worth seeing."
            }
            @for model in &report.models {
                @if let Some((&subset, comparison)) = model.baselines.last_key_value() {
                    @if report.models.len() > 1 { p class="model" { (model.name) } }
                    @let judged = model.evaluations.iter().find(|judged| judged.subset == subset);
                    (beside(subset, comparison, judged.is_none_or(|judged| judged.part_in_training.is_none())))
                }
            }
            @if report.models.iter().all(|model| model.baselines.is_empty()) {
                p { "None were judged beside this one." }
            }
        },
    )
}

/// The pictures `has_intervals` where they had no part in the network's training.
fn beside(subset: Subset, comparison: &BaselineComparison, has_intervals: bool) -> Markup {
    html! {
        p class="subject" { "On " (figures::count(comparison.model.pictures)) " " (subset) " pictures" }
        p { strong { (baseline_verdict("The network", comparison)) } }
        (parts::scroll("Accuracy of the simple models", table(comparison, has_intervals)))
        p { (learned_from(comparison)) }
        (explanations(comparison))
    }
}

fn table(comparison: &BaselineComparison, has_intervals: bool) -> Markup {
    let heading = if has_intervals { "accuracy, 95% interval" } else { "accuracy" };
    html! {
        table class="figures" {
            thead {
                tr { th scope="col" { "model" } th scope="col" { (heading) } }
            }
            tbody {
                @for score in &comparison.baselines { (row(score, score.id == comparison.best, has_intervals)) }
                @for left_out in &comparison.left_out {
                    tr { th scope="row" { (left_out.id) } td class="undefined why" { "left out: " (left_out.reason) } }
                }
            }
            tfoot {
                tr { th scope="row" { "the network" } (accuracy(&comparison.model, has_intervals)) }
            }
        }
    }
}

fn row(score: &BaselineScore, best: bool, has_intervals: bool) -> Markup {
    html! {
        tr {
            th scope="row" {
                (title(score)) @if best { " (best)" }
                small { "sees " (sees(score)) }
            }
            (accuracy(&score.accuracy, has_intervals))
        }
    }
}

fn accuracy(accuracy: &Accuracy, has_interval: bool) -> Markup {
    html! {
        td {
            (Scale::PerCent.write(accuracy.value, accuracy.interval))
            @if has_interval { small { (Scale::PerCent.write_interval(accuracy.interval)) } }
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
