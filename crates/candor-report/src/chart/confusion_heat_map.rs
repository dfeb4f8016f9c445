//! Confusion matrix as an annotated heat map. A table and not an SVG: its cells are read out, its names wrap.

use candor_analysis::Evaluation;
use maud::{Markup, html};

use crate::text::shorten;
use crate::{figures, theme};

/// Beyond this many a table has more cells than a page can hold; the most frequent confusions are listed instead.
const MOST_CLASSES: usize = 100;

/// What the cells can show, in the reader's words and as the style sheet names them. The first is shown at first.
const UNITS: [(&str, &str); 3] =
    [("count", "pictures"), ("all", "per cent of all pictures"), ("row", "per cent of the row")];

/// Rows true, columns predicted; shades are shares of the row, right answers in one colour and wrong in another. The
/// reader chooses between pictures and per cent; `name` tells the matrices of a page apart. `None` when there are too
/// many classes to draw.
pub(crate) fn confusion_heat_map(evaluation: &Evaluation, name: &str) -> Option<Markup> {
    let k = evaluation.classes.len();
    let size = match k {
        _ if k <= 8 => "large",
        _ if k <= 16 => "medium",
        _ if k <= MOST_CLASSES => "small",
        _ => return None,
    };
    Some(html! {
        fieldset class="matrix" {
            legend { "Show" }
            @for (unit, words) in UNITS {
                label class=(unit) {
                    input type="radio" name={ "matrix " (name) } value=(unit) checked[unit == UNITS[0].0];
                    (words)
                }
            }
            div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix" {
                (table(evaluation, size))
            }
        }
    })
}

/// Characters of a class's name where its row is one line.
const NAME_CHARACTERS: usize = 16;

fn table(evaluation: &Evaluation, size: &str) -> Markup {
    let k = evaluation.classes.len();
    let most = if size == "large" { usize::MAX } else { NAME_CHARACTERS };
    html! {
        table class={ "heat " (size) } {
            thead {
                tr {
                    td class="corner" { div { "predicted →" } div { "true ↓" } }
                    @for class in &evaluation.classes {
                        th scope="col" title=(class) { span { (shorten(class, most)) } }
                    }
                }
            }
            tbody {
                @for truth in 0..k {
                    tr {
                        @let class = &evaluation.classes[truth];
                        th scope="row" title=(class) { (shorten(class, most)) }
                        @for predicted in 0..k { (cell(evaluation, truth, predicted)) }
                    }
                }
            }
        }
    }
}

fn cell(evaluation: &Evaluation, truth: usize, predicted: usize) -> Markup {
    let row = &evaluation.confusion_matrix.counts()[truth];
    let (count, support) = (row[predicted], row.iter().sum::<u64>());
    if count == 0 {
        let class = if truth == predicted { "diagonal" } else { "none" };
        return html! { td class=(class) { "0" } };
    }
    let scale = if truth == predicted { "right" } else { "wrong" };
    let (of_row, of_all) = (count as f64 / support as f64, count as f64 / evaluation.pictures as f64);
    let tooltip = format!(
        "{} taken for {}: {} of {} ({}), {:.1}% of all pictures",
        evaluation.classes[truth],
        evaluation.classes[predicted],
        figures::count(count),
        figures::count(support),
        figures::per_cent(of_row, support),
        100.0 * of_all,
    );
    html! {
        td class={ (scale) "-" (theme::shade(of_row)) } title=(tooltip) {
            span class="count" { (count) }
            span class="all" { (format!("{:.1}", 100.0 * of_all)) }
            span class="row" { (format!("{:.0}", 100.0 * of_row)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_analysis::LabelledPredictions;

    fn evaluation(k: usize) -> Evaluation {
        let classes = (0..k).map(|class| format!("class {class}")).collect();
        let predictions = LabelledPredictions::new(classes, vec![k - 1], {
            let mut one_hot = vec![0.0; k];
            one_hot[0] = 1.0;
            one_hot
        });
        Evaluation::of(&predictions.unwrap())
    }

    #[test]
    fn every_cell_is_there_up_to_a_hundred_classes() {
        for (k, size) in [(2, "large"), (10, "medium"), (60, "small")] {
            let text = confusion_heat_map(&evaluation(k), "a").unwrap().into_string();
            assert!(text.contains(&format!("heat {size}")), "{text}");
            assert_eq!(text.matches("<td").count(), k * k + 1, "{k} classes and the corner");
            assert!(text.contains("wrong-6"), "all of the row's pictures in one wrong cell");
        }
        assert!(confusion_heat_map(&evaluation(101), "a").is_none());
    }

    #[test]
    fn a_cell_holds_pictures_and_both_shares() {
        let text = confusion_heat_map(&evaluation(2), "a").unwrap().into_string();
        for part in [
            "<span class=\"count\">1</span><span class=\"all\">100.0</span><span class=\"row\">100</span>",
            "class 1 taken for class 0: 1 of 1",
            "name=\"matrix a\" value=\"count\" checked",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
