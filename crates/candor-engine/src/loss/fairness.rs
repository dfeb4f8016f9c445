//! Fairness between groups, as part of what training makes smaller.
//!
//! A batch's samples may each belong to a group. [`penalty`] adds the squared gap between the groups to the loss;
//! [`group_dro`] weighs the groups' losses, the worst most. Both work on the outputs of one batch, in the order of its
//! samples, on one thread: the number of threads changes no bit.

mod group_dro;
mod penalty;

use serde::{Deserialize, Serialize};

use super::Objective;
use crate::layer::Activation;
use crate::optimizer::not_negative;
use crate::{EngineError, StepOutcome};
pub(crate) use group_dro::GroupDro;
pub(crate) use penalty::Penalty;

/// How groups are to be treated alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fairness {
    /// How many groups there are: at least 2.
    pub groups: usize,
    /// What is done about their gap.
    pub method: FairnessMethod,
}

/// What is done about the gap between groups.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FairnessMethod {
    /// The loss becomes the mean loss + `weight` × the squared gap between the groups of the batch: after Padala and
    /// Gujar, "FNNC: Achieving fairness through neural networks" (2020), whose gaps these are, here squared as in
    /// Beutel et al., "Putting fairness principles into practice" (2019), so that they have a gradient everywhere, and of
    /// sharpened probabilities in the place of probabilities, so that they are gaps of predictions.
    Penalty {
        /// Of what the gap is.
        definition: FairnessDefinition,
        /// How much it counts beside the loss; not negative.
        weight: f32,
    },
    /// The loss becomes Σ q × the mean loss of the group, where q grows by exp(`step_size` × that loss) in each step:
    /// algorithm 1 of Sagawa et al., "Distributionally robust neural networks for group shifts" (2020).
    GroupDro {
        /// How fast the worst group takes over; not negative. With 0 every group counts the same.
        step_size: f32,
    },
}

/// What is to be alike for all groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FairnessDefinition {
    /// The share of right answers.
    #[default]
    EqualAccuracy,
    /// How often each class is answered, whatever is true (statistical parity: Dwork et al., 2012).
    DemographicParity,
    /// How often each class is answered, given what is true (Hardt et al., 2016).
    EqualizedOdds,
}

impl FairnessDefinition {
    /// All of them.
    pub const ALL: [FairnessDefinition; 3] = [
        FairnessDefinition::EqualAccuracy,
        FairnessDefinition::DemographicParity,
        FairnessDefinition::EqualizedOdds,
    ];

    /// The word for it in a recipe.
    pub fn name(self) -> &'static str {
        match self {
            FairnessDefinition::EqualAccuracy => "equal-accuracy",
            FairnessDefinition::DemographicParity => "demographic-parity",
            FairnessDefinition::EqualizedOdds => "equalized-odds",
        }
    }
}

impl Fairness {
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        if self.groups < 2 {
            let value = self.groups.to_string();
            return Err(EngineError::BadTraining { setting: "groups", value, needs: "at least 2" });
        }
        match self.method {
            FairnessMethod::Penalty { weight, .. } => not_negative("fairness weight", weight),
            FairnessMethod::GroupDro { step_size } => not_negative("fairness step_size", step_size),
        }
    }
}

/// A method with what it remembers.
pub(crate) enum Balance {
    Penalty(Penalty),
    GroupDro(GroupDro),
}

/// The outputs of a batch, one row a sample, with what is known of the samples.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub outputs: &'a [f32],
    pub targets: &'a [usize],
    /// The group of each sample; `None` for those that belong to none.
    pub groups: &'a [Option<usize>],
    /// The network's last activation, where the gradient is wanted before it.
    pub before: Option<Activation>,
}

impl Rows<'_> {
    /// Output, target and group of each sample.
    fn samples(&self) -> impl Iterator<Item = (&[f32], usize, Option<usize>)> {
        let rows = self.outputs.chunks_exact(self.units());
        rows.zip(self.targets).zip(self.groups).map(|((output, &target), &group)| (output, target, group))
    }

    fn units(&self) -> usize {
        self.outputs.len() / self.targets.len()
    }
}

impl Balance {
    pub fn new(fairness: Fairness, units: usize) -> Balance {
        let Fairness { groups, method } = fairness;
        match method {
            FairnessMethod::Penalty { definition, weight } => {
                Balance::Penalty(Penalty::new(definition, weight, groups, units.max(2)))
            }
            FairnessMethod::GroupDro { step_size } => Balance::GroupDro(GroupDro::new(step_size, groups)),
        }
    }

    /// What is remembered from step to step: the groups' weights.
    pub fn state(&self) -> &[f64] {
        match self {
            Balance::Penalty(_) => &[],
            Balance::GroupDro(rule) => rule.weights(),
        }
    }

    /// Goes on from a saved state; whether it fits.
    pub fn restore(&mut self, state: &[f64]) -> bool {
        match self {
            Balance::Penalty(_) => state.is_empty(),
            Balance::GroupDro(rule) => rule.restore(state),
        }
    }

    /// Turns the plain mean loss of a batch and its `gradients` with respect to the outputs into the fair ones.
    pub fn apply(
        &mut self,
        objective: &Objective<'_>,
        rows: Rows<'_>,
        is_learning: bool,
        plain: StepOutcome,
        gradients: &mut [f32],
    ) -> StepOutcome {
        let loss = match self {
            Balance::Penalty(rule) => f64::from(plain.loss) + rule.add(rows, gradients),
            Balance::GroupDro(rule) => rule.reweigh(objective, rows, is_learning, gradients),
        };
        StepOutcome { loss: loss as f32, ..plain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let penalty = |groups, weight| Fairness {
            groups,
            method: FairnessMethod::Penalty { definition: FairnessDefinition::default(), weight },
        };
        assert!(penalty(2, 1.0).check().is_ok());
        assert!(penalty(1, 1.0).check().unwrap_err().to_string().contains("at least 2"));
        assert!(penalty(2, -1.0).check().unwrap_err().to_string().contains("not negative"));
        let dro = Fairness { groups: 2, method: FairnessMethod::GroupDro { step_size: f32::NAN } };
        assert!(dro.check().is_err());
    }
}
