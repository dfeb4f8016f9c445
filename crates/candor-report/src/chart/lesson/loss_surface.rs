//! The loss over all lines: its level curves over w and b, and the way that the descent took.
//!
//! The loss is a quadratic function, so that its level curves are ellipses around the smallest one and can be drawn exactly.

use std::f64::consts::PI;

use candor_analysis::lesson::regression::{Outcome, Regression};
use candor_analysis::lesson::written;
use maud::{Markup, html};

use super::super::svg;
use super::{HEIGHT, Plane, Side, ends};

/// Level curves, as shares of the first loss above the smallest.
const LEVELS: [f64; 7] = [4.0, 2.0, 1.0, 0.4, 0.15, 0.05, 0.01];
/// Corners of a level curve.
const CORNERS: usize = 90;
/// Points of a descent that flies off: the first step leads out of sight.
const FLYING: usize = 2;

/// The surface with its path.
pub(crate) fn loss_surface(found: &Regression) -> Markup {
    let (start, best) = (found.start().fit, found.least_squares);
    let flies = found.outcome == Outcome::Diverges;
    let near: Vec<(f64, f64)> = match flies {
        true => vec![(start.w, start.b), (best.w, best.b)],
        false => found.path.iter().map(|step| (step.fit.w, step.fit.b)).chain([(best.w, best.b)]).collect(),
    };
    let across = wide(ends(near.iter().map(|(w, _)| *w)));
    let up = wide(ends(near.iter().map(|(_, b)| *b)));
    let plane = Plane {
        across: Side::straight(across.0, across.1, "w, the slope"),
        up: Side::straight(up.0, up.1, "b, the height at 0"),
    };
    let taken = if flies { FLYING } else { found.path.len() };
    let path = plane.path(found.path.iter().take(taken).map(|step| (step.fit.w, step.fit.b)));
    // The word stands where the path does not.
    let (anchor, aside) = if plane.x(start.w) > plane.x(best.w) { ("end", -9.0) } else { ("start", 9.0) };
    svg(
        HEIGHT,
        &alt(found),
        html! {
            (plane.frame())
            (plane.within("surface", html! {
                @for share in LEVELS {
                    @let loss = best.loss + share * (start.loss - best.loss);
                    path class="level" d={ (plane.path(level(found, loss).into_iter())) "Z" } {
                        title { "loss " (written(loss)) }
                    }
                }
                path class="way" d=(path) {}
                @for step in found.path.iter().take(taken.min(30)) {
                    circle class="step" cx=(plane.x(step.fit.w)) cy=(plane.y(step.fit.b)) r="2.2" {
                        title { "step " (step.step) ": w " (written(step.fit.w)) ", b " (written(step.fit.b)) ", loss " (written(step.fit.loss)) }
                    }
                }
            }))
            circle class="start" cx=(plane.x(start.w)) cy=(plane.y(start.b)) r="5" { title { "start" } }
            text class="mark" x=(plane.x(start.w) + aside) y=(plane.y(start.b) - 9.0) text-anchor=(anchor) {
                "start: " (written(start.loss))
            }
            circle class="bottom" cx=(plane.x(best.w)) cy=(plane.y(best.b)) r="5" { title { "smallest loss" } }
            text class="mark" x=(plane.x(best.w) - aside) y=(plane.y(best.b) - 9.0)
                text-anchor=(if anchor == "end" { "start" } else { "end" }) {
                "smallest: " (written(best.loss))
            }
        },
    )
}

/// With room on both sides.
fn wide((low, high): (f64, f64)) -> (f64, f64) {
    let room = 0.22 * (high - low);
    (low - room, high + room)
}

/// The ellipse of all lines with one loss: δ of half the Hessian's form δᵀ·[m, k; k, 1]·δ = what the loss is above the smallest,
/// by the matrix's Cholesky factor.
fn level(found: &Regression, loss: f64) -> Vec<(f64, f64)> {
    let best = found.least_squares;
    let count = found.x.len() as f64;
    let squares = found.x.iter().map(|x| x * x).sum::<f64>() / count;
    let middle = found.x.iter().sum::<f64>() / count;
    let variance = found.x.iter().map(|x| (x - middle).powi(2)).sum::<f64>() / count;
    let radius = (loss - best.loss).max(0.0).sqrt();
    let corner = |at: usize| {
        let angle = 2.0 * PI * at as f64 / CORNERS as f64;
        // Across and along the valley: w·root of squares + b·middle/root, and the rest of b.
        let root = squares.sqrt();
        let db = radius * angle.sin() / (variance / squares).sqrt();
        let dw = (radius * angle.cos() - db * middle / root) / root;
        (best.w + dw, best.b + db)
    };
    (0..CORNERS).map(corner).collect()
}

fn alt(found: &Regression) -> String {
    let (start, best) = (found.start().fit, found.least_squares);
    let way = match found.outcome {
        Outcome::Diverges => "the descent leaves the picture, because its steps are too large",
        Outcome::Arrived => "the descent ends there",
        Outcome::OnTheWay => "the descent is on its way there",
    };
    format!(
        "The loss over w and b is a long narrow valley. From w {}, b {} with the loss {} to the bottom at w {}, b {}: {way}.",
        written(start.w),
        written(start.b),
        written(start.loss),
        written(best.w),
        written(best.b)
    )
}

#[cfg(test)]
mod tests {
    use candor_analysis::lesson::regression::{Settings, learn};

    use super::*;

    #[test]
    fn every_corner_of_a_level_curve_has_its_loss() {
        let found = learn(&[5.0, 10.0, 15.0, 25.0], &[5.0, 4.3, 3.7, 2.9], &Settings::default()).unwrap();
        for loss in [0.1, 3.0, 25.0] {
            for (w, b) in level(&found, loss) {
                assert!((found.loss(w, b) - loss).abs() < 1e-9 * loss.max(1.0), "{w}, {b}");
            }
        }
    }

    #[test]
    fn a_descent_that_flies_off_is_drawn_without_a_number_that_is_none() {
        let settings = Settings { rate: Some(0.1), ..Settings::default() };
        let found = learn(&[5.0, 10.0, 15.0, 25.0], &[5.0, 4.3, 3.7, 2.9], &settings).unwrap();
        let text = loss_surface(&found).into_string();
        assert!(
            !text.contains("NaN") && !text.contains("inf") && text.contains("leaves the picture"),
            "{text}"
        );
        let largest = text
            .split(['"', ' ', 'L', 'M', 'Z'])
            .filter_map(|word| word.parse::<f64>().ok())
            .fold(0.0, f64::max);
        assert!(largest < 2000.0, "{largest}");
    }
}
