//! What a lesson gave: sentences, a table of figures, the questions.

use candor_workflow::lesson_regression::{Outcome, typed, written_pair};
use candor_workflow::lesson_scores::Standing;
use candor_workflow::{
    ConvolutionResult, Lectured, Lesson, RandomLabelsResult, RegressionResult, ScoresResult, written_number,
    written_p,
};

use super::Words;
use super::table::{Table, WIDTH, wrapped};

/// Steps of a descent, and entities, that a terminal shows.
const STEPS: usize = 12;
const ENTITIES: usize = 30;

impl<T: Figures> Words for Lectured<T> {
    fn words(&self) -> String {
        let lesson = Lesson::find(self.lesson).expect("lessons that are given are registered");
        let sentences: String = self.sentences.iter().map(|text| wrapped(text, WIDTH) + "\n").collect();
        let questions: String = lesson.questions.iter().map(|text| listed(text)).collect();
        format!(
            "{}\n\n{sentences}\n{}\nQuestions for the class\n{questions}\nPage: {}\n",
            lesson.title,
            self.result.figures(),
            self.page.display()
        )
    }
}

/// A question behind its mark, its further lines indented.
fn listed(text: &str) -> String {
    format!("- {}\n", wrapped(text, WIDTH - 2).replace('\n', "\n  "))
}

/// A lesson's figures as tables.
pub trait Figures {
    /// The tables, each with a line break at its end.
    fn figures(&self) -> String;
}

impl Figures for RegressionResult {
    fn figures(&self) -> String {
        let mut steps = Table::new(&[">step", ">w", ">b", ">loss"]);
        let path = &self.regression.path;
        let gap = path.len().div_ceil(STEPS).max(1);
        // The first steps tell most: they are near, later ones far apart.
        let is_shown = |at: usize| at < 4 || at.is_multiple_of(gap) || at + 1 == path.len();
        for (_, step) in path.iter().enumerate().filter(|(at, _)| is_shown(*at)) {
            let [w, b] = written_pair(&step.fit);
            steps.row([step.step.to_string(), w, b, written_number(step.fit.loss)]);
        }
        let mut rates = Table::new(&[">rate", "what happens", ">steps", ">loss in the end"]);
        for tried in &self.regression.other_rates {
            let what = match tried.outcome {
                Outcome::Arrived => "arrives",
                Outcome::OnTheWay => "still on its way",
                Outcome::Diverges => "diverges",
            };
            let end = written_number(tried.end.loss);
            rates.row([typed(tried.rate), what.to_owned(), tried.steps.to_string(), end]);
        }
        format!("{steps}\nOther learning rates\n{rates}")
    }
}

impl Figures for ScoresResult {
    fn figures(&self) -> String {
        let mut text = String::new();
        for group in &self.groups {
            if let Some(name) = &group.name {
                text += &format!("{name}\n");
            }
            let heading = ["entity", ">", ">percentile", ">Z", ">p", "out of line?"];
            let heading =
                heading.map(|name| if name == ">" { format!(">{}", self.value) } else { name.to_owned() });
            let mut table = Table::new(&heading).wrapping(0, WIDTH);
            for entity in group.scores.entities.iter().take(ENTITIES) {
                let standing = match entity.standing {
                    Standing::InLine => "no",
                    Standing::Unsure => "unsure",
                    Standing::OutOfLine => "yes",
                };
                table.row([
                    entity.name.clone(),
                    written_number(entity.value),
                    format!("{:.0}", entity.percentile),
                    format!("{:+.2}", entity.z),
                    written_p(entity.p).trim_start_matches("= ").to_owned(),
                    standing.to_owned(),
                ]);
            }
            text += &table.to_string();
            let more = group.scores.entities.len().saturating_sub(ENTITIES);
            if more > 0 {
                text += &format!("{more} more are on the page.\n");
            }
        }
        text
    }
}

impl Figures for ConvolutionResult {
    fn figures(&self) -> String {
        let weights = |rows: &mut dyn Iterator<Item = Vec<String>>| {
            let mut table = Table::plain();
            rows.for_each(|row| table.row(row));
            table.to_string()
        };
        let strongest = &self.convolved.strongest;
        let kernel =
            weights(&mut self.kernel.rows.iter().map(|row| row.iter().map(ToString::to_string).collect()));
        let pixels =
            weights(&mut strongest.pixels.iter().map(|row| row.iter().map(ToString::to_string).collect()));
        format!(
            "The kernel\n{kernel}\nThe pixels below it where the sum is the strongest\n{pixels}\nEach pixel times its weight, \
             together: {}\n\nPictures: {}, {}\n",
            written_number(strongest.sum),
            self.input.display(),
            self.output.display()
        )
    }
}

impl Figures for RandomLabelsResult {
    fn figures(&self) -> String {
        let mut table = Table::new(&["taught", ">right on seen", ">right on new"]).wrapping(0, WIDTH);
        for learned in [&self.by_lot, &self.by_sight] {
            let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
            table.row([learned.names.clone(), per_cent(learned.seen), per_cent(learned.new)]);
        }
        let reports = [&self.by_lot, &self.by_sight].map(|learned| learned.run.join("report.html"));
        format!("{table}\nReports: {}, {}\n", reports[0].display(), reports[1].display())
    }
}
