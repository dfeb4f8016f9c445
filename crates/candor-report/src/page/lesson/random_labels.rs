//! The page of the lesson on random labels.

use candor_analysis::audit::{Check, Finding};
use candor_core::{Image, Subset};
use maud::{Markup, html};

use super::{LessonPage, card, table};
use crate::chart::{Quantity, history_plot};
use crate::page::parts;
use crate::thumbnail::data_uri;
use crate::{History, Model, accuracy_with_interval};

/// The same pictures under two kinds of names.
#[derive(Clone, Copy, Debug)]
pub struct RandomLabelsLesson<'a> {
    /// What every page needs.
    pub page: LessonPage<'a>,
    /// A few stones, with what was drawn for them and what can be seen.
    pub stones: &'a [(Image, String)],
    /// The names drawn by lot, then those that can be seen.
    pub runs: [LessonRun<'a>; 2],
}

/// A network that learned one kind of names.
#[derive(Clone, Copy, Debug)]
pub struct LessonRun<'a> {
    /// What it learned.
    pub model: &'a Model,
    /// What the audit answers.
    pub findings: &'a [Finding],
    /// Its report, from the page.
    pub report: &'a str,
}

/// The lesson as a self-contained page.
pub fn random_labels_html(lesson: &RandomLabelsLesson<'_>) -> String {
    let RandomLabelsLesson { page, stones, runs } = *lesson;
    let histories: Vec<&History> = runs.iter().map(|run| &run.model.training.history).collect();
    let rows: Vec<Vec<String>> = runs.iter().map(|run| accuracies(run.model)).collect();
    page.render(html! {
        (parts::section("stones", "The stones", html! {
            div class="grid" {
                @for (image, words) in stones {
                    figure class="picture" {
                        img class="small" src=(data_uri(image)) alt={ "A stone: " (words) } width=(image.width()) height=(image.height());
                        figcaption { (words) }
                    }
                }
            }
        }))
        (parts::section("learned", "What the network learned", html! {
            (table("Accuracies", &["names", "right on stones that it was shown", "right on new stones"], &rows))
            div class="columns" {
                @for run in &runs {
                    div class="column" {
                        p class="model" { (run.model.name) }
                        (card(history_plot(&run.model.training.history, Quantity::Accuracy, &histories, Some(0.5)),
                              "Right answers after each pass over the stones: on those that it learns from (train), and on others."))
                    }
                }
            }
        }))
        (parts::section("audit", "What the audit answers", html! {
            @for run in &runs {
                h3 { (run.model.name) }
                (findings(run.findings))
                p { a href=(run.report) { "The whole report" } }
            }
        }))
    })
}

fn accuracies(model: &Model) -> Vec<String> {
    let of = |subset: Subset| {
        let found = model.evaluations.iter().find(|judged| judged.subset == subset);
        found.map_or_else(|| "–".to_owned(), |judged| accuracy_with_interval(&judged.evaluation.accuracy))
    };
    vec![model.name.clone(), of(Subset::Train), of(Subset::Test)]
}

fn findings(findings: &[Finding]) -> Markup {
    let title = |finding: &Finding| {
        Check::find(&finding.check).map_or(finding.check.clone(), |check| check.title.to_owned())
    };
    parts::scroll(
        "What the audit answers",
        html! {
            table class="words" {
                thead { tr { th scope="col" { "check" } th scope="col" { "verdict" } th scope="col" { "what was found" } } }
                tbody {
                    @for finding in findings {
                        tr {
                            th scope="row" { (title(finding)) }
                            td { span class={ "verdict " (finding.verdict.name()) } { (finding.verdict.name()) } }
                            td { (finding.headline) }
                        }
                    }
                }
            }
        },
    )
}
