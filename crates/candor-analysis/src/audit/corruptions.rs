//! How easily is it fooled by bad pictures: noise, blur, compression, light, fog.

mod corrupt;
mod gain_left;

use candor_core::{Classifier, Image, Subset};
use corrupt::{CORRUPTIONS, Corruption};
use gain_left::{GainLeft, Picture, gain_left};

use super::{
    AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Series, Table, Topic, Unit, Verdict,
};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: "corruptions",
    title: "Bad pictures",
    topic: Topic::Fooled,
    cost: Cost::Training,
    permutes: false,
    asks: "Does it still recognise the classes in noisy, blurred, bright, low-contrast, foggy or compressed pictures?",
    how: "At most 200 validation pictures are corrupted in ten ways (Gaussian, shot and impulse noise, Gaussian and motion blur, \
          JPEG, brightness, contrast, fog, pixelation), each in five strengths with ImageNet-C's settings, at the network's input \
          size; lengths shrink with the picture. The verdict rests on the weakest strength of nine ways (fog is shown, but is \
          thick from the start). For each way, the check computes which share of the gain over always naming the most frequent \
          class is left on the same pictures, with a paired 95 % interval over groups that holds for all nine ways together \
          (Fieller, Bonferroni).",
    fail_means: "Changes that a person hardly notices take away most of what the network learned: expect it to fail on pictures from \
                 another camera or in another light.",
    misleads: "The mean corruption error is the plain mean of the errors, not ImageNet-C's ratio to AlexNet's. On tiny pictures, strong \
               settings leave nothing to recognise, for people either: look at the curves. The best epoch was chosen on these \
               validation pictures, so the accuracy on unchanged pictures looks a little too good.",
    reference: "Hendrycks & Dietterich, Benchmarking neural network robustness to common corruptions and perturbations, ICLR (2019)",
    scale: Scale {
        pass: "At the weakest strength of each of the nine ways, at least 50 % of the gain over the most frequent class is left (all \
               intervals are at 50 % or above).",
        inconclusive: "An interval contains 50 % and none is below it; or the network gains less than 10 points over the most frequent \
                       class, or not clearly more than nothing; or there are fewer than 30 independent validation pictures.",
        warn: "At the weakest strength of at least one way, less than 50 % of the gain is left (its whole interval is below 50 %).",
        fail: "At the weakest strength of at least one way, less than 25 % of the gain is left (its whole interval is below 25 %).",
    },
    run,
};

const ID: &str = "corruptions";
const STRENGTHS: usize = 5;
/// Each is answered for fifty-one times.
const MOST: usize = 200;
const LEAST: usize = 30;
/// A gain over chance below this is nothing to lose.
const LEAST_GAIN: f64 = 0.1;
/// How often one of the nine intervals may miss the truth.
const ALPHA: f64 = 0.05;
/// Share of the gain that is left at the weakest strength, below which it warns and fails.
const WARN: f64 = 0.5;
const FAIL: f64 = 0.25;

/// One way with its accuracy in the five strengths, and what of the gain is left at the weakest.
struct Curve {
    way: &'static Corruption,
    accuracy: [f64; STRENGTHS],
    left: Option<GainLeft>,
}

impl Curve {
    fn error(&self) -> f64 {
        1.0 - self.accuracy.iter().sum::<f64>() / STRENGTHS as f64
    }
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let Some(classifier) = case.classifier else {
        return Ok(Finding::inconclusive(
            "The run has no trained model.",
            "Train it to the end: candor resume.",
        ));
    };
    let members = drawn(case);
    let independent = case.independent(&members);
    if independent < LEAST {
        return Ok(Finding::inconclusive(
            format!("There are {independent} independent validation pictures; {LEAST} are needed."),
            "Raise --validation-share, or add pictures.",
        ));
    }
    let unchanged = correct(case, classifier, &members, |_, image| image)?;
    let chance = case.majority(&members);
    let ways = CORRUPTIONS.iter().filter(|way| way.begins_mildly()).count() as f64;
    let mut curves = Vec::new();
    for (number, way) in CORRUPTIONS.iter().enumerate() {
        let mut curve = Curve { way, accuracy: [0.0; STRENGTHS], left: None };
        for strength in 0..STRENGTHS {
            case.tell(ID, number * STRENGTHS + strength, CORRUPTIONS.len() * STRENGTHS)?;
            let seed = case.seed(ID).derive(way.name).at(strength as u64);
            let correct = correct(case, classifier, &members, |index, image| {
                way.of(&image, strength, &mut seed.at(index as u64).rng())
            })?;
            curve.accuracy[strength] = share(&correct);
            if strength == 0 {
                curve.left = gain_left(&pictures(case, &members, &unchanged, &correct), chance, ALPHA / ways);
            }
        }
        curves.push(curve);
    }
    let used = format!("{} validation pictures at the network's input size, and the network", members.len());
    let clean = Clean { accuracy: share(&unchanged), chance, independent };
    Ok(finding(&curves, clean).used(used))
}

