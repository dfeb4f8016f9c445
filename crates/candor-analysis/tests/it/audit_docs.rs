//! The manual names every check.

use candor_analysis::audit::CHECKS;

#[test]
fn the_manual_names_every_check() {
    let manual = include_str!("../../../../docs/audit.md");
    for check in CHECKS {
        assert!(manual.contains(&format!("| `{}` |", check.id)), "docs/audit.md lacks {}", check.id);
    }
}
