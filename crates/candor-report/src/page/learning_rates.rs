//! A page of its own for a range test of the learning rate: the drawing, the suggestion, and how both are to be read.

use maud::html;

use super::{document, parts};
use crate::RatePoint;
use crate::chart::{LEARNING_RATES_STYLE, learning_rates};

/// What a range test of the learning rate found.
#[derive(Clone, Copy, Debug)]
pub struct RangeTest<'a> {
    /// What was trained, for the heading.
    pub title: &'a str,
    /// candor's version.
    pub version: &'a str,
    /// Its steps, with ascending learning rates.
    pub points: &'a [RatePoint],
    /// The rate to train with; none where the loss never fell.
    pub suggestion: Option<f64>,
    /// The rate that the recipe has.
    pub recipe: f64,
}

/// The test as a self-contained page.
pub fn learning_rates_html(test: &RangeTest<'_>) -> String {
    let advice = match test.suggestion {
        Some(rate) => format!(
            "The loss falls fastest at a learning rate of about {rate}. Train with it: --learning-rate {rate} (the recipe \
             has {}).",
            test.recipe
        ),
        None => {
            "The loss fell at no learning rate: are the labels right, is the network large enough?".to_owned()
        }
    };
    let body = html! {
        header {
            p class="maker" { "candor range test" }
            h1 { "Which learning rate for " (test.title) "?" }
        }
        main {
            p { strong { (parts::flags_whole(&advice)) } }
            figure class="card" { (learning_rates(test.points, test.suggestion)) }
            h2 { "How to read this" }
            p {
                "Each training step took the next batch with a slightly higher learning rate. Far to the left the steps are \
                 too small to change anything; where the line falls, the network learns; where it rises again, the steps \
                 are so large that they undo what was learned. The rate to train with lies where the line is steepest, well \
                 to the left of its lowest point. (L. N. Smith, Cyclical Learning Rates for Training Neural Networks, 2017, \
                 section 3.3.)"
            }
            p {
                "It is one short test on one seed: take the suggestion as a place to begin, and let the accuracy on \
                 validation decide between it and its neighbours."
            }
        }
    };
    document(&format!("Learning rates: {}", test.title), test.version, LEARNING_RATES_STYLE, body)
        .into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_what_to_do_also_where_nothing_was_found() {
        let points = [1e-4, 1e-3, 1e-2].map(|rate| RatePoint { rate, loss: 1.0, smoothed: 1.0 });
        let test = RangeTest {
            title: "a <b>",
            version: "0.1.0",
            points: &points,
            suggestion: Some(0.003),
            recipe: 0.001,
        };
        let page = learning_rates_html(&test);
        assert!(
            page.contains("--learning-rate</span> 0.003 (the recipe has 0.001)") && page.contains("<svg"),
            "{page}"
        );
        assert!(page.contains("a &lt;b&gt;") && !page.contains("<script"), "{page}");
        let page = learning_rates_html(&RangeTest { suggestion: None, points: &[], ..test });
        assert!(page.contains("are the labels right") && !page.contains("NaN"), "{page}");
    }
}
