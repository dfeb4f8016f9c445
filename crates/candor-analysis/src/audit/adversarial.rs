//! How easily is it fooled by somebody who knows the network: the smallest change, computed from its own gradient, that
//! changes its prediction.

mod attack;
mod target;

pub use attack::{ATTACKS, Attack, Norm};
use candor_core::{Classifier, Image, Preprocessing};
use target::{Attacked, HALVINGS, LINF, Target, epsilons};

use super::{
    AuditErrorKind, Case, Check, Cost, Evidence, Finding, Learner, Scale, Series, Shown, Table, Topic, Unit,
    Verdict,
};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: ID,
    title: "Adversarial changes",
    topic: Topic::Fooled,
    cost: Cost::Training,
    permutes: false,
    asks: "How small a change, made by somebody who knows the network, changes its prediction?",
    how: "At most 100 test or validation pictures, at the network's input size, are changed along the gradient of the loss: in one \
          step (FGSM) and in twenty steps (PGD), with a limit on the largest change of any value (L∞) or on the length of the \
          whole change (L2). The accuracy is drawn against the limit ε. For each picture, bisection finds the smallest ε at which \
          PGD changes the prediction. The verdict rests on the share of correct predictions that survive PGD within 8/255 of L∞, \
          a change that is hard to see.",
    fail_means: "This check never fails: nearly every network that was not trained against such attacks is fooled by them, and its \
                 accuracy on unchanged pictures is still its accuracy.",
    misleads: "Surviving this attack proves nothing: a stronger one may succeed. PGD starts at the picture itself, not at random \
               points near it. The check says nothing about pictures that nobody has changed.",
    reference: "Goodfellow et al., Explaining and harnessing adversarial examples, ICLR (2015); Madry et al., Towards deep \
                learning models resistant to adversarial attacks, ICLR (2018); Rauber et al., Foolbox, JOSS (2020)",
    scale: Scale {
        pass: "At least half of the correct predictions survive PGD within 8/255 (the whole 95 % interval is at 50 % or above).",
        inconclusive: "The 95 % interval of the surviving share contains 50 %, fewer than 20 independent pictures are predicted \
                       correctly, or the network has no gradient.",
        warn: "Fewer than half of the correct predictions survive PGD within 8/255 (the whole 95 % interval is below 50 %).",
        fail: "",
    },
    run,
};

const ID: &str = "adversarial";
const MOST: usize = 100;
const LEAST: usize = 20;
/// Places of 2/255 and 8/255 in [`LINF`].
const UNSEEN: usize = 1;
const HARDLY_SEEN: usize = 3;
/// Share of the correct predictions that has to survive within 8/255.
const LEFT: f64 = 0.5;
const SHOWN: usize = 8;

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let differentiable = case.classifier.and_then(Classifier::differentiable);
    let Some((classifier, (subset, answers))) = differentiable.zip(case.judged()) else {
        return Ok(Finding::inconclusive(
            "There is no evaluated network whose gradient could be computed.",
            "Train and evaluate it first.",
        ));
    };
    let mut members = answers.indices.clone();
    case.seed(ID).rng().shuffle(&mut members);
    members.truncate(MOST);
    let inputs: Vec<f32> =
        members.iter().flat_map(|&index| classifier.preprocess(&(case.seen)(index))).collect();
    let truth: Vec<usize> = members.iter().map(|&index| case.samples()[index].class).collect();
    let target = Target::new(classifier, inputs, truth);
    let correct: Vec<usize> = target.right()?.into_iter().map(|place| members[place]).collect();
    let independent = case.independent(&correct);
    if independent < LEAST {
        return Ok(Finding::inconclusive(
            format!(
                "It predicts {} of these {} pictures correctly, {independent} of them independent of each other; {LEAST} are needed.",
                correct.len(),
                members.len()
            ),
            "Add pictures, or read better-than-chance first.",
        ));
    }
    let rounds: usize = ATTACKS
        .iter()
        .map(|attack| epsilons(attack.norm).len() + if attack.steps > 1 { HALVINGS } else { 0 })
        .sum();
    let mut done = 0;
    let mut tell = || {
        done += 1;
        case.tell(ID, done - 1, rounds)
    };
    let mut attacked = Vec::new();
    for attack in &ATTACKS {
        attacked.push(target.search(attack, &mut tell)?);
    }
    let used = format!(
        "{} {subset} pictures at the network's input size, and the network's gradient",
        members.len()
    );
    let finding = finding(&attacked, independent);
    Ok(finding.with_evidence(evidence(case, &members, classifier.input(), &attacked)).used(used))
}

