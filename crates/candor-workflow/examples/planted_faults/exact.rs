//! Exact intervals of a share: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
//! binomial", Biometrika 26 (1934).

/// The 95 % interval of the share of which `hits` of `draws` were seen.
pub fn interval(hits: usize, draws: usize) -> [f64; 2] {
    // The share at which seeing this, or what is further off, has a probability of 2.5 %.
    let low = if hits == 0 { 0.0 } else { root(|share| 0.025 - at_least(hits, draws, share)) };
    let high = if hits == draws { 1.0 } else { root(|share| 1.0 - at_least(hits + 1, draws, share) - 0.025) };
    [low, high]
}

/// Where a function that falls from above to below zero is zero.
fn root(falls: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if falls(middle) > 0.0 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The probability of at least `hits` among `draws`.
fn at_least(hits: usize, draws: usize, share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return f64::from(u8::from(hits == 0 || share >= 1.0));
    }
    let (mut log, mut sum) = (draws as f64 * (1.0 - share).ln(), 0.0);
    for count in 0..=draws {
        sum += if count >= hits { log.exp() } else { 0.0 };
        log += ((draws - count) as f64 / (count + 1) as f64).ln() + (share / (1.0 - share)).ln();
    }
    sum
}
