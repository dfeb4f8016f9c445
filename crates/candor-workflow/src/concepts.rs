//! The concepts of a run's classes: found, tested, drawn as rows of patches, and compared with source and attributes.
//!
//! `RUN/explain/ace-<number of the class>.json` says what was found, `.svg` and `.png` show all that differs from chance: what
//! speaks for the class, and what speaks against it.

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashSet};
use std::fs;

use candor_analysis::Units;
use candor_analysis::explain::ace::{self, Concept, Concepts, Patch, RandomParts};
use candor_analysis::explain::{ExplainError, Subject, choose_background};
use candor_core::{Image, Progress, Reporter, Sample, SampleId, Stage};
use candor_report::{GridRow, PictureGrid, concept_patch};
use serde::{Deserialize, Serialize};

use crate::error::{Result, WorkflowError};
use crate::explain::{input, judged, of_model, remove};
use crate::model::TrainedModel;
use crate::run::Run;
use crate::run_dir::{self, EXPLAIN};
use crate::units::saved_units;

/// Pictures of a class that are cut into patches, at most.
const MOST_PICTURES: usize = 60;
/// Training pictures that concepts are compared with: those of a class with those of all other classes.
const RANDOM_PICTURES: usize = 200;
/// Patches of each concept that are drawn.
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
    /// Random pictures of other classes that they were compared with.
    pub others: usize,
    /// What differs from chance: first what speaks for the class, then what speaks against it, the strongest first.
    pub concepts: Vec<ShownConcept>,
    /// How many parts did not differ from chance.
    pub not_significant: usize,
    /// What an effect must lie outside of to be significant, in points; none where nothing could be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub random_effects: Option<[f64; 2]>,
    /// The smallest p-value that could have come out; none where nothing could be looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smallest_p: Option<f64>,
    /// Why nothing is shown, in whole sentences; empty where something is.
    pub refused: Vec<String>,
    /// How many parts speak for the class, against it, and neither, in whole sentences, beside what is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
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
    /// Points by which the score rises with it; below 0 it falls.
    pub pull: f64,
    /// The pull times the share of the pictures that have it, in points.
    pub effect: f64,
    /// The probability that the parts of pictures drawn at random have such an effect, for all concepts of the class together.
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
            empty => empty.insert(Material::read(run, reporter)?),
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

/// The first of each unit.
fn one_of_each_unit<T>(all: Vec<T>, units: &Units, index: impl Fn(&T) -> usize) -> Vec<T> {
    let mut seen = HashSet::new();
    all.into_iter().filter(|one| seen.insert(units.unit(index(one)))).collect()
}

struct Material {
    model: TrainedModel,
    /// Random pictures, and the class of each.
    random: Vec<f32>,
    random_classes: Vec<usize>,
    /// What the network makes of them; looked at when first asked for, and the same for all classes.
    parts: OnceCell<RandomParts>,
    /// Of each class, the pictures that it was judged on.
    of_class: Vec<Vec<usize>>,
    failure: Option<String>,
}

