//! Training history: a quantity of train and validation against the epoch, the epoch that was kept marked.

use maud::{Markup, html};

use super::axis::Axis;
use super::{WIDTH, px, svg};
use crate::{History, Scores, figures};

const HEIGHT: f64 = 256.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 78.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 42.0;
const LINE_HEIGHT: f64 = 15.0;

/// What is plotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Accuracy,
    Loss,
}

/// One curve: its name, its class in the style sheet, its points as (epoch, value). Gaps are left out.
struct Curve {
    name: &'static str,
    class: &'static str,
    points: Vec<(usize, f64)>,
}

/// The plot of `history`. `together` are the histories it is compared with, itself included: they share their
/// scales. `chance` is the accuracy of a model that never looks.
pub(crate) fn history_plot(
    history: &History,
    quantity: Quantity,
    together: &[&History],
    chance: Option<f64>,
) -> Markup {
    let curves = quantity.curves(history);
    let plot = Plot { epochs: epoch_axis(together), values: quantity.axis(together), quantity };
    let alt = plot.alt(history, &curves);
    svg(
        HEIGHT,
        &alt,
        html! {
            (plot.grid(history))
            @if let Some(chance) = chance.filter(|&c| quantity == Quantity::Accuracy && plot.values.holds(c)) {
                (plot.chance(chance))
            }
            @if let Some(epoch) = history.best_epoch { (plot.kept(epoch)) }
            @for curve in &curves { (plot.curve(curve)) }
            @for (curve, y) in plot.end_labels(&curves) {
                text class={ "name " (curve.class) } x=(px(WIDTH - RIGHT + 8.0)) y=(px(y + 4.0)) { (curve.name) }
            }
        },
    )
}

impl Quantity {
    fn of(self, scores: Scores) -> f64 {
        match self {
            Quantity::Accuracy => scores.accuracy,
            Quantity::Loss => scores.loss,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Quantity::Accuracy => "accuracy",
            Quantity::Loss => "loss",
        }
    }

    fn write(self, value: f64) -> String {
        match self {
            Quantity::Accuracy => format!("{:.1}%", 100.0 * value),
            Quantity::Loss => figures::loss(value),
        }
    }

    fn curves(self, history: &History) -> Vec<Curve> {
        let points = |scores: &dyn Fn(&crate::Epoch) -> Option<Scores>| {
            let value = |epoch| scores(epoch).map(|scores| (epoch.epoch, self.of(scores)));
            history.epochs.iter().filter_map(value).filter(|(_, value)| value.is_finite()).collect()
        };
        let train = Curve { name: "train", class: "train", points: points(&|epoch| Some(epoch.train)) };
        let validation =
            Curve { name: "validation", class: "validation", points: points(&|epoch| epoch.validation) };
        [train, validation].into_iter().filter(|curve| !curve.points.is_empty()).collect()
    }

    fn axis(self, together: &[&History]) -> Axis {
        let range = together
            .iter()
            .flat_map(|history| self.curves(history))
            .flat_map(|curve| curve.points)
            .map(|(_, value)| value)
            .fold(None, |range: Option<(f64, f64)>, value| {
                range.map_or(Some((value, value)), |(low, high)| Some((low.min(value), high.max(value))))
            });
        let (low, high) = range.unwrap_or((0.0, 1.0));
        match self {
            // From zero, unless all of it happens in the upper half.
            Quantity::Accuracy => {
                Axis::round(if low > 0.5 { (low * 10.0).floor() / 10.0 } else { 0.0 }, 1.0, 5)
            }
            Quantity::Loss => Axis::round(0.0, high, 4),
        }
    }
}

fn epoch_axis(together: &[&History]) -> Axis {
    let epochs = || together.iter().flat_map(|history| &history.epochs).map(|epoch| epoch.epoch);
    Axis::whole(epochs().min().unwrap_or(1), epochs().max().unwrap_or(1), 6)
}

struct Plot {
    epochs: Axis,
    values: Axis,
    quantity: Quantity,
}

