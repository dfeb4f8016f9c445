//! How easily is it fooled by something put in front: the smallest bar, patch, mask, pair of sunglasses or dazzle pattern that
//! changes its prediction.
//!
//! [`covers`] is the search, for anything that answers: a classifier with a class, a face detector with whether it found one.

mod faces;
mod pattern;

use candor_core::{Area, Classifier, Image};
pub use pattern::{PATTERNS, Pattern};

use super::attributes::groupings;
use super::{
    AuditErrorKind, Case, Check, Cost, Evidence, Finding, Grouping, Learner, Scale, Series, Shown, Table,
    Topic, Unit, Verdict,
};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Camouflage",
    topic: Topic::Fooled,
    cost: Cost::Training,
    permutes: false,
    asks: "How small a bar, patch, mask or pair of sunglasses changes its prediction?",
    how: "At most 150 test or validation pictures that it predicts correctly are covered with a black bar, a white patch, a mask, \
          sunglasses or dazzle stripes in turn, each at nine places and in five sizes, from 1 to 16 % of the picture. Two shares \
          count, both for patterns over 2 % of the picture: the share of patterns at arbitrary places that change the prediction, \
          and the share of pictures whose prediction at least one of these patterns and places changes. If the face detector of \
          candor crop finds a face in what the network sees, patterns are placed on the face, and sizes are shares of the face. In \
          at most 12 pictures with a face, the smallest pattern that hides the face from that detector is searched for.",
    fail_means: "Something as small as a sticker, wherever it happens to be, changes half of the correct predictions.",
    misleads: "The best of 45 patterns and places is enough for many networks; somebody who wants to fool it can try as many. In a \
               picture of 28 pixels, 2 % is a square of 4 pixels. A pattern as large as the object may hide the object itself, from \
               people too: look at the pictures. Where an object other than a face is in the picture is not known, so masks and \
               sunglasses are placed anywhere.",
    reference: "Sharif et al., Accessorize to a crime, CCS (2016); Harvey, CV Dazzle (2010); Brown et al., Adversarial patch (2017)",
    scale: Scale {
        pass: "Patterns over 2 % of the picture change fewer than 25 % of the correct predictions at arbitrary places and fewer than \
               50 % in the best of 45 patterns and places; both 95 % intervals are below these limits.",
        inconclusive: "One of the two intervals contains its limit and neither is above it, fewer than 20 independent pictures are \
                       predicted correctly, or there is no network.",
        warn: "They change 25 % or more at arbitrary places, or 50 % or more in the best of 45 patterns and places (the whole 95 % \
               interval is at the limit or above).",
        fail: "They change 50 % or more at arbitrary places (the whole 95 % interval is at 50 % or above).",
    },
    run,
};

const ID: &str = "camouflage";
/// Shares of the picture that are covered.
pub const SIZES: [f64; 5] = [0.01, 0.02, 0.04, 0.08, 0.16];
/// Middles of the places along a side.
const ALONG: [f64; 3] = [0.2, 0.5, 0.8];
/// Pictures that are covered, at most; each is answered for up to 225 times.
const MOST: usize = 150;
const LEAST: usize = 20;
/// What a person would call small.
const SMALL: f64 = 0.02;
/// Share of correct predictions that something small changes at an arbitrary place, from which on it warns and fails.
const WARN: f64 = 0.25;
const FAIL: f64 = 0.5;
/// The same in the best place, from which on it warns.
const SOUGHT: f64 = 0.5;
/// Pictures that are shown.
const SHOWN: usize = 12;

/// A pattern that changed an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Cover<A> {
    /// Its place in [`PATTERNS`].
    pub pattern: usize,
    /// Share of the frame that it covers: one of [`SIZES`].
    pub size: f64,
    /// The picture with it.
    pub image: Image,
    /// What is answered now.
    pub answer: A,
}

