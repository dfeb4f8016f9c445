//! `lesson scores`: percentiles and Z-scores of the entities in a table.

use std::path::PathBuf;

use candor_analysis::lesson::scores::{Entity, FEWEST, score};
use candor_core::{Problem, Reporter};
use candor_report::{ScoredGroup, ScoresLesson, scores_html};
use serde::Serialize;

use super::columns::Columns;
use super::{Lectured, LessonError, page, quoted, quoted_path, write};
use crate::error::{Result, WorkflowError};
use crate::run_dir::RunDir;

/// Which columns of which table.
#[derive(Clone, Debug)]
pub struct ScoresRequest {
    /// A CSV.
    pub file: PathBuf,
    /// The column that names the entities.
    pub entity: String,
    /// The column of the values.
    pub value: String,
    /// The column that says which entities are comparable; all are without.
    pub among: Option<String>,
    /// The column of the cases behind each value, which is a share of them.
    pub cases: Option<String>,
    /// The folder for the page, which must not exist or be empty.
    pub out: PathBuf,
}

/// The scores.
#[derive(Clone, Debug, Serialize)]
pub struct ScoresResult {
    /// Where the values came from.
    pub file: PathBuf,
    /// The column of the values.
    pub value: String,
    /// One entry for each group of comparable entities, in the order of the table.
    pub groups: Vec<ScoredGroup>,
}

/// Scores the entities among those that are comparable and writes the page. Rows with an empty cell are left out, and groups of
/// fewer than three entities, where there are others.
///
/// # Errors
/// When the table lacks a column, holds what is no number, or nobody can be scored; names file and row.
pub fn scores_lesson(request: &ScoresRequest, reporter: &dyn Reporter) -> Result<Lectured<ScoresResult>> {
    let ScoresRequest { file, value, out, .. } = request;
    let groups = scored(read(request, reporter)?, request, reporter)?;
    let dir = RunDir::create(out)?;
    let of_group = |group: &ScoredGroup| {
        let sentences = group.scores.sentences().into_iter();
        let named = |text: String| group.name.as_ref().map_or(text.clone(), |name| format!("{name}: {text}"));
        sentences.map(named).collect::<Vec<_>>()
    };
    let sentences: Vec<String> = groups.iter().flat_map(of_group).collect();
    let (source, command) = (file.display().to_string(), command(request));
    let page = page("scores", &source, &sentences, &command);
    let html = scores_html(&ScoresLesson { page, unit: value, groups: &groups });
    let lesson = page.lesson;
    let result = ScoresResult { file: file.clone(), value: value.clone(), groups };
    write(&dir, lesson, sentences, result, html)
}

/// A group's name and its entities.
type Group = (Option<String>, Vec<Entity>);

fn read(request: &ScoresRequest, reporter: &dyn Reporter) -> Result<Vec<Group>> {
    let table = Columns::read(&request.file, reporter)?;
    let entity = table.column(&request.entity, "entity")?;
    let value = table.column(&request.value, "value")?;
    let among = request.among.as_deref();
    let among = among.map(|name| table.column(name, "group of comparable entities")).transpose()?;
    let cases = request.cases.as_deref();
    let cases = cases.map(|name| table.column(name, "number of cases")).transpose()?;
    let wanted: Vec<_> = [Some(entity), Some(value), among, cases].into_iter().flatten().collect();
    let mut groups: Vec<Group> = Vec::new();
    for row in table.rows(&wanted) {
        let name = among.map(|column| row.text(column).to_owned());
        let entity = Entity {
            name: row.text(entity).to_owned(),
            value: row.number(value)?,
            cases: cases.map(|column| row.count(column)).transpose()?,
        };
        match groups.iter_mut().find(|(other, _)| *other == name) {
            Some((_, entities)) => entities.push(entity),
            None => groups.push((name, vec![entity])),
        }
    }
    Ok(groups)
}

fn scored(
    mut groups: Vec<Group>,
    request: &ScoresRequest,
    reporter: &dyn Reporter,
) -> Result<Vec<ScoredGroup>> {
    let refused = |error: LessonError| WorkflowError::Lesson { path: request.file.clone(), error };
    if groups.is_empty() {
        groups.push((None, Vec::new()));
    }
    if groups.iter().any(|(_, entities)| entities.len() >= FEWEST) {
        groups.retain(|(name, entities)| {
            let is_enough = entities.len() >= FEWEST;
            if !is_enough {
                reporter.problem(Problem {
                    place: format!("the group \"{}\"", name.as_deref().unwrap_or_default()),
                    reason: format!("it has fewer than {FEWEST} comparable entities"),
                });
            }
            is_enough
        });
    }
    let of_group = |(name, entities): Group| match (score(&entities), name) {
        (Ok(scores), name) => Ok(ScoredGroup { name, scores }),
        (Err(error), None) => Err(refused(error.into())),
        (Err(error), Some(group)) => Err(refused(LessonError::ScoresAmong { group, error })),
    };
    groups.into_iter().map(of_group).collect()
}

fn command(request: &ScoresRequest) -> String {
    let ScoresRequest { file, entity, value, among, cases, .. } = request;
    let optional = |flag: &str, name: &Option<String>| {
        name.as_ref().map_or_else(String::new, |name| format!(" --{flag} {}", quoted(name)))
    };
    format!(
        "candor lesson scores {} --entity {} --value {}{}{}",
        quoted_path(file),
        quoted(entity),
        quoted(value),
        optional("among", among),
        optional("cases", cases)
    )
}
