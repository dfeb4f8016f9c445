//! Splits that stay: each has a name in the ledger, holds together what belongs together, and takes up new pictures without
//! moving the old ones.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use candor_core::{Problem, Sample, Seed, Split, Subset};
use rusqlite::params;
use serde::Serialize;

use super::ties::{Exif, Tied, chains};
use super::{Outcome, Study, StudyError, StudyErrorKind};
use crate::split::{Fractions, Keeping, folds, split_samples};

/// The name of the split that a training takes unless another is asked for.
pub const MAIN: &str = "main";
/// Asks for all pictures of a study, whatever was split.
pub const ALL: &str = "all";

/// How a study is split.
#[derive(Clone, Debug, PartialEq)]
pub enum Method {
    /// By shares. Pictures that are in the split already stay where they are, unless `anew`.
    Shares {
        /// Forget what was where before.
        anew: bool,
    },
    /// In this many folds, each the test pictures of one split: `fold-1`, `fold-2` …
    Folds(usize),
    /// One split for each source, which is its test: `without-NAME`. A source is a web site (`site`), a place that was
    /// imported (`source`), or a value of a further column.
    LeaveOut(String),
    /// The earliest pictures to learn from, the latest to be judged on: by the camera's time (`exif`) or a column.
    ByTime(String),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitRequest {
    /// Of the split; [`MAIN`] is what trainings take. Folds and left-out sources have names of their own.
    pub name: String,
    /// How.
    pub method: Method,
    /// The shares of train, validation and test.
    pub fractions: Fractions,
    /// Of everything random.
    pub seed: Seed,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitMade {
    /// The splits, by name.
    pub splits: Vec<NamedSplit>,
    /// What was found to belong together.
    pub ties: Vec<Tied>,
    /// Pictures that are held together with others.
    pub tied: usize,
    /// Units: what a split deals out, a single picture or a chain of ties.
    pub units: usize,
    /// What could not be done.
    pub problems: Vec<Problem>,
}

/// A split in figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedSplit {
    /// Its name.
    pub name: String,
    /// How it was made.
    pub how: String,
    /// Pictures of each class in train, validation and test.
    pub classes: BTreeMap<String, [usize; 3]>,
    /// Pictures that are in none of the three: added since.
    pub outside: usize,
}

/// A split before it is written down.
struct Named {
    name: String,
    how: String,
    split: Split,
}

/// A moment, as a number where it is one and as text where it is none; `None` where it is not known.
type Moment = Option<(f64, String)>;

/// A study's pictures, as a split sees them.
pub struct Dealt {
    /// Class names.
    pub classes: Vec<String>,
    /// In the order of their ids.
    pub samples: Vec<Sample>,
    /// What each says of when and with what it was taken.
    pub exif: Vec<Exif>,
    /// The subset that the source gave each, where it gave all one.
    pub predefined: Option<Vec<Subset>>,
    /// The place that each was first imported from.
    pub places: Vec<String>,
}

impl Study {
    /// Splits the pictures of `dealt`, which this study gave, and writes that down. `ties` are kept together.
    ///
    /// # Errors
    /// When there are too few pictures, or something that is asked for is not there.
    pub fn split(
        &mut self,
        request: &SplitRequest,
        mut dealt: Dealt,
        ties: Vec<Tied>,
    ) -> Result<SplitMade, StudyError> {
        let chains = chains(dealt.samples.len(), &ties);
        let mut sizes: HashMap<usize, usize> = HashMap::new();
        chains.iter().for_each(|&chain| *sizes.entry(chain).or_default() += 1);
        let units: Vec<Option<String>> = chains
            .iter()
            .map(|chain| (sizes[chain] > 1).then(|| format!("unit {}", dealt.samples[*chain].id.short())))
            .collect();
        dealt.samples.iter_mut().zip(&units).for_each(|(sample, unit)| sample.group.clone_from(unit));
        let outcome = self.deal(request, &dealt).and_then(|(splits, problems)| {
            self.write_splits(&dealt, &splits, &ties, &units)?;
            let counted = splits.iter().map(|named| counted(named, &dealt));
            Ok(SplitMade {
                splits: counted.collect(),
                tied: units.iter().flatten().count(),
                units: sizes.len(),
                ties,
                problems,
            })
        });
        self.at(outcome)
    }

