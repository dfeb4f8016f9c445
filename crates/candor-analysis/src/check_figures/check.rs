//! The check itself: from what was published to what follows from it and what contradicts it.

use serde::{Deserialize, Serialize};

use super::claims::{CheckedClaim, Known, check_accuracies, check_scores};
use super::limits::Limits;
use super::published::{FiguresError, PublishedAccuracy, PublishedFigures, PublishedMatrix, share_table};
use super::table::{Counts, Digits, ShareTable};
use super::{CellUnit, words};
use crate::evaluate::{Accuracy, ConfusionMatrix};

/// What follows from published figures, and how they agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedFigures {
    /// The number of evaluated pictures, where it is known or follows.
    pub pictures: Option<PictureCount>,
    /// The counts behind the matrix, where the digits leave only one possibility.
    pub counts: Option<ConfusionMatrix>,
    /// The accuracy that follows from these counts.
    pub accuracy: Option<Accuracy>,
    /// One entry a published accuracy, in order.
    pub accuracies: Vec<CheckedAccuracy>,
    /// One entry a published accuracy, then one a published precision, recall or F1: each with a verdict of its own.
    #[serde(default)]
    pub claims: Vec<CheckedClaim>,
    /// What so many pictures can show.
    pub limits: Option<Limits>,
    /// Everything worth saying, in order: first what follows, then what contradicts, then what may be concluded.
    pub findings: Vec<Finding>,
}

/// A number of pictures and how it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureCount {
    /// How many.
    pub count: u64,
    /// From where.
    pub origin: Origin,
    /// The next larger number that would do as well, where one was looked for and found.
    pub next: Option<u64>,
}

/// How a number of pictures is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// It was published.
    Stated,
    /// It is the sum of a matrix of counts.
    Counted,
    /// The smallest number of which all cells of the matrix are fractions.
    Matrix,
    /// The smallest number of which all class shares are fractions.
    ClassShares,
    /// The sum of the stated numbers of pictures of each class.
    ClassCounts,
}

/// One accuracy compared with the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckedAccuracy {
    /// What it is the accuracy of.
    pub name: String,
    /// As published.
    pub published: String,
    /// Its value as a share.
    pub value: f64,
    /// Whether it is a fraction of the number of pictures at all; unknown without that number.
    pub possible: Option<bool>,
    /// Whether the matrix has this accuracy; unknown without a matrix.
    pub agrees_with_matrix: Option<bool>,
    /// Whether it lies within the 95 % interval of the matrix's accuracy; unknown without one.
    pub within_interval: Option<bool>,
}

/// One thing that was found out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub kind: FindingKind,
    /// Whether at least one published figure must be wrong.
    pub contradiction: bool,
    /// In plain words.
    pub sentence: String,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FindingKind {
    /// The number of pictures that follows.
    Pictures,
    /// The stated number of pictures is not that of the figures.
    StatedPictures,
    /// The counts behind the matrix, and their accuracy.
    Counts,
    /// The matrix cannot come from any, or from the stated, number of pictures.
    Matrix,
    /// The class shares against the number of pictures and the matrix.
    ClassShares,
    /// A table's figures were cut off instead of rounded.
    CutOff,
    /// An accuracy that is no fraction of the pictures.
    ImpossibleAccuracy,
    /// An accuracy against the matrix.
    AccuracyAgainstMatrix,
    /// A precision, recall or F1 against the matrix or against each other.
    Score,
    /// How a matrix of shares is normalised.
    Normalisation,
    /// What the pictures can show and what not.
    Limits,
}

impl FindingKind {
    /// Whether it is about a single claim, which has a verdict of its own among [`CheckedFigures::claims`].
    pub fn is_of_a_claim(self) -> bool {
        matches!(
            self,
            FindingKind::ImpossibleAccuracy | FindingKind::AccuracyAgainstMatrix | FindingKind::Score
        )
    }
}

impl CheckedFigures {
    /// Whether at least one of the published figures must be wrong.
    pub fn contradicted(&self) -> bool {
        self.findings.iter().any(|finding| finding.contradiction)
    }
}

