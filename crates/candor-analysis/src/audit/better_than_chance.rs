//! Is anything learned at all? The whole training again and again on permuted labels, split and all.

use super::folds::{cuts, permuted};
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Series, Task, Topic, Unit, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Better than chance",
    topic: Topic::Learned,
    cost: Cost::Training,
    permutes: true,
    asks: "Could the accuracy be what chance gives when there is nothing to learn?",
    how: "A network is trained and judged on parts of train and validation, with the real labels and then, split and all, with \
          labels that are permuted among groups (or single pictures). The p-value is the share of trainings on permuted \
          labels that do at least as well, counting the real one among them, so it is never below 1 / (permutations + 1). \
          Once ten permuted trainings did as well, the answer is certain and the rest is left out.",
    fail_means: "Networks learn as much from labels without meaning: whatever the accuracy is, it shows nothing.",
    misleads: "It trains a smaller network than the run's own, which may miss what a larger one finds. And better than \
               chance is not good: a watermark in a corner is better than chance.",
    reference: "Ojala & Garriga, Permutation tests for studying classifier performance, JMLR 11 (2010); Besag & Clifford, \
                Sequential Monte Carlo p-values, Biometrika 78 (1991)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "better-than-chance";
/// Two ways of being wrong one time in twenty: the usual convention.
const LEVEL: f64 = 0.05;
/// So many permuted trainings that do as well settle it.
const SETTLED: usize = 10;
/// Permutations that are trained between two looks at the clock: as many as keep a few cores busy.
const AT_A_TIME: usize = 8;
/// A difference smaller than this that goes unseen is no reason to call the pictures too few.
const WORTH_SEEING: f64 = 0.25;
/// 5 % two-sided and 80 % power: 1.96 + 0.84 standard errors.
const DETECTABLE: f64 = 2.8;
/// Fewer pictures than this of the rarest class cannot be cut.
const LEAST: usize = 4;

fn run(case: &Case<'_>, learner: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let pool = case.pool();
    if rarest(case, &pool) < LEAST {
        return Ok(Finding::inconclusive(
            format!(
                "A class has fewer than {LEAST} pictures in train and validation: too few to train and judge on."
            ),
            "Add pictures of the rarest class, or leave it out.",
        ));
    }
    let observed = estimate(case, learner, &pool, None)?;
    let null = null(case, learner, &pool, observed)?;
    Ok(finding(case, learner, &pool, observed, &null))
}

fn rarest(case: &Case<'_>, pool: &[usize]) -> usize {
    let mut counts = vec![0; case.classes().len()];
    pool.iter().for_each(|&index| counts[case.samples()[index].class] += 1);
    counts.into_iter().filter(|&count| count > 0).min().unwrap_or(0)
}

fn estimate(
    case: &Case<'_>,
    learner: &dyn Learner,
    pool: &[usize],
    permutation: Option<u64>,
) -> Result<f64, AuditErrorKind> {
    let (labels, tasks) = tasks(case, pool, permutation);
    Ok(judged(&learner.learn(&tasks)?, &labels))
}

/// The trainings of one estimate, with the labels that they are judged by.
fn tasks(case: &Case<'_>, pool: &[usize], permutation: Option<u64>) -> (Vec<usize>, Vec<Task>) {
    let labels = case.labels();
    let seed = permutation.map_or(case.seed(ID), |number| case.seed(ID).at(number));
    let labels = match permutation {
        Some(_) => permuted(case.units, pool, &labels, seed.derive("labels")),
        None => labels,
    };
    let task = |(number, cut): (usize, super::folds::Cut)| Task {
        labels: labels.clone(),
        learn: cut.learn,
        answer: cut.judge,
        seed: seed.derive("training").at(number as u64),
    };
    let tasks =
        cuts(case.units, pool, &labels, seed.derive("split")).into_iter().enumerate().map(task).collect();
    (labels, tasks)
}

/// Every class counting alike, so that naming the frequent one is no merit.
fn judged(answers: &[Answers], labels: &[usize]) -> f64 {
    let all = Answers {
        indices: answers.iter().flat_map(|answers| answers.indices.clone()).collect(),
        probabilities: answers.iter().flat_map(|answers| answers.probabilities.clone()).collect(),
    };
    all.balanced_accuracy(labels)
}

/// What permuted labels give, until that many did as well that the answer is certain.
fn null(
    case: &Case<'_>,
    learner: &dyn Learner,
    pool: &[usize],
    observed: f64,
) -> Result<Vec<f64>, AuditErrorKind> {
    let most = case.settings.permutations.max(1);
    let mut null: Vec<f64> = Vec::new();
    while null.len() < most && as_good(&null, observed) < SETTLED {
        case.tell(ID, null.len(), most)?;
        let some = null.len()..(null.len() + AT_A_TIME).min(most);
        let prepared: Vec<_> = some.map(|number| tasks(case, pool, Some(number as u64))).collect();
        let all: Vec<Task> = prepared.iter().flat_map(|(_, tasks)| tasks.clone()).collect();
        let mut answers = learner.learn(&all)?.into_iter();
        for (labels, tasks) in &prepared {
            let own: Vec<Answers> = answers.by_ref().take(tasks.len()).collect();
            null.push(judged(&own, labels));
            // What came after the one that settled it is not counted: it would not have been made one by one.
            if as_good(&null, observed) == SETTLED {
                break;
            }
        }
    }
    Ok(null)
}

