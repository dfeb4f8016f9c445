//! How much is learned by heart? Right predictions on the run's training pictures and on pictures that it has not seen.

use candor_core::Subset;

use super::balanced::BalancedAccuracy;
use super::better_than_chance::is_new;
use super::folds::{folds, permuted};
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Finding, Learner, LearnerKind, Scale, Table, Task, Topic,
    Unit, Verdict,
};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Memorisation",
    topic: Topic::Learned,
    cost: Cost::Training,
    permutes: false,
    asks: "How much of what it gets right on its training pictures does it also get right on new ones?",
    how: "The run's predictions for its own training pictures are compared with those for pictures of which it has seen nothing, every \
          class counting alike. What counts is the share of the gain over chance that is left on new pictures, with its interval. \
          Where the budget allows, the run's own recipe is also trained on permuted labels, to show what it can learn by heart.",
    fail_means: "The network learned its pictures by heart: on new ones next to nothing of it is left.",
    misleads: "A network that learned some of its pictures by heart can still know something. Where there is no look at the test \
               pictures, the new ones are validation pictures, which chose the epoch: that flatters them a little.",
    reference: "Zhang et al., Understanding deep learning requires rethinking generalization, ICLR (2017)",
    scale: Scale {
        pass: "at least half of the gain over chance is left on new pictures: the lower end of its 95 % interval is 50 % or more",
        inconclusive: "the interval holds 50 %, or the gain on the training pictures is below 10 points",
        warn: "less than half of the gain is left: the upper end of the interval is below 50 %",
        fail: "less than a quarter of the gain is left: the upper end of the interval is below 25 %",
    },
    run,
};

const ID: &str = "memorisation";
/// Shares of the gain that are left on new pictures.
const FAIL: f64 = 0.25;
const WARN: f64 = 0.5;
/// A network that gains less than this on its own pictures has not even learned those.
const LEAST_GAIN: f64 = 0.1;

/// Balanced accuracies of the run.
struct Compared {
    seen: BalancedAccuracy,
    new: BalancedAccuracy,
    /// Where the new pictures are.
    subset: Subset,
    /// Of the run's own recipe on permuted labels: on the pictures it learned from, and on others.
    permuted: Option<[f64; 2]>,
}

fn run(case: &Case<'_>, learner: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    case.tell(ID, 0, 1)?;
    let seen =
        case.answers.get(&Subset::Train).and_then(|answers| BalancedAccuracy::of(case, answers, |_| true));
    let new = case.judged().and_then(|(subset, answers)| {
        Some((subset, BalancedAccuracy::of(case, answers, is_new(case, subset))?))
    });
    let (Some(seen), Some((subset, new))) = (seen, new) else {
        return Ok(Finding::inconclusive(
            "There are no predictions for training pictures, or none for pictures that the run has not seen.",
            "Evaluate the run (`candor evaluate`) on training and test pictures.",
        ));
    };
    let compared = Compared { seen, new, subset, permuted: permuted_accuracies(case, learner)? };
    Ok(compared.finding(learner))
}

/// What the run's own recipe learns from permuted labels; `None` where only a stand-in could be trained.
fn permuted_accuracies(case: &Case<'_>, learner: &dyn Learner) -> Result<Option<[f64; 2]>, AuditErrorKind> {
    let (pool, seed) = (case.pool(), case.seed(ID));
    if learner.kind() != LearnerKind::OwnRecipe {
        return Ok(None);
    }
    let labels = permuted(case.units, &pool, &case.labels(), seed.derive("labels"));
    let Some(cut) = folds(case.units, &pool, &labels, 3, seed.derive("folds")).into_iter().next() else {
        return Ok(None);
    };
    let answer = [cut.learn.as_slice(), &cut.judge].concat();
    let seen = cut.learn.len();
    let task = Task { labels: labels.clone(), learn: cut.learn, answer, seed: seed.derive("training") };
    let answers = learner.learn(&[task])?.remove(0);
    let classes = case.classes().len();
    let part = |range: std::ops::Range<usize>| Answers {
        indices: answers.indices[range.clone()].to_vec(),
        probabilities: answers.probabilities[range.start * classes..range.end * classes].to_vec(),
    };
    Ok(Some([part(0..seen), part(seen..answers.indices.len())].map(|part| part.balanced_accuracy(&labels))))
}

