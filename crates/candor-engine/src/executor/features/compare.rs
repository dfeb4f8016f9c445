//! The way back between two samples: multipliers of several seeds at once, and what each input value contributes.
//!
//! What depends on the two samples alone, such as Δoutput / Δinput of an activation, is found once for all seeds.

use rayon::prelude::*;

use super::lane::{Block, Lane, of_slots};
use super::{Features, pixels};
use crate::executor::Mode;
use crate::executor::plan::Plan;
use crate::executor::step::{Pass, rows};

impl Features {
    /// Seeds that can go back together.
    pub fn seeds(&self) -> usize {
        self.plan.seeds.unwrap_or(1)
    }

    /// Takes multipliers between the sample that `other` went forward with and each of the samples that these features went
    /// forward with back to the input, and adds to `sums` what each input value contributes, once a sample: multiplier ·
    /// (the other's value − the sample's).
    ///
    /// `multipliers` hold for each sample one row a seed, with respect to the rows of [`Features::forward`]; `sums` one row a
    /// seed, height × width × channels.
    pub fn contribute(&mut self, other: &Features, multipliers: &[f32], seeds: usize, sums: &mut [f32]) {
        let pass = self.pass(Mode::Answer);
        let Features { plan, lanes, desks, lane_len, .. } = self;
        let rows = multipliers.par_chunks(*lane_len * seeds * plan.features);
        let used = rows.len();
        lanes.par_iter_mut().zip(rows).for_each(|(lane, rows)| {
            desks.seat(lane, |lane| lane.contribute(plan, &pass, &other.lanes[0], rows, seeds));
        });
        for (seed, sums) in sums.chunks_exact_mut(pixels(&plan.layouts[0])).enumerate() {
            lanes[..used].iter().for_each(|lane| lane.add_contributions(plan, seed, sums));
        }
    }
}

impl Lane {
    fn contribute(&mut self, plan: &Plan, pass: &Pass, other: &Lane, multipliers: &[f32], seeds: usize) {
        self.contributions.fill(0.0);
        for (sample, rows) in multipliers.chunks_exact(seeds * plan.features).enumerate() {
            let block = Block { samples: sample..sample + 1, gradients: 0..seeds, first_of_lane: 0 };
            self.read_row_gradients(plan, &block.gradients, rows);
            (0..plan.steps.len()).rev().for_each(|step| {
                self.step_back(plan, pass, (step, Some(other)), &block);
            });
            self.multiply_with_differences(plan, other, &block);
        }
    }

    fn multiply_with_differences(&mut self, plan: &Plan, other: &Lane, block: &Block) {
        let (layout, Some(place)) = (&plan.layouts[0], plan.gradients.places[0]) else { return };
        let own = of_slots(&self.tensors[0], layout, &block.samples);
        let other = of_slots(&other.tensors[0], layout, &(0..1));
        let seeds = self.contributions.chunks_exact_mut(layout.len());
        let multipliers = of_slots(&self.gradients[place], layout, &block.gradients);
        for (sums, multipliers) in seeds.zip(multipliers.chunks_exact(layout.len())) {
            for (_, _, row) in rows(layout) {
                let differences =
                    other[row.clone()].iter().zip(&own[row.clone()]).map(|(other, own)| other - own);
                let terms = multipliers[row.clone()].iter().zip(differences);
                sums[row].iter_mut().zip(terms).for_each(|(sum, (m, difference))| *sum += m * difference);
            }
        }
    }
}
