//! The concepts of a run's classes: found, tested, drawn as rows of patches, and held against source and attributes.
//!
//! `RUN/explain/ace-<number of the class>.json` says what was found, `.svg` and `.png` show what differs from chance.

use std::collections::BTreeMap;
use std::fs;

use candor_analysis::explain::ace::{self, Concept, Concepts, Patch};
use candor_analysis::explain::{ExplainError, Subject, choose_background};
use candor_core::{Image, Progress, Reporter, Sample, SampleId, Stage};
use candor_report::{GridRow, PictureGrid, concept_patch};
use serde::{Deserialize, Serialize};

use crate::error::{Result, WorkflowError};
use crate::explain::{input, judged, of_model, remove};
use crate::model::TrainedModel;
use crate::run::Run;
use crate::run_dir::{self, EXPLAIN};

/// Pictures of a class that are cut into patches, at most.
const MOST_PICTURES: usize = 200;
/// Training pictures that random patches are cut from.
const RANDOM_PICTURES: usize = 60;
/// Concepts and patches of each that are drawn.
const DRAWN: usize = 8;
const PATCHES: usize = 8;
/// Attributes with more values than this are names, not properties.
const MOST_VALUES: usize = 12;

/// The concepts of one class, or why none are shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExplainedConcepts {
    /// The class.
    pub class: String,
    /// The layer whose feature maps were looked at; empty where nothing could be looked at.
    pub layer: String,
    /// Pictures of the class, judged before.
    pub pictures: usize,
    /// Patches that they were cut into.
    pub patches: usize,
    /// What differs from chance, that first on which the score depends most.
    pub concepts: Vec<ShownConcept>,
    /// Why nothing is shown, in whole sentences; empty where something is.
    pub refused: Vec<String>,
    /// What did not differ from chance, in a sentence, beside what is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// In which pictures each concept occurs, by source and attributes.
    pub table: Vec<CrossRow>,
    /// The figures, in the run's folder.
    pub figures: Vec<String>,
}

/// A concept in figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShownConcept {
    /// Share of the pictures whose score rises with more of it, in 0..=1.
    pub score: f64,
    /// The same of random patches in its place.
    pub random_score: f64,
    /// Points of the score that come with it.
    pub pull: f64,
    /// p-value of the difference to random patches, corrected for the number of concepts.
    pub p: f64,
    /// Pictures that it occurs in.
    pub found_in: usize,
}

/// A value of an attribute, and how often the pictures of each concept have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossRow {
    /// The attribute; `source` for the web site.
    pub attribute: String,
    /// Its value.
    pub value: String,
    /// Share of all pictures of the class that have it, in 0..=1.
    pub of_all: f64,
    /// The same of the pictures of each concept, in their order.
    pub of_concepts: Vec<f64>,
}

/// What stands in the file.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of the model and its answers, and of this version.
    fingerprint: SampleId,
    found: ExplainedConcepts,
}

fn file_of(class: usize, ending: &str) -> String {
    format!("{EXPLAIN}/{}-{}.{ending}", ace::ID, class + 1)
}

fn fingerprint(run: &Run) -> Result<SampleId> {
    let own = format!("{} {}", ace::ID, env!("CARGO_PKG_VERSION"));
    Ok(SampleId::of(&[own.as_bytes(), &of_model(run)?].concat()))
}

/// The concepts of each of `classes`. What was found before and still holds is kept.
///
/// # Errors
/// `ExplainStopped` when the person asked to stop; when the run was not judged.
pub(crate) fn explain_concepts(
    run: &Run,
    classes: &[usize],
    reporter: &dyn Reporter,
) -> Result<Vec<ExplainedConcepts>> {
    let folder = run.dir.file(EXPLAIN);
    fs::create_dir_all(&folder).map_err(WorkflowError::file(&folder, "made"))?;
    let fingerprint = fingerprint(run)?;
    let mut material = None;
    let mut all = Vec::new();
    for (number, &class) in classes.iter().enumerate() {
        let name = file_of(class, "json");
        let kept = run.dir.read_json(&name).ok().filter(|kept: &Kept| kept.fingerprint == fingerprint);
        if let Some(kept) = kept {
            all.push(kept.found);
            continue;
        }
        let message = format!("concepts of {}", run.record.classes[class]);
        let (done, total) = (number as u64, classes.len() as u64);
        reporter.progress(Progress { stage: Stage::Explain, done, total, message });
        let material = match &mut material {
            Some(material) => material,
            empty => empty.insert(Material::read(run)?),
        };
        let found = material.explain(run, class, reporter)?;
        run.dir.write_json(&name, &Kept { fingerprint, found: found.clone() })?;
        all.push(found);
    }
    Ok(all)
}

