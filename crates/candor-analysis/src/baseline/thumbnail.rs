//! Logistic regression on 8×8 pixels: what can be told from across the street.

use super::{Baseline, View, logistic_regression};

pub(super) static BASELINE: Baseline = Baseline {
    id: "thumbnail",
    title: "the thumbnail model",
    view: View::Thumbnail,
    summary: "Logistic regression on the picture reduced to 8×8 pixels: light and colour, no details.",
    learn: logistic_regression::learn,
};
