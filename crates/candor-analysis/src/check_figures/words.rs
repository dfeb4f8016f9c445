//! The findings in plain words. Every sentence can stand alone.

use super::check::PictureCount;
use super::limits::Limits;
use super::published::{CellUnit, PublishedFigures};
use super::table::ShareTable;
use crate::evaluate::{Accuracy, ConfusionMatrix, MajorityBaseline};

pub(super) fn sum_is_not_stated(sum: u64, stated: u64) -> String {
    format!("The matrix counts {sum} pictures, but {stated} are stated.")
}

pub(super) fn no_total(table: &ShareTable) -> String {
    format!(
        "No number of pictures below {} gives this matrix: at least one cell is wrong, or the cells are not shares of \
         all pictures.",
        table.largest_total()
    )
}

pub(super) fn no_total_of_shares(largest: u64) -> String {
    format!("No number of pictures below {largest} gives these class shares: at least one of them is wrong.")
}

pub(super) fn matrix_is_not_of_stated(stated: u64, found: u64, cells: &[String]) -> String {
    let which = match cells {
        [] => "the cells do not add up to it".to_owned(),
        cells => format!("no count out of {stated} gives {}", list(cells)),
    };
    format!(
        "The matrix does not come from the stated {stated} pictures: {which}. The smallest number that fits is {found}."
    )
}

pub(super) fn pictures_found(found: PictureCount, of: &str) -> String {
    let next = found.next.map_or_else(String::new, |next| format!("; the next that fits is {next}"));
    format!(
        "{} pictures were evaluated: it is the smallest number of which all {of} are fractions{next}.",
        found.count
    )
}

pub(super) fn fewest_pictures(fewest: u64) -> String {
    format!(
        "The number of pictures is not known. It is at least {fewest}, the smallest number of which all accuracies are \
         fractions. State it as \"pictures\" for further checks."
    )
}

pub(super) fn cut_off(of: &str, pictures: u64) -> String {
    format!("The {of} fit {pictures} pictures only if their last digits were cut off, not rounded.")
}

pub(super) fn counts_stay_open(pictures: u64) -> String {
    format!("The cells have too few digits to give the exact counts out of {pictures} pictures.")
}

pub(super) fn counts(matrix: &ConfusionMatrix) -> String {
    let row = |row: &Vec<u64>| row.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
    let rows: Vec<String> = matrix.counts().iter().map(row).collect();
    let accuracy = Accuracy::of(matrix);
    format!(
        "The counts behind the matrix are ({}). Its diagonal is {} of {}: an accuracy of {}, with a 95 % interval from {} to {}.",
        rows.join(") ("),
        accuracy.correct,
        accuracy.pictures,
        share(accuracy.value),
        share(accuracy.interval.low),
        share(accuracy.interval.high),
    )
}

pub(super) fn shares_contradict_matrix(name: &str, classes: &[String]) -> String {
    format!("The {name} contradict the matrix at {}.", list(classes))
}

pub(super) fn shares_are_not_of(name: &str, pictures: u64) -> String {
    format!("The {name} are not all fractions of {pictures} pictures, or do not add up to all of them.")
}

/// `.571 is not a fraction of 235: 134 of 235 is .570 and 135 of 235 is .574`
pub(super) fn no_fraction(published: &str, value: f64, pictures: u64) -> String {
    let below = ((value * pictures as f64).floor() as u64).min(pictures.saturating_sub(1));
    let fraction = |count: u64| format!("{count} of {pictures} is {}", share(count as f64 / pictures as f64));
    format!("{published} is not a fraction of {pictures}: {} and {}", fraction(below), fraction(below + 1))
}

/// Each row adds up to one though the cells were declared as shares of all pictures.
pub(super) fn normalised_by_row(unit: CellUnit) -> String {
    let unit = if unit == CellUnit::PerCent { "row-per-cent" } else { "row-shares" };
    format!(
        "Each row of the matrix adds up to one: its cells are read as shares of the pictures of a class. Write unit = \"{unit}\"."
    )
}

