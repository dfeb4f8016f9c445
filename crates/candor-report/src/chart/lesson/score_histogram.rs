//! How many entities have which value, beside the normal curve that a Z-score takes for granted.

use candor_analysis::lesson::scores::{Scored, Scores, Standing};
use candor_analysis::lesson::written;
use maud::{Markup, html};

use super::super::svg;
use super::{BOTTOM, HEIGHT, Plane, Side, TOP};

/// Points of the curve.
const POINTS: usize = 80;
/// Entities that are named, at most.
const NAMED: usize = 3;

/// `unit` is what was measured. `id` is unique on the page.
pub(crate) fn score_histogram(scores: &Scores, unit: &str, id: &str) -> Markup {
    let bins = &scores.histogram;
    let (low, high) = (bins[0].low, bins[bins.len() - 1].high);
    let tallest = bins.iter().map(|bin| bin.count as f64).fold(scores.expected(scores.mean), f64::max);
    let plane = Plane {
        across: Side::straight(low, high, unit),
        // With room for names.
        up: Side::straight(0.0, 1.25 * tallest, "entities"),
    };
    let room = 0.15 * (high - low);
    let at = |point: usize| low - room + (high - low + 2.0 * room) * point as f64 / POINTS as f64;
    let curve = plane.path((0..=POINTS).map(|point| (at(point), scores.expected(at(point)))));
    let named = scores.entities.iter().filter(|entity| entity.standing == Standing::OutOfLine).take(NAMED);
    svg(
        HEIGHT,
        &alt(scores, unit),
        html! {
            (plane.frame())
            @for bin in bins {
                rect class="bar counted" x=(plane.x(bin.low)) width=((plane.x(bin.high) - plane.x(bin.low) - 1.0).max(1.0))
                    y=(plane.y(bin.count as f64)) height=(HEIGHT - BOTTOM - plane.y(bin.count as f64)) {
                    title { (bin.count) " from " (written(bin.low)) " to " (written(bin.high)) }
                }
            }
            (plane.within(id, html! { path class="normal" d=(curve) { title { "the normal curve with this mean and standard deviation" } } }))
            @for entity in &scores.entities { (rug(&plane, entity)) }
            @for (number, entity) in named.enumerate() { (name(&plane, entity, number)) }
        },
    )
}

fn rug(plane: &Plane, entity: &Scored) -> Markup {
    let x = plane.x(entity.value);
    let class = if entity.standing == Standing::OutOfLine { "rug out" } else { "rug" };
    html! {
        line class=(class) x1=(x) x2=(x) y1=(HEIGHT - BOTTOM - 9.0) y2=(HEIGHT - BOTTOM) {
            title { (entity.name) ": " (written(entity.value)) ", Z " (format!("{:+.2}", entity.z)) }
        }
    }
}

fn name(plane: &Plane, entity: &Scored, number: usize) -> Markup {
    let (x, y) = (plane.x(entity.value), TOP + 4.0 + 15.0 * number as f64);
    let (anchor, aside) = if x > super::super::WIDTH / 2.0 { ("end", -5.0) } else { ("start", 5.0) };
    html! {
        line class="rug out" x1=(x) x2=(x) y1=(y - 9.0) y2=(HEIGHT - BOTTOM) {}
        text class="mark" x=(x + aside) y=(y) text-anchor=(anchor) { (crate::text::shorten(&entity.name, 24)) }
    }
}

fn alt(scores: &Scores, unit: &str) -> String {
    let bins: Vec<String> = scores
        .histogram
        .iter()
        .map(|bin| format!("{} from {} to {}", bin.count, written(bin.low), written(bin.high)))
        .collect();
    format!(
        "How many of {} entities have which {unit}: {}; beside the normal curve with mean {} and standard deviation {}.",
        scores.entities.len(),
        bins.join(", "),
        written(scores.mean),
        written(scores.standard_deviation)
    )
}