impl Material {
    fn read(run: &Run, reporter: &dyn Reporter) -> Result<Material> {
        let classes = run.record.classes.len();
        let train = run.split.train();
        let candidates: Vec<(usize, usize)> =
            train.iter().map(|&index| (index, run.prepared.samples[index].class)).collect();
        let units = saved_units(run, reporter)?.units(&run.prepared.samples);
        // What belongs together counts once, in the class and beside it.
        let candidates = one_of_each_unit(candidates, &units, |&(index, _)| index);
        let random = choose_background(&candidates, classes, RANDOM_PICTURES, run.recipe.training.seed);
        let (verdicts, competence) = judged(run)?;
        let verdicts = one_of_each_unit(verdicts, &units, |verdict| verdict.index);
        let mut of_class = vec![Vec::new(); classes];
        verdicts.iter().for_each(|verdict| of_class[verdict.truth].push(verdict.index));
        of_class.iter_mut().for_each(|pictures: &mut Vec<usize>| pictures.truncate(MOST_PICTURES));
        Ok(Material {
            model: TrainedModel::load(&run.dir.file(run_dir::MODEL), run.threads)?,
            random: random.iter().flat_map(|&index| input(run, index)).collect(),
            random_classes: random.iter().map(|&index| run.prepared.samples[index].class).collect(),
            parts: OnceCell::new(),
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
            others: 0,
            concepts: Vec::new(),
            not_significant: 0,
            random_effects: None,
            smallest_p: None,
            refused: self.failure.clone().into_iter().collect(),
            summary: None,
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
            .and_then(|subject| ace::concepts(&subject, &pictures, class, self.parts(&subject)?));
        match found {
            Err(ExplainError::Stopped) => {
                Err(WorkflowError::ExplainStopped { run: run.dir.path().to_owned() })
            }
            Err(error @ ExplainError::Classify(_)) => Err(WorkflowError::Explain { method: ace::ID, error }),
            other => Ok(other),
        }
    }
}

impl Material {
    fn parts(&self, subject: &Subject<'_>) -> std::result::Result<&RandomParts, ExplainError> {
        if let Some(parts) = self.parts.get() {
            return Ok(parts);
        }
        let looked_at = RandomParts::of(subject, &self.random_classes)?;
        Ok(self.parts.get_or_init(|| looked_at))
    }
}

fn fill(explained: &mut ExplainedConcepts, found: &Concepts, run: &Run, indices: &[usize]) {
    explained.layer.clone_from(&found.layer);
    explained.patches = found.patches;
    explained.others = found.others;
    explained.not_significant = found.counts()[2];
    explained.random_effects = Some(found.random_effects);
    explained.smallest_p = Some(found.smallest_p);
    let shown = |concept: &Concept| ShownConcept {
        score: concept.score,
        pull: concept.pull,
        effect: concept.effect,
        p: concept.p,
        found_in: concept.found_in.len(),
    };
    explained.concepts = found.significant().map(shown).collect();
    let samples: Vec<&Sample> = indices.iter().map(|&index| &run.prepared.samples[index]).collect();
    explained.table = cross_table(found, &samples);
    match explained.concepts.is_empty() {
        true => explained.refused.push(found.summary()),
        false => explained.summary = Some(found.summary()),
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
    let figure = PictureGrid {
        description: format!("Concepts that the score of {} depends on, a row each", explained.class),
        title: Some(title(&explained.class, found.counts())),
        rows: found.significant().enumerate().map(row).collect(),
        ..PictureGrid::default()
    };
    for (ending, content) in [("svg", figure.svg().into_bytes()), ("png", figure.png())] {
        let name = file_of(found.class, ending);
        run.dir.write(&name, content)?;
        explained.figures.push(name);
    }
    Ok(())
}

fn title(class: &str, [speak_for, speak_against, rest]: [usize; 3]) -> String {
    let rest = match rest {
        0 => String::new(),
        more => format!("; {more} not significant"),
    };
    format!("Parts of “{class}”: {speak_for} for the class, {speak_against} against it{rest}")
}

fn label(number: usize, concept: &Concept, pictures: usize) -> Vec<String> {
    let does = if concept.speaks_for() { "for the class" } else { "against the class" };
    let p = if concept.p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {:.3}", concept.p) };
    vec![
        format!("{}. {does}", number + 1),
        format!("pull {:+.2}, {p}", concept.pull),
        format!("raises {:.0} % of scores", 100.0 * concept.score),
        format!("in {} of {pictures} pictures", concept.found_in.len()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_counts_what_speaks_against_the_class_and_what_is_not_drawn() {
        assert_eq!(
            title("cat", [3, 1, 10]),
            "Parts of “cat”: 3 for the class, 1 against it; 10 not significant"
        );
        assert_eq!(title("cat", [0, 2, 0]), "Parts of “cat”: 0 for the class, 2 against it");
    }

    #[test]
    fn the_cross_table_tells_where_a_concept_comes_from() {
        let concept = |found_in: Vec<usize>| Concept {
            typical: Vec::new(),
            found_in,
            score: 1.0,
            pull: 1.0,
            effect: 1.0,
            p: 0.001,
        };
        let concepts = vec![concept(vec![0, 2]), concept(vec![0, 1, 2, 3])];
        let found = Concepts {
            class: 0,
            layer: "conv1".into(),
            pictures: 4,
            patches: 9,
            others: 20,
            random_effects: [-0.5, 0.5],
            smallest_p: 0.01,
            concepts,
        };
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
