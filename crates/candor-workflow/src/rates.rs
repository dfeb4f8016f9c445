//! Learning rates as a person writes them.

/// A learning rate as a person writes it: without the digits that single precision makes up.
pub(crate) fn as_written(rate: f32) -> f64 {
    rate.to_string().parse().unwrap_or(f64::from(rate))
}

/// A tenth of a learning rate, as a person writes it.
pub(crate) fn tenth(rate: f32) -> f64 {
    as_written((as_written(rate) / 10.0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learning_rates_are_told_as_they_are_written() {
        assert_eq!((as_written(0.001), tenth(0.003)), (0.001, 0.0003));
    }
}
