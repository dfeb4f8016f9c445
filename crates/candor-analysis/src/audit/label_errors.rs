//! Which labels are probably wrong? Confident learning on answers of networks that had not seen the picture.

mod confident_learning;

use candor_core::SampleId;

use confident_learning::most_probable;
pub use confident_learning::{Suspicions, confident_learning};

use super::folds::folds;
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Evidence, Finding, Learner, Scale, Shown, Table, Task, Topic,
    Unit, Verdict,
};

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Label errors",
    topic: Topic::SoundData,
    cost: Cost::Training,
    permutes: false,
    asks: "Which labels are probably wrong, and how many?",
    how: "Train and validation are cut into five folds; each is answered for by a network that learned from the others. Where \
          the answer for another class is at least as sure as is usual for pictures that carry that label, the label is counted as \
          wrong (confident learning); so many pictures are suspected, those that are least sure of their label and lean most to the \
          other. The surest come first; those that are also below 5 % for their own label and above 90 % for \
          the other are counted apart, because hard pictures are suspected too.",
    fail_means: "A good part of the labels contradicts what all other pictures teach: the figures judge the labels as much as \
                 the network.",
    misleads: "A network that learned little suspects everything, and classes that are alike are suspected of each other. Only a \
               person can say that a label is wrong. Errors that are made systematically are learned, not found.",
    reference: "Northcutt, Jiang & Chuang, Confident learning: estimating uncertainty in dataset labels, JAIR 70 (2021)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "label-errors";
const FOLDS: usize = 5;
/// Below this for its own label and above that for another one: hardly only a hard picture.
const OWN: f32 = 0.05;
const OTHER: f32 = 0.9;
/// Shares of such pictures.
const WARN: f64 = 0.02;
const FAIL: f64 = 0.08;
/// Out-of-fold accuracy (every class alike) below this share of the way from chance to 1 says nothing of labels.
/// With a fifth of the labels wrong, half of the way is all that could be reached.
const LEARNED: f64 = 0.25;
/// Suspects that are kept as evidence.
const EXHIBITS: usize = 200;
/// Pictures of a class that are needed for five folds.
const LEAST: usize = 10;

fn run(case: &Case<'_>, learner: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let (pool, labels) = (case.pool(), case.labels());
    let mut counts = vec![0; case.classes().len()];
    pool.iter().for_each(|&index| counts[labels[index]] += 1);
    if counts.iter().any(|&count| count > 0 && count < LEAST) {
        return Ok(Finding::inconclusive(
            format!(
                "A class has fewer than {LEAST} pictures in train and validation: too few to learn from the others."
            ),
            "Look at all pictures of the small classes by eye.",
        ));
    }
    case.tell(ID, 0, FOLDS)?;
    let answers = out_of_fold(case, learner)?;
    let own: Vec<usize> = answers.indices.iter().map(|&index| labels[index]).collect();
    let found = confident_learning(&own, &answers.probabilities, case.classes().len());
    let finding = finding(case, &answers, &own, &found);
    Ok(finding
        .used(format!(
        "{} pictures of train and validation, each answered for by {} that had not seen it; the test split was not touched",
        pool.len(),
        learner.summary()
    ))
    .trained_by(learner))
}

/// Answers for the pictures of train and validation, each by a learner that had not seen it; in the order of the five folds.
///
/// # Errors
/// When the person asks to stop, or the learner gives up.
pub fn out_of_fold(case: &Case<'_>, learner: &dyn Learner) -> Result<Answers, AuditErrorKind> {
    let (pool, labels) = (case.pool(), case.labels());
    let seed = case.seed(ID);
    let cuts = folds(case.units, &pool, &labels, FOLDS, seed.derive("folds"));
    let task = |(number, cut): (usize, super::folds::Cut)| Task {
        labels: labels.clone(),
        learn: cut.learn,
        answer: cut.judge,
        seed: seed.derive("training").at(number as u64),
    };
    let tasks: Vec<Task> = cuts.into_iter().enumerate().map(task).collect();
    let answers = learner.learn(&tasks)?;
    Ok(Answers {
        indices: answers.iter().flat_map(|answers| answers.indices.clone()).collect(),
        probabilities: answers.into_iter().flat_map(|answers| answers.probabilities).collect(),
    })
}

