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

use crate::figures;
use crate::{Report, cautions};

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
    let answered =
        |question: &&&Question| (question.known)(report).is_some_and(|answer| !answer.starts_with(NOT_RUN));
    let known = all.iter().filter(answered).count();
    let are = if known == 1 { "is" } else { "are" };
    format!(
        "{known} of {} questions {are} answered, from what the run knows; the others are for you.",
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

/// How an answer begins for which no check was run.
const NOT_RUN: &str = "Not run: ";

/// What checks of the audit found, in their own words; those that were not run are named, and a finding about another network
/// says so.
fn findings(report: &Report, checks: &[&str]) -> Option<String> {
    let found = |check: &str| {
        let audit = report.audit.as_ref()?;
        audit.findings.iter().map(|audited| &audited.finding).find(|finding| finding.check == check)
    };
    let mut missing = Vec::new();
    let mut sentences = Vec::new();
    for check in checks {
        match found(check) {
            Some(finding) if finding.is_of_another_network() => sentences.push(format!(
                "`{check}` ({}, about a small network trained in the place of this one; this one was not tested): {}",
                finding.verdict.name(),
                finding.headline
            )),
            Some(finding) => {
                sentences.push(format!("`{check}` ({}): {}", finding.verdict.name(), finding.headline));
            }
            None => missing.push(format!("`{check}`")),
        }
    }
    if !missing.is_empty() {
        sentences.push(format!("{NOT_RUN}{}. {BLANK}", missing.join(", ")));
    }
    Some(sentences.join(" "))
}

/// The findings that warn or fail, and the checks that were not run: whatever makes a figure misleading.
fn all_cautions(report: &Report) -> String {
    cautions(report).join(" ")
}
