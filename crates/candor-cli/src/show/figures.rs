//! Published figures, checked, as sentences.

use candor_workflow::CheckedFigures;
use serde::Serialize;

use super::Words;
use super::table::{WIDTH, wrapped};

/// What `candor check-figures` gives.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Checked(pub CheckedFigures);

impl Words for Checked {
    fn words(&self) -> String {
        let mark = |contradiction| if contradiction { "!" } else { "-" };
        let findings = self.0.findings.iter();
        let lines = findings.map(|finding| listed(mark(finding.contradiction), &finding.sentence));
        let end = match self.0.contradicted() {
            true => "The figures contradict each other; the lines marked ! say where.\n",
            false => "Nothing here contradicts anything else.\n",
        };
        lines.collect::<String>() + "\n" + end
    }
}

/// The sentence behind its mark, its further lines indented.
fn listed(mark: &str, sentence: &str) -> String {
    let lines = wrapped(sentence, WIDTH - 2).replace('\n', "\n  ");
    format!("{mark} {lines}\n")
}
