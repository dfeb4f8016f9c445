//! Which labels are probably wrong? Copies under different labels, and confident learning on calibrated answers of networks
//! that had not seen the picture.

mod confident_learning;
mod contradictions;
mod noise;

use std::collections::HashMap;

use candor_core::SampleId;

use confident_learning::most_probable;
pub use confident_learning::{Suspicions, confident_learning};
use contradictions::{Contradictions, contradictions};
pub use noise::{Calibrated, WrongLabels, calibrated, wrong_labels};

use super::folds::folds;
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Evidence, Figure, Finding, Learner, Scale, Shown, Table,
    Task, Topic, Unit, Verdict,
};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Label errors",
    topic: Topic::SoundData,
    cost: Cost::Training,
    permutes: false,
    asks: "Which labels are probably wrong, and how many?",
    how: "Copies of one picture that carry different labels come first: that is a fact. Then train and validation are cut into \
          five folds; each picture is answered for by two networks, which learned from two other folds each. Networks that \
          learned from different pictures contradict each other about as often as they err; what they contradict the labels beyond that is \
          the estimated share of wrong labels. The list holds the labels that confident learning suspects by their mean \
          probabilities, which are calibrated by a temperature that the other folds give, since small networks are too sure; \
          of how many of them the label is expected to be wrong is stated.",
    fail_means: "A good part of the labels contradicts what all other pictures teach: the figures say as much about the labels \
                 as about the network.",
    misleads: "Only a person can say that a label is wrong. Many pictures that are hard for all networks in the same way would \
               count as wrong labels. Errors that are made systematically are learned, not found. Networks that learned little \
               find nothing.",
    reference: "Northcutt, Jiang & Chuang, Confident learning: estimating uncertainty in dataset labels, JAIR 70 (2021)",
    scale: Scale {
        pass: "No copies carry different labels, and networks contradict at most 5 % of the labels (upper end of the interval).",
        inconclusive: "More labels are contradicted, but networks that learned from different pictures contradict each other \
                       about as often; or most of the suspected labels are expected to be right; or a class has fewer than 10 \
                       pictures; or the networks learned too little.",
        warn: "Copies carry different labels, or at least 2 % of the labels are wrong (lower end of the interval) and at least \
               half of the suspected ones are expected to be.",
        fail: "At least 8 % of the labels are wrong (lower end of the interval), and at least half of the suspected ones are \
               expected to be.",
    },
    run,
};

const ID: &str = "label-errors";
const FOLDS: usize = 5;
/// Shares of wrong labels by the lower end of the interval.
const WARN: f64 = 0.02;
const FAIL: f64 = 0.08;
/// The upper end up to which the labels pass.
const CLEAN: f64 = 0.05;
/// With fewer wrong labels than this expected among the suspected ones, they are only a list to look at.
const PRECISION: f64 = 0.5;
/// Out-of-fold accuracy (every class alike) below this share of the way from chance to 1 says nothing of labels.
/// With a fifth of the labels wrong, half of the way is all that could be reached.
const LEARNED: f64 = 0.25;
/// Suspects that are kept as evidence.
const EXHIBITS: usize = 200;
/// Pictures of a class that are needed for five folds.
const LEAST: usize = 10;

