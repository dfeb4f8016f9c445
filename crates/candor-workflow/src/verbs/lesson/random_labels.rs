//! `lesson random-labels`: a network that learns labels which were drawn by lot, and what the audit says of it.
//!
//! The stones are written as pictures with a table beside them, and both networks are runs like any other: everything that the
//! lesson says can be looked up in their reports, or done again with other verbs.

use std::fs;
use std::path::{Path, PathBuf};

use candor_analysis::audit::Finding;
use candor_analysis::evaluate::Interval;
use candor_analysis::lesson::random_labels::{LABELS, SHAPES, Stone, stones};
use candor_core::{Image, Reporter, Seed};
use candor_data::source::SourceOptions;
use candor_report::{LessonRun, Model, RandomLabelsLesson, per_cent, png, random_labels_html};
use serde::Serialize;

use super::super::audit::{AuditRequest, audit};
use super::super::evaluate::open;
use super::super::study::study;
use super::super::train::{RunRequest, RunResult, SubsetFigures};
use super::{Lectured, page, write};
use crate::error::{Result, WorkflowError};
use crate::pictures::SourceSpec;
use crate::recipe::RecipeFile;
use crate::report::{Naming, model_section};
use crate::run_dir::{REPORT_HTML, RunDir};

/// What the audit is asked.
const ASKED: [&str; 2] = ["better-than-chance", "memorisation"];
/// Stones on the page.
const SHOWN: usize = 12;
/// Small, without dropout, and long enough to learn by heart; the last epoch is kept, because validation would choose among noise.
const RECIPE: &str = r#"
purpose = "A lesson on labels that were drawn by lot"

[[network.layers]]
kind = "conv2d"
filters = 16
kernel = 3
activation = "relu"

[[network.layers]]
kind = "max-pool2d"

[[network.layers]]
kind = "flatten"

[[network.layers]]
kind = "dense"
units = 64
activation = "relu"

[[network.layers]]
kind = "dense"
units = 2
activation = "softmax"

[split]
train = 0.6
validation = 0.1
test = 0.3
seed = 1

[training]
epochs = 100
batch_size = 20
keep = "last"

[training.optimizer]
kind = "adam"
learning_rate = 0.005
"#;

/// How the lesson is to be given.
#[derive(Clone, Debug)]
pub struct RandomLabelsRequest {
    /// Stones.
    pub stones: usize,
    /// Trainings on permuted labels, at most.
    pub permutations: usize,
    /// Of everything random.
    pub seed: u64,
    /// The folder for stones, runs and page, which must not exist or be empty.
    pub out: PathBuf,
    /// Threads to compute on, 0 for all cores.
    pub threads: usize,
}

/// What became of both networks.
#[derive(Clone, Debug, Serialize)]
pub struct RandomLabelsResult {
    /// Stones.
    pub stones: usize,
    /// Taught what was drawn by lot.
    pub by_lot: LearnedLabels,
    /// Taught what can be seen.
    pub by_sight: LearnedLabels,
}

/// A network and what the audit answers.
#[derive(Clone, Debug, Serialize)]
pub struct LearnedLabels {
    /// What it was taught.
    pub names: String,
    /// Its run.
    pub run: PathBuf,
    /// Share of right answers on stones that it was shown.
    pub seen: f64,
    /// On new ones.
    pub new: f64,
    /// The 95 % interval of that.
    pub new_interval: Interval,
    /// New stones.
    pub new_stones: usize,
    /// What the audit answers.
    pub findings: Vec<Finding>,
}

/// Draws the stones, trains both networks, audits them and writes the page.
///
/// # Errors
/// When the folder cannot be used, or the person stops it.
pub fn random_labels_lesson(
    request: &RandomLabelsRequest,
    reporter: &dyn Reporter,
) -> Result<Lectured<RandomLabelsResult>> {
    let dir = RunDir::create(&request.out)?;
    let all = stones(request.stones, Seed(request.seed));
    let folder = dir.file("stones");
    write_stones(&folder, &all)?;
    let one = |column, names: [&str; 2], what| One::teach(request, &folder, (column, names, what), reporter);
    let by_lot = one("label", LABELS, "drawn by lot")?;
    let by_sight = one("shape", SHAPES, "can be seen")?;
    let sentences = sentences(&by_lot.learned, &by_sight.learned);
    let shown: Vec<(Image, String)> = all.iter().take(SHOWN).map(in_words).collect();
    let source = format!("{} stones that candor drew, in {}", request.stones, folder.display());
    let command = format!(
        "candor lesson random-labels --stones {} --permutations {} --seed {}",
        request.stones, request.permutations, request.seed
    );
    let page = page("random-labels", &source, &sentences, &command);
    let runs = [by_lot.for_page("label/report.html"), by_sight.for_page("shape/report.html")];
    let html = random_labels_html(&RandomLabelsLesson { page, stones: &shown, runs });
    let lesson = page.lesson;
    let result = RandomLabelsResult {
        stones: request.stones,
        by_lot: by_lot.learned.clone(),
        by_sight: by_sight.learned.clone(),
    };
    write(&dir, lesson, sentences, result, html)
}

