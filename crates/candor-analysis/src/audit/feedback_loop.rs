//! What if the network decides which pictures are collected next, and learns from those?

use std::collections::BTreeSet;

use candor_core::Seed;

use super::attributes::{Grouping, groupings};
use super::folds::folds;
use super::seed_variance::spread;
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Series, Table, Task, Topic, Unit,
    Verdict,
};
use crate::evaluate::Interval;
use crate::interval::student;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Feedback loop",
    topic: Topic::SeesTheThing,
    cost: Cost::Training,
    permutes: false,
    asks: "What happens if it decides which pictures are collected next?",
    how: "A simulation on train and validation. A third of the pictures is kept for evaluation. A network learns from a fifth of the \
          others. Four times it picks another tenth of them: those that most probably show the wanted class. Their labels are \
          revealed, and a new network learns from everything collected so far. For comparison, the same number of pictures is drawn \
          at random. Each class is wanted in turn (at most the three most frequent), five times.",
    fail_means: "What is searched for decides what is learned: errors grow although nothing in the world has changed.",
    misleads: "Only pictures of this study can be collected. A real loop goes on, and nobody reveals the labels of what was not \
               collected. A loop that does no harm here can do harm elsewhere.",
    reference: "Lum & Isaac, To predict and serve?, Significance 13 (2016); Ensign et al., Runaway feedback loops in predictive \
                policing, FAT* (2018)",
    scale: Scale {
        pass: "For every wanted class, the loop costs less than 10 points of balanced accuracy compared with random collection (all \
               95 % intervals, corrected for the number of classes, are below 10 points), and no group is collected out of proportion.",
        inconclusive: "An interval contains 10 points and none is above; or random collection reaches less than 10 points above chance; \
                       or fewer than 100 pictures, or 10 of two classes, can be collected.",
        warn: "For at least one wanted class the loop costs 10 points or more (its whole interval), or a group makes up more than 1.5 \
               times its share of the wanted class among the collected pictures (binomial test, Bonferroni over groups and classes, \
               p < .05).",
        fail: "For at least one wanted class the loop costs 20 points or more (its whole interval).",
    },
    run,
};

const ID: &str = "feedback-loop";
const ROUNDS: usize = 4;
const REPEATS: usize = 5;
/// Classes that are wanted in turn, the most frequent first.
const MOST_CLASSES: usize = 3;
/// Of the collectable pictures: to begin with, and a round.
const BEGIN: usize = 5;
const ROUND: usize = 10;
/// Collectable pictures that are needed, and pictures of a class among them.
const LEAST: usize = 100;
const LEAST_OF_A_CLASS: usize = 10;
/// How often any of the intervals, and any of the tests of groups, may be wrong.
const ALPHA: f64 = 0.05;
/// Loss of balanced accuracy against random collection, from which on it warns and fails.
const WARN: f64 = 0.1;
const FAIL: f64 = 0.2;
/// How many times its share a group is collected, beyond chance.
const OUT_OF_PROPORTION: f64 = 1.5;
/// Pictures of a group among the collectable ones that are needed to say so.
const LEAST_OF_A_GROUP: usize = 20;
/// A gain over chance below this is nothing to lose.
const LEAST_GAIN: f64 = 0.1;

/// One collecting: what is wanted (nothing: drawn at random), which repetition, and what it has by now.
struct Arm {
    wanted: Option<usize>,
    repeat: usize,
    collected: Vec<usize>,
    left: Vec<usize>,
    /// Balanced accuracy on the judged pictures, by round.
    balanced: Vec<f64>,
}

/// What came of looking for one class.
struct Outcome {
    wanted: usize,
    /// Mean balanced accuracy by round.
    by_loop: Vec<f64>,
    by_lot: Vec<f64>,
    /// Mean loss of balanced accuracy against random collection at the end, and its interval over the repeats.
    loss: f64,
    interval: Interval,
}

impl Outcome {
    fn verdict(&self) -> Verdict {
        match self.interval {
            Interval { low, .. } if low >= FAIL => Verdict::Fail,
            Interval { low, .. } if low >= WARN => Verdict::Warn,
            Interval { high, .. } if high < WARN => Verdict::Pass,
            _ => Verdict::Inconclusive,
        }
    }
}

/// A group that is collected out of proportion.
struct Drift {
    what: String,
    name: String,
    wanted: usize,
    /// Its share among what the loop collected, and among the pictures of the wanted class.
    collected: f64,
    fair: f64,
}

