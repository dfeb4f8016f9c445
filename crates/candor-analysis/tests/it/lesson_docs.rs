//! The manual names every lesson and every kernel.

use candor_analysis::lesson::LESSONS;
use candor_analysis::lesson::convolution::KERNELS;

#[test]
fn the_manual_names_every_lesson_and_every_kernel() {
    let manual = include_str!("../../../../docs/lessons.md");
    for lesson in LESSONS {
        assert!(manual.contains(&format!("| `{}` |", lesson.id)), "docs/lessons.md lacks {}", lesson.id);
        assert!(
            manual.contains(&format!("\n## {}\n", lesson.id)),
            "docs/lessons.md has no section {}",
            lesson.id
        );
    }
    for kernel in &KERNELS {
        assert!(manual.contains(&format!("`{}`", kernel.name)), "docs/lessons.md lacks {}", kernel.name);
    }
}