fn run(case: &Case<'_>, learner: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let (pool, labels) = (case.pool(), case.labels());
    let contradictions = contradictions(case);
    let mut counts = vec![0; case.classes().len()];
    pool.iter().for_each(|&index| counts[labels[index]] += 1);
    if case.units.count(&pool) < 2 * FOLDS || counts.iter().any(|&count| count > 0 && count < LEAST) {
        return Ok(without_networks(case, &contradictions));
    }
    case.tell(ID, 0, 2 * FOLDS)?;
    let [first, second] = twice_by_fold(case, learner)?;
    let own: Vec<usize> = first.answers.indices.iter().map(|&index| labels[index]).collect();
    let units = numbered(&first.answers.indices, |index| case.units.unit(index));
    let classes = case.classes().len();
    let wrong =
        wrong_labels(&own, [&first.answers.probabilities, &second.answers.probabilities], classes, &units);
    let mean = mean_of(&first.answers, &second.answers);
    let calibrated = calibrated(&own, &mean.probabilities, classes, &first.fold, wrong.share);
    let found = confident_learning(&own, &calibrated.probabilities, classes);
    let evaluated =
        Evaluated { case, answers: &mean, own: &own, wrong, calibrated: &calibrated, found: &found };
    let finding = evaluated
        .finding(&contradictions)
        .used(format!(
            "{} pictures of train and validation, each answered for twice by {} that had not seen it; copies were looked for \
             among all pictures, and no model answered for the test split",
            pool.len(),
            learner.summary()
        ))
        .trained_by(learner);
    Ok(contradictions.come_first(finding))
}

/// What can be said where a class is too small for five folds.
fn without_networks(case: &Case<'_>, contradictions: &Contradictions) -> Finding {
    let few = format!(
        "A class has fewer than {LEAST} pictures in train and validation: too few to learn from the others."
    );
    if contradictions.clusters.is_empty() {
        return Finding::inconclusive(few, "Look at all pictures of the small classes by eye.");
    }
    Finding::new(Verdict::Warn, format!("{}{few}", contradictions.sentence()), CONTRADICTED)
        .advice("Look at the pictures below, correct the labels, and look at the small classes by eye.")
        .figure("labels contradicted by copies", contradictions.least_wrong as f64, Unit::Count)
        .with_evidence(contradictions.evidence(case))
}

const CONTRADICTED: &str = "One picture cannot be of two classes, unless the classes overlap. The network learns both, and at \
                            least one of them counts as an error in every evaluation.";

/// Answers for the pictures of train and validation, each the mean of two learners that had not seen it.
///
/// # Errors
/// When the person asks to stop, or the learner gives up.
pub fn out_of_fold(case: &Case<'_>, learner: &dyn Learner) -> Result<Answers, AuditErrorKind> {
    let [first, second] = twice_by_fold(case, learner)?;
    Ok(mean_of(&first.answers, &second.answers))
}

/// Answers of one row of learners, and the fold in which each picture was left out.
struct OutOfFold {
    answers: Answers,
    fold: Vec<usize>,
}

/// By two rows of learners: for the pictures of each fold, one that learned from two of the others, and one from two more. So
/// the two have no picture in common.
fn twice_by_fold(case: &Case<'_>, learner: &dyn Learner) -> Result<[OutOfFold; 2], AuditErrorKind> {
    let (pool, labels) = (case.pool(), case.labels());
    let seed = case.seed(ID);
    let parts: Vec<Vec<usize>> = folds(case.units, &pool, &labels, FOLDS, seed.derive("folds"))
        .into_iter()
        .map(|cut| cut.judge)
        .collect();
    let task = |row: usize, fold: usize| {
        let mut learn: Vec<usize> =
            (1..=2).flat_map(|step| parts[(fold + 2 * row + step) % parts.len()].clone()).collect();
        learn.sort_unstable();
        Task {
            labels: labels.clone(),
            learn,
            answer: parts[fold].clone(),
            seed: seed.derive("training").at((row * FOLDS + fold) as u64),
        }
    };
    let tasks: Vec<Task> = (0..2)
        .flat_map(|row| (0..parts.len()).map(move |fold| (row, fold)))
        .map(|(row, fold)| task(row, fold))
        .collect();
    let mut answers = learner.learn(&tasks)?;
    let second = answers.split_off(parts.len());
    Ok([joined(answers), joined(second)])
}

fn joined(folds: Vec<Answers>) -> OutOfFold {
    let fold =
        folds.iter().enumerate().flat_map(|(fold, answers)| vec![fold; answers.indices.len()]).collect();
    let answers = Answers {
        indices: folds.iter().flat_map(|answers| answers.indices.clone()).collect(),
        probabilities: folds.into_iter().flat_map(|answers| answers.probabilities).collect(),
    };
    OutOfFold { answers, fold }
}

