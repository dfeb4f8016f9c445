//! How often each check finds each planted fault, and how often it warns or fails where there is none: the table of
//! `docs/audit.md`.
//!
//! ```text
//! cargo run --release -p candor-workflow --example planted_faults -- [--base NAME,…] [--fault NAME,…] [--check ID,…] \
//!     [--draws N] [--from SEED] [--pictures N] [--permutations N] --findings FILE
//! cargo run --release -p candor-workflow --example planted_faults -- --table FILE FILE …
//! ```
//!
//! A draw is a study of its own: pictures of two classes, a fault, a split, a small network that stands for the run's, and the
//! checks asked for. A check has found something where it warns or fails. FILE gets one line of JSON a finding, so that the
//! table can be measured in parts; `--table` prints it from such files, with exact (Clopper–Pearson) 95 % intervals.
//!
//! Bases are `drawn`, `fashion` and `fashion-2` (built in), and with `CANDOR_SHARED` `mnist`, `trashnet`, `trashnet-2` and
//! `cats-dogs`. Faults and bases have halves ([`Half`]): thresholds may be fixed on the first, the docs state the second.

mod bases;
mod exact;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write;

use bases::{BASES, Base};
use candor_analysis::Units;
use candor_analysis::audit::planted::{Fault, Half, Planted};
use candor_analysis::audit::{Answers, CHECKS, Case, Check, Finding, Learner, Settings, Task, Verdict};
use candor_analysis::near_duplicates::{copies_among, verified};
use candor_core::{Channels, Dataset, Fit, Image, Preprocessing, Seed, Silent, Subset};
use candor_workflow::{AuditPixels, NetworkLearner};
use serde_json::{Value, json};

/// What the network that stands for the run's sees, in pixels a side at most.
const SIDE: usize = 28;

fn main() {
    if std::env::args().any(|word| word == "--table") {
        let files = std::env::args().skip_while(|word| word != "--table").skip(1);
        return print(&kept(files));
    }
    let number = |name: &str, usual: usize| {
        option(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}")))
    };
    let (draws, from, pictures) = (number("--draws", 20), number("--from", 0), number("--pictures", 240));
    let permutations = number("--permutations", 39);
    let file = option("--findings").expect("--findings names the file that gets the findings");
    let mut findings =
        OpenOptions::new().create(true).append(true).open(&file).expect("the file can be written");
    for base in BASES.iter().filter(|base| wanted("--base", base.name)) {
        let Some(open) = base.open() else {
            eprintln!("{}: left out, because CANDOR_SHARED names no folder with it", base.name);
            continue;
        };
        for fault in Fault::ALL.into_iter().filter(|fault| wanted("--fault", &fault.name())) {
            for draw in from..from + draws {
                let seed = Seed(1000 + draw as u64);
                let planted = fault.plant(open.draw(pictures, seed), seed);
                audit(&planted, Settings { seed, permutations }, |check, finding| {
                    let Finding { verdict, headline, figures, .. } = finding;
                    let line = json!({ "base": base.name, "fault": fault.name(), "draw": draw, "check": check.id,
                        "verdict": verdict, "headline": headline, "figures": figures });
                    writeln!(findings, "{line}").expect("the file can be written");
                });
            }
            eprintln!("{}, {}: {draws} draws", base.name, fault.name());
        }
    }
}

/// What follows `name` among the arguments.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}

/// Whether `name` is in the list of an option, or there is no such list.
fn wanted(option_name: &str, name: &str) -> bool {
    option(option_name).is_none_or(|list| list.split(',').any(|one| one.trim() == name))
}

