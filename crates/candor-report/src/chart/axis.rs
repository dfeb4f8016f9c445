//! An axis: where values lie, and which ones are written beside it.

const DIGITS_ABOVE: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/// A range of values and the round ones within it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    /// Values to be written, ascending.
    pub(super) ticks: Vec<f64>,
    /// Decimals that tell the ticks apart.
    pub(super) decimals: usize,
}

impl Axis {
    /// From `low` to `high` at least, widened to round values with about `wanted` steps of 1, 2 or 5 times a power
    /// of ten.
    pub(super) fn round(low: f64, high: f64, wanted: usize) -> Axis {
        let span = if high > low { high - low } else { high.abs().max(1.0) };
        let step = round_step(span / wanted as f64);
        let (first, last) = ((low / step).floor(), ((low + span) / step - 1e-9).ceil());
        Axis::with_step(first, last.max(first + 1.0), step)
    }

    /// Whole numbers from `first` to `last`, without widening: for epochs.
    pub(super) fn whole(first: usize, last: usize, wanted: usize) -> Axis {
        let step = round_step((last - first) as f64 / wanted as f64).max(1.0) as usize;
        let mut ticks: Vec<f64> = (first..=last)
            .filter(|tick| tick.is_multiple_of(step) || *tick == first)
            .map(|t| t as f64)
            .collect();
        // The first epoch is written in any case; a neighbour too close to it is not.
        if ticks.len() > 2 && ticks[1] - ticks[0] < 0.6 * step as f64 {
            ticks.remove(1);
        }
        Axis { low: first as f64, high: last.max(first + 1) as f64, ticks, decimals: 0 }
    }

    /// Where `value` lies, 0 at the low end and 1 at the high end.
    pub(super) fn position(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// Whether `value` can be shown.
    pub(super) fn holds(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    fn with_step(first: f64, last: f64, step: f64) -> Axis {
        let ticks = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        Axis { low: first * step, high: last * step, ticks, decimals }
    }
}

/// The smallest of 1, 2, 5, 10, … times a power of ten that is not below `step`.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// `10⁻⁷`, and from a hundredth to ten thousand `0.01`, `10000`: noughts that cannot be counted are no label.
pub(super) fn power_of_ten(power: i32) -> String {
    if (-2..=4).contains(&power) {
        return 10f64.powi(power).to_string();
    }
    let digit = |c: char| c.to_digit(10).map_or('⁻', |digit| DIGITS_ABOVE[digit as usize]);
    format!("10{}", power.to_string().chars().map(digit).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Low and high end and wanted steps; the ticks and their decimals.
    type Case = ((f64, f64, usize), &'static [f64], usize);

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        let cases: [Case; 4] = [
            ((0.0, 1.0, 5), &[0.0, 0.2, 0.4, 0.6, 0.8, 1.0], 1),
            ((0.0, 2.31, 4), &[0.0, 1.0, 2.0, 3.0], 0),
            ((0.82, 0.97, 4), &[0.8, 0.85, 0.9, 0.95, 1.0], 2),
            ((0.0, 0.0, 4), &[0.0, 0.5, 1.0], 1),
        ];
        for ((low, high, wanted), ticks, decimals) in cases {
            let axis = Axis::round(low, high, wanted);
            assert_eq!(axis.ticks.len(), ticks.len(), "{axis:?}");
            assert!(axis.ticks.iter().zip(ticks).all(|(a, b)| (a - b).abs() < 1e-12), "{axis:?}");
            assert_eq!(axis.decimals, decimals, "{axis:?}");
        }
    }

    #[test]
    fn small_rates_are_written_as_powers() {
        assert_eq!(
            [-10, -7, -3, -2, 0, 4, 18].map(power_of_ten),
            ["10⁻¹⁰", "10⁻⁷", "10⁻³", "0.01", "1", "10000", "10¹⁸"]
        );
    }

    #[test]
    fn epochs_are_whole_and_begin_with_the_first() {
        assert_eq!(Axis::whole(1, 1, 6).ticks, [1.0]);
        assert_eq!(Axis::whole(1, 5, 6).ticks, [1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(Axis::whole(1, 100, 5).ticks, [1.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(Axis::whole(1, 10, 5).ticks, [1.0, 4.0, 6.0, 8.0, 10.0]);
    }

    proptest! {
        #[test]
        fn any_range_is_covered_with_few_ticks(low in -1e6f64..1e6, span in 1e-6f64..1e6, wanted in 2usize..10) {
            let axis = Axis::round(low, low + span, wanted);
            prop_assert!(axis.position(low) >= -1e-6 && axis.position(low + span) <= 1.0 + 1e-6, "{:?}", axis);
            prop_assert!((2..=wanted + 3).contains(&axis.ticks.len()), "{:?}", axis);
        }
    }
}
