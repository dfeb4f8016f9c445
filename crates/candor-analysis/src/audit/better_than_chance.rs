//! Is the run better than chance? A test of its own predictions on pictures that it has not seen, and of its own recipe on
//! permuted labels.

mod predictions;
mod retraining;

use candor_core::Subset;

use super::{AuditErrorKind, Basis, Case, Check, Cost, Finding, Learner, Scale, Topic, Unit, Verdict};
use predictions::PredictionTest;
pub(super) use predictions::is_new;
use retraining::Retraining;
pub use retraining::trial;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Better than chance",
    topic: Topic::Learned,
    cost: Cost::Training,
    permutes: true,
    asks: "Could the accuracy be what chance gives when there is nothing to learn?",
    how: "The run's saved predictions for pictures that it has not seen are compared with up to 9,999 permutations of the labels; \
          what belongs together keeps one label, and every class counts alike. Then the run's own recipe is trained on parts of \
          train and validation, with the real labels and, split and all, with permuted ones, as often as the budget allows. A \
          p-value is the share of labellings that do at least as well, counting the real one among them, so it is never below \
          1 / (permutations + 1). Once ten permuted trainings did as well, the rest is left out.",
    fail_means: "The predictions for new pictures gain next to nothing over chance: a useful gain is excluded.",
    misleads: "Better than chance is not good: a watermark in a corner is better than chance. Validation pictures chose the epoch, so \
               their p-value is too small. And a recipe that is trained on two thirds of the pictures learns less than the run.",
    reference: "Ojala & Garriga, Permutation tests for studying classifier performance, JMLR 11 (2010); Winkler and others, \
                Multi-level block permutation, NeuroImage 123 (2015); Besag & Clifford, Sequential Monte Carlo p-values, \
                Biometrika 78 (1991)",
    scale: Scale {
        pass: "p ≤ .01 for the saved predictions on the test pictures; or p ≤ .05 there (p ≤ .01 on validation) and p ≤ .05 for at \
               least 39 trainings of the run's own recipe on permuted labels. Where there are sources, also p ≤ .05 within them",
        inconclusive: "neither a gain over chance is shown nor a gain of more than 10 points excluded, or the smallest possible \
                       p-value is above .05",
        warn: "",
        fail: "p > .05, and the upper end of the 95 % interval is at most 10 points above chance",
    },
    run,
};

const ID: &str = "better-than-chance";
/// Two tests have to agree at this level.
const LEVEL: f64 = 0.05;
/// The saved predictions show it alone: of a hundred labellings drawn by lot one gets this far.
const CERTAIN: f64 = 0.01;
/// Retraining can only confirm with a smallest possible p-value far enough below [`LEVEL`]: 39 permutations.
const LEAST_FLOOR: f64 = LEVEL / 2.0;
/// A gain over chance, every class counting alike, that would be of use. Where more is excluded, the check fails.
const USEFUL_GAIN: f64 = 0.10;

/// All that was tested.
struct Tests {
    /// Of the saved predictions.
    saved: Option<PredictionTest>,
    /// The same, labels permuted within sources only; where some source has pictures of several classes.
    within_sources: Option<PredictionTest>,
    /// Of the run's own recipe.
    retrained: Option<Retraining>,
    /// Seconds of one permutation of the recipe, where that is known.
    seconds: Option<f64>,
}

fn run(case: &Case<'_>, learner: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    case.tell(ID, 0, 1)?;
    let saved = PredictionTest::of(case, None);
    let sources = case.sources();
    let within_sources = sources.and_then(|sources| PredictionTest::of(case, Some(&sources)));
    let within_sources = within_sources.filter(|test| test.smallest_p <= LEVEL);
    let retrained = Retraining::of(case, learner)?;
    let trainings = (trial(case).len() / 2).max(1) as f64;
    let seconds = learner.own_recipe_seconds().map(|seconds| seconds * trainings);
    let tests = Tests { saved, within_sources, retrained, seconds };
    Ok(tests.finding(learner))
}

impl Tests {
    /// Whether the retraining rejects, with room below the level.
    fn recipe_agrees(&self, level: f64) -> bool {
        self.retrained.as_ref().is_some_and(|test| test.p <= level && test.smallest_p <= LEAST_FLOOR)
    }

    fn is_better(&self) -> bool {
        match &self.saved {
            Some(test) if test.subset == Subset::Test => {
                test.p <= CERTAIN || (test.p <= LEVEL && self.recipe_agrees(LEVEL))
            }
            Some(test) => test.p <= CERTAIN && self.recipe_agrees(LEVEL),
            None => self.recipe_agrees(CERTAIN),
        }
    }

    /// Whether the interval of the saved predictions leaves no room for a useful gain. Choosing the epoch makes them too good, so
    /// that validation pictures exclude it, too.
    fn excludes_useful_gain(&self) -> bool {
        self.saved.as_ref().is_some_and(|test| test.p > LEVEL && test.most_gain() <= USEFUL_GAIN)
    }

