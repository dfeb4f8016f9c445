//! How much of the figure is luck? The same training under other seeds, and on other splits.

use super::folds::folds;
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Series, Task, Topic, Unit, Verdict,
};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Seed variance",
    topic: Topic::Learned,
    cost: Cost::Training,
    permutes: false,
    asks: "How much would the accuracy change with another seed or another split?",
    how: "The run's own recipe is trained five times with different seeds on one split, and once on each of five splits with a seed of \
          its own, within train and validation. The spread over the seeds is the luck of the training, that over the splits also that \
          of the pictures. Where the budget is too small for that, a small network stands in and gives a hint.",
    fail_means: "One training is no result: with another seed or split the figure could be quite another.",
    misleads: "The recipe learns from two thirds of train and validation here, and is measured on one third: the spread of the run itself \
               can be smaller. Five trainings give a spread only roughly; the interval says how roughly.",
    reference: "Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys (2021)",
    scale: Scale {
        pass: "the standard deviation over the splits is at most 6 points: the upper end of its 95 % interval",
        inconclusive: "the interval of the standard deviation over the splits holds 6 points",
        warn: "it is above 6 points: the lower end of the interval",
        fail: "it is above 12 points: the lower end of the interval",
    },
    run,
};

const ID: &str = "seed-variance";
const TIMES: usize = 5;
/// Standard deviations over splits and seeds.
const WARN: f64 = 0.06;
const FAIL: f64 = 0.12;
const LEAST: usize = 30;
/// The 97.5 % quantile of the standard normal distribution.
const Z_95: f64 = 1.96;

fn run(case: &Case<'_>, learner: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let (pool, labels, seed) = (case.pool(), case.labels(), case.seed(ID));
    if pool.len() < LEAST {
        let advice = "Add pictures.";
        return Ok(Finding::inconclusive(
            format!("There are fewer than {LEAST} pictures in train and validation."),
            advice,
        ));
    }
    let cuts: Vec<_> = (0..TIMES as u64)
        .filter_map(|number| {
            folds(case.units, &pool, &labels, 3, seed.derive("split").at(number)).into_iter().next()
        })
        .collect();
    let task = |cut: &super::folds::Cut, number: usize| Task {
        labels: labels.clone(),
        learn: cut.learn.clone(),
        answer: cut.judge.clone(),
        seed: seed.derive("training").at(number as u64),
    };
    let Some(first) = cuts.first() else {
        return Ok(Finding::inconclusive(
            "All pictures belong to one group.",
            "Add pictures of other groups.",
        ));
    };
    let seeds = (0..TIMES).map(|number| task(first, number));
    let splits = cuts.iter().enumerate().skip(1).map(|(number, cut)| task(cut, number));
    case.tell(ID, 0, 2 * TIMES)?;
    let answers = learner.learn(&seeds.chain(splits).collect::<Vec<Task>>())?;
    let accuracies: Vec<f64> = answers.iter().map(|answers: &Answers| answers.accuracy(&labels)).collect();
    let over_seeds = &accuracies[..TIMES];
    let over_splits: Vec<f64> = [&accuracies[..1], &accuracies[TIMES..]].concat();
    let claimed = case.judged().map(|(_, answers)| answers.accuracy(&labels));
    Ok(finding(over_seeds, &over_splits, claimed).trained_on(pool.len(), learner))
}

/// Mean and standard deviation.
pub(super) fn spread(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (values.len() - 1).max(1) as f64).sqrt())
}

/// The 95 % interval of the standard deviation of a normal distribution, from so many values with this one: by chi-square
/// quantiles, as Wilson and Hilferty approximate them (PNAS 17, 1931).
fn spread_interval(deviation: f64, values: usize) -> Interval {
    let freedom = values.saturating_sub(1).max(1) as f64;
    let quantile = |z: f64| {
        let part = 2.0 / (9.0 * freedom);
        freedom * (1.0 - part + z * part.sqrt()).max(0.0).powi(3)
    };
    let end = |z: f64| deviation * (freedom / quantile(z).max(1e-9)).sqrt();
    Interval { low: end(Z_95), high: end(-Z_95) }
}

