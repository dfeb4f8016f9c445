//! Always the class that most pictures have.

use super::{Baseline, BaselineErrorKind, Learned, Lesson, Rows, View};

pub(super) static BASELINE: Baseline = Baseline {
    id: "most-frequent",
    title: "the most frequent class",
    view: View::Nothing,
    summary: "Names the class that most training pictures have, whatever it is shown.",
    learn,
};

struct MostFrequent(usize);

fn learn(lesson: &Lesson<'_>) -> Result<Box<dyn Learned>, BaselineErrorKind> {
    let counts = lesson.counts();
    Ok(Box::new(MostFrequent(super::largest(counts.into_iter().map(|count| count as f64)))))
}

impl Learned for MostFrequent {
    fn guess(&self, rows: &Rows) -> Vec<usize> {
        vec![self.0; rows.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_most_frequent_is_named() {
        let rows = Rows::of(vec![vec![]; 5]);
        for (labels, most) in [([0, 1, 1, 2, 2], 1), ([2, 2, 2, 0, 1], 2)] {
            let learned = BASELINE.learn(&Lesson::new(&rows, &labels, 3)).unwrap();
            assert_eq!(learned.guess(&rows), [most; 5]);
        }
    }
}
