//! Are the evaluated pictures of another kind than those learned from?

mod shift;
mod traits;

use candor_core::Subset;

use self::shift::{DEALS, Shift, Sides, shift, standardised};
use super::exchange::{per_cent, share_by_units};
use super::folds::folds;
use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Topic, Unit, Verdict};
use crate::baseline::{Baseline, Lesson, Rows};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Drift between splits",
    topic: Topic::SoundData,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Are the evaluated pictures of another kind than those learned from?",
    how: "Brightness, contrast, colour balance, sharpness, size, compression, EXIF data and each pixel of an 8×8 thumbnail, less their \
          mean in the class, are compared between train and test (validation where there is no test split). What belongs together \
          (copies, a person, a web site) changes sides as a whole in 999 random exchanges; all numbers are tested together (maxT), at \
          1 %. How large a difference is says a logistic regression on the same numbers, trained on some units and tried on others, \
          on as many pictures of both sides in each class: a coin is right for 50 %.",
    fail_means: "The evaluated pictures come from elsewhere, or from another time: the accuracy is that on a different kind of picture \
                 than the network learned from.",
    misleads: "A drift that none of these numbers shows is not found. And a test from another time or place is a merit, if that is \
               where the network will be used.",
    reference: "Westfall & Young, Resampling-based multiple testing (1993); Lopez-Paz & Oquab, Revisiting classifier two-sample tests, \
                ICLR (2017)",
    scale: Scale {
        pass: "The test could have rejected at 1 % and does not; or it does, but a model tells the sides apart for less than 60 %.",
        inconclusive: "Fewer than 40 pictures, or so few units that no exchange of them could give p ≤ .01, or that only a difference of \
                       more than one standard deviation would be found.",
        warn: "p ≤ .01, and a model tells the sides apart for 60 % or more.",
        fail: "p ≤ .01, and a model tells the sides apart for 80 % or more.",
    },
    run,
};

const ID: &str = "split-drift";
/// Pictures of each side, at most.
const MOST: usize = 800;
/// Fewer of a side cannot tell.
const LEAST: usize = 40;
/// Of the test.
const LEVEL: f64 = 0.01;
/// A drift that is there, but hardly matters, is below the first; one above the second separates the sides.
const SMALL: f64 = 0.6;
const LARGE: f64 = 0.8;
/// A test that would only find more than this, in standard deviations, says nothing by finding nothing.
const MOST_DETECTABLE: f64 = 1.0;
const FOLDS: usize = 4;

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
    case.tell(ID, 0, 2)?;
    let pool = [train.as_slice(), &judged].concat();
    let rows: Vec<Vec<f64>> = pool.iter().map(|&index| traits::row(case, index)).collect();
    let labels: Vec<usize> = pool.iter().map(|&index| case.samples()[index].class).collect();
    let sides = Sides::of(case, &train, &judged);
    let shift = shift(&rows, traits::NAMED.len(), &labels, &sides, LEVEL, case.seed(ID).derive("deals"));
    case.tell(ID, 1, 2)?;
    let (share, interval) = tellable(case, &standardised(&rows, &labels), &pool, train.len());
    let units = sides.units.each_ref().map(Vec::len);
    let are_single = units[0] + units[1] == pool.len();
    let what = if are_single { "pictures" } else { "units (people, sites, copies)" };
    let used = format!(
        "{} pictures of train and {other}, in {} and {} {what}, {DEALS} exchanges; the network was not asked",
        pool.len(),
        units[0],
        units[1]
    );
    Ok(finding(&shift, share, interval, units, other).used(used))
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