fn as_good(null: &[f64], observed: f64) -> usize {
    null.iter().filter(|&&value| value >= observed).count()
}

/// Besag and Clifford's p-value, and whether the permutations ended early.
fn p_value(null: &[f64], observed: f64, most: usize) -> (f64, bool) {
    let as_good = as_good(null, observed);
    match as_good >= SETTLED && null.len() < most {
        true => (SETTLED as f64 / null.len() as f64, true),
        false => ((1 + as_good) as f64 / (1 + null.len()) as f64, false),
    }
}

fn finding(case: &Case<'_>, learner: &dyn Learner, pool: &[usize], observed: f64, null: &[f64]) -> Finding {
    let most = case.settings.permutations.max(1);
    let (p, early) = p_value(null, observed, most);
    let mean = null.iter().sum::<f64>() / null.len() as f64;
    let spread = (null.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / null.len() as f64).sqrt();
    let resolution = 1.0 / (most + 1) as f64;
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let (shown, by_chance, trainings) = (per_cent(observed), per_cent(mean), null.len());
    let verdict = match () {
        () if resolution > LEVEL => Verdict::Inconclusive,
        () if p <= LEVEL => Verdict::Pass,
        () if DETECTABLE * spread > WORTH_SEEING => Verdict::Inconclusive,
        () => Verdict::Fail,
    };
    let (headline, meaning, advice) = match verdict {
        Verdict::Pass => (
            format!(
                "Something is learned: {shown} with the real labels, {by_chance} with permuted ones (p = {p:.3})."
            ),
            "Labels without meaning do not give this accuracy. What it is that the network sees, the other checks ask.",
            "",
        ),
        Verdict::Fail => (
            format!(
                "Nothing is learned: {shown} with the real labels, {by_chance} with permuted ones (p = {p:.2})."
            ),
            "A network does as well on labels that were permuted and mean nothing. Whatever it answers is a guess, \
             however sure it sounds and however high the accuracy on its training pictures.",
            "Claim nothing. Look at the labels: does a picture show what its label says? Only more or better labelled \
             pictures can help, not another network.",
        ),
        _ => (
            format!(
                "These pictures cannot tell: {shown} with the real labels, {by_chance} with permuted ones (p = {p:.2})."
            ),
            "With so few pictures, or so few permutations, even a good network could look like chance.",
            "Add pictures, or ask for more --permutations.",
        ),
    };
    Finding::new(verdict, headline, meaning)
        .advice(advice)
        .trained_on(pool.len(), learner)
        .figure("balanced accuracy, real labels", observed, Unit::Share)
        .figure("balanced accuracy, permuted labels (mean)", mean, Unit::Share)
        .figure("p-value", p, Unit::PValue)
        .figure("smallest p-value there could be", resolution, Unit::PValue)
        .figure("permutations", trainings as f64, Unit::Count)
        .figure("ended early", f64::from(u8::from(early)), Unit::Count)
        .with_series(Series::distribution(
            "What permuted labels give, and what the real ones do",
            "balanced accuracy",
            null,
            observed,
        ))
}

#[cfg(test)]
mod tests {
    use candor_core::Seed;

    use super::super::Settings;
    use super::super::testing::{Bright, Fake};
    use super::*;

    fn asked(fake: &Fake) -> Finding {
        fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap())
    }

    #[test]
    fn real_labels_pass_random_ones_fail_and_few_pictures_cannot_tell() {
        let mut fake = Fake::bright(240);
        let good = asked(&fake);
        assert_eq!((good.verdict, good.value("p-value")), (Verdict::Pass, Some(1.0 / 40.0)), "{good:?}");
        assert_eq!(good.series[0].points.len(), 39);
        let mut rng = Seed(2).rng();
        fake.samples.iter_mut().for_each(|sample| sample.class = rng.below(2));
        let bad = asked(&fake);
        assert_eq!(bad.verdict, Verdict::Fail, "{bad:?}");
        assert!(bad.value("p-value").unwrap() > 0.05);
        fake.settings = Settings { permutations: 5, ..fake.settings };
        assert_eq!(asked(&fake).verdict, Verdict::Inconclusive, "5 permutations cannot give p ≤ .05");
        assert_eq!(asked(&Fake::bright(8)).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn the_test_of_random_labels_has_its_size() {
        let mut rejected = 0;
        for draw in 0..400 {
            let mut fake = Fake::bright(48);
            let mut rng = Seed(draw).rng();
            fake.samples.iter_mut().for_each(|sample| sample.class = rng.below(2));
            fake.settings = Settings { seed: Seed(draw), permutations: 19 };
            rejected += usize::from(asked(&fake).value("p-value").unwrap() <= 0.05);
        }
        // Ties of the small set make it conservative; 20 of 400 are 5 %, with a standard error of 1.1 %.
        assert!((4..=34).contains(&rejected), "{rejected} of 400");
    }

    #[test]
    fn the_p_value_ends_early_as_besag_and_clifford_say() {
        let null: Vec<f64> = (0..20).map(|i| f64::from(i % 2)).collect();
        assert_eq!(p_value(&null, 0.5, 99), (0.5, true));
        assert_eq!(p_value(&null[..9], 2.0, 9), (0.1, false));
    }
}
