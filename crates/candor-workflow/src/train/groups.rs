//! The groups between which a training is fair: read off a column of the source, checked to be large enough, and dealt
//! evenly over the batches.

use candor_analysis::audit::{Grouping, columns};
use candor_core::Sample;
use candor_engine::{Fairness, FairnessDefinition, FairnessMethod};
use thiserror::Error;

use crate::recipe::{FairnessMeans, FairnessRecipe, Recipe};

/// A group with fewer pictures to learn from cannot be learned for.
const LEAST_PICTURES: usize = 20;
/// The penalty compares means over a batch: those of fewer pictures swing so much that the swing is what is learned.
const LEAST_IN_BATCH: usize = 4;

/// Why a training cannot be fair between the groups that were named.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs)]
pub enum FairnessError {
    #[error(
        "[fairness] attribute = \"{attribute}\": the source has no such column; {}",
        match known.as_slice() {
            [] => "it says nothing of its pictures but their class: give each a row in an index.csv with a column such as \
                   sex or camera".to_owned(),
            known => format!("choose one of {}", known.join(", ")),
        }
    )]
    NoColumn { attribute: String, known: Vec<String> },
    #[error(
        "[fairness] attribute = \"{attribute}\": the column parts the pictures into no groups: it needs at least two and \
         at most twelve different words, or numbers that repeat"
    )]
    PartsNothing { attribute: String },
    #[error(
        "[fairness] attribute = \"{attribute}\": there are {pictures} pictures to learn from {group}, and {needed} are \
         needed: add pictures, or join groups in the column"
    )]
    FewPictures { attribute: String, group: String, pictures: usize, needed: usize },
    #[error(
        "[fairness] attribute = \"{attribute}\": a batch of {batch_size} has {in_batch} pictures {group}, and the penalty \
         compares means of at least {LEAST_IN_BATCH}: set --batch-size {enough}, or --fairness-method group-dro"
    )]
    FewInBatch { attribute: String, group: String, batch_size: usize, in_batch: usize, enough: usize },
}

/// The groups of a training.
pub(crate) struct Groups {
    /// What the engine is told.
    pub fairness: Fairness,
    /// The group of each of the run's pictures, as the engine counts them.
    pub of: Vec<Option<usize>>,
    /// What every batch has its share of: the part that each of the run's pictures belongs to.
    pub strata: Vec<usize>,
}

/// One part of the training pictures: a group, or a group's pictures of one class.
struct Stratum {
    group: Option<usize>,
    class: Option<usize>,
    pictures: usize,
}

/// The parts of a run's pictures.
struct Strata<'a> {
    recipe: &'a FairnessRecipe,
    grouping: Grouping,
    all: Vec<Stratum>,
    of: Vec<usize>,
}

/// The column as groups.
///
/// # Errors
/// When there is no such column, or it parts nothing.
pub(crate) fn grouping(attribute: &str, samples: &[Sample]) -> Result<Grouping, FairnessError> {
    let known = columns(samples);
    if !known.contains(attribute) {
        let known = known.into_iter().map(str::to_owned).collect();
        return Err(FairnessError::NoColumn { attribute: attribute.to_owned(), known });
    }
    let found = Grouping::by_column(samples, attribute);
    found.ok_or_else(|| FairnessError::PartsNothing { attribute: attribute.to_owned() })
}

impl Groups {
    /// Of a run's pictures; `None` where the recipe asks for no fairness.
    ///
    /// # Errors
    /// When the column, its groups or their shares of a batch are not what the recipe needs.
    pub fn of(
        recipe: &Recipe,
        samples: &[Sample],
        train: &[usize],
        classes: usize,
    ) -> Result<Option<Groups>, FairnessError> {
        let Some(fairness) = &recipe.fairness else { return Ok(None) };
        let strata = Strata::new(fairness, samples, train, classes)?;
        strata.check_sizes(classes)?;
        if let FairnessMeans::Penalty { .. } = fairness.method {
            strata.check_batches(train.len(), recipe.training.batch_size)?;
        }
        Ok(Some(strata.into_groups()))
    }
}