fn mean_of(first: &Answers, second: &Answers) -> Answers {
    let mean = first.probabilities.iter().zip(&second.probabilities).map(|(a, b)| (a + b) / 2.0);
    Answers { indices: first.indices.clone(), probabilities: mean.collect() }
}

/// Units of the pictures, counted from 0.
fn numbered(indices: &[usize], unit: impl Fn(usize) -> usize) -> Vec<usize> {
    let mut numbers = HashMap::new();
    let number = |&index: &usize| {
        let fresh = numbers.len();
        *numbers.entry(unit(index)).or_insert(fresh)
    };
    indices.iter().map(number).collect()
}

/// Answers for pictures that were not seen, and what follows from them.
struct Evaluated<'a> {
    case: &'a Case<'a>,
    answers: &'a Answers,
    own: &'a [usize],
    wrong: WrongLabels,
    calibrated: &'a Calibrated,
    found: &'a Suspicions,
}

impl Evaluated<'_> {
    fn row(&self, place: usize) -> &[f32] {
        let classes = self.case.classes().len();
        &self.calibrated.probabilities[place * classes..(place + 1) * classes]
    }

    /// How many of the suspected labels are expected to be wrong.
    fn expected(&self) -> f64 {
        self.found.suspects.iter().map(|&place| self.calibrated.wrong[place]).sum()
    }

    fn verdict(&self, learned: bool) -> Verdict {
        let precise = self.expected() >= PRECISION * self.found.suspects.len() as f64;
        let WrongLabels { low, high, .. } = self.wrong;
        match () {
            () if !learned => Verdict::Inconclusive,
            () if low >= FAIL && precise => Verdict::Fail,
            () if low >= WARN && precise => Verdict::Warn,
            () if low < WARN && high <= CLEAN => Verdict::Pass,
            () => Verdict::Inconclusive,
        }
    }

    fn finding(&self, contradictions: &Contradictions) -> Finding {
        let accuracy = self.answers.balanced_accuracy(&self.case.labels());
        let chance = 1.0 / self.case.classes().len() as f64;
        let learned = (accuracy - chance) / (1.0 - chance) >= LEARNED;
        let verdict = self.verdict(learned);
        let networks = match learned {
            false => format!(
                "The networks learned too little ({:.0}% right on pictures they had not seen) to say more about the labels.",
                100.0 * accuracy
            ),
            true => self.sentence(),
        };
        let (meaning, advice) = match verdict {
            _ if !contradictions.clusters.is_empty() => (
                CONTRADICTED,
                "Look at the pictures below, the copies first, correct the labels that are wrong, and train again.",
            ),
            Verdict::Pass => (
                "Few labels contradict what the other pictures teach. Those listed are worth a look all the same.",
                "",
            ),
            Verdict::Inconclusive => (
                "These networks cannot tell wrong labels from hard pictures well enough. Most suspected labels may be right.",
                "Look at the first of the list. If most of their labels are right, the list is one of hard pictures.",
            ),
            _ => (
                "Wrong labels teach the network wrong things, and in the test they make right answers count as wrong ones.",
                "Look at the pictures below, the first ones first, correct the labels that are wrong, and train again.",
            ),
        };
        let mut order = self.found.suspects.clone();
        order.sort_by(|&a, &b| self.calibrated.wrong[b].total_cmp(&self.calibrated.wrong[a]).then(a.cmp(&b)));
        let mut evidence = contradictions.evidence(self.case);
        evidence.extend(order.iter().take(EXHIBITS).map(|&place| self.exhibit(place)));
        let WrongLabels { contradicted, disagreement, share, low, high } = self.wrong;
        let share = Figure {
            name: "share of wrong labels, estimated".to_owned(),
            value: Some(share),
            interval: Some(Interval { low, high }),
            unit: Unit::Share,
        };
        let suspects = self.found.suspects.len();
        let precision = self.expected() / suspects.max(1) as f64;
        let mut finding = Finding::new(verdict, networks, meaning)
            .advice(advice)
            .figure("labels contradicted by copies", contradictions.least_wrong as f64, Unit::Count)
            .figure("labels that networks contradict", contradicted, Unit::Share)
            .figure("how often they contradict each other", disagreement, Unit::Share)
            .figure("suspected labels", suspects as f64, Unit::Count)
            .figure("expected share of wrong labels among the suspected", precision, Unit::Share)
            .figure("balanced accuracy on pictures not seen", accuracy, Unit::Share)
            .with_table(joint_table(self.case.classes(), &self.found.confident_joint))
            .with_evidence(evidence);
        finding.figures.insert(0, share);
        finding
    }

    fn sentence(&self) -> String {
        let WrongLabels { contradicted, disagreement, share, low, high } = self.wrong;
        let [contradicted, disagreement, share, low, high] =
            [contradicted, disagreement, share, low, high].map(|share| format!("{:.1} %", 100.0 * share));
        let contradict = format!(
            "Networks contradict {contradicted} of the {} labels and each other on {disagreement} of the pictures",
            self.own.len()
        );
        let claim = match self.wrong.low > 0.0 {
            true => format!("about {share} of the labels are wrong ({low} to {high})"),
            false => format!("no sign of wrong labels, of which there may be up to {high}"),
        };
        let expected = self.expected().round() as usize;
        match self.found.suspects.len() {
            0 => format!("{contradict}: {claim}. None is suspected."),
            1 => format!("{contradict}: {claim}. 1 label is listed to look at."),
            some => format!(
                "{contradict}: {claim}. {some} labels are listed to look at; about {expected} of them are expected to be wrong."
            ),
        }
    }

    fn exhibit(&self, place: usize) -> Evidence {
        let (label, answer) = (self.own[place], most_probable(self.row(place)));
        let classes = self.case.classes();
        let answered = 100.0 * self.row(place)[answer];
        Evidence {
            note: format!(
                "labelled “{}”, predicted “{}” ({answered:.0}%); the label is wrong with {:.0}%",
                classes[label],
                classes[answer],
                100.0 * self.calibrated.wrong[place]
            ),
            pictures: vec![Shown::of(self.case, self.answers.indices[place])],
        }
    }
}

