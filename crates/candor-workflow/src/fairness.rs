//! How differently a run's model treats the groups that its recipe names, on the pictures that it was judged on last.

use candor_analysis::audit::{Answers, GroupAccuracy, GroupGap, GroupGaps};
use candor_core::{Silent, Subset};
use candor_engine::FairnessDefinition;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::judge::saved_answers;
use crate::recipe::{FairnessRecipe, RecipeError};
use crate::run::Run;
use crate::train::grouping;
use crate::units::units;

/// The groups' figures, and what the training was to make of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FairnessFigures {
    /// The judged pictures: validation until the test split was looked at.
    pub subset: Subset,
    /// What was to be alike.
    pub definition: FairnessDefinition,
    /// The figures.
    #[serde(flatten)]
    pub gaps: GroupGaps,
}

impl FairnessFigures {
    /// The gap by the definition that was trained for; `None` where fewer than two groups have enough pictures.
    pub fn gap(&self) -> Option<&GroupGap> {
        match self.definition {
            FairnessDefinition::EqualAccuracy => self.gaps.equal_accuracy.as_ref(),
            FairnessDefinition::DemographicParity => self.gaps.demographic_parity.as_ref(),
            FairnessDefinition::EqualizedOdds => self.gaps.equalized_odds.as_ref(),
        }
    }

    /// The gap in words: `Gap: 12 points (3 to 22) of right answers between “many” and “few”.`
    pub fn gap_in_words(&self) -> String {
        match self.gap() {
            Some(GroupGap { size, interval, most, least, of }) => format!(
                "Gap: {:.1} points ({:.1} to {:.1}) of {of}, between “{most}” and “{least}”.",
                100.0 * size,
                100.0 * interval.low,
                100.0 * interval.high
            ),
            None => "Fewer than two groups have enough judged pictures to be compared.".to_owned(),
        }
    }

    /// Every group with its accuracy, then the gap.
    pub fn sentence(&self) -> String {
        let group = |group: &GroupAccuracy| {
            let few = if group.too_few { ", too few" } else { "" };
            format!("{} {:.1}% ({} pictures{few})", group.name, 100.0 * group.accuracy, group.pictures)
        };
        let groups: Vec<String> = self.gaps.groups.iter().map(group).collect();
        format!("Right answers: {}. {}", groups.join(", "), self.gap_in_words())
    }
}

/// Of the fairness that the run's recipe asks for; `None` where it asks for none, or nothing was judged.
pub(crate) fn of_run(run: &Run) -> Result<Option<FairnessFigures>> {
    run.recipe.fairness.as_ref().map_or(Ok(None), |fairness| figures(run, fairness))
}

/// The figures of `run` for the groups and the definition of `fairness`, whatever it was trained with.
pub(crate) fn figures(run: &Run, fairness: &FairnessRecipe) -> Result<Option<FairnessFigures>> {
    let judged = saved_answers(run)?.into_iter().rfind(|(subset, _)| *subset != Subset::Train);
    let Some((subset, answers)) = judged else { return Ok(None) };
    let samples = &run.prepared.samples;
    let grouping = grouping(&fairness.attribute, samples).map_err(RecipeError::from)?;
    let answers = Answers { indices: answers.indices, probabilities: answers.probabilities };
    let units = units(run, &Silent)?;
    let gaps = GroupGaps::of(samples, &units, &run.record.classes, &grouping, &answers);
    Ok(Some(FairnessFigures { subset, definition: fairness.definition, gaps }))
}