    fn verdict(&self) -> Verdict {
        let only_between_sources = self.within_sources.as_ref().is_some_and(|test| test.p > LEVEL);
        match () {
            () if self.excludes_useful_gain() => Verdict::Fail,
            () if self.is_better() && !only_between_sources => Verdict::Pass,
            () => Verdict::Inconclusive,
        }
    }

    fn finding(&self, learner: &dyn Learner) -> Finding {
        let verdict = self.verdict();
        let finding = Finding::new(verdict, self.headline(verdict), self.meaning(verdict))
            .advice(self.advice(verdict))
            .used(self.used(learner))
            .basis(if self.saved.is_some() { Basis::Predictions } else { Basis::OwnRecipe });
        let finding = self.saved.iter().fold(finding, |finding, test| test.figures(finding));
        let finding = match &self.within_sources {
            Some(test) => finding.figure("p-value within sources", test.p, Unit::PValue),
            None => finding,
        };
        self.retrained.iter().fold(finding, |finding, test| test.figures(finding))
    }

    fn headline(&self, verdict: Verdict) -> String {
        let Some(test) = &self.saved else { return self.headline_of_recipe(verdict) };
        let said = test.in_words();
        match verdict {
            Verdict::Pass => format!("Better than chance: {said} (p = {}).", p_in_words(test.p)),
            Verdict::Fail => {
                let most = points(test.most_gain().max(0.0));
                format!("No useful gain over chance: {said}. A gain of more than {most} is excluded.")
            }
            _ if self.is_better() => {
                let within = self.within_sources.as_ref().map_or(f64::NAN, |test| test.p);
                format!(
                    "Better than chance over all sources, but not shown within them (p = {}): {said}.",
                    p_in_words(within)
                )
            }
            _ if test.smallest_p > LEVEL => format!(
                "Chance cannot be excluded: {said}, and the smallest p-value that {} allow is {}.",
                test.independent_in_words(),
                p_in_words(test.smallest_p)
            ),
            _ if test.p <= LEVEL => {
                format!("Perhaps better than chance: {said} (p = {}).", p_in_words(test.p))
            }
            _ => format!(
                "Not shown to be better than chance: {said} (p = {}). Only a gain of about {} would have been detected.",
                p_in_words(test.p),
                points(test.detectable)
            ),
        }
    }

    /// Where nothing was predicted for new pictures.
    fn headline_of_recipe(&self, verdict: Verdict) -> String {
        let Some(test) = &self.retrained else {
            return "There are no predictions for pictures that the run has not seen, or too few pictures of a class.".into();
        };
        let said = test.in_words();
        match verdict {
            Verdict::Pass => format!("The run's recipe learns more than chance: {said}."),
            _ => format!("The run's recipe is not shown to learn more than chance: {said}."),
        }
    }

