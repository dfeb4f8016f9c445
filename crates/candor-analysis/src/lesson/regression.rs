//! Linear regression by gradient descent: how a network of one unit learns, small enough to be followed step by step.
//!
//! The unit says f(x) = w·x + b; the loss is the mean of (f(x) − y)². Its curvature is the same everywhere (the Hessian
//! 2·[mean x², mean x; mean x, 1]), so that everything that happens to a learning rate α can be said before a step is taken:
//! along each principal direction a step multiplies the distance to the minimum by 1 − α·curvature, and where α·curvature is
//! above 2 the distance grows.

mod points;
mod sentences;

use points::{Points, mean};
use serde::Serialize;
use thiserror::Error;

use super::Lesson;
use crate::evaluate::Interval;

pub use sentences::{typed, written_pair};

pub(super) static LESSON: Lesson = Lesson {
    id: "regression",
    title: "A line learns by gradient descent",
    shows: "How a network learns, at the smallest there is: one unit, f(x) = w·x + b. Each step moves w and b a little \
            against the gradient of the loss. The learning rate decides whether it arrives, crawls, or flies off.",
    misleads: "A line through few points says little about other points, and nothing outside of their range. That the loss is \
               as small as it gets does not make the line true, nor x the cause of y.",
    questions: &[
        "Which rates arrive, which crawl, which fly off? What does the loss look like from step to step in each case?",
        "Why is the valley of the loss so long and narrow? What would happen if x were counted in hundreds, or from its mean?",
        "The least-squares line is there at once. Why do networks not learn that way?",
        "For which x would you trust the prediction, and what would you have to know to trust it elsewhere?",
        "Does the line show that x makes y? What else could make both?",
    ],
    reference: "A. M. Legendre, Nouvelles méthodes pour la détermination des orbites des comètes, 1805 (least squares); \
                A. Cauchy, Méthode générale pour la résolution des systèmes d'équations simultanées, 1847 (gradient descent).",
};

/// Steps at most, where none were asked for.
pub const MOST_STEPS: usize = 100_000;
/// What a beginner tries first.
const USUAL_RATE: f64 = 0.1;

/// Numbers with no line to learn.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum RegressionError {
    #[error("a line needs at least two points, and there {}", match points { 0 => "is none".into(), 1 => "is one".into(), n => format!("are {n}") })]
    TooFew { points: usize },
    #[error("every x is {x}: no line can say how y changes with it")]
    AllAlike { x: f64 },
    #[error("the numbers are too large to be squared: count in larger units")]
    TooLarge,
    #[error("a learning rate is a number above 0, not {rate}")]
    Rate { rate: f64 },
    #[error("x is known for {x} points and y for {y}")]
    Unequal { x: usize, y: usize },
}

/// How the line is learned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// w and b to begin with.
    pub start: [f64; 2],
    /// The learning rate; half of the largest where none is given.
    pub rate: Option<f64>,
    /// Steps; without, until it has arrived, and [`MOST_STEPS`] at most.
    pub steps: Option<usize>,
    /// Where y is to be predicted.
    pub at: Option<f64>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { start: [0.48, 0.05], rate: None, steps: None, at: None }
    }
}

/// A line and its loss.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// Slope: y per x.
    pub w: f64,
    /// y where x is 0.
    pub b: f64,
    /// Mean of (w·x + b − y)².
    pub loss: f64,
}

/// A step of the descent; number 0 is the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Step {
    /// How many steps were taken.
    pub step: usize,
    /// Where that led.
    #[serde(flatten)]
    pub fit: Fit,
}

/// How a descent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The gradient is next to nothing.
    Arrived,
    /// The steps ran out before.
    OnTheWay,
    /// The learning rate is too large: each step lands farther away.
    Diverges,
}

/// What became of another learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TriedRate {
    /// The rate.
    pub rate: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// Steps until it arrived or was given up.
    pub steps: usize,
    /// Where it ended.
    pub end: Fit,
}

/// y at an x.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Predicted {
    /// The x.
    pub x: f64,
    /// What the descent says; none where it diverged.
    pub by_descent: Option<f64>,
    /// What the least-squares line says.
    pub by_least_squares: f64,
    /// Where a new point at x lies, 95 times out of 100, if the points scatter around a line normally and alike; from three
    /// points on.
    pub interval: Option<Interval>,
    /// Whether x lies outside of what was seen.
    pub extrapolated: bool,
}