impl Compared {
    /// The share of the gain that is left, and its interval: at the ends, both accuracies are as far apart, or as close, as theirs.
    fn left(&self) -> (f64, Interval) {
        let Compared { seen, new, .. } = self;
        let gain = |share: f64, of: &BalancedAccuracy| (share - of.chance).max(0.0);
        let left = |new_share: f64, seen_share: f64| {
            (gain(new_share, new) / gain(seen_share, seen).max(1e-9)).min(1.0)
        };
        let ends = Interval {
            low: left(new.interval.low, seen.interval.high),
            high: left(new.interval.high, seen.interval.low),
        };
        (left(new.value, seen.value), ends)
    }

    fn verdict(&self) -> Verdict {
        let (_, left) = self.left();
        match () {
            () if self.seen.value - self.seen.chance < LEAST_GAIN => Verdict::Inconclusive,
            () if left.high < FAIL => Verdict::Fail,
            () if left.high < WARN => Verdict::Warn,
            () if left.low >= WARN => Verdict::Pass,
            () => Verdict::Inconclusive,
        }
    }

    fn finding(&self, learner: &dyn Learner) -> Finding {
        let Compared { seen, new, subset, permuted } = self;
        let (verdict, (share, ends)) = (self.verdict(), self.left());
        let has_learned = seen.value - seen.chance >= LEAST_GAIN;
        let headline = match has_learned {
            false => format!(
                "The run is right for {} of its own training pictures, every class counting alike: hardly more than chance.",
                seen.in_words()
            ),
            true => format!(
                "Every class counting alike, the run is right for {} of its training pictures and {} of {} new ones: {} of its gain \
                 over chance is left.",
                seen.in_words(),
                new.in_words(),
                new.pictures,
                in_per_cent(share, ends)
            ),
        };
        let (meaning, advice) = self.words(verdict, has_learned);
        let trained = permuted.map(|_| format!("; permuted labels were learned by {}", learner.summary()));
        let finding = Finding::new(verdict, headline, meaning)
            .advice(advice)
            .used(format!(
                "saved predictions for {} training pictures and {} pictures of {}{}",
                seen.pictures,
                new.pictures,
                subset.name(),
                trained.unwrap_or_default()
            ))
            .figure_within("balanced accuracy, training pictures", seen.value, seen.interval, Unit::Share)
            .figure_within("balanced accuracy, new pictures", new.value, new.interval, Unit::Share)
            .figure_within("share of the gain that is left on new pictures", share, ends, Unit::Share);
        let finding = match permuted {
            Some([seen, new]) => finding
                .figure(
                    "own recipe, permuted labels: balanced accuracy, training pictures",
                    *seen,
                    Unit::Share,
                )
                .figure("own recipe, permuted labels: balanced accuracy, new pictures", *new, Unit::Share),
            None => finding,
        };
        finding.with_table(self.table())
    }

    fn words(&self, verdict: Verdict, has_learned: bool) -> (&'static str, &'static str) {
        match verdict {
            Verdict::Pass => {
                ("At least half of what it gains on its own pictures it also gains on new ones.", "")
            }
            Verdict::Inconclusive if !has_learned => (
                "It has not even learned its own pictures, so that nothing could be learned by heart.",
                "Train longer, with a larger network or another learning rate.",
            ),
            Verdict::Inconclusive => (
                "So few new pictures do not show whether most of the gain is remembered or recognised. This is neither good nor bad \
                 news.",
                "Add pictures, above all to test. Claim the accuracy on new pictures only.",
            ),
            Verdict::Fail => (
                "It learned its pictures by heart. Its accuracy on training pictures says nothing about others.",
                "Never claim an accuracy on training pictures. More pictures, a smaller network or augmentation help, if there is \
                 something to learn at all.",
            ),
            Verdict::Warn => (
                "It remembers more of its training pictures than it recognises on new ones.",
                "Claim the accuracy on new pictures only. More pictures, a smaller network or augmentation help.",
            ),
        }
    }