fn by_name<'a>(attacked: &'a [Attacked], name: &str) -> &'a Attacked {
    attacked.iter().find(|one| one.attack.name == name).expect("every attack was made")
}

/// Of `independent` correct predictions it can be said how many survive.
fn finding(attacked: &[Attacked], independent: usize) -> Finding {
    let linf = by_name(attacked, "PGD, L∞");
    let clean = linf.accuracy(0.0);
    let left = |place: usize| linf.accuracy(LINF[place] / 255.0);
    let survives = left(HARDLY_SEEN) / clean;
    let interval = Interval::of_share(survives, independent);
    let verdict = verdict(interval);
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let headline = format!(
        "If every value may change by 8 of 255, accuracy drops from {} to {}: {} of the correct predictions survive (95% interval {} \
         to {}). Within 2 of 255 accuracy is {}.",
        per_cent(clean),
        per_cent(left(HARDLY_SEEN)),
        per_cent(survives),
        per_cent(interval.low),
        per_cent(interval.high),
        per_cent(left(UNSEEN)),
    );
    let (meaning, advice) = words(verdict);
    let finding = Finding::new(verdict, headline, meaning)
        .advice(advice)
        .figure_within("correct predictions that survive 8/255 (PGD, L∞)", survives, interval, Unit::Share)
        .figure("accuracy on these pictures, unchanged", clean, Unit::Share)
        .figure("accuracy within 2/255 (PGD, L∞)", left(UNSEEN), Unit::Share)
        .figure("accuracy within 8/255 (PGD, L∞)", left(HARDLY_SEEN), Unit::Share)
        .figure(
            "smallest L∞ change (of 255) that changes a prediction, median",
            255.0 * linf.median(),
            Unit::Plain,
        )
        .figure(
            "smallest L2 change that changes a prediction, median",
            by_name(attacked, "PGD, L2").median(),
            Unit::Plain,
        )
        .with_table(table(attacked));
    attacked.iter().fold(finding, |finding, one| finding.with_series(series(one)))
}

/// By the interval of the share of correct predictions that survive.
fn verdict(survives: Interval) -> Verdict {
    match survives {
        Interval { low, .. } if low >= LEFT => Verdict::Pass,
        Interval { high, .. } if high < LEFT => Verdict::Warn,
        _ => Verdict::Inconclusive,
    }
}

fn words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => (
            "Most correct predictions survive this attack. A stronger one may need less: this is no proof that the network is safe \
             where somebody gains by fooling it.",
            "",
        ),
        Verdict::Inconclusive => (
            "With so few pictures the check cannot tell whether half of the correct predictions survive the attack.",
            "Evaluate more pictures. Until then, do not rely on it where somebody gains by fooling it.",
        ),
        _ => (
            "Changes that are hard to see, made by somebody who knows the network, destroy most of its correct predictions. The same \
             is true of nearly every network that was not trained against such attacks.",
            "Do not use it where somebody gains by fooling it, and say so. This does not mean that it fails on unchanged pictures.",
        ),
    }
}

/// ε as it is read: in 255ths, or as it is.
fn written(norm: Norm, epsilon: f64) -> f64 {
    match norm {
        Norm::Linf => (255.0 * epsilon).round(),
        Norm::L2 => epsilon,
    }
}

fn series(one: &Attacked) -> Series {
    let Attack { name, norm, .. } = *one.attack;
    let point = |epsilon: f64| (written(norm, epsilon), one.accuracy(epsilon));
    Series {
        title: format!("Accuracy under {name}"),
        x: if norm == Norm::Linf { "ε, of 255" } else { "ε, for values in 0 to 1" }.to_owned(),
        y: Some("accuracy".to_owned()),
        points: [0.0].into_iter().chain(epsilons(norm)).map(point).collect(),
        mark: None,
    }
}

