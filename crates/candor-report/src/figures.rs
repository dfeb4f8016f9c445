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

/// How a figure is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// A share in 0..=1, as `89.3%`.
    PerCent,
    /// A number as it is: `0.472`.
    Plain,
}

impl Scale {
    /// `value` with the digits that `interval` supports: the last one is never finer than a twentieth of its half width.
    pub fn write(self, value: f64, interval: Interval) -> String {
        self.with_decimals(value, self.decimals(interval))
    }

    /// The interval: `88.7% to 89.9%`.
    pub fn write_interval(self, interval: Interval) -> String {
        self.ends(interval).join(" to ")
    }

    /// Both: `89.3% (88.7% to 89.9%)`.
    pub fn write_both(self, value: f64, interval: Interval) -> String {
        format!("{} ({})", self.write(value, interval), self.write_interval(interval))
    }

    /// The interval's ends: `88.7%` and `89.9%`.
    pub(crate) fn ends(self, interval: Interval) -> [String; 2] {
        let decimals = self.decimals(interval);
        [interval.low, interval.high].map(|end| self.with_decimals(end, decimals))
    }

    fn decimals(self, interval: Interval) -> usize {
        let half_width = interval.width() / 2.0;
        match self {
            Scale::PerCent => decimals(100.0 * half_width, 2),
            Scale::Plain => decimals(half_width, 4),
        }
    }

    fn with_decimals(self, value: f64, decimals: usize) -> String {
        match self {
            Scale::PerCent => format!("{:.decimals$}%", 100.0 * value),
            Scale::Plain => signed(format!("{value:.decimals$}")),
        }
    }
}

/// A real minus sign, and none before a zero.
pub(crate) fn signed(text: String) -> String {
    match text.strip_prefix('-') {
        Some(zero) if zero.chars().all(|c| c == '0' || c == '.') => zero.to_owned(),
        Some(number) => format!("−{number}"),
        None => text,
    }
}

/// Decimals, at most `most`, of which the last is worth at least half of the half width's first digit.
fn decimals(half_width: f64, most: usize) -> usize {
    if half_width <= 0.0 {
        return most;
    }
    (-(0.5 * half_width).log10() - 1e-9).ceil().clamp(0.0, most as f64) as usize
}

/// A share in 0..=1 that was measured on `pictures` pictures, in per cent: `89.3%` of 10,000, `47%` of 235, with the
/// digits that Wilson's 95 % interval supports.
pub fn per_cent(share: f64, pictures: u64) -> String {
    let successes = ((share * pictures as f64).round() as u64).min(pictures);
    match pictures {
        0 => Scale::PerCent.with_decimals(share, 0),
        _ => Scale::PerCent.write(share, Interval::of_counts(successes, pictures)),
    }
}

/// An accuracy with its 95 % interval: `89.3% (88.7% to 89.9%)`.
pub fn accuracy_with_interval(accuracy: &Accuracy) -> String {
    Scale::PerCent.write_both(accuracy.value, accuracy.interval)
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
    fn a_figure_has_the_digits_that_its_interval_supports() {
        let cases = [
            (Scale::Plain, 0.47231, (0.4012, 0.5398), "0.47 (0.40 to 0.54)"),
            (Scale::Plain, 2.3031, (1.7, 3.1), "2.3 (1.7 to 3.1)"),
            (Scale::Plain, 0.029_14, (0.021, 0.0381), "0.029 (0.021 to 0.038)"),
            (Scale::Plain, -0.001, (-0.05, 0.05), "0.00 (−0.05 to 0.05)"),
            (Scale::PerCent, 0.9004, (0.8904, 0.9101), "90.0% (89.0% to 91.0%)"),
            (Scale::PerCent, 0.9004, (0.8404, 0.9301), "90% (84% to 93%)"),
        ];
        for (scale, value, (low, high), text) in cases {
            assert_eq!(scale.write_both(value, Interval { low, high }), text);
        }
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
