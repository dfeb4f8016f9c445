//! Size and power, by simulation, of the checks that compare groups, of calibration and of the comparison of runs.
//!
//! ```text
//! cargo run --release -p candor-analysis --example size_and_power -- [DRAWS] [only these: subgroups calibration compare]
//! ```
//!
//! Size: how often a difference is called clear (corrected p ≤ .05) where there is none, with the exact binomial interval of
//! that share. Power: how often one of a given size is. Predictions are drawn with a known truth; no network is trained.

use std::collections::BTreeMap;

use candor_analysis::audit::{
    Answers, Case, Check, Facts, Finding, LearnError, Learner, P_VALUE, Settings, Task, Verdict,
};
use candor_analysis::interval::{Groups, compare_pairs};
use candor_analysis::{LabelledPredictions, Units};
use candor_core::{
    Channels, Dataset, Image, Provenance, ReadError, Rng, Sample, SampleId, Seed, Silent, Split, Subset,
};
use rayon::prelude::*;

const LEVEL: f64 = 0.05;

/// What one draw is made of.
#[derive(Clone, Copy)]
struct Plan {
    pictures: usize,
    /// Columns of two words drawn by lot, beside `kind`.
    noise: usize,
    /// Pictures of one person, 1 for none.
    of_one: usize,
    /// How often class 0 is among the first and the second `kind`.
    first_class: [f64; 2],
    /// Share of errors by `kind` and class.
    errors: [[f64; 2]; 2],
    /// Standard deviation of a person's own luck, added to the share of errors.
    luck: f64,
    /// Stated probabilities lie between these.
    stated: [f64; 2],
    /// By how much it is too sure; then errors follow from what is stated.
    too_sure: Option<f64>,
}

const PLAIN: Plan = Plan {
    pictures: 300,
    noise: 0,
    of_one: 1,
    first_class: [0.5, 0.5],
    errors: [[0.15, 0.15], [0.15, 0.15]],
    luck: 0.0,
    stated: [0.6, 0.95],
    too_sure: None,
};

/// A data set without pictures worth looking at, and predictions for all of it.
struct Study {
    classes: Vec<String>,
    samples: Vec<Sample>,
    answers: BTreeMap<Subset, Answers>,
}

impl Dataset for Study {
    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn samples(&self) -> &[Sample] {
        &self.samples
    }

    fn image(&self, _: usize) -> Result<Image, ReadError> {
        Ok(blank())
    }
}

fn blank() -> Image {
    Image::new(1, 1, Channels::Grey, vec![0]).expect("one pixel")
}

/// The checks here train nothing.
struct Nobody;

impl Learner for Nobody {
    fn summary(&self) -> String {
        "nobody".to_owned()
    }

    fn learn(&self, _: &[Task]) -> Result<Vec<Answers>, LearnError> {
        Ok(Vec::new())
    }
}

impl Study {
    fn draw(plan: &Plan, seed: Seed) -> Study {
        let mut rng = seed.rng();
        let (mut samples, mut probabilities) = (Vec::new(), Vec::new());
        let mut person = (0, 0.0);
        for index in 0..plan.pictures {
            if index % plan.of_one == 0 {
                person = (rng.below(2), plan.luck * (rng.unit() + rng.unit() + rng.unit() - 1.5) * 2.0);
            }
            let (sample, row) = one(plan, index, person, &mut rng);
            samples.push(sample);
            probabilities.extend(row);
        }
        let indices = (0..plan.pictures).collect();
        let answers = [(Subset::Test, Answers { indices, probabilities })].into();
        Study { classes: vec!["no".into(), "yes".into()], samples, answers }
    }

    fn ask(&self, check: &str) -> Finding {
        let facts = vec![Facts::of(&blank(), None); self.samples.len()];
        let split =
            Split { train: Vec::new(), validation: Vec::new(), test: (0..self.samples.len()).collect() };
        let case = Case {
            pictures: self,
            seen: &|_| blank(),
            copies: &[],
            facts: &facts,
            units: &Units::of(&self.samples, &[]),
            split: &split,
            answers: &self.answers,
            classifier: None,
            detector: None,
            purpose: None,
            stated: &[],
            findings: &[],
            settings: Settings { seed: Seed(1), permutations: 0 },
            reporter: &Silent,
        };
        let check = Check::find(check).expect("it is one of the checks");
        check.run(&case, &Nobody).expect("nothing is read and nothing is trained")
    }
}

