//! Which class is taken for which: the matrix, and the pairs that are mixed up most often.

use candor_analysis::Evaluation;
use maud::{Markup, html};

use crate::{chart, figures};

/// Pairs of classes in the list of confusions.
const MOST_CONFUSIONS: usize = 8;

/// `name` is the model's.
pub(super) fn matrix(evaluation: &Evaluation, name: &str) -> Markup {
    let worst = evaluation.confusion_matrix.confusions(MOST_CONFUSIONS);
    let support = evaluation.confusion_matrix.support();
    html! {
        @match chart::confusion_heat_map(evaluation, name) {
            Some(map) => {
                (map)
                p class="note" {
                    "Rows: the true class. Columns: what it was called. The stronger a cell's colour, the larger its share of \
                     the row; blue is right, orange is wrong."
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