    /// The pictures that can be split.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn dealt(&self) -> Result<Dealt, StudyError> {
        let listed = self.list()?;
        let classes: BTreeSet<&String> = listed.iter().map(|picture| &picture.class).collect();
        let classes: Vec<String> = classes.into_iter().cloned().collect();
        let class = |name: &String| classes.iter().position(|class| class == name).unwrap_or_default();
        let samples = listed.iter().map(|picture| Sample {
            id: picture.id,
            class: class(&picture.class),
            group: picture.group.clone(),
            provenance: picture.provenance.clone(),
            attributes: picture.attributes.clone(),
        });
        Ok(Dealt {
            samples: samples.collect(),
            exif: listed.iter().map(|picture| picture.exif.clone()).collect(),
            predefined: listed.iter().map(|picture| picture.subset).collect(),
            places: listed.into_iter().map(|picture| picture.source).collect(),
            classes,
        })
    }

    fn deal(&self, request: &SplitRequest, dealt: &Dealt) -> Outcome<(Vec<Named>, Vec<Problem>)> {
        let SplitRequest { name, method, fractions, seed } = request;
        let shares = |share: f64| format!("{:.0} %", 100.0 * share);
        let Fractions { train, validation, test } = *fractions;
        let how =
            format!("{} train, {} validation, {} test", shares(train), shares(validation), shares(test));
        match method {
            Method::Shares { anew } => {
                let before = if *anew { None } else { self.members(name, &dealt.samples)? };
                let keeping = match (&before, &dealt.predefined) {
                    (Some(before), _) => Keeping::Earlier(before),
                    (None, Some(subsets)) => Keeping::Predefined(subsets),
                    (None, None) => Keeping::Nothing,
                };
                let parts = split_samples(&dealt.classes, &dealt.samples, keeping, *fractions, *seed)?;
                let how = format!("{how}, seed {}", seed.0);
                Ok((vec![Named { name: name.clone(), how, split: parts.split }], parts.problems))
            }
            Method::Folds(count) => {
                let fold = folds(&dealt.classes, &dealt.samples, *count, *seed)?;
                let tests = (0..*count).map(|number| {
                    let test: Vec<bool> = fold.iter().map(|&fold| fold == number).collect();
                    (
                        format!("fold-{}", number + 1),
                        format!("fold {} of {count}, seed {}", number + 1, seed.0),
                        test,
                    )
                });
                held_out(tests, dealt, *fractions, *seed)
            }
            Method::LeaveOut(what) => {
                let source = sources(what, dealt)?;
                let names: BTreeSet<&String> = source.iter().flatten().collect();
                let tests = names.into_iter().map(|name| {
                    let test = source.iter().map(|source| source.as_ref() == Some(name)).collect();
                    (format!("without-{name}"), format!("all of {what} {name} is the test"), test)
                });
                held_out(tests, dealt, *fractions, *seed)
            }
            Method::ByTime(what) => {
                let (split, problems) = by_time(&times(what, dealt)?, dealt, *fractions);
                Ok((
                    vec![Named { name: name.clone(), how: format!("{how}, in the order of {what}"), split }],
                    problems,
                ))
            }
        }
    }

    /// Who is where in the split called `name`, where there is one.
    fn members(&self, name: &str, samples: &[Sample]) -> Outcome<Option<Vec<Option<Subset>>>> {
        let members = self.members_by_id(name)?;
        let of = |sample: &Sample| members.get(&sample.id.to_string()).copied();
        Ok((!members.is_empty()).then(|| samples.iter().map(of).collect()))
    }

