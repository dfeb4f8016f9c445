//! Which groups are to be treated alike, in what sense, and by which means.

use candor_engine::FairnessDefinition;
use serde::{Deserialize, Serialize};

use super::{FairnessFile, RecipeError};

/// The usual weight of the penalty.
const WEIGHT: f32 = 10.0;
/// The usual step size of group DRO: Sagawa et al. use it for all their sets.
const STEP_SIZE: f32 = 0.01;

/// `[fairness]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FairnessRecipe {
    /// The column of the source whose groups are meant.
    pub attribute: String,
    /// What is to be alike.
    pub definition: FairnessDefinition,
    /// By which means.
    #[serde(flatten)]
    pub method: FairnessMeans,
}

/// What the training does about the gap.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum FairnessMeans {
    /// The squared gap is added to the loss.
    Penalty {
        /// How much it counts beside the loss.
        weight: f32,
    },
    /// The groups' losses are weighed, the worst most. With equalised odds a group is one of the column and one class.
    GroupDro {
        /// How fast the worst group takes over.
        step_size: f32,
    },
}

/// The word for a means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FairnessWord {
    /// [`FairnessMeans::Penalty`]
    #[default]
    Penalty,
    /// [`FairnessMeans::GroupDro`]
    GroupDro,
}

impl FairnessMeans {
    /// The weight or the step size: what a frontier is drawn over.
    pub fn strength(self) -> f32 {
        match self {
            FairnessMeans::Penalty { weight } => weight,
            FairnessMeans::GroupDro { step_size } => step_size,
        }
    }
}

impl FairnessRecipe {
    /// In words, for the report: `equal-accuracy between the groups of “sex”, by a penalty of weight 10`.
    pub fn sentence(&self) -> String {
        let means = match self.method {
            FairnessMeans::Penalty { weight } => format!("a penalty of weight {weight}"),
            FairnessMeans::GroupDro { step_size } => format!("group DRO with step size {step_size}"),
        };
        format!("{} between the groups of “{}”, by {means}", self.definition.name(), self.attribute)
    }
}

impl FairnessFile {
    /// The same with another weight or step size.
    pub(crate) fn with_strength(&self, strength: f32, means: FairnessMeans) -> FairnessFile {
        match means {
            FairnessMeans::Penalty { .. } => FairnessFile { weight: Some(strength), ..self.clone() },
            FairnessMeans::GroupDro { .. } => FairnessFile { step_size: Some(strength), ..self.clone() },
        }
    }
}

/// What was typed, with the usual values for what was left out; `None` where nothing was typed.
pub(crate) fn fairness(typed: &FairnessFile) -> Result<Option<FairnessRecipe>, RecipeError> {
    if *typed == FairnessFile::default() {
        return Ok(None);
    }
    let refuse = |key, value: String, needs| Err(RecipeError::Value { key, value, needs });
    let Some(attribute) = typed.attribute.clone() else {
        let needs = "the name of a column of the source, such as sex or camera";
        return refuse("fairness.attribute", "nothing".to_owned(), needs);
    };
    let definition = typed.definition.unwrap_or_default();
    let method = match (typed.method.unwrap_or_default(), typed.weight, typed.step_size) {
        (FairnessWord::Penalty, weight, None) => FairnessMeans::Penalty { weight: weight.unwrap_or(WEIGHT) },
        (FairnessWord::GroupDro, None, step_size) => {
            FairnessMeans::GroupDro { step_size: step_size.unwrap_or(STEP_SIZE) }
        }
        (FairnessWord::Penalty, _, Some(value)) => {
            return refuse("fairness.step_size", value.to_string(), "left out: it belongs to group-dro");
        }
        (FairnessWord::GroupDro, Some(value), _) => {
            return refuse("fairness.weight", value.to_string(), "left out: it belongs to the penalty");
        }
    };
    let strength = method.strength();
    if !(strength.is_finite() && strength >= 0.0) {
        let needs = "a number that is not negative";
        return refuse("the weight or step size of [fairness]", strength.to_string(), needs);
    }
    if matches!(method, FairnessMeans::GroupDro { .. }) && definition == FairnessDefinition::DemographicParity
    {
        let needs =
            "equal-accuracy or equalized-odds with group-dro, which looks at losses and not at answers";
        return refuse("fairness.definition", definition.name().to_owned(), needs);
    }
    Ok(Some(FairnessRecipe { attribute, definition, method }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Result<Option<FairnessRecipe>, RecipeError> {
        fairness(&toml::from_str(text).unwrap())
    }

    #[test]
    fn what_is_left_out_is_filled_in_and_saved_whole() {
        assert_eq!(resolved("").unwrap(), None);
        let recipe = resolved("attribute = 'sex'").unwrap().unwrap();
        assert_eq!(recipe.method, FairnessMeans::Penalty { weight: WEIGHT });
        let dro = resolved("attribute = 'sex'\nmethod = 'group-dro'\ndefinition = 'equalized-odds'")
            .unwrap()
            .unwrap();
        for recipe in [recipe, dro] {
            let saved = toml::to_string(&recipe).unwrap();
            assert_eq!(toml::from_str::<FairnessRecipe>(&saved).unwrap(), recipe, "{saved}");
            assert_eq!(resolved(&saved).unwrap(), Some(recipe), "{saved}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        let cases = [
            ("weight = 3.0", "fairness.attribute = nothing, but it must be the name of a column"),
            ("attribute = 'sex'\nstep_size = 0.1", "fairness.step_size = 0.1, but"),
            ("attribute = 'sex'\nmethod = 'group-dro'\nweight = 1.0", "fairness.weight = 1, but"),
            ("attribute = 'sex'\nweight = -1.0", "the weight or step size of [fairness] = -1, but"),
            (
                "attribute = 'sex'\nmethod = 'group-dro'\ndefinition = 'demographic-parity'",
                "fairness.definition = demographic-parity, but",
            ),
        ];
        for (text, start) in cases {
            let message = resolved(text).unwrap_err().to_string();
            assert!(message.starts_with(start), "{message}");
        }
    }
}
