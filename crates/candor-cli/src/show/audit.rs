//! What the audit found: a table of all checks, then each that did not pass with what it means and what to do.

use candor_workflow::{AuditVerdict, Audited, Finding, Repaired};

use super::Words;
use super::table::{WIDTH, wrapped};

/// Columns of the check's name and of the verdict.
const NAME: usize = 26;
const VERDICT: usize = 14;

impl Words for Audited {
    fn words(&self) -> String {
        let table: String = self.findings.iter().map(row).collect();
        let worth_reading = self.findings.iter().filter(|finding| finding.verdict > AuditVerdict::Pass);
        let explained: String = worth_reading.map(explained).collect();
        let first = self.first().map_or_else(String::new, first_line);
        let repaired = self.repaired.as_ref().map(repaired).unwrap_or_default();
        format!("{first}\n{table}{explained}{repaired}\nReport: {}\n", self.report.display())
    }
}

/// The accuracy before and after copies were kept together.
fn repaired(repaired: &Repaired) -> String {
    let Repaired { run, clusters, pictures, subset, before, after } = repaired;
    let text = format!(
        "Split again with {pictures} pictures in {clusters} clusters of copies kept together, and trained again: accuracy on {subset} {} \
         before, {} now.",
        before.accuracy_in_words(),
        after.accuracy_in_words()
    );
    format!("\n{}\nThe repaired run: {}\n", wrapped(&text, WIDTH), run.display())
}

/// The finding to read first, on lines of its own; nothing where all is well.
pub fn first_line(finding: &Finding) -> String {
    let text = match finding.verdict {
        AuditVerdict::Pass => "Audit: no check that was run found a fault.".to_owned(),
        verdict => format!("Audit, {} ({}): {}", finding.check, verdict.name(), finding.headline),
    };
    wrapped(&text, WIDTH) + "\n"
}

fn row(finding: &Finding) -> String {
    let indent = NAME + VERDICT;
    let gap = format!("\n{:indent$}", "");
    let sentence = wrapped(&finding.headline, WIDTH - indent).replace('\n', &gap);
    format!("{:<NAME$}{:<VERDICT$}{sentence}\n", finding.check, finding.verdict.name())
}

fn explained(finding: &Finding) -> String {
    let Finding { check, meaning, advice, .. } = finding;
    format!("\n{check}\n{}\n{}\n", wrapped(meaning, WIDTH), wrapped(&format!("What to do: {advice}"), WIDTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first_and_every_line_fits() {
        let finding = |check: &str, verdict| Finding {
            check: check.into(),
            ..Finding::new(
                verdict,
                "A sentence about what was found there. ".repeat(4),
                "It means much. ".repeat(9),
            )
        };
        let findings = vec![
            finding("better-than-chance", AuditVerdict::Warn),
            finding("nothing-to-see", AuditVerdict::Fail),
            finding("duplicates-across-splits", AuditVerdict::Pass),
        ];
        let worst = Some(AuditVerdict::Fail);
        let text =
            Audited { run: "run".into(), worst, findings, report: "run/report.html".into(), repaired: None }
                .words();
        assert!(text.starts_with("Audit, nothing-to-see (fail): A sentence"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert_eq!(text.matches("What to do").count(), 2, "{text}");
    }
}
