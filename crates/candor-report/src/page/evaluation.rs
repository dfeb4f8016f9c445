//! How good the models are, by every metric, each with how far it may be off.

mod class_scores;
mod confusions;
mod every_figure;
mod subsets;

use maud::{Markup, html};

use super::parts::{self, metric_heading};
use crate::{Model, Report, SubsetEvaluation, chart, figures};

/// Confusion matrices of more classes than this are too wide to stand side by side.
const MOST_CLASSES_SIDE_BY_SIDE: usize = 12;

pub(super) fn section(report: &Report) -> Markup {
    let wide = report.data.classes.len() > MOST_CLASSES_SIDE_BY_SIDE;
    parts::section(
        "evaluation",
        "The evaluation",
        html! {
            (metric_heading("accuracy", &["majority_baseline"]))
            (parts::side_by_side(report, subsets::table))
            h3 { "Every figure" }
            (every_figure::explanations())
            (parts::side_by_side(report, |model| judged(model, every_figure::table)))
            (metric_heading("classification_report", &["roc_auc", "average_precision"]))
            div class="wide-tables" {
                (parts::side_by_side(report, |model| judged(model, class_scores::table)))
            }
            (metric_heading("confusion_matrix", &[]))
            div class=[wide.then_some("wide")] {
                (parts::side_by_side(report, |model| judged(model, |judged| {
                    confusions::matrix(&judged.evaluation, &model.name)
                })))
            }
            (metric_heading("class_distribution", &[]))
            (parts::side_by_side(report, |model| judged(model, |judged| html! {
                figure class="card" { (chart::class_distribution(&judged.evaluation, largest_share(report))) }
            })))
            (metric_heading("calibration", &[]))
            (parts::side_by_side(report, |model| judged(model, reliability)))
        },
    )
}

/// What is shown for the last subset only: test where there is one.
fn judged(model: &Model, content: impl Fn(&SubsetEvaluation) -> Markup) -> Markup {
    match model.judged() {
        Some(judged) => html! {
            p class="subject" { "On " (figures::count(judged.evaluation.accuracy.pictures)) " " (judged.subset) " pictures" }
            (content(judged))
        },
        None => html! { p { "Not evaluated." } },
    }
}

/// The largest share in any model's class distribution, so that all are drawn to one scale.
fn largest_share(report: &Report) -> f64 {
    let judged = report.models.iter().filter_map(|model| model.judged());
    let shares = judged.map(|judged| &judged.evaluation.class_distribution);
    shares.flat_map(|shares| shares.real.iter().chain(&shares.predicted)).copied().fold(0.0, f64::max)
}

fn reliability(judged: &SubsetEvaluation) -> Markup {
    html! {
        figure class="card" {
            (chart::reliability(&judged.evaluation.calibration))
            figcaption {
                "On the dashed line the model is right as often as it says; below it, it is too sure of itself. The lines \
                 through the points are 95% intervals."
            }
        }
    }
}
