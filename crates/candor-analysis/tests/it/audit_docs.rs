//! The manual names every check, and says when each passes, warns or fails.

use candor_analysis::audit::{CHECKS, Scale, severity_table};

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

#[test]
fn every_check_says_when_it_passes_and_when_it_cannot_tell() {
    for check in CHECKS {
        assert_ne!(check.scale, Scale::UNWRITTEN, "{}", check.id);
        assert!(!check.scale.pass.is_empty() && !check.scale.inconclusive.is_empty(), "{}", check.id);
        let [_, _, (_, warn), (_, fail)] = check.scale.lines();
        assert!(warn != "Never." || fail != "Never.", "{} can neither warn nor fail", check.id);
    }
}