fn write_stones(folder: &Path, all: &[Stone]) -> Result<()> {
    fs::create_dir_all(folder).map_err(WorkflowError::file(folder, "made"))?;
    let mut table = "file,label,shape\n".to_owned();
    for (number, stone) in all.iter().enumerate() {
        let name = format!("stone-{:04}.png", number + 1);
        let path = folder.join(&name);
        fs::write(&path, png(&stone.picture)).map_err(WorkflowError::file(&path, "written"))?;
        table += &format!("{name},{},{}\n", LABELS[stone.label], SHAPES[stone.shape]);
    }
    let path = folder.join("index.csv");
    fs::write(&path, table).map_err(WorkflowError::file(&path, "written"))
}

fn in_words(stone: &Stone) -> (Image, String) {
    (stone.picture.clone(), format!("{}, {}", LABELS[stone.label], SHAPES[stone.shape]))
}

struct One {
    learned: LearnedLabels,
    model: Model,
}

impl One {
    fn teach(
        request: &RandomLabelsRequest,
        folder: &Path,
        (column, names, what): (&str, [&str; 2], &str),
        reporter: &dyn Reporter,
    ) -> Result<One> {
        let names = format!("{} or {} ({what})", names[0], names[1]);
        reporter.note(&format!("teaching {names}"));
        let out = request.out.join(column);
        let result = train(request, folder, column, &out, reporter)?;
        let (permutations, threads) = (request.permutations, request.threads);
        let only = ASKED.map(str::to_owned).to_vec();
        let run = out.clone();
        let asked = AuditRequest { run, only, permutations, figures: None, repair: false, threads };
        let findings = audit(&asked, reporter)?.findings;
        let run = open(RunDir::open(&out)?, threads, reporter)?;
        let model = model_section(&run, &Naming { title: String::new(), model: &names, note: None })?;
        let figures = |judged: Option<SubsetFigures>| {
            judged.ok_or_else(|| WorkflowError::damaged(&out.join(REPORT_HTML), "a study judges all subsets"))
        };
        let (seen, new) = (figures(result.train)?, figures(result.test)?);
        let lacking = || WorkflowError::damaged(&out.join(REPORT_HTML), "new stones have an interval");
        let new_interval = new.interval.ok_or_else(lacking)?;
        let learned = LearnedLabels {
            names,
            run: out.clone(),
            seen: seen.accuracy,
            new: new.accuracy,
            new_interval,
            new_stones: new.pictures,
            findings,
        };
        Ok(One { learned, model })
    }

    fn for_page<'a>(&'a self, report: &'a str) -> LessonRun<'a> {
        LessonRun { model: &self.model, findings: &self.learned.findings, report }
    }
}

fn train(
    request: &RandomLabelsRequest,
    folder: &Path,
    column: &str,
    out: &Path,
    reporter: &dyn Reporter,
) -> Result<RunResult> {
    let mut recipe = RecipeFile::parse(RECIPE)?;
    recipe.training.seed = Some(request.seed);
    let options = SourceOptions { class_column: Some(column.to_owned()), ..SourceOptions::default() };
    let source = SourceSpec { options, ..SourceSpec::at(folder) };
    let run = RunRequest { source, recipe, out: out.to_owned(), baselines: false, threads: request.threads };
    study(&run, reporter)
}

fn sentences(by_lot: &LearnedLabels, by_sight: &LearnedLabels) -> Vec<String> {
    let one = |learned: &LearnedLabels| {
        let LearnedLabels { names, seen, new, new_interval, new_stones, .. } = learned;
        let ends = [new_interval.low, new_interval.high].map(|end| per_cent(end, *new_stones as u64));
        format!(
            "Taught {names}: right on {:.0}% of the stones that it was shown, and on {} of {new_stones} new ones ({} to {}). \
             Guessing gives 50%.",
            100.0 * seen,
            per_cent(*new, *new_stones as u64),
            ends[0],
            ends[1]
        )
    };
    let answer = |learned: &LearnedLabels| {
        let all: Vec<String> = learned
            .findings
            .iter()
            .map(|f| format!("{} ({}): {}", f.check, f.verdict.name(), f.headline))
            .collect();
        format!("The audit of {}: {}", learned.names, all.join(" "))
    };
    vec![one(by_lot), one(by_sight), answer(by_lot), answer(by_sight)]
}
