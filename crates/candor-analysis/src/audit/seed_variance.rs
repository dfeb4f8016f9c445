//! How much of the figure is luck? The same training under other seeds, and on other splits.

use super::folds::folds;
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Series, Task, Topic, Unit, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Seed variance",
    topic: Topic::Learned,
    cost: Cost::Training,
    permutes: false,
    asks: "How much would the accuracy change with another seed or another split?",
    how: "A network is trained five times with different seeds on one split, and once on each of five splits, within train and \
          validation. The spread over the seeds is the luck of the training, that over the splits also that of the pictures.",
    fail_means: "One training is no result: with another seed the figure could be quite another.",
    misleads: "It is a smaller network than the run's own; the spread of that one can be smaller or larger. Five trainings give \
               the spread to about a third.",
    reference: "Bouthillier et al., Accounting for variance in machine learning benchmarks, MLSys (2021)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "seed-variance";
const TIMES: usize = 5;
/// Standard deviations over the seeds.
const WARN: f64 = 0.06;
const FAIL: f64 = 0.12;
const LEAST: usize = 30;

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

fn finding(over_seeds: &[f64], over_splits: &[f64], claimed: Option<f64>) -> Finding {
    let ((mean, seeds), (_, splits)) = (spread(over_seeds), spread(over_splits));
    let verdict = match seeds {
        spread if spread > FAIL => Verdict::Fail,
        spread if spread > WARN => Verdict::Warn,
        _ => Verdict::Pass,
    };
    let headline = format!(
        "Accuracies of one training scatter by ±{:.1} points over seeds and ±{:.1} points over splits.",
        100.0 * seeds,
        100.0 * splits
    );
    let (meaning, advice) = match verdict {
        Verdict::Pass => ("Another seed would have told about the same story.", ""),
        _ => (
            "The figure of a single training is partly luck. Whoever tries a few seeds and reports the best one reports luck.",
            "Train with several seeds, and report the mean and the spread; add pictures, or train longer.",
        ),
    };
    let all: Vec<f64> = [over_seeds, over_splits].concat();
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure("mean accuracy over seeds", mean, Unit::Share)
        .figure("standard deviation over seeds", seeds, Unit::Points)
        .figure("standard deviation over splits", splits, Unit::Points)
        .figure("accuracy of the run's own network", claimed.unwrap_or(f64::NAN), Unit::Share);
    finding.with_series(Series {
        mark: claimed,
        ..Series::distribution("Accuracies over seeds and splits, and the run's own", "accuracy", &all, mean)
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bright, Fake};
    use super::*;

    #[test]
    fn a_learner_without_luck_passes_and_scatter_is_told() {
        let fake = Fake::bright(160);
        let finding = fake.with(|case| CHECK.run(case, &Bright(&fake)).unwrap());
        assert_eq!(
            (finding.verdict, finding.value("standard deviation over seeds")),
            (Verdict::Pass, Some(0.0))
        );
        let scattered = super::finding(&[0.9, 0.6, 0.75, 0.95, 0.5], &[0.9, 0.7], None);
        assert_eq!(scattered.verdict, Verdict::Fail);
        assert!(scattered.value("standard deviation over seeds").unwrap() > 0.19);
    }
}
