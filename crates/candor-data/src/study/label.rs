//! Labels with who gave them, when and why. Every opinion stays; what holds is decided by the latest one, or by the most.

use std::collections::BTreeMap;

use candor_core::Problem;
use rusqlite::{OptionalExtension, Transaction, params};
use serde::Serialize;

use super::{Outcome, Study, StudyError};

/// The name under which opinions on the class stand.
pub const CLASS: &str = "class";

/// An opinion that is to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOpinion {
    /// Where it stands, for people: `labels.csv, row 3`.
    pub place: String,
    /// Of which picture: its SHA-256, or the name or path of a file that it was imported from.
    pub picture: String,
    /// [`CLASS`], or the name of an attribute.
    pub name: String,
    /// What it is.
    pub value: String,
    /// Who says so.
    pub annotator: String,
    /// Why.
    pub why: Option<String>,
}

/// An opinion as it stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opinion {
    /// SHA-256 of the picture.
    pub picture: String,
    /// Where it was first found.
    pub file: String,
    /// `class`, or the name of an attribute.
    pub name: String,
    /// What it is.
    pub value: String,
    /// Who says so.
    pub annotator: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When, UTC.
    pub given_at: String,
}

/// Which of several opinions holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// The one that is written down now.
    Latest,
    /// The one that most annotators have, each counted with the latest opinion; with as many for another, what held before.
    Most,
    /// What held before: opinions are only collected.
    Before,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Labelled {
    /// Opinions that were written down.
    pub written: usize,
    /// Opinions that the same annotator has already.
    pub known: usize,
    /// Pictures whose label is another one now.
    pub changed: usize,
    /// What could not be written down.
    pub problems: Vec<Problem>,
}

impl Study {
    /// Writes opinions down, all in one transaction, and decides what holds.
    ///
    /// # Errors
    /// When the ledger cannot be written. An opinion on a picture that is not there is a problem, and the rest is written.
    pub fn label(&mut self, opinions: &[NewOpinion], holds: Holds) -> Result<Labelled, StudyError> {
        let outcome = self.label_all(opinions, holds);
        self.at(outcome)
    }

    fn label_all(&mut self, opinions: &[NewOpinion], holds: Holds) -> Outcome<Labelled> {
        let transaction = self.connection.transaction()?;
        let mut labelled = Labelled { written: 0, known: 0, changed: 0, problems: Vec::new() };
        for opinion in opinions {
            let picture = match pictures_called(&transaction, &opinion.picture)?[..] {
                [picture] => picture,
                ref found => {
                    let reason = match found.len() {
                        0 => format!("there is no picture \"{}\" in the study", opinion.picture),
                        several => format!(
                            "\"{}\" could be any of {several} pictures: give its SHA-256",
                            opinion.picture
                        ),
                    };
                    labelled.problems.push(Problem { place: opinion.place.clone(), reason });
                    continue;
                }
            };
            match write(&transaction, picture, opinion)? {
                true => labelled.written += 1,
                false => labelled.known += 1,
            }
            let value = match holds {
                Holds::Latest => Some(opinion.value.clone()),
                Holds::Most => most(&transaction, picture, &opinion.name)?,
                Holds::Before => None,
            };
            if let Some(value) = value {
                labelled.changed += usize::from(hold(&transaction, picture, &opinion.name, &value)?);
            }
        }
        transaction.commit()?;
        Ok(labelled)
    }