/// For how many pictures a model that learned from other units says rightly on which side they are; the first `train` of
/// `pool` are of train.
fn tellable(case: &Case<'_>, rows: &[Vec<f64>], pool: &[usize], train: usize) -> (f64, Interval) {
    let mut side = vec![0; case.samples().len()];
    let mut place = vec![0; case.samples().len()];
    for (at, &index) in pool.iter().enumerate() {
        place[index] = at;
        side[index] = usize::from(at >= train);
    }
    let gathered =
        |indices: &[usize]| Rows::of(indices.iter().map(|&index| rows[place[index]].clone()).collect());
    let mut right = Vec::with_capacity(pool.len());
    for cut in folds(case.units, pool, &side, FOLDS, case.seed(ID).derive("folds")) {
        let (known, labels) =
            (gathered(&cut.learn), cut.learn.iter().map(|&index| side[index]).collect::<Vec<_>>());
        let learned = Baseline::find("logistic-regression")
            .and_then(|model| model.learn(&Lesson::new(&known, &labels, 2)).ok());
        let guesses =
            learned.map_or_else(|| vec![0; cut.judge.len()], |learned| learned.guess(&gathered(&cut.judge)));
        right.extend(cut.judge.iter().zip(guesses).map(|(&index, guess)| (index, guess == side[index])));
    }
    share_by_units(case, right.into_iter())
}

fn verdict(shift: &Shift, share: f64) -> Verdict {
    match () {
        () if !shift.outcome.could_reject(LEVEL) => Verdict::Inconclusive,
        () if shift.outcome.rejects(LEVEL) && share >= LARGE => Verdict::Fail,
        () if shift.outcome.rejects(LEVEL) && share >= SMALL => Verdict::Warn,
        () if shift.outcome.rejects(LEVEL) => Verdict::Pass,
        () if shift.detectable.is_none_or(|detectable| detectable > MOST_DETECTABLE) => Verdict::Inconclusive,
        () => Verdict::Pass,
    }
}

