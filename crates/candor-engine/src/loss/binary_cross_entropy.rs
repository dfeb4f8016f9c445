//! Binary cross-entropy of sigmoids. With label smoothing ε the truth y becomes (1 − ε) y + ε / 2 (Keras' rule).

use super::Sample;

/// −y ln p − (1 − y) ln (1 − p), a mean over the units, times the weight of the sample's class.
pub(super) fn value(sample: Sample<'_>) -> f64 {
    let terms = (0..sample.units()).map(|unit| {
        let (p, truth) = (sample.safe(unit), f64::from(smoothed_truth(sample, unit)));
        -truth * p.ln() - (1.0 - truth) * (1.0 - p).ln()
    });
    f64::from(sample.weight()) * terms.sum::<f64>() / sample.units() as f64
}

/// Before the sigmoid: p − y.
pub(super) fn gradient(sample: Sample<'_>, total: f32, gradient: &mut [f32]) {
    let scale = sample.weight() / sample.units() as f32 / total;
    for (unit, (gradient, p)) in gradient.iter_mut().zip(sample.output).enumerate() {
        *gradient = scale * (p - smoothed_truth(sample, unit));
    }
}

fn smoothed_truth(sample: Sample<'_>, unit: usize) -> f32 {
    let smoothing = sample.settings.label_smoothing;
    (1.0 - smoothing) * sample.truth(unit) + smoothing / 2.0
}