/// The pictures as they are.
#[derive(Clone, Copy)]
struct Clean {
    accuracy: f64,
    /// What naming the most frequent class gives.
    chance: f64,
    /// How many of them can be taken as independent.
    independent: usize,
}

fn pictures(case: &Case<'_>, members: &[usize], before: &[bool], after: &[bool]) -> Vec<Picture> {
    let outcomes = before.iter().zip(after);
    let picture = |(&index, (&before, &after)): (&usize, (&bool, &bool))| Picture {
        class: case.samples()[index].class,
        unit: case.units.unit(index),
        before,
        after,
    };
    members.iter().zip(outcomes).map(picture).collect()
}

fn share(correct: &[bool]) -> f64 {
    correct.iter().filter(|correct| **correct).count() as f64 / correct.len() as f64
}

/// Validation pictures, drawn by the seed where there are many.
fn drawn(case: &Case<'_>) -> Vec<usize> {
    let mut members = case.split.indices(Subset::Validation).to_vec();
    if members.len() > MOST {
        case.seed(ID).rng().shuffle(&mut members);
        members.truncate(MOST);
        members.sort_unstable();
    }
    members
}

/// Whether each picture, changed, is predicted correctly.
fn correct(
    case: &Case<'_>,
    classifier: &dyn Classifier,
    members: &[usize],
    change: impl Fn(usize, Image) -> Image,
) -> Result<Vec<bool>, AuditErrorKind> {
    let images: Vec<Image> = members.iter().map(|&index| change(index, (case.seen)(index))).collect();
    let said = classifier.predict(&images)?;
    Ok(said.iter().zip(members).map(|(said, &index)| said.class() == case.samples()[index].class).collect())
}

/// Of one way, by the interval of the share of the gain that is left.
fn verdict(left: Interval) -> Verdict {
    match left {
        Interval { low, .. } if low >= WARN => Verdict::Pass,
        Interval { high, .. } if high < FAIL => Verdict::Fail,
        Interval { high, .. } if high < WARN => Verdict::Warn,
        _ => Verdict::Inconclusive,
    }
}

/// The mild way with the worst verdict; of equals the one that leaves least.
fn worst(curves: &[Curve]) -> Option<(&Curve, GainLeft)> {
    let mild = curves.iter().filter(|curve| curve.way.begins_mildly());
    let all: Option<Vec<(&Curve, GainLeft)>> = mild.map(|curve| Some((curve, curve.left?))).collect();
    let order = |left: &GainLeft| (verdict(left.interval), -left.share);
    all?.into_iter().max_by(|(_, a), (_, b)| {
        let (a, b) = (order(a), order(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    })
}

fn finding(curves: &[Curve], clean: Clean) -> Finding {
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let worst = worst(curves).filter(|_| clean.accuracy - clean.chance >= LEAST_GAIN);
    let (verdict, headline) = match worst {
        None => (
            Verdict::Inconclusive,
            format!(
                "On these validation pictures its accuracy is {}; always naming the most frequent class gives {}: there is too little \
                 to lose.",
                per_cent(clean.accuracy),
                per_cent(clean.chance)
            ),
        ),
        Some((curve, left)) => (verdict(left.interval), headline(curve, left, clean)),
    };
    let (meaning, advice) = words(verdict, worst.is_some());
    let mean = curves.iter().map(Curve::error).sum::<f64>() / curves.len() as f64;
    let mut finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure_within(
            "accuracy on these pictures, unchanged",
            clean.accuracy,
            Interval::of_share(clean.accuracy, clean.independent),
            Unit::Share,
        )
        .figure("always naming the most frequent class", clean.chance, Unit::Share)
        .figure("mean corruption error", mean, Unit::Share)
        .figure("mean corruption error beyond the clean error", mean - (1.0 - clean.accuracy), Unit::Points);
    if let Some((curve, left)) = worst {
        finding = finding
            .figure(format!("accuracy with slight {}", curve.way.name), curve.accuracy[0], Unit::Share)
            .figure_within(
                format!("share of the gain left with slight {}", curve.way.name),
                left.share,
                left.interval,
                Unit::Share,
            );
    }
    curves.iter().fold(finding.with_table(table(curves, clean.accuracy)), |finding, curve| {
        finding.with_series(series(curve, clean.accuracy))
    })
}

fn headline(curve: &Curve, left: GainLeft, clean: Clean) -> String {
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    format!(
        "The worst of nine slight corruptions, {}, changes accuracy from {} to {}; always naming the most frequent class gives {}. Of \
         the gain over that, {} is left (95% interval {} to {}).",
        curve.way.name,
        per_cent(clean.accuracy),
        per_cent(curve.accuracy[0]),
        per_cent(clean.chance),
        per_cent(left.share),
        per_cent(left.interval.low),
        per_cent(left.interval.high)
    )
}

fn words(verdict: Verdict, gains: bool) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => (
            "Each of these slight changes leaves at least half of the gain. Stronger ones cost more: see the curves.",
            "",
        ),
        Verdict::Inconclusive if !gains => (
            "Where little is gained over the most frequent class, little can be lost: this check cannot tell anything.",
            "Read better-than-chance first.",
        ),
        Verdict::Inconclusive => (
            "With so few validation pictures the check cannot tell whether half of the gain is left.",
            "Raise --validation-share, or add pictures.",
        ),
        _ => (
            "A change that a person hardly notices destroys what the network relies on. Another camera, another light or one more \
             round of compression can do the same.",
            "Train with --brightness, --rotation-degrees and --zoom, or with pictures from several cameras and in several qualities; \
             say which pictures it was made for.",
        ),
    }
}

