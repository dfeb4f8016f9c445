//! Whether groups differ by more than chance: every column, every pair of columns and every kind of mistake at once.
//!
//! A deal gives each unit the whole row of columns of another unit, so that what columns have in common stays. Within a kind
//! of mistake only the pictures of which it can be made change rows: a class that is more frequent in one group does not
//! make the rates of its mistakes differ. The kinds are dealt independently of each other. As the statistics are lengths of
//! vectors that are normal in the limit, taking dependent ones as independent makes the largest of them look larger rather
//! than smaller (Royen, A simple proof of the Gaussian correlation conjecture, Far East Journal of Theoretical Statistics
//! 48, 2014).

use candor_core::{Rng, Seed};

use super::super::attributes::Grouping;
use super::power::{STEADY, cube_root, least_deviation};
use super::rate::Rate;
use super::tally::Predicted;
use crate::interval::{Deals, MaxT, arrangements};

/// Deals of one test: as many as this much work allows, within these bounds.
const MOST_WORK: usize = 2_000_000_000;
const DEALS: [usize; 2] = [999, 1_999];
/// The group of a picture of which the column says nothing.
const NO_GROUP: u8 = u8::MAX;

/// One question: do the groups of a grouping differ in a kind of mistake?
pub(super) struct Question {
    /// Place among the groupings.
    pub grouping: usize,
    pub rate: Rate,
    /// Groups that are compared: of enough pictures.
    pub groups: Vec<usize>,
    /// In how many ways the units can be dealt to the groups.
    pub arrangements: f64,
}

/// The pictures of which one kind of mistake can be made, by unit.
struct Deck {
    /// Places among the predictions.
    units: Vec<Vec<u32>>,
    members: Vec<u32>,
    mistakes: Vec<u32>,
}

/// The group of each picture by each grouping.
struct Labels(Vec<Vec<u8>>);

/// How many of some pictures are of each group.
type Counts = [u32; 256];

/// Every question that groups of `least` pictures allow: all of one kind of mistake, then those of the next.
pub(super) fn questions(predicted: &Predicted, groupings: &[Grouping], least: usize) -> Vec<Question> {
    let rates = Rate::all(predicted.classes).into_iter();
    let all = rates.flat_map(|rate| (0..groupings.len()).map(move |grouping| (rate, grouping)));
    let question = |(rate, grouping): (Rate, usize)| {
        let tallies = predicted.tallies(&groupings[grouping], rate);
        let large = tallies.iter().filter(|tally| tally.pictures >= least);
        let groups: Vec<usize> = large.map(|tally| tally.group).collect();
        (groups.len() > 1).then(|| {
            let arrangements = ways(predicted, &groupings[grouping], rate, &groups);
            Question { grouping, rate, groups, arrangements }
        })
    };
    all.filter_map(question).collect()
}

/// In how many ways the units can be dealt to the groups; very many where a unit is of several.
fn ways(predicted: &Predicted, grouping: &Grouping, rate: Rate, groups: &[usize]) -> f64 {
    let place = |&at: &u32| {
        let group = grouping.of[predicted.indices[at as usize]];
        groups.iter().position(|&one| Some(one) == group).unwrap_or(groups.len())
    };
    let mut sizes = vec![0; groups.len() + 1];
    for unit in &Deck::of(predicted, rate).units {
        if unit.iter().any(|at| place(at) != place(&unit[0])) {
            return f64::INFINITY;
        }
        sizes[place(&unit[0])] += 1;
    }
    arrangements(&sizes)
}

