//! A curve of a finding, or the distribution of what chance gives with the value that was observed.

use candor_analysis::audit::Series;
use maud::{Markup, html};

use super::axis::Axis;
use super::{WIDTH, px, svg};

const HEIGHT: f64 = 184.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
/// Room for the name of the vertical axis, and below it for that of the mark: they never meet.
const TOP: f64 = 38.0;
const BOTTOM: f64 = 40.0;
/// Bars of a distribution.
const BARS: usize = 30;

/// The drawing of `series`.
pub(crate) fn finding_series(series: &Series) -> Markup {
    let horizontal = axis(series.points.iter().map(|point| point.0).chain(series.mark), 5);
    match &series.y {
        None => distribution(series, &horizontal),
        Some(name) => curve(series, &horizontal, name),
    }
}

fn axis(values: impl Iterator<Item = f64>, wanted: usize) -> Axis {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low <= high { Axis::round(low, high, wanted) } else { Axis::round(0.0, 1.0, wanted) }
}

fn x(axis: &Axis, value: f64) -> f64 {
    LEFT + axis.position(value) * (WIDTH - LEFT - RIGHT)
}

fn y(axis: &Axis, value: f64) -> f64 {
    HEIGHT - BOTTOM - axis.position(value) * (HEIGHT - TOP - BOTTOM)
}

fn distribution(series: &Series, horizontal: &Axis) -> Markup {
    let mut counts = [0usize; BARS];
    for (value, _) in &series.points {
        counts[((horizontal.position(*value) * BARS as f64) as usize).min(BARS - 1)] += 1;
    }
    let vertical = Axis::round(0.0, counts.iter().copied().max().unwrap_or(1).max(1) as f64, 3);
    let width = (WIDTH - LEFT - RIGHT) / BARS as f64;
    let observed = series.mark.map_or_else(String::new, |mark| format!("; observed {mark:.3}"));
    let alt = format!("{}: {} values{observed}", series.title, series.points.len());
    svg(
        HEIGHT,
        &alt,
        html! {
            (frame(horizontal, &vertical, &series.x, "trainings"))
            @for (bar, &count) in counts.iter().enumerate().filter(|&(_, &count)| count > 0) {
                @let top = y(&vertical, count as f64);
                rect class="bar predicted" x=(px(LEFT + width * bar as f64 + 0.5)) y=(px(top))
                    width=(px(width - 1.0)) height=(px(HEIGHT - BOTTOM - top)) {}
            }
            @if let Some(mark) = series.mark { (marked(x(horizontal, mark))) }
        },
    )
}

fn marked(x: f64) -> Markup {
    let anchor = if x > WIDTH * 0.75 { "end" } else { "start" };
    html! {
        line class="observed" x1=(px(x)) x2=(px(x)) y1=(TOP - 6.0) y2=(HEIGHT - BOTTOM) {}
        text class="unit" x=(px(x)) y=(TOP - 10.0) text-anchor=(anchor) { "observed" }
    }
}

fn curve(series: &Series, horizontal: &Axis, name: &str) -> Markup {
    let vertical = axis(series.points.iter().map(|point| point.1), 4);
    let place = |&(a, b): &(f64, f64)| (px(x(horizontal, a)), px(y(&vertical, b)));
    let places: Vec<(f64, f64)> = series.points.iter().map(place).collect();
    let line: Vec<String> = places.iter().map(|(x, y)| format!("{x},{y}")).collect();
    svg(
        HEIGHT,
        &format!("{}: {} points", series.title, series.points.len()),
        html! {
            (frame(horizontal, &vertical, &series.x, name))
            polyline class="curve validation" fill="none" points=(line.join(" ")) {}
            @for ((x, y), point) in places.iter().zip(&series.points) {
                circle class="dot validation" cx=(x) cy=(y) r="3" { title { (format!("{:.3}: {:.3}", point.0, point.1)) } }
            }
            @if let Some(mark) = series.mark { (marked(x(horizontal, mark))) }
        },
    )
}

fn frame(horizontal: &Axis, vertical: &Axis, below: &str, beside: &str) -> Markup {
    html! {
        @for &tick in &vertical.ticks {
            @let y = px(y(vertical, tick));
            line class="grid" x1=(LEFT) x2=(WIDTH - RIGHT) y1=(y) y2=(y) {}
            text class="tick" x=(LEFT - 6.0) y=(y + 4.0) text-anchor="end" { (format!("{tick:.*}", vertical.decimals)) }
        }
        @for &tick in &horizontal.ticks {
            text class="tick" x=(px(x(horizontal, tick))) y=(HEIGHT - BOTTOM + 15.0) text-anchor="middle" {
                (format!("{tick:.*}", horizontal.decimals))
            }
        }
        text class="unit" x=(LEFT) y="10" { (beside) }
        text class="unit" x=(WIDTH - RIGHT) y=(HEIGHT - 8.0) text-anchor="end" { (below) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_and_curves_are_drawn_with_words() {
        let chance = Series::distribution("Chance", "accuracy", &[0.45, 0.5, 0.5, 0.55], 0.8);
        let text = finding_series(&chance).into_string();
        assert!(
            text.contains("Chance: 4 values; observed 0.800") && text.contains("observed</text>"),
            "{text}"
        );
        let points = vec![(1.0, 0.9), (2.0, 0.7)];
        let curve = Series { y: Some("accuracy".into()), points, mark: None, ..chance };
        assert_eq!(finding_series(&curve).into_string().matches("<circle").count(), 2);
        let empty = Series { points: Vec::new(), ..curve };
        assert!(finding_series(&empty).into_string().contains("0 points"));
    }
}
