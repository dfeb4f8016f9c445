//! Class distribution: the share of each class as a pair of bars, real above predicted.

use candor_analysis::Evaluation;
use maud::{Markup, html};

use super::axis::Axis;
use super::{WIDTH, px, svg};
use crate::figures;
use crate::text::two_lines;

const LEFT: f64 = 118.0;
const RIGHT: f64 = 46.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 22.0;
const LABEL_CHARACTERS: usize = 18;

/// Real and predicted share of every class, in class order, on a scale that reaches up to `most`.
pub(crate) fn class_distribution(evaluation: &Evaluation, most: f64) -> Markup {
    let axis = Axis::round(0.0, most, 4);
    let classes = evaluation.classes.len();
    let row_height = if classes > 20 { 24.0 } else { 32.0 };
    let bottom = TOP + row_height * classes as f64;
    svg(
        bottom + BOTTOM,
        &alt(evaluation),
        html! {
            (legend())
            @for &share in &axis.ticks {
                @let x = px(x(&axis, share));
                line class="grid" x1=(x) x2=(x) y1=(TOP) y2=(bottom) {}
                text class="tick" x=(x) y=(bottom + 15.0) text-anchor="middle" {
                    (format!("{:.*}%", axis.decimals.saturating_sub(2), 100.0 * share))
                }
            }
            @for class in 0..classes {
                (pair(evaluation, class, &axis, TOP + row_height * class as f64, row_height))
            }
        },
    )
}

fn x(axis: &Axis, share: f64) -> f64 {
    LEFT + axis.position(share) * (WIDTH - LEFT - RIGHT)
}

fn legend() -> Markup {
    html! {
        rect class="bar real" x=(LEFT) y="3" width="12" height="8" {}
        text class="name" x=(LEFT + 17.0) y="11" { "real" }
        rect class="bar predicted" x=(LEFT + 60.0) y="3" width="12" height="8" {}
        text class="name" x=(LEFT + 77.0) y="11" { "predicted" }
    }
}

fn pair(evaluation: &Evaluation, class: usize, axis: &Axis, top: f64, row_height: f64) -> Markup {
    let (name, pictures) = (&evaluation.classes[class], evaluation.accuracy.pictures);
    let shares = &evaluation.class_distribution;
    let bar = (row_height - 8.0) / 2.0;
    let rows =
        [("real", shares.real[class], top + 3.0), ("predicted", shares.predicted[class], top + 4.0 + bar)];
    let text_size = if row_height > 30.0 { "figure" } else { "figure small" };
    html! {
        (label(name, top + row_height / 2.0, row_height))
        @for (kind, share, y) in rows {
            rect class={ "bar " (kind) } x=(LEFT) y=(px(y)) width=(px(x(axis, share) - LEFT)) height=(px(bar)) {
                title { (name) ", " (kind) ": " (figures::per_cent(share, pictures)) }
            }
            text class=(text_size) x=(px(x(axis, share) + 5.0)) y=(px(y + bar / 2.0 + 3.5)) {
                (figures::per_cent(share, pictures))
            }
        }
    }
}

fn label(name: &str, middle: f64, row_height: f64) -> Markup {
    let mut lines = two_lines(name, LABEL_CHARACTERS);
    if row_height < 30.0 {
        lines = vec![crate::text::shorten(name, LABEL_CHARACTERS)];
    }
    let first = middle + 4.0 - 6.0 * (lines.len() as f64 - 1.0);
    html! {
        text class="name" text-anchor="end" {
            title { (name) }
            @for (row, line) in lines.iter().enumerate() {
                tspan x=(LEFT - 8.0) y=(px(first + 12.0 * row as f64)) { (line) }
            }
        }
    }
}

fn alt(evaluation: &Evaluation) -> String {
    let (shares, pictures) = (&evaluation.class_distribution, evaluation.accuracy.pictures);
    let text = |share| figures::per_cent(share, pictures);
    let rows: Vec<String> = evaluation
        .classes
        .iter()
        .zip(shares.real.iter().zip(&shares.predicted))
        .map(|(class, (&real, &predicted))| format!("{class} {} against {}", text(real), text(predicted)))
        .collect();
    format!("Share of each class, real against predicted: {}", rows.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_analysis::LabelledPredictions;

    #[test]
    fn long_names_are_broken_and_shares_are_written() {
        let classes = vec!["plastic bottle without a label".into(), "can".into()];
        let probabilities = [1.0, 0.0].repeat(40);
        let truth = (0..40).map(|i| usize::from(i < 10)).collect();
        let evaluation = Evaluation::of(&LabelledPredictions::new(classes, truth, probabilities).unwrap());
        let text = class_distribution(&evaluation, 1.0).into_string();
        assert!(text.contains(">plastic bottle<") && text.contains(">without a label<"), "{text}");
        assert!(text.contains("can 25% against 0%"), "{text}");
        assert_eq!(text.matches("bar predicted").count(), 3, "a legend and two classes");
    }
}
