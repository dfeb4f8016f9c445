//! Published figures, checked, as sentences.

use candor_workflow::{CheckedClaim, CheckedFigures, ClaimVerdict};
use serde::Serialize;

use super::Words;
use super::table::{WIDTH, wrapped};

/// What `candor check-figures` gives.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Checked(pub CheckedFigures);

impl Words for Checked {
    fn words(&self) -> String {
        let Checked(checked) = self;
        let mark = |contradiction| if contradiction { "!" } else { "-" };
        // What is said of a claim is in its own verdict.
        let others = checked.findings.iter().filter(|finding| !finding.kind.is_of_a_claim());
        let facts: String =
            others.map(|finding| listed(mark(finding.contradiction), &finding.sentence)).collect();
        let claims: String = checked.claims.iter().map(claim).collect();
        let claims = if claims.is_empty() { claims } else { format!("\nClaims\n{claims}") };
        format!("{facts}{claims}\n{}\n", end(checked))
    }
}

/// `! simple-cnn: accuracy .571 (contradicted): …`
fn claim(claim: &CheckedClaim) -> String {
    let CheckedClaim { claim, verdict, because } = claim;
    let mark = match verdict {
        ClaimVerdict::Contradicted => "!",
        ClaimVerdict::Doubtful => "?",
        _ => "-",
    };
    listed(mark, &format!("{claim} ({}): {because}", verdict.name()))
}

fn end(checked: &CheckedFigures) -> &'static str {
    let is_doubtful = |claim: &CheckedClaim| claim.verdict == ClaimVerdict::Doubtful;
    match (checked.contradicted(), checked.claims.iter().any(is_doubtful)) {
        (true, _) => "The figures contradict each other; lines marked ! say where.",
        (false, true) => "No contradiction, but lines marked ? need an explanation.",
        (false, false) => "No contradiction was found.",
    }
}

/// The sentence after its mark, its further lines indented.
fn listed(mark: &str, sentence: &str) -> String {
    let lines = wrapped(sentence, WIDTH - 2).replace('\n', "\n  ");
    format!("{mark} {lines}\n")
}

/// The file to be filled in, from `candor check-figures --template`.
#[derive(Serialize)]
pub struct Template {
    /// In TOML.
    pub template: &'static str,
}

impl Words for Template {
    fn words(&self) -> String {
        self.template.to_owned()
    }
}
