//! The manual names every check, and says when each passes, warns or fails.

use candor_analysis::audit::{CHECKS, severity_table};

const MANUAL: &str = include_str!("../../../../docs/audit.md");

#[test]
fn the_manual_names_every_check() {
    for check in CHECKS {
        assert!(MANUAL.contains(&format!("| `{}` |", check.id)), "docs/audit.md lacks {}", check.id);
    }
}

#[test]
fn the_manual_says_when_each_check_passes_warns_or_fails() {
    assert!(
        MANUAL.contains(&severity_table()),
        "the table of verdicts in docs/audit.md is stale: cargo run -p candor-analysis --example severity_table"
    );
}
