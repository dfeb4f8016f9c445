//! What fairness costs: accuracy against the gap between groups, a point for each training, with its 95 % intervals.

use candor_analysis::evaluate::Interval;
use maud::{Markup, PreEscaped, html};

use super::axis::Axis;
use super::{WIDTH, px};
use crate::theme;

const HEIGHT: f64 = 340.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 46.0;
const STYLE: &str = include_str!("frontier.css");

/// One training.
#[derive(Clone, Debug, PartialEq)]
pub struct FrontierPoint {
    /// What stands beside the point: the weight.
    pub label: String,
    /// Gap between the groups, a share in 0..=1.
    pub gap: f64,
    /// Its 95 % interval.
    pub gap_interval: Interval,
    /// Share of right answers.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub accuracy_interval: Interval,
    /// Whether it is the one to take.
    pub suggested: bool,
}

/// The frontier as a standalone SVG file, readable on white; the points are joined in their order.
pub fn frontier_svg(points: &[FrontierPoint]) -> String {
    let file = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(HEIGHT)
            viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(alt(points)) {
            title { "Accuracy against the gap between groups" }
            style { (PreEscaped(theme::LIGHT.resolve(STYLE))) }
            rect width="100%" height="100%" fill="#ffffff" {}
            (drawing(points))
        }
    };
    file.into_string()
}

fn alt(points: &[FrontierPoint]) -> String {
    let words = points.iter().map(|point| {
        let taken = if point.suggested { " (suggested)" } else { "" };
        format!("{}{taken}: {:.1}%, {:.1} points", point.label, 100.0 * point.accuracy, 100.0 * point.gap)
    });
    format!(
        "Accuracy and gap on validation by weight of the fairness. {}.",
        words.collect::<Vec<_>>().join("; ")
    )
}

/// Where gaps and accuracies lie, both in per cent.
struct Plot {
    gaps: Axis,
    accuracies: Axis,
}

