//! The test: are the units of one side of the split like those of the other?

use candor_core::{Rng, Seed};

use crate::audit::Case;
use crate::interval::{Deals, TestOutcome, arrangements};

/// Exchanges of whole units between the sides.
pub(super) const DEALS: usize = 999;

/// Two sides, each as its units, each unit as places in rows.
pub(super) struct Sides {
    pub units: [Vec<Vec<usize>>; 2],
}

impl Sides {
    /// Of the samples at `train` and `other`; rows hold those of train first.
    pub fn of(case: &Case<'_>, train: &[usize], other: &[usize]) -> Sides {
        let of = |side: &[usize], before: usize| {
            let mut places = std::collections::BTreeMap::<usize, Vec<usize>>::new();
            for (place, &index) in side.iter().enumerate() {
                places.entry(case.units.unit(index)).or_default().push(before + place);
            }
            places.into_values().collect()
        };
        Sides { units: [of(train, 0), of(other, train.len())] }
    }
}

/// What the test gave.
pub(super) struct Shift {
    pub outcome: TestOutcome,
    /// The number that differs most clearly, and by how many standard deviations within classes (other side less train).
    pub most: usize,
    pub by: f64,
    /// The difference, in standard deviations, that would be found 4 times in 5; `None` where it cannot be told.
    pub detectable: Option<f64>,
}

/// Compares the means of every number, less those of the picture's class, between the sides; whole units change sides in each
/// deal, as many as there are on each. Of numbers that differ as clearly, one of the first `named` is named.
pub(super) fn shift(
    rows: &[Vec<f64>],
    named: usize,
    labels: &[usize],
    sides: &Sides,
    level: f64,
    seed: Seed,
) -> Shift {
    let rows = standardised(rows, labels);
    let columns = rows.first().map_or(0, Vec::len);
    let all: Vec<&Vec<usize>> = sides.units.iter().flatten().collect();
    let sums: Vec<(f64, Vec<f64>)> = all
        .iter()
        .map(|unit| {
            let mut sum = vec![0.0; columns];
            unit.iter()
                .for_each(|&place| sum.iter_mut().zip(&rows[place]).for_each(|(sum, value)| *sum += value));
            (unit.len() as f64, sum)
        })
        .collect();
    let mut total = vec![0.0; columns];
    sums.iter().for_each(|(_, sum)| total.iter_mut().zip(sum).for_each(|(total, value)| *total += value));
    let pictures: f64 = sums.iter().map(|(count, _)| count).sum();
    let others = sides.units[1].len();
    let differences = |order: &[usize]| -> Vec<f64> {
        let (mut count, mut sum) = (0.0, vec![0.0; columns]);
        for &unit in &order[order.len() - others..] {
            count += sums[unit].0;
            sum.iter_mut().zip(&sums[unit].1).for_each(|(sum, value)| *sum += value);
        }
        let mean = |(sum, total): (&f64, &f64)| sum / count - (total - sum) / (pictures - count);
        sum.iter().zip(&total).map(mean).collect()
    };
    let mut order: Vec<usize> = (0..all.len()).collect();
    let observed = differences(&order);
    let absolute = |differences: &[f64]| differences.iter().map(|value| value.abs()).collect::<Vec<_>>();
    let mut deals = Deals::new(absolute(&observed));
    let (mut rng, mut squares): (Rng, f64) = (seed.rng(), 0.0);
    for _ in 0..DEALS {
        rng.shuffle(&mut order);
        let dealt = absolute(&differences(&order));
        squares += dealt[0] * dealt[0];
        deals.push(&dealt);
    }
    let test = deals.max_t();
    let most = (0..columns)
        .min_by(|&a, &b| {
            let key = |at: usize| (test.p_values()[at], at >= named, -observed[at].abs());
            key(a).partial_cmp(&key(b)).expect("p-values and differences are numbers")
        })
        .unwrap_or(0);
    let outcome = test.outcome(most, arrangements(&[sides.units[0].len(), others]));
    let error = (squares / DEALS as f64).sqrt();
    // The 80 % quantile of the normal distribution lies .84 standard deviations above the middle.
    let detectable = test.threshold(0, level).map(|threshold| threshold + 0.84 * error);
    Shift { outcome, most, by: observed[most], detectable }
}