/// Tests all questions together. `tell` hears how many of how many deals are done.
///
/// # Errors
/// When `tell` says to stop.
pub(super) fn test<E>(
    predicted: &Predicted,
    groupings: &[Grouping],
    questions: &[Question],
    seed: Seed,
    mut tell: impl FnMut(usize, usize) -> Result<(), E>,
) -> Result<MaxT, E> {
    let labels = Labels::of(predicted, groupings);
    let by_rate: Vec<(Deck, &[Question])> = questions
        .chunk_by(|a, b| a.rate == b.rate)
        .map(|asked| (Deck::of(predicted, asked[0].rate), asked))
        .collect();
    // Where every picture is a unit the groups keep their sizes, whatever is dealt.
    let sizes: Vec<Vec<Option<Counts>>> = by_rate
        .iter()
        .map(|(deck, asked)| {
            let of = |question: &Question| count(&deck.members, &labels.0[question.grouping], None);
            asked.iter().map(|question| deck.are_single().then(|| of(question))).collect()
        })
        .collect();
    let work: usize = by_rate.iter().map(|(deck, asked)| deck.work() * asked.len()).sum();
    let deals = (MOST_WORK / work.max(1)).clamp(DEALS[0], DEALS[1]);
    let statistics = |deal: Option<Seed>| -> Vec<f64> {
        let of_rate = |(number, (deck, asked)): (usize, &(Deck, &[Question]))| -> Vec<f64> {
            let rows = deal.map(|seed| deck.deal(predicted.truth.len(), &mut seed.at(number as u64).rng()));
            let of = |(question, sizes): (&Question, &Option<Counts>)| {
                let (labels, rows) = (&labels.0[question.grouping], rows.as_deref());
                let pictures = sizes.unwrap_or_else(|| count(&deck.members, labels, rows));
                let mistakes = count(&deck.mistakes, labels, rows);
                cube_root(chi_squared(&pictures, &mistakes, &question.groups))
            };
            asked.iter().zip(&sizes[number]).map(of).collect()
        };
        by_rate.iter().enumerate().flat_map(of_rate).collect()
    };
    let mut all = Deals::new(statistics(None));
    for deal in 0..deals {
        if deal % 50 == 0 {
            tell(deal, deals)?;
        }
        all.push(&statistics(Some(seed.at(deal as u64))));
    }
    Ok(all.max_t_with(|at| least_deviation(questions[at].groups.len() as f64 - 1.0)))
}

impl Labels {
    fn of(predicted: &Predicted, groupings: &[Grouping]) -> Labels {
        let label = |grouping: &Grouping, index: usize| {
            grouping.of[index].and_then(|group| u8::try_from(group).ok()).unwrap_or(NO_GROUP)
        };
        let of = |grouping| predicted.indices.iter().map(|&index| label(grouping, index)).collect();
        Labels(groupings.iter().map(of).collect())
    }
}

impl Deck {
    fn of(predicted: &Predicted, rate: Rate) -> Deck {
        let most = predicted.units.iter().max().map_or(0, |most| most + 1);
        let mut of_unit: Vec<Vec<u32>> = vec![Vec::new(); most];
        let members = predicted.concerned(rate);
        members.iter().for_each(|&at| of_unit[predicted.units[at]].push(at as u32));
        let mistakes = members.iter().filter(|&&at| predicted.happens(rate, at));
        Deck {
            units: of_unit.into_iter().filter(|unit| !unit.is_empty()).collect(),
            mistakes: mistakes.map(|&at| at as u32).collect(),
            members: members.iter().map(|&at| at as u32).collect(),
        }
    }

    /// Pictures to be counted for one question and deal.
    fn work(&self) -> usize {
        if self.are_single() { self.mistakes.len() } else { self.mistakes.len() + self.members.len() }
    }

    fn are_single(&self) -> bool {
        self.units.len() == self.members.len()
    }

    /// Whose row each picture gets: each unit that of another, its pictures those of the other in random order and, where
    /// the other has fewer, from the first again.
    fn deal(&self, pictures: usize, rng: &mut Rng) -> Vec<u32> {
        let mut rows = vec![0; pictures];
        let mut others: Vec<&Vec<u32>> = self.units.iter().collect();
        rng.shuffle(&mut others);
        for (unit, other) in self.units.iter().zip(others) {
            let mut given = other.clone();
            rng.shuffle(&mut given);
            unit.iter().zip(given.iter().cycle()).for_each(|(&at, &row)| rows[at as usize] = row);
        }
        rows
    }
}

/// How many of the pictures are of each group, where each has the row of columns that `rows` says, or its own.
fn count(pictures: &[u32], labels: &[u8], rows: Option<&[u32]>) -> Counts {
    let mut counts: Counts = [0; 256];
    let mut one = |row: u32| counts[usize::from(labels[row as usize])] += 1;
    match rows {
        Some(rows) => pictures.iter().for_each(|&at| one(rows[at as usize])),
        None => pictures.iter().for_each(|&at| one(at)),
    }
    counts
}

/// Pearson's, of mistakes by group, with steadied variances.
fn chi_squared(pictures: &Counts, mistakes: &Counts, groups: &[usize]) -> f64 {
    let counts = || groups.iter().map(|&group| (f64::from(pictures[group]), f64::from(mistakes[group])));
    let (all, wrong) = counts().fold((0.0, 0.0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    let share = wrong / f64::max(all, 1.0);
    if share == 0.0 || share == 1.0 {
        return 0.0;
    }
    let of = |(n, wrong): (f64, f64)| (wrong - n * share).powi(2) / (n * share * (1.0 - share) + STEADY);
    counts().filter(|(n, _)| *n > 0.0).map(of).sum()
}