    /// The subset of each picture in the split called `name`, by its SHA-256; empty where there is no such split.
    pub(super) fn members_by_id(&self, name: &str) -> Outcome<HashMap<String, Subset>> {
        let sql = "SELECT sha256, member.subset FROM member JOIN picture ON picture.id = picture
                   WHERE split = (SELECT id FROM split WHERE name = ?1)";
        let mut rows = self.connection.prepare(sql)?;
        let rows = rows.query_map([name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let rows: Vec<(String, String)> = rows.collect::<rusqlite::Result<_>>()?;
        let subset = |name: &str| Subset::ALL.into_iter().find(|subset| subset.name() == name);
        Ok(rows.into_iter().filter_map(|(id, name)| Some((id, subset(&name)?))).collect())
    }

    fn write_splits(
        &mut self,
        dealt: &Dealt,
        splits: &[Named],
        ties: &[Tied],
        units: &[Option<String>],
    ) -> Outcome<()> {
        let numbers = self.numbers()?;
        let number = |index: usize| numbers[&dealt.samples[index].id.to_string()];
        let transaction = self.connection.transaction()?;
        transaction.execute("DELETE FROM tie", [])?;
        for (index, unit) in units.iter().enumerate() {
            transaction
                .execute("UPDATE picture SET unit = ?2 WHERE id = ?1", params![number(index), unit])?;
        }
        for tied in ties {
            let sql = "INSERT INTO tie (kind, why) VALUES (?1, ?2) RETURNING id";
            let tie: i64 =
                transaction.query_row(sql, params![tied.tie.name(), tied.why], |row| row.get(0))?;
            for &member in &tied.members {
                transaction
                    .execute("INSERT INTO tied (tie, picture) VALUES (?1, ?2)", [tie, number(member)])?;
            }
        }
        for Named { name, how, split } in splits {
            transaction.execute("DELETE FROM split WHERE name = ?1", [name])?;
            let sql = "INSERT INTO split (name, how) VALUES (?1, ?2) RETURNING id";
            let row: i64 = transaction.query_row(sql, [name, how], |row| row.get(0))?;
            for subset in Subset::ALL {
                for &index in split.indices(subset) {
                    let sql = "INSERT INTO member (split, picture, subset) VALUES (?1, ?2, ?3)";
                    transaction.execute(sql, params![row, number(index), subset.name()])?;
                }
            }
        }
        Ok(transaction.commit()?)
    }

    /// The row of each picture, by its SHA-256.
    fn numbers(&self) -> Outcome<HashMap<String, i64>> {
        let mut rows = self.connection.prepare("SELECT sha256, id FROM picture")?;
        let pairs = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(pairs.collect::<rusqlite::Result<_>>()?)
    }

    /// The splits there are, by name.
    pub(super) fn split_counts(&self) -> Outcome<Vec<NamedSplit>> {
        let pictures: i64 =
            self.connection.query_row("SELECT count(*) FROM picture", [], |row| row.get(0))?;
        let mut rows = self.connection.prepare("SELECT id, name, how FROM split ORDER BY id")?;
        let splits = rows.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?)))?;
        let mut counted = Vec::new();
        for split in splits {
            let (id, name, how): (i64, String, String) = split?;
            let sql = "SELECT class, member.subset, count(*) FROM member JOIN picture ON picture.id = picture
                       WHERE split = ?1 GROUP BY 1, 2";
            let mut rows = self.connection.prepare(sql)?;
            let cells = rows
                .query_map([id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?)))?;
            let mut classes: BTreeMap<String, [usize; 3]> = BTreeMap::new();
            for cell in cells {
                let (class, subset, count): (String, String, i64) = cell?;
                let at = Subset::ALL.iter().position(|known| known.name() == subset).unwrap_or_default();
                classes.entry(class).or_default()[at] = count as usize;
            }
            let inside: usize = classes.values().flatten().sum();
            counted.push(NamedSplit { name, how, classes, outside: pictures as usize - inside });
        }
        Ok(counted)
    }
}

fn counted(Named { name, how, split }: &Named, dealt: &Dealt) -> NamedSplit {
    let mut classes: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    for (at, subset) in Subset::ALL.into_iter().enumerate() {
        for &index in split.indices(subset) {
            classes.entry(dealt.classes[dealt.samples[index].class].clone()).or_default()[at] += 1;
        }
    }
    let (name, how) = (name.clone(), how.clone());
    NamedSplit { name, how, classes, outside: dealt.samples.len() - split.len() }
}