fn one(plan: &Plan, index: usize, (kind, luck): (usize, f64), rng: &mut Rng) -> (Sample, [f32; 2]) {
    let class = usize::from(rng.unit() >= plan.first_class[kind]);
    let stated = rng.range(plan.stated[0], plan.stated[1]);
    let wrong = match plan.too_sure {
        Some(too_sure) => 1.0 - stated + too_sure,
        None => plan.errors[kind][class],
    };
    let predicted = if rng.unit() < wrong + luck { 1 - class } else { class };
    let mut attributes: BTreeMap<String, String> = (0..plan.noise)
        .map(|column| (format!("noise{column}"), ["x", "y"][rng.below(2)].to_owned()))
        .collect();
    attributes.insert("kind".to_owned(), ["a", "b"][kind].to_owned());
    let sample = Sample {
        id: SampleId::of(&index.to_le_bytes()),
        class,
        group: (plan.of_one > 1).then(|| (index / plan.of_one).to_string()),
        provenance: Provenance { file: "drawn.csv".into(), row: Some(index as u64), url: None },
        attributes,
    };
    let (high, low) = (stated as f32, 1.0 - stated as f32);
    (sample, if predicted == 0 { [high, low] } else { [low, high] })
}

/// How many draws of how many a condition holds for.
fn count(draws: usize, holds: impl Fn(Seed) -> bool + Sync) -> usize {
    (0..draws as u64).into_par_iter().filter(|&draw| holds(Seed(2024).at(draw))).count()
}

/// Clopper and Pearson's exact interval, by halving.
fn exact(hits: usize, trials: usize) -> [f64; 2] {
    let tail = |p: f64, range: std::ops::RangeInclusive<usize>| -> f64 {
        let log = |n: usize| libm::lgamma(n as f64 + 1.0);
        let term = |k: usize| {
            (log(trials) - log(k) - log(trials - k)
                + k as f64 * p.ln()
                + (trials - k) as f64 * (1.0 - p).ln())
            .exp()
        };
        range.map(term).sum()
    };
    let halve = |goes_up: &dyn Fn(f64) -> bool| {
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..50 {
            let middle = 0.5 * (low + high);
            if goes_up(middle) { low = middle } else { high = middle }
        }
        0.5 * (low + high)
    };
    let low = if hits == 0 { 0.0 } else { halve(&|p| tail(p, hits..=trials) < 0.025) };
    let high = if hits == trials { 1.0 } else { halve(&|p| tail(p, 0..=hits) > 0.025) };
    [low, high]
}

fn report(what: &str, hits: usize, draws: usize) {
    let [low, high] = exact(hits, draws).map(|end| 100.0 * end);
    println!("| {what} | {draws} | {:.1} % ({low:.1} to {high:.1}) |", 100.0 * hits as f64 / draws as f64);
}

fn rejects(finding: &Finding) -> bool {
    finding.value(P_VALUE).is_some_and(|p| p <= LEVEL)
}

/// Whether a kind of error, not the errors as a whole, is called clear by some column.
fn rejects_a_kind(finding: &Finding) -> bool {
    finding.tables[0].rows.iter().any(|row| row[1] != "errors" && row[7].starts_with("clear"))
}

fn subgroups(draws: usize) {
    for noise in [0, 1, 9] {
        let plan = Plan { noise, ..PLAIN };
        let hits = count(draws, |seed| rejects(&Study::draw(&plan, seed).ask("subgroups")));
        report(&format!("size, {} columns", noise + 1), hits, draws);
    }
    let persons = Plan { noise: 1, of_one: 10, luck: 0.2, pictures: 600, ..PLAIN };
    let hits = count(draws, |seed| rejects(&Study::draw(&persons, seed).ask("subgroups")));
    report("size, 60 persons of 10 pictures, each with their own luck", hits, draws);
    let classes = Plan { first_class: [0.7, 0.3], errors: [[0.3, 0.1]; 2], noise: 1, ..PLAIN };
    let hits = count(draws, |seed| rejects_a_kind(&Study::draw(&classes, seed).ask("subgroups")));
    report(
        "size of false positives and negatives, classes of other frequency and difficulty by group",
        hits,
        draws,
    );
    for gap in [0.05, 0.10, 0.15, 0.20, 0.30] {
        for noise in [0, 9] {
            let plan = Plan { noise, errors: [[0.15 + gap; 2], [0.15; 2]], ..PLAIN };
            let hits = count(draws, |seed| rejects(&Study::draw(&plan, seed).ask("subgroups")));
            report(&format!("power, gap of {:.0} points, {} columns", 100.0 * gap, noise + 1), hits, draws);
        }
    }
    let opposite = Plan { errors: [[0.3, 0.0], [0.0, 0.3]], noise: 1, ..PLAIN };
    let hits = count(draws, |seed| Study::draw(&opposite, seed).ask("subgroups").verdict == Verdict::Fail);
    report("power, equal errors, opposite ones of 30 points: fail", hits, draws);
}