    fn table(&self) -> Table {
        let share = |share: f64| format!("{:.0}%", 100.0 * share);
        let row = |name: &str, [seen, new]: [f64; 2]| vec![name.to_owned(), share(seen), share(new)];
        let own = row("true labels, this run", [self.seen.value, self.new.value]);
        let permuted =
            self.permuted.map(|both| row("permuted labels, this run's recipe trained again", both));
        Table {
            title: "Right predictions, every class counting alike".to_owned(),
            heading: ["labels", "training pictures", "new pictures"].map(String::from).to_vec(),
            rows: [own].into_iter().chain(permuted).collect(),
        }
    }
}

/// `16% (0% to 34%)`
fn in_per_cent(share: f64, ends: Interval) -> String {
    format!("{:.0}% ({:.0}% to {:.0}%)", 100.0 * share, 100.0 * ends.low, 100.0 * ends.high)
}

#[cfg(test)]
mod tests {
    use super::super::Basis;
    use super::super::testing::{Bright, Fake, StandIn};
    use super::*;

    /// Right for all training pictures, and for so many of a hundred new ones.
    fn asked(pictures: usize, of_a_hundred: usize) -> Finding {
        let mut fake = Fake::bright(pictures);
        let train = fake.split.train.clone();
        fake.answer(|index| train.binary_search(&index).is_ok() || index / 2 * 37 % 100 < of_a_hundred);
        fake.with(|case| CHECK.run(case, &Bright(&fake)).unwrap())
    }

    #[test]
    fn what_is_left_on_new_pictures_decides() {
        for (pictures, of_a_hundred, verdict) in [
            (800, 95, Verdict::Pass),
            (800, 50, Verdict::Fail),
            (2_000, 68, Verdict::Warn),
            (120, 75, Verdict::Inconclusive),
        ] {
            let found = asked(pictures, of_a_hundred);
            assert_eq!(found.verdict, verdict, "{pictures} {of_a_hundred}: {found:?}");
            assert_eq!(found.basis, Basis::Predictions);
            assert!(found.headline.contains("is right for 100% "), "{}", found.headline);
        }
    }

    #[test]
    fn labels_that_are_learned_by_heart_never_pass() {
        // New pictures are right by lot, as for labels that are drawn by lot.
        let mut passed = 0;
        for draw in 0..200 {
            let mut fake = Fake::bright(400);
            let train = fake.split.train.clone();
            let mut rng = candor_core::Seed(draw).rng();
            let lot: Vec<bool> = (0..400).map(|_| rng.below(2) == 0).collect();
            fake.answer(|index| train.binary_search(&index).is_ok() || lot[index]);
            let found = fake.with(|case| CHECK.run(case, &StandIn(&Bright(&fake))).unwrap());
            passed += usize::from(found.verdict == Verdict::Pass);
        }
        assert_eq!(passed, 0, "of 200");
    }

    #[test]
    fn only_the_own_recipe_is_trained_on_permuted_labels_and_no_predictions_are_inconclusive() {
        let mut fake = Fake::bright(160);
        let name = "own recipe, permuted labels: balanced accuracy, new pictures";
        let found = fake.with(|case| CHECK.run(case, &Bright(&fake)).unwrap());
        assert!(found.value(name).is_some() && found.tables[0].rows.len() == 2, "{found:?}");
        let found = fake.with(|case| CHECK.run(case, &StandIn(&Bright(&fake))).unwrap());
        assert!(found.value(name).is_none() && found.tables[0].rows.len() == 1, "{found:?}");
        fake.answers.remove(&Subset::Train);
        let found = fake.with(|case| CHECK.run(case, &Bright(&fake)).unwrap());
        assert_eq!(found.verdict, Verdict::Inconclusive);
    }
}
