//! Student's t distribution, by way of the incomplete beta function.

/// The probability that |T| is at least |t|, with any positive number of degrees of freedom; NaN where t is.
pub(crate) fn two_sided_p(t: f64, degrees_of_freedom: f64) -> f64 {
    if t.is_infinite() {
        return 0.0;
    }
    let v = degrees_of_freedom;
    incomplete_beta(v / (v + t * t), 0.5 * v, 0.5)
}

/// The t that |T| exceeds with probability `share`, in 0..1 without its ends.
pub(crate) fn two_sided_quantile(share: f64, degrees_of_freedom: f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    while two_sided_p(high, degrees_of_freedom) > share {
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = 0.5 * (low + high);
        if two_sided_p(middle, degrees_of_freedom) > share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// I_x(a, b), by its continued fraction (Press and others, Numerical Recipes, 3rd edition, section 6.4).
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    let log_front = libm::lgamma(a + b) - libm::lgamma(a) - libm::lgamma(b) + a * x.ln() + b * (-x).ln_1p();
    // The fraction converges fast on this side only; the other is its mirror.
    match x < (a + 1.0) / (a + b + 2.0) {
        true => log_front.exp() * fraction(x, a, b) / a,
        false => 1.0 - log_front.exp() * fraction(1.0 - x, b, a) / b,
    }
}

/// Lentz's method.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut product = d;
    for m in (1..=500).map(f64::from) {
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = product;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            product *= c * d;
        }
        if (product - before).abs() <= 1e-15 * product.abs() {
            break;
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_the_printed_tables() {
        // t of a two-sided test at .05 and .01.
        let cases = [(1.0, 12.706_205, 63.656_741), (2.0, 4.302_653, 9.924_843), (4.0, 2.776_445, 4.604_095)];
        let more =
            [(9.0, 2.262_157, 3.249_836), (30.0, 2.042_272, 2.749_996), (1000.0, 1.962_339, 2.580_755)];
        for (v, at_five, at_one) in cases.into_iter().chain(more) {
            assert!((two_sided_p(at_five, v) - 0.05).abs() < 1e-7, "{v}");
            assert!((two_sided_p(-at_one, v) - 0.01).abs() < 1e-7, "{v}");
            assert!((two_sided_quantile(0.05, v) - at_five).abs() < 1e-5, "{v}");
        }
        assert_eq!(two_sided_p(0.0, 3.0), 1.0);
        // scipy.stats.t.sf(20, 5) * 2
        assert!((two_sided_p(20.0, 5.0) / 5.775_516_4e-6 - 1.0).abs() < 1e-6, "{}", two_sided_p(20.0, 5.0));
    }
}
