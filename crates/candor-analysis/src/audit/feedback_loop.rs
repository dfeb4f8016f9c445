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

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Feedback loop",
    topic: Topic::SeesTheThing,
    cost: Cost::Training,
    permutes: false,
    asks: "What becomes of it when it decides itself which pictures are collected next?",
    how: "A simulation on train and validation: a third is kept for judging. A network learns from a fifth of the others; four \
          times it picks another tenth of them, those that it is surest to show a class that is looked for; their labels are \
          told, and a new network learns from all that was collected. Beside it as many pictures are drawn \
          by lot. Each class is looked for in turn (the three most frequent at most), three times.",
    fail_means: "What it looks for decides what it learns: the errors grow, or a group of pictures is collected out of proportion, \
                 though nothing in the world has changed.",
    misleads: "Only what is in this study can be collected: a real loop goes on, and there nobody tells the labels of what was not \
               collected. A loop that does no harm here can do so elsewhere.",
    reference: "Lum & Isaac, To predict and serve?, Significance 13 (2016); Ensign et al., Runaway feedback loops in predictive \
                policing, FAT* (2018)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "feedback-loop";
const ROUNDS: usize = 4;
const REPEATS: usize = 3;
/// Classes that are looked for, the most frequent first.
const MOST_CLASSES: usize = 3;
/// Of the collectable pictures: to begin with, and a round.
const BEGIN: usize = 5;
const ROUND: usize = 10;
/// Collectable pictures that are needed, and pictures of a class among them.
const LEAST: usize = 100;
const LEAST_OF_A_CLASS: usize = 10;
/// Loss of balanced accuracy against drawing by lot, beyond what the repeats scatter.
const WARN: f64 = 0.1;
const FAIL: f64 = 0.2;
/// How many times its share a group is collected, beyond what the draw leaves open.
const OUT_OF_PROPORTION: f64 = 1.5;
/// Pictures of a group among the collectable ones that are needed to say so.
const LEAST_OF_A_GROUP: usize = 20;
/// A gain over chance below this is nothing to lose.
const LEAST_GAIN: f64 = 0.1;

/// One collecting: what is looked for (nothing: drawn by lot), which repetition, and what it has by now.
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
    /// Mean loss of balanced accuracy against drawing by lot at the end, and its standard error.
    loss: f64,
    error: f64,
}

impl Outcome {
    fn verdict(&self) -> Verdict {
        match self.loss {
            loss if loss < WARN || loss < 2.0 * self.error => Verdict::Pass,
            loss if loss < FAIL => Verdict::Warn,
            _ => Verdict::Fail,
        }
    }
}

/// A group that is collected out of proportion.
struct Drift {
    what: String,
    name: String,
    wanted: usize,
    /// Its share among what the loop collected, and among what drawing pictures of the wanted class by lot would collect.
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
    let outcomes: Vec<Outcome> = wanted.iter().map(|&class| outcome(&arms, class)).collect();
    let drifts = drifts(&groupings(case), &arms, &wanted, &cut.learn, &labels);
    Ok(finding(case, &outcomes, &drifts).trained_on(pool.len(), learner))
}

fn too_few() -> Finding {
    Finding::inconclusive(
        format!(
            "Fewer than {LEAST} pictures, or {LEAST_OF_A_CLASS} of two classes, could be collected: too few for a simulation."
        ),
        "Where the answers of a network decide what is collected, compare with pictures drawn by lot.",
    )
}

/// The classes that are looked for.
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
    /// Every arm of one repetition begins with the same pictures: one of each class first, the others by lot.
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

    /// Collects `count` more: by lot, or those that it is surest to show what is looked for.
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

fn outcome(arms: &[Arm], wanted: usize) -> Outcome {
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
    let error = scatter / (losses.len() as f64).sqrt();
    Outcome { wanted, by_loop: mean_by_round(&loops), by_lot: mean_by_round(&lots), loss, error }
}

/// Groups that make up more of what was collected than of the pictures that are looked for, beyond the interval. The pictures
/// that all arms began with are no choice of the network's.
fn drifts(
    groupings: &[Grouping],
    arms: &[Arm],
    wanted: &[usize],
    collectable: &[usize],
    labels: &[usize],
) -> Vec<Drift> {
    let begin = collectable.len() / BEGIN;
    let mut found = Vec::new();
    for &wanted in wanted {
        let of_class = arms.iter().filter(|arm| arm.wanted == Some(wanted));
        let picked: Vec<usize> = of_class.flat_map(|arm| &arm.collected[begin..]).copied().collect();
        // Pictures of the wanted class are what it is asked for: a group that has more of them may be collected more.
        let hits: Vec<usize> = collectable.iter().copied().filter(|&index| labels[index] == wanted).collect();
        for grouping in groupings {
            found.extend(out_of_proportion(grouping, wanted, &picked, &hits, collectable));
        }
    }
    found.sort_by(|a, b| (b.collected - b.fair).total_cmp(&(a.collected - a.fair)));
    found
}

