//! The check's tables: all questions, and the groups of each column.

use super::super::Table;
use super::words::mark;
use super::{Comparison, LEAST, Predicted, Rate, Tally};
use crate::evaluate::Interval;

/// Rows of a table that are written down.
const MOST_ROWS: usize = 24;

/// The questions, then the groups of each column, and of the pair that the headline names.
pub(super) fn tables(
    classes: &[String],
    predicted: &Predicted,
    worst: &Comparison<'_>,
    compared: &[Comparison<'_>],
) -> Vec<Table> {
    let is_shown = |one: &&Comparison<'_>| {
        one.rate == Rate::Errors && (!one.is_pair || std::ptr::eq(one.grouping, worst.grouping))
    };
    let groups = compared.iter().filter(is_shown).flat_map(|one| {
        let of_grouping: Vec<&Comparison<'_>> =
            compared.iter().filter(|other| std::ptr::eq(other.grouping, one.grouping)).collect();
        let kinds = (classes.len() > 2).then(|| kinds(classes, one, &of_grouping));
        std::iter::once(by_group(classes, predicted, one, &of_grouping)).chain(kinds)
    });
    std::iter::once(questions(classes, compared)).chain(groups).collect()
}

/// Every question in a line, the clearest first.
fn questions(classes: &[String], compared: &[Comparison<'_>]) -> Table {
    let points = |share: f64| format!("{:.1}", 100.0 * share);
    let row = |one: &&Comparison<'_>| {
        let tested = one.tested.as_ref();
        let gap = tested.map(|tested| {
            let Interval { low, high } = tested.gap.interval;
            format!("{} ({} to {})", points(tested.gap.size), points(low), points(high))
        });
        vec![
            one.grouping.what.clone(),
            one.rate.name_with_term(classes),
            one.tallies.len().to_string(),
            one.tallies.iter().filter(|tally| tally.pictures < LEAST).count().to_string(),
            gap.unwrap_or_else(|| "too few pictures".to_owned()),
            tested.and_then(|tested| tested.detectable).map_or_else(|| "none".to_owned(), points),
            tested.map_or_else(|| "–".to_owned(), |tested| format!("{:.3}", tested.outcome.p)),
            tested.map_or("not tested", mark).to_owned(),
        ]
    };
    let mut sorted: Vec<&Comparison<'_>> = compared.iter().collect();
    sorted.sort_by(|a, b| a.tested.is_none().cmp(&b.tested.is_none()).then(a.p().total_cmp(&b.p())));
    let left = sorted.len().saturating_sub(MOST_ROWS);
    let title = match left {
        0 => "All that was tested".to_owned(),
        left => format!("The clearest of all that was tested ({left} more are not shown)"),
    };
    Table {
        title,
        heading: [
            "by",
            "mistake",
            "groups",
            "of them with too few pictures",
            "largest gap, points (95%)",
            "smallest difference that could be detected, points",
            "p, corrected",
            "difference",
        ]
        .map(String::from)
        .to_vec(),
        rows: sorted.iter().take(MOST_ROWS).map(row).collect(),
    }
}

/// The groups of one grouping, those with the most errors first; with two classes with each kind of error.
fn by_group(
    classes: &[String],
    predicted: &Predicted,
    errors: &Comparison<'_>,
    of_grouping: &[&Comparison<'_>],
) -> Table {
    let kinds: Vec<&&Comparison<'_>> =
        of_grouping.iter().filter(|one| classes.len() == 2 && one.rate != Rate::Errors).collect();
    let mut tallies: Vec<&Tally> = errors.tallies.iter().collect();
    tallies.sort_by(|a, b| b.share().total_cmp(&a.share()));
    let row = |tally: &&Tally| {
        let few = if tally.pictures < LEAST { " (too few)" } else { "" };
        let z = tally.z(predicted.error()).map_or_else(|| "–".to_owned(), |z| format!("{z:+.1}"));
        let percentile = tally.percentile(&errors.tallies);
        let percentile = percentile.map_or_else(|| "–".to_owned(), |share| format!("{share:.0}"));
        [errors.grouping.names[tally.group].clone() + few, tally.pictures.to_string(), tally.written()]
            .into_iter()
            .chain(kinds.iter().map(|one| of_group(one, tally.group)))
            .chain([z, percentile])
            .collect()
    };
    let left = tallies.len().saturating_sub(MOST_ROWS);
    let more = if left > 0 { format!(", {left} more with fewer errors") } else { String::new() };
    let heading = ["group", "pictures", "errors (95%)"].map(String::from).into_iter();
    let kinds_heading = kinds.iter().map(|one| format!("{} (95%)", one.rate.name(classes)));
    Table {
        title: format!("Errors by {}{more}", errors.grouping.what),
        heading: heading.chain(kinds_heading).chain(["Z", "percentile"].map(String::from)).collect(),
        rows: tallies.iter().take(MOST_ROWS).map(row).collect(),
    }
}

/// `9% (5 to 15) of 120`
fn of_group(comparison: &Comparison<'_>, group: usize) -> String {
    let tally = comparison.tallies.iter().find(|tally| tally.group == group);
    tally.map_or_else(|| "–".to_owned(), |tally| format!("{} of {}", tally.written(), tally.pictures))
}

/// Of many classes: each class against the rest, by group.
fn kinds(classes: &[String], errors: &Comparison<'_>, of_grouping: &[&Comparison<'_>]) -> Table {
    let of = |rate: Rate, group: usize| {
        of_grouping
            .iter()
            .find(|one| one.rate == rate)
            .map_or_else(|| "–".to_owned(), |one| of_group(one, group))
    };
    let groups = || errors.tallies.iter().map(|tally| tally.group);
    let rows = (0..classes.len()).flat_map(|class| groups().map(move |group| (class, group)));
    let row = |(class, group): (usize, usize)| {
        vec![
            classes[class].clone(),
            errors.grouping.names[group].clone(),
            of(Rate::Missed(class), group),
            of(Rate::TakenFor(class), group),
        ]
    };
    let all = classes.len() * errors.tallies.len();
    let left = all.saturating_sub(2 * MOST_ROWS);
    let more = if left > 0 { format!(", {left} more are not shown") } else { String::new() };
    Table {
        title: format!("Kinds of errors by {}{more}", errors.grouping.what),
        heading: [
            "class",
            "group",
            "taken for another class: false negatives (95%)",
            "others taken for it: false positives (95%)",
        ]
        .map(String::from)
        .to_vec(),
        rows: rows.take(2 * MOST_ROWS).map(row).collect(),
    }
}
