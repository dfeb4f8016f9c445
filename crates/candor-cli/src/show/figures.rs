//! Published figures, checked, as sentences.

use candor_workflow::CheckedFigures;
use serde::Serialize;

use super::Words;

/// What `candor check-figures` gives.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Checked(pub CheckedFigures);

impl Words for Checked {
    fn words(&self) -> String {
        let mark = |contradiction| if contradiction { "!" } else { "-" };
        let findings = self.0.findings.iter();
        let lines = findings.map(|finding| wrapped(mark(finding.contradiction), &finding.sentence));
        let end = match self.0.contradicted() {
            true => "The figures contradict each other; the lines marked ! say where.\n",
            false => "Nothing here contradicts anything else.\n",
        };
        lines.collect::<String>() + "\n" + end
    }
}

/// The sentence behind its mark, broken into lines of up to 80 columns.
fn wrapped(mark: &str, sentence: &str) -> String {
    let mut text = mark.to_owned();
    let mut column = 1;
    for word in sentence.split_whitespace() {
        let len = word.chars().count();
        if column + 1 + len > 80 {
            text.push_str("\n ");
            column = 1;
        }
        text.push(' ');
        text.push_str(word);
        column += 1 + len;
    }
    text + "\n"
}