fn run(case: &Case<'_>, learner: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let (pool, labels) = (case.pool(), case.labels());
    let seed = case.seed(ID);
    let cut = folds(case.units, &pool, &labels, 3, seed.derive("judged")).into_iter().next();
    let Some(cut) = cut.filter(|cut| cut.learn.len() >= LEAST) else {
        return Ok(too_few());
    };
    let wanted = wanted(case, &cut.learn, &labels);
    if wanted.len() < 2 {
        return Ok(too_few());
    }
    let mut arms: Vec<Arm> = [None]
        .into_iter()
        .chain(wanted.iter().copied().map(Some))
        .flat_map(|wanted| (0..REPEATS).map(move |repeat| (wanted, repeat)))
        .map(|(wanted, repeat)| Arm::begin(wanted, repeat, &cut.learn, &labels, seed))
        .collect();
    for round in 0..=ROUNDS {
        case.tell(ID, round, ROUNDS + 1)?;
        let tasks: Vec<Task> = arms.iter().map(|arm| arm.task(round, &labels, &cut.judge, seed)).collect();
        for (arm, answers) in arms.iter_mut().zip(learner.learn(&tasks)?) {
            let candidates = arm.judge(answers, cut.judge.len(), &labels);
            // After the last round nothing is learned from what would be collected.
            if round < ROUNDS {
                arm.collect(cut.learn.len() / ROUND, &candidates, seed.at(round as u64));
            }
        }
    }
    let outcomes: Vec<Outcome> = wanted.iter().map(|&class| outcome(&arms, class, wanted.len())).collect();
    let drifts = drifts(case, &arms, &wanted, &cut.learn, &labels);
    Ok(finding(case, &outcomes, &drifts).trained_on(pool.len(), learner))
}

fn too_few() -> Finding {
    Finding::inconclusive(
        format!(
            "Fewer than {LEAST} pictures, or {LEAST_OF_A_CLASS} of two classes, can be collected: too few for a simulation."
        ),
        "If a network's predictions decide what is collected, compare with randomly drawn pictures.",
    )
}

/// The classes that are wanted in turn.
fn wanted(case: &Case<'_>, collectable: &[usize], labels: &[usize]) -> Vec<usize> {
    let mut counts = vec![0; case.classes().len()];
    collectable.iter().for_each(|&index| counts[labels[index]] += 1);
    let mut classes: Vec<usize> =
        (0..counts.len()).filter(|&class| counts[class] >= LEAST_OF_A_CLASS).collect();
    classes.sort_by_key(|&class| std::cmp::Reverse(counts[class]));
    classes.truncate(MOST_CLASSES);
    classes
}

impl Arm {
    /// Every arm of one repetition begins with the same pictures: one of each class first, the others at random.
    fn begin(wanted: Option<usize>, repeat: usize, all: &[usize], labels: &[usize], seed: Seed) -> Arm {
        let mut left = all.to_vec();
        seed.derive("begin").at(repeat as u64).rng().shuffle(&mut left);
        let mut seen = BTreeSet::new();
        let (first, others): (Vec<usize>, Vec<usize>) =
            left.iter().partition(|&&index| seen.insert(labels[index]));
        let begin = all.len() / BEGIN;
        let mut collected = [first, others].concat();
        let left = collected.split_off(begin.min(collected.len()));
        Arm { wanted, repeat, collected, left, balanced: Vec::new() }
    }

    /// Repetitions differ in their seed, arms of one repetition do not.
    fn task(&self, round: usize, labels: &[usize], judge: &[usize], seed: Seed) -> Task {
        Task {
            labels: labels.to_vec(),
            learn: self.collected.clone(),
            answer: [judge, &self.left].concat(),
            seed: seed.derive("training").at((self.repeat * (ROUNDS + 1) + round) as u64),
        }
    }

    /// Notes how good it is on the first `judged` answers; the others are those for the pictures that are left.
    fn judge(&mut self, mut answers: Answers, judged: usize, labels: &[usize]) -> Answers {
        let classes = answers.probabilities.len() / answers.indices.len().max(1);
        let probabilities = answers.probabilities.split_off(judged * classes);
        let candidates = Answers { indices: answers.indices.split_off(judged), probabilities };
        self.balanced.push(answers.balanced_accuracy(labels));
        candidates
    }

