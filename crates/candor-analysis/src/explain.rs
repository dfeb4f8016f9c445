//! Explanations: where in a picture is the evidence for a class?
//!
//! A [`Method`] makes a [`Map`] of a picture for each class: one number a pixel, positive where it speaks for the class. Each
//! method is one file; [`METHODS`] lists them for the command line and the report. No map is shown that has not passed the
//! [`gate`]: it must add up where it claims to, change when the weights do, and name pixels whose loss changes the answer.

pub mod ace;
mod background;
mod deep_shap;
mod error;
mod expected_gradients;
pub mod gate;
mod grad_cam;
mod grad_cam_plus_plus;
mod integrated_gradients;
mod kernel_shap;
mod lime;
mod linear;
mod map;
mod occlusion;
mod path;
mod smooth_grad;
mod subject;
mod superpixels;
#[cfg(test)]
mod tests;
pub mod view;

use std::fmt;

pub use background::choose_background;
pub use error::ExplainError;
pub use map::Map;
pub use subject::Subject;
pub use superpixels::{Superpixels, slic};

/// Every method, in the order of the report: first those that add up.
pub static METHODS: [&Method; 9] = [
    &deep_shap::METHOD,
    &expected_gradients::METHOD,
    &integrated_gradients::METHOD,
    &kernel_shap::METHOD,
    &grad_cam::METHOD,
    &grad_cam_plus_plus::METHOD,
    &smooth_grad::METHOD,
    &occlusion::METHOD,
    &lime::METHOD,
];

/// One way to say where the evidence is.
pub struct Method {
    /// Its name on the command line and in files.
    pub id: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What it shows, in plain words.
    pub shows: &'static str,
    /// When it misleads.
    pub misleads: &'static str,
    /// After whom.
    pub reference: &'static str,
    /// Whether a map's values claim to add up to the score minus that of the background.
    pub adds_up: bool,
    explain: Explain,
}

/// From a picture and classes to a map for each.
type Explain = fn(&Subject<'_>, &[f32], &[usize]) -> Result<Vec<Map>, ExplainError>;

impl Method {
    /// The method with this id.
    pub fn find(id: &str) -> Option<&'static Method> {
        METHODS.into_iter().find(|method| method.id == id)
    }

    /// One map for each of `classes` of a picture, given as the classifier's input. Whatever is random depends on the
    /// subject's seed and on the picture alone.
    ///
    /// # Errors
    /// When the person asked to stop, the classifier gives up, or it has nothing that the method could look at.
    pub fn explain(
        &self,
        subject: &Subject<'_>,
        picture: &[f32],
        classes: &[usize],
    ) -> Result<Vec<Map>, ExplainError> {
        (self.explain)(subject, picture, classes)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Method").field("id", &self.id).finish_non_exhaustive()
    }
}
