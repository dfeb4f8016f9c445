//! Whom and what the pictures show, as far as the source says: the attributes by which a classifier may fail.

use std::collections::{BTreeMap, BTreeSet};

use candor_core::Sample;

use super::Case;

/// A partition of the samples by something that the source says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// What parts them: a column's name, `the web site`, or two of them joined by “×”.
    pub what: String,
    /// The parts' names.
    pub names: Vec<String>,
    /// The part of each sample; `None` where it is not said.
    pub of: Vec<Option<usize>>,
}

/// More different words than this are names or notes, not groups of people or things.
const MOST_VALUES: usize = 12;
/// A column of numbers with more values is cut into so many parts with as many pictures each.
const PARTS: usize = 4;

impl Grouping {
    /// The groups that a column parts the samples into: its words where they are few, numbers cut into four parts. `None`
    /// where it parts nothing: all alike, or a word of its own nearly everywhere.
    pub fn by_column(samples: &[Sample], column: &str) -> Option<Grouping> {
        by_column(samples, column)
    }
}

/// The names of all further columns that the source has, in alphabetical order.
pub fn columns(samples: &[Sample]) -> BTreeSet<&str> {
    samples.iter().flat_map(|sample| sample.attributes.keys()).map(String::as_str).collect()
}

/// Every attribute that parts the samples, then the source where it is not one of them.
pub(super) fn groupings(case: &Case<'_>) -> Vec<Grouping> {
    let mut found: Vec<Grouping> =
        columns(case.samples()).into_iter().filter_map(|column| by_column(case.samples(), column)).collect();
    let sources = case.sources().filter(|sources| sources.names.len() <= MOST_VALUES);
    let source = sources.map(|sources| Grouping { what: sources.what, names: sources.names, of: sources.of });
    // A column that names the source is there already, perhaps with its parts in another order.
    found.extend(source.filter(|source| !source.what.starts_with("the column")));
    found
}

/// Columns that part nothing: all alike, or a word of its own nearly everywhere.
pub(super) fn left_out(case: &Case<'_>) -> Vec<String> {
    let samples = case.samples();
    columns(samples)
        .into_iter()
        .filter(|column| by_column(samples, column).is_none())
        .map(str::to_owned)
        .collect()
}

/// Both at once: an error may hide where two attributes meet.
pub(super) fn crossed(a: &Grouping, b: &Grouping) -> Grouping {
    let both: Vec<Option<(usize, usize)>> = a.of.iter().zip(&b.of).map(|(&a, &b)| Some((a?, b?))).collect();
    let occurring: BTreeSet<(usize, usize)> = both.iter().flatten().copied().collect();
    let places: BTreeMap<(usize, usize), usize> = occurring.iter().copied().zip(0..).collect();
    Grouping {
        what: format!("{} × {}", a.what, b.what),
        names: occurring.iter().map(|&(x, y)| format!("{} × {}", a.names[x], b.names[y])).collect(),
        of: both.into_iter().map(|both| both.map(|both| places[&both])).collect(),
    }
}

fn by_column(samples: &[Sample], column: &str) -> Option<Grouping> {
    let values: Vec<Option<&str>> = samples
        .iter()
        .map(|sample| {
            sample.attributes.get(column).map(|value| value.trim()).filter(|value| !value.is_empty())
        })
        .collect();
    let different: BTreeSet<&str> = values.iter().flatten().copied().collect();
    match different.len() {
        0 | 1 => None,
        2..=MOST_VALUES => Some(by_word(column, &values, &different)),
        _ => by_number(column, &values),
    }
}

fn by_word(column: &str, values: &[Option<&str>], different: &BTreeSet<&str>) -> Grouping {
    let names: Vec<String> = different.iter().map(|&name| name.to_owned()).collect();
    let place = |value: &str| different.iter().position(|&name| name == value);
    let of = values.iter().map(|value| value.and_then(place)).collect();
    Grouping { what: column.to_owned(), names, of }
}

/// `age` in four parts. `None` where it is not numbers, or where every picture has one of its own: a running number.
fn by_number(column: &str, values: &[Option<&str>]) -> Option<Grouping> {
    let number = |value: &&str| value.parse::<f64>().ok().filter(|number| number.is_finite());
    let numbers: Vec<Option<f64>> = values.iter().map(|value| value.as_ref().and_then(number)).collect();
    let mut known: Vec<f64> = numbers.iter().flatten().copied().collect();
    known.sort_by(f64::total_cmp);
    let mut distinct = known.clone();
    distinct.dedup();
    if known.len() < values.iter().flatten().count() || 2 * distinct.len() > known.len() {
        return None;
    }
    let mut starts: Vec<f64> = (0..PARTS).map(|part| known[part * known.len() / PARTS]).collect();
    starts.dedup();
    let place = |number: f64| starts.iter().rposition(|&start| number >= start);
    let ends = starts.iter().skip(1).copied().map(Some).chain([None]);
    let name = |(start, end): (&f64, Option<f64>)| match end {
        Some(end) => format!("{start} to below {end}"),
        None => format!("{start} and more"),
    };
    let names: Vec<String> = starts.iter().zip(ends).map(name).collect();
    let of = numbers.into_iter().map(|number| number.and_then(place)).collect();
    (names.len() > 1).then(|| Grouping { what: column.to_owned(), names, of })
}

#[cfg(test)]
mod tests {
    use super::super::testing::Fake;
    use super::*;

    #[test]
    fn words_part_numbers_are_cut_and_names_are_left_out() {
        let mut fake = Fake::bright(64);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            let values = [
                ("sex", ["f", "m"][index / 2 % 2].to_owned()),
                ("age", (18 + index % 32).to_string()),
                ("name", format!("person {index}")),
                ("number", index.to_string()),
                ("country", "nl".to_owned()),
            ];
            sample.attributes = values.map(|(key, value)| (key.to_owned(), value)).into();
        }
        let found = fake.with(groupings);
        let described: Vec<(&str, usize)> =
            found.iter().map(|one| (one.what.as_str(), one.names.len())).collect();
        assert_eq!(described, [("age", 4), ("sex", 2)]);
        assert_eq!(found[0].names, ["18 to below 26", "26 to below 34", "34 to below 42", "42 and more"]);
        assert_eq!(fake.with(left_out), ["country", "name", "number"]);
        let both = crossed(&found[0], &found[1]);
        assert_eq!((both.what.as_str(), both.names.len()), ("age × sex", 8));
        assert_eq!(both.names[both.of[0].unwrap()], "18 to below 26 × f");
    }

    #[test]
    fn a_source_is_a_grouping_but_not_twice() {
        let mut fake = Fake::bright(24);
        fake.samples.iter_mut().enumerate().for_each(|(index, sample)| {
            sample.provenance.url = Some(format!("https://{}.org/x.jpg", ["a", "b"][index % 2]));
        });
        assert_eq!(fake.with(groupings)[0].what, "the web site");
        fake.samples.iter_mut().for_each(|sample| {
            let site = sample.provenance.url.take().unwrap();
            sample.attributes.insert("site".into(), site);
        });
        assert_eq!(fake.with(groupings).len(), 1);
    }
}
