//! Categorical cross-entropy, with label smoothing and class weights as PyTorch's `CrossEntropyLoss` has them.

use super::Sample;

/// Σ q w (−ln p) over the classes: q is the smoothed truth, w the class' weight.
pub(super) fn value(sample: Sample<'_>) -> f64 {
    let terms = (0..sample.units()).map(|unit| {
        let share = f64::from(weighted_truth(sample, unit));
        if share == 0.0 { 0.0 } else { -share * sample.safe(unit).ln() }
    });
    terms.sum()
}

/// Before the softmax: p Σ q w − q w.
pub(super) fn gradient(sample: Sample<'_>, total: f32, gradient: &mut [f32]) {
    let all: f32 = match sample.settings.label_smoothing == 0.0 {
        true => sample.weight(),
        false => (0..sample.units()).map(|unit| weighted_truth(sample, unit)).sum(),
    };
    let scale = 1.0 / total;
    for (unit, (gradient, p)) in gradient.iter_mut().zip(sample.output).enumerate() {
        *gradient = scale * (p * all - weighted_truth(sample, unit));
    }
}

fn weighted_truth(sample: Sample<'_>, unit: usize) -> f32 {
    let smoothing = sample.settings.label_smoothing;
    let truth = (1.0 - smoothing) * sample.truth(unit) + smoothing / sample.units() as f32;
    truth * sample.settings.weight(unit)
}
