//! Printed shares of one whole, and the counts that they can stand for. Whole numbers only: no rounding of our own.

use serde::{Deserialize, Serialize};

use super::PublishedNumber;

/// Beyond so many pictures no total is looked for.
const MOST_PICTURES: u64 = 100_000;

/// How the last digit of a table came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Digits {
    /// To the nearest; a half either way.
    Rounded,
    /// Further digits were dropped.
    CutOff,
}

/// The counts from the first to the second, both included.
pub(super) type Counts = (u64, u64);

/// Shares printed with the same number of digits: `numerators[i] / denominator`, each known to within one unit of
/// the numerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ShareTable {
    numerators: Vec<u64>,
    denominator: u64,
}

impl ShareTable {
    /// Gives all numbers the digits of the longest: a printed `0` among `5.957` is 0.000, and a bare `0.251` in a
    /// file may have been .2510 in print.
    pub(super) fn of<'a>(
        numbers: impl Iterator<Item = &'a PublishedNumber> + Clone,
        per_cent: bool,
    ) -> ShareTable {
        let decimals = numbers.clone().map(PublishedNumber::decimals).max().unwrap_or(0);
        let numerators = numbers.map(|n| n.mantissa() * 10u64.pow(decimals - n.decimals())).collect();
        ShareTable { numerators, denominator: 10u64.pow(decimals) * if per_cent { 100 } else { 1 } }
    }

    /// What each share can stand for among `pictures` pictures; `None` where it is no possible fraction.
    pub(super) fn counts(&self, pictures: u64, digits: Digits) -> Vec<Option<Counts>> {
        self.numerators
            .iter()
            .map(|&numerator| counts(numerator, self.denominator, pictures, digits))
            .collect()
    }

    /// The same, if all shares are possible and can add up to all pictures.
    pub(super) fn partition(&self, pictures: u64, digits: Digits) -> Option<Vec<Counts>> {
        let all = |numerator: &u64| counts(*numerator, self.denominator, pictures, digits);
        let counts: Vec<Counts> = self.numerators.iter().map(all).collect::<Option<_>>()?;
        let sum = |end: fn(&Counts) -> u64| counts.iter().map(end).sum::<u64>();
        (sum(|c| c.0) <= pictures && pictures <= sum(|c| c.1)).then_some(counts)
    }

    /// How the digits came about if the shares are a partition of `pictures` pictures.
    pub(super) fn digits(&self, pictures: u64) -> Option<Digits> {
        [Digits::Rounded, Digits::CutOff]
            .into_iter()
            .find(|&digits| self.partition(pictures, digits).is_some())
    }

    /// The totals that this partition can have, smallest first, at most `most` of them. Totals as large as the digits
    /// can tell apart are not looked at: every share is a fraction of those.
    pub(super) fn totals(&self, most: usize) -> Vec<u64> {
        (1..self.largest_total()).filter(|&pictures| self.digits(pictures).is_some()).take(most).collect()
    }

    /// Whether the shares can add up to one, as far as their digits tell.
    pub(super) fn is_whole(&self) -> bool {
        let (sum, cells) = (self.numerators.iter().sum::<u64>(), self.numerators.len() as u64);
        // Each cell is off by half a unit at most when rounded, and falls short by less than one when cut off.
        let rounded = 2 * sum.abs_diff(self.denominator) <= cells;
        rounded || (sum <= self.denominator && self.denominator - sum < cells)
    }

    /// What the share at an index can have been before it was printed: rounded or cut off.
    pub(super) fn bounds(&self, index: usize) -> (f64, f64) {
        let (numerator, denominator) = (self.numerators[index] as f64, self.denominator as f64);
        (((numerator - 0.5) / denominator).max(0.0), ((numerator + 1.0) / denominator).min(1.0))
    }

    /// The share at an index as printed.
    pub(super) fn value(&self, index: usize) -> f64 {
        self.numerators[index] as f64 / self.denominator as f64
    }

    /// Up to here [`ShareTable::totals`] looks.
    pub(super) fn largest_total(&self) -> u64 {
        self.denominator.min(MOST_PICTURES)
    }
}

/// The whole numbers c with c / `pictures` printed as `numerator` / `denominator`.
fn counts(numerator: u64, denominator: u64, pictures: u64, digits: Digits) -> Option<Counts> {
    let [m, s, n] = [numerator, denominator, pictures].map(i128::from);
    let (low, high) = match digits {
        // |c/n − m/s| <= 1/(2s)
        Digits::Rounded => (ceil_div(2 * m * n - n, 2 * s), (2 * m * n + n).div_euclid(2 * s)),
        // m/s <= c/n < (m+1)/s
        Digits::CutOff => (ceil_div(m * n, s), ceil_div((m + 1) * n, s) - 1),
    };
    let (low, high) = (low.max(0), high.min(n));
    (low <= high).then_some((low as u64, high as u64))
}

fn ceil_div(a: i128, b: i128) -> i128 {
    -(-a).div_euclid(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(texts: &[&str], per_cent: bool) -> ShareTable {
        let numbers: Vec<PublishedNumber> = texts.iter().map(|text| text.parse().unwrap()).collect();
        ShareTable::of(numbers.iter(), per_cent)
    }

    #[test]
    fn a_share_stands_for_the_counts_that_print_so() {
        let cases = [
            (".571", 235, Digits::Rounded, None),
            (".571", 7, Digits::Rounded, Some((4, 4))),
            (".2510", 235, Digits::Rounded, None),
            (".2510", 235, Digits::CutOff, Some((59, 59))),
            (".5", 100, Digits::Rounded, Some((45, 55))),
            (".5", 100, Digits::CutOff, Some((50, 59))),
            ("0", 10, Digits::Rounded, Some((0, 5))),
            ("1", 10, Digits::CutOff, Some((10, 10))),
        ];
        for (text, pictures, digits, expected) in cases {
            assert_eq!(table(&[text], false).counts(pictures, digits), [expected], "{text} of {pictures}");
        }
    }

    #[test]
    fn the_total_follows_from_shares_that_leave_nothing_over() {
        let thirds = table(&["33.3", "66.7"], true);
        assert_eq!(thirds.totals(2), [3, 6]);
        assert_eq!(thirds.digits(3), Some(Digits::Rounded));
        assert_eq!(table(&["33.3", "66.6"], true).digits(3), Some(Digits::CutOff));
        assert_eq!(table(&["33.3", "33.3"], true).totals(1), [0; 0], "a third is missing");
    }
}