/// The concepts on the disk that are of the run's model, in the order of the classes.
pub(crate) fn saved_concepts(run: &Run) -> Result<Vec<ExplainedConcepts>> {
    if !run.dir.file(EXPLAIN).is_dir() {
        return Ok(Vec::new());
    }
    let fingerprint = fingerprint(run)?;
    let kept = |class| run.dir.read_json(&file_of(class, "json")).ok();
    let kept = (0..run.record.classes.len()).filter_map(kept);
    Ok(kept.filter(|kept: &Kept| kept.fingerprint == fingerprint).map(|kept| kept.found).collect())
}

struct Material {
    model: TrainedModel,
    random: Vec<f32>,
    /// Of each class, the pictures that it was judged on.
    of_class: Vec<Vec<usize>>,
    failure: Option<String>,
}

impl Material {
    fn read(run: &Run) -> Result<Material> {
        let classes = run.record.classes.len();
        let train = run.split.train();
        let candidates: Vec<(usize, usize)> =
            train.iter().map(|&index| (index, run.prepared.samples[index].class)).collect();
        let random = choose_background(&candidates, classes, RANDOM_PICTURES, run.recipe.training.seed);
        let (verdicts, competence) = judged(run)?;
        let mut of_class = vec![Vec::new(); classes];
        verdicts.iter().for_each(|verdict| of_class[verdict.truth].push(verdict.index));
        of_class.iter_mut().for_each(|pictures: &mut Vec<usize>| pictures.truncate(MOST_PICTURES));
        Ok(Material {
            model: TrainedModel::load(&run.dir.file(run_dir::MODEL), run.threads)?,
            random: random.into_iter().flat_map(|index| input(run, index)).collect(),
            of_class,
            failure: competence.failure(),
        })
    }

    fn explain(&self, run: &Run, class: usize, reporter: &dyn Reporter) -> Result<ExplainedConcepts> {
        let indices = &self.of_class[class];
        let mut explained = ExplainedConcepts {
            class: run.record.classes[class].clone(),
            layer: String::new(),
            pictures: indices.len(),
            patches: 0,
            concepts: Vec::new(),
            refused: self.failure.clone().into_iter().collect(),
            left_out: None,
            table: Vec::new(),
            figures: Vec::new(),
        };
        let found = match &self.failure {
            None => Some(self.find(run, class, reporter)?),
            Some(_) => None,
        };
        match &found {
            Some(Ok(found)) => fill(&mut explained, found, run, indices),
            Some(Err(error)) => explained.refused.push(error.to_string()),
            None => {}
        }
        for ending in ["svg", "png"] {
            remove(run, &file_of(class, ending))?;
        }
        if let (Some(Ok(found)), true) = (&found, explained.refused.is_empty()) {
            draw(&mut explained, found, run, indices)?;
        }
        Ok(explained)
    }

    /// What was found; what is wrong with this class alone is a refusal.
    fn find(
        &self,
        run: &Run,
        class: usize,
        reporter: &dyn Reporter,
    ) -> Result<std::result::Result<Concepts, ExplainError>> {
        let pictures: Vec<f32> = self.of_class[class].iter().flat_map(|&index| input(run, index)).collect();
        let seed = run.recipe.training.seed;
        let found = Subject::new(&self.model, &self.random, &pictures, seed, reporter)
            .and_then(|subject| ace::concepts(&subject, &pictures, class));
        match found {
            Err(ExplainError::Stopped) => {
                Err(WorkflowError::ExplainStopped { run: run.dir.path().to_owned() })
            }
            Err(error @ ExplainError::Classify(_)) => Err(WorkflowError::Explain { method: ace::ID, error }),
            other => Ok(other),
        }
    }
}

fn fill(explained: &mut ExplainedConcepts, found: &Concepts, run: &Run, indices: &[usize]) {
    explained.layer.clone_from(&found.layer);
    explained.patches = found.patches;
    let shown = |concept: &Concept| ShownConcept {
        score: concept.score,
        random_score: concept.random_score,
        pull: concept.pull,
        p: concept.p,
        found_in: concept.found_in.len(),
    };
    explained.concepts = found.significant().map(shown).collect();
    let samples: Vec<&Sample> = indices.iter().map(|&index| &run.prepared.samples[index]).collect();
    explained.table = cross_table(found, &samples);
    match (explained.concepts.is_empty(), found.refusal()) {
        (true, Some(why)) => explained.refused.push(why),
        (true, None) => explained.refused.push("No part recurs in enough of its pictures.".to_owned()),
        (false, why) => explained.left_out = why,
    }
}