    /// Collects `count` more: at random, or those that most probably show what is wanted.
    fn collect(&mut self, count: usize, candidates: &Answers, seed: Seed) {
        match self.wanted {
            None => seed.derive("lot").at(self.repeat as u64).rng().shuffle(&mut self.left),
            Some(class) => {
                let classes = candidates.probabilities.len() / candidates.indices.len().max(1);
                let mut order: Vec<usize> = (0..self.left.len()).collect();
                let sure = |place: usize| candidates.probabilities[place * classes + class];
                order.sort_by(|&a, &b| sure(b).total_cmp(&sure(a)).then(a.cmp(&b)));
                self.left = order.into_iter().map(|place| self.left[place]).collect();
            }
        }
        let rest = self.left.split_off(count.min(self.left.len()));
        self.collected.extend(std::mem::replace(&mut self.left, rest));
    }
}

/// `classes` are wanted in turn: the intervals of all hold together.
fn outcome(arms: &[Arm], wanted: usize, classes: usize) -> Outcome {
    let of =
        |wanted: Option<usize>| -> Vec<&Arm> { arms.iter().filter(|arm| arm.wanted == wanted).collect() };
    let (loops, lots) = (of(Some(wanted)), of(None));
    let mean_by_round = |arms: &[&Arm]| {
        let mean = |round: usize| arms.iter().map(|arm| arm.balanced[round]).sum::<f64>() / arms.len() as f64;
        (0..=ROUNDS).map(mean).collect()
    };
    let losses: Vec<f64> =
        loops.iter().zip(&lots).map(|(looped, lot)| lot.balanced[ROUNDS] - looped.balanced[ROUNDS]).collect();
    let (loss, scatter) = spread(&losses);
    let repeats = losses.len() as f64;
    let half = student::two_sided_quantile(ALPHA / classes as f64, repeats - 1.0) * scatter / repeats.sqrt();
    let interval = Interval { low: loss - half, high: loss + half };
    Outcome { wanted, by_loop: mean_by_round(&loops), by_lot: mean_by_round(&lots), loss, interval }
}

/// Groups that make up more of what was collected than of the wanted pictures, beyond chance. The pictures that all arms
/// began with are not a choice of the network's.
fn drifts(
    case: &Case<'_>,
    arms: &[Arm],
    wanted: &[usize],
    collectable: &[usize],
    labels: &[usize],
) -> Vec<Drift> {
    let (begin, groupings) = (collectable.len() / BEGIN, groupings(case));
    let groups: usize = groupings.iter().map(|grouping| grouping.names.len()).sum();
    let alpha = ALPHA / (groups * wanted.len()).max(1) as f64;
    let mut found = Vec::new();
    for &wanted in wanted {
        let of_class = arms.iter().filter(|arm| arm.wanted == Some(wanted));
        let picked: Vec<usize> = of_class.flat_map(|arm| &arm.collected[begin..]).copied().collect();
        // Pictures of the wanted class are what it is asked for: a group that has more of them may be collected more.
        let hits: Vec<usize> = collectable.iter().copied().filter(|&index| labels[index] == wanted).collect();
        for grouping in &groupings {
            let told = |members: &[usize]| -> Vec<usize> {
                members.iter().copied().filter(|&index| grouping.of[index].is_some()).collect()
            };
            let pictures = Choice { picked: &told(&picked), hits: &told(&hits), collectable, alpha };
            found.extend(out_of_proportion(case, grouping, wanted, &pictures));
        }
    }
    found.sort_by(|a, b| (b.collected - b.fair).total_cmp(&(a.collected - a.fair)));
    found
}

/// What was picked in all repeats, what was wanted, what could be picked, and the size of each test.
struct Choice<'a> {
    picked: &'a [usize],
    hits: &'a [usize],
    collectable: &'a [usize],
    alpha: f64,
}

fn out_of_proportion(
    case: &Case<'_>,
    grouping: &Grouping,
    wanted: usize,
    pictures: &Choice<'_>,
) -> Vec<Drift> {
    let Choice { picked, hits, collectable, alpha } = *pictures;
    if picked.is_empty() || hits.is_empty() {
        return Vec::new();
    }
    let count = |members: &[usize], group: usize| {
        members.iter().filter(|&&index| grouping.of[index] == Some(group)).count()
    };
    // The repeats collect much the same pictures, and pictures of one unit belong together: each unit counts once.
    let independent = case.independent(picked) as u64;
    let drift = |(group, name): (usize, &String)| {
        let collected = count(picked, group) as f64 / picked.len() as f64;
        let fair = count(hits, group) as f64 / hits.len() as f64;
        let successes = (collected * independent as f64).round() as u64;
        let drifts = count(collectable, group) >= LEAST_OF_A_GROUP
            && collected > OUT_OF_PROPORTION * fair
            && at_least(successes, independent, fair) < alpha;
        drifts.then(|| Drift { what: grouping.what.clone(), name: name.clone(), wanted, collected, fair })
    };
    grouping.names.iter().enumerate().filter_map(drift).collect()
}

