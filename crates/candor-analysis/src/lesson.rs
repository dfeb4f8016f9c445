//! Lessons: the arithmetic that teachers show, on the numbers of the class.
//!
//! Each lesson is one file that turns values into values, and says in whole sentences what came of it. [`LESSONS`] lists them
//! with the questions to discuss, for the command line, the pages and the manual. Nothing here reads a file or draws.

pub mod convolution;
pub mod random_labels;
pub mod regression;
pub mod scores;

/// Every lesson, in the order of the manual.
pub static LESSONS: [&Lesson; 4] =
    [&regression::LESSON, &scores::LESSON, &convolution::LESSON, &random_labels::LESSON];

/// What a lesson is about.
#[derive(Debug)]
pub struct Lesson {
    /// Its name on the command line and in files.
    pub id: &'static str,
    /// The heading of its page.
    pub title: &'static str,
    /// What one learns from it.
    pub shows: &'static str,
    /// When its figures mislead.
    pub misleads: &'static str,
    /// Questions for the class.
    pub questions: &'static [&'static str],
    /// After whom.
    pub reference: &'static str,
}

impl Lesson {
    /// The lesson with this id.
    pub fn find(id: &str) -> Option<&'static Lesson> {
        LESSONS.into_iter().find(|lesson| lesson.id == id)
    }
}

/// Decimals that show `significant` digits of `value`.
fn decimals(value: f64, significant: i32) -> usize {
    if value == 0.0 || !value.is_finite() {
        return 0;
    }
    (f64::from(significant - 1) - value.abs().log10().floor()).clamp(0.0, 12.0) as usize
}

/// A number with at least three significant digits, and two decimals where it has fewer than five before the point: as one
/// writes it on a blackboard. Very large and very small ones in powers of ten.
pub fn written(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !(1e-4..1e6).contains(&size) => format!("{value:.2e}"),
        size if size >= 1e4 => format!("{value:.0}"),
        _ => format!("{value:.*}", decimals(value, 3).max(2)),
    }
}

/// A p-value, never a rounded zero.
pub fn written_p(p: f64) -> String {
    match p {
        p if p < 0.001 => "< 0.001".to_owned(),
        p => format!("= {p:.*}", if p < 0.1 { 3 } else { 2 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_are_found_by_their_ids_and_every_word_is_there() {
        for lesson in LESSONS {
            assert!(std::ptr::eq(Lesson::find(lesson.id).unwrap(), lesson));
            for text in [lesson.title, lesson.shows, lesson.misleads, lesson.reference] {
                assert!(!text.is_empty() && !text.contains("  "), "{}: {text}", lesson.id);
            }
            assert!(lesson.questions.len() >= 3, "{}", lesson.id);
        }
        assert!(Lesson::find("alchemy").is_none());
    }

    #[test]
    fn numbers_are_written_as_on_a_blackboard() {
        let cases = [
            (25.783_65, "25.78"),
            (-0.103_43, "-0.103"),
            (3.3286, "3.33"),
            (0.004_09, "0.00409"),
            (0.0, "0"),
            (123_456.7, "123457"),
            (2.5e-7, "2.50e-7"),
            (1234.5, "1234.50"),
        ];
        for (value, expected) in cases {
            assert_eq!(written(value), expected);
        }
        assert_eq!([0.0002, 0.034, 0.5].map(written_p), ["< 0.001", "= 0.034", "= 0.50"]);
    }
}