impl Plot {
    fn new(points: &[FrontierPoint]) -> Plot {
        let ends = |of: fn(&FrontierPoint) -> (f64, Interval)| {
            let spread = points.iter().flat_map(move |point| {
                let (value, interval) = of(point);
                [value, interval.low, interval.high]
            });
            let (low, high) = spread.fold((1.0_f64, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
            (100.0 * low.clamp(0.0, 0.99), 100.0 * high.clamp(0.01, 1.0))
        };
        let gaps = ends(|point| (point.gap, point.gap_interval));
        let accuracies = ends(|point| (point.accuracy, point.accuracy_interval));
        let axis = |(low, high): (f64, f64)| Axis::round(low.min(high - 1.0), high, 5);
        Plot { gaps: axis((0.0, gaps.1)), accuracies: axis(accuracies) }
    }

    fn x(&self, gap: f64) -> f64 {
        LEFT + self.gaps.position(100.0 * gap).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, accuracy: f64) -> f64 {
        HEIGHT - BOTTOM - self.accuracies.position(100.0 * accuracy).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn grid(&self) -> Markup {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        html! {
            text class="unit" x="0" y="12" { "accuracy on validation, per cent, with 95% intervals" }
            @for &tick in &self.accuracies.ticks {
                @let y = px(self.y(tick / 100.0));
                line class="grid" x1=(LEFT) x2=(right) y1=(y) y2=(y) {}
                text class="unit" x=(LEFT - 7.0) y=(px(self.y(tick / 100.0) + 4.0)) text-anchor="end" {
                    (format!("{tick:.*}", self.accuracies.decimals))
                }
            }
            @for &tick in &self.gaps.ticks {
                @let x = px(self.x(tick / 100.0));
                line class="axis" x1=(x) x2=(x) y1=(bottom) y2=(bottom + 4.0) {}
                text class="unit" x=(x) y=(bottom + 17.0) text-anchor="middle" {
                    (format!("{tick:.*}", self.gaps.decimals))
                }
            }
            line class="axis" x1=(LEFT) x2=(right) y1=(bottom) y2=(bottom) {}
            text class="unit" x=((LEFT + right) / 2.0) y=(HEIGHT - 6.0) text-anchor="middle" {
                "gap between groups, percentage points"
            }
        }
    }

    /// A label's place for each point: the first of those around it where it covers no point and no label before it.
    fn labels(&self, points: &[FrontierPoint]) -> Vec<Label> {
        let circles: Vec<Label> = points
            .iter()
            .map(|point| Label { x: self.x(point.gap) - 5.0, y: self.y(point.accuracy) + 5.0, width: 10.0 })
            .collect();
        let mut placed: Vec<Label> = Vec::new();
        for point in points {
            let (x, y) = (self.x(point.gap), self.y(point.accuracy));
            let width = LETTER * point.label.chars().count() as f64;
            let around = [0.0, 1.0, 2.0].into_iter().flat_map(|step| {
                let (above, below) = (y - 7.0 - step * Label::HEIGHT, y + 16.0 + step * Label::HEIGHT);
                [(x + 8.0, above), (x + 8.0, below), (x - 8.0 - width, above), (x - 8.0 - width, below)]
            });
            let mut places = around.map(|(x, y)| Label { x, y, width });
            let first = places.clone().next().expect("there are twelve places");
            let free = |place: &Label| {
                let inside = place.x > LEFT && place.x + width < WIDTH && place.y < HEIGHT - BOTTOM;
                inside && !placed.iter().chain(&circles).any(|other| place.covers(other))
            };
            placed.push(places.find(free).unwrap_or(first));
        }
        placed
    }

    fn point(&self, point: &FrontierPoint, label: &Label) -> Markup {
        let (x, y) = (px(self.x(point.gap)), px(self.y(point.accuracy)));
        let class = if point.suggested { "suggested" } else { "training" };
        html! {
            line class="spread" x1=(px(self.x(point.gap_interval.low))) x2=(px(self.x(point.gap_interval.high)))
                y1=(y) y2=(y) {}
            line class="spread" x1=(x) x2=(x) y1=(px(self.y(point.accuracy_interval.low)))
                y2=(px(self.y(point.accuracy_interval.high))) {}
            circle class=(class) cx=(x) cy=(y) r="5" {}
            text class="mark" x=(px(label.x)) y=(px(label.y)) { (point.label) }
        }
    }
}

/// Width of a letter of a label, about, in pixels.
const LETTER: f64 = 6.5;

/// Where a label stands: its left end and the line that it stands on.
#[derive(Clone, Copy)]
struct Label {
    x: f64,
    y: f64,
    width: f64,
}

impl Label {
    const HEIGHT: f64 = 12.0;

    fn covers(&self, other: &Label) -> bool {
        let apart = self.x + self.width <= other.x || other.x + other.width <= self.x;
        !apart && (self.y - other.y).abs() < Label::HEIGHT
    }
}

fn drawing(points: &[FrontierPoint]) -> Markup {
    let plot = Plot::new(points);
    let labels = plot.labels(points);
    let places =
        points.iter().map(|point| format!("{} {}", px(plot.x(point.gap)), px(plot.y(point.accuracy))));
    let path = places.collect::<Vec<_>>().join("L");
    html! {
        (plot.grid())
        @if !points.is_empty() { path class="frontier" d={ "M" (path) } {} }
        @for (point, label) in points.iter().zip(&labels) { (plot.point(point, label)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_training_is_drawn_and_told_in_words() {
        let point = |label: &str, gap: f64, accuracy: f64, suggested| FrontierPoint {
            label: label.to_owned(),
            gap,
            gap_interval: Interval { low: gap - 0.05, high: gap + 0.05 },
            accuracy,
            accuracy_interval: Interval { low: accuracy - 0.02, high: accuracy + 0.02 },
            suggested,
        };
        let svg = frontier_svg(&[point("without", 0.3, 0.95, false), point("10", 0.05, 0.94, true)]);
        assert!(svg.contains("10 (suggested): 94.0%, 5.0 points"), "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(!svg.contains("NaN") && !frontier_svg(&[]).contains("NaN"));
    }

    #[test]
    fn labels_of_close_points_do_not_cover_each_other() {
        let interval = Interval { low: 0.0, high: 0.4 };
        let point = |at: usize| FrontierPoint {
            label: format!("weight {at}"),
            gap: 0.2 + 0.001 * at as f64,
            gap_interval: interval,
            accuracy: 0.3,
            accuracy_interval: interval,
            suggested: false,
        };
        let points: Vec<FrontierPoint> = (0..6).map(point).collect();
        let labels = Plot::new(&points).labels(&points);
        for (at, label) in labels.iter().enumerate() {
            assert!(!labels[at + 1..].iter().any(|other| label.covers(other)), "{at}");
        }
    }
}
