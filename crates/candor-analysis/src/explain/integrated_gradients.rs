//! Integrated gradients.

use super::path::integrate;
use super::{ExplainError, Map, Method, Subject};

pub(super) static METHOD: Method = Method {
    id: "integrated-gradients",
    title: "Integrated gradients",
    shows: "How the score grows, pixel by pixel, while the mean of the background turns into the picture along a straight \
            line. There are as many steps as the parts need to add up to the whole.",
    misleads: "On the way there are mixtures of pictures that the network never saw. A pixel that has the background's value \
               gets nothing.",
    reference: "Sundararajan, Taly and Yan, “Axiomatic attribution for deep networks”, ICML 2017.",
    adds_up: true,
    explain,
};

fn explain(subject: &Subject<'_>, picture: &[f32], classes: &[usize]) -> Result<Vec<Map>, ExplainError> {
    classes.iter().map(|&class| integrate(subject, picture, subject.mean(), class)).collect()
}
