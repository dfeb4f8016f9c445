//! How easily is it fooled by something put in front: the smallest bar, patch, mask, pair of sunglasses or dazzle that changes
//! its answer.
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
    asks: "How small a bar, patch, mask or pair of sunglasses changes its answer?",
    how: "At most 150 judged pictures that it answers rightly get a black bar, a white patch, a mask, sunglasses or dazzle stripes \
          in turn, each at nine places and in five sizes, from 1 to 16 % of the picture. What counts is the share of the \
          answers that a pattern of 2 % changes when it lies where it happens to lie; what one in the right place changes is told. Where the detector of candor crop finds a face in what \
          the network sees, patterns lie on the face, and sizes are shares of it. Of at most 12 judged pictures with a face, the \
          smallest pattern is searched that hides it from that detector.",
    fail_means: "Something as small as a sticker, wherever it happens to lie, changes half of the right answers.",
    misleads: "In the right place, one of 45 places and patterns that are tried, little is enough for nearly every network; whoever \
               wants to fool it may try as well. On a \
               picture of 28 pixels 2 % are a square of 4. A pattern of the size of the thing may hide the thing itself, from \
               anybody: look at the pictures. Where a thing that is no face lies is \
               not known, so masks and sunglasses lie anywhere.",
    reference: "Sharif et al., Accessorize to a crime, CCS (2016); Harvey, CV Dazzle (2010); Brown et al., Adversarial patch (2017)",
    scale: Scale::UNWRITTEN,
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
/// Share of right answers that something small changes by accident, from which it is told.
const WARN: f64 = 0.25;
const FAIL: f64 = 0.5;
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
        return Ok(Finding::inconclusive("There is no network to be asked.", "Train and judge it first."));
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
    if right.len() < LEAST {
        return Ok(Finding::inconclusive(
            format!("It answers rightly for {} judged pictures; {LEAST} are needed.", right.len()),
            "Add pictures, or see what better-than-chance says first.",
        ));
    }
    let mut all = Vec::new();
    for (number, &index) in right.iter().enumerate() {
        case.tell(ID, number, right.len())?;
        all.push(fooled(case, classifier, index)?);
    }
    let used =
        format!("{} {subset} pictures that it answers rightly, covered in parts, and the network", all.len());
    let finding = finding(case, &all).used(used);
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

fn finding(case: &Case<'_>, all: &[Fooled]) -> Finding {
    let sought = share(all, |one| one.by(SMALL, None));
    let accident = all.iter().map(|one| one.by_accident).sum::<f64>() / all.len() as f64;
    let verdict = match accident {
        share if share >= FAIL => Verdict::Fail,
        share if share >= WARN => Verdict::Warn,
        _ => Verdict::Pass,
    };
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let faces = all.iter().filter(|one| one.on_face).count();
    let headline = format!(
        "A bar, patch, mask, glasses or stripes over {} of {} change {} of its right answers by accident, {} put in the right place.",
        per_cent(SMALL),
        match faces {
            0 => "the picture".to_owned(),
            all_of_them if all_of_them == all.len() => "the face".to_owned(),
            some => format!("the picture (of the face in {some} of {})", all.len()),
        },
        per_cent(accident),
        per_cent(sought)
    );
    let (meaning, advice) = words(verdict);
    let curve = SIZES.map(|size| (100.0 * size, share(all, |one| one.by(size, None))));
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure_within(
            "right answers that 2% changes by accident",
            accident,
            Interval::of_share(accident, all.len()),
            Unit::Share,
        )
        .figure_within(
            "right answers that 2% changes in the right place",
            sought,
            Interval::of_share(sought, all.len()),
            Unit::Share,
        )
        .figure("right answers that 16% changes in the right place", curve[SIZES.len() - 1].1, Unit::Share)
        .with_series(Series {
            title: "Right answers that some pattern in the right place changes".to_owned(),
            x: "share of the picture or face that is covered, per cent".to_owned(),
            y: Some("answers changed".to_owned()),
            points: [(0.0, 0.0)].into_iter().chain(curve).collect(),
            // A mark is read as what was observed.
            mark: None,
        })
        .with_table(by_pattern(all));
    let by_group = groupings(case).into_iter().filter_map(|grouping| by_group(all, &grouping));
    by_group.fold(finding, Finding::with_table).with_evidence(evidence(case, all))
}

fn words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => (
            "What little covers by accident, it mostly sees past. Somebody who tries out places will fool it more often, and \
             somebody who knows the network more often still: see adversarial.",
            "",
        ),
        _ => (
            "A small thing in the picture decides more than the rest of it. It need not be put there on purpose: a shadow, a \
             label or a strand of hair may do.",
            "Do not use it where anybody gains by fooling it. Train with pictures in which things are partly hidden; look at the \
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
        title: "Right answers that each pattern in the right place changes".to_owned(),
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
        let Interval { low, high } = Interval::wilson(changed as u64, members.len() as u64);
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
        title: format!("Right answers that 2% in the right place changes, by {}", grouping.what),
        heading: ["group", "pictures", "changed (95%)"].map(String::from).to_vec(),
        rows,
    })
}

/// Those that the least was needed for, each as it is and covered.
fn evidence(case: &Case<'_>, all: &[Fooled]) -> Vec<Evidence> {
    let mut found: Vec<(&Fooled, &Cover<usize>)> =
        all.iter().filter_map(|one| Some((one, one.smallest()?))).collect();
    found.sort_by(|a, b| a.1.size.total_cmp(&b.1.size));
    let show = |(one, cover): &(&Fooled, &Cover<usize>)| Evidence {
        note: format!(
            "With a {} over {:.0}% of the {} it says “{}”.",
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
    fn what_hangs_on_the_whole_middle_stands_and_what_any_dark_spot_changes_falls() {
        let finding = asked(&Fake::bright(400), |image| mean(image, 4..12, 4..12) > 95.0);
        assert_eq!(finding.verdict, Verdict::Pass, "{}", finding.headline);
        // Half of the pictures are light, and three of the five patterns have dark spots.
        let finding = asked(&Fake::bright(400), |image| {
            mean(image, 4..12, 4..12) > 95.0 && image.pixels().iter().all(|&value| value >= 20)
        });
        assert_eq!(finding.verdict, Verdict::Warn, "{}", finding.headline);
        let accident = finding.value("right answers that 2% changes by accident").unwrap();
        assert!((0.25..0.35).contains(&accident), "{accident}");
        assert_eq!(finding.evidence.len(), SHOWN);
        assert!(finding.evidence[0].pictures[1].changed.is_some());
    }

    #[test]
    fn what_hangs_on_few_pixels_is_changed_in_the_right_place_and_not_by_accident() {
        let finding = asked(&Fake::bright(400), |image| mean(image, 7..9, 7..9) > 95.0);
        assert_eq!(finding.verdict, Verdict::Pass, "{}", finding.headline);
        let value = |name: &str| finding.value(name).unwrap();
        assert!(value("right answers that 2% changes in the right place") > 0.9, "{}", finding.headline);
        assert!(value("right answers that 2% changes by accident") < 0.15, "{}", finding.headline);
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
}
