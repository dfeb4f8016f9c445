//! How easily is it fooled by bad pictures: noise, blur, compression, light, fog.

mod corrupt;

use candor_core::{Classifier, Image, Subset};
use corrupt::{CORRUPTIONS, Corruption};

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
    asks: "Does it still know the classes on noisy, blurred, dark, foggy or compressed pictures?",
    how: "At most 200 validation pictures are made worse in ten ways (Gaussian, shot and impulse noise, Gaussian and motion blur, \
          JPEG, brightness, contrast, fog, pixelation), each in five strengths with ImageNet-C's settings, at the size that the \
          network sees; lengths shrink with the picture. What counts is how much of what it gains over naming the most \
          frequent class is left at the weakest strength, which a person hardly minds; fog, thick from the start, is shown and does not count.",
    fail_means: "Changes that a person hardly minds make it wrong: on pictures of another camera or light it will fail.",
    misleads: "The mean corruption error is the plain mean of the errors, not ImageNet-C's ratio to AlexNet's. On tiny pictures strong settings leave nothing to see, for anybody: look at the curves. \
               The best epoch was chosen on these validation pictures, so the accuracy on them as they are looks a little \
               too good.",
    reference: "Hendrycks & Dietterich, Benchmarking neural network robustness to common corruptions and perturbations, ICLR (2019)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "corruptions";
const STRENGTHS: usize = 5;
/// Each is answered for fifty-one times.
const MOST: usize = 200;
const LEAST: usize = 30;
/// A gain over chance below this is nothing to lose.
const LEAST_GAIN: f64 = 0.1;
/// Share of the gain that is left at the weakest strength of the worst way, from which it is told.
const WARN: f64 = 0.5;
const FAIL: f64 = 0.25;

/// One way with its accuracy in the five strengths.
struct Curve {
    way: &'static Corruption,
    accuracy: [f64; STRENGTHS],
}

impl Curve {
    fn error(&self) -> f64 {
        1.0 - self.accuracy.iter().sum::<f64>() / STRENGTHS as f64
    }
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let Some(classifier) = case.classifier else {
        return Ok(Finding::inconclusive(
            "The run has no model that could be asked.",
            "Train it to the end: candor resume.",
        ));
    };
    let members = drawn(case);
    if members.len() < LEAST {
        return Ok(Finding::inconclusive(
            format!(
                "There are {} validation pictures; {LEAST} are needed to see a difference.",
                members.len()
            ),
            "Raise --validation-share, or add pictures.",
        ));
    }
    let clean = accuracy(case, classifier, &members, |_, image| image)?;
    let chance = case.majority(&members);
    let mut curves = Vec::new();
    for (number, way) in CORRUPTIONS.iter().enumerate() {
        let mut curve = Curve { way, accuracy: [0.0; STRENGTHS] };
        for strength in 0..STRENGTHS {
            case.tell(ID, number * STRENGTHS + strength, CORRUPTIONS.len() * STRENGTHS)?;
            let seed = case.seed(ID).derive(way.name).at(strength as u64);
            curve.accuracy[strength] = accuracy(case, classifier, &members, |index, image| {
                way.of(&image, strength, &mut seed.at(index as u64).rng())
            })?;
        }
        curves.push(curve);
    }
    let used = format!("{} validation pictures at the network's size, and the network", members.len());
    Ok(finding(&curves, clean, chance, members.len()).used(used))
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

fn accuracy(
    case: &Case<'_>,
    classifier: &dyn Classifier,
    members: &[usize],
    change: impl Fn(usize, Image) -> Image,
) -> Result<f64, AuditErrorKind> {
    let images: Vec<Image> = members.iter().map(|&index| change(index, (case.seen)(index))).collect();
    let said = classifier.predict(&images)?;
    let right = said
        .iter()
        .zip(members)
        .filter(|(said, index)| said.class() == case.samples()[**index].class)
        .count();
    Ok(right as f64 / members.len() as f64)
}

fn finding(curves: &[Curve], clean: f64, chance: f64, pictures: usize) -> Finding {
    let gain = clean - chance;
    let left = |curve: &Curve| (curve.accuracy[0] - chance) / gain;
    let worst = curves
        .iter()
        .filter(|curve| curve.way.begins_mildly())
        .min_by(|a, b| a.accuracy[0].total_cmp(&b.accuracy[0]))
        .expect("nine of the ten ways do");
    let fallen = worst.accuracy[0];
    let verdict = match gain {
        gain if gain < LEAST_GAIN => Verdict::Inconclusive,
        // A drop within what so few pictures leave open is none.
        _ if Interval::of_share(fallen, pictures).high >= clean => Verdict::Pass,
        _ if left(worst) < FAIL => Verdict::Fail,
        _ if left(worst) < WARN => Verdict::Warn,
        _ => Verdict::Pass,
    };
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let headline = match verdict {
        Verdict::Inconclusive => format!(
            "On validation it gains hardly anything over naming the most frequent class ({}, {}): nothing to lose.",
            per_cent(clean),
            per_cent(chance)
        ),
        Verdict::Pass => format!(
            "A little noise, blur, compression or light costs little: at worst {} where it reaches {} ({}).",
            per_cent(fallen),
            per_cent(clean),
            worst.way.name
        ),
        _ => format!(
            "A little {} and it reaches {} where it reached {}; naming the most frequent class gives {}.",
            worst.way.name,
            per_cent(fallen),
            per_cent(clean),
            per_cent(chance)
        ),
    };
    let (meaning, advice) = words(verdict);
    let mean = curves.iter().map(Curve::error).sum::<f64>() / curves.len() as f64;
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure_within(
            "accuracy on these pictures as they are",
            clean,
            Interval::of_share(clean, pictures),
            Unit::Share,
        )
        .figure("mean corruption error", mean, Unit::Share)
        .figure("mean corruption error beyond the clean error", mean - (1.0 - clean), Unit::Points)
        .figure_within(
            format!("accuracy with a little {}", worst.way.name),
            fallen,
            Interval::of_share(fallen, pictures),
            Unit::Share,
        )
        .with_table(table(curves, clean));
    curves.iter().fold(finding, |finding, curve| finding.with_series(series(curve, clean)))
}

fn words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("It does not hang on pictures being as clean as those that it learned from.", ""),
        Verdict::Inconclusive => {
            ("Where nothing is learned nothing can be lost.", "See what better-than-chance says first.")
        }
        _ => (
            "What it looks at is lost in a change that a person hardly minds. Another camera, another light or one more round of \
             compression can do the same.",
            "Train with --brightness, --rotation-degrees and --zoom, or with pictures of several cameras and qualities; say for \
             which pictures it was made.",
        ),
    }
}

fn series(curve: &Curve, clean: f64) -> Series {
    let points =
        curve.accuracy.iter().enumerate().map(|(strength, &accuracy)| ((strength + 1) as f64, accuracy));
    Series {
        title: format!("Accuracy with {}", curve.way.name),
        x: "strength (0: as it is)".to_owned(),
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
        heading: ["kind", "as it is", "1", "2", "3", "4", "5", "mean error"].map(String::from).to_vec(),
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
    fn a_rule_over_many_pixels_against_the_rest_stands_a_little_of_everything() {
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
    fn a_rule_that_hangs_on_single_values_fails() {
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
}
