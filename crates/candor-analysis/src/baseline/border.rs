//! Logistic regression on the border: what can be told without the thing that the picture shows.

use super::{Baseline, View, logistic_regression};

pub(super) static BASELINE: Baseline = Baseline {
    id: "border",
    title: "the border model",
    view: View::Border,
    summary: "Logistic regression on the outermost eighth of each side: background, frame and watermark, hardly ever \
              what the class is about.",
    learn: logistic_regression::learn,
};