/// Of each pattern the smallest that changes what is answered for a picture, at any of nine places in `frame`; none where no
/// size does. `answer` gives what is answered for each of some pictures.
///
/// # Errors
/// Those of `answer`.
pub fn covers<A: PartialEq, E>(
    image: &Image,
    frame: &Area,
    plain: &A,
    mut answer: impl FnMut(&[Image]) -> Result<Vec<A>, E>,
) -> Result<Vec<Option<Cover<A>>>, E> {
    let mut found: Vec<Option<Cover<A>>> = PATTERNS.iter().map(|_| None).collect();
    for size in SIZES {
        let open: Vec<usize> = (0..PATTERNS.len()).filter(|&pattern| found[pattern].is_none()).collect();
        let tries: Vec<(usize, Image)> =
            open.iter().flat_map(|&pattern| placed(image, frame, size, pattern)).collect();
        let (patterns, images): (Vec<usize>, Vec<Image>) = tries.into_iter().unzip();
        if images.is_empty() {
            break;
        }
        let answers = answer(&images)?;
        for ((pattern, image), answer) in patterns.into_iter().zip(images).zip(answers) {
            if found[pattern].is_none() && answer != *plain {
                found[pattern] = Some(Cover { pattern, size, image, answer });
            }
        }
    }
    Ok(found)
}

fn placed<'a>(
    image: &'a Image,
    frame: &'a Area,
    size: f64,
    pattern: usize,
) -> impl Iterator<Item = (usize, Image)> + 'a {
    let places = ALONG.into_iter().flat_map(|down| ALONG.map(|across| (across, down)));
    places.map(move |place| (pattern, PATTERNS[pattern].on(image, frame, size, place)))
}

/// The share of all patterns and places, each over `size` of `frame`, at which another answer is given than `plain`.
fn changed_by_accident<A: PartialEq, E>(
    image: &Image,
    frame: &Area,
    size: f64,
    plain: &A,
    mut answer: impl FnMut(&[Image]) -> Result<Vec<A>, E>,
) -> Result<f64, E> {
    let tries = (0..PATTERNS.len()).flat_map(|pattern| placed(image, frame, size, pattern));
    let answers = answer(&tries.map(|(_, image)| image).collect::<Vec<_>>())?;
    Ok(answers.iter().filter(|answer| *answer != plain).count() as f64 / answers.len() as f64)
}

/// A picture with the smallest cover of each pattern.
struct Fooled {
    index: usize,
    /// Whether it is covered on a face, and not anywhere.
    on_face: bool,
    /// The share of the patterns of [`SMALL`] size that change the answer.
    by_accident: f64,
    covers: Vec<Option<Cover<usize>>>,
}

impl Fooled {
    /// The smallest of all.
    fn smallest(&self) -> Option<&Cover<usize>> {
        self.covers.iter().flatten().min_by(|a, b| a.size.total_cmp(&b.size))
    }

    fn by(&self, size: f64, pattern: Option<usize>) -> bool {
        let fits =
            |cover: &Cover<usize>| cover.size <= size && pattern.is_none_or(|one| one == cover.pattern);
        self.covers.iter().flatten().any(fits)
    }
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let Some((classifier, (subset, answers))) = case.classifier.zip(case.judged()) else {
        return Ok(Finding::inconclusive("There is no evaluated network.", "Train and evaluate it first."));
    };
    let said = answers.classes();
    let mut right: Vec<usize> = answers
        .indices
        .iter()
        .zip(said)
        .filter(|&(&index, class)| case.samples()[index].class == class)
        .map(|(&index, _)| index)
        .collect();
    case.seed(ID).rng().shuffle(&mut right);
    right.truncate(MOST);
    let independent = case.independent(&right);
    if independent < LEAST {
        return Ok(Finding::inconclusive(
            format!(
                "It predicts {} of the {subset} pictures correctly, {independent} of them independent of each other; {LEAST} are needed.",
                right.len()
            ),
            "Add pictures, or read better-than-chance first.",
        ));
    }
    let mut all = Vec::new();
    for (number, &index) in right.iter().enumerate() {
        case.tell(ID, number, right.len())?;
        all.push(fooled(case, classifier, index)?);
    }
    let used = format!(
        "{} {subset} pictures that it predicts correctly, partly covered, and the network",
        all.len()
    );
    let finding = finding(case, &all, independent).used(used);
    Ok(match case.detector {
        Some(detector) => faces::add(finding, case, detector, &answers.indices)?,
        None => finding,
    })
}

