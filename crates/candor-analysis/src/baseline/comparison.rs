//! A model beside the baselines, on the pictures of one subset: does it beat the best of them?

use serde::{Deserialize, Serialize};

use crate::LabelledPredictions;
use crate::evaluate::Accuracy;
use crate::interval::{BestDifference, Bootstrap, Difference, Groups, McNemar, difference_to_best};

/// A p-value below this is called clear.
const CLEAR: f64 = 0.05;

/// A model beside the baselines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselineComparison {
    /// The model's own accuracy on the same pictures.
    pub model: Accuracy,
    /// Pictures that the baselines learned from.
    pub learned_from: usize,
    /// Training pictures there were.
    pub training_pictures: usize,
    /// Whether the model's best epoch was chosen by these very pictures, which flatters the model.
    #[serde(default)]
    pub epoch_chosen_here: bool,
    /// Each baseline that learned, in the order of [`BASELINES`](super::BASELINES).
    pub baselines: Vec<BaselineScore>,
    /// Those that did not, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// The id of the best one. It is chosen on these very pictures: [`difference_to_best`] says how that is accounted for.
    pub best: String,
    /// Accuracy of the model less that of the best baseline, by the paired bootstrap over groups. `None` where there
    /// are too few groups to resample.
    pub difference: Option<Difference>,
    /// The exact test of the same, corrected for the choice; `only_first` counts what only the baseline gets right.
    pub mcnemar: McNemar,
    /// What follows.
    pub verdict: Verdict,
}

/// How well one baseline did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaselineScore {
    /// Its id in [`BASELINES`](super::BASELINES).
    pub id: String,
    /// Share of right answers.
    pub accuracy: Accuracy,
}

/// A baseline without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: String,
}

/// Whether the model is better than the best baseline. A difference counts as clear when the bootstrap's interval
/// leaves out 0 *and* McNemar's p-value is below .05: with few pictures the first alone says so too easily, with
/// groups the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Clearly better.
    Better,
    /// The pictures do not tell.
    NoClearDifference,
    /// Clearly worse.
    Worse,
}