fn table(attacked: &[Attacked]) -> Table {
    let row = |one: &Attacked| {
        let norm = one.attack.norm;
        let cells = epsilons(norm)
            .map(|epsilon| format!("{}: {:.0}%", written(norm, epsilon), 100.0 * one.accuracy(epsilon)));
        [one.attack.name.to_owned(), format!("{:.0}%", 100.0 * one.accuracy(0.0))]
            .into_iter()
            .chain(cells)
            .collect()
    };
    Table {
        title: "Accuracy by attack and ε (L∞: of 255; L2: for values in 0 to 1)".to_owned(),
        heading: ["attack", "unchanged", "ε", "ε", "ε", "ε", "ε", "ε"].map(String::from).to_vec(),
        rows: attacked.iter().map(row).collect(),
    }
}

/// The pictures that needed the smallest change, each unchanged and changed.
fn evidence(
    case: &Case<'_>,
    members: &[usize],
    input: &Preprocessing,
    attacked: &[Attacked],
) -> Vec<Evidence> {
    let linf = by_name(attacked, "PGD, L∞");
    let mut found: Vec<(usize, &Vec<f32>)> = linf
        .changed
        .iter()
        .enumerate()
        .filter_map(|(place, changed)| Some((place, changed.as_ref()?)))
        .collect();
    found.sort_by(|a, b| linf.smallest[a.0].total_cmp(&linf.smallest[b.0]));
    let show = |&(place, changed): &(usize, &Vec<f32>)| {
        let index = members[place];
        Evidence {
            note: format!(
                "With no value changed by more than {:.1} of 255, the prediction is wrong.",
                255.0 * linf.smallest[place]
            ),
            pictures: vec![Shown::of(case, index), Shown::changed(case, index, &picture(input, changed))],
        }
    };
    found.iter().take(SHOWN).map(show).collect()
}

fn picture(input: &Preprocessing, values: &[f32]) -> Image {
    let pixels = values.iter().map(|value| (255.0 * value).round() as u8).collect();
    Image::new(input.width, input.height, input.channels, pixels).expect("an attack changes no size")
}

#[cfg(test)]
mod tests {
    use candor_core::{ClassifyError, DifferentiableClassifier, Evidence as Answered, Prediction, Quantity};

    use super::super::testing::{Bright, Fake};
    use super::*;

    /// Softmax of 0 and `slope` × (mean of the middle − .35): how far each value has to move is known.
    struct Linear {
        slope: f32,
        input: Preprocessing,
        classes: Vec<String>,
    }

    const SIDE: usize = 16;
    const INSIDE: f32 = 64.0;
    const LIMIT: f32 = 0.35;

    impl Linear {
        fn new(fake: &Fake, slope: f32) -> Linear {
            let (channels, fit) = (candor_core::Channels::Grey, candor_core::Fit::Stretch);
            let input = Preprocessing { height: SIDE, width: SIDE, channels, fit };
            Linear { slope, input, classes: fake.classes.clone() }
        }

        fn is_inside(place: usize) -> bool {
            (4..12).contains(&(place % SIDE)) && (4..12).contains(&(place / SIDE))
        }

        fn light(&self, input: &[f32]) -> f32 {
            let score: f32 =
                input.iter().enumerate().filter(|(place, _)| Linear::is_inside(*place)).map(|(_, v)| v).sum();
            1.0 / (1.0 + (-self.slope * (score / INSIDE - LIMIT)).exp())
        }
    }

    impl Classifier for Linear {
        fn classes(&self) -> &[String] {
            &self.classes
        }

        fn predict(&self, images: &[Image]) -> Result<Vec<Prediction>, ClassifyError> {
            let light = |image: &Image| self.light(&self.preprocess(image));
            let one = |image: &Image| Prediction { probabilities: vec![1.0 - light(image), light(image)] };
            Ok(images.iter().map(one).collect())
        }

        fn differentiable(&self) -> Option<&dyn DifferentiableClassifier> {
            Some(self)
        }
    }