fn out_of_proportion(
    grouping: &Grouping,
    wanted: usize,
    picked: &[usize],
    hits: &[usize],
    collectable: &[usize],
) -> Vec<Drift> {
    let told = |members: &[usize]| members.iter().filter(|&&index| grouping.of[index].is_some()).count();
    let count = |members: &[usize], group: usize| {
        members.iter().filter(|&&index| grouping.of[index] == Some(group)).count()
    };
    let (all, of) = (told(picked), told(hits));
    let drift = |(group, name): (usize, &String)| {
        let collected = count(picked, group) as f64 / all as f64;
        let fair = count(hits, group) as f64 / of as f64;
        // The repeats collect much the same pictures: they count once.
        let low = Interval::of_share(collected, (all / REPEATS).max(1)).low;
        let drifts = count(collectable, group) >= LEAST_OF_A_GROUP
            && collected > OUT_OF_PROPORTION * fair
            && low > fair;
        drifts.then(|| Drift { what: grouping.what.clone(), name: name.clone(), wanted, collected, fair })
    };
    match all.min(of) {
        0 => Vec::new(),
        _ => grouping.names.iter().enumerate().filter_map(drift).collect(),
    }
}

fn finding(case: &Case<'_>, outcomes: &[Outcome], drifts: &[Drift]) -> Finding {
    let classes = case.classes();
    let worst = outcomes.iter().max_by(|a, b| a.loss.total_cmp(&b.loss)).expect("two classes are looked for");
    let chance = 1.0 / classes.len() as f64;
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let (by_lot, by_loop) = (worst.by_lot[ROUNDS], worst.by_loop[ROUNDS]);
    let verdict = match () {
        () if by_lot - chance < LEAST_GAIN => Verdict::Inconclusive,
        () if drifts.is_empty() => worst.verdict(),
        () => worst.verdict().max(Verdict::Warn),
    };
    let headline = match (verdict, drifts.first()) {
        (Verdict::Inconclusive, _) => {
            format!(
                "It learns too little from pictures drawn by lot ({}) to say what a loop would spoil.",
                per_cent(by_lot)
            )
        }
        (_, Some(drift)) if worst.verdict() == Verdict::Pass => format!(
            "Looking for “{}” by itself it collects {} of {} “{}”, which are {} of those that are looked for.",
            classes[drift.wanted],
            per_cent(drift.collected),
            drift.what,
            drift.name,
            per_cent(drift.fair)
        ),
        _ => format!(
            "After {ROUNDS} rounds of looking for “{}” by itself it reaches {} of a balanced accuracy; with pictures drawn by lot {}.",
            classes[worst.wanted],
            per_cent(by_loop),
            per_cent(by_lot)
        ),
    };
    let (meaning, advice) = match verdict {
        Verdict::Pass => ("In this simulation it does not spoil its own pictures.", ""),
        Verdict::Inconclusive => (
            "Where nothing is learned, nothing can be reinforced that is true.",
            "See what better-than-chance says first.",
        ),
        _ => (
            "A network that decides whom to look at makes its own data: what it already believes is confirmed, and what it overlooks \
             is never seen.",
            "Do not train on what the network itself selected. Add pictures drawn by lot to every round, and judge on those alone.",
        ),
    };
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure("balanced accuracy, pictures drawn by lot", by_lot, Unit::Share)
        .figure("balanced accuracy, pictures that it chose", by_loop, Unit::Share)
        .figure("loss by the loop", worst.loss, Unit::Points)
        .figure("standard error of the loss", worst.error, Unit::Points)
        .with_series(series("by lot", &worst.by_lot))
        .with_series(series(&format!("it chose, looking for “{}”", classes[worst.wanted]), &worst.by_loop));
    if drifts.is_empty() { finding } else { finding.with_table(table(classes, drifts)) }
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
        heading: ["looked for", "attribute", "group", "share of the class", "share of what it collected"]
            .map(String::from)
            .to_vec(),
        rows: drifts.iter().take(20).map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bright, Fake};
    use super::super::{LearnError, LearnerKind, Settings};
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
        fn kind(&self) -> LearnerKind {
            LearnerKind::OwnRecipe
        }

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
}