fn calibration(draws: usize) {
    let plans = [
        ("blunt", [0.55, 0.75], 300),
        ("sharp", [0.95, 1.0], 300),
        ("mixed", [0.5, 1.0], 300),
        ("mixed", [0.5, 1.0], 60),
        ("mixed", [0.5, 1.0], 2000),
    ];
    for (name, stated, pictures) in plans {
        let plan = Plan { stated, pictures, too_sure: Some(0.0), noise: 1, ..PLAIN };
        let hits = count(draws, |seed| rejects(&Study::draw(&plan, seed).ask("calibration")));
        report(&format!("size, {name}, {pictures} pictures"), hits, draws);
    }
    // Errors between 20 and 40 % with a little luck stay between 0 and 1: the mean is as stated.
    let persons =
        Plan { of_one: 10, luck: 0.06, stated: [0.6, 0.8], pictures: 600, too_sure: Some(0.0), ..PLAIN };
    let hits = count(draws, |seed| rejects(&Study::draw(&persons, seed).ask("calibration")));
    report("size, 60 persons of 10 pictures, each with their own luck", hits, draws);
    for too_sure in [0.03, 0.06, 0.10, 0.15] {
        for pictures in [300, 1000] {
            let plan = Plan { too_sure: Some(too_sure), pictures, ..PLAIN };
            let hits = count(draws, |seed| rejects(&Study::draw(&plan, seed).ask("calibration")));
            report(
                &format!("power, too sure by {:.0} points, {pictures} pictures", 100.0 * too_sure),
                hits,
                draws,
            );
        }
    }
}

/// Models of two classes, each right with its share; a picture may be easy or hard for all.
fn models(shares: &[f64], pictures: usize, seed: Seed) -> Vec<LabelledPredictions> {
    let mut rng = seed.rng();
    let hard: Vec<f64> = (0..pictures).map(|_| rng.range(-0.15, 0.15)).collect();
    let truth: Vec<usize> = (0..pictures).map(|at| at % 2).collect();
    let model = |&share: &f64| {
        let row = |(&hard, &class): (&f64, &usize)| {
            let right = rng.unit() < share + hard;
            if right == (class == 0) { [0.75, 0.25] } else { [0.25, 0.75] }
        };
        let rows = hard.iter().zip(&truth).flat_map(row).collect();
        LabelledPredictions::new(vec!["no".into(), "yes".into()], truth.clone(), rows)
            .expect("rows add up to 1")
    };
    shares.iter().map(model).collect()
}

fn compare(draws: usize) {
    let is_found = |shares: &[f64], pictures: usize, seed: Seed| {
        let models = models(shares, pictures, seed);
        let pairs = compare_pairs(&models, &Groups::singles(pictures), seed).expect("the same pictures");
        pairs.iter().any(|pair| pair.outcome.rejects(LEVEL))
    };
    for (runs, pictures) in [(2, 60), (2, 300), (5, 300), (11, 300)] {
        let hits = count(draws, |seed| is_found(&vec![0.8; runs], pictures, seed));
        report(&format!("size, {runs} runs, {pictures} pictures"), hits, draws);
    }
    for better in [0.85, 0.9] {
        for runs in [2, 11] {
            let shares: Vec<f64> = (0..runs).map(|run| if run == 0 { better } else { 0.75 }).collect();
            let hits = count(draws, |seed| is_found(&shares, 300, seed));
            report(
                &format!("power, one of {runs} runs better by {:.0} points", 100.0 * (better - 0.75)),
                hits,
                draws,
            );
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let draws = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1000);
    let named: Vec<&String> = words.iter().filter(|word| word.parse::<usize>().is_err()).collect();
    for name in ["subgroups", "calibration", "compare"] {
        if named.is_empty() || named.iter().any(|word| *word == name) {
            println!("\n**{name}**\n\n| what | draws | corrected p ≤ .05 |\n|---|---|---|");
            match name {
                "subgroups" => subgroups(draws),
                "calibration" => calibration(draws),
                _ => compare(draws),
            }
        }
    }
}
