//! Points, the line that was learned, and the line of least squares.

use candor_analysis::lesson::regression::{Fit, Outcome, Regression};
use candor_analysis::lesson::written;
use maud::{Markup, html};

use super::super::svg;
use super::{HEIGHT, Plane, Side, ends};

/// `names` are those of x and y.
pub(crate) fn fitted_line(found: &Regression, names: [&str; 2]) -> Markup {
    let prediction = found.prediction;
    let (low, high) = ends(found.x.iter().copied().chain(prediction.map(|p| p.x)));
    let across = [low - 0.05 * (high - low), high + 0.05 * (high - low)];
    let best = found.least_squares;
    let foretold = prediction.map(|p| p.by_descent.unwrap_or(p.by_least_squares));
    let (bottom, top) =
        ends(found.y.iter().copied().chain(across.map(|x| best.w * x + best.b)).chain(foretold));
    let plane =
        Plane { across: Side::straight(low, high, names[0]), up: Side::straight(bottom, top, names[1]) };
    let line = |fit: &Fit| plane.path(across.into_iter().map(|x| (x, fit.w * x + fit.b)));
    let is_learned = found.outcome != Outcome::Diverges;
    svg(
        HEIGHT,
        &alt(found, names),
        html! {
            (plane.frame())
            (plane.within("fitted", html! {
                path class="first-line" d=(line(&found.start().fit)) { title { "the line at the start" } }
                @if is_learned { path class="learned" d=(line(&found.end().fit)) { title { "what was learned" } } }
                // On top: where both are the same, its dashes are still seen.
                path class="least" d=(line(&best)) { title { "least squares" } }
            }))
            @for (&x, &y) in found.x.iter().zip(&found.y) {
                circle class="point" cx=(plane.x(x)) cy=(plane.y(y)) r="4" { title { (x) ": " (y) } }
            }
            @if let (Some(p), Some(y)) = (prediction, foretold) {
                circle class="foretold" cx=(plane.x(p.x)) cy=(plane.y(y)) r="5.5" {
                    title { "f(" (p.x) ") = " (written(y)) }
                }
            }
        },
    )
}

fn alt(found: &Regression, names: [&str; 2]) -> String {
    let best = found.least_squares;
    let points = found.x.len();
    let line = match found.outcome {
        Outcome::Diverges => "nothing was learned, the rate diverges".to_owned(),
        _ => format!("the learned line has the slope {}", written(found.end().fit.w)),
    };
    format!(
        "{} against {} of {points} points; {line}; least squares has {}.",
        names[1],
        names[0],
        written(best.w)
    )
}