fn fooled(case: &Case<'_>, classifier: &dyn Classifier, index: usize) -> Result<Fooled, AuditErrorKind> {
    let image = (case.seen)(index);
    let face = case.detector.and_then(|detector| detector.detect(&image).first().map(|face| face.area));
    let answer = |images: &[Image]| -> Result<Vec<usize>, AuditErrorKind> {
        Ok(classifier.predict(images)?.iter().map(candor_core::Prediction::class).collect())
    };
    let frame = face.unwrap_or_else(|| Area::of(&image));
    let plain = case.samples()[index].class;
    let by_accident = changed_by_accident(&image, &frame, SMALL, &plain, answer)?;
    let covers = covers(&image, &frame, &plain, answer)?;
    Ok(Fooled { index, on_face: face.is_some(), by_accident, covers })
}

fn share(all: &[Fooled], is: impl Fn(&Fooled) -> bool) -> f64 {
    all.iter().filter(|one| is(one)).count() as f64 / all.len() as f64
}

/// The pictures are as many as `independent` ones.
fn finding(case: &Case<'_>, all: &[Fooled], independent: usize) -> Finding {
    let sought = share(all, |one| one.by(SMALL, None));
    let accident = all.iter().map(|one| one.by_accident).sum::<f64>() / all.len() as f64;
    let [by_accident, in_place] = [accident, sought].map(|share| Interval::of_share(share, independent));
    let verdict = verdict(by_accident, in_place);
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let within = |share, Interval { low, high }| {
        format!("{} ({} to {})", per_cent(share), per_cent(low), per_cent(high))
    };
    let headline = format!(
        "A bar, patch, mask, sunglasses or stripes over {} of {} change {} of its correct predictions at arbitrary places, and {} in \
         the best place that was tried.",
        per_cent(SMALL),
        covered(all),
        within(accident, by_accident),
        within(sought, in_place)
    );
    let (meaning, advice) = words(verdict);
    let curve = SIZES.map(|size| (100.0 * size, share(all, |one| one.by(size, None))));
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure_within(
            "correct predictions that 2% changes at arbitrary places",
            accident,
            by_accident,
            Unit::Share,
        )
        .figure_within("correct predictions that 2% changes in the best place", sought, in_place, Unit::Share)
        .figure(
            "correct predictions that 16% changes in the best place",
            curve[SIZES.len() - 1].1,
            Unit::Share,
        )
        .with_series(Series {
            title: "Correct predictions that some pattern in the best place changes".to_owned(),
            x: "share of the picture or face that is covered, per cent".to_owned(),
            y: Some("predictions changed".to_owned()),
            points: [(0.0, 0.0)].into_iter().chain(curve).collect(),
            // A mark is read as what was observed.
            mark: None,
        })
        .with_table(by_pattern(all));
    let by_group = groupings(case).into_iter().filter_map(|grouping| by_group(all, &grouping));
    by_group.fold(finding, Finding::with_table).with_evidence(evidence(case, all))
}

/// What the patterns were placed on.
fn covered(all: &[Fooled]) -> String {
    match all.iter().filter(|one| one.on_face).count() {
        0 => "the picture".to_owned(),
        faces if faces == all.len() => "the face".to_owned(),
        faces => format!("the picture (of the face in {faces} of {})", all.len()),
    }
}

/// By the intervals of both shares.
fn verdict(by_accident: Interval, in_place: Interval) -> Verdict {
    match (by_accident, in_place) {
        (accident, _) if accident.low >= FAIL => Verdict::Fail,
        (accident, sought) if accident.low >= WARN || sought.low >= SOUGHT => Verdict::Warn,
        (accident, sought) if accident.high < WARN && sought.high < SOUGHT => Verdict::Pass,
        _ => Verdict::Inconclusive,
    }
}