impl Plot {
    fn x(&self, epoch: f64) -> f64 {
        LEFT + self.epochs.position(epoch) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.values.position(value) * (HEIGHT - TOP - BOTTOM)
    }

    fn grid(&self, history: &History) -> Markup {
        let (left, right, bottom) = (LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM);
        let tick = |value: f64| match self.quantity {
            Quantity::Accuracy => format!("{:.0}%", 100.0 * value),
            Quantity::Loss => format!("{value:.*}", self.values.decimals),
        };
        let unit = match self.quantity {
            Quantity::Accuracy => "accuracy, share of pictures".to_owned(),
            Quantity::Loss => format!("loss, {}", history.loss_name),
        };
        html! {
            text class="unit" x="0" y="10" { (unit) }
            @for &value in &self.values.ticks {
                line class="grid" x1=(left) x2=(right) y1=(px(self.y(value))) y2=(px(self.y(value))) {}
                text class="tick" x=(left - 7.0) y=(px(self.y(value) + 4.0)) text-anchor="end" { (tick(value)) }
            }
            @for &epoch in &self.epochs.ticks {
                line class="axis" x1=(px(self.x(epoch))) x2=(px(self.x(epoch))) y1=(bottom) y2=(bottom + 4.0) {}
                text class="tick" x=(px(self.x(epoch))) y=(bottom + 17.0) text-anchor="middle" { (epoch) }
            }
            line class="axis" x1=(left) x2=(right) y1=(bottom) y2=(bottom) {}
            text class="unit" x=((left + right) / 2.0) y=(HEIGHT - 6.0) text-anchor="middle" { "epoch" }
        }
    }

    fn chance(&self, chance: f64) -> Markup {
        let y = px(self.y(chance));
        html! {
            line class="chance" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {
                title { "always naming the most frequent class: " (self.quantity.write(chance)) }
            }
            line class="chance" x1=(WIDTH - RIGHT - 114.0) x2=(WIDTH - RIGHT - 90.0) y1="6" y2="6" {}
            text class="unit" x=(WIDTH - RIGHT) y="10" text-anchor="end" { "without looking" }
        }
    }

    fn kept(&self, epoch: usize) -> Markup {
        let x = px(self.x(epoch as f64));
        // The label stays within the drawing at both ends.
        let anchor = match self.epochs.position(epoch as f64) {
            p if p < 0.15 => "start",
            p if p > 0.85 => "end",
            _ => "middle",
        };
        html! {
            line class="best" x1=(x) x2=(x) y1=(TOP) y2=(HEIGHT - BOTTOM) {}
            text class="mark" x=(x) y=(TOP - 7.0) text-anchor=(anchor) { "kept epoch " (epoch) }
        }
    }

    fn curve(&self, curve: &Curve) -> Markup {
        let place = |&(epoch, value): &(usize, f64)| (px(self.x(epoch as f64)), px(self.y(value)));
        let path: Vec<String> = runs(&curve.points)
            .map(|run| {
                let places: Vec<String> =
                    curve.points[run].iter().map(place).map(|(x, y)| format!("{x} {y}")).collect();
                format!("M{}", places.join("L"))
            })
            .collect();
        let radius = if curve.points.len() > 40 { 1.4 } else { 2.6 };
        html! {
            path class={ "curve " (curve.class) } d=(path.concat()) {}
            @for point in &curve.points {
                @let (x, y) = place(point);
                circle class={ "dot " (curve.class) } cx=(x) cy=(y) r=(radius) {
                    title { (curve.name) ", epoch " (point.0) ": " (self.quantity.write(point.1)) }
                }
            }
        }
    }

