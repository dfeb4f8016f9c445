//! Are the judged pictures of another kind than those learned from?

use candor_core::Subset;

use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Topic, Unit, Verdict};
use crate::baseline::{Baseline, Lesson, Rows, View};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Drift between splits",
    topic: Topic::SoundData,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Can a simple model tell from a picture whether it is in train or among the judged ones?",
    how: "A classifier two-sample test: a logistic regression on 8×8 thumbnails learns from one half of the pictures to tell train \
          from test (validation where there is no test split), as many of each, and is tried on the other half, within each \
          class in equal numbers. Better than tossing a coin, by Wilson's 99.9 % interval, means that the splits differ.",
    fail_means: "The judged pictures come from elsewhere, or from another time: the accuracy is that on a different kind of picture \
                 than the network learned from.",
    misleads: "With groups a split differs by the people in it. A drift that a thumbnail does not show is not found. And a test \
               from another time or place is a merit, if that is where the network will be used.",
    reference: "Lopez-Paz & Oquab, Revisiting classifier two-sample tests, ICLR (2017)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "split-drift";
/// Pictures of each side, at most.
const MOST: usize = 800;
/// Fewer of a side cannot tell.
const LEAST: usize = 40;
/// A drift that is there, but hardly matters.
const SMALL: f64 = 0.6;
/// One that separates the sides.
const LARGE: f64 = 0.8;
/// Of the normal distribution, two-sided 99.9 %.
const Z: f64 = 3.29;

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let other = if case.split.test.is_empty() { Subset::Validation } else { Subset::Test };
    let [train, judged] = matched(case, other);
    if judged.len() < LEAST {
        return Ok(Finding::inconclusive(
            format!(
                "There are fewer than {LEAST} {other} pictures: too few to tell whether they are of another kind."
            ),
            "Add pictures, or raise --test-share.",
        ));
    }
    case.tell(ID, 0, 1)?;
    let halves: [Vec<(usize, usize)>; 2] = std::array::from_fn(|half| {
        let of = |side: &[usize], label: usize| {
            side.iter().copied().skip(half).step_by(2).map(move |index| (index, label)).collect::<Vec<_>>()
        };
        [of(&train, 0), of(&judged, 1)].concat()
    });
    let right = right(case, &halves[0], &halves[1]) + right(case, &halves[1], &halves[0]);
    Ok(finding(right, halves[0].len() + halves[1].len(), other))
}

/// As many pictures of train as of the other side in each class, in random order.
fn matched(case: &Case<'_>, other: Subset) -> [Vec<usize>; 2] {
    let by_class = |subset: Subset| {
        let mut classes = vec![Vec::new(); case.classes().len()];
        let mut indices = case.split.indices(subset).to_vec();
        case.seed(ID).derive(subset.name()).rng().shuffle(&mut indices);
        indices.iter().for_each(|&index| classes[case.samples()[index].class].push(index));
        classes
    };
    let (train, judged) = (by_class(Subset::Train), by_class(other));
    let most = MOST.div_ceil(case.classes().len().max(1));
    let mut sides = [Vec::new(), Vec::new()];
    for (train, judged) in train.iter().zip(&judged) {
        let count = train.len().min(judged.len()).min(most);
        sides[0].extend(&train[..count]);
        sides[1].extend(&judged[..count]);
    }
    sides
}

/// Right guesses on `new` of a model that learned from `known`.
fn right(case: &Case<'_>, known: &[(usize, usize)], new: &[(usize, usize)]) -> usize {
    let rows = |side: &[(usize, usize)]| {
        Rows::of(side.iter().map(|&(index, _)| View::Thumbnail.row(&(case.seen)(index))).collect())
    };
    let labels: Vec<usize> = known.iter().map(|&(_, label)| label).collect();
    let known = rows(known);
    let learned = Baseline::find("logistic-regression")
        .and_then(|model| model.learn(&Lesson::new(&known, &labels, 2)).ok());
    let guesses = learned.map_or_else(|| vec![0; new.len()], |learned| learned.guess(&rows(new)));
    guesses.iter().zip(new).filter(|&(guess, (_, truth))| guess == truth).count()
}

fn finding(right: usize, pictures: usize, other: Subset) -> Finding {
    let share = right as f64 / pictures as f64;
    let interval = Interval::of_counts(right as u64, pictures as u64);
    let clear = share - 0.5 > Z * (0.25 / pictures as f64).sqrt();
    let verdict = match () {
        () if clear && share >= LARGE => Verdict::Fail,
        () if clear && share >= SMALL => Verdict::Warn,
        () => Verdict::Pass,
    };
    let per_cent = format!("{:.0}%", 100.0 * share);
    let (headline, meaning, advice) = match verdict {
        Verdict::Pass => (
            format!(
                "A simple model cannot tell train from {other}: it is right for {per_cent}, a coin for 50%."
            ),
            "As far as thumbnails show, the judged pictures are of the same kind as those learned from.",
            "",
        ),
        _ => (
            format!(
                "A simple model tells train from {other} for {per_cent} of the pictures, where a coin would for 50%."
            ),
            "The two kinds of pictures differ in light, colour or layout. The accuracy says how the network does on a change \
             of that kind, not how it does on more pictures like those it learned from.",
            "Find out what differs (another time, camera, place?). Split at random within it, or say plainly that the test is \
             from elsewhere.",
        ),
    };
    Finding::new(verdict, headline, meaning)
        .advice(advice)
        .used(format!(
            "{pictures} pictures of train and {other}, without their labels; the network was not asked"
        ))
        .figure_within("train told from the judged ones", share, interval, Unit::Share)
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Image};

    use super::super::testing::{Bright, Fake};
    use super::*;

    #[test]
    fn splits_of_one_kind_pass_and_a_darker_test_does_not() {
        let asked = |fake: &Fake| fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap());
        let mut fake = Fake::bright(400);
        assert_eq!(asked(&fake).verdict, Verdict::Pass, "{:?}", asked(&fake));
        for index in fake.split.test.clone() {
            let lighter = fake.images[index].pixels().iter().map(|value| value.saturating_add(30)).collect();
            fake.images[index] = Image::new(16, 16, Channels::Grey, lighter).unwrap();
        }
        assert_eq!(asked(&fake).verdict, Verdict::Fail, "{:?}", asked(&fake));
        assert_eq!(asked(&Fake::bright(40)).verdict, Verdict::Inconclusive);
    }
}
