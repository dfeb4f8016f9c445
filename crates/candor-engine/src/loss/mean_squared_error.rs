//! The mean squared difference.

use super::Sample;

/// (p − y)², a mean over the units, times the weight of the sample's class.
pub(super) fn value(sample: Sample<'_>) -> f64 {
    let difference = |(unit, &p): (usize, &f32)| f64::from(p) - f64::from(sample.truth(unit));
    let squares: f64 = sample.output.iter().enumerate().map(|unit| difference(unit).powi(2)).sum();
    f64::from(sample.weight()) * squares / sample.units() as f64
}

/// Of the outputs: 2 (p − y).
pub(super) fn gradient(sample: Sample<'_>, total: f32, gradient: &mut [f32]) {
    let scale = sample.weight() * 2.0 / sample.units() as f32 / total;
    for (unit, (gradient, p)) in gradient.iter_mut().zip(sample.output).enumerate() {
        *gradient = scale * (p - sample.truth(unit));
    }
}