pub(super) fn rows_are_not_whole(classes: &[String], sizes_are_known: bool) -> String {
    let rows = if classes.len() == 1 { "The row of" } else { "The rows of" };
    match (sizes_are_known, classes.len()) {
        (true, 1) => {
            format!("{rows} {} is not made of fractions of its stated number of pictures.", list(classes))
        }
        (true, _) => {
            format!("{rows} {} are not made of fractions of their stated numbers of pictures.", list(classes))
        }
        (false, 1) => format!("{rows} {} does not add up to one.", list(classes)),
        (false, _) => format!("{rows} {} do not add up to one.", list(classes)),
    }
}

pub(super) fn rows_without_class_counts() -> String {
    "The matrix gives the recall of each class. State the pictures of each class as \"class_counts\" to check accuracy and precision as \
     well."
        .to_owned()
}

pub(super) fn class_counts_are_not_stated(sum: u64, stated: u64) -> String {
    format!("The classes have {sum} pictures together, but {stated} are stated.")
}

pub(super) fn limits(
    limits: &Limits,
    counts: Option<&ConfusionMatrix>,
    figures: &PublishedFigures,
) -> Vec<String> {
    let mut sentences = vec![resolution(limits)];
    sentences.extend(counts.map(|counts| against_baseline(limits, counts, figures)));
    sentences.push(detectable(limits));
    sentences.extend(spread(limits, figures));
    sentences
}

fn resolution(limits: &Limits) -> String {
    format!(
        "With {} pictures, one picture is worth {}, and an accuracy of {} has a 95 % interval from {} to {}.",
        limits.pictures,
        points(1.0 / limits.pictures as f64),
        share(limits.accuracy),
        share(limits.interval.low),
        share(limits.interval.high)
    )
}

fn against_baseline(limits: &Limits, counts: &ConfusionMatrix, figures: &PublishedFigures) -> String {
    let baseline = MajorityBaseline::of(counts);
    let (class, value) = (figures.class_name(baseline.class), share(baseline.accuracy));
    if baseline.accuracy < limits.interval.low {
        format!(
            "That is enough to show that the model is better than always naming {class}, which would reach {value}."
        )
    } else if baseline.accuracy > limits.interval.high {
        format!("The model is worse than always naming {class}, which would reach {value}.")
    } else {
        format!(
            "That is not enough to show that the model is better than always naming {class}, which would reach {value}."
        )
    }
}

fn detectable(limits: &Limits) -> String {
    format!(
        "Two models that err independently must differ by {} to be told apart with a probability of 80 %. A difference of fewer than {} \
         pictures ({}) can never be significant.",
        points(limits.smallest_difference),
        limits.fewest_pictures,
        points(limits.never_below())
    )
}

/// What the spread of the published accuracies is worth.
fn spread(limits: &Limits, figures: &PublishedFigures) -> Option<String> {
    let values = || figures.accuracies.iter().map(|accuracy| accuracy.share().value(0));
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    if figures.accuracies.len() < 2 || high - low >= limits.smallest_difference {
        return None;
    }
    let verdict = if high - low < limits.never_below() {
        "these pictures cannot show that one model is better"
    } else {
        "without the predictions for each picture, this does not show that one model is better"
    };
    Some(format!("The published accuracies differ by at most {}: {verdict}.", points(high - low)))
}

/// `.472`: three digits, as the field prints shares.
pub(super) fn share(value: f64) -> String {
    let text = format!("{value:.3}");
    text.strip_prefix('0').map_or(text.clone(), str::to_owned)
}

fn points(difference: f64) -> String {
    format!("{:.1} points", 100.0 * difference)
}

/// At most three names, then how many more.
pub(super) fn list(names: &[String]) -> String {
    let shown = names.iter().take(3).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(3) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
