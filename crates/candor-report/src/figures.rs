//! Numbers as people read them: no digit that the sample does not support.

use candor_analysis::evaluate::{Accuracy, Interval};

/// 1234567 as `1,234,567`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in 0..=1 that was measured on `pictures` pictures, in per cent: `89.3%` of 10,000, `47%` of 235. The last
/// digit is never finer than a twentieth of the half width of Wilson's 95 % interval; there are at most two decimals.
pub fn per_cent(share: f64, pictures: u64) -> String {
    format!("{:.*}%", decimals(share, pictures), 100.0 * share)
}

/// An accuracy with its 95 % interval: `89.3% (88.7% to 89.9%)`.
pub fn accuracy_with_interval(accuracy: &Accuracy) -> String {
    format!("{} ({})", per_cent(accuracy.value, accuracy.pictures), interval(accuracy))
}

/// The 95 % interval alone: `88.7% to 89.9%`.
pub(crate) fn interval(accuracy: &Accuracy) -> String {
    ends(accuracy).join(" to ")
}

/// The ends of the 95 % interval: `88.7%` and `89.9%`.
pub(crate) fn ends(accuracy: &Accuracy) -> [String; 2] {
    let decimals = decimals(accuracy.value, accuracy.pictures);
    let Interval { low, high } = accuracy.interval;
    [low, high].map(|end| format!("{:.decimals$}%", 100.0 * end))
}

/// A loss, to three significant digits where it is between .0001 and 10: `0.0291`, `2.30`, `15.9`.
pub(crate) fn loss(value: f64) -> String {
    if !value.is_finite() {
        return "not finite".to_owned();
    }
    if 0.0 < value && value < 1e-4 {
        return "<0.0001".to_owned();
    }
    let magnitude = if value > 0.0 { value.log10().floor() } else { 0.0 };
    format!("{value:.*}", (2.0 - magnitude).clamp(1.0, 6.0) as usize)
}

/// A duration: `0.42 s`, `7.3 s`, `2 min 05 s`, `3 h 12 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 1.0 => format!("{seconds:.2} s"),
        _ if seconds < 10.0 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `once`, `twice`, `3 times`.
pub(crate) fn times(number: usize) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}

/// A model's probability: `99.8%`, and never a rounded-up `100%`.
pub(crate) fn probability(value: f32) -> String {
    match value {
        v if v >= 1.0 => "100%".to_owned(),
        v if v > 0.999 => ">99.9%".to_owned(),
        v => format!("{:.1}%", 100.0 * v),
    }
}

fn decimals(share: f64, pictures: u64) -> usize {
    if pictures == 0 {
        return 0;
    }
    let successes = ((share * pictures as f64).round() as u64).min(pictures);
    let half_width_per_cent = 50.0 * Interval::wilson(successes, pictures).width();
    match half_width_per_cent {
        h if h > 2.0 => 0,
        h if h > 0.2 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_analysis::evaluate::ConfusionMatrix;

    #[test]
    fn thousands_are_separated() {
        for (value, text) in [(0, "0"), (999, "999"), (34826, "34,826"), (14_714_688, "14,714,688")] {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn a_share_has_the_digits_that_its_pictures_support() {
        let cases = [
            (0.8934, 10_000, "89.3%"),
            (0.4723, 235, "47%"),
            (0.5, 12, "50%"),
            (1.0, 12, "100%"),
            (0.98987, 1_000_000, "98.99%"),
            (0.0, 0, "0%"),
        ];
        for (share, pictures, text) in cases {
            assert_eq!(per_cent(share, pictures), text);
        }
        let matrix = ConfusionMatrix::from_counts(vec![vec![111, 124], vec![0, 0]]).unwrap();
        assert_eq!(accuracy_with_interval(&Accuracy::of(&matrix)), "47% (41% to 54%)");
    }

    #[test]
    fn losses_durations_and_probabilities() {
        let losses = [0.029_14, 2.304_1, 15.942, 0.0, 2e-5, f64::NAN].map(loss);
        assert_eq!(losses, ["0.0291", "2.30", "15.9", "0.00", "<0.0001", "not finite"]);
        let durations = [0.42, 7.31, 59.4, 125.0, 11_520.0].map(duration);
        assert_eq!(durations, ["0.42 s", "7.3 s", "59 s", "2 min 05 s", "3 h 12 min"]);
        assert_eq!([0.998, 0.99999, 1.0].map(probability), ["99.8%", ">99.9%", "100%"]);
    }
}