    fn meaning(&self, verdict: Verdict) -> String {
        let meaning = match verdict {
            Verdict::Pass => {
                "Labels without meaning do not give this accuracy on new pictures. What the network reads the class from is \
                 another question: the other checks ask it."
            }
            Verdict::Fail => {
                "On new pictures, the predictions are hardly better than guessing, however sure they look and however high the \
                 accuracy on the training pictures is."
            }
            _ if self.is_better() => {
                "It may tell the sources apart rather than the classes. Within one source the pictures do not show a difference."
            }
            _ if self
                .saved
                .as_ref()
                .is_some_and(|test| test.subset == Subset::Validation && test.p <= CERTAIN) =>
            {
                "The validation pictures chose the epoch, so their p-value is too small and cannot decide alone."
            }
            _ if self.saved.as_ref().is_some_and(|test| (CERTAIN..=LEVEL).contains(&test.p)) => {
                "Labels drawn by lot get this far up to one time in twenty. That is too often to rely on."
            }
            _ => {
                "This is neither good nor bad news: a classifier of some use could give these figures, and so could guessing."
            }
        };
        [Some(meaning.to_owned()), self.recipe_in_words(), self.time_in_words()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn recipe_in_words(&self) -> Option<String> {
        let test = self.retrained.as_ref().filter(|_| self.saved.is_some())?;
        Some(format!("Trained again, the run's own recipe gives {}.", test.in_words()))
    }

    /// What more certainty would take.
    fn time_in_words(&self) -> Option<String> {
        let (seconds, has_trained) = (self.seconds?, self.retrained.is_some());
        let takes = |permutations: f64| minutes(seconds * (permutations + 1.0));
        let only = if has_trained { "" } else { "The run's own recipe was not trained on permuted labels. " };
        Some(format!(
            "{only}On this machine, 19 permutations of its training take about {}, 99 {} and 999 {}.",
            takes(19.0),
            takes(99.0),
            takes(999.0)
        ))
    }

    fn advice(&self, verdict: Verdict) -> String {
        let advice = match verdict {
            Verdict::Pass => "",
            Verdict::Fail => {
                "Do not claim that it works. Check whether a picture shows what its label says; more or better labelled pictures \
                 can help."
            }
            _ if self.is_better() => {
                "Read what leave-one-source-out says; add pictures of all classes from each source."
            }
            _ if self
                .saved
                .as_ref()
                .is_some_and(|test| test.subset == Subset::Validation && test.p <= CERTAIN) =>
            {
                "Evaluate the run on its test pictures (`candor evaluate`), or give the audit a larger --budget."
            }
            _ => "Add pictures, above all to test, or give the audit a larger --budget.",
        };
        advice.to_owned()
    }

    fn used(&self, learner: &dyn Learner) -> String {
        let saved = self.saved.as_ref().map(|test| test.used());
        let trained = self.retrained.as_ref().map(|test| {
            format!("{} pictures of train and validation, by {}", test.pictures, learner.summary())
        });
        [saved, trained].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// `.0001`, `.03`, `.42`: as many digits as say something.
fn p_in_words(p: f64) -> String {
    let digits = match p {
        p if p < 0.001 => 4,
        p if p < 0.1 => 3,
        _ => 2,
    };
    format!("{p:.digits$}").trim_start_matches('0').to_owned()
}

fn points(share: f64) -> String {
    match (100.0 * share).round() as i64 {
        1 => "1 point".to_owned(),
        points => format!("{points} points"),
    }
}

fn minutes(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use candor_core::Seed;

    use super::super::Settings;
    use super::super::testing::{Bright, Fake, StandIn};
    use super::*;

    fn asked(fake: &Fake) -> Finding {
        fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap())
    }

    /// The predictions are drawn by lot.
    fn guessing(pictures: usize, seed: u64) -> Fake {
        let mut fake = Fake::bright(pictures);
        let mut rng = Seed(seed).rng();
        let right: Vec<bool> = (0..pictures).map(|_| rng.below(2) == 0).collect();
        fake.answer(|index| right[index]);
        fake
    }

    #[test]
    fn right_predictions_pass_and_the_predictions_decide_not_the_learner() {
        let good = asked(&Fake::bright(240));
        assert_eq!((good.verdict, good.basis), (Verdict::Pass, Basis::Predictions), "{good:?}");
        assert!(
            good.headline.starts_with("Better than chance: ") && good.value("p-value").unwrap() <= 0.0002
        );
        let alone = Fake::bright(240);
        let stand_in = alone.with(|case| CHECK.run(case, &StandIn(&Bright(&alone))).unwrap());
        assert_eq!((stand_in.verdict, stand_in.basis), (Verdict::Pass, Basis::Predictions));
        assert_eq!(stand_in.value("own recipe: p-value"), None, "a stand-in is not even trained");
    }

    #[test]
    fn guessing_is_inconclusive_with_few_pictures_and_fails_with_many() {
        let few = asked(&guessing(160, 3));
        assert_eq!(few.verdict, Verdict::Inconclusive, "{few:?}");
        assert!(few.headline.contains("would have been detected"), "{}", few.headline);
        let many = asked(&guessing(4_000, 3));
        assert_eq!(many.verdict, Verdict::Fail, "{many:?}");
        assert!(many.headline.contains("is excluded"), "{}", many.headline);
    }

    #[test]
    fn validation_pictures_alone_never_pass_and_few_units_say_so() {
        let mut fake = Fake::bright(240);
        fake.answers.remove(&Subset::Test);
        fake.settings = Settings { permutations: 19, ..fake.settings };
        let biased = asked(&fake);
        assert_eq!(biased.verdict, Verdict::Inconclusive, "19 permutations end at .05: {biased:?}");
        assert!(biased.meaning.contains("chose the epoch"), "{}", biased.meaning);
        fake.settings = Settings { permutations: 39, ..fake.settings };
        assert_eq!(asked(&fake).verdict, Verdict::Pass);
        let mut grouped = Fake::bright(240);
        for (index, sample) in grouped.samples.iter_mut().enumerate() {
            sample.group = Some(format!("{} {}", index % 2, index / 2 % 4));
        }
        let few = asked(&grouped);
        assert_eq!(few.verdict, Verdict::Inconclusive, "{few:?}");
        assert!(few.headline.contains("smallest p-value"), "{}", few.headline);
    }

    #[test]
    fn pictures_whose_copies_it_learned_from_are_no_new_pictures() {
        let mut fake = guessing(400, 8);
        let test = fake.split.test.clone();
        let train = fake.split.train.clone();
        // Each test picture has a copy in train, and of those alone it knows the label.
        for (number, &index) in test.iter().enumerate().take(80) {
            fake.samples[index].group = Some(number.to_string());
            fake.samples[train[number]].group = Some(number.to_string());
        }
        let known: std::collections::BTreeSet<usize> = test[..80].iter().copied().collect();
        let mut rng = Seed(4).rng();
        let lot: Vec<bool> = (0..400).map(|_| rng.below(2) == 0).collect();
        fake.answer(|index| known.contains(&index) || lot[index]);
        let finding = asked(&fake);
        assert_ne!(finding.verdict, Verdict::Pass, "{finding:?}");
        assert!(finding.used.contains("80 "), "{}", finding.used);
    }
}