/// The pairs of classes that are suspected of each other, the most frequent first.
fn joint_table(classes: &[String], joint: &[Vec<usize>]) -> Table {
    let pairs = (0..classes.len()).flat_map(|a| (0..classes.len()).map(move |b| (a, b)));
    let mut pairs: Vec<(usize, usize)> = pairs.filter(|&(a, b)| a != b && joint[a][b] > 0).collect();
    pairs.sort_by_key(|&(a, b)| std::cmp::Reverse(joint[a][b]));
    let row =
        |&(a, b): &(usize, usize)| vec![classes[a].clone(), classes[b].clone(), joint[a][b].to_string()];
    Table {
        title: "Labelled so, confidently answered so".to_owned(),
        heading: ["label", "answer", "pictures"].map(String::from).to_vec(),
        rows: pairs.iter().take(20).map(row).collect(),
    }
}

/// The ids of suspected pictures of a finding, for a list to be worked through.
pub fn suspects(finding: &Finding) -> impl Iterator<Item = SampleId> {
    finding.evidence.iter().flat_map(|evidence| evidence.pictures.iter().map(|shown| shown.id))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bright, Fake};
    use super::super::{Basis, LearnError, LearnerKind};
    use super::*;

    /// Sure of its answers, and wrong for one picture in fifty, each learner for others.
    struct Sure<'a>(Bright<'a>);

    impl Learner for Sure<'_> {
        fn kind(&self) -> LearnerKind {
            LearnerKind::OwnRecipe
        }

        fn summary(&self) -> String {
            self.0.summary()
        }

        fn learn(&self, tasks: &[Task]) -> Result<Vec<Answers>, LearnError> {
            let mut answers = self.0.learn(tasks)?;
            for (task, answers) in tasks.iter().zip(&mut answers) {
                let mut rng = task.seed.rng();
                for row in answers.probabilities.chunks_exact_mut(2) {
                    row.iter_mut().for_each(|p| *p = if *p > 0.5 { 0.999 } else { 0.001 });
                    if rng.below(50) == 0 {
                        row.swap(0, 1);
                    }
                }
            }
            Ok(answers)
        }
    }

    /// The same network in the place of the run's own.
    struct StandIn<'a>(Sure<'a>);

    impl Learner for StandIn<'_> {
        fn summary(&self) -> String {
            self.0.summary()
        }

        fn learn(&self, tasks: &[Task]) -> Result<Vec<Answers>, LearnError> {
            self.0.learn(tasks)
        }
    }

    fn asked(fake: &Fake) -> Finding {
        fake.with(|case| CHECK.run(case, &Sure(Bright(fake))).unwrap())
    }

    fn flip(fake: &mut Fake, every: usize) -> Vec<usize> {
        let flipped: Vec<usize> =
            fake.split.train.iter().copied().filter(|index| index % every == 0).collect();
        flipped.iter().for_each(|&index| fake.samples[index].class = 1 - fake.samples[index].class);
        flipped
    }

    #[test]
    fn planted_errors_are_found_and_a_network_that_is_too_sure_of_hard_pictures_does_not_warn() {
        let mut fake = Fake::bright(1200);
        let clean = asked(&fake);
        assert_eq!(clean.verdict, Verdict::Pass, "{clean:?}");
        assert!(!clean.headline.contains("surely"), "{}", clean.headline);
        let flipped = flip(&mut fake, 4);
        let finding = asked(&fake);
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
        let listed: Vec<usize> = finding.evidence.iter().map(|evidence| evidence.pictures[0].index).collect();
        let right = listed.iter().filter(|index| flipped.contains(index)).count();
        assert!(10 * right >= 8 * listed.len(), "{right} of {}", listed.len());
        assert!(suspects(&finding).count() >= listed.len());
        assert!(finding.evidence[0].note.starts_with("labelled “"), "{:?}", finding.evidence[0]);
    }

    #[test]
    fn copies_under_two_labels_are_a_fact_and_come_first() {
        let mut fake = Fake::bright(1200);
        let (dark, light) = (fake.split.train[0], fake.split.train[1]);
        fake.samples[light].id = fake.samples[dark].id;
        let finding = asked(&fake);
        assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
        assert_eq!(finding.value("labels contradicted by copies"), Some(1.0));
        assert!(
            finding
                .headline
                .starts_with("Copies of 1 picture carry different labels: at least 1 label is wrong.")
        );
        assert_eq!(finding.evidence[0].pictures.len(), 2);
        // They are a fact, whatever network looked at the other labels.
        let hint = fake.with(|case| CHECK.run(case, &StandIn(Sure(Bright(&fake)))).unwrap());
        assert!(
            hint.headline.starts_with("Copies of 1 picture") && hint.headline.contains("A hint from"),
            "{hint:?}"
        );
        assert_eq!((hint.verdict, hint.basis), (Verdict::Warn, Basis::Pictures));
        // Of one group, but not copies: no contradiction.
        let mut grouped = Fake::bright(1200);
        [dark, light].into_iter().for_each(|index| grouped.samples[index].group = Some("ann".to_owned()));
        assert_eq!(asked(&grouped).value("labels contradicted by copies"), Some(0.0));
    }

    #[test]
    fn thresholds_are_those_of_each_class() {
        let labels = [0, 0, 1, 1];
        let probabilities = [0.9, 0.1, 0.2, 0.8, 0.3, 0.7, 0.1, 0.9];
        let found = confident_learning(&labels, &probabilities, 2);
        assert_eq!(found.confident_joint, [[1, 1], [0, 1]]);
        assert_eq!(found.suspects, [1]);
    }
}
