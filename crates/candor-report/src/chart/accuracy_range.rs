//! Accuracy on each subset as a point, against what not looking reaches; with its 95 % interval where the pictures had no part
//! in the training.

use candor_analysis::evaluate::Accuracy;
use maud::{Markup, html};

use super::{WIDTH, px, svg};
use crate::SubsetEvaluation;
use crate::figures::Scale;

const LEFT: f64 = 74.0;
const RIGHT: f64 = 58.0;
const ROW: f64 = 28.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 24.0;

/// One row a subset on a scale from 0 to 100 %. The dashed line is the last subset's majority baseline.
pub(crate) fn accuracy_range(evaluations: &[SubsetEvaluation]) -> Markup {
    let bottom = TOP + ROW * evaluations.len() as f64;
    let chance = evaluations.last().map(|judged| judged.evaluation.majority_baseline.accuracy);
    svg(
        bottom + BOTTOM,
        &alt(evaluations),
        html! {
            @for tenth in [0, 25, 50, 75, 100] {
                @let x = px(x(f64::from(tenth) / 100.0));
                line class="grid" x1=(x) x2=(x) y1=(TOP) y2=(bottom) {}
                text class="tick" x=(x) y=(bottom + 16.0) text-anchor="middle" { (tenth) "%" }
            }
            @if let Some(chance) = chance {
                line class="chance" x1=(px(x(chance))) x2=(px(x(chance))) y1=(TOP - 6.0) y2=(bottom) {}
                text class="unit" x=(px(x(chance))) y=(TOP - 11.0) text-anchor=(anchor(chance)) {
                    "without looking"
                }
            }
            @for (row, judged) in evaluations.iter().enumerate() {
                (range(judged, TOP + ROW * (row as f64 + 0.5)))
            }
        },
    )
}

fn x(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}

/// A text at `share` stays within the drawing at both ends.
fn anchor(share: f64) -> &'static str {
    match share {
        s if s < 0.15 => "start",
        s if s > 0.85 => "end",
        _ => "middle",
    }
}

fn range(judged: &SubsetEvaluation, y: f64) -> Markup {
    let accuracy: &Accuracy = &judged.evaluation.accuracy;
    let interval = judged.accuracy_interval();
    let (low, high) = (px(x(interval.low)), px(x(interval.high)));
    let class = judged.subset.name();
    html! {
        text class="name" x=(LEFT - 10.0) y=(px(y + 4.0)) text-anchor="end" { (judged.subset) }
        @if judged.part_in_training.is_none() {
            line class={ "whisker " (class) } x1=(low) x2=(high) y1=(px(y)) y2=(px(y)) {}
            @for end in [low, high] {
                line class={ "whisker " (class) } x1=(end) x2=(end) y1=(px(y - 5.0)) y2=(px(y + 5.0)) {}
            }
        }
        circle class={ "dot " (class) } cx=(px(x(accuracy.value))) cy=(px(y)) r="5" {
            title { (judged.subset) ": " (judged.accuracy_in_words()) }
        }
        text class="value" x=(WIDTH) y=(px(y + 4.0)) text-anchor="end" {
            (Scale::PerCent.write(accuracy.value, interval))
        }
    }
}

fn alt(evaluations: &[SubsetEvaluation]) -> String {
    let row = |judged: &SubsetEvaluation| format!("{} {}", judged.subset, judged.accuracy_in_words());
    let rows: Vec<String> = evaluations.iter().map(row).collect();
    format!("Accuracy, on pictures without a part in the training with its 95% interval: {}", rows.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_analysis::LabelledPredictions;
    use candor_core::Subset;

    #[test]
    fn each_subset_has_its_row_and_few_pictures_make_a_long_whisker() {
        let judge = |subset, pictures: usize| {
            let classes = vec!["fork".into(), "scissors".into()];
            let probabilities = [0.75, 0.25].repeat(pictures);
            let truth = (0..pictures).map(|i| i % 2).collect();
            let predictions = LabelledPredictions::new(classes, truth, probabilities).unwrap();
            SubsetEvaluation::alone(subset, None, &predictions)
        };
        let text = accuracy_range(&[judge(Subset::Train, 1000), judge(Subset::Test, 10)]).into_string();
        assert!(text.contains("train 50% (learned from), test 50% (24% to 76%)"), "{text}");
        assert_eq!((text.matches("<circle").count(), text.matches("whisker test").count()), (2, 3));
        assert!(!text.contains("whisker train"), "{text}");
        assert!(text.contains("without looking"));
    }
}
