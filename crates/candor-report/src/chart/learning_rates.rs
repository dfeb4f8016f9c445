//! A range test of the learning rate: the loss against the rate on a logarithmic scale, the suggested rate marked.

use maud::{Markup, PreEscaped, html};

use super::axis::{Axis, power_of_ten};
use super::{WIDTH, px, svg};
use crate::theme;

const HEIGHT: f64 = 280.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 44.0;
/// How the drawing looks, in the page's colours.
pub(crate) const STYLE: &str = include_str!("learning_rates.css");

/// One step of a range test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePoint {
    /// The learning rate of the step.
    pub rate: f64,
    /// The loss of its batch.
    pub loss: f64,
    /// The loss, smoothed over the steps so far.
    pub smoothed: f64,
}

/// The test as a standalone SVG file, readable on white. `suggestion` is a learning rate.
pub fn learning_rates_svg(points: &[RatePoint], suggestion: Option<f64>) -> String {
    let file = html! {
        (PreEscaped("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"))
        svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(HEIGHT)
            viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(alt(points, suggestion)) {
            title { "Learning rate range test" }
            style { (PreEscaped(theme::LIGHT.resolve(STYLE))) }
            rect width="100%" height="100%" fill="#ffffff" {}
            (drawing(points, suggestion))
        }
    };
    file.into_string()
}

/// The same for a page that brings [`STYLE`].
pub(crate) fn learning_rates(points: &[RatePoint], suggestion: Option<f64>) -> Markup {
    svg(HEIGHT, &alt(points, suggestion), drawing(points, suggestion))
}

fn drawing(points: &[RatePoint], suggestion: Option<f64>) -> Markup {
    let plot = Plot::new(points);
    html! {
        (plot.grid())
        path class="each" d=(plot.path(points, |point| point.loss)) {}
        path class="smoothed" d=(plot.path(points, |point| point.smoothed)) {}
        @if let Some(rate) = suggestion { (plot.suggestion(rate)) }
    }
}

fn alt(points: &[RatePoint], suggestion: Option<f64>) -> String {
    let first = points.first().map_or(0.0, |point| point.rate);
    let last = points.last().map_or(0.0, |point| point.rate);
    let found = suggestion.map_or("no suggestion".to_owned(), |rate| format!("suggested: {rate}"));
    format!("The loss while the learning rate rises from {first:.1e} to {last:.1e}; {found}.")
}

/// Where rates and losses lie.
struct Plot {
    losses: Axis,
    /// Powers of ten.
    low: f64,
    high: f64,
}

impl Plot {
    fn new(points: &[RatePoint]) -> Plot {
        let finite = |value: &f64| value.is_finite();
        let smoothed = || points.iter().map(|point| point.smoothed).filter(finite);
        let (lowest, first) = (smoothed().fold(f64::INFINITY, f64::min), smoothed().next().unwrap_or(1.0));
        // What comes after the loss has grown is of no interest, and would press the rest together.
        let top = smoothed().fold(first, f64::max).min(first + (first - lowest.min(first)).max(0.2 * first));
        let rates = || points.iter().map(|point| point.rate.log10());
        let (low, high) = (rates().next().unwrap_or(-5.0), rates().next_back().unwrap_or(0.0));
        Plot { losses: Axis::round(lowest.min(first).min(0.9 * top), top, 4), low, high: high.max(low + 1.0) }
    }

    fn x(&self, rate: f64) -> f64 {
        LEFT + (rate.log10() - self.low) / (self.high - self.low) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, loss: f64) -> f64 {
        HEIGHT - BOTTOM - self.losses.position(loss).clamp(0.0, 1.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn grid(&self) -> Markup {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        html! {
            text class="unit" x="0" y="12" { "loss of a step (thin) and smoothed (thick)" }
            @for &loss in &self.losses.ticks {
                line class="grid" x1=(LEFT) x2=(right) y1=(px(self.y(loss))) y2=(px(self.y(loss))) {}
                text class="unit" x=(LEFT - 7.0) y=(px(self.y(loss) + 4.0)) text-anchor="end" {
                    (format!("{loss:.*}", self.losses.decimals))
                }
            }
            @for power in self.low.ceil() as i32..=self.high.floor() as i32 {
                @let x = px(self.x(10f64.powi(power)));
                line class="axis" x1=(x) x2=(x) y1=(bottom) y2=(bottom + 4.0) {}
                text class="unit" x=(x) y=(bottom + 17.0) text-anchor="middle" { (power_of_ten(power)) }
            }
            line class="axis" x1=(LEFT) x2=(right) y1=(bottom) y2=(bottom) {}
            text class="unit" x=((LEFT + right) / 2.0) y=(HEIGHT - 6.0) text-anchor="middle" {
                "learning rate"
            }
        }
    }

    /// Points that lie above the drawing end the line.
    fn path(&self, points: &[RatePoint], value: impl Fn(&RatePoint) -> f64) -> String {
        let shown = points.iter().filter(|point| value(point).is_finite());
        let places = shown.map(|point| format!("{} {}", px(self.x(point.rate)), px(self.y(value(point)))));
        let places: Vec<String> = places.collect();
        if places.is_empty() { String::new() } else { format!("M{}", places.join("L")) }
    }

    fn suggestion(&self, rate: f64) -> Markup {
        let x = px(self.x(rate));
        let anchor = if x > WIDTH / 2.0 { "end" } else { "start" };
        html! {
            line class="suggestion" x1=(x) x2=(x) y1=(TOP - 6.0) y2=(HEIGHT - BOTTOM) {
                title { "suggested: " (rate) }
            }
            text class="mark" x=(x) y=(TOP - 11.0) text-anchor=(anchor) { "suggested: " (rate) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawing_says_in_words_what_it_shows_and_has_no_number_that_is_none() {
        let points: Vec<RatePoint> = (0..60)
            .map(|step| {
                let rate = 1e-6 * 10f64.powf(f64::from(step) / 10.0);
                let loss = if step > 55 { f64::NAN } else { 2.0 - f64::from(step) * 0.02 };
                RatePoint { rate, loss, smoothed: loss }
            })
            .collect();
        let svg = learning_rates_svg(&points, Some(0.002));
        assert!(svg.contains("suggested: 0.002") && svg.contains("rises from 1.0e-6"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(!learning_rates_svg(&[], None).contains("NaN"));
    }
}