fn finding(case: &Case<'_>, answers: &Answers, own: &[usize], found: &Suspicions) -> Finding {
    let classes = case.classes();
    let row = |place: usize| &answers.probabilities[place * classes.len()..(place + 1) * classes.len()];
    let is_sure =
        |&&place: &&usize| row(place)[own[place]] < OWN && row(place)[most_probable(row(place))] > OTHER;
    let sure = found.suspects.iter().filter(is_sure).count();
    let pictures = own.len();
    let share = sure as f64 / pictures as f64;
    let accuracy = answers.balanced_accuracy(&case.labels());
    let chance = 1.0 / classes.len() as f64;
    let learned = (accuracy - chance) / (1.0 - chance) >= LEARNED;
    let verdict = match () {
        () if !learned => Verdict::Inconclusive,
        () if share >= FAIL => Verdict::Fail,
        () if share >= WARN => Verdict::Warn,
        () => Verdict::Pass,
    };
    let headline = match verdict {
        Verdict::Inconclusive => format!(
            "The networks learned too little ({:.0}% right on pictures they had not seen) to say anything of the labels.",
            100.0 * accuracy
        ),
        _ => format!(
            "{} of {pictures} labels are suspected, {sure} of them surely ({:.1}%).",
            found.suspects.len(),
            100.0 * share
        ),
    };
    let (meaning, advice) = match verdict {
        Verdict::Pass => (
            "Few labels contradict what the other pictures teach. Those listed are worth a look all the same.",
            "",
        ),
        Verdict::Inconclusive => (
            "Whom a guess contradicts is not therefore wrong.",
            "See what better-than-chance says first; look through the labels by eye.",
        ),
        _ => (
            "Wrong labels teach the network wrong things, and in the test they make right answers count as wrong ones.",
            "Look at the pictures below, the first ones first, correct the labels that are wrong, and train again.",
        ),
    };
    let note = |place: usize| {
        let (label, answer) = (own[place], most_probable(row(place)));
        let sure = 100.0 * row(place)[answer];
        format!("labelled “{}”, answered “{}” ({sure:.0}%)", classes[label], classes[answer])
    };
    let exhibit = |&place: &usize| Evidence {
        note: note(place),
        pictures: vec![Shown::of(case, answers.indices[place])],
    };
    Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure("suspected labels", found.suspects.len() as f64, Unit::Count)
        .figure("surely suspected labels", sure as f64, Unit::Count)
        .figure("share of surely suspected labels", share, Unit::Share)
        .figure("balanced accuracy on pictures not seen", accuracy, Unit::Share)
        .with_table(joint_table(classes, &found.confident_joint))
        .with_evidence(found.suspects.iter().take(EXHIBITS).map(exhibit))
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
    use super::*;

    #[test]
    fn planted_errors_are_found_and_clean_labels_pass() {
        let mut fake = Fake::bright(240);
        let asked = |fake: &Fake| fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap());
        assert_eq!(asked(&fake).verdict, Verdict::Pass);
        let flipped: Vec<usize> = fake.split.train.iter().copied().step_by(10).collect();
        flipped.iter().for_each(|&index| fake.samples[index].class = 1 - fake.samples[index].class);
        let finding = asked(&fake);
        // The fake is never surer than .9, so nothing is surely suspected.
        let mut found: Vec<usize> =
            finding.evidence.iter().map(|evidence| evidence.pictures[0].index).collect();
        found.sort_unstable();
        assert_eq!(found, flipped);
        assert_eq!(suspects(&finding).count(), flipped.len());
        assert!(finding.evidence[0].note.starts_with("labelled “"), "{:?}", finding.evidence[0]);
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