    /// Where each curve's name stands: at its end, or a line apart where the ends meet.
    fn end_labels<'a>(&self, curves: &'a [Curve]) -> Vec<(&'a Curve, f64)> {
        let end = |curve: &Curve| self.y(curve.points.last().map_or(0.0, |&(_, value)| value));
        let mut labels: Vec<(&Curve, f64)> = curves.iter().map(|curve| (curve, end(curve))).collect();
        if let [(_, first), (_, second)] = labels.as_mut_slice() {
            let middle = (*first + *second) / 2.0;
            if (*first - *second).abs() < LINE_HEIGHT {
                let half = if first <= second { LINE_HEIGHT / 2.0 } else { -LINE_HEIGHT / 2.0 };
                // The lower name stays above the epochs written below the axis.
                let middle = middle.min(HEIGHT - BOTTOM - LINE_HEIGHT / 2.0);
                (*first, *second) = (middle - half, middle + half);
            }
        }
        labels
    }

    fn alt(&self, history: &History, curves: &[Curve]) -> String {
        let ends: Vec<String> = curves
            .iter()
            .filter_map(|curve| {
                let write = |&(_, value): &(usize, f64)| self.quantity.write(value);
                let (first, last) = (curve.points.first()?, curve.points.last()?);
                Some(format!("{} from {} to {}", curve.name, write(first), write(last)))
            })
            .collect();
        let kept = |epoch| format!("; kept epoch {epoch}");
        let kept = history.best_epoch.map_or_else(String::new, kept);
        format!(
            "{} against the epoch, {} epochs: {}{kept}",
            self.quantity.name(),
            history.epochs.len(),
            ends.join(", ")
        )
    }
}

/// Stretches of points whose epochs follow each other: where a value was not finite the line is broken.
fn runs(points: &[(usize, f64)]) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut start = 0;
    (1..=points.len()).filter_map(move |end| {
        let broken = end == points.len() || points[end].0 != points[end - 1].0 + 1;
        broken.then(|| std::mem::replace(&mut start, end)..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Epoch;

    fn history(losses: &[f64]) -> History {
        let scores = |loss| Scores { loss, accuracy: 0.9 };
        let epochs = (1..).zip(losses).map(|(epoch, &loss)| Epoch {
            epoch,
            train: scores(loss),
            validation: Some(scores(loss + 0.1)),
            learning_rate: None,
            seconds: 1.0,
        });
        History { loss_name: "cross-entropy".into(), epochs: epochs.collect(), best_epoch: Some(2) }
    }

    fn plot(history: &History, quantity: Quantity) -> String {
        history_plot(history, quantity, &[history], Some(0.1)).into_string()
    }

    #[test]
    fn both_curves_the_kept_epoch_and_the_unit_are_there() {
        let text = plot(&history(&[1.0, 0.5, 0.25]), Quantity::Loss);
        for part in ["curve train", "curve validation", "kept epoch 2", "loss, cross-entropy", ">epoch<"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(text.contains("train from 1.00 to 0.250"), "the words for those who do not see it: {text}");
        assert!(!text.contains("without looking"), "chance is an accuracy");
    }

    #[test]
    fn a_training_that_diverged_is_drawn_as_a_gap() {
        let text = plot(&history(&[1.0, f64::NAN, f64::INFINITY, 0.25, 0.2]), Quantity::Loss);
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        let train = text.split("curve train").nth(1).unwrap().split('>').next().unwrap();
        assert_eq!(train.matches('M').count(), 2, "{train}");
    }

    #[test]
    fn one_epoch_and_none_at_all_are_drawn() {
        assert!(plot(&history(&[1.0]), Quantity::Accuracy).contains("dot train"));
        let empty = History { best_epoch: None, ..history(&[]) };
        assert!(plot(&empty, Quantity::Loss).starts_with("<svg"));
        assert!(!plot(&empty, Quantity::Accuracy).contains("NaN"));
    }

    #[test]
    fn names_at_the_end_do_not_cover_each_other() {
        let together = history(&[1.0, 1.0]);
        let plot = Plot {
            epochs: epoch_axis(&[&together]),
            values: Quantity::Loss.axis(&[&together]),
            quantity: Quantity::Loss,
        };
        let curves = Quantity::Loss.curves(&together);
        let labels = plot.end_labels(&curves);
        assert!((labels[0].1 - labels[1].1).abs() >= LINE_HEIGHT - 1e-9);
    }
}
