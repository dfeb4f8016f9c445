//! Two documents that a study owes its readers, filled in as far as its run knows: the REFORMS checklist and a data sheet. What
//! only people can know stays a visible blank.
//!
//! Kapoor et al., REFORMS: Consensus-based recommendations for machine-learning-based science, Science Advances 10 (2024), table
//! 1; Gebru et al., Datasheets for datasets, Communications of the ACM 64 (2021). The questions are put in short; the papers say
//! what each wants to know.

mod data_sheet;
mod reforms;

pub use data_sheet::data_sheet;
pub use reforms::reforms;

use crate::Report;
use crate::figures;

/// What a blank looks like.
pub(crate) const BLANK: &str = "☐ **to be filled in**";

/// A part of a checklist: its heading and its questions.
type Part<'a> = (&'a str, &'a [Question]);

/// A question, and what the run knows of the answer.
struct Question {
    asks: &'static str,
    known: fn(&Report) -> Option<String>,
}

/// The questions with their answers, numbered by `number` (part, question; both from 0).
fn filled(report: &Report, parts: &[Part<'_>], number: impl Fn(usize, usize) -> String) -> String {
    let mut text = String::new();
    for (part, (heading, questions)) in parts.iter().enumerate() {
        text += &format!("\n## {heading}\n\n");
        for (place, question) in questions.iter().enumerate() {
            let answer = (question.known)(report).unwrap_or_else(|| BLANK.to_owned());
            text += &format!("**{} {}**  \n{answer}\n\n", number(part, place), question.asks);
        }
    }
    text
}

/// How many of the questions the run could answer.
fn told(report: &Report, parts: &[Part<'_>]) -> String {
    let all: Vec<&Question> = parts.iter().flat_map(|(_, questions)| questions.iter()).collect();
    let known = all.iter().filter(|question| (question.known)(report).is_some()).count();
    format!(
        "{known} of {} questions are answered, from what the run knows; the others are for you.",
        all.len()
    )
}

const fn ask(asks: &'static str, known: fn(&Report) -> Option<String>) -> Question {
    Question { asks, known }
}

/// Only people know.
fn unknown(_: &Report) -> Option<String> {
    None
}

/// `1,400 pictures: train 980, validation 140, test 280`.
fn sizes(report: &Report) -> Option<String> {
    let of = |counts: &crate::SubsetCounts| counts.per_class.iter().sum::<usize>();
    let all: usize = report.data.counts.iter().map(of).sum();
    let each: Vec<String> = report
        .data
        .counts
        .iter()
        .map(|counts| format!("{} {}", counts.subset, figures::count(of(counts) as u64)))
        .collect();
    Some(format!("{} pictures: {}.", figures::count(all as u64), each.join(", ")))
}

/// Pictures of each class.
fn classes(report: &Report) -> Option<String> {
    let count = |class: usize| report.data.counts.iter().map(|counts| counts.per_class[class]).sum::<usize>();
    let each: Vec<String> = report
        .data
        .classes
        .iter()
        .enumerate()
        .map(|(class, name)| format!("“{name}” {}", figures::count(count(class) as u64)))
        .collect();
    Some(format!("The class of a picture. Pictures of each: {}.", each.join(", ")))
}

/// Where the pictures come from.
fn origins(report: &Report) -> Option<String> {
    let data = &report.data;
    let named: Vec<String> = data
        .origins
        .iter()
        .take(12)
        .map(|origin| format!("{} ({})", origin.name, figures::count(origin.total() as u64)))
        .collect();
    let more = data.origins.len().saturating_sub(named.len());
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Some(format!(
        "`{}`: {}{more}. When they were made, and who gave the labels: {BLANK}",
        data.source,
        named.join(", ")
    ))
}

fn left_out(report: &Report) -> Option<String> {
    let left_out = &report.data.left_out;
    Some(match left_out.len() {
        0 => "No picture of the source was left out.".to_owned(),
        some => format!(
            "{some} were left out because they could not be used; the report lists each with its reason (the first: {}). Whether any were \
             left out before: {BLANK}",
            left_out[0].reason
        ),
    })
}

fn preprocessing(report: &Report) -> Option<String> {
    let input = report.data.input;
    let colour = if input.channels == candor_core::Channels::Grey { "grey" } else { "RGB" };
    Some(format!(
        "Orientation applied, {} to {}×{} {colour} pixels with an anti-aliased triangle filter, values divided by 255. What was done \
         to the pictures before: {BLANK}",
        if input.fit == candor_core::Fit::Crop { "cropped in the middle and scaled" } else { "stretched" },
        input.width,
        input.height
    ))
}

/// What a check of the audit found, in its own words.
fn finding(report: &Report, check: &str) -> Option<String> {
    let audit = report.audit.as_ref()?;
    let finding =
        audit.findings.iter().map(|audited| &audited.finding).find(|finding| finding.check == check)?;
    Some(format!("`{check}` ({}): {}", finding.verdict.name(), finding.headline))
}

/// What several checks found.
fn findings(report: &Report, checks: &[&str]) -> Option<String> {
    let found: Vec<String> = checks.iter().filter_map(|check| finding(report, check)).collect();
    (!found.is_empty()).then(|| found.join(" "))
}