    impl DifferentiableClassifier for Linear {
        fn input(&self) -> &Preprocessing {
            &self.input
        }

        fn evidence(&self, inputs: &[f32]) -> Result<Answered, ClassifyError> {
            let lights = inputs.chunks(SIDE * SIDE).map(|input| self.light(input));
            Ok(Answered {
                scores: Vec::new(),
                probabilities: lights.flat_map(|light| [1.0 - light, light]).collect(),
            })
        }

        fn gradient(&self, inputs: &[f32], of: &[Quantity]) -> Result<Vec<f32>, ClassifyError> {
            let one = |(input, of): (&[f32], &Quantity)| {
                let Quantity::Loss(class) = of else { panic!("an attack asks for the loss, not for {of:?}") };
                let outer = (self.light(input) - *class as f32) * self.slope / INSIDE;
                (0..SIDE * SIDE)
                    .map(|place| if Linear::is_inside(place) { outer } else { 0.0 })
                    .collect::<Vec<_>>()
            };
            Ok(inputs.chunks(SIDE * SIDE).zip(of).flat_map(one).collect())
        }
    }

    fn asked(fake: &Fake) -> Finding {
        let classifier = Linear::new(fake, 20.0);
        fake.with(|case| CHECK.run(&Case { classifier: Some(&classifier), ..*case }, &Bright(fake)).unwrap())
    }

    #[test]
    fn the_smallest_change_of_a_linear_rule_is_the_one_that_can_be_computed() {
        // The middle of a dark picture is about 49.5 of 255, of a light one 149.5; the rule divides at 89.25.
        let finding = asked(&Fake::bright(400));
        assert_eq!(finding.verdict, Verdict::Pass, "{}", finding.headline);
        let linf = finding.value("smallest L∞ change (of 255) that changes a prediction, median");
        assert_eq!(linf, None, "60 for half of the pictures, 40 for the others: beyond 32");
        // 40 / 255 in each of 64 values have a length of 1.25, 60 / 255 one of 1.89.
        let l2 = finding.value("smallest L2 change that changes a prediction, median").unwrap();
        assert!((1.1..=2.05).contains(&l2), "{l2}");
        assert!(finding.series.iter().all(|series| series.points.is_sorted_by(|a, b| a.1 >= b.1)));
    }

    #[test]
    fn where_light_and_dark_are_close_little_is_enough_and_is_shown() {
        let mut fake = Fake::bright(400);
        for image in &mut fake.images {
            let dim = |value: &u8| (f64::from(*value) * 0.02 + 87.5) as u8;
            let pixels = image.pixels().iter().map(dim).collect();
            *image = Image::new(SIDE, SIDE, candor_core::Channels::Grey, pixels).unwrap();
        }
        let finding = asked(&fake);
        assert_eq!(finding.verdict, Verdict::Warn, "{}", finding.headline);
        assert_eq!(finding.evidence.len(), SHOWN);
        // Nobody sees a difference of five.
        let changed = finding.evidence[0].pictures[1].changed.as_ref().unwrap().image().unwrap();
        let original = &fake.images[finding.evidence[0].pictures[0].index];
        assert!(changed.pixels().iter().zip(original.pixels()).all(|(a, b)| a.abs_diff(*b) <= 5));
        assert_eq!(asked(&Fake::bright(24)).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn the_verdict_is_that_of_the_printed_share() {
        // What was once a pass: 83 % are right, 2 % within 8/255.
        assert_eq!(verdict(Interval::wilson(2, 83)), Verdict::Warn);
        assert_eq!(verdict(Interval::wilson(80, 83)), Verdict::Pass);
        for survivors in [40, 44] {
            assert_eq!(verdict(Interval::wilson(survivors, 83)), Verdict::Inconclusive, "{survivors}");
        }
    }

    #[test]
    fn pictures_of_one_group_are_one() {
        let mut fake = Fake::bright(400);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.group = Some((index / 40).to_string());
        }
        let finding = asked(&fake);
        assert_eq!(finding.verdict, Verdict::Inconclusive, "{}", finding.headline);
        assert!(finding.headline.contains("10 of them independent"), "{}", finding.headline);
    }
}