fn finding(shift: &Shift, share: f64, interval: Interval, units: [usize; 2], other: Subset) -> Finding {
    let verdict = verdict(shift, share);
    let p = shift.outcome.p;
    let what = traits::name(shift.most);
    let more = if shift.by > 0.0 { "higher" } else { "lower" };
    let deviations = |value: f64| format!("{value:.1} standard deviations");
    let differs = format!(
        "In {other} pictures {what} is {more} by {} than in train (p = {p:.3})",
        deviations(shift.by.abs())
    );
    let detectable = shift.detectable.map(|value| format!("a difference of {} or more", deviations(value)));
    let (headline, meaning, advice) = match verdict {
        Verdict::Inconclusive if !shift.outcome.could_reject(LEVEL) => (
            format!(
                "{} and {} units cannot tell whether the splits differ: the smallest possible p is {:.3}.",
                units[0], units[1], shift.outcome.smallest_possible_p
            ),
            "Pictures that belong together differ together. With so few of such units any split may look like a drift.",
            "Collect pictures of more people or places.",
        ),
        Verdict::Inconclusive => (
            format!(
                "No difference between train and {other} was found (p = {p:.2}), but only {} would have been found.",
                detectable.unwrap_or_else(|| "a large difference".to_owned())
            ),
            "Pictures that belong together differ together. With so few of such units only a large drift shows.",
            "Collect pictures of more people or places.",
        ),
        Verdict::Pass if shift.outcome.rejects(LEVEL) => (
            format!(
                "{differs}, but a model tells the two apart for {} only, a coin for 50%.",
                per_cent(share)
            ),
            "The difference is there, and small.",
            "",
        ),
        Verdict::Pass => (
            format!(
                "No difference between train and {other} was found (p = {p:.2}); {} would mostly have been found.",
                detectable.unwrap_or_else(|| "a large difference".to_owned())
            ),
            "As far as light, colour, sharpness, size and compression show, the evaluated pictures are like those learned from.",
            "",
        ),
        _ => (
            format!("{differs}; a model tells the two apart for {}, a coin for 50%.", per_cent(share)),
            "The two kinds of pictures differ. The accuracy says how the network does on a change of that kind, not how it does on \
             more pictures like those it learned from.",
            "Find out what differs (another time, camera, place, processing?). Split at random within it, or say plainly that the test is \
             from elsewhere.",
        ),
    };
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .tested(shift.outcome)
        .figure_within("train told from the evaluated pictures", share, interval, Unit::Share)
        .figure(format!("difference of {what}, in standard deviations"), shift.by, Unit::Plain);
    match shift.detectable {
        Some(value) => {
            finding.figure("difference found 4 times in 5, in standard deviations", value, Unit::Plain)
        }
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, Image, Preprocessing, Seed};

    use super::super::testing::{Bright, Fake};
    use super::*;

    fn asked(fake: &Fake) -> Finding {
        fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap())
    }

    /// The test pictures of `fake` changed, with what is known of them.
    fn changed(mut fake: Fake, change: impl Fn(&Image) -> Image) -> Fake {
        for index in fake.split.test.clone() {
            fake.images[index] = change(&fake.images[index]);
            fake.facts[index] = super::super::Facts::of(&fake.images[index], None);
        }
        fake
    }

    fn smooth(pictures: usize) -> Fake {
        let image = |index: usize| {
            let mut rng = Seed(12).at(index as u64).rng();
            let (light, across) = (rng.range(70.0, 140.0), rng.range(0.5, 3.0));
            let base = [0; 3].map(|_: u8| light + rng.range(-12.0, 12.0));
            let wave = |i: usize, channel: usize| {
                base[channel] + 30.0 * ((i % 16) as f64 * across).sin() + rng_noise(index, i)
            };
            let pixels = (0..256).flat_map(|i| [0, 1, 2].map(|channel| wave(i, channel) as u8)).collect();
            (Image::new(16, 16, Channels::Rgb, pixels).unwrap(), index % 2)
        };
        Fake::of((0..pictures).map(image).collect())
    }

    fn rng_noise(index: usize, place: usize) -> f64 {
        Seed(13).at((index * 256 + place) as u64).rng().range(-10.0, 10.0)
    }

    #[test]
    fn splits_of_one_kind_pass_and_darker_blurred_or_white_balanced_test_pictures_do_not() {
        let passed = asked(&smooth(400));
        assert_eq!(passed.verdict, Verdict::Pass, "{passed:?}");
        assert!(passed.headline.contains("would mostly have been found"), "{}", passed.headline);
        let darker = changed(smooth(400), |image| {
            let pixels = image.pixels().iter().map(|&value| value.saturating_sub(40)).collect();
            Image::new(16, 16, Channels::Rgb, pixels).unwrap()
        });
        assert!(asked(&darker).verdict >= Verdict::Warn, "{:?}", asked(&darker));
        let blurred = changed(smooth(400), |image| {
            let to = |side| Preprocessing {
                height: side,
                width: side,
                channels: Channels::Rgb,
                fit: Default::default(),
            };
            to(16).apply(&to(12).apply(image))
        });
        let finding = asked(&blurred);
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
        let names = ["fine detail is lower", "sharpness is lower", "contrast is lower"];
        assert!(names.iter().any(|name| finding.headline.contains(name)), "{finding:?}");
        let balanced = changed(smooth(400), |image| {
            let warmer = |pixel: &[u8]| [pixel[0].saturating_add(15), pixel[1], pixel[2].saturating_sub(15)];
            let pixels = image.pixels().chunks(3).flat_map(warmer).collect();
            Image::new(16, 16, Channels::Rgb, pixels).unwrap()
        });
        assert!(asked(&balanced).headline.contains("red against blue is higher"), "{:?}", asked(&balanced));
        assert_eq!(asked(&smooth(40)).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_split_by_person_is_no_drift_though_people_look_different() {
        let mut fake = smooth(400);
        // 20 people of 20 pictures, each with a light of its own; whole people are on one side.
        let person = |index: usize| index / 20;
        for index in 0..400 {
            let light = Seed(14).at(person(index) as u64).rng().range(-50.0, 50.0);
            let pixels = fake.images[index].pixels().iter().map(|&v| (f64::from(v) + light) as u8).collect();
            fake.images[index] = Image::new(16, 16, Channels::Rgb, pixels).unwrap();
            fake.facts[index] = super::super::Facts::of(&fake.images[index], None);
            fake.samples[index].group = Some(format!("p{}", person(index)));
        }
        let of = |people: std::ops::Range<usize>| (0..400).filter(|&i| people.contains(&person(i))).collect();
        fake.split = candor_core::Split { train: of(0..12), validation: of(12..14), test: of(14..20) };
        let finding = asked(&fake);
        assert!(finding.verdict <= Verdict::Inconclusive, "{finding:?}");
        fake.samples.iter_mut().for_each(|sample| sample.group = None);
        let p = asked(&fake).value(super::super::P_VALUE).unwrap();
        assert!(p < 0.05, "the same pictures as if each were by itself: {p}");
    }
}