fn words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => (
            "Covering a small part of the picture rarely changes a correct prediction. Somebody who tries more places, or who knows \
             the network, will fool it more often: see adversarial.",
            "",
        ),
        Verdict::Inconclusive => (
            "With so few pictures the check cannot tell whether something small changes many correct predictions.",
            "Evaluate more pictures. Until then, do not rely on it where somebody gains by fooling it.",
        ),
        _ => (
            "A small thing in the picture can decide more than the rest of the picture. It need not be put there on purpose: a \
             shadow, a label or a strand of hair may be enough.",
            "Do not use it where somebody gains by fooling it. Train with pictures in which objects are partly hidden. Look at the \
             pictures below for what they have in common.",
        ),
    }
}

/// One row a pattern, one column a size.
fn by_pattern(all: &[Fooled]) -> Table {
    let row = |(pattern, one): (usize, &Pattern)| {
        let cells =
            SIZES.map(|size| format!("{:.0}%", 100.0 * share(all, |fooled| fooled.by(size, Some(pattern)))));
        std::iter::once(one.name.to_owned()).chain(cells).collect()
    };
    Table {
        title: "Correct predictions that each pattern in the best place changes".to_owned(),
        heading: heading(),
        rows: PATTERNS.iter().enumerate().map(row).collect(),
    }
}

/// Of a table with one row a pattern and one column a size.
fn heading() -> Vec<String> {
    let sizes = SIZES.map(|size| format!("{:.0}% covered", 100.0 * size));
    std::iter::once("pattern".to_owned()).chain(sizes).collect()
}

/// One row a group; `None` where none of these pictures is known to be of any.
fn by_group(all: &[Fooled], grouping: &Grouping) -> Option<Table> {
    let row = |(group, name): (usize, &String)| {
        let members: Vec<&Fooled> = all.iter().filter(|one| grouping.of[one.index] == Some(group)).collect();
        let changed = members.iter().filter(|one| one.by(SMALL, None)).count();
        let Interval { low, high } = Interval::of_counts(changed as u64, members.len() as u64);
        let share = 100.0 * changed as f64 / members.len() as f64;
        let cells = || {
            vec![
                name.clone(),
                members.len().to_string(),
                format!("{share:.0}% ({:.0} to {:.0})", 100.0 * low, 100.0 * high),
            ]
        };
        (!members.is_empty()).then(cells)
    };
    let rows: Vec<Vec<String>> = grouping.names.iter().enumerate().filter_map(row).collect();
    (!rows.is_empty()).then(|| Table {
        title: format!("Correct predictions that 2% in the best place changes, by {}", grouping.what),
        heading: ["group", "pictures", "changed (95%)"].map(String::from).to_vec(),
        rows,
    })
}

/// The pictures that needed the smallest cover, each unchanged and covered.
fn evidence(case: &Case<'_>, all: &[Fooled]) -> Vec<Evidence> {
    let mut found: Vec<(&Fooled, &Cover<usize>)> =
        all.iter().filter_map(|one| Some((one, one.smallest()?))).collect();
    found.sort_by(|a, b| a.1.size.total_cmp(&b.1.size));
    let show = |(one, cover): &(&Fooled, &Cover<usize>)| Evidence {
        note: format!(
            "With a {} over {:.0}% of the {}, the prediction is “{}”.",
            PATTERNS[cover.pattern].name,
            100.0 * cover.size,
            if one.on_face { "face" } else { "picture" },
            case.classes()[cover.answer]
        ),
        pictures: vec![Shown::of(case, one.index), Shown::changed(case, one.index, &cover.image)],
    };
    found.iter().take(SHOWN).map(show).collect()
}

#[cfg(test)]
mod tests {
    use candor_core::{Channels, ClassifyError, Prediction};

    use super::super::testing::{Bright, Fake};
    use super::*;

    /// Says “light” where a rule over the picture says so.
    struct Rule(fn(&Image) -> bool, Vec<String>);

    impl Classifier for Rule {
        fn classes(&self) -> &[String] {
            &self.1
        }

        fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
            let one = |image: &Image| match (self.0)(image) {
                true => Prediction { probabilities: vec![0.1, 0.9] },
                false => Prediction { probabilities: vec![0.9, 0.1] },
            };
            Ok(images.iter().map(one).collect())
        }
    }

    fn asked(fake: &Fake, rule: fn(&Image) -> bool) -> Finding {
        let classifier = Rule(rule, fake.classes.clone());
        fake.with(|case| CHECK.run(&Case { classifier: Some(&classifier), ..*case }, &Bright(fake)).unwrap())
    }

    fn mean(image: &Image, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> f64 {
        let places = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
        let values: Vec<f64> = places.map(|(x, y)| image.pixel(x, y)[0].into()).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn a_rule_over_the_whole_middle_passes_and_one_that_any_dark_spot_changes_does_not() {
        let finding = asked(&Fake::bright(400), |image| mean(image, 4..12, 4..12) > 95.0);
        assert_eq!(finding.verdict, Verdict::Pass, "{}", finding.headline);
        // Three of the five patterns have dark spots, and any of them turns the prediction round.
        let finding = asked(&Fake::bright(400), |image| {
            (mean(image, 4..12, 4..12) > 95.0) == image.pixels().iter().all(|&value| value >= 20)
        });
        assert_eq!(finding.verdict, Verdict::Fail, "{}", finding.headline);
        let accident = finding.value("correct predictions that 2% changes at arbitrary places").unwrap();
        assert!((0.55..0.75).contains(&accident), "{accident}");
        assert_eq!(finding.evidence.len(), SHOWN);
        assert!(finding.evidence[0].pictures[1].changed.is_some());
    }

    #[test]
    fn what_depends_on_few_pixels_is_changed_in_the_best_place_and_that_is_a_warning() {
        let finding = asked(&Fake::bright(400), |image| mean(image, 7..9, 7..9) > 95.0);
        assert_eq!(finding.verdict, Verdict::Warn, "{}", finding.headline);
        let value = |name: &str| finding.value(name).unwrap();
        assert!(value("correct predictions that 2% changes in the best place") > 0.9, "{}", finding.headline);
        assert!(
            value("correct predictions that 2% changes at arbitrary places") < 0.15,
            "{}",
            finding.headline
        );
        let points = &finding.series[0].points;
        assert!(points.is_sorted_by(|a, b| a.1 <= b.1), "{points:?}");
    }

    #[test]
    fn groups_are_told_apart() {
        let mut fake = Fake::bright(400);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.attributes.insert("place".into(), ["a", "b"][index / 8 % 2].into());
        }
        let finding = asked(&fake, |image| mean(image, 7..9, 7..9) > 95.0);
        let table = finding.tables.iter().find(|table| table.title.ends_with("by place")).unwrap();
        assert_eq!(table.rows.len(), 2);
    }

    #[test]
    fn the_search_serves_anything_that_answers() {
        // A detector that finds whatever is dark in the upper left corner.
        let image = Image::filled(20, 20, Channels::Grey, 0);
        let finds = |images: &[Image]| -> Result<Vec<bool>, std::convert::Infallible> {
            Ok(images.iter().map(|image| mean(image, 2..6, 2..6) < 60.0).collect())
        };
        let found = covers(&image, &Area::of(&image), &true, finds).unwrap();
        let patch = found[1].as_ref().expect("a white patch there is seen");
        assert!(!patch.answer && patch.size <= 0.04, "{}", patch.size);
        assert_eq!(found[0], None, "a black bar is not");
    }

    #[test]
    fn the_verdict_is_that_of_the_printed_shares() {
        let of = |share: f64| Interval::of_share(share, 150);
        // What was once a pass: 2 % of the picture in the best place changes 65 % of the predictions.
        for (accident, sought, expected) in [
            (0.1, 0.65, Verdict::Warn),
            (0.6, 1.0, Verdict::Fail),
            (0.35, 0.4, Verdict::Warn),
            (0.1, 0.3, Verdict::Pass),
            (0.1, 0.5, Verdict::Inconclusive),
            (0.25, 0.3, Verdict::Inconclusive),
        ] {
            assert_eq!(verdict(of(accident), of(sought)), expected, "{accident} {sought}");
        }
    }
}
