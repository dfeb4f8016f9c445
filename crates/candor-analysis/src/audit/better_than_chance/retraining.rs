//! The permutation test that trains the run's own recipe: on the real labels and, split and all, on permuted ones.

use super::super::folds::{Cut, cuts, permuted};
use super::super::{Answers, AuditErrorKind, Case, Finding, Learner, LearnerKind, Series, Task, Unit};
use super::{ID, p_in_words};

/// So many permuted trainings that do as well settle it.
const SETTLED: usize = 10;
/// Permutations that are trained between two looks at whether it is settled: as many as keep a few cores busy.
const AT_A_TIME: usize = 4;
/// Fewer pictures than this of the rarest class cannot be cut.
const LEAST: usize = 4;

/// What trainings on permuted labels give, and what the one on the real labels does. Shares are balanced accuracies.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Retraining {
    /// Pictures that could be learned from.
    pub pictures: usize,
    pub observed: f64,
    pub p: f64,
    pub smallest_p: f64,
    ended_early: bool,
    null: Vec<f64>,
}

impl Retraining {
    /// Of the run's own recipe; `None` where only a stand-in could be trained, no permutation is asked for, or a class has too few
    /// pictures.
    pub fn of(case: &Case<'_>, learner: &dyn Learner) -> Result<Option<Retraining>, AuditErrorKind> {
        let (pool, most) = (case.pool(), case.settings.permutations);
        if learner.kind() != LearnerKind::OwnRecipe || most == 0 || trial(case).is_empty() {
            return Ok(None);
        }
        let (labels, tasks) = tasks(case, &pool, None);
        let observed = balanced_accuracy(&learner.learn(&tasks)?, &labels);
        let null = null(case, learner, &pool, observed)?;
        let (p, ended_early) = p_value(&null, observed, most);
        let smallest_p = 1.0 / (most + 1) as f64;
        Ok(Some(Retraining { pictures: pool.len(), observed, p, smallest_p, ended_early, null }))
    }

    /// `81% with the real labels and 50% with permuted ones (39 permutations, p = .025, the smallest possible p is .025)`
    pub fn in_words(&self) -> String {
        let mean = self.null.iter().sum::<f64>() / self.null.len() as f64;
        let permutations = match self.null.len() {
            1 => "1 permutation".to_owned(),
            some => format!("{some} permutations"),
        };
        format!(
            "{:.0}% with the real labels and {:.0}% with permuted ones ({permutations}, p = {}, the smallest possible p is {})",
            100.0 * self.observed,
            100.0 * mean,
            p_in_words(self.p),
            p_in_words(self.smallest_p)
        )
    }

    /// Adds the numbers.
    pub fn figures(&self, finding: Finding) -> Finding {
        let mean = self.null.iter().sum::<f64>() / self.null.len() as f64;
        finding
            .figure("own recipe: balanced accuracy, real labels", self.observed, Unit::Share)
            .figure("own recipe: balanced accuracy, permuted labels (mean)", mean, Unit::Share)
            .figure("own recipe: p-value", self.p, Unit::PValue)
            .figure("own recipe: smallest p-value there could be", self.smallest_p, Unit::PValue)
            .figure("own recipe: permutations", self.null.len() as f64, Unit::Count)
            .figure("own recipe: ended early", f64::from(u8::from(self.ended_early)), Unit::Count)
            .with_series(Series::distribution(
                "What the run's own recipe learns from permuted labels, and from the real ones",
                "balanced accuracy",
                &self.null,
                self.observed,
            ))
    }
}

/// The first trainings of the test: on the real labels and on one permutation. They show how long the others take. Empty where a
/// class has too few pictures.
pub fn trial(case: &Case<'_>) -> Vec<Task> {
    let pool = case.pool();
    let mut counts = vec![0; case.classes().len()];
    pool.iter().for_each(|&index| counts[case.samples()[index].class] += 1);
    if counts.iter().filter(|&&count| count > 0).any(|&count| count < LEAST) {
        return Vec::new();
    }
    let (real, permuted) = (tasks(case, &pool, None).1, tasks(case, &pool, Some(0)).1);
    if real.is_empty() || permuted.is_empty() { Vec::new() } else { [real, permuted].concat() }
}

/// The trainings of one estimate, with the labels that they are measured by.
fn tasks(case: &Case<'_>, pool: &[usize], permutation: Option<u64>) -> (Vec<usize>, Vec<Task>) {
    let labels = case.labels();
    let seed = permutation.map_or(case.seed(ID), |number| case.seed(ID).at(number));
    let labels = match permutation {
        Some(_) => permuted(case.units, pool, &labels, seed.derive("labels")),
        None => labels,
    };
    let task = |(number, cut): (usize, Cut)| Task {
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
fn balanced_accuracy(answers: &[Answers], labels: &[usize]) -> f64 {
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
    let most = case.settings.permutations;
    let mut null: Vec<f64> = Vec::new();
    while null.len() < most && as_good(&null, observed) < SETTLED {
        case.tell(ID, null.len(), most)?;
        let some = null.len()..(null.len() + AT_A_TIME).min(most);
        let prepared: Vec<_> = some.map(|number| tasks(case, pool, Some(number as u64))).collect();
        let all: Vec<Task> = prepared.iter().flat_map(|(_, tasks)| tasks.clone()).collect();
        let mut answers = learner.learn(&all)?.into_iter();
        for (labels, tasks) in &prepared {
            let own: Vec<Answers> = answers.by_ref().take(tasks.len()).collect();
            null.push(balanced_accuracy(&own, labels));
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

#[cfg(test)]
mod tests {
    use candor_core::Seed;

    use super::super::super::Settings;
    use super::super::super::testing::{Bright, Fake};
    use super::*;

    fn trained(fake: &Fake) -> Retraining {
        fake.with(|case| Retraining::of(case, &Bright(fake)).unwrap().unwrap())
    }

    #[test]
    fn real_labels_give_the_smallest_p_and_random_ones_end_early() {
        let mut fake = Fake::bright(240);
        let good = trained(&fake);
        assert_eq!((good.p, good.smallest_p, good.null.len()), (1.0 / 40.0, 1.0 / 40.0, 39));
        let mut rng = Seed(2).rng();
        fake.samples.iter_mut().for_each(|sample| sample.class = rng.below(2));
        assert!(trained(&fake).p > 0.05);
        fake.settings = Settings { permutations: 0, ..fake.settings };
        assert!(fake.with(|case| Retraining::of(case, &Bright(&fake)).unwrap()).is_none());
        let tiny = Fake::bright(8);
        assert!(tiny.with(|case| Retraining::of(case, &Bright(&tiny)).unwrap()).is_none());
    }

    #[test]
    fn the_test_of_random_labels_has_its_size() {
        let mut rejected = 0;
        for draw in 0..400 {
            let mut fake = Fake::bright(48);
            let mut rng = Seed(draw).rng();
            fake.samples.iter_mut().for_each(|sample| sample.class = rng.below(2));
            fake.settings = Settings { seed: Seed(draw), permutations: 19 };
            rejected += usize::from(trained(&fake).p <= 0.05);
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