/// Compares the figures with each other.
///
/// # Errors
/// When there is nothing to check, or when a part is not what it says (a crooked matrix, a share above 1).
pub fn check(figures: &PublishedFigures) -> Result<CheckedFigures, FiguresError> {
    figures.validate()?;
    let mut checker = Checker { figures, pictures: None, matrix: None, recalls: None, findings: Vec::new() };
    if let Some(matrix) = &figures.confusion_matrix {
        checker.read_matrix(matrix);
    }
    checker.settle_pictures();
    let counts = checker.tell_counts();
    checker.check_class_shares();
    let known = Known {
        figures,
        pictures: checker.pictures.map(|pictures| pictures.count),
        counts: counts.as_ref(),
        diagonal: checker.matrix.as_ref().map(|cells| diagonal(cells)),
        recalls: checker.recalls.as_deref(),
    };
    let (accuracies, mut claims, told) = check_accuracies(&known);
    let (scores, told_of_scores) = check_scores(&known);
    claims.extend(scores);
    checker.findings.extend(told);
    checker.findings.extend(told_of_scores);
    let limits = checker.tell_limits(counts.as_ref());
    let (pictures, findings) = (checker.pictures, checker.findings);
    let accuracy = counts.as_ref().map(Accuracy::of);
    Ok(CheckedFigures { pictures, counts, accuracy, accuracies, claims, limits, findings })
}

