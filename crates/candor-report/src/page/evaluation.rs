//! How good the models are, by every metric.

use candor_analysis::Evaluation;
use candor_analysis::evaluate::{ClassScores, MeanScores};
use maud::{Markup, html};

use super::parts::{self, metric_heading};
use crate::{Model, Report, SubsetEvaluation, chart, figures};

/// Pairs of classes in the list of confusions.
const MOST_CONFUSIONS: usize = 8;
/// Confusion matrices of more classes than this are too wide to stand side by side.
const MOST_CLASSES_SIDE_BY_SIDE: usize = 12;

pub(super) fn section(report: &Report) -> Markup {
    let wide = report.data.classes.len() > MOST_CLASSES_SIDE_BY_SIDE;
    parts::section(
        "evaluation",
        "The evaluation",
        html! {
            (metric_heading("accuracy", &["majority_baseline", "log_loss"]))
            (parts::side_by_side(report, subsets))
            (metric_heading("classification_report", &[]))
            (parts::side_by_side(report, |model| judged(model, class_scores)))
            (metric_heading("confusion_matrix", &[]))
            div class=[wide.then_some("wide")] {
                (parts::side_by_side(report, |model| judged(model, confusions)))
            }
            (metric_heading("class_distribution", &[]))
            (parts::side_by_side(report, |model| judged(model, |evaluation| html! {
                figure class="card" { (chart::class_distribution(evaluation, largest_share(report))) }
            })))
        },
    )
}

/// What is shown for the last subset only: test where there is one.
fn judged(model: &Model, content: impl Fn(&Evaluation) -> Markup) -> Markup {
    match model.judged() {
        Some(judged) => html! {
            p class="subject" { "On " (figures::count(judged.evaluation.accuracy.pictures)) " " (judged.subset) " pictures" }
            (content(&judged.evaluation))
        },
        None => html! { p { "Not judged." } },
    }
}

/// The largest share in any model's class distribution, so that all are drawn to one scale.
fn largest_share(report: &Report) -> f64 {
    let judged = report.models.iter().filter_map(|model| model.judged());
    let shares = judged.map(|judged| &judged.evaluation.class_distribution);
    shares.flat_map(|shares| shares.real.iter().chain(&shares.predicted)).copied().fold(0.0, f64::max)
}

fn subsets(model: &Model) -> Markup {
    let looks = model.judged().and_then(|judged| judged.looks);
    html! {
        (parts::scroll("Accuracy and loss", html! {
            table class="figures" {
                thead {
                    tr {
                        th scope="col" { "part" }
                        th scope="col" { "pictures" }
                        th scope="col" { "accuracy, 95% interval" }
                        th scope="col" { "without looking" }
                        th scope="col" { "log loss" }
                    }
                }
                tbody { @for judged in &model.evaluations { (subset(judged)) } }
            }
        }))
        @if let Some(looks) = looks {
            p class="note" {
                "The test pictures were looked at " (figures::times(looks)) ". Each further look that leads to a change makes \
                 the figure a little too good."
            }
        }
    }
}

fn subset(judged: &SubsetEvaluation) -> Markup {
    let evaluation = &judged.evaluation;
    let (accuracy, baseline) = (&evaluation.accuracy, &evaluation.majority_baseline);
    html! {
        tr {
            th scope="row" { (judged.subset) }
            td { (figures::count(accuracy.pictures)) }
            td {
                strong { (figures::per_cent(accuracy.value, accuracy.pictures)) }
                small { (figures::interval(accuracy)) }
            }
            td title={ "always naming " (evaluation.classes[baseline.class]) } {
                (figures::per_cent(baseline.accuracy, accuracy.pictures))
            }
            td { (figures::loss(evaluation.log_loss)) }
        }
    }
}

fn class_scores(evaluation: &Evaluation) -> Markup {
    let report = &evaluation.classification_report;
    let named = evaluation.confusion_matrix.predicted();
    let undefined = report.classes.iter().any(|class| class.precision_undefined || class.recall_undefined);
    html! {
        (parts::scroll_long("Classification report", report.classes.len(), html! {
            table class="figures scores" {
                thead {
                    tr {
                        th scope="col" { "class" }
                        th scope="col" { "precision" }
                        th scope="col" { "recall" }
                        th scope="col" { "F1" }
                        th scope="col" { "support" }
                    }
                }
                tbody {
                    @for (class, &named) in report.classes.iter().zip(&named) { (class_row(class, named)) }
                }
                tfoot { (mean_row("macro mean", &report.macro_mean)) (mean_row("weighted mean", &report.weighted_mean)) }
            }
        }))
        @if undefined {
            p class="note" {
                "– is not measured (0 in the means): the class was never named, or none of the pictures are of it."
            }
        }
    }
}

fn class_row(scores: &ClassScores, named: u64) -> Markup {
    let f1_undefined = scores.precision_undefined && scores.recall_undefined;
    html! {
        tr {
            th scope="row" { (scores.class) }
            (score(scores.precision, named, scores.precision_undefined))
            (score(scores.recall, scores.support, scores.recall_undefined))
            (score(scores.f1, named.min(scores.support), f1_undefined))
            td { (figures::count(scores.support)) }
        }
    }
}

fn mean_row(name: &str, means: &MeanScores) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            @for value in [means.precision, means.recall, means.f1] { (score(value, means.support, false)) }
            td { (figures::count(means.support)) }
        }
    }
}

/// A share with a bar behind it.
fn score(value: f64, pictures: u64, undefined: bool) -> Markup {
    html! {
        @if undefined {
            td class="undefined" title="not measured" { "–" }
        } @else {
            td class="share" style={ "--share:" (format!("{:.0}", 100.0 * value)) "%" } {
                (figures::per_cent(value, pictures))
            }
        }
    }
}

fn confusions(evaluation: &Evaluation) -> Markup {
    let worst = evaluation.confusion_matrix.confusions(MOST_CONFUSIONS);
    let support = evaluation.confusion_matrix.support();
    html! {
        @match chart::confusion_heat_map(evaluation) {
            Some(map) => {
                (map)
                p class="note" {
                    "Rows: the true class. Columns: what it was called. The darker a cell, the larger its share of the \
                     row; blue is right, orange is wrong. "
                    @if evaluation.classes.len() <= chart::WITH_SHARES { "Below each count: its share of all pictures." }
                }
            }
            None => {
                p class="note" { "There are too many classes for a drawing; the whole matrix is in report.json." }
            }
        }
        @if !worst.is_empty() && evaluation.classes.len() > 2 {
            p { "Mixed up most often:" }
            ul class="confusions" {
                @for pair in &worst {
                    li {
                        b { (evaluation.classes[pair.truth]) } " taken for " b { (evaluation.classes[pair.predicted]) }
                        ": " (figures::count(pair.pictures)) " of " (figures::count(support[pair.truth]))
                    }
                }
            }
        }
    }
}
