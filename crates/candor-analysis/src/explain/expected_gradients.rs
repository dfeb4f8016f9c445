//! Expected gradients.

use super::path::integrate;
use super::{ExplainError, Map, Method, Subject};

pub(super) static METHOD: Method = Method {
    id: "expected-gradients",
    title: "Expected gradients",
    shows: "Integrated gradients from each background picture in turn, averaged: no single picture has to stand for “nothing”.",
    misleads: "As integrated gradients. With a background of few pictures, their shapes appear in the map.",
    reference: "Erion, Janizek, Sturmfels, Lundberg and Lee, “Improving performance of deep learning models with axiomatic \
                attribution priors and expected gradients”, Nature Machine Intelligence 2021. The line is walked in even \
                steps instead of random ones, so that the map adds up and is the same each time.",
    adds_up: true,
    explain,
};

fn explain(subject: &Subject<'_>, picture: &[f32], classes: &[usize]) -> Result<Vec<Map>, ExplainError> {
    classes.iter().map(|&class| integrate(subject, picture, subject.background, class)).collect()
}