/// The probability of `successes` or more out of `trials` that each succeed with probability `share`.
fn at_least(successes: u64, trials: u64, share: f64) -> f64 {
    if successes == 0 || share >= 1.0 {
        return 1.0;
    }
    if share <= 0.0 {
        return 0.0;
    }
    // Each term from the one before, as logarithms: the first may be too small for a number.
    let odds = (share / (1.0 - share)).ln();
    let mut log_term = trials as f64 * (1.0 - share).ln();
    let mut sum = 0.0;
    for k in 0..=trials {
        if k >= successes {
            sum += log_term.exp();
        }
        log_term += ((trials - k) as f64 / (k + 1) as f64).ln() + odds;
    }
    sum.min(1.0)
}

fn finding(case: &Case<'_>, outcomes: &[Outcome], drifts: &[Drift]) -> Finding {
    let classes = case.classes();
    let order = |outcome: &Outcome| (outcome.verdict(), outcome.loss);
    let worst = outcomes
        .iter()
        .max_by(|a, b| {
            let (a, b) = (order(a), order(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
        .expect("two classes are wanted");
    let chance = 1.0 / classes.len() as f64;
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let (by_lot, by_loop) = (worst.by_lot[ROUNDS], worst.by_loop[ROUNDS]);
    let learns = by_lot - chance >= LEAST_GAIN;
    let verdict = match () {
        () if !learns => Verdict::Inconclusive,
        () if drifts.is_empty() => worst.verdict(),
        () => worst.verdict().max(Verdict::Warn),
    };
    let headline = match drifts.first() {
        _ if !learns => format!(
            "From randomly drawn pictures it reaches a balanced accuracy of only {}: too little to say what a loop would cost.",
            per_cent(by_lot)
        ),
        Some(drift) if worst.verdict() < Verdict::Warn => format!(
            "When it collects pictures of “{}” by itself, {} of them are of “{}” ({}); of all pictures of that class, {} are.",
            classes[drift.wanted],
            per_cent(drift.collected),
            drift.name,
            drift.what,
            per_cent(drift.fair)
        ),
        _ => {
            let points = |share: f64| format!("{:.0}", 100.0 * share);
            format!(
                "After {ROUNDS} rounds of collecting “{}” by itself it reaches a balanced accuracy of {}, with randomly drawn pictures \
                 {}: a loss of {} points (95% interval {} to {}).",
                classes[worst.wanted],
                per_cent(by_loop),
                per_cent(by_lot),
                points(worst.loss),
                points(worst.interval.low),
                points(worst.interval.high)
            )
        }
    };
    let (meaning, advice) = words(verdict, learns);
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure("balanced accuracy, randomly drawn pictures", by_lot, Unit::Share)
        .figure("balanced accuracy, pictures that it chose", by_loop, Unit::Share)
        .figure_within("loss caused by the loop", worst.loss, worst.interval, Unit::Points)
        .with_series(series("drawn at random", &worst.by_lot))
        .with_series(series(&format!("it chose, wanted: “{}”", classes[worst.wanted]), &worst.by_loop));
    if drifts.is_empty() { finding } else { finding.with_table(table(classes, drifts)) }
}

fn words(verdict: Verdict, learns: bool) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("In this simulation, choosing its own pictures costs little.", ""),
        Verdict::Inconclusive if !learns => (
            "Where little is learned, a loop has little to spoil: this check cannot tell anything.",
            "Read better-than-chance first.",
        ),
        Verdict::Inconclusive => (
            "The repeats differ too much to tell whether the loop costs 10 points.",
            "Add pictures. If a network's predictions decide what is collected, add randomly drawn pictures to every round.",
        ),
        _ => (
            "A network that decides which pictures are collected makes its own data: what it already expects is confirmed, and what it \
             overlooks is never collected.",
            "Do not train on what the network itself selected. Add randomly drawn pictures to every round, and evaluate on those alone.",
        ),
    }
}

fn series(name: &str, by_round: &[f64]) -> Series {
    Series {
        title: format!("Balanced accuracy round by round, {name}"),
        x: "rounds of collecting".to_owned(),
        y: Some("balanced accuracy, per cent".to_owned()),
        points: by_round.iter().enumerate().map(|(round, value)| (round as f64, 100.0 * value)).collect(),
        mark: None,
    }
}

fn table(classes: &[String], drifts: &[Drift]) -> Table {
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let row = |drift: &Drift| {
        let (collected, fair) = (per_cent(drift.collected), per_cent(drift.fair));
        vec![classes[drift.wanted].clone(), drift.what.clone(), drift.name.clone(), fair, collected]
    };
    Table {
        title: "Groups that it collects out of proportion".to_owned(),
        heading: ["wanted", "attribute", "group", "share of the class", "share of what it collected"]
            .map(String::from)
            .to_vec(),
        rows: drifts.iter().take(20).map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bright, Fake};
    use super::super::{LearnError, Settings};
    use super::*;

    fn asked(fake: &Fake, learner: &dyn Learner) -> Finding {
        fake.with(|case| CHECK.run(case, learner).unwrap())
    }

    #[test]
    fn an_easy_task_is_not_spoilt_and_few_pictures_cannot_tell() {
        let fake = Fake::bright(400);
        let finding = asked(&fake, &Bright(&fake));
        assert_eq!(finding.verdict, Verdict::Pass, "{finding:?}");
        assert_eq!(finding.series[0].points.len(), ROUNDS + 1);
        let few = Fake::bright(60);
        assert_eq!(asked(&few, &Bright(&few)).verdict, Verdict::Inconclusive);
    }

    /// Believes that all light pictures come from the north, and knows a class only by the share of it that it has seen.
    struct Prejudiced<'a>(&'a Fake);

    impl Learner for Prejudiced<'_> {
        fn summary(&self) -> String {
            "a prejudice".to_owned()
        }

        fn learn(&self, tasks: &[Task]) -> Result<Vec<Answers>, LearnError> {
            let row = |&index: &usize| {
                let north = self.0.samples[index].attributes["region"] == "north";
                let light = match (north, self.0.samples[index].class) {
                    (true, 1) => 0.9,
                    (true, _) => 0.7,
                    (false, 1) => 0.6,
                    _ => 0.1,
                };
                [1.0 - light, light]
            };
            let answers = |task: &Task| Answers {
                indices: task.answer.clone(),
                probabilities: task.answer.iter().flat_map(row).collect(),
            };
            Ok(tasks.iter().map(answers).collect())
        }
    }

    #[test]
    fn a_group_that_is_collected_out_of_proportion_is_named() {
        let mut fake = Fake::bright(800);
        fake.settings = Settings { permutations: 9, ..fake.settings };
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            let region = if index / 8 % 2 == 0 { "north" } else { "south" };
            sample.attributes.insert("region".into(), region.into());
        }
        let finding = asked(&fake, &Prejudiced(&fake));
        assert_eq!(finding.verdict, Verdict::Warn, "{finding:?}");
        assert_eq!(finding.tables[0].rows[0][2], "north");
    }

    #[test]
    fn the_verdict_is_that_of_the_printed_interval() {
        let of = |low, high| Outcome {
            wanted: 0,
            by_loop: vec![],
            by_lot: vec![],
            loss: (low + high) / 2.0,
            interval: Interval { low, high },
        };
        for (low, high, expected) in [
            (-0.05, 0.09, Verdict::Pass),
            (0.02, 0.15, Verdict::Inconclusive),
            (0.1, 0.25, Verdict::Warn),
            (0.2, 0.3, Verdict::Fail),
        ] {
            assert_eq!(of(low, high).verdict(), expected, "{low} to {high}");
        }
    }

    #[test]
    fn binomial_tails() {
        for (successes, trials, share, expected) in
            [(0, 5, 0.3, 1.0), (5, 5, 0.5, 1.0 / 32.0), (8, 10, 0.5, 56.0 / 1024.0), (1, 2000, 0.0, 0.0)]
        {
            let found = at_least(successes, trials, share);
            assert!((found - expected).abs() < 1e-12, "{successes} of {trials}: {found}");
        }
        assert!((at_least(1000, 2000, 0.5) - 0.508_919_6).abs() < 1e-6, "{}", at_least(1000, 2000, 0.5));
    }

    #[test]
    fn columns_drawn_at_random_are_not_out_of_proportion() {
        let mut warned = 0;
        for seed in 0..200 {
            let mut fake = Fake::bright(240);
            let mut rng = Seed(seed).derive("columns").rng();
            for sample in &mut fake.samples {
                for column in ["a", "b", "c"] {
                    sample.attributes.insert(column.into(), rng.below(6).to_string());
                }
            }
            warned += usize::from(asked(&fake, &Bright(&fake)).verdict == Verdict::Warn);
        }
        // At most 5 %: 18 of 200 is beyond what that leaves open (p < .01).
        assert!(warned < 18, "{warned} of 200");
    }
}