fn series(curve: &Curve, clean: f64) -> Series {
    let points =
        curve.accuracy.iter().enumerate().map(|(strength, &accuracy)| ((strength + 1) as f64, accuracy));
    Series {
        title: format!("Accuracy with {}", curve.way.name),
        x: "strength (0: unchanged)".to_owned(),
        y: Some("accuracy".to_owned()),
        points: [(0.0, clean)].into_iter().chain(points).collect(),
        mark: None,
    }
}

fn table(curves: &[Curve], clean: f64) -> Table {
    let per_cent = |share: &f64| format!("{:.0}%", 100.0 * share);
    let row = |curve: &Curve| {
        let cells = curve.accuracy.iter().map(per_cent);
        [curve.way.name.to_owned(), per_cent(&clean)]
            .into_iter()
            .chain(cells)
            .chain([per_cent(&curve.error())])
            .collect()
    };
    Table {
        title: "Accuracy by kind and strength".to_owned(),
        heading: ["kind", "unchanged", "1", "2", "3", "4", "5", "mean error"].map(String::from).to_vec(),
        rows: curves.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use candor_core::{ClassifyError, Prediction};

    use super::super::testing::{Bright, Fake};
    use super::*;

    /// Names a class by one number of the picture.
    struct ByNumber(fn(&Image) -> bool, Vec<String>);

    impl Classifier for ByNumber {
        fn classes(&self) -> &[String] {
            &self.1
        }

        fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
            let one = |image: &Image| {
                let light = f32::from(u8::from((self.0)(image)));
                Prediction { probabilities: vec![1.0 - light, light] }
            };
            Ok(images.iter().map(one).collect())
        }
    }

    fn asked(fake: &Fake, rule: fn(&Image) -> bool) -> Finding {
        let classifier = ByNumber(rule, fake.classes.clone());
        fake.with(|case| CHECK.run(&Case { classifier: Some(&classifier), ..*case }, &Bright(fake)).unwrap())
    }

    fn light(image: &Image, places: impl Iterator<Item = usize>) -> f64 {
        let values: Vec<f64> = places.map(|at| f64::from(image.pixels()[at])).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn a_rule_over_many_pixels_against_the_rest_survives_a_little_of_everything() {
        let finding = asked(&Fake::bright(400), |image| {
            let inside = |at: &usize| (4..12).contains(&(at % 16)) && (4..12).contains(&(at / 16));
            let outside = light(image, (0..256).filter(|at| !inside(at)));
            // Relative, so that brightness and contrast change nothing.
            light(image, (0..256).filter(inside)) > outside * 1.05 + 15.0
        });
        assert_eq!(finding.verdict, Verdict::Pass, "{}", finding.headline);
        assert_eq!(finding.tables[0].rows.len(), 10);
        assert!(finding.series.iter().all(|series| series.points.len() == 6));
    }

    #[test]
    fn a_rule_that_depends_on_single_values_fails() {
        // Every picture of class 1 has a pixel at 120 or more; a little noise or light gives one to all.
        let finding = asked(&Fake::bright(400), |image| image.pixels().iter().any(|&value| value > 100));
        assert_eq!(finding.verdict, Verdict::Fail, "{}", finding.headline);
        assert!(finding.value("mean corruption error beyond the clean error").unwrap() > 0.1);
    }

    #[test]
    fn without_pictures_or_a_gain_it_cannot_tell() {
        assert_eq!(asked(&Fake::bright(24), |_| true).verdict, Verdict::Inconclusive);
        assert_eq!(asked(&Fake::bright(400), |_| true).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn the_verdict_is_that_of_the_printed_interval() {
        for (low, high, expected) in [
            (0.5, 1.0, Verdict::Pass),
            (0.45, 0.9, Verdict::Inconclusive),
            (0.3, 0.49, Verdict::Warn),
            (0.1, 0.3, Verdict::Warn),
            (-0.2, 0.24, Verdict::Fail),
        ] {
            assert_eq!(verdict(Interval { low, high }), expected, "{low} to {high}");
        }
    }

    #[test]
    fn pictures_of_one_group_are_one() {
        let mut fake = Fake::bright(400);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.group = Some((index / 20).to_string());
        }
        let finding = asked(&fake, |image| image.pixels().iter().any(|&value| value > 100));
        assert_eq!(finding.verdict, Verdict::Inconclusive, "{}", finding.headline);
    }
}
