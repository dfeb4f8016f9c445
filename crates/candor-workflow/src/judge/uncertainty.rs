//! How far the figures may be off: the bootstrap on all threads, and not again where it was made before.

use candor_analysis::interval::{Bootstrap, Draws, Groups, Intervals, Resampling};
use candor_analysis::{Evaluation, LabelledPredictions};
use candor_core::Seed;
use rayon::prelude::*;

use super::Judgement;
use crate::threads::in_pool;

/// Resamplings that a thread makes in one go.
const SOME: u32 = 50;

/// What intervals depend on besides the answers.
pub(crate) struct Uncertainty<'a> {
    /// What belongs together among the pictures.
    pub groups: Groups,
    pub seed: Seed,
    /// Threads to compute on, 0 for all cores. Changes no result.
    pub threads: usize,
    /// An earlier judgement, whose intervals hold as long as its figures do.
    pub known: Option<&'a Judgement>,
}

impl Uncertainty<'_> {
    pub fn intervals(&self, predictions: &LabelledPredictions, evaluation: &Evaluation) -> Intervals {
        let plan = Bootstrap::for_size(self.seed, predictions.len(), predictions.classes().len());
        let holds = |known: &&Judgement| {
            let intervals = &known.intervals;
            known.evaluation == *evaluation
                && intervals.groups == self.groups.count()
                && intervals.resamples == plan.resamples
        };
        match self.known.filter(holds) {
            Some(known) => known.intervals.clone(),
            None => in_pool(self.threads, || {
                Intervals::with(predictions, evaluation, &self.groups, plan, |resampling| {
                    draw(resampling, plan)
                })
            }),
        }
    }
}

fn draw(resampling: &Resampling<'_>, plan: Bootstrap) -> Vec<Draws> {
    let starts: Vec<u32> = (0..plan.resamples).step_by(SOME as usize).collect();
    starts.into_par_iter().map(|start| resampling.draw(start..(start + SOME).min(plan.resamples))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_change_no_interval_and_known_ones_are_kept() {
        let classes = vec!["a".to_owned(), "b".to_owned()];
        let truth = (0..60).map(|i| i % 2).collect();
        let rows = (0..60).flat_map(|i| if i % 3 == 0 { [0.25, 0.75] } else { [0.75, 0.25] }).collect();
        let predictions = LabelledPredictions::new(classes, truth, rows).unwrap();
        let evaluation = Evaluation::of(&predictions);
        let intervals = |seed, threads, known| {
            let groups = Groups::singles(60);
            Uncertainty { groups, seed: Seed(seed), threads, known }.intervals(&predictions, &evaluation)
        };
        let one = intervals(1, 1, None);
        assert_eq!(one, intervals(1, 3, None));
        let known =
            Judgement { loss: 0.0, looks: None, evaluation: evaluation.clone(), intervals: one.clone() };
        assert_ne!(one, intervals(2, 1, None));
        assert_eq!(one, intervals(2, 1, Some(&known)));
    }
}
