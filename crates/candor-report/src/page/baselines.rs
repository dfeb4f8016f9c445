//! The models beside simple ones.

use candor_analysis::baseline::{Baseline, BaselineComparison, BaselineScore};
use candor_analysis::evaluate::Accuracy;
use candor_core::Subset;
use maud::{Markup, html};

use super::parts;
use crate::baselines::{learned_from, sees, title};
use crate::figures::{self, Scale};
use crate::{Report, SubsetEvaluation, baseline_verdict};

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
                    (beside(subset, comparison, model.evaluations.iter().find(|judged| judged.subset == subset)))
                }
            }
            @if report.models.iter().all(|model| model.baselines.is_empty()) {
                p { "None were judged beside this one." }
            }
        },
    )
}

/// `judged` is the network on the same pictures.
fn beside(subset: Subset, comparison: &BaselineComparison, judged: Option<&SubsetEvaluation>) -> Markup {
    let groups = judged.is_some_and(|judged| judged.intervals.groups < judged.evaluation.pictures);
    html! {
        p class="subject" { "On " (figures::count(comparison.model.pictures)) " " (subset) " pictures" }
        p { strong { (baseline_verdict("The network", comparison)) } }
        (parts::scroll("Accuracy of the simple models", table(comparison, groups)))
        p { (learned_from(comparison)) " The best one was chosen on these pictures, which flatters it, not the network." }
        @if groups {
            p class="note" {
                "The single figures have no intervals here, because pictures of one group err together; the difference's \
                 interval takes that into account."
            }
        }
        (explanations(comparison))
    }
}

fn table(comparison: &BaselineComparison, groups: bool) -> Markup {
    let heading = if groups { "accuracy" } else { "accuracy, 95% interval" };
    html! {
        table class="figures" {
            thead {
                tr { th scope="col" { "model" } th scope="col" { (heading) } }
            }
            tbody {
                @for score in &comparison.baselines { (row(score, score.id == comparison.best, groups)) }
                @for left_out in &comparison.left_out {
                    tr { th scope="row" { (left_out.id) } td class="undefined why" { "left out: " (left_out.reason) } }
                }
            }
            tfoot {
                tr { th scope="row" { "the network" } (accuracy(&comparison.model, groups)) }
            }
        }
    }
}

fn row(score: &BaselineScore, best: bool, groups: bool) -> Markup {
    html! {
        tr {
            th scope="row" {
                (title(score)) @if best { " (best)" }
                small { "sees " (sees(score)) }
            }
            (accuracy(&score.accuracy, groups))
        }
    }
}

/// With the interval for independent pictures; without where they come in `groups`.
fn accuracy(accuracy: &Accuracy, groups: bool) -> Markup {
    html! {
        td {
            (Scale::PerCent.write(accuracy.value, accuracy.interval))
            @if !groups { small { (Scale::PerCent.write_interval(accuracy.interval)) } }
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