/// A row for each value of each attribute, and of the web sites.
fn cross_table(found: &Concepts, samples: &[&Sample]) -> Vec<CrossRow> {
    let properties = |sample: &Sample| {
        let site = sample.provenance.site().map(|site| ("source".to_owned(), site.to_owned()));
        sample.attributes.clone().into_iter().chain(site).collect::<Vec<_>>()
    };
    let mut with: BTreeMap<String, BTreeMap<String, Vec<usize>>> = BTreeMap::new();
    for (number, sample) in samples.iter().enumerate() {
        for (attribute, value) in properties(sample) {
            with.entry(attribute).or_default().entry(value).or_default().push(number);
        }
    }
    let share = |having: &[usize], of: &[usize]| {
        let both = of.iter().filter(|number| having.binary_search(number).is_ok()).count();
        both as f64 / of.len().max(1) as f64
    };
    let all: Vec<usize> = (0..samples.len()).collect();
    let telling = with.into_iter().filter(|(_, values)| (2..=MOST_VALUES).contains(&values.len()));
    let row = |attribute: String, (value, having): (String, Vec<usize>)| CrossRow {
        attribute,
        value,
        of_all: share(&having, &all),
        of_concepts: found.significant().map(|concept| share(&having, &concept.found_in)).collect(),
    };
    telling
        .flat_map(|(attribute, values)| values.into_iter().map(move |value| row(attribute.clone(), value)))
        .collect()
}

fn draw(explained: &mut ExplainedConcepts, found: &Concepts, run: &Run, indices: &[usize]) -> Result<()> {
    let picture = |patch: &Patch| {
        let size = run.prepared.preprocessing;
        let pixels = run.prepared.image(indices[patch.picture]).to_vec();
        let image = Image::new(size.width, size.height, size.channels, pixels);
        concept_patch(&image.expect("prepared pictures have this size"), &patch.pixels)
    };
    let row = |(number, concept): (usize, &Concept)| GridRow {
        label: label(number, concept, found.pictures),
        cells: concept.typical.iter().take(PATCHES).map(picture).collect(),
    };
    let class = &explained.class;
    let figure = PictureGrid {
        description: format!("Concepts that the score of {class} depends on, a row each"),
        title: Some(format!("What the score of “{class}” depends on")),
        rows: found.significant().take(DRAWN).enumerate().map(row).collect(),
        ..PictureGrid::default()
    };
    for (ending, content) in [("svg", figure.svg().into_bytes()), ("png", figure.png())] {
        let name = file_of(found.class, ending);
        run.dir.write(&name, content)?;
        explained.figures.push(name);
    }
    Ok(())
}

fn label(number: usize, concept: &Concept, pictures: usize) -> Vec<String> {
    let does = if concept.speaks_for() { "for the class" } else { "against the class" };
    let p = if concept.p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {:.3}", concept.p) };
    vec![
        format!("{}. {does}", number + 1),
        format!("score {:.2}, random {:.2}", concept.score, concept.random_score),
        format!("{p}, pull {:+.2}", concept.pull),
        format!("in {} of {pictures} pictures", concept.found_in.len()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cross_table_tells_where_a_concept_comes_from() {
        let concept = |found_in: Vec<usize>| Concept {
            typical: Vec::new(),
            found_in,
            score: 1.0,
            random_score: 0.5,
            pull: 1.0,
            p: 0.001,
        };
        let concepts = vec![concept(vec![0, 2]), concept(vec![0, 1, 2, 3])];
        let found = Concepts { class: 0, layer: "conv1".into(), pictures: 4, patches: 9, concepts };
        let sample = |number: usize| Sample {
            id: SampleId::of(&[number as u8]),
            class: 0,
            group: None,
            provenance: Default::default(),
            attributes: [("camera", ["red", "blue"][number % 2]), ("name", "one")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        let samples: Vec<Sample> = (0..4).map(sample).collect();
        let table = cross_table(&found, &samples.iter().collect::<Vec<_>>());
        let row = |value: &str, of_concepts: [f64; 2]| CrossRow {
            attribute: "camera".into(),
            value: value.into(),
            of_all: 0.5,
            of_concepts: of_concepts.into(),
        };
        assert_eq!(table, [row("blue", [0.0, 0.5]), row("red", [1.0, 0.5])]);
    }
}
