//! The loss after each step of a descent, both on logarithmic scales.

use candor_analysis::lesson::regression::Regression;
use candor_analysis::lesson::written;
use maud::{Markup, html};

use super::super::svg;
use super::{HEIGHT, Plane, Side, ends};

/// Losses below this share of the first one are drawn as this: a perfect line has a loss of 0.
const LEAST: f64 = 1e-12;

/// The curve, with the smallest loss there is as a dashed line.
pub(crate) fn loss_curve(found: &Regression) -> Markup {
    let first = found.start().fit.loss.max(f64::MIN_POSITIVE / LEAST);
    let shown = |loss: f64| loss.max(LEAST * first);
    let smallest = shown(found.least_squares.loss);
    let (low, high) = ends(found.path.iter().map(|step| shown(step.fit.loss)).chain([smallest, first]));
    let plane = Plane {
        across: Side::powers(1.0, found.end().step as f64 + 1.0, "step, counted from 1 at the start"),
        up: Side::powers(low.max(LEAST * first), high, "loss"),
    };
    let points = || found.path.iter().map(|step| (step.step as f64 + 1.0, shown(step.fit.loss)));
    let across = [1.0, 10_f64.powi(9)];
    svg(
        HEIGHT,
        &alt(found),
        html! {
            (plane.frame())
            (plane.within("losses", html! {
                path class="least" d=(plane.path(across.into_iter().map(|step| (step, smallest)))) {
                    title { "the smallest loss there is: " (written(found.least_squares.loss)) }
                }
                path class="learned" d=(plane.path(points())) {}
            }))
            @for step in found.path.iter().take(30) {
                circle class="step" cx=(plane.x(step.step as f64 + 1.0)) cy=(plane.y(shown(step.fit.loss))) r="2.4" {
                    title { "after " (step.step) " steps: " (written(step.fit.loss)) }
                }
            }
        },
    )
}

fn alt(found: &Regression) -> String {
    format!(
        "The loss goes from {} to {} in {} steps; the smallest there is is {}.",
        written(found.start().fit.loss),
        written(found.end().fit.loss),
        found.end().step,
        written(found.least_squares.loss)
    )
}
