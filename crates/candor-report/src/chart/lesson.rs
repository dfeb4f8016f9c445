//! Drawings of the lessons: a plane with two axes, and what each lesson draws in it.

mod fitted_line;
mod loss_curve;
mod loss_surface;
mod score_histogram;

use maud::{Markup, html};

pub(crate) use fitted_line::fitted_line;
pub(crate) use loss_curve::loss_curve;
pub(crate) use loss_surface::loss_surface;
pub(crate) use score_histogram::score_histogram;

use super::axis::{Axis, power_of_ten};
use super::{WIDTH, px};

const HEIGHT: f64 = 300.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 44.0;

/// How an axis counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    /// Values as they are.
    Straight,
    /// The axis holds powers of ten.
    Powers,
}

/// One axis with the words beside it.
struct Side {
    axis: Axis,
    counts: Counts,
    unit: String,
}

/// A plane with an axis across and one up.
struct Plane {
    across: Side,
    up: Side,
}

impl Side {
    fn straight(low: f64, high: f64, unit: impl Into<String>) -> Side {
        Side { axis: Axis::round(low, high, 5), counts: Counts::Straight, unit: unit.into() }
    }

    /// `low` and `high` are above 0.
    fn powers(low: f64, high: f64, unit: impl Into<String>) -> Side {
        let (low, high) = (low.log10().floor(), high.log10().ceil());
        let axis = Axis::round(low, high.max(low + 1.0), 5);
        Side { axis, counts: Counts::Powers, unit: unit.into() }
    }

    /// Where a value lies, in 0..=1; what lies beyond is put a little outside, to be cut off.
    fn position(&self, value: f64) -> f64 {
        let value = if self.counts == Counts::Powers { value.log10() } else { value };
        self.axis.position(value).clamp(-2.0, 3.0)
    }

    /// Places and words of what is written beside it.
    fn ticks(&self) -> Vec<(f64, String)> {
        let ticks = self.axis.ticks.iter();
        let shown =
            ticks.filter(|tick| self.counts == Counts::Straight || (**tick - tick.round()).abs() < 1e-9);
        let word = |tick: f64| match self.counts {
            Counts::Straight => format!("{tick:.*}", self.axis.decimals),
            Counts::Powers => power_of_ten(tick.round() as i32),
        };
        shown.map(|&tick| (self.axis.position(tick), word(tick))).collect()
    }
}

impl Plane {
    fn x(&self, value: f64) -> f64 {
        px(LEFT + self.across.position(value) * (WIDTH - LEFT - RIGHT))
    }

    fn y(&self, value: f64) -> f64 {
        px(HEIGHT - BOTTOM - self.up.position(value) * (HEIGHT - TOP - BOTTOM))
    }

    /// Grid, ticks and units.
    fn frame(&self) -> Markup {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        html! {
            text class="unit" x="0" y="12" { (self.up.unit) }
            @for (place, word) in self.up.ticks() {
                @let y = px(bottom - place * (bottom - TOP));
                line class="grid" x1=(LEFT) x2=(right) y1=(y) y2=(y) {}
                text class="tick" x=(LEFT - 7.0) y=(px(y + 4.0)) text-anchor="end" { (word) }
            }
            @for (place, word) in self.across.ticks() {
                @let x = px(LEFT + place * (right - LEFT));
                line class="axis" x1=(x) x2=(x) y1=(bottom) y2=(bottom + 4.0) {}
                text class="tick" x=(x) y=(bottom + 17.0) text-anchor="middle" { (word) }
            }
            line class="axis" x1=(LEFT) x2=(right) y1=(bottom) y2=(bottom) {}
            text class="unit" x=(px((LEFT + right) / 2.0)) y=(HEIGHT - 6.0) text-anchor="middle" { (self.across.unit) }
        }
    }

    /// `content` without what lies outside of the axes. `id` is unique on the page.
    fn within(&self, id: &str, content: Markup) -> Markup {
        html! {
            clipPath id=(id) { rect x=(LEFT) y=(TOP) width=(WIDTH - LEFT - RIGHT) height=(HEIGHT - TOP - BOTTOM) {} }
            g clip-path={ "url(#" (id) ")" } { (content) }
        }
    }

    /// A line through points.
    fn path(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        let places: Vec<String> = points.map(|(x, y)| format!("{} {}", self.x(x), self.y(y))).collect();
        if places.is_empty() { String::new() } else { format!("M{}", places.join("L")) }
    }
}

/// The smallest and the largest of some values, apart by something.
fn ends(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let bounds = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) =
        values.filter(|v| v.is_finite()).fold(bounds, |(low, high), v| (low.min(v), high.max(v)));
    match (low.is_finite(), high > low) {
        (false, _) => (0.0, 1.0),
        (true, false) => (low - 0.5 * low.abs().max(1.0), low + 0.5 * low.abs().max(1.0)),
        (true, true) => (low, high),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_put_values_between_their_axes_and_name_powers() {
        let plane =
            Plane { across: Side::powers(1.0, 5000.0, "steps"), up: Side::straight(0.0, 4.0, "loss") };
        assert_eq!((plane.x(1.0), plane.y(0.0)), (LEFT, HEIGHT - BOTTOM));
        assert!(plane.x(100.0) < plane.x(1000.0) && plane.y(4.0) >= TOP);
        let words: Vec<String> = plane.across.ticks().into_iter().map(|(_, word)| word).collect();
        assert_eq!(words, ["1", "10", "100", "1000", "10000"]);
        assert_eq!(ends([3.0].into_iter()), (1.5, 4.5));
        assert_eq!(ends([f64::NAN].into_iter()), (0.0, 1.0));
    }
}