    /// All opinions on what is called `name`, or on everything, of one picture or of all; in the order in which they were given.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn opinions(&self, picture: Option<&str>, name: Option<&str>) -> Result<Vec<Opinion>, StudyError> {
        self.at(self.read_opinions(picture, name))
    }

    fn read_opinions(&self, picture: Option<&str>, name: Option<&str>) -> Outcome<Vec<Opinion>> {
        let wanted = picture.map(|what| pictures_called(&self.connection, what)).transpose()?;
        let sql = "SELECT sha256, (SELECT file FROM origin WHERE origin.picture = picture.id ORDER BY origin.id LIMIT 1),
                          name, value, annotator, why, given_at, opinion.picture
                   FROM opinion JOIN picture ON picture.id = opinion.picture
                   WHERE ?1 IS NULL OR name = ?1 ORDER BY opinion.id";
        let mut rows = self.connection.prepare(sql)?;
        let rows = rows.query_map([name], |row| {
            let opinion = Opinion {
                picture: row.get(0)?,
                file: row.get::<_, Option<String>>(1)?.unwrap_or_default(),
                name: row.get(2)?,
                value: row.get(3)?,
                annotator: row.get(4)?,
                why: row.get(5)?,
                given_at: row.get(6)?,
            };
            Ok((row.get::<_, i64>(7)?, opinion))
        })?;
        let rows: Vec<(i64, Opinion)> = rows.collect::<rusqlite::Result<_>>()?;
        let is_wanted = |picture: &i64| wanted.as_ref().is_none_or(|wanted| wanted.contains(picture));
        Ok(rows.into_iter().filter(|(picture, _)| is_wanted(picture)).map(|(_, opinion)| opinion).collect())
    }
}

/// The pictures with this SHA-256, or that were found in a file of this name or path.
fn pictures_called(connection: &rusqlite::Connection, what: &str) -> Outcome<Vec<i64>> {
    let sql = "SELECT id FROM picture WHERE sha256 = lower(?1)
               UNION SELECT picture FROM origin WHERE file = ?1 OR substr(file, -length('/' || ?1)) = '/' || ?1";
    let mut rows = connection.prepare(sql)?;
    let found = rows.query_map([what], |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// False, when the annotator is of that opinion already.
fn write(transaction: &Transaction<'_>, picture: i64, opinion: &NewOpinion) -> Outcome<bool> {
    let NewOpinion { name, value, annotator, why, .. } = opinion;
    let sql = "SELECT value FROM opinion WHERE picture = ?1 AND name = ?2 AND annotator = ?3 ORDER BY id DESC LIMIT 1";
    let before: Option<String> =
        transaction.query_row(sql, params![picture, name, annotator], |row| row.get(0)).optional()?;
    if before.as_ref() == Some(value) {
        return Ok(false);
    }
    let sql = "INSERT INTO opinion (picture, name, value, annotator, why) VALUES (?1, ?2, ?3, ?4, ?5)";
    transaction.execute(sql, params![picture, name, value, annotator, why])?;
    Ok(true)
}

/// What most annotators say, where it is one thing.
fn most(transaction: &Transaction<'_>, picture: i64, name: &str) -> Outcome<Option<String>> {
    let sql = "SELECT annotator, value FROM opinion WHERE picture = ?1 AND name = ?2 ORDER BY id";
    let mut rows = transaction.prepare(sql)?;
    let given = rows.query_map(params![picture, name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let latest: BTreeMap<String, String> = given.collect::<rusqlite::Result<_>>()?;
    let mut votes: BTreeMap<&String, usize> = BTreeMap::new();
    latest.values().for_each(|value| *votes.entry(value).or_default() += 1);
    let best = votes.values().max().copied().unwrap_or(0);
    let winners: Vec<&&String> =
        votes.iter().filter(|&(_, &count)| count == best).map(|(value, _)| value).collect();
    Ok(match winners[..] {
        [winner] => Some((*winner).clone()),
        _ => None,
    })
}

/// Makes it hold; whether something else held before.
fn hold(transaction: &Transaction<'_>, picture: i64, name: &str, value: &str) -> Outcome<bool> {
    let changed = match name {
        CLASS => transaction.execute(
            "UPDATE picture SET class = ?2 WHERE id = ?1 AND class <> ?2",
            params![picture, value],
        )?,
        _ => transaction.execute(
            "INSERT INTO attribute (picture, name, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (picture, name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
            params![picture, name, value],
        )?,
    };
    Ok(changed > 0)
}
