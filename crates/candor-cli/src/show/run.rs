//! Runs: what was trained, how it was judged.

use candor_core::Channels;
use candor_workflow::{
    Demo, DemoModel, Evaluated, RunResult, SubsetFigures, baseline_verdict, count, per_cent,
};
use serde::Serialize;

use super::Words;
use super::audit;
use super::fairness;
use super::judged;
use super::table::{Table, WIDTH, shortened, wrapped};

/// What `candor report` gives.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Rendered(pub RunResult);

impl Words for Rendered {
    fn words(&self) -> String {
        format!("Report: {}\n", self.0.report.display())
    }
}

impl Words for RunResult {
    fn words(&self) -> String {
        let subsets = [("train", &self.train), ("validation", &self.validation), ("test", &self.test)];
        let judged: Vec<(&str, &SubsetFigures)> =
            subsets.into_iter().filter_map(|(name, figures)| Some((name, figures.as_ref()?))).collect();
        let last = judged.last().map_or_else(String::new, |(name, figures)| {
            format!("{}{}", looked_at(figures), matrix(name, figures, &self.model.classes))
        });
        let figures = self.judged.as_ref().map_or_else(String::new, judged::figures);
        let groups = self.fairness.as_ref().map_or_else(String::new, fairness::groups);
        let sealed = match (&self.test, self.split.test) {
            (None, 1..) => format!(
                "The test split is still sealed. Judge once you are done: candor evaluate {}\n",
                self.run.display()
            ),
            _ => String::new(),
        };
        format!(
            "{}\n\n{}{}\n{}\n{groups}{figures}{last}\n{}\n{sealed}Report: {}\n",
            headline(self),
            self.audit.as_ref().map_or_else(String::new, |finding| audit::first_line(finding) + "\n"),
            judged::summary(&self.summary),
            figures_table(&judged),
            how_it_went(self),
            self.report.display()
        )
    }
}

fn headline(result: &RunResult) -> String {
    let model = &result.model;
    let colour = if model.channels == Channels::Grey { "grey" } else { "colour" };
    let (parameters, classes) = (count(model.parameters as u64), model.classes.len());
    format!(
        "{} · {parameters} parameters · {}×{} {colour} · {classes} classes",
        model.architecture, model.width, model.height
    )
}

fn figures_table(judged: &[(&str, &SubsetFigures)]) -> Table {
    let mut table = Table::new(&["", ">pictures", ">accuracy (95% interval)", ">loss"]);
    for (name, figures) in judged {
        let (pictures, loss) = (count(figures.pictures as u64), format!("{:.4}", figures.loss));
        table.row([*name, &pictures, &figures.accuracy_in_words(), &loss]);
    }
    table
}

fn baseline(name: &str, figures: &SubsetFigures) -> String {
    let share = per_cent(figures.majority_baseline, figures.pictures as u64);
    format!("Always naming the most frequent class would reach {share} on {name}.\n")
}

fn looked_at(figures: &SubsetFigures) -> String {
    match figures.looks {
        Some(looks @ 2..) => {
            format!("\nThis was look number {looks} at the test split: it says less each time.\n")
        }
        _ => String::new(),
    }
}

fn matrix(name: &str, figures: &SubsetFigures, classes: &[String]) -> String {
    let short: Vec<String> = classes.iter().map(|class| shortened(class, 14)).collect();
    let heading = std::iter::once("true \\ predicted".to_owned());
    let mut table =
        Table::new(&heading.chain(short.iter().map(|class| format!(">{class}"))).collect::<Vec<_>>());
    for (class, counts) in short.iter().zip(figures.confusion_matrix.counts()) {
        let counts = counts.iter().map(|&pictures| count(pictures));
        table.row(std::iter::once(class.clone()).chain(counts));
    }
    // A wider one is left to the report.
    match table.width() <= WIDTH {
        true => format!("\nConfusion matrix, {name}\n\n{table}"),
        false => "The confusion matrix is in the report.\n".to_owned(),
    }
}

fn how_it_went(result: &RunResult) -> String {
    let early = if result.stopped_early { ", stopped early" } else { "" };
    let left_out = match result.problems.len() {
        0 => String::new(),
        some => format!(" {some} pictures or rows left out: see problems.json."),
    };
    format!(
        "Epoch {} of {} kept{early}; {:.1} s of training, {} images a second.{left_out}",
        result.model.epoch,
        result.epochs,
        result.training_seconds,
        count(result.images_per_second as u64)
    )
}

impl Words for Evaluated {
    fn words(&self) -> String {
        match self {
            Evaluated::Run(result) => result.words(),
            Evaluated::Elsewhere { source, figures, evaluation, .. } => format!(
                "On pictures from elsewhere: {source}\n\n{}\n{}{}",
                figures_table(&[("elsewhere", figures)]),
                baseline("these pictures", figures),
                matrix("elsewhere", figures, &evaluation.classes)
            ),
        }
    }
}

impl Words for Demo {
    fn words(&self) -> String {
        let mut table = Table::new(&["accuracy on", ">real labels", ">shuffled labels"]);
        let per_cent = |share: f64| format!("{:.1}%", 100.0 * share);
        let row = |name: &str, of: fn(&DemoModel) -> f64| {
            [name.to_owned(), per_cent(of(&self.real)), per_cent(of(&self.shuffled))]
        };
        table.row(row("the pictures it learned from", |model| model.train_accuracy));
        table.row(row("pictures it never saw", |model| model.test_accuracy));
        table.row(row("  (by guessing)", |model| model.chance));
        let simple = self.real.baselines.as_ref().map_or_else(String::new, |found| {
            let verdict = baseline_verdict("With the real labels the network", found);
            format!("\n{}\n", wrapped(&verdict, WIDTH))
        });
        format!(
            "{table}\n{}\n{simple}\n{:.1} s in all, {} images a second in training.\nReport: {}\n",
            wrapped(&self.lesson, WIDTH),
            self.seconds,
            count(self.images_per_second as u64),
            self.report.display()
        )
    }
}
