//! SmoothGrad.

use super::{ExplainError, Map, Method, Subject};

pub(super) static METHOD: Method = Method {
    id: "smooth-grad",
    title: "SmoothGrad",
    shows: "How fast the score would change with each pixel, averaged over copies of the picture with noise.",
    misleads: "It shows what the score is sensitive to, not what it is made of: a pixel that is already decisive may have no \
               slope at all.",
    reference: "Smilkov, Thorat, Kim, Viégas and Wattenberg, “SmoothGrad: removing noise by adding noise”, 2017.",
    adds_up: false,
    explain,
};

/// Noisy copies; and the noise, as a share of the range of the pixels.
const COPIES: usize = 50;
const NOISE: f64 = 0.15;

fn explain(subject: &Subject<'_>, picture: &[f32], classes: &[usize]) -> Result<Vec<Map>, ExplainError> {
    let mut rng = subject.seed_of(METHOD.id, picture).rng();
    // The sum of twelve even numbers is near enough to a normal one.
    let mut normal = || (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
    let copies: Vec<f32> = (0..COPIES)
        .flat_map(|_| picture.iter().map(|x| x + (NOISE * normal()) as f32).collect::<Vec<f32>>())
        .collect();
    let (height, width) = subject.size();
    let of_class = |&class: &usize| {
        let gradients = subject.gradients(&copies, class)?;
        let mean = |at: usize| gradients[at..].iter().step_by(picture.len()).sum::<f32>() / COPIES as f32;
        Ok(Map::of_pixels(height, width, &(0..picture.len()).map(mean).collect::<Vec<f32>>()))
    };
    classes.iter().map(of_class).collect()
}
