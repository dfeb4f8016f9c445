//! Simple models to hold a network against: whoever cannot beat these has learned nothing worth a network.
//!
//! A [`Baseline`] sees little of a picture ([`View`]) and learns within seconds. Each is one file; [`BASELINES`] lists
//! them. [`BaselineComparison`] says whether a network beats the best of them. The learners are those of the `linfa`
//! crates, except where a model is a few lines of counting or measuring. All are held against scikit-learn
//! (`tests/goldens/baselines.py`). Everything here is computed on one thread and without randomness: the caller
//! chooses the pictures to learn from.

mod bernoulli_naive_bayes;
mod border;
mod comparison;
mod error;
mod gaussian_naive_bayes;
mod logistic_regression;
mod mean_colour;
mod most_frequent;
mod multinomial_naive_bayes;
mod naive_bayes;
mod nearest_neighbours;
mod principal_components;
mod rbf_svm;
mod thumbnail;
mod view;

use std::fmt;

pub use comparison::{BaselineComparison, BaselineScore, LeftOut, Verdict};
pub use error::{BaselineError, BaselineErrorKind};
pub use view::{Rows, View};

/// Every baseline, from the one that sees nothing to those that see most.
pub static BASELINES: [&Baseline; 10] = [
    &most_frequent::BASELINE,
    &mean_colour::BASELINE,
    &border::BASELINE,
    &thumbnail::BASELINE,
    &bernoulli_naive_bayes::BASELINE,
    &gaussian_naive_bayes::BASELINE,
    &multinomial_naive_bayes::BASELINE,
    &nearest_neighbours::BASELINE,
    &logistic_regression::BASELINE,
    &rbf_svm::BASELINE,
];

/// One simple model: what it is called, what it sees, how it learns.
pub struct Baseline {
    /// Its name in files and in JSON.
    pub id: &'static str,
    /// What people call it, within a sentence.
    pub title: &'static str,
    /// What it sees of a picture.
    pub view: View,
    /// How it learns and answers, in a sentence, and after whom.
    pub summary: &'static str,
    learn: fn(&Lesson<'_>) -> Result<Box<dyn Learned>, BaselineErrorKind>,
}

/// A baseline that has learned.
pub trait Learned: Send + Sync {
    /// The class of each row, in order. The rows are of the view that it learned from.
    fn guess(&self, rows: &Rows) -> Vec<usize>;
}

/// What a baseline learns from: pictures as it sees them, and their classes.
#[derive(Clone, Copy, Debug)]
pub struct Lesson<'a> {
    rows: &'a Rows,
    labels: &'a [usize],
    classes: usize,
}

impl<'a> Lesson<'a> {
    /// One label in 0..`classes` a row.
    ///
    /// # Panics
    /// When rows and labels differ in number, there are none, or a label has no class.
    pub fn new(rows: &'a Rows, labels: &'a [usize], classes: usize) -> Lesson<'a> {
        assert_eq!(rows.len(), labels.len(), "one label a row");
        assert!(!labels.is_empty() && labels.iter().all(|&label| label < classes), "every label has a class");
        Lesson { rows, labels, classes }
    }

    /// Rows of each class.
    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        self.labels.iter().for_each(|&label| counts[label] += 1);
        counts
    }

    /// The classes that have a row, ascending.
    fn present(&self) -> Vec<usize> {
        (0..).zip(self.counts()).filter(|&(_, count)| count > 0).map(|(class, _)| class).collect()
    }

    /// The same, where there must be at least two to tell apart.
    fn several_present(&self) -> Result<Vec<usize>, BaselineErrorKind> {
        let present = self.present();
        if present.len() < 2 { Err(BaselineErrorKind::OneClass) } else { Ok(present) }
    }
}

impl Baseline {
    /// The baseline with this id.
    pub fn find(id: &str) -> Option<&'static Baseline> {
        BASELINES.into_iter().find(|baseline| baseline.id == id)
    }

    /// Learns.
    ///
    /// # Errors
    /// When there is nothing to tell apart, or the learner gives up.
    pub fn learn(&self, lesson: &Lesson<'_>) -> Result<Box<dyn Learned>, BaselineError> {
        (self.learn)(lesson).map_err(|kind| BaselineError::new(self.id, kind))
    }
}

impl fmt::Debug for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Baseline").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Values that a view shows at most, of each colour.
const VALUES: usize = 16 * 16;
/// Of fewer pictures learning takes seconds, whatever they are like.
const ALWAYS: usize = 2_000;
/// More would not fit into memory beside the pictures themselves.
const MOST: usize = 20_000;
/// Pictures of two classes together: the machine that tells them apart holds a number for each pair of pictures.
const MOST_OF_TWO: f64 = 5_000.0;
/// Pairs of pictures that all such machines hold together.
const MOST_PAIRS: f64 = 2e8;
/// Pictures times values times classes, which each step of the logistic regression goes through.
const MOST_A_STEP: f64 = 6e7;

