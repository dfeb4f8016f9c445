//! Every class's figures and their means, each with its interval.

use candor_analysis::evaluate::{Interval, MeanScores};
use candor_analysis::interval::MeanIntervals;
use maud::{Markup, html};

use super::parts;
use crate::SubsetEvaluation;
use crate::figure_list::written;
use crate::figures::{self, Scale};

/// A cell: the value where it is measured, and how far it may be off.
type Figure = (Option<f64>, Option<Interval>);

pub(super) fn table(judged: &SubsetEvaluation) -> Markup {
    let evaluation = &judged.evaluation;
    let report = &evaluation.classification_report;
    let undefined =
        (0..report.classes.len()).any(|class| figures_of(judged, class).iter().any(|f| f.0.is_none()));
    html! {
        (parts::scroll_long("Classification report", report.classes.len(), html! {
            table class="figures scores" {
                thead {
                    tr {
                        @for name in ["class", "precision", "recall", "F1", "ROC AUC", "average precision", "support"] {
                            th scope="col" { (name) }
                        }
                    }
                }
                tbody { @for class in 0..report.classes.len() { (class_row(judged, class)) } }
                tfoot {
                    (mean_row("macro mean", &report.macro_mean, &judged.intervals.macro_mean, macro_areas(judged)))
                    (mean_row("weighted mean", &report.weighted_mean, &judged.intervals.weighted_mean, none()))
                    (mean_row("micro mean", &report.micro_mean, &micro(judged), none()))
                }
            }
        }))
        @if undefined {
            p class="note" {
                "– is not measured (0 in the means): the class was never named, or none of the pictures are of it."
            }
        }
    }
}

fn figures_of(judged: &SubsetEvaluation, class: usize) -> [Figure; 5] {
    let evaluation = &judged.evaluation;
    let scores = &evaluation.classification_report.classes[class];
    let intervals = &judged.intervals.classes[class];
    let defined = |value: f64, undefined: bool| (!undefined).then_some(value);
    [
        (defined(scores.precision, scores.precision_undefined), intervals.precision),
        (defined(scores.recall, scores.recall_undefined), intervals.recall),
        (defined(scores.f1, scores.precision_undefined && scores.recall_undefined), intervals.f1),
        (evaluation.roc_auc.classes[class].value(), intervals.roc_auc),
        (evaluation.average_precision.classes[class].value(), intervals.average_precision),
    ]
}

fn class_row(judged: &SubsetEvaluation, class: usize) -> Markup {
    let scores = &judged.evaluation.classification_report.classes[class];
    let [precision, recall, f1, roc_auc, average_precision] = figures_of(judged, class);
    html! {
        tr {
            th scope="row" { (scores.class) }
            (cell(precision, Scale::PerCent))
            (cell(recall, Scale::PerCent))
            (cell(f1, Scale::PerCent))
            (cell(roc_auc, Scale::Plain))
            (cell(average_precision, Scale::Plain))
            td { (figures::count(scores.support)) }
        }
    }
}

fn mean_row(name: &str, means: &MeanScores, intervals: &MeanIntervals, areas: [Option<Figure>; 2]) -> Markup {
    html! {
        tr {
            th scope="row" { (name) }
            (cell((Some(means.precision), intervals.precision), Scale::PerCent))
            (cell((Some(means.recall), intervals.recall), Scale::PerCent))
            (cell((Some(means.f1), intervals.f1), Scale::PerCent))
            @for area in areas {
                @match area { Some(figure) => { (cell(figure, Scale::Plain)) } None => { td {} } }
            }
            td { (figures::count(means.support)) }
        }
    }
}

/// Areas under curves are averaged over the classes in one way only.
fn none() -> [Option<Figure>; 2] {
    [None, None]
}

fn macro_areas(judged: &SubsetEvaluation) -> [Option<Figure>; 2] {
    let (evaluation, intervals) = (&judged.evaluation, &judged.intervals);
    [
        Some((evaluation.roc_auc.macro_mean.value(), intervals.roc_auc)),
        Some((evaluation.average_precision.macro_mean.value(), intervals.average_precision)),
    ]
}

/// Pooled answers: precision, recall and F1 are the accuracy.
fn micro(judged: &SubsetEvaluation) -> MeanIntervals {
    let accuracy = judged.intervals.accuracy;
    MeanIntervals { precision: accuracy, recall: accuracy, f1: accuracy }
}

/// A figure with a bar behind it and its interval below.
fn cell((value, interval): Figure, scale: Scale) -> Markup {
    html! {
        @match value {
            None => { td class="undefined" title="not measured" { "–" } }
            Some(value) => {
                td class="share" style={ "--share:" (format!("{:.0}", 100.0 * value)) "%" } {
                    (written(scale, value, interval))
                    @if let Some(interval) = interval { small { (scale.write_interval(interval)) } }
                }
            }
        }
    }
}
