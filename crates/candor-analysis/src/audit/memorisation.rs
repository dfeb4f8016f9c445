//! How much is learned by heart? Right answers on seen and on new pictures, with true and with shuffled labels.

use super::folds::{folds, permuted};
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Table, Task, Topic, Unit, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Memorisation",
    topic: Topic::Learned,
    cost: Cost::Training,
    permutes: false,
    asks: "How much of what it gets right on its training pictures does it also get right on new ones?",
    how: "A network is trained on two thirds of train and validation, with the true labels and with permuted ones, and asked about \
          the pictures that it learned from and about the others. What counts is the share of its gain over chance on the \
          seen pictures that is left on new ones.",
    fail_means: "The network learned its pictures by heart: on new ones next to nothing of it is left.",
    misleads: "A network that learned some of its pictures by heart can still know something. It is a smaller network than the \
               run's own, which learns more by heart, not less.",
    reference: "Zhang et al., Understanding deep learning requires rethinking generalization, ICLR (2017)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "memorisation";
/// Shares of the gain that are left on new pictures.
const FAIL: f64 = 0.25;
const WARN: f64 = 0.5;
/// A network that gains less than this on its own pictures has not even learned those.
const LEAST_GAIN: f64 = 0.1;
const LEAST: usize = 30;

fn run(case: &Case<'_>, learner: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let (pool, labels, seed) = (case.pool(), case.labels(), case.seed(ID));
    if pool.len() < LEAST {
        return Ok(Finding::inconclusive(
            format!("There are fewer than {LEAST} pictures in train and validation."),
            "Add pictures.",
        ));
    }
    let shuffled = permuted(case.units, &pool, &labels, seed.derive("labels"));
    let both = [labels, shuffled];
    let cuts = both.each_ref().map(|labels| folds(case.units, &pool, labels, 3, seed.derive("folds")));
    let [Some(true_cut), Some(shuffled_cut)] = cuts.each_ref().map(|cuts| cuts.first()) else {
        return Ok(Finding::inconclusive(
            "All pictures belong to one group.",
            "Add pictures of other groups.",
        ));
    };
    let task = |labels: &Vec<usize>, cut: &super::folds::Cut| Task {
        labels: labels.clone(),
        learn: cut.learn.clone(),
        answer: [cut.learn.as_slice(), &cut.judge].concat(),
        seed: seed.derive("training"),
    };
    case.tell(ID, 0, 2)?;
    let answers = learner.learn(&[task(&both[0], true_cut), task(&both[1], shuffled_cut)])?;
    let figures = [(&answers[0], &both[0], true_cut), (&answers[1], &both[1], shuffled_cut)]
        .map(|(answers, labels, cut)| seen_and_new(answers, labels, cut.learn.len(), case.classes().len()));
    Ok(finding(case, figures).trained_on(pool.len(), learner))
}

/// Balanced accuracy on the `seen` first answers and on the others.
fn seen_and_new(answers: &Answers, labels: &[usize], seen: usize, classes: usize) -> [f64; 2] {
    let part = |range: std::ops::Range<usize>| Answers {
        indices: answers.indices[range.clone()].to_vec(),
        probabilities: answers.probabilities[range.start * classes..range.end * classes].to_vec(),
    };
    [part(0..seen), part(seen..answers.indices.len())].map(|part| part.balanced_accuracy(labels))
}

fn finding(case: &Case<'_>, [[seen, new], [shuffled_seen, shuffled_new]]: [[f64; 2]; 2]) -> Finding {
    let chance = 1.0 / case.classes().len() as f64;
    let kept = (new - chance) / (seen - chance).max(1e-9);
    let verdict = match () {
        () if seen - chance < LEAST_GAIN => Verdict::Inconclusive,
        () if kept < FAIL => Verdict::Fail,
        () if kept < WARN => Verdict::Warn,
        () => Verdict::Pass,
    };
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let headline = match verdict {
        Verdict::Inconclusive => {
            format!("The network did not even learn its own pictures ({}).", per_cent(seen))
        }
        _ => format!(
            "{} right on pictures it learned from, {} on new ones; with shuffled labels {} and {}.",
            per_cent(seen),
            per_cent(new),
            per_cent(shuffled_seen),
            per_cent(shuffled_new)
        ),
    };
    let (meaning, advice) = match verdict {
        Verdict::Pass => {
            ("Most of what it gets right on its own pictures it also gets right on new ones.", "")
        }
        Verdict::Inconclusive => (
            "There is nothing here that could have been learned by heart.",
            "See what better-than-chance says; train longer.",
        ),
        Verdict::Fail => (
            "It learned its pictures by heart. A high accuracy on training pictures proves nothing: with shuffled labels, where \
             there is nothing to learn, it gets one too.",
            "Never claim an accuracy on training pictures. More pictures, a smaller network or augmentation help, if there is \
             something to learn at all.",
        ),
        Verdict::Warn => (
            "A good part of what it gets right on its own pictures it remembers rather than recognises.",
            "Claim the accuracy on new pictures only. More pictures, a smaller network or augmentation help.",
        ),
    };
    let row = |name: &str, seen: f64, new: f64| vec![name.to_owned(), per_cent(seen), per_cent(new)];
    Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure("balanced accuracy, seen pictures", seen, Unit::Share)
        .figure("balanced accuracy, new pictures", new, Unit::Share)
        .figure("balanced accuracy, seen pictures, shuffled labels", shuffled_seen, Unit::Share)
        .figure("balanced accuracy, new pictures, shuffled labels", shuffled_new, Unit::Share)
        .figure("share of the gain that is left on new pictures", kept.max(0.0), Unit::Share)
        .with_table(Table {
            title: "Right answers, every class counting alike".to_owned(),
            heading: ["labels", "seen pictures", "new pictures"].map(String::from).to_vec(),
            rows: vec![row("true", seen, new), row("shuffled", shuffled_seen, shuffled_new)],
        })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bright, Fake};
    use super::super::{LearnError, LearnerKind};
    use super::*;

    /// Knows what it learned from, and guesses class 0 else.
    struct ByHeart;

    impl Learner for ByHeart {
        fn kind(&self) -> LearnerKind {
            LearnerKind::OwnRecipe
        }

        fn summary(&self) -> String {
            "a memory".to_owned()
        }

        fn learn(&self, tasks: &[Task]) -> Result<Vec<Answers>, LearnError> {
            let one = |task: &Task| {
                let row = |index: &usize| {
                    let known = task.learn.contains(index) && task.labels[*index] == 1;
                    if known { [0.0, 1.0] } else { [1.0, 0.0] }
                };
                let probabilities = task.answer.iter().flat_map(row).collect();
                Answers { indices: task.answer.clone(), probabilities }
            };
            Ok(tasks.iter().map(one).collect())
        }
    }

    #[test]
    fn a_memory_fails_and_what_has_understood_passes() {
        let fake = Fake::bright(160);
        let understood = fake.with(|case| CHECK.run(case, &Bright(&fake)).unwrap());
        assert_eq!(understood.verdict, Verdict::Pass, "{understood:?}");
        let by_heart = fake.with(|case| CHECK.run(case, &ByHeart).unwrap());
        assert_eq!(by_heart.verdict, Verdict::Fail, "{by_heart:?}");
        assert!(by_heart.headline.starts_with("100% right on pictures it learned from, 50% on new ones"));
    }
}
