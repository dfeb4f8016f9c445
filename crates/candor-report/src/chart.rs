//! Charts as SVG, sized in pixels of a phone's width and drawn in the page's colours by CSS variables.
//!
//! Every chart carries a label that says in words what it shows; marks have tooltips with their figures.

mod accuracy_range;
mod axis;
mod class_distribution;
mod confusion_heat_map;
mod finding_series;
mod frontier;
mod history;
mod learning_rates;
pub(crate) mod lesson;
mod reliability;

use maud::{Markup, html};

pub(crate) use accuracy_range::accuracy_range;
pub(crate) use class_distribution::class_distribution;
pub(crate) use confusion_heat_map::confusion_heat_map;
pub(crate) use finding_series::finding_series;
pub use frontier::{FrontierPoint, frontier_svg};
pub(crate) use history::{Quantity, history_plot};
pub use learning_rates::{RatePoint, learning_rates_svg};
pub(crate) use learning_rates::{STYLE as LEARNING_RATES_STYLE, learning_rates};
pub(crate) use reliability::reliability;

/// Width of every chart in its own pixels: what a phone of 390 px shows without scaling text below 10 px.
const WIDTH: f64 = 420.0;

/// The frame of a chart: `alt` says what is seen to those who do not see it.
fn svg(height: f64, alt: &str, content: Markup) -> Markup {
    html! {
        svg class="chart" viewBox={ "0 0 " (WIDTH) " " (px(height)) } role="img" aria-label=(alt) { (content) }
    }
}

/// A length with one decimal at most: half the size of a page is coordinates otherwise.
fn px(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    #[test]
    fn lengths_are_written_short() {
        assert_eq!([1.0 / 3.0, 2.0, 0.06].map(|v| super::px(v).to_string()), ["0.3", "2", "0.1"]);
    }
}
