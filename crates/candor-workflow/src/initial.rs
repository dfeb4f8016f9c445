//! The weights that a training begins with: random ones, or those of a model that was trained before.

use std::path::Path;

use candor_core::Reporter;
use candor_engine::{Network, Parameter, Parameters};

use crate::error::{Result, WorkflowError};
use crate::model::{About, model_file};
use crate::recipe::TrainingRecipe;
use crate::run_dir::{INITIAL, RunDir};
use crate::tensors::{TensorFile, serialize};

/// Random weights, drawn by the recipe's seed.
pub(crate) fn random(network: &Network, recipe: &TrainingRecipe) -> Parameters {
    Parameters::initial(network, recipe.seed.derive("weights").0)
}

/// The weights that a run begins with, from its folder where they came from another model: that may change or go.
pub(crate) fn of_run(dir: &RunDir, network: &Network, recipe: &TrainingRecipe) -> Result<Parameters> {
    if recipe.init.is_none() {
        return Ok(random(network, recipe));
    }
    let path = dir.file(INITIAL);
    TensorFile::parse(&path, &dir.read(INITIAL)?)?.group("", network)
}

/// Takes the weights of the recipe's `init` where names and shapes agree, leaves the others random, and keeps them all in
/// the run's folder. A classifier of other classes is not taken, even where its shape agrees.
///
/// # Errors
/// When there is no such model, or nothing in it agrees.
pub(crate) fn write_down(
    dir: &RunDir,
    network: &Network,
    recipe: &TrainingRecipe,
    classes: &[String],
    reporter: &dyn Reporter,
) -> Result<()> {
    let Some(init) = &recipe.init else { return Ok(()) };
    let file = model_file(init)?;
    let bytes = std::fs::read(&file).map_err(WorkflowError::file(&file, "read"))?;
    let tensors = TensorFile::parse(&file, &bytes)?;
    let about: Option<About> = tensors.metadata()?;
    let other_classes = about.is_some_and(|about| about.classes != classes);
    let mut parameters = random(network, recipe);
    let left_out =
        take(&mut parameters, &tensors.all()?, other_classes.then(|| classifier(network)).flatten());
    let taken = parameters.tensors().len() - left_out.len();
    if taken == 0 {
        let reason = "none of its weights has a name and shape of this network".to_owned();
        return Err(WorkflowError::NotAModel { path: file, reason });
    }
    reporter.note(&told(&file, taken, &left_out));
    dir.write(INITIAL, serialize(&[("", &parameters)], &"the weights that the training began with"))
}

/// Overwrites what agrees; gives the names of what stays as it is.
fn take(parameters: &mut Parameters, theirs: &[Parameter], without: Option<&str>) -> Vec<String> {
    let mut left_out = Vec::new();
    for tensor in parameters.tensors_mut() {
        let excluded =
            without.is_some_and(|layer| tensor.name.rsplit_once('.').is_some_and(|(of, _)| of == layer));
        let found = theirs.iter().find(|other| other.name == tensor.name && other.shape == tensor.shape);
        match found.filter(|_| !excluded) {
            Some(other) => tensor.values.clone_from(&other.values),
            None => left_out.push(tensor.name.clone()),
        }
    }
    left_out
}

/// The last layer that has weights.
fn classifier(network: &Network) -> Option<&str> {
    let nodes = network.nodes().iter().rev();
    nodes.filter(|node| !node.parameters().is_empty()).map(|node| node.name.as_str()).next()
}

fn told(file: &Path, taken: usize, left_out: &[String]) -> String {
    let file = file.display();
    match left_out {
        [] => format!("all {taken} tensors begin as in {file}"),
        _ => format!("{taken} tensors begin as in {file}; new and random: {}", left_out.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use candor_engine::{Shape, architecture};

    use super::*;

    #[test]
    fn what_agrees_is_taken_and_the_classifier_only_for_the_same_classes() {
        let build = |classes| {
            architecture::find("mnist-cnn").unwrap().build(Shape::image(12, 12, 1), classes).unwrap()
        };
        let (three, four) = (build(3), build(4));
        let theirs = Parameters::initial(&three, 9).into_tensors();
        for (network, without, expected) in
            [(&three, None, 0), (&three, classifier(&three), 2), (&four, None, 2)]
        {
            let mut parameters = Parameters::initial(network, 1);
            let left_out = take(&mut parameters, &theirs, without);
            assert_eq!(left_out.len(), expected, "{left_out:?}");
            assert_eq!(parameters.get("conv2d_1.weight"), Some(&theirs[0]));
            assert!(left_out.iter().all(|name| name.starts_with("dense_1.")));
        }
    }
}
