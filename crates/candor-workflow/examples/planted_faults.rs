//! How often each check finds each planted fault, and how often it cries where there is none: the table of `docs/audit.md`.
//!
//! ```text
//! cargo run --release -p candor-workflow --example planted_faults -- [DRAWS] [CONTROLS] [PERMUTATIONS] [PICTURES] \
//!     [fashion-mnist] [--only FAULT,…] [--check CHECK,…] [--side PIXELS] [--findings FILE]
//! cargo run --release -p candor-workflow --example planted_faults -- --table FILE FILE …
//! ```
//!
//! A draw is a study of its own: pictures, fault, split, a small network that stands for the run's, and all checks. A check
//! is said to have found something where it warns or fails. Prints a table in Markdown, and progress on standard error; FILE
//! gets every finding's figures, one a line as JSON, to see how far they lie from the thresholds; `--table` prints the table of
//! such files, so that it can be measured in parts. With a smaller side the networks
//! see smaller pictures and are trained faster. Last it tells how often a p-value of random labels was .05 or less: the size of the
//! permutation test, which should be 5 %.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;

use candor_analysis::Units;
use candor_analysis::audit::planted::{Fault, Planted, clean};
use candor_analysis::audit::{Answers, CHECKS, Case, Check, Finding, Learner, Settings, Task, Verdict};
use candor_core::{Channels, Dataset, Fit, Preprocessing, Seed, Silent, Subset};
use candor_data::demo;
use candor_workflow::{AuditPixels, NetworkLearner};
use serde_json::{Value, json};

/// Found something, and asked.
type Counts = BTreeMap<(&'static str, String), (usize, usize)>;

fn main() {
    if std::env::args().any(|word| word == "--table") {
        return print(&kept(std::env::args().skip_while(|word| word != "--table").skip(1)));
    }
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let number = |place: usize, usual: usize| numbers.get(place).copied().unwrap_or(usual);
    let (draws, controls) = (number(0, 20), number(1, 50));
    let settings = Settings { seed: Seed(1), permutations: number(2, 19) };
    let pictures = number(3, 500);
    let real = std::env::args().any(|word| word == "fashion-mnist");
    let only = option("--only");
    let wanted =
        |fault: &Fault| only.as_ref().is_none_or(|only| only.split(',').any(|name| name == fault.name()));
    let mut findings = option("--findings").map(|file| File::create(file).expect("the file can be made"));
    let (mut counts, mut small, mut drawn) = (Counts::new(), 0, 0);
    for fault in Fault::ALL.into_iter().filter(wanted) {
        let times = if fault == Fault::None { controls } else { draws };
        for draw in 0..times {
            let seed = Seed(1000 + draw as u64);
            let base = if real { fashion(pictures, seed) } else { clean(pictures, seed) };
            let planted = fault.plant(base, seed);
            audit(&planted, Settings { seed, ..settings }, |check, finding| {
                let entry = counts.entry((check.id, fault.name())).or_default();
                entry.0 += usize::from(finding.verdict >= Verdict::Warn);
                entry.1 += 1;
                if let Some(p) = finding.value("p-value").filter(|_| fault == Fault::RandomLabels) {
                    small += usize::from(p <= 0.05);
                    drawn += 1;
                }
                if let Some(file) = &mut findings {
                    let Finding { verdict, headline, figures, .. } = finding;
                    let line = json!({ "fault": fault.name(), "draw": draw, "check": check.id, "verdict": verdict,
                        "headline": headline, "figures": figures });
                    writeln!(file, "{line}").expect("the file can be written");
                }
            });
        }
        eprintln!("{}: {times} draws", fault.name());
    }
    print(&counts);
    if drawn > 0 {
        println!("\nrandom labels: p ≤ .05 in {small} of {drawn} draws");
    }
}

/// Counts of the findings in files that `--findings` wrote.
fn kept(files: impl Iterator<Item = String>) -> Counts {
    let mut counts = Counts::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        for line in text.lines() {
            let found: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{file}: {error}"));
            let check =
                Check::find(found["check"].as_str().unwrap_or_default()).expect("a check that exists");
            let verdict: Verdict = serde_json::from_value(found["verdict"].clone()).expect("a verdict");
            let fault = found["fault"].as_str().unwrap_or_default().to_owned();
            let entry = counts.entry((check.id, fault)).or_default();
            entry.0 += usize::from(verdict >= Verdict::Warn);
            entry.1 += 1;
        }
    }
    counts
}

