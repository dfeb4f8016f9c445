//! Every single figure with its interval, in one table, and how each is to be read.

use candor_analysis::evaluate::MetricInfo;
use maud::{Markup, html};

use super::parts;
use crate::{FigureLine, SubsetEvaluation, figure_list};

/// The metrics of the table, in its order.
const METRICS: [&str; 9] = [
    "balanced_accuracy",
    "top_k_accuracy",
    "cohen_kappa",
    "matthews_correlation",
    "roc_auc",
    "average_precision",
    "log_loss",
    "brier_score",
    "calibration",
];

pub(super) fn explanations() -> Markup {
    let metrics = METRICS.iter().filter_map(|id| MetricInfo::find(id));
    html! {
        details class="how" {
            summary { "How to read these" }
            @for metric in metrics {
                p { b { (metric.title) } }
                (parts::explanation(metric))
            }
        }
    }
}

pub(super) fn table(judged: &SubsetEvaluation) -> Markup {
    let lines = figure_list(judged);
    let without = lines.iter().any(|line| line.interval == "–" && line.value.is_ok());
    html! {
        (parts::scroll("Every figure with its 95% interval", html! {
            table class="figures" {
                thead {
                    tr {
                        @for name in ["figure", "value", "95% interval", "without looking"] { th scope="col" { (name) } }
                    }
                }
                tbody { @for line in &lines { (row(line)) } }
            }
        }))
        @if without {
            p class="note" {
                "– without an interval: every resampling gives the same value, because no answer was wrong, or all answers were \
                 the same class, or there are too few pictures. That does not make the figure certain: see the accuracy's \
                 interval."
            }
        }
    }
}

fn row(line: &FigureLine) -> Markup {
    html! {
        tr {
            th scope="row" { (line.name) }
            @match &line.value {
                Ok(value) => { td { strong { (value) } } td { (line.interval) } }
                Err(reason) => { td class="undefined why" colspan="2" { (reason) } }
            }
            td class="guess" { (line.without_looking) }
        }
    }
}
