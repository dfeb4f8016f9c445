//! The focal loss (Lin et al., "Focal loss for dense object detection", 2017, equations 4 and 5), of a softmax or of one
//! sigmoid unit: for sets with many easy pictures and few hard ones.

use super::Sample;

/// −w (1 − p)^γ ln p, where p is the probability of the truth.
pub(super) fn value(sample: Sample<'_>) -> f64 {
    let (p, gamma) = (of_truth(sample), f64::from(sample.settings.focal_gamma));
    -f64::from(sample.weight()) * (1.0 - p).powf(gamma) * p.ln()
}

/// Before the softmax or sigmoid: w ((1 − p)^γ − γ p (1 − p)^(γ−1) ln p) times that of the cross-entropy, which is the
/// output minus the truth.
pub(super) fn gradient(sample: Sample<'_>, total: f32, gradient: &mut [f32]) {
    let (p, gamma) = (of_truth(sample), f64::from(sample.settings.focal_gamma));
    let focus = (1.0 - p).powf(gamma) - gamma * p * (1.0 - p).powf(gamma - 1.0) * p.ln();
    let scale = sample.weight() * focus as f32 / total;
    for (unit, (gradient, p)) in gradient.iter_mut().zip(sample.output).enumerate() {
        *gradient = scale * (p - sample.truth(unit));
    }
}

fn of_truth(sample: Sample<'_>) -> f64 {
    match sample.units() {
        1 if sample.target == 0 => 1.0 - sample.safe(0),
        1 => sample.safe(0),
        _ => sample.safe(sample.target),
    }
}