/// One baseline's answers: its id, and a class for each picture.
pub type Guesses = (&'static str, Vec<usize>);

impl BaselineComparison {
    /// Holds `model` against the `guesses` of the baselines on the same pictures; `None` without any guesses.
    /// `learned_from` of `training_pictures` pictures taught the baselines.
    ///
    /// # Panics
    /// When a baseline has another number of answers than the model, a class that there is not, or `groups` is no
    /// partition of the pictures.
    pub fn of(
        model: &LabelledPredictions,
        guesses: &[Guesses],
        groups: &Groups,
        plan: Bootstrap,
        (learned_from, training_pictures): (usize, usize),
    ) -> Option<BaselineComparison> {
        let scores: Vec<BaselineScore> =
            guesses.iter().map(|guesses| score(model, groups, guesses)).collect();
        let right = |answers: &[usize]| answers.iter().zip(model.truth()).map(|(a, b)| a == b).collect();
        let others: Vec<Vec<bool>> = guesses.iter().map(|(_, answers)| right(answers)).collect();
        let own: Vec<bool> = right(model.predicted());
        let BestDifference { best, difference, mcnemar } = difference_to_best(&own, &others, groups, plan)?;
        Some(BaselineComparison {
            model: accuracy(model.truth(), groups, model.predicted()),
            learned_from,
            training_pictures,
            epoch_chosen_here: false,
            baselines: scores,
            left_out: Vec::new(),
            best: guesses[best].0.to_owned(),
            verdict: Verdict::of(difference.as_ref(), &mcnemar),
            difference,
            mcnemar,
        })
    }

    /// Whether the baselines learned from all pictures that the model learned from, and neither was chosen by the pictures of
    /// the comparison. Else a model that is right more often has not beaten them.
    pub fn is_of_equals(&self) -> bool {
        self.learned_from == self.training_pictures && !self.epoch_chosen_here
    }

    /// The best baseline's score.
    pub fn best(&self) -> Option<&BaselineScore> {
        self.baselines.iter().find(|score| score.id == self.best)
    }
}

impl Verdict {
    /// Of a second model against a first.
    pub fn of(difference: Option<&Difference>, mcnemar: &McNemar) -> Verdict {
        let clear = mcnemar.p_value < CLEAR;
        match difference {
            Some(difference) if clear && difference.interval.low > 0.0 => Verdict::Better,
            Some(difference) if clear && difference.interval.high < 0.0 => Verdict::Worse,
            _ => Verdict::NoClearDifference,
        }
    }
}

fn score(model: &LabelledPredictions, groups: &Groups, (id, answers): &Guesses) -> BaselineScore {
    assert_eq!(answers.len(), model.len(), "{id}: one answer a picture");
    BaselineScore { id: (*id).to_owned(), accuracy: accuracy(model.truth(), groups, answers) }
}

fn accuracy(truth: &[usize], groups: &Groups, answers: &[usize]) -> Accuracy {
    Accuracy::of_groups(groups, |picture| truth[picture] == answers[picture])
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_core::Seed;

    /// Two classes in turns, 200 pictures; the answers are wrong where `wrong` says so.
    fn answers(wrong: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..200).map(|index| if wrong(index) { 1 - index % 2 } else { index % 2 }).collect()
    }

    fn model(wrong: impl Fn(usize) -> bool) -> LabelledPredictions {
        let truth = answers(|_| false);
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let even = LabelledPredictions::new(classes, truth, vec![0.5; 400]).unwrap();
        even.with_answers(&answers(wrong))
    }

    fn compare(model: &LabelledPredictions, guesses: &[Guesses]) -> BaselineComparison {
        let plan = Bootstrap { resamples: 500, seed: Seed(1) };
        BaselineComparison::of(model, guesses, &Groups::singles(200), plan, (20, 60)).unwrap()
    }

    #[test]
    fn the_verdict_follows_the_figures() {
        let guesses = [("border", answers(|i| i % 3 == 0)), ("rbf-svm", answers(|i| i % 4 == 0))];
        type Wrong = fn(usize) -> bool;
        let cases: [(Wrong, Verdict); 3] = [
            (|i| i % 20 == 0, Verdict::Better),
            (|i| i % 4 == 1, Verdict::NoClearDifference),
            (|i| i % 2 == 0, Verdict::Worse),
        ];
        for (wrong, verdict) in cases {
            let comparison = compare(&model(wrong), &guesses);
            assert_eq!(comparison.verdict, verdict, "{comparison:?}");
            assert_eq!(comparison.best().unwrap().accuracy.correct, 150);
        }
    }

    #[test]
    fn a_few_pictures_of_luck_are_not_clear() {
        let eight = |wrong: &[usize]| {
            (0..8).map(|i| if wrong.contains(&i) { 1 - i % 2 } else { i % 2 }).collect::<Vec<_>>()
        };
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let even = LabelledPredictions::new(classes, eight(&[]), vec![0.5; 16]).unwrap();
        let plan = Bootstrap { resamples: 500, seed: Seed(1) };
        let guesses = [("border", eight(&[0, 1, 2, 3]))];
        let model = even.with_answers(&eight(&[]));
        let comparison = BaselineComparison::of(&model, &guesses, &Groups::singles(8), plan, (8, 8)).unwrap();
        assert_eq!(comparison.difference.unwrap().value, 0.5);
        assert_eq!(comparison.verdict, Verdict::NoClearDifference);
    }

    #[test]
    fn without_guesses_there_is_nothing_to_say_and_json_gives_it_back() {
        let good = model(|_| false);
        let plan = Bootstrap { resamples: 10, seed: Seed(1) };
        assert_eq!(BaselineComparison::of(&good, &[], &Groups::singles(200), plan, (1, 1)), None);
        let comparison = compare(&good, &[("border", answers(|i| i % 3 == 0))]);
        let text = serde_json::to_string(&comparison).unwrap();
        assert_eq!(serde_json::from_str::<BaselineComparison>(&text).unwrap(), comparison);
    }
}
