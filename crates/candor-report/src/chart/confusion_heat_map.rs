//! Confusion matrix as an annotated heat map. A table and not an SVG: its cells are read out, its names wrap.

use candor_analysis::Evaluation;
use maud::{Markup, html};

use crate::{figures, theme};

/// Up to this many classes every cell shows its share of all pictures below its count.
pub(crate) const WITH_SHARES: usize = 8;
/// Beyond this many a table has more cells than a page can hold; the most frequent confusions are listed instead.
const MOST_CLASSES: usize = 100;

/// Rows true, columns predicted; shades are shares of the row, right answers in one colour and wrong in another.
/// `None` when there are too many classes to draw.
pub(crate) fn confusion_heat_map(evaluation: &Evaluation) -> Option<Markup> {
    let k = evaluation.classes.len();
    let size = match k {
        _ if k <= WITH_SHARES => "large",
        _ if k <= 16 => "medium",
        _ if k <= MOST_CLASSES => "small",
        _ => return None,
    };
    Some(html! {
        div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix" {
            table class={ "heat " (size) } {
                thead {
                    tr {
                        td class="corner" { div { "predicted →" } div { "true ↓" } }
                        @for class in &evaluation.classes {
                            th scope="col" title=(class) { span { (class) } }
                        }
                    }
                }
                tbody {
                    @for truth in 0..k {
                        tr {
                            th scope="row" title=(evaluation.classes[truth]) { (evaluation.classes[truth]) }
                            @for predicted in 0..k { (cell(evaluation, truth, predicted, k <= WITH_SHARES)) }
                        }
                    }
                }
            }
        }
    })
}

fn cell(evaluation: &Evaluation, truth: usize, predicted: usize, with_share: bool) -> Markup {
    let row = &evaluation.confusion_matrix.counts()[truth];
    let (count, support) = (row[predicted], row.iter().sum::<u64>());
    if count == 0 {
        let class = if truth == predicted { "diagonal" } else { "none" };
        return html! { td class=(class) { "0" } };
    }
    let scale = if truth == predicted { "right" } else { "wrong" };
    let shade = theme::shade(count as f64 / support as f64);
    let of_all = count as f64 / evaluation.pictures as f64;
    let tooltip = format!(
        "{} taken for {}: {} of {} ({}), {:.1}% of all pictures",
        evaluation.classes[truth],
        evaluation.classes[predicted],
        figures::count(count),
        figures::count(support),
        figures::per_cent(count as f64 / support as f64, support),
        100.0 * of_all,
    );
    html! {
        td class={ (scale) "-" (shade) } title=(tooltip) {
            (count)
            @if with_share {
                small { (format!("{:.1}%", 100.0 * of_all)) }
            }
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
            let text = confusion_heat_map(&evaluation(k)).unwrap().into_string();
            assert!(text.contains(&format!("heat {size}")), "{text}");
            assert_eq!(text.matches("<td").count(), k * k + 1, "{k} classes and the corner");
            assert!(text.contains("wrong-6"), "all of the row's pictures in one wrong cell");
        }
        assert!(confusion_heat_map(&evaluation(101)).is_none());
    }

    #[test]
    fn few_classes_show_the_share_of_all_pictures() {
        let text = confusion_heat_map(&evaluation(2)).unwrap().into_string();
        assert!(
            text.contains("1<small>100.0%</small>") && text.contains("class 1 taken for class 0: 1 of 1"),
            "{text}"
        );
    }
}