/// The whole lesson.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Regression {
    /// The points' x.
    pub x: Vec<f64>,
    /// Their y.
    pub y: Vec<f64>,
    /// The learning rate.
    pub rate: f64,
    /// The largest that does not diverge: 2 / the largest curvature.
    pub largest_rate: f64,
    /// Eigenvalues of the Hessian, the larger first.
    pub curvatures: [f64; 2],
    /// How it ended.
    pub outcome: Outcome,
    /// The beginning, the first steps, then ever fewer of them, and the end.
    pub path: Vec<Step>,
    /// The line with the smallest loss there is.
    pub least_squares: Fit,
    /// The 95 % interval of its slope, from three points on.
    pub slope_interval: Option<Interval>,
    /// Other rates, from large to small.
    pub other_rates: Vec<TriedRate>,
    /// Where one was asked for.
    pub prediction: Option<Predicted>,
}

/// Learns a line from points.
///
/// # Errors
/// When there are fewer than two, all have one x, or the learning rate is none.
pub fn learn(x: &[f64], y: &[f64], settings: &Settings) -> Result<Regression, RegressionError> {
    let points = Points::new(x, y)?;
    let (curvatures, least_squares) = (points.curvatures(), points.least_squares());
    let largest_rate = 2.0 / curvatures[0];
    let rate = settings.rate.unwrap_or(0.5 * largest_rate);
    if !(rate > 0.0 && rate.is_finite()) {
        return Err(RegressionError::Rate { rate });
    }
    let descent = points.descend(settings.start, rate, settings.steps);
    let end = descent.path.last().expect("a descent has a beginning").fit;
    let others =
        [USUAL_RATE, 1.01 * largest_rate, 0.99 * largest_rate, 0.5 * largest_rate, 0.02 * largest_rate];
    let mut other_rates: Vec<TriedRate> =
        others.into_iter().map(|rate| points.tried(settings.start, rate)).collect();
    other_rates.sort_by(|a, b| b.rate.total_cmp(&a.rate));
    let prediction = settings.at.map(|x| Predicted {
        x,
        by_descent: (descent.outcome != Outcome::Diverges).then_some(end.w * x + end.b),
        by_least_squares: least_squares.w * x + least_squares.b,
        interval: points.prediction_interval(&least_squares, x),
        extrapolated: !points.range().contains(&x),
    });
    Ok(Regression {
        x: x.to_vec(),
        y: y.to_vec(),
        rate,
        largest_rate,
        curvatures,
        outcome: descent.outcome,
        path: descent.path,
        least_squares,
        slope_interval: points.slope_interval(&least_squares),
        other_rates,
        prediction,
    })
}

impl Regression {
    /// Where the descent began.
    pub fn start(&self) -> &Step {
        &self.path[0]
    }

    /// Where it ended.
    pub fn end(&self) -> &Step {
        &self.path[self.path.len() - 1]
    }