/// One split for each set of test pictures; validation is cut from the others.
fn held_out(
    tests: impl Iterator<Item = (String, String, Vec<bool>)>,
    dealt: &Dealt,
    fractions: Fractions,
    seed: Seed,
) -> Outcome<(Vec<Named>, Vec<Problem>)> {
    let (mut splits, mut problems) = (Vec::new(), Vec::new());
    for (name, how, test) in tests {
        let subset = |&test: &bool| if test { Subset::Test } else { Subset::Train };
        let subsets: Vec<Subset> = test.iter().map(subset).collect();
        let keeping = Keeping::Predefined(&subsets);
        let parts = split_samples(&dealt.classes, &dealt.samples, keeping, fractions, seed)?;
        let told = parts.problems.into_iter();
        problems
            .extend(told.map(|problem| Problem { place: format!("{name}: {}", problem.place), ..problem }));
        splits.push(Named { name, how, split: parts.split });
    }
    Ok((splits, problems))
}

/// The source of each picture, by the name of what tells sources apart.
fn sources(what: &str, dealt: &Dealt) -> Outcome<Vec<Option<String>>> {
    let place = |place: &String| place.rsplit(['/', '\\']).next().unwrap_or(place).to_owned();
    let sources: Vec<Option<String>> = match what {
        "site" => dealt.samples.iter().map(|sample| sample.provenance.site().map(str::to_owned)).collect(),
        "source" => dealt.places.iter().map(|name| Some(place(name))).collect(),
        column => dealt.samples.iter().map(|sample| sample.attributes.get(column).cloned()).collect(),
    };
    let different: BTreeSet<&String> = sources.iter().flatten().collect();
    match different.len() {
        0 | 1 => Err(StudyErrorKind::TooFewSources {
            what: what.to_owned(),
            found: different.len(),
            columns: columns(dealt),
        }),
        _ => Ok(sources),
    }
}

/// The time of each picture: text whose order is that of time.
fn times(what: &str, dealt: &Dealt) -> Outcome<Vec<Option<String>>> {
    let times: Vec<Option<String>> = match what {
        "exif" => dealt.exif.iter().map(|exif| exif.taken_at.clone()).collect(),
        column => dealt.samples.iter().map(|sample| sample.attributes.get(column).cloned()).collect(),
    };
    match times.iter().any(Option::is_some) {
        true => Ok(times),
        false => Err(StudyErrorKind::NoTimes { what: what.to_owned(), columns: columns(dealt) }),
    }
}

fn columns(dealt: &Dealt) -> String {
    let names: BTreeSet<&String> = dealt.samples.iter().flat_map(|sample| sample.attributes.keys()).collect();
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The earliest units into train, the latest into test. A unit's time is that of its latest picture; numbers are in the
/// order of their values, everything else in that of its text. Pictures without a time are learned from.
fn by_time(times: &[Option<String>], dealt: &Dealt, fractions: Fractions) -> (Split, Vec<Problem>) {
    let value = |time: &Option<String>| {
        let time = time.clone()?;
        Some((time.parse::<f64>().map_or(f64::INFINITY, |number| number), time))
    };
    let mut units: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, sample) in dealt.samples.iter().enumerate() {
        let unit = sample.group.clone().unwrap_or_else(|| sample.id.to_string());
        units.entry(unit).or_default().push(index);
    }
    let later = |a: &Moment, b: &Moment| match (a, b) {
        (Some(a), Some(b)) => a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)),
        _ => a.is_some().cmp(&b.is_some()),
    };
    let mut timed: Vec<(Moment, Vec<usize>)> = units
        .into_values()
        .map(|unit| (unit.iter().map(|&index| value(&times[index])).max_by(later).flatten(), unit))
        .collect();
    timed.sort_by(|a, b| later(&a.0, &b.0));
    let all = dealt.samples.len() as f64;
    let mut subsets: [Vec<usize>; 3] = Default::default();
    let mut before = 0;
    for (_, unit) in timed {
        let middle = (before as f64 + unit.len() as f64 / 2.0) / all;
        let at = usize::from(middle > fractions.train)
            + usize::from(middle > fractions.train + fractions.validation);
        before += unit.len();
        subsets[at].extend(unit);
    }
    subsets.iter_mut().for_each(|indices| indices.sort_unstable());
    let [train, validation, test] = subsets;
    let timeless = times.iter().filter(|time| time.is_none()).count();
    let reason = match timeless {
        1 => "1 picture has none: it comes before all others".to_owned(),
        _ => format!("{timeless} pictures have none: they come before all others"),
    };
    let problems = (timeless > 0).then(|| Problem { place: "time".to_owned(), reason });
    (Split { train, validation, test }, problems.into_iter().collect())
}
