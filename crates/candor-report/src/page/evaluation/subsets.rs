//! The accuracy on each part of the pictures.

use maud::{Markup, html};

use super::parts;
use crate::figures::{self, Scale};
use crate::{Model, SubsetEvaluation};

pub(super) fn table(model: &Model) -> Markup {
    let judged = model.judged();
    html! {
        (parts::scroll("Accuracy and loss", html! {
            table class="figures" {
                thead {
                    tr {
                        th scope="col" { "part" }
                        th scope="col" { "accuracy, 95% interval" }
                        th scope="col" { "without looking" }
                        th scope="col" { "log loss" }
                    }
                }
                tbody { @for judged in &model.evaluations { (row(judged)) } }
            }
        }))
        @if model.evaluations.iter().any(|judged| judged.part_in_training.is_some()) {
            p class="note" {
                "Pictures that were learned from, or by which the best epoch was chosen, give figures that are too good: they \
                 have no interval."
            }
        }
        @if let Some(judged) = judged.filter(|judged| judged.part_in_training.is_none()) {
            p class="note" { (how_resampled(judged)) }
        }
        @if let Some(looks) = judged.and_then(|judged| judged.looks) {
            p class="note" {
                "The test pictures were looked at " (figures::times(looks)) ". Each further look that leads to a change makes \
                 the figure a little too good."
            }
        }
    }
}

fn row(judged: &SubsetEvaluation) -> Markup {
    let evaluation = &judged.evaluation;
    let (accuracy, baseline) = (&evaluation.accuracy, &evaluation.majority_baseline);
    let interval = judged.accuracy_interval();
    let log_loss = match judged.intervals.log_loss {
        Some(interval) => Scale::Plain.write(evaluation.log_loss, interval),
        None => figures::loss(evaluation.log_loss),
    };
    html! {
        tr {
            th scope="row" {
                (judged.subset)
                small { (figures::count(accuracy.pictures)) " pictures" }
            }
            td {
                strong { (Scale::PerCent.write(accuracy.value, interval)) }
                small {
                    @match &judged.part_in_training {
                        Some(part) => { (part) }
                        None => { (Scale::PerCent.write_interval(interval)) }
                    }
                }
            }
            td title={ "always naming " (evaluation.classes[baseline.class]) } {
                (figures::per_cent(baseline.accuracy, accuracy.pictures))
            }
            td { (log_loss) @if let Some(interval) = judged.intervals.log_loss { small { (Scale::Plain.write_interval(interval)) } } }
        }
    }
}

/// Where the intervals come from, in a sentence.
fn how_resampled(judged: &SubsetEvaluation) -> String {
    let (groups, pictures) = (judged.intervals.groups, judged.evaluation.pictures);
    let resamples = figures::count(judged.intervals.resamples.into());
    match groups {
        0 | 1 => "All judged pictures belong to one group, so nothing can be said about how far these figures may be off: \
                  judge pictures of several groups."
            .to_owned(),
        _ if groups == pictures => format!(
            "Intervals hold 95 times out of 100 for other pictures from the same source: Agresti's and Coull's for plain \
             shares, for all other figures from {resamples} resamplings of the pictures. Every picture counts as \
             independent of the others."
        ),
        _ => format!(
            "Intervals hold 95 times out of 100 for other groups from the same source. The {} pictures are {} groups (persons, \
             places, copies of one picture): pictures of one group err together, so shares count as many pictures as are \
             independent, and all other figures come from {resamples} resamplings of the groups.",
            figures::count(pictures as u64),
            figures::count(groups as u64)
        ),
    }
}