impl<'a> Strata<'a> {
    fn new(
        recipe: &'a FairnessRecipe,
        samples: &[Sample],
        train: &[usize],
        classes: usize,
    ) -> Result<Strata<'a>, FairnessError> {
        let grouping = grouping(&recipe.attribute, samples)?;
        let by_class = recipe.definition == FairnessDefinition::EqualizedOdds;
        // The last group is of those of whom nothing is said.
        let groups = (0..grouping.names.len()).map(Some).chain([None]);
        let classes: Vec<Option<usize>> =
            if by_class { (0..classes).map(Some).collect() } else { vec![None] };
        let parts = groups.flat_map(|group| classes.iter().map(move |&class| (group, class)));
        let mut all: Vec<Stratum> =
            parts.map(|(group, class)| Stratum { group, class, pictures: 0 }).collect();
        let place = |(sample, group): (&Sample, &Option<usize>)| {
            let group = group.unwrap_or(grouping.names.len());
            group * classes.len() + if by_class { sample.class } else { 0 }
        };
        let of: Vec<usize> = samples.iter().zip(&grouping.of).map(place).collect();
        train.iter().for_each(|&index| all[of[index]].pictures += 1);
        Ok(Strata { recipe, grouping, all, of })
    }

    /// Those of a group that is known, with pictures to learn from.
    fn known(&self) -> impl Iterator<Item = &Stratum> {
        self.all.iter().filter(|stratum| stratum.group.is_some() && stratum.pictures > 0)
    }

    fn check_sizes(&self, classes: usize) -> Result<(), FairnessError> {
        let needed = match self.recipe.definition {
            FairnessDefinition::EqualizedOdds => LEAST_PICTURES.div_ceil(classes),
            _ => LEAST_PICTURES,
        };
        match self.known().find(|stratum| stratum.pictures < needed) {
            Some(stratum) => Err(FairnessError::FewPictures {
                attribute: self.recipe.attribute.clone(),
                group: self.describe(stratum),
                pictures: stratum.pictures,
                needed,
            }),
            None if self
                .known()
                .all(|stratum| Some(stratum.group) == self.known().next().map(|first| first.group)) =>
            {
                Err(FairnessError::PartsNothing { attribute: self.recipe.attribute.clone() })
            }
            None => Ok(()),
        }
    }

    fn check_batches(&self, train: usize, batch_size: usize) -> Result<(), FairnessError> {
        let in_batch = |stratum: &Stratum| stratum.pictures * batch_size / train;
        let smallest = self.known().min_by_key(|stratum| stratum.pictures);
        match smallest.filter(|stratum| in_batch(stratum) < LEAST_IN_BATCH) {
            Some(stratum) => Err(FairnessError::FewInBatch {
                attribute: self.recipe.attribute.clone(),
                group: self.describe(stratum),
                batch_size,
                in_batch: in_batch(stratum),
                enough: (LEAST_IN_BATCH * train).div_ceil(stratum.pictures).next_multiple_of(8),
            }),
            None => Ok(()),
        }
    }

    /// `of “few”`, or `of “few” in class 2`.
    fn describe(&self, stratum: &Stratum) -> String {
        let name = stratum.group.map_or("nobody", |group| &self.grouping.names[group]);
        let class = stratum.class.map_or_else(String::new, |class| format!(" in class {}", class + 1));
        format!("of “{name}”{class}")
    }

    fn into_groups(self) -> Groups {
        // Group DRO needs a group for everybody; a gap is between those of whom something is said.
        let (groups, method) = match self.recipe.method {
            FairnessMeans::Penalty { weight } => {
                let method = FairnessMethod::Penalty { definition: self.recipe.definition, weight };
                (self.all.iter().map(|stratum| stratum.group).collect(), method)
            }
            FairnessMeans::GroupDro { step_size } => {
                (numbered(&self.all), FairnessMethod::GroupDro { step_size })
            }
        };
        let count = groups.iter().flatten().max().map_or(0, |most: &usize| most + 1);
        let of = self.of.iter().map(|&stratum| groups[stratum]).collect();
        Groups { fairness: Fairness { groups: count, method }, of, strata: self.of }
    }
}

/// Numbers those that have pictures to learn from.
fn numbered(strata: &[Stratum]) -> Vec<Option<usize>> {
    let mut count = 0;
    let number = |stratum: &Stratum| {
        (stratum.pictures > 0).then(|| {
            count += 1;
            count - 1
        })
    };
    strata.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use candor_core::{Provenance, SampleId};

    use super::*;
    use crate::recipe::{Facts, RecipeFile, resolve};

    /// Every tenth picture is of “few”, the last ten of nobody.
    fn samples() -> Vec<Sample> {
        let sample = |index: usize| Sample {
            id: SampleId::of(&index.to_le_bytes()),
            class: index / 2 % 2,
            group: None,
            provenance: Provenance::default(),
            attributes: match index {
                0..400 => {
                    [("kind".to_owned(), if index.is_multiple_of(10) { "few" } else { "many" }.to_owned())]
                        .into()
                }
                _ => Default::default(),
            },
        };
        (0..410).map(sample).collect()
    }

    fn groups(typed: &str) -> Result<Groups, FairnessError> {
        let typed = RecipeFile::parse(&format!("[fairness]\n{typed}")).unwrap();
        let (recipe, _) = resolve(&typed, &Facts::default()).unwrap();
        let samples = samples();
        let train: Vec<usize> = (0..410).collect();
        Groups::of(&recipe, &samples, &train, 2).map(|groups| groups.expect("it was asked for"))
    }

    #[test]
    fn the_groups_are_those_of_the_column_and_nobody_is_nobody() {
        let penalty = groups("attribute = \"kind\"\n[training]\nbatch_size = 64").unwrap();
        assert_eq!(penalty.fairness.groups, 2);
        assert_eq!([0, 1, 405].map(|index| penalty.of[index]), [Some(0), Some(1), None]);
        assert_eq!([0, 1, 405].map(|index| penalty.strata[index]), [0, 1, 2]);
        // Group DRO knows a group for everybody, and with equalised odds one for each class.
        let dro =
            groups("attribute = \"kind\"\nmethod = \"group-dro\"\ndefinition = \"equalized-odds\"").unwrap();
        assert_eq!((dro.fairness.groups, dro.of.iter().flatten().count()), (6, 410));
    }

    #[test]
    fn what_cannot_work_is_said_with_what_to_do() {
        let cases = [
            ("attribute = \"sex\"", &["no such column", "choose one of kind"][..]),
            ("attribute = \"kind\"\n[training]\nbatch_size = 16", &["“few”", "--batch-size 48", "group-dro"]),
            (
                "attribute = \"kind\"\ndefinition = \"equalized-odds\"\n[training]\nbatch_size = 48",
                &["“few” in class", "--batch-size 88"],
            ),
        ];
        for (typed, needles) in cases {
            let message = groups(typed).err().expect(typed).to_string();
            for needle in needles {
                assert!(message.contains(needle), "{needle} is missing in {message}");
            }
        }
        let message = grouping("sex", &[]).unwrap_err().to_string();
        assert!(message.contains("index.csv"), "{message}");
    }
}