struct Checker<'a> {
    figures: &'a PublishedFigures,
    pictures: Option<PictureCount>,
    /// What each cell can stand for, row by row.
    matrix: Option<Vec<Vec<Counts>>>,
    /// What the recall of each class can be, where a matrix is normalised by row.
    recalls: Option<Vec<(f64, f64)>>,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn tell(&mut self, kind: FindingKind, sentence: String) {
        self.findings.push(Finding { kind, contradiction: false, sentence });
    }

    fn contradict(&mut self, kind: FindingKind, sentence: String) {
        self.findings.push(Finding { kind, contradiction: true, sentence });
    }

    fn read_matrix(&mut self, matrix: &PublishedMatrix) {
        match matrix.unit {
            CellUnit::Counts => self.read_counts(matrix),
            CellUnit::RowPerCent | CellUnit::RowShares => self.read_rows(matrix),
            CellUnit::PerCent | CellUnit::Shares if matrix.rows_are_whole() => {
                self.tell(FindingKind::Normalisation, words::normalised_by_row(matrix.unit));
                self.read_rows(matrix);
            }
            CellUnit::PerCent | CellUnit::Shares => self.read_shares(matrix),
        }
    }

    fn read_counts(&mut self, matrix: &PublishedMatrix) {
        let exact = |row: &Vec<_>| row.iter().map(super::PublishedNumber::mantissa).map(|c| (c, c)).collect();
        let cells: Vec<Vec<Counts>> = matrix.cells.iter().map(exact).collect();
        let count = cells.iter().flatten().map(|cell| cell.0).sum();
        if let Some(stated) = self.figures.pictures.filter(|&stated| stated != count) {
            self.contradict(FindingKind::StatedPictures, words::sum_is_not_stated(count, stated));
        }
        self.pictures = Some(PictureCount { count, origin: Origin::Counted, next: None });
        self.matrix = Some(cells);
    }

    fn read_shares(&mut self, matrix: &PublishedMatrix) {
        let table = matrix.shares();
        let stated = self.figures.pictures;
        let found = match stated.filter(|&stated| table.digits(stated).is_some()) {
            Some(count) => Some(PictureCount { count, origin: Origin::Stated, next: None }),
            None => smallest_total(&table, Origin::Matrix),
        };
        match (found, stated) {
            (None, _) => self.contradict(FindingKind::Matrix, words::no_total(&table)),
            (Some(found), Some(stated)) if found.count != stated => {
                let cells = impossible_cells(self.figures, &table, stated);
                self.contradict(
                    FindingKind::Matrix,
                    words::matrix_is_not_of_stated(stated, found.count, &cells),
                );
            }
            (Some(found), None) => {
                self.tell(FindingKind::Pictures, words::pictures_found(found, "cells of the matrix"))
            }
            _ => {}
        }
        let Some(found) = found else { return };
        let digits = table.digits(found.count).expect("the total was chosen for this");
        if digits == Digits::CutOff {
            self.tell(FindingKind::CutOff, words::cut_off("cells of the matrix", found.count));
        }
        let cells = table.partition(found.count, digits).expect("the total was chosen for this");
        self.pictures = Some(found);
        self.matrix =
            Some(narrowed(cells, found.count).chunks(matrix.cells.len()).map(<[_]>::to_vec).collect());
    }

    /// A matrix in which each row adds up to one: shares of the pictures of a class.
    fn read_rows(&mut self, matrix: &PublishedMatrix) {
        let tables = matrix.row_tables();
        let sizes = self.figures.class_counts.as_slice();
        let wrong: Vec<String> = tables
            .iter()
            .enumerate()
            .filter(|(class, table)| match sizes.get(*class) {
                Some(&size) => table.digits(size).is_none(),
                None => !table.is_whole(),
            })
            .map(|(class, _)| self.figures.class_name(class))
            .collect();
        if !wrong.is_empty() {
            return self
                .contradict(FindingKind::Matrix, words::rows_are_not_whole(&wrong, !sizes.is_empty()));
        }
        let cell = |(class, table): (usize, &ShareTable)| table.bounds(class);
        self.recalls = Some(tables.iter().enumerate().map(cell).collect());
        if sizes.is_empty() {
            return self.tell(FindingKind::Counts, words::rows_without_class_counts());
        }
        let row = |(table, &size): (&ShareTable, &u64)| {
            let digits = table.digits(size).expect("every row was found to be of its size");
            narrowed(table.partition(size, digits).expect("the digits were chosen for this"), size)
        };
        let cells = tables.iter().zip(sizes).map(row).collect();
        let count = sizes.iter().sum();
        if let Some(stated) = self.figures.pictures.filter(|&stated| stated != count) {
            self.contradict(FindingKind::StatedPictures, words::class_counts_are_not_stated(count, stated));
        }
        self.pictures = Some(PictureCount { count, origin: Origin::ClassCounts, next: None });
        self.matrix = Some(cells);
    }

    /// Without a matrix that tells it the number of pictures is what was stated, or follows from the class shares.
    fn settle_pictures(&mut self) {
        if self.pictures.is_some() {
            return;
        }
        if let Some(count) = self.figures.pictures {
            self.pictures = Some(PictureCount { count, origin: Origin::Stated, next: None });
            return;
        }
        if !self.figures.class_counts.is_empty() {
            let count = self.figures.class_counts.iter().sum();
            self.pictures = Some(PictureCount { count, origin: Origin::ClassCounts, next: None });
            return;
        }
        let shares = self.figures.class_shares.iter().flat_map(|shares| shares.lists());
        let tables: Vec<ShareTable> = shares.map(|(_, list)| share_table(list)).collect();
        let Some(largest) = tables.iter().map(ShareTable::largest_total).min() else {
            return self.bound_pictures();
        };
        let fits = |&pictures: &u64| tables.iter().all(|table| table.digits(pictures).is_some());
        let mut totals = (1..largest).filter(fits);
        if let Some(count) = totals.next() {
            let found = PictureCount { count, origin: Origin::ClassShares, next: totals.next() };
            self.tell(FindingKind::Pictures, words::pictures_found(found, "class shares"));
            self.pictures = Some(found);
        } else {
            self.contradict(FindingKind::ClassShares, words::no_total_of_shares(largest));
        }
    }

    /// Accuracies alone do not tell the number of pictures, only how few they can have been.
    fn bound_pictures(&mut self) {
        let single = self.figures.accuracies.iter().filter(|accuracy| !accuracy.is_mean());
        let shares: Vec<ShareTable> = single.map(PublishedAccuracy::share).collect();
        let possible = |share: &ShareTable, pictures| {
            [Digits::Rounded, Digits::CutOff]
                .iter()
                .any(|&digits| share.counts(pictures, digits)[0].is_some())
        };
        let Some(largest) = shares.iter().map(ShareTable::largest_total).max() else { return };
        let fewest = (1..=largest).find(|&pictures| shares.iter().all(|share| possible(share, pictures)));
        if let Some(fewest) = fewest {
            self.tell(FindingKind::Pictures, words::fewest_pictures(fewest));
        }
    }

    fn tell_counts(&mut self) -> Option<ConfusionMatrix> {
        let matrix = self.matrix.as_ref()?;
        if matrix.iter().flatten().any(|(low, high)| low != high) {
            let pictures = self.pictures.expect("a matrix comes with its number of pictures").count;
            self.tell(FindingKind::Counts, words::counts_stay_open(pictures));
            return None;
        }
        let counts = matrix.iter().map(|row| row.iter().map(|cell| cell.0).collect()).collect();
        let counts =
            ConfusionMatrix::from_counts(counts).expect("the input was checked to be square and not empty");
        self.tell(FindingKind::Counts, words::counts(&counts));
        Some(counts)
    }

    fn check_class_shares(&mut self) {
        let (Some(shares), Some(pictures)) = (&self.figures.class_shares, self.pictures) else { return };
        for (name, list) in shares.lists() {
            let table = share_table(list);
            let sums = self
                .matrix
                .as_ref()
                .map(|cells| if name.starts_with("real") { rows(cells) } else { columns(cells) });
            match sums {
                Some(sums) => self.compare_shares(name, &table, &sums, pictures.count),
                None => self.place_shares(name, &table, pictures.count),
            }
        }
    }

    /// Class shares against the sums of the matrix.
    fn compare_shares(&mut self, name: &str, table: &ShareTable, sums: &[Counts], pictures: u64) {
        let misfits = |digits| -> Vec<usize> {
            let cells = table.counts(pictures, digits).into_iter().zip(sums).enumerate();
            cells
                .filter(|(_, (share, sum))| !share.is_some_and(|share| overlap(share, **sum)))
                .map(|cell| cell.0)
                .collect()
        };
        let (rounded, cut_off) = (misfits(Digits::Rounded), misfits(Digits::CutOff));
        if rounded.is_empty() {
            self.tell(FindingKind::ClassShares, format!("The {name} agree with the matrix."));
        } else if cut_off.is_empty() {
            self.tell(FindingKind::ClassShares, format!("The {name} agree with the matrix."));
            self.tell(FindingKind::CutOff, words::cut_off(name, pictures));
        } else {
            let classes: Vec<String> = rounded.iter().map(|&class| self.figures.class_name(class)).collect();
            self.contradict(FindingKind::ClassShares, words::shares_contradict_matrix(name, &classes));
        }
    }

    /// Class shares against the number of pictures alone.
    fn place_shares(&mut self, name: &str, table: &ShareTable, pictures: u64) {
        match table.digits(pictures) {
            None => self.contradict(FindingKind::ClassShares, words::shares_are_not_of(name, pictures)),
            Some(Digits::CutOff) => self.tell(FindingKind::CutOff, words::cut_off(name, pictures)),
            Some(Digits::Rounded) => {}
        }
    }

    fn tell_limits(&mut self, counts: Option<&ConfusionMatrix>) -> Option<Limits> {
        let pictures = self.pictures?.count;
        let published = self.figures.accuracies.first().map(|accuracy| accuracy.share().value(0));
        let guess = (published.unwrap_or(0.5) * pictures as f64).round() as u64;
        let limits = Limits::of(counts.map_or(guess.min(pictures), ConfusionMatrix::correct), pictures);
        for sentence in words::limits(&limits, counts, self.figures) {
            self.tell(FindingKind::Limits, sentence);
        }
        Some(limits)
    }
}

