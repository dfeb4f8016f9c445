//! The 95 % interval of a share of pictures: an accuracy, a recall, the accuracy of a subgroup. One function for all.

use super::Groups;
use super::student::two_sided_quantile;
use crate::evaluate::Interval;

/// With fewer groups than this their spread cannot be measured: each counts as one picture.
const FEW_GROUPS: usize = 5;
/// The 97.5 % quantile of the standard normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

/// The 95 % interval of the share of pictures for which `hit` says yes, among those for which it says anything, where
/// pictures of one group err together. `None` without such pictures.
///
/// Single pictures give Agresti's and Coull's interval ([`Interval::of_counts`]). Groups give the same interval of fewer
/// pictures, n*, between the number of pictures and Kish's n² / Σ m², which holds where all m pictures of a group share one
/// fate. With r hits in a group, p over all and u = (r − m p) / (1 − m / n):
///
/// - the variance of p is that of the jackknife over groups, V = (G − 1) / G · Σ u² / n²;
/// - n* = p (1 − p) / V · (1.96 / t)², the effective sample size that Korn and Graubard correct for the degrees of freedom of V;
/// - t is Student's quantile with 2 G / (κ − 1) − 1 degrees of freedom, κ = G Σ u⁴ / (Σ u²)²: fewer than G − 1 where few groups
///   carry the errors. Nor more than Satterthwaite's (Σ v)² / Σ v² − 1 with v = m (1 + (m − 1) ρ), which counts large groups;
///   ρ is the correlation within groups that V implies.
///
/// With fewer than five groups, and where all pictures are hits or none, n* is Kish's: such intervals are very wide,
/// because so few persons or sites say little about others.
///
/// What no interval can see: where groups fail as a whole, but so seldom that none of those at hand did, the true share
/// lies below. Coverage by simulation: `tests/it/coverage.rs` and `examples/coverage.rs`.
///
/// Sources: Agresti & Coull, "Approximate is better than “exact” for interval estimation of binomial proportions", The American
/// Statistician 52 (1998); Korn & Graubard, "Confidence intervals for proportions with small expected number of positive counts
/// estimated from survey data", Survey Methodology 24 (1998); Kish, Survey Sampling (1965); Satterthwaite, "An approximate
/// distribution of estimates of variance components", Biometrics Bulletin 2 (1946).
pub fn share_interval(groups: &Groups, hit: impl Fn(usize) -> Option<bool>) -> Option<Interval> {
    let count = |members: &[u32]| {
        let known = members.iter().filter_map(|&picture| hit(picture as usize));
        known.fold((0.0, 0.0), |(hits, all), is_hit| (hits + f64::from(u8::from(is_hit)), all + 1.0))
    };
    let counts: Vec<(f64, f64)> = groups.iter().map(count).filter(|&(_, all)| all > 0.0).collect();
    let (hits, pictures) = counts.iter().fold((0.0, 0.0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    (pictures > 0.0).then(|| Interval::of_real(hits / pictures, effective_pictures(&counts)))
}

/// As many independent pictures would tell as much as those of these groups: hits and pictures of each, at least one.
fn effective_pictures(groups: &[(f64, f64)]) -> f64 {
    let sum = |of: &dyn Fn(f64, f64) -> f64| groups.iter().map(|&(hits, all)| of(hits, all)).sum::<f64>();
    let (g, n, p) = (groups.len() as f64, sum(&|_, all| all), sum(&|hits, _| hits) / sum(&|_, all| all));
    let kish = n * n / sum(&|_, all| all * all);
    if groups.len() as f64 == n || groups.len() < FEW_GROUPS || p <= 0.0 || p >= 1.0 {
        return kish;
    }
    let u2 = |hits: f64, all: f64| ((hits - p * all) / (1.0 - all / n)).powi(2);
    let squares = sum(&u2);
    if squares == 0.0 {
        return n;
    }
    let variance = (g - 1.0) / g * squares / (n * n);
    let kurtosis = g * sum(&|hits, all| u2(hits, all).powi(2)) / (squares * squares);
    let design_effect = variance * n / (p * (1.0 - p));
    let correlation = ((design_effect - 1.0) / (n / kish - 1.0)).clamp(0.0, 1.0);
    let v = |all: f64| all * (1.0 + (all - 1.0) * correlation);
    let satterthwaite = sum(&|_, all| v(all)).powi(2) / sum(&|_, all| v(all).powi(2)) - 1.0;
    let freedom = (2.0 * g / (kurtosis - 1.0) - 1.0).min(satterthwaite).min(g - 1.0).max(1.0);
    let t = two_sided_quantile(0.05, freedom);
    (n / design_effect * (Z_95 / t).powi(2)).clamp(kish, n)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of the given sizes, and of each the number of hits.
    fn interval(groups: &[(usize, usize)]) -> Interval {
        let names =
            groups.iter().enumerate().flat_map(|(group, &(_, all))| vec![Some(group.to_string()); all]);
        let hits: Vec<bool> =
            groups.iter().flat_map(|&(hits, all)| (0..all).map(move |place| place < hits)).collect();
        share_interval(&Groups::of(&names.collect::<Vec<_>>()), |picture| Some(hits[picture])).unwrap()
    }

    #[test]
    fn single_pictures_give_the_plain_interval_and_pictures_outside_do_not_count() {
        let singles = Groups::singles(30);
        let found = share_interval(&singles, |picture| (picture < 20).then_some(picture < 15)).unwrap();
        assert_eq!(found, Interval::of_counts(15, 20));
        assert_eq!(share_interval(&singles, |_| None), None);
    }

    #[test]
    fn groups_of_one_fate_count_once_and_groups_that_are_mixed_alike_count_as_their_pictures() {
        let fate: Vec<(usize, usize)> =
            (0..40).map(|group| (if group % 4 == 0 { 0 } else { 5 }, 5)).collect();
        let (found, once) = (interval(&fate), Interval::of_counts(30, 40));
        assert!((found.low - once.low).abs() < 1e-9 && (found.high - once.high).abs() < 1e-9, "{found:?}");
        assert_eq!(interval(&[(4, 5); 40]), Interval::of_counts(160, 200));
    }

    #[test]
    fn very_few_groups_and_shares_without_an_error_are_wide() {
        assert_eq!(interval(&[(95, 100), (94, 100), (96, 100)]), Interval::of_real(0.95, 3.0));
        assert!(interval(&[(95, 100), (94, 100), (96, 100)]).width() > 0.5);
        assert_eq!(interval(&[(10, 10); 20]), Interval::of_counts(20, 20));
        assert_eq!(interval(&[(7, 10)]), Interval::of_real(0.7, 1.0));
    }

    #[test]
    fn one_pair_among_many_single_pictures_changes_next_to_nothing() {
        let mut groups = vec![(1, 1); 460];
        groups.extend([(0, 1); 38]);
        groups.push((1, 2));
        let (found, plain) = (interval(&groups), Interval::of_counts(461, 500));
        assert!((found.width() - plain.width()).abs() < 0.001, "{found:?} {plain:?}");
    }

    #[test]
    fn errors_that_one_large_group_carries_leave_more_room_than_errors_spread_over_all() {
        let spread = interval(&[(18, 20); 20]);
        let mut one = vec![(20, 20); 19];
        one.push((0, 20));
        let mut two = vec![(19, 20); 18];
        two.extend([(9, 20); 2]);
        for uneven in [one, two] {
            assert!(interval(&uneven).width() > 1.5 * spread.width(), "{:?} {spread:?}", interval(&uneven));
        }
    }
}
