//! The page of the lesson on gradient descent.

use candor_analysis::lesson::regression::{Outcome, Regression, Step, TriedRate, typed, written_pair};
use candor_analysis::lesson::written;
use maud::html;

use super::{LessonPage, card, table};
use crate::chart::lesson::{fitted_line, loss_curve, loss_surface};
use crate::page::parts;

/// A line and how it was learned.
#[derive(Clone, Copy, Debug)]
pub struct RegressionLesson<'a> {
    /// What every page needs.
    pub page: LessonPage<'a>,
    /// What is counted across and up.
    pub names: [&'a str; 2],
    /// The lesson.
    pub found: &'a Regression,
}

/// Steps in the table, about.
const ROWS: usize = 24;

/// The lesson as a self-contained page.
pub fn regression_html(lesson: &RegressionLesson<'_>) -> String {
    let RegressionLesson { page, names, found } = *lesson;
    let steps: Vec<Vec<String>> = shown(&found.path).into_iter().map(row).collect();
    let rates: Vec<Vec<String>> = found.other_rates.iter().map(rate_row).collect();
    page.render(html! {
        (parts::section("drawings", "Step by step", html! {
            div class="plots" {
                (card(loss_surface(found), "Each point is a line, with its slope across and its height up. Along a curve all lines have the \
                      same loss. The descent goes down from the ring to the point at the bottom."))
                (card(loss_curve(found), "The loss after each step. Both scales are logarithmic; the dashed line is the smallest loss \
                      there is."))
                (card(fitted_line(found, names), "The points, the line at the start (dotted), the line that was learned (solid) and the \
                      line of least squares (dashed). The ring is the prediction, where one was asked for."))
            }
        }))
        (parts::section("steps", "The steps in figures", html! {
            p { "Each step takes w − rate · (2/n) · Σ(f(x) − y)·x and b − rate · (2/n) · Σ(f(x) − y)." }
            (table("Steps of the descent", &["step", "w", "b", "loss"], &steps))
        }))
        (parts::section("rates", "Other learning rates", html! {
            p { "The same points from the same start, until it arrives or flies off." }
            (table("Other learning rates", &["rate", "what happens", "steps", "loss in the end"], &rates))
        }))
    })
}

/// The first steps and then ever fewer, the last one in any case.
fn shown(path: &[Step]) -> Vec<&Step> {
    let step = path.len().saturating_sub(9).div_ceil(ROWS - 8).max(1);
    let is_shown = |at: usize| at < 8 || (at - 8).is_multiple_of(step) || at + 1 == path.len();
    path.iter().enumerate().filter(|(at, _)| is_shown(*at)).map(|(_, step)| step).collect()
}

fn row(step: &Step) -> Vec<String> {
    let [w, b] = written_pair(&step.fit);
    vec![step.step.to_string(), w, b, written(step.fit.loss)]
}

fn rate_row(tried: &TriedRate) -> Vec<String> {
    let what = match tried.outcome {
        Outcome::Arrived => "arrives",
        Outcome::OnTheWay => "still on its way",
        Outcome::Diverges => "diverges",
    };
    vec![typed(tried.rate), what.to_owned(), tried.steps.to_string(), written(tried.end.loss)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_first_steps_and_the_last() {
        let found = candor_analysis::lesson::regression::learn(
            &[5.0, 10.0, 15.0, 25.0],
            &[5.0, 4.3, 3.7, 2.9],
            &Default::default(),
        )
        .unwrap();
        let steps: Vec<usize> = shown(&found.path).iter().map(|step| step.step).collect();
        assert_eq!(steps[..8], [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(steps.last(), Some(&found.end().step));
        assert!(steps.len() <= ROWS + 2 && steps.is_sorted(), "{steps:?}");
    }
}
