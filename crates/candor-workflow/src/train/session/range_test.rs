//! The range test of the learning rate (Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3):
//! from step to step the rate rises by the same factor, until the loss grows.

use std::ops::ControlFlow;

use candor_core::{Progress, Stage};
use candor_engine::{Schedule, TrainingConfig};
use candor_report::RatePoint;

use super::Session;
use crate::error::Result;
use crate::train::Training;

/// Steps from the smallest to the largest rate.
const STEPS: usize = 100;
const SMALLEST: f64 = 1e-7;
const LARGEST: f64 = 10.0;
/// Share of the past in the smoothed loss.
const PAST: f64 = 0.9;
/// The test ends when the smoothed loss is so many times the lowest one.
const DIVERGED: f64 = 4.0;
/// Steps before the smoothed loss says anything.
const SETTLING: usize = 10;

/// What a range test found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RangeTest {
    /// One for each step.
    pub points: Vec<RatePoint>,
    /// Whether the loss grew so much that the test ended before the largest rate.
    pub diverged: bool,
}

impl Training<'_> {
    /// Trains for a few steps with rising learning rates. Nothing is saved.
    ///
    /// # Errors
    /// When the person stops it, or the settings do not go together.
    pub fn range_test(&self) -> Result<RangeTest> {
        let kept = self.kept_features()?;
        // The test decides about the rate itself.
        let config = TrainingConfig { schedule: Schedule::Constant, average: 0.0, ..self.config() };
        let mut session = Session::start(self, config, &kept, None)?;
        let mut test = RangeTest::default();
        for epoch in 0.. {
            let before = test.points.len();
            session.range_test_epoch(epoch, &mut test)?;
            if test.is_over() || test.points.len() == before {
                break;
            }
        }
        Ok(test)
    }
}

impl Session<'_> {
    fn range_test_epoch(&mut self, epoch: usize, test: &mut RangeTest) -> Result<()> {
        let (maker, mut outcome) = (self.maker, Ok(()));
        maker.each(epoch, 0, |batch| {
            outcome = batch.map_err(|error| self.unreadable(error)).map(|mut batch| {
                self.through_front(&mut batch);
                let rate = RangeTest::rate(test.points.len());
                // Optimisers with a decay of their own shrink it; over so few steps that is nothing.
                self.trainer.set_learning_rate(rate as f32);
                let outcome = self.trainer.step_in_groups(batch.batch(), &batch.groups);
                test.add(rate, f64::from(outcome.loss));
            });
            self.tell_range_test(test.points.len());
            match outcome.is_ok() && !test.is_over() && !self.training.reporter.cancelled() {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        });
        match self.training.reporter.cancelled() {
            true => Err(crate::error::WorkflowError::Stopped { run: None }),
            false => outcome,
        }
    }

    fn tell_range_test(&self, done: usize) {
        let message = format!("range test · learning rate {:.1e}", RangeTest::rate(done.saturating_sub(1)));
        let (done, total) = (done as u64, STEPS as u64);
        self.training.reporter.progress(Progress { stage: Stage::Train, done, total, message });
    }
}

impl RangeTest {
    fn rate(step: usize) -> f64 {
        SMALLEST * (LARGEST / SMALLEST).powf(step as f64 / (STEPS - 1) as f64)
    }

    fn add(&mut self, rate: f64, loss: f64) {
        // A mean that begins with nothing is too small at first (as in Adam).
        let weight = |steps: usize| 1.0 - PAST.powi(steps as i32);
        let steps = self.points.len();
        let sum = self.points.last().map_or(0.0, |point| point.smoothed * weight(steps));
        let smoothed = (PAST * sum + (1.0 - PAST) * loss) / weight(steps + 1);
        self.points.push(RatePoint { rate, loss, smoothed });
        let lowest = self.points.iter().map(|point| point.smoothed).fold(f64::INFINITY, f64::min);
        self.diverged = !loss.is_finite() || (steps >= SETTLING && smoothed > DIVERGED * lowest);
    }

    fn is_over(&self) -> bool {
        self.diverged || self.points.len() >= STEPS
    }

    /// The rate at which the smoothed loss falls fastest before it is lowest, with one digit; `None` where it never falls.
    pub fn suggestion(&self) -> Option<f64> {
        let losses: Vec<f64> = self.points.iter().map(|point| point.smoothed).collect();
        let finite = losses.iter().take_while(|loss| loss.is_finite()).count();
        let lowest = (0..finite).min_by(|&a, &b| losses[a].total_cmp(&losses[b]))?;
        // Over several steps, so that a single batch does not decide.
        let fall = |at: usize| losses[at - 2] - losses[(at + 2).min(lowest)];
        let candidates = SETTLING..lowest.saturating_sub(1);
        let steepest =
            candidates.max_by(|&a, &b| fall(a).total_cmp(&fall(b))).filter(|&at| fall(at) > 0.0)?;
        Some(with_one_digit(self.points[steepest].rate))
    }
}

fn with_one_digit(rate: f64) -> f64 {
    format!("{rate:.0e}").parse().unwrap_or(rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_of(loss: impl Fn(f64) -> f64) -> RangeTest {
        let mut test = RangeTest::default();
        while !test.is_over() {
            let rate = RangeTest::rate(test.points.len());
            test.add(rate, loss(rate));
        }
        test
    }

    #[test]
    fn rates_rise_by_the_same_factor() {
        assert!(
            (RangeTest::rate(0) - 1e-7).abs() < 1e-18 && (RangeTest::rate(STEPS - 1) - 10.0).abs() < 1e-9
        );
        let factor = |step| RangeTest::rate(step + 1) / RangeTest::rate(step);
        assert!((factor(0) - factor(70)).abs() < 1e-12);
    }

    #[test]
    fn the_suggestion_lies_where_the_loss_falls_and_before_it_grows() {
        // Falls around 10⁻³, grows beyond 10⁻¹.
        let loss = |rate: f64| 0.3 + 2.0 / (1.0 + (rate / 1e-3).powi(2)) + (rate / 0.1).powi(2);
        let test = test_of(loss);
        let suggestion = test.suggestion().unwrap();
        assert!((3e-4..2e-2).contains(&suggestion), "{suggestion}");
        assert!(test.diverged && test.points.len() < STEPS);
    }

    #[test]
    fn a_loss_that_never_falls_or_is_none_gives_no_suggestion() {
        assert_eq!(test_of(|rate| 1.0 + rate).suggestion(), None);
        let test = test_of(|_| f64::NAN);
        assert_eq!((test.suggestion(), test.points.len(), test.diverged), (None, 1, true));
    }
}
