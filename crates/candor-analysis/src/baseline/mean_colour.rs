//! Logistic regression on the mean colour: what can be told with closed eyelids.

use super::{Baseline, View, logistic_regression};

pub(super) static BASELINE: Baseline = Baseline {
    id: "mean-colour",
    title: "the mean-colour model",
    view: View::MeanColour,
    summary: "Logistic regression on the mean of each colour of the whole picture: no shape at all.",
    learn: logistic_regression::learn,
};
