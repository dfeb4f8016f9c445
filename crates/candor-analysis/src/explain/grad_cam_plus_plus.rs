//! Grad-CAM++.

use super::grad_cam::class_activation;
use super::{ExplainError, Map, Method, Subject};

pub(super) static METHOD: Method = Method {
    id: "grad-cam-plus-plus",
    title: "Grad-CAM++",
    shows: "As Grad-CAM, but every place where a feature map speaks for the class counts, so that several objects are all shown.",
    misleads: "As Grad-CAM. The weights are derived for a score that grows exponentially, which no network has exactly.",
    reference: "Chattopadhyay, Sarkar, Howlader and Balasubramanian, “Grad-CAM++: generalized gradient-based visual \
                explanations for deep convolutional networks”, WACV 2018, equations 9 to 19.",
    adds_up: false,
    explain,
};

fn explain(subject: &Subject<'_>, picture: &[f32], classes: &[usize]) -> Result<Vec<Map>, ExplainError> {
    class_activation(subject, picture, classes, |map, gradient| {
        let sum: f32 = map.iter().sum();
        let terms = gradient.iter().map(|&g| {
            let below = 2.0 * g * g + sum * g * g * g;
            if g > 0.0 && below != 0.0 { g * g / below * g } else { 0.0 }
        });
        terms.sum()
    })
}