fn smallest_total(table: &ShareTable, origin: Origin) -> Option<PictureCount> {
    let totals = table.totals(2);
    totals.first().map(|&count| PictureCount { count, origin, next: totals.get(1).copied() })
}

/// The cells that no number of pictures out of `pictures` gives, in words.
fn impossible_cells(figures: &PublishedFigures, table: &ShareTable, pictures: u64) -> Vec<String> {
    let k = figures.confusion_matrix.as_ref().map_or(1, |matrix| matrix.cells.len());
    let name =
        |cell: usize| format!("{} called {}", figures.class_name(cell / k), figures.class_name(cell % k));
    let counts = table.counts(pictures, Digits::Rounded).into_iter().enumerate();
    counts.filter(|(_, counts)| counts.is_none()).map(|(cell, _)| name(cell)).collect()
}

/// Where the smallest counts, or the largest, already add up to everything, the others are ruled out.
fn narrowed(cells: Vec<Counts>, pictures: u64) -> Vec<Counts> {
    let (low, high): (Vec<u64>, Vec<u64>) = cells.iter().copied().unzip();
    let exact = |counts: Vec<u64>| counts.into_iter().map(|count| (count, count)).collect();
    match (low.iter().sum::<u64>() == pictures, high.iter().sum::<u64>() == pictures) {
        (true, _) => exact(low),
        (_, true) => exact(high),
        _ => cells,
    }
}

pub(super) fn overlap(a: Counts, b: Counts) -> bool {
    a.0 <= b.1 && b.0 <= a.1
}

fn sum(counts: impl Iterator<Item = Counts>) -> Counts {
    counts.fold((0, 0), |(low, high), count| (low + count.0, high + count.1))
}

fn rows(cells: &[Vec<Counts>]) -> Vec<Counts> {
    cells.iter().map(|row| sum(row.iter().copied())).collect()
}

fn columns(cells: &[Vec<Counts>]) -> Vec<Counts> {
    (0..cells.len()).map(|column| sum(cells.iter().map(|row| row[column]))).collect()
}

fn diagonal(cells: &[Vec<Counts>]) -> Counts {
    sum(cells.iter().enumerate().map(|(class, row)| row[class]))
}