    /// The loss of any line.
    pub fn loss(&self, w: f64, b: f64) -> f64 {
        mean(self.x.iter().zip(&self.y).map(|(x, y)| (w * x + b - y).powi(2)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tax and emissions of four countries: the data of a well-known slide.
    const TAX: [f64; 4] = [5.0, 10.0, 15.0, 25.0];
    const EMISSIONS: [f64; 4] = [5.0, 4.3, 3.7, 2.9];

    fn slide(settings: Settings) -> Regression {
        learn(&TAX, &EMISSIONS, &settings).unwrap()
    }

    #[test]
    fn the_slide_s_line_is_learned() {
        let found = slide(Settings { at: Some(20.0), ..Settings::default() });
        assert_eq!(found.outcome, Outcome::Arrived);
        let text = found.sentences().join("\n");
        for expected in ["The loss is 25.78 at the start", "w = -0.103, b = 5.397", "f(20) = 3.33"] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        assert!(
            (found.least_squares.w + 0.103_43).abs() < 1e-5
                && (found.least_squares.b - 5.397_14).abs() < 1e-5
        );
        assert!((found.largest_rate - 2.0 / 489.052_8).abs() < 1e-8, "{}", found.largest_rate);
        // numpy.linalg.eigvalsh
        assert!((found.curvatures[1] - 0.447_293).abs() < 1e-5, "{:?}", found.curvatures);
    }

    #[test]
    fn a_rate_that_diverges_is_said_with_the_largest_that_does_not() {
        let found = slide(Settings { rate: Some(0.1), at: Some(20.0), ..Settings::default() });
        assert_eq!(found.outcome, Outcome::Diverges);
        let text = found.sentences().join("\n");
        assert!(text.contains("the learning rate 0.1 diverges"), "{text}");
        assert!(text.contains("The largest rate that does not diverge is 0.00408."), "{text}");
        assert!(text.contains("The descent predicts nothing; least squares says f(20) = 3.33"), "{text}");
        assert!(found.path.iter().all(|step| step.fit.loss.is_finite()));
    }

    #[test]
    fn few_steps_are_on_the_way_unless_they_lead_away() {
        for (rate, expected) in
            [(0.004, Outcome::OnTheWay), (0.0042, Outcome::Diverges), (1e-5, Outcome::OnTheWay)]
        {
            let found = slide(Settings { rate: Some(rate), steps: Some(200), ..Settings::default() });
            assert_eq!((found.outcome, found.end().step), (expected, 200), "{rate}");
        }
        let none = slide(Settings { steps: Some(0), ..Settings::default() });
        assert_eq!((none.path.len(), none.end().step), (1, 0));
    }

    #[test]
    fn intervals_are_those_of_the_textbook() {
        // scipy.stats.linregress, and its standard errors with scipy.stats.t.
        let found = slide(Settings { at: Some(20.0), ..Settings::default() });
        let slope = found.slope_interval.unwrap();
        let there = found.prediction.unwrap().interval.unwrap();
        assert!((slope.low + 0.148_227).abs() < 1e-6 && (slope.high + 0.058_630).abs() < 1e-6, "{slope:?}");
        assert!((there.low - 2.536_631).abs() < 1e-6 && (there.high - 4.120_511).abs() < 1e-6, "{there:?}");
        let two = learn(&[1.0, 2.0], &[1.0, 3.0], &Settings::default()).unwrap();
        assert_eq!(two.slope_interval, None);
    }

    #[test]
    fn what_has_no_line_is_refused() {
        let settings = Settings::default();
        let error = |x: &[f64], y: &[f64]| learn(x, y, &settings).unwrap_err().to_string();
        assert_eq!(error(&[], &[]), "a line needs at least two points, and there is none");
        assert_eq!(error(&[3.0; 3], &[1.0, 2.0, 3.0]), "every x is 3: no line can say how y changes with it");
        assert_eq!(error(&[1.0], &[1.0]), "a line needs at least two points, and there is one");
        assert_eq!(
            error(&[1e200, 2.0], &[1.0, 2.0]),
            "the numbers are too large to be squared: count in larger units"
        );
        let rate = Settings { rate: Some(-1.0), ..settings };
        assert_eq!(learn(&TAX, &EMISSIONS, &rate), Err(RegressionError::Rate { rate: -1.0 }));
    }

    proptest! {
        #[test]
        fn rates_below_the_largest_never_diverge_and_those_above_do(
            x in prop::collection::vec(-50.0f64..50.0, 3..20),
            noise in prop::collection::vec(-1.0f64..1.0, 20),
            share in 0.05f64..0.98,
        ) {
            prop_assume!(x.iter().any(|a| (a - x[0]).abs() > 1.0));
            let y: Vec<f64> = x.iter().zip(&noise).map(|(x, e)| 2.0 - 0.5 * x + e).collect();
            let rate = |share: f64| {
                let first = learn(&x, &y, &Settings::default()).unwrap();
                Settings { rate: Some(share * first.largest_rate), ..Settings::default() }
            };
            prop_assert_ne!(learn(&x, &y, &rate(share)).unwrap().outcome, Outcome::Diverges);
            prop_assert_eq!(learn(&x, &y, &rate(2.0 - share)).unwrap().outcome, Outcome::Diverges);
            let line = learn(&x, &y, &Settings::default()).unwrap();
            let best = line.least_squares;
            for (w, b) in [(best.w + 0.01, best.b), (best.w, best.b - 0.01)] {
                prop_assert!(line.loss(w, b) >= best.loss);
            }
        }
    }
}