/// Trains a network that stands for the run's own, and asks every check.
fn audit(planted: &Planted, settings: Settings, mut found: impl FnMut(&'static Check, Finding)) {
    let input = input(planted.picture(0));
    let pixels = AuditPixels::of(planted.len(), |index| input.apply(planted.picture(index)));
    let learner =
        NetworkLearner::new(&pixels, planted.classes().len(), 0, &Silent).expect("the network fits");
    // The classifier under audit is this very network.
    let learner = learner.into_own_recipe();
    let of = |answer: &[usize]| Task {
        labels: planted.labels(),
        learn: planted.split.train.clone(),
        answer: answer.to_vec(),
        seed: settings.seed,
    };
    let network = learner.teach(&of(&[]), planted.classes()).expect("nobody stops it");
    let asked = Subset::ALL.map(|subset| of(planted.split.indices(subset)));
    let answers: BTreeMap<Subset, Answers> =
        Subset::ALL.into_iter().zip(learner.learn(&asked).expect("nobody stops it")).collect();
    let facts = planted.facts();
    let likenesses: Vec<_> = facts.iter().map(|facts| &facts.likeness).collect();
    let copies = copies_among(&likenesses, |_| true).expect("it is not stopped");
    let case = Case {
        pictures: planted,
        seen: &|index| input.apply(planted.picture(index)),
        facts: &facts,
        copies: &copies,
        units: &Units::of(planted.samples(), &verified(&copies)),
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
    for check in CHECKS.into_iter().filter(|check| wanted("--check", check.id)) {
        match check.run(&case, &learner) {
            Ok(finding) => found(check, finding),
            Err(error) => eprintln!("{error}"),
        }
    }
}

/// Pictures of one size, at most [`SIDE`] pixels a side, in the proportion of the first.
fn input(first: &Image) -> Preprocessing {
    let longest = first.width().max(first.height());
    let scaled = |side: usize| if longest <= SIDE { side } else { (side * SIDE).div_ceil(longest) };
    let channels: Channels = first.channels();
    Preprocessing {
        height: scaled(first.height()),
        width: scaled(first.width()),
        channels,
        fit: Fit::Stretch,
    }
}

/// Of one check, for one fault on one base: in how many draws it warned or failed, passed, and was asked.
#[derive(Clone, Copy, Default)]
struct Count {
    found: usize,
    passed: usize,
    asked: usize,
}

impl Count {
    fn add(&mut self, other: Count) {
        self.found += other.found;
        self.passed += other.passed;
        self.asked += other.asked;
    }

    /// `95 (75–100)`: per cent of the draws with its exact interval.
    fn rate(self) -> String {
        let [low, high] = exact::interval(self.found, self.asked);
        let percent = |share: f64| format!("{:.0}", 100.0 * share);
        let rate = percent(self.found as f64 / self.asked as f64);
        format!("{rate} ({}–{})", percent(low), percent(high))
    }
}

/// By check, fault and base.
type Counts = BTreeMap<(usize, usize, usize), Count>;

/// Counts of the findings in files that `--findings` wrote. A draw that is there twice counts once.
fn kept(files: impl Iterator<Item = String>) -> Counts {
    let mut verdicts: BTreeMap<(usize, usize, usize, u64), Verdict> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        for line in text.lines() {
            let found: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{file}: {error}"));
            let word = |name: &str| found[name].as_str().unwrap_or_default();
            let check = CHECKS.iter().position(|check| check.id == word("check"));
            let fault = Fault::ALL.iter().position(|fault| fault.name() == word("fault"));
            let base = BASES.iter().position(|base| base.name == word("base"));
            let (Some(check), Some(fault), Some(base)) = (check, fault, base) else {
                panic!("{file}: this version does not know {line}");
            };
            let verdict = serde_json::from_value(found["verdict"].clone()).expect("a verdict");
            verdicts.insert((check, fault, base, found["draw"].as_u64().unwrap_or_default()), verdict);
        }
    }
    let mut counts = Counts::new();
    for ((check, fault, base, _), verdict) in verdicts {
        let count = counts.entry((check, fault, base)).or_default();
        count.found += usize::from(verdict >= Verdict::Warn);
        count.passed += usize::from(verdict == Verdict::Pass);
        count.asked += 1;
    }
    counts
}

/// Two tables: what was found, and what was said where there is nothing to find.
fn print(counts: &Counts) {
    println!(
        "| fault | check | half | draws | found, % (95 % interval) | passed | on |\n|---|---|---|---|---|---|---|"
    );
    for (place, fault) in Fault::ALL.into_iter().enumerate() {
        for &id in fault.found_by() {
            let check = CHECKS.iter().position(|check| check.id == id).expect("the check exists");
            for half in [Half::Setting, Half::Measuring] {
                row(counts, &[&fault.name(), id], check, place, |base| {
                    let held = fault.half() == Half::Measuring || base.half == Half::Measuring;
                    held == (half == Half::Measuring)
                });
            }
        }
    }
    println!(
        "\n| check on clean pictures | half | draws | false alarms, % (95 % interval) | passed | on |\n|---|---|---|---|---|---|"
    );
    for (check, asked) in CHECKS.iter().enumerate() {
        for half in [Half::Setting, Half::Measuring] {
            row(counts, &[asked.id], check, 0, |base| base.half == half);
        }
    }
}

/// A row where anything was asked: all bases that are `kept` together.
fn row(counts: &Counts, cells: &[&str], check: usize, fault: usize, kept: impl Fn(&Base) -> bool) {
    let (mut sum, mut on) = (Count::default(), Vec::new());
    for (place, base) in BASES.iter().enumerate().filter(|(_, base)| kept(base)) {
        if let Some(&count) = counts.get(&(check, fault, place)) {
            sum.add(count);
            on.push(format!("{} {}/{}", base.name, count.found, count.asked));
        }
    }
    if sum.asked > 0 {
        let half = if BASES.iter().any(|base| kept(base) && base.half == Half::Measuring)
            || fault > 0 && Fault::ALL[fault].half() == Half::Measuring
        {
            "measuring"
        } else {
            "setting"
        };
        println!(
            "| {} | {half} | {} | {} | {} | {} |",
            cells.join(" | "),
            sum.asked,
            sum.rate(),
            sum.passed,
            on.join(", ")
        );
    }
}
