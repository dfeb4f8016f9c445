//! `train --find-lr`: which learning rate suits these pictures and this network.

use std::path::PathBuf;

use candor_core::Reporter;
use candor_report::{RangeTest, RatePoint, learning_rates_html, learning_rates_svg};
use serde::Serialize;

use super::train::RunRequest;
use crate::error::Result;
use crate::run::{Beginning, Run};
use crate::run_dir::{LEARNING_RATES_HTML, LEARNING_RATES_JSON, LEARNING_RATES_SVG, RunDir};

/// What a range test of the learning rate found.
#[derive(Clone, Debug, Serialize)]
pub struct LearningRates {
    /// The rate to train with; none where the loss never fell.
    pub suggestion: Option<f64>,
    /// The rate that the recipe has.
    pub recipe: f64,
    /// The rate at which the smoothed loss was lowest.
    pub lowest_at: f64,
    /// Whether the loss grew so much that the test ended early.
    pub diverged: bool,
    /// One for each step.
    pub steps: Vec<RateStep>,
    /// The drawing.
    pub plot: PathBuf,
    /// The drawing and the suggestion on a page, with a word on how to read them.
    pub page: PathBuf,
}

/// One step of the test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RateStep {
    /// The learning rate.
    pub learning_rate: f64,
    /// The loss of the step's batch; none where it was no number.
    pub loss: Option<f64>,
    /// Smoothed over the steps so far.
    pub smoothed: Option<f64>,
}

/// Takes up to 100 training steps with a learning rate that rises from 10⁻⁷ to 10 (Smith, 2017), and writes table, drawing
/// and page into the request's folder. Nothing else is kept.
///
/// # Errors
/// When the pictures, the recipe or the folder cannot be used, or the person stops it.
pub fn find_lr(request: &RunRequest, reporter: &dyn Reporter) -> Result<LearningRates> {
    let dir = RunDir::create(&request.out)?;
    let RunRequest { source, recipe, threads, .. } = request;
    let beginning = Beginning { source, recipe, study: false, baselines: false, threads: *threads };
    let run = Run::unsaved(dir, &beginning, reporter)?;
    let test = run.range_test(reporter)?;
    let suggestion = test.suggestion();
    let recipe_rate = crate::rates::as_written(run.recipe.training.optimizer.learning_rate());
    let page = RangeTest {
        title: &run.record.spec.short_name(),
        version: env!("CARGO_PKG_VERSION"),
        points: &test.points,
        suggestion,
        recipe: recipe_rate,
    };
    run.dir.write(LEARNING_RATES_SVG, learning_rates_svg(&test.points, suggestion))?;
    run.dir.write(LEARNING_RATES_HTML, learning_rates_html(&page))?;
    let result = LearningRates {
        suggestion,
        recipe: recipe_rate,
        lowest_at: lowest(&test.points),
        diverged: test.diverged,
        steps: test.points.iter().map(step).collect(),
        plot: run.dir.file(LEARNING_RATES_SVG),
        page: run.dir.file(LEARNING_RATES_HTML),
    };
    run.dir.write_json(LEARNING_RATES_JSON, &result)?;
    Ok(result)
}

fn lowest(points: &[RatePoint]) -> f64 {
    let finite = points.iter().filter(|point| point.smoothed.is_finite());
    finite.min_by(|a, b| a.smoothed.total_cmp(&b.smoothed)).map_or(f64::NAN, |point| point.rate)
}

fn step(point: &RatePoint) -> RateStep {
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    RateStep { learning_rate: point.rate, loss: finite(point.loss), smoothed: finite(point.smoothed) }
}