/// Those of `--check`, or all.
fn checks() -> impl Iterator<Item = &'static Check> {
    let wanted = option("--check");
    CHECKS
        .into_iter()
        .filter(move |check| wanted.as_ref().is_none_or(|wanted| wanted.split(',').any(|id| id == check.id)))
}

/// What follows `name` among the arguments.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}

/// Two classes of the built-in pictures that are told apart easily, and not by their outline alone.
fn fashion(pictures: usize, seed: Seed) -> Planted {
    let source = demo::fashion_mnist();
    let wanted = [1usize, 8];
    let mut indices: Vec<usize> = (0..source.samples().len())
        .filter(|&index| wanted.contains(&source.samples()[index].class))
        .collect();
    seed.derive("pictures").rng().shuffle(&mut indices);
    let picture = |&index: &usize| {
        let image = source.image(index).expect("built-in pictures can be read");
        (image.to_channels(Channels::Rgb), usize::from(source.samples()[index].class == wanted[1]))
    };
    let names = wanted.map(|class| source.classes()[class].clone()).to_vec();
    Planted::of(names, indices.iter().take(pictures).map(picture).collect(), seed)
}

/// Trains a network that stands for the run's own, and asks every check.
fn audit(planted: &Planted, settings: Settings, mut found: impl FnMut(&'static Check, Finding)) {
    let first = planted.picture(0);
    let (height, width, channels) = (first.height(), first.width(), first.channels());
    let input = Preprocessing { height, width, channels, fit: Fit::Stretch };
    let side = option("--side").map(|side| side.parse().expect("a number of pixels"));
    let small = side.map_or(input, |side| Preprocessing { height: side, width: side, ..input });
    let pixels = AuditPixels::of(planted.len(), |index| small.apply(planted.picture(index)));
    let learner =
        NetworkLearner::new(&pixels, planted.classes().len(), 0, &Silent).expect("the network fits");
    // The classifier under audit is this very network.
    let learner = learner.into_own_recipe();
    let labels: Vec<usize> = planted.samples().iter().map(|sample| sample.class).collect();
    let of = |answer: &[usize]| Task {
        labels: labels.clone(),
        learn: planted.split.train.clone(),
        answer: answer.to_vec(),
        seed: settings.seed,
    };
    let network = learner.teach(&of(&[]), planted.classes()).expect("nobody stops it");
    let asked = Subset::ALL.map(|subset| of(planted.split.indices(subset)));
    let answers: BTreeMap<Subset, Answers> =
        Subset::ALL.into_iter().zip(learner.learn(&asked).expect("nobody stops it")).collect();
    let facts = planted.facts();
    let case = Case {
        pictures: planted,
        seen: &|index| input.apply(planted.picture(index)),
        facts: &facts,
        units: &Units::of(planted.samples(), &[]),
        split: &planted.split,
        answers: &answers,
        detector: None,
        purpose: None,
        stated: &[],
        findings: &[],
        classifier: Some(&network),
        settings,
        reporter: &Silent,
    };
    for check in checks() {
        match check.run(&case, &learner) {
            Ok(finding) => found(check, finding),
            Err(error) => eprintln!("{error}"),
        }
    }
}

/// Faults by rows, checks by columns, in per cent of the draws; bold where the check should find the fault.
fn print(counts: &Counts) {
    let heading: Vec<&str> = checks().map(|check| check.id).collect();
    println!("| fault | draws | {} |", heading.join(" | "));
    println!("|---|---|{}", "---|".repeat(heading.len()));
    for fault in Fault::ALL.into_iter().filter(|fault| counts.keys().any(|(_, name)| *name == fault.name())) {
        let name = fault.name();
        let cell = |check: &'static Check| {
            let (found, asked) = counts.get(&(check.id, name.clone())).copied().unwrap_or_default();
            if asked == 0 {
                return "–".to_owned();
            }
            let share = format!("{:.0}", 100.0 * found as f64 / asked as f64);
            if fault.found_by().contains(&check.id) { format!("**{share}**") } else { share }
        };
        let cells: Vec<String> = checks().map(cell).collect();
        let draws = checks()
            .filter_map(|check| counts.get(&(check.id, name.clone())))
            .map(|count| count.1)
            .max()
            .unwrap_or(0);
        println!("| {name} | {draws} | {} |", cells.join(" | "));
    }
}
