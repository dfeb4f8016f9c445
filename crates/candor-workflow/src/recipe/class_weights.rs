//! What each class counts in the loss.

use serde::{Deserialize, Serialize};

use super::RecipeError;

/// What each class counts: `"none"`, `"balanced"`, or one number a class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Typed", into = "Typed")]
pub enum ClassWeights {
    /// Every picture the same.
    #[default]
    None,
    /// Every class the same, however many pictures it has: n / (classes × n of the class) (scikit-learn's rule).
    Balanced,
    /// These, in the order of the classes.
    Given(Vec<f32>),
}

/// As it stands in a recipe. On the command line numbers come as a text with commas.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Typed {
    Word(String),
    Numbers(Vec<f32>),
}

impl TryFrom<Typed> for ClassWeights {
    type Error = String;

    fn try_from(typed: Typed) -> Result<ClassWeights, String> {
        let wrong = |text: &str| {
            format!("\"{text}\" is neither \"balanced\" nor \"none\" nor one number a class, as in 1,2.5,1")
        };
        match typed {
            Typed::Numbers(numbers) => Ok(ClassWeights::Given(numbers)),
            Typed::Word(word) => match word.as_str() {
                "none" => Ok(ClassWeights::None),
                "balanced" => Ok(ClassWeights::Balanced),
                numbers => {
                    let numbers = numbers.split(',').map(|number| number.trim().parse().ok());
                    numbers.collect::<Option<_>>().map(ClassWeights::Given).ok_or_else(|| wrong(&word))
                }
            },
        }
    }
}

impl From<ClassWeights> for Typed {
    fn from(weights: ClassWeights) -> Typed {
        match weights {
            ClassWeights::None => Typed::Word("none".to_owned()),
            ClassWeights::Balanced => Typed::Word("balanced".to_owned()),
            ClassWeights::Given(numbers) => Typed::Numbers(numbers),
        }
    }
}

impl ClassWeights {
    /// The weights, where `counts` of each class are learned from; none for all the same.
    pub(super) fn weights(&self, counts: &[usize]) -> Vec<f32> {
        match self {
            ClassWeights::None => Vec::new(),
            ClassWeights::Balanced => {
                let all = counts.iter().sum::<usize>() as f32;
                // A class without pictures is never weighed, but must have a weight.
                counts.iter().map(|&count| all / (counts.len() * count.max(1)) as f32).collect()
            }
            ClassWeights::Given(weights) => weights.clone(),
        }
    }

    pub(super) fn check(&self, classes: usize) -> Result<(), RecipeError> {
        let bad =
            |value: String, needs| Err(RecipeError::Value { key: "training.class_weights", value, needs });
        let ClassWeights::Given(weights) = self else { return Ok(()) };
        if weights.len() != classes {
            return bad(format!("{} numbers for {classes} classes", weights.len()), "one number a class");
        }
        match weights.iter().find(|weight| !(weight.is_finite() && **weight > 0.0)) {
            Some(weight) => bad(weight.to_string(), "numbers above 0"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Section {
        weights: ClassWeights,
    }

    #[test]
    fn weights_are_read_as_people_write_them_and_saved_as_they_are() {
        let given = ClassWeights::Given(vec![1.0, 2.5]);
        let cases = [
            ("'balanced'", ClassWeights::Balanced),
            ("'none'", ClassWeights::None),
            ("'1, 2.5'", given.clone()),
            ("[1, 2.5]", given),
        ];
        for (text, weights) in cases {
            let section = Section { weights };
            assert_eq!(toml::from_str::<Section>(&format!("weights = {text}")).unwrap(), section);
            assert_eq!(toml::from_str::<Section>(&toml::to_string(&section).unwrap()).unwrap(), section);
        }
        let error = toml::from_str::<Section>("weights = 'heavy'").unwrap_err().to_string();
        assert!(error.contains("\"heavy\" is neither \"balanced\""), "{error}");
    }

    #[test]
    fn balanced_weights_give_every_class_the_same_sum() {
        let weights = ClassWeights::Balanced.weights(&[10, 30, 60]);
        for (weight, count) in weights.iter().zip([10.0, 30.0, 60.0]) {
            assert!((weight * count - 100.0 / 3.0).abs() < 1e-4, "{weights:?}");
        }
        assert!(ClassWeights::Given(vec![1.0]).check(2).is_err());
        assert!(ClassWeights::Given(vec![1.0, -1.0]).check(2).is_err());
    }
}
