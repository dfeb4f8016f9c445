//! The manual names every explanation.

use candor_analysis::explain::view::VIEWS;
use candor_analysis::explain::{METHODS, ace};

#[test]
fn the_manual_names_every_explanation() {
    let manual = include_str!("../../../../docs/explain.md");
    for method in METHODS {
        assert!(manual.contains(&format!("| `{}` |", method.id)), "docs/explain.md lacks {}", method.id);
    }
    for view in VIEWS {
        assert!(manual.contains(&format!("| `{}` |", view.id)), "docs/explain.md lacks {}", view.id);
    }
    assert!(manual.contains(&format!("--method {}", ace::ID)), "docs/explain.md lacks concepts");
}