/// Each number less its mean in the class, in standard deviations within classes. One that does not vary is 0 everywhere.
pub(super) fn standardised(rows: &[Vec<f64>], labels: &[usize]) -> Vec<Vec<f64>> {
    let (columns, classes) =
        (rows.first().map_or(0, Vec::len), labels.iter().max().map_or(0, |label| label + 1));
    let mut out = rows.to_vec();
    for column in 0..columns {
        let (mut sums, mut counts) = (vec![0.0; classes], vec![0.0; classes]);
        for (row, &label) in rows.iter().zip(labels) {
            sums[label] += row[column];
            counts[label] += 1.0;
        }
        let off = |row: &Vec<f64>, label: usize| row[column] - sums[label] / f64::max(counts[label], 1.0);
        let squares: f64 = rows.iter().zip(labels).map(|(row, &label)| off(row, label).powi(2)).sum();
        let deviation = (squares / rows.len().max(1) as f64).sqrt();
        for ((out, row), &label) in out.iter_mut().zip(rows).zip(labels) {
            out[column] = if deviation > 1e-9 { off(row, label) / deviation } else { 0.0 };
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures of several people, `people` on each side as given, `each` pictures a person, who have looks of their own; those
    /// of the other side are moved by `by`.
    fn drawn(people: [usize; 2], each: usize, of_person: f64, by: f64, seed: Seed) -> Shift {
        let mut rng = seed.rng();
        let normal = |rng: &mut Rng| (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0;
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        let mut side = |people: usize, by: f64| -> Vec<Vec<usize>> {
            (0..people)
                .map(|_| {
                    let own: Vec<f64> = (0..6).map(|_| of_person * normal(&mut rng)).collect();
                    (0..each)
                        .map(|_| {
                            let label = rng.below(2);
                            let value = |own: &f64| own + normal(&mut rng) + 0.5 * label as f64;
                            let mut row: Vec<f64> = own.iter().map(value).collect();
                            row[2] += by;
                            rows.push(row);
                            labels.push(label);
                            rows.len() - 1
                        })
                        .collect()
                })
                .collect()
        };
        let units = [side(people[0], 0.0), side(people[1], by)];
        shift(&rows, 6, &labels, &Sides { units }, 0.01, seed.derive("deals"))
    }

    #[test]
    fn a_sound_split_is_rejected_once_in_a_hundred_with_people_and_without() {
        for (people, each, of_person) in [([80, 30], 1, 0.0), ([15, 5], 8, 2.0), ([30, 10], 3, 0.5)] {
            let rejected = (0..1000)
                .filter(|&draw| drawn(people, each, of_person, 0.0, Seed(31).at(draw)).outcome.rejects(0.01))
                .count();
            // Exact binomial at 1 %: 998 times in 1,000 between 2 and 21 of 1,000.
            assert!((2..=21).contains(&rejected), "{people:?} of {each}: {rejected} of 1000");
        }
    }

    #[test]
    fn a_shift_of_one_number_is_found_and_named_and_few_people_cannot_tell() {
        let found = drawn([100, 40], 2, 0.3, 1.0, Seed(5));
        assert_eq!((found.outcome.p, found.most), (0.001, 2));
        assert!((0.5..1.3).contains(&found.by) && found.detectable.unwrap() < 1.0, "{}", found.by);
        let few = drawn([3, 2], 40, 1.0, 3.0, Seed(5));
        assert!(!few.outcome.could_reject(0.01) && few.outcome.smallest_possible_p == 0.1);
    }
}
