//! `label`: what people say of pictures, and whether they agree.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candor_analysis::agreement::{cohen, fleiss, krippendorff};
use candor_core::{Problem, Reporter};
use candor_data::study::{CLASS, Holds, Labelled, NewOpinion, Opinion, Study};
use serde::Serialize;

use crate::error::{Result, WorkflowError};
use crate::writing::write_study;

/// A table of opinions that is to be taken in.
#[derive(Clone, Debug)]
pub struct LabelTable {
    /// A CSV with the columns `picture` (or `sha256`, `file`, `id`), `label` (or `value`, `class`, `category`), and, where it has
    /// them, `annotator` and `why`.
    pub file: PathBuf,
    /// [`CLASS`], or the name of an attribute.
    pub name: String,
    /// Who says so, where the table has no column `annotator`.
    pub annotator: Option<String>,
    /// What holds afterwards.
    pub holds: Holds,
}

/// How well those who labelled agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// On what: `class`, or the name of an attribute.
    pub name: String,
    /// Pictures that at least two rated.
    pub pictures: usize,
    /// By name.
    pub annotators: Vec<String>,
    /// Of each two of them.
    pub pairs: Vec<AgreementPair>,
    /// Fleiss' kappa, over the pictures that the most annotators rated.
    pub fleiss_kappa: Option<f64>,
    /// Krippendorff's alpha for categories without an order, over all pictures.
    pub krippendorff_alpha: Option<f64>,
}

/// How well two of them agree.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgreementPair {
    /// The one.
    pub first: String,
    /// The other.
    pub second: String,
    /// Pictures that both rated.
    pub pictures: usize,
    /// Of these, alike.
    pub alike: usize,
    /// Cohen's kappa.
    pub cohen_kappa: Option<f64>,
}

/// Writes one opinion down; it holds from now on.
///
/// # Errors
/// When there is no such picture, or the study cannot be written.
pub fn label_set(study: &Path, opinion: NewOpinion, reporter: &dyn Reporter) -> Result<Labelled> {
    let labelled = write_study(study, reporter)?.label(&[opinion], Holds::Latest)?;
    match labelled.problems.first() {
        Some(Problem { reason, .. }) => {
            Err(WorkflowError::NotLabelled { study: study.to_owned(), reason: reason.clone() })
        }
        None => Ok(labelled),
    }
}

/// Takes a table of opinions in.
///
/// # Errors
/// When the table cannot be read, or lacks a column. Rows that speak of no picture of the study are problems.
pub fn label_import(study: &Path, table: &LabelTable, reporter: &dyn Reporter) -> Result<Labelled> {
    let opinions = read_table(table)?;
    let labelled = write_study(study, reporter)?.label(&opinions, table.holds)?;
    labelled.problems.iter().for_each(|problem| reporter.problem(problem.clone()));
    Ok(labelled)
}

/// Every opinion on a picture, or on all of them.
///
/// # Errors
/// When the study cannot be read.
pub fn label_history(study: &Path, picture: Option<&str>) -> Result<Vec<Opinion>> {
    Ok(Study::read(study)?.opinions(picture, None)?)
}

/// Whether those who labelled agree on `name`, each with the latest opinion.
///
/// # Errors
/// When the study cannot be read, or fewer than two have said something.
pub fn label_agreement(study: &Path, name: &str) -> Result<Agreement> {
    let opinions = Study::read(study)?.opinions(None, Some(name))?;
    let numbers = |texts: &mut dyn Iterator<Item = &String>| -> BTreeMap<String, usize> {
        let mut sorted: Vec<String> = texts.cloned().collect();
        sorted.sort();
        sorted.dedup();
        sorted.into_iter().zip(0..).collect()
    };
    let annotators = numbers(&mut opinions.iter().map(|opinion| &opinion.annotator));
    let values = numbers(&mut opinions.iter().map(|opinion| &opinion.value));
    if annotators.len() < 2 {
        return Err(WorkflowError::OneAnnotator { name: name.to_owned(), annotators: annotators.len() });
    }
    let mut by_picture: BTreeMap<&str, Vec<Option<usize>>> = BTreeMap::new();
    for opinion in &opinions {
        let row = by_picture.entry(&opinion.picture).or_insert_with(|| vec![None; annotators.len()]);
        row[annotators[&opinion.annotator]] = Some(values[&opinion.value]);
    }
    let ratings: Vec<Vec<Option<usize>>> =
        by_picture.into_values().filter(|row| row.iter().flatten().count() >= 2).collect();
    let names: Vec<String> = annotators.into_keys().collect();
    let pair = |first: usize, second: usize| {
        let both = || ratings.iter().filter_map(|row| row[first].zip(row[second]));
        AgreementPair {
            first: names[first].clone(),
            second: names[second].clone(),
            pictures: both().count(),
            alike: both().filter(|(a, b)| a == b).count(),
            cohen_kappa: cohen(&ratings, first, second),
        }
    };
    let pairs = (0..names.len()).flat_map(|second| (0..second).map(move |first| (first, second)));
    Ok(Agreement {
        name: name.to_owned(),
        pictures: ratings.len(),
        pairs: pairs.map(|(first, second)| pair(first, second)).collect(),
        fleiss_kappa: fleiss(&ratings),
        krippendorff_alpha: krippendorff(&ratings),
        annotators: names,
    })
}

fn read_table(table: &LabelTable) -> Result<Vec<NewOpinion>> {
    let damaged = |error: csv::Error| WorkflowError::damaged(&table.file, error);
    let mut rows = csv::Reader::from_path(&table.file).map_err(damaged)?;
    let header = rows.headers().map_err(damaged)?.clone();
    let column = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| header.iter().position(|column| column.trim().eq_ignore_ascii_case(name)))
    };
    let needed = |names: &[&str]| {
        let columns = header.iter().collect::<Vec<_>>().join(", ");
        let reason = format!("has no column \"{}\"; it has: {columns}", names.join("\" or \""));
        column(names).ok_or_else(|| WorkflowError::Labels { path: table.file.clone(), reason })
    };
    let picture = needed(&["picture", "sha256", "file", "id"])?;
    let value = needed(&["label", "value", CLASS, "category"])?;
    let (annotator, why) = (column(&["annotator"]), column(&["why"]));
    let file = table.file.display();
    let mut opinions = Vec::new();
    for (number, row) in rows.records().enumerate() {
        let row = row.map_err(damaged)?;
        let cell = |at: usize| row.get(at).map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned);
        let place = format!("{file}, row {number}");
        let missing = |what: &str| WorkflowError::Labels {
            path: table.file.clone(),
            reason: format!("row {number} has no {what}"),
        };
        opinions.push(NewOpinion {
            picture: cell(picture).ok_or_else(|| missing("picture"))?,
            name: table.name.clone(),
            value: cell(value).ok_or_else(|| missing("label"))?,
            annotator: annotator
                .and_then(cell)
                .or_else(|| table.annotator.clone())
                .ok_or_else(|| missing("annotator: add a column, or say --by WHO"))?,
            why: why.and_then(cell),
            place,
        });
    }
    Ok(opinions)
}