/// From how many pictures, of classes with these counts and so many colours, all baselines can learn within about half a
/// minute: all of them, or as many as the estimated work allows, and never fewer than 2,000.
pub fn affordable(counts: &[usize], colours: usize) -> usize {
    let sizes: Vec<f64> = counts.iter().filter(|&&count| count > 0).map(|&count| count as f64).collect();
    let (all, classes) = (sizes.iter().sum::<f64>(), sizes.len() as f64);
    let squares: f64 = sizes.iter().map(|size| size * size).sum();
    // Each pair of classes (i, j) costs (i + j)²; these are their sum and the largest i + j.
    let pairs = (classes - 2.0) * squares + all * all;
    let mut largest = sizes;
    largest.sort_by(|a, b| b.total_cmp(a));
    let two: f64 = largest.iter().take(2).sum();
    let share = (MOST_PAIRS / pairs)
        .sqrt()
        .min(MOST_OF_TWO / two)
        .min(MOST_A_STEP / (all * (VALUES * colours) as f64 * classes))
        .min(MOST as f64 / all)
        .min(1.0);
    ((all * share) as usize).max(ALWAYS).min(counts.iter().sum())
}

/// The largest of `values`; the first of equals.
fn largest(values: impl IntoIterator<Item = f64>) -> usize {
    let start = (0, f64::NEG_INFINITY);
    (0..).zip(values).fold(start, |best, next| if next.1 > best.1 { next } else { best }).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_core::{Channels, Image, Seed};

    /// `pictures` of two classes with noise: evenly dark, and light above all in the upper half.
    fn lesson_of(view: View, pictures: usize) -> (Rows, Vec<usize>) {
        let mut rng = Seed(4).rng();
        let labels: Vec<usize> = (0..pictures).map(|index| index % 2).collect();
        let image = |&class: &usize| {
            let light = |i: usize| if i < 300 { 120 * class } else { 60 * class };
            let pixels = (0..20 * 30).map(|i| (40 + light(i) + rng.below(60)) as u8).collect();
            Image::new(20, 30, Channels::Grey, pixels).unwrap()
        };
        let images: Vec<Image> = labels.iter().map(image).collect();
        (Rows::of(images.iter().map(|image| view.row(image)).collect()), labels)
    }

    #[test]
    fn every_baseline_learns_what_its_view_shows_and_answers_alike_each_time() {
        for baseline in BASELINES {
            let (rows, labels) = lesson_of(baseline.view, 60);
            let guess = || baseline.learn(&Lesson::new(&rows, &labels, 2)).unwrap().guess(&rows);
            let right = guess().iter().zip(&labels).filter(|(a, b)| a == b).count();
            let expected = if baseline.view == View::Nothing { 30 } else { 60 };
            assert_eq!(right, expected, "{}", baseline.id);
            assert_eq!(guess(), guess(), "{}", baseline.id);
        }
    }

    #[test]
    fn classes_without_a_picture_and_very_few_pictures_do_no_harm() {
        for baseline in BASELINES {
            let (rows, mut labels) = lesson_of(baseline.view, 6);
            labels.iter_mut().for_each(|label| *label = 1 + 2 * *label);
            let guess = baseline.learn(&Lesson::new(&rows, &labels, 5)).unwrap().guess(&rows);
            assert!(guess.iter().all(|class| [1, 3].contains(class)), "{}: {guess:?}", baseline.id);
        }
    }

    #[test]
    fn pictures_that_are_all_alike_are_no_reason_to_fail() {
        for baseline in BASELINES {
            let image = Image::filled(9, 9, Channels::Rgb, 0);
            let rows = Rows::of(vec![baseline.view.row(&image); 8]);
            let labels = [0, 1, 1, 0, 1, 1, 0, 1];
            match baseline.learn(&Lesson::new(&rows, &labels, 2)) {
                Ok(learned) => assert_eq!(learned.guess(&rows).len(), 8, "{}", baseline.id),
                Err(error) => assert!(error.to_string().starts_with(baseline.id), "{error}"),
            }
        }
    }

    #[test]
    fn as_many_pictures_as_are_affordable_are_learned_from() {
        // Counts, colours, and how many: all; limited by pairs of pictures, by steps over colours and classes, by two classes.
        let cases = [
            (vec![700; 10], 1, 7_000),
            (vec![900; 10], 1, 9_000),
            (vec![6_000; 10], 1, 10_540),
            (vec![5_000; 10], 3, 7_812),
            (vec![500; 100], 3, 2_000),
            (vec![8_000, 2_000], 1, 5_000),
            (vec![12, 0, 9], 3, 21),
            (vec![0, 0], 1, 0),
        ];
        for (counts, colours, expected) in cases {
            assert_eq!(affordable(&counts, colours), expected, "{counts:?}");
        }
    }

    #[test]
    fn ids_are_unique_and_found() {
        for baseline in BASELINES {
            assert!(std::ptr::eq(Baseline::find(baseline.id).unwrap(), baseline), "{baseline:?}");
        }
        assert!(Baseline::find("deep-thought").is_none());
    }

    #[test]
    fn one_class_alone_is_told() {
        let (rows, _) = lesson_of(View::Pixels, 4);
        let error = rbf_svm::BASELINE.learn(&Lesson::new(&rows, &[1; 4], 2)).err().unwrap();
        assert_eq!(error.kind(), &BaselineErrorKind::OneClass);
    }
}