fn finding(over_seeds: &[f64], over_splits: &[f64], claimed: Option<f64>) -> Finding {
    let ((mean, seeds), (_, splits)) = (spread(over_seeds), spread(over_splits));
    let of_seeds = spread_interval(seeds, over_seeds.len());
    let of_splits = spread_interval(splits, over_splits.len());
    let verdict = match of_splits {
        Interval { low, .. } if low > FAIL => Verdict::Fail,
        Interval { low, .. } if low > WARN => Verdict::Warn,
        Interval { high, .. } if high <= WARN => Verdict::Pass,
        _ => Verdict::Inconclusive,
    };
    let in_words = |deviation: f64, ends: Interval| {
        format!("{:.1} points ({:.1} to {:.1})", 100.0 * deviation, 100.0 * ends.low, 100.0 * ends.high)
    };
    let headline = format!(
        "The accuracy varies with a standard deviation of {} over {} splits, and of {} over {} seeds on one split.",
        in_words(splits, of_splits),
        over_splits.len(),
        in_words(seeds, of_seeds),
        over_seeds.len()
    );
    let (meaning, advice) = match verdict {
        Verdict::Pass => ("Another seed or split would have given about the same accuracy.", ""),
        Verdict::Inconclusive => (
            "So few trainings do not show whether another seed or split would have given about the same accuracy.",
            "Train with several seeds and splits, and report the mean and the spread.",
        ),
        _ => (
            "The figure of a single training is partly luck. The best of several seeds is more luck.",
            "Train with several seeds, and report the mean and the spread; add pictures, or train longer.",
        ),
    };
    let all: Vec<f64> = [over_seeds, over_splits].concat();
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure("mean accuracy over seeds", mean, Unit::Share)
        .figure_within("standard deviation over seeds", seeds, of_seeds, Unit::Points)
        .figure_within("standard deviation over splits", splits, of_splits, Unit::Points)
        .figure("accuracy of the run's own network", claimed.unwrap_or(f64::NAN), Unit::Share);
    finding.with_series(Series {
        mark: claimed,
        ..Series::distribution("Accuracies over seeds and splits, and the run's own", "accuracy", &all, mean)
    })
}

#[cfg(test)]
mod tests {
    use candor_core::Seed;

    use super::super::Basis;
    use super::super::testing::{Bright, Fake, StandIn};
    use super::*;

    #[test]
    fn a_learner_without_luck_passes_and_of_a_stand_in_it_is_a_hint() {
        let fake = Fake::bright(160);
        let found = fake.with(|case| CHECK.run(case, &Bright(&fake)).unwrap());
        assert_eq!(
            (found.verdict, found.basis, found.value("standard deviation over seeds")),
            (Verdict::Pass, Basis::OwnRecipe, Some(0.0))
        );
        let hint = fake.with(|case| CHECK.run(case, &StandIn(&Bright(&fake))).unwrap());
        assert_eq!((hint.verdict, hint.basis), (Verdict::Inconclusive, Basis::Surrogate));
    }

    #[test]
    fn the_interval_of_the_spread_decides() {
        let splits = |deviation: f64| [-1.2, -0.6, 0.0, 0.6, 1.2].map(|z| 0.7 + deviation * z);
        for (deviation, verdict) in [
            (0.01, Verdict::Pass),
            (0.05, Verdict::Inconclusive),
            (0.15, Verdict::Warn),
            (0.25, Verdict::Fail),
        ] {
            let found = super::finding(&[0.7; 5], &splits(deviation), None);
            assert_eq!(found.verdict, verdict, "{deviation}: {found:?}");
        }
    }

    #[test]
    fn the_interval_of_a_standard_deviation_has_its_coverage() {
        // Of 2,000 intervals of 95 % between 1,868 and 1,931 cover with probability .998 (binomial).
        let mut covered = 0;
        for draw in 0..2_000 {
            let mut rng = Seed(3).at(draw).rng();
            let values: [f64; 5] = std::array::from_fn(|_| (0..12).map(|_| rng.unit()).sum::<f64>() - 6.0);
            let ends = spread_interval(spread(&values).1, 5);
            covered += usize::from((ends.low..=ends.high).contains(&1.0));
        }
        assert!((1_868..=1_940).contains(&covered), "{covered} of 2,000");
    }
}
