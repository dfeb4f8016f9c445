//! Does it know when it may be wrong: stated probabilities against the share of right predictions, overall and by subgroup.

mod deal;

use deal::{Predicted, SharedLuck};

use super::attributes::groupings;
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Series, Table, Topic, Unit, Verdict,
};
use crate::LabelledPredictions;
use crate::evaluate::{Calibration, Interval};
use crate::interval::{Deals, MaxT, TestOutcome};

pub(super) static CHECK: Check = Check {
    id: "calibration",
    title: "Calibration",
    topic: Topic::ForWhom,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Is it right as often as it says, and for every group of pictures?",
    how: "The expected calibration error with 15 bins, for all evaluated pictures and for each group of at least 50 that the \
          source tells apart. Even a model that is right exactly as often as it says has an error above 0 on so many \
          pictures: 999 to 1,999 times each prediction is drawn anew as right with the probability that it states, which \
          gives the error that chance alone makes. Pictures of one unit (a person, a burst, copies) are drawn as dependent on \
          each other as their errors show, the upper end of its interval taken. All pictures and all groups are tested \
          together (step-down maxT). How much it is off is the larger of two figures: the error beyond that of chance, and \
          the difference between the mean stated probability and the share of right predictions. The smallest error that \
          the test detects four times out of five is found by drawing predictions that are too sure by so much.",
    fail_means: "The probabilities that it states are far from the truth: “95% sure” does not mean wrong one time in twenty.",
    misleads: "Only the probability of the predicted class is looked at. A model may be well calibrated and useless, or badly \
               calibrated and right; calibration on pictures of another kind can be far worse.",
    reference: "Guo, Pleiss, Sun & Weinberger, On calibration of modern neural networks, ICML (2017); Bröcker & Smith, \
                Increasing the reliability of reliability diagrams, Weather and Forecasting 22 (2007), consistency resampling; \
                Westfall & Young, Resampling-based multiple testing (1993); Pleiss et al., On fairness and calibration, NeurIPS \
                (2017)",
    scale: Scale {
        pass: "Being right as often as it says is not rejected (corrected p > .05), and being too sure by 10 points would have been \
               detected four times out of five; or it is rejected, but its probabilities are off by less than 1 point.",
        inconclusive: "It is not rejected, but only larger errors could have been detected, or none; or there are fewer than 50 \
                       pictures.",
        warn: "It is rejected (corrected p ≤ .05), for all pictures or for a group, and its probabilities are off by 1 point or more.",
        fail: "It is rejected (corrected p ≤ .05), for all pictures or for a group, and its probabilities are off by 10 points or \
               more.",
    },
    run,
};

const ID: &str = "calibration";
/// Fewer pictures say nothing of probabilities.
const LEAST: usize = 50;
/// How far a rejected calibration has to be off for a warning, and for a fail.
const WARN: f64 = 0.01;
const FAIL: f64 = 0.10;
/// Where only larger errors could be detected, finding none says nothing.
const TOO_COARSE: f64 = 0.10;
/// Corrected p-values up to this are clear.
const CLEAR: f64 = 0.05;
/// Draws of one test: as many as this much work allows, within these bounds.
const MOST_WORK: usize = 1_000_000_000;
const DRAWS: [usize; 2] = [999, 1_999];

/// Some of the pictures: all, or one group.
struct Part {
    name: String,
    /// Places among the predictions.
    members: Vec<usize>,
}

/// How well the probabilities of some of the pictures hold.
struct Reading {
    name: String,
    pictures: usize,
    error: f64,
    /// The error that chance alone gives a model that is right as often as it says.
    expected: f64,
    /// Mean probability that it states, and the share of right predictions.
    stated: f64,
    right: Interval,
    accuracy: f64,
    outcome: TestOutcome,
    /// By how much it would have to be too sure to be found four times out of five; `None` where it never is.
    detectable: Option<f64>,
}

impl Reading {
    /// By how much its probabilities are off.
    fn size(&self) -> f64 {
        (self.error - self.expected).max((self.stated - self.accuracy).abs())
    }

    fn verdict(&self) -> Verdict {
        match self.outcome.rejects(CLEAR) {
            true if self.size() >= FAIL => Verdict::Fail,
            true if self.size() >= WARN => Verdict::Warn,
            true => Verdict::Pass,
            false if self.detectable.is_some_and(|smallest| smallest <= TOO_COARSE) => Verdict::Pass,
            false => Verdict::Inconclusive,
        }
    }

    fn direction(&self) -> &'static str {
        if self.stated > self.accuracy { "too sure" } else { "not sure enough" }
    }
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let judged = case.judged().filter(|(_, answers)| answers.indices.len() >= LEAST);
    let Some((subset, answers)) = judged else {
        return Ok(Finding::inconclusive(
            format!(
                "The network was evaluated on fewer than {LEAST} pictures: too few to say whether its probabilities hold."
            ),
            "Evaluate it on more pictures: raise --validation-share or --test-share, or add pictures.",
        ));
    };
    let Some(predictions) = case.labelled(answers) else {
        return Ok(Finding::inconclusive(
            "The saved predictions are not probabilities that add up to 1.",
            "Evaluate the model again: candor evaluate.",
        ));
    };
    let readings = readings(case, answers, &predictions)?;
    let used = format!("the predictions for {} {subset} pictures", answers.indices.len());
    Ok(finding(&readings, &predictions).used(used))
}

/// All pictures, then each group that is large enough.
fn parts(case: &Case<'_>, answers: &Answers) -> Vec<Part> {
    let mut parts =
        vec![Part { name: "all pictures".to_owned(), members: (0..answers.indices.len()).collect() }];
    for grouping in groupings(case) {
        for (group, name) in grouping.names.iter().enumerate() {
            let here = |&at: &usize| grouping.of[answers.indices[at]] == Some(group);
            let members: Vec<usize> = (0..answers.indices.len()).filter(here).collect();
            if members.len() >= LEAST {
                parts.push(Part { name: format!("{}: {name}", grouping.what), members });
            }
        }
    }
    parts
}

fn readings(
    case: &Case<'_>,
    answers: &Answers,
    predictions: &LabelledPredictions,
) -> Result<Vec<Reading>, AuditErrorKind> {
    let parts = parts(case, answers);
    let predicted = Predicted::of(case, answers, predictions);
    let luck = SharedLuck::of(&predicted);
    let errors = |right: &[bool]| -> Vec<f64> {
        parts.iter().map(|part| predicted.calibration_error(&part.members, right)).collect()
    };
    let observed = errors(predicted.right());
    let work: usize = parts.iter().map(|part| part.members.len()).sum();
    let draws = (MOST_WORK / work.max(1)).clamp(DRAWS[0], DRAWS[1]);
    let mut all = Deals::new(observed.clone());
    let mut expected = vec![0.0; parts.len()];
    for draw in 0..draws {
        if draw % 50 == 0 {
            case.tell(ID, draw, draws)?;
        }
        let drawn = errors(&predicted.draw(0.0, luck, &mut case.seed(ID).at(draw as u64).rng()));
        expected.iter_mut().zip(&drawn).for_each(|(sum, error)| *sum += error / draws as f64);
        all.push(&drawn);
    }
    let test = all.max_t();
    let reading = |(number, part): (usize, &Part)| Reading {
        expected: expected[number],
        error: observed[number],
        ..reading(case, &predicted, luck, part, (&test, number))
    };
    Ok(parts.iter().enumerate().map(reading).collect())
}

fn reading(
    case: &Case<'_>,
    predicted: &Predicted,
    luck: SharedLuck,
    part: &Part,
    (test, number): (&MaxT, usize),
) -> Reading {
    let pictures = part.members.len();
    let right = part.members.iter().filter(|&&at| predicted.right()[at]).count();
    let accuracy = right as f64 / pictures as f64;
    let indices: Vec<usize> = part.members.iter().map(|&at| predicted.index(at)).collect();
    let threshold = test.threshold(number, CLEAR);
    let seed = case.seed(ID).derive("power").at(number as u64);
    Reading {
        name: part.name.clone(),
        pictures,
        error: 0.0,
        expected: 0.0,
        stated: part.members.iter().map(|&at| predicted.stated(at)).sum::<f64>() / pictures as f64,
        right: case
            .units
            .share_interval(&indices, |place| Some(predicted.right()[part.members[place]]))
            .expect("a part has pictures"),
        accuracy,
        outcome: test.outcome(number, f64::INFINITY),
        detectable: threshold
            .and_then(|threshold| predicted.smallest_detectable(&part.members, luck, threshold, seed)),
    }
}

fn finding(readings: &[Reading], predictions: &LabelledPredictions) -> Finding {
    let all = &readings[0];
    // A group is named in place of all pictures only where it is worse by a verdict; that it is small says nothing.
    let worse = readings[1..].iter().filter(|one| one.verdict() > all.verdict().max(Verdict::Inconclusive));
    let order =
        |a: &&Reading, b: &&Reading| a.verdict().cmp(&b.verdict()).then(a.size().total_cmp(&b.size()));
    let worst = worse.max_by(order).unwrap_or(all);
    let verdict = worst.verdict();
    let (meaning, advice) = words(verdict);
    let finding = Finding::new(verdict, headline(worst), meaning)
        .advice(advice)
        .figure("expected calibration error", all.error, Unit::Points)
        .figure("of which chance alone would make", all.expected, Unit::Points)
        .figure("mean probability that it states", all.stated, Unit::Share)
        .figure_within("share of right predictions", all.accuracy, all.right, Unit::Share);
    let finding = match worst.detectable {
        Some(smallest) => finding.figure("smallest error that could be detected", smallest, Unit::Points),
        None => finding,
    };
    let finding = finding.tested(worst.outcome).with_table(table(readings));
    let curve = reliability(predictions);
    // A single bin is no curve: its figures are in the table.
    if curve.points.len() > 1 { finding.with_series(curve) } else { finding }
}

fn headline(worst: &Reading) -> String {
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let Interval { low, high } = worst.right;
    let says = format!(
        "{} on average and is right in {} ({:.0} to {:.0})",
        per_cent(worst.stated),
        per_cent(worst.accuracy),
        100.0 * low,
        100.0 * high
    );
    let p = p_words(worst.outcome.p);
    let off = 100.0 * worst.size();
    match (worst.verdict(), worst.detectable) {
        (Verdict::Pass, _) if worst.outcome.rejects(CLEAR) => {
            format!("It says {says}: it is not exactly calibrated ({p}), but off by less than a point.")
        }
        (Verdict::Pass, smallest) => format!(
            "It says {says}; being too sure by {:.0} points would have been detected.",
            (100.0 * smallest.unwrap_or(1.0)).ceil()
        ),
        (Verdict::Inconclusive, Some(smallest)) => format!(
            "It says {says}; with {} pictures it could only be detected where it is too sure by more than {:.0} points.",
            worst.pictures,
            (100.0 * smallest).ceil()
        ),
        (Verdict::Inconclusive, None) => format!(
            "It says {says}; with {} pictures no error of its probabilities could have been detected.",
            worst.pictures
        ),
        _ if 2.0 * (worst.stated - worst.accuracy).abs() >= worst.size() => {
            format!(
                "Of {}, it is {}: it says {says}; off by {off:.0} points ({p}).",
                worst.name,
                worst.direction()
            )
        }
        _ => format!(
            "Of {}, its probabilities are off by {off:.0} points, in both directions ({p}): it says {says}.",
            worst.name
        ),
    }
}

fn p_words(p: f64) -> String {
    if p < 0.001 {
        "p < .001".to_owned()
    } else {
        format!("p = {}", format!("{p:.3}").trim_start_matches('0'))
    }
}

fn words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => (
            "On pictures like these, its probabilities may be read as chances of being right; a smaller error may have been missed.",
            "",
        ),
        Verdict::Inconclusive => (
            "These pictures cannot tell whether “90% sure” means right nine times out of ten.",
            "Evaluate it on more pictures before its probabilities are shown to anybody.",
        ),
        _ => (
            "Its probabilities may order the predictions, but they may not be read as chances of being right.",
            "Do not show or threshold its probabilities as they are. Where it is too sure, train for fewer epochs or with \
             --label-smoothing; where it is not sure enough, for more. Or use only the order of the predictions.",
        ),
    }
}

/// What it states against how often that is right, of the bins with enough predictions.
fn reliability(predictions: &LabelledPredictions) -> Series {
    let calibration = Calibration::of(predictions, Calibration::DEFAULT_BINS);
    let filled = calibration.bins.iter().filter(|bin| bin.pictures >= 5);
    let point = |bin: &crate::evaluate::ReliabilityBin| Some((bin.confidence?, bin.accuracy?));
    Series {
        title: "Right predictions against stated probability (a calibrated model is on the diagonal)"
            .to_owned(),
        x: "stated probability".to_owned(),
        y: Some("share right".to_owned()),
        points: filled.filter_map(point).collect(),
        mark: None,
    }
}

fn table(readings: &[Reading]) -> Table {
    let row = |reading: &Reading| {
        let points = |share: f64| format!("{:.1}", 100.0 * share);
        let Interval { low, high } = reading.right;
        let right = format!("{:.0}% ({:.0} to {:.0})", 100.0 * reading.accuracy, 100.0 * low, 100.0 * high);
        vec![
            reading.name.clone(),
            reading.pictures.to_string(),
            format!("{:.0}%", 100.0 * reading.stated),
            right,
            points(reading.error),
            points(reading.expected),
            reading.detectable.map_or_else(|| "none".to_owned(), points),
            format!("{:.3}", reading.outcome.p),
        ]
    };
    Table {
        title: "Calibration by group".to_owned(),
        heading: [
            "of",
            "pictures",
            "it says, on average",
            "right (95%)",
            "calibration error, points",
            "of chance alone, points",
            "smallest error that could be detected, points",
            "p, corrected",
        ]
        .map(String::from)
        .to_vec(),
        rows: readings.iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use candor_core::{Seed, Subset};

    use super::super::testing::{Bright, Fake};
    use super::*;

    fn asked(fake: &Fake) -> Finding {
        fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap())
    }

    /// Test pictures with stated probabilities of .55 to .95; right with the probability that `truly` gives for what is
    /// stated and the group (0 or 1).
    fn study(pictures: usize, seed: u64, truly: impl Fn(f64, usize) -> f64) -> Fake {
        let mut fake = Fake::bright(pictures);
        let group = |index: usize| index / 2 % 3 / 2;
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            sample.attributes.insert("hand".into(), ["left", "right"][group(index)].into());
        }
        let indices = fake.split.test.clone();
        let row = |&index: &usize| {
            let mut rng = Seed(seed).at(index as u64).rng();
            let stated = rng.range(0.55, 0.95);
            let class = fake.samples[index].class;
            let said = if rng.unit() < truly(stated, group(index)) { class } else { 1 - class };
            let stated = stated as f32;
            if said == 0 { [stated, 1.0 - stated] } else { [1.0 - stated, stated] }
        };
        let probabilities = indices.iter().flat_map(row).collect();
        fake.answers.insert(Subset::Test, Answers { indices, probabilities });
        fake
    }

    #[test]
    fn right_as_often_as_it_says_passes_in_nine_of_ten_draws() {
        let draws = (0..10).map(|seed| asked(&study(2400, seed, |stated, _| stated)));
        assert!(draws.filter(|finding| finding.verdict > Verdict::Pass).count() <= 1);
    }

    #[test]
    fn too_sure_fails() {
        let finding = asked(&study(2400, 1, |stated, _| stated - 0.25));
        assert_eq!(finding.verdict, Verdict::Fail, "{finding:?}");
        assert!(finding.headline.starts_with("Of all pictures, it is too sure"), "{}", finding.headline);
        assert!(finding.series[0].points.iter().all(|(stated, right)| right < stated));
    }

    #[test]
    fn a_group_for_which_it_does_not_hold_is_named() {
        // For “right”, a third of the pictures, it is right always: not sure enough there.
        let finding = asked(&study(2400, 2, |stated, group| if group == 1 { 1.0 } else { stated }));
        assert!(finding.verdict >= Verdict::Warn, "{finding:?}");
        assert!(finding.headline.contains("hand: right, it is not sure enough"), "{}", finding.headline);
    }

    #[test]
    fn few_pictures_say_nothing() {
        assert_eq!(asked(&study(100, 1, |stated, _| stated)).verdict, Verdict::Inconclusive);
        assert_eq!(asked(&study(240, 1, |stated, _| stated)).verdict, Verdict::Inconclusive);
    }

    #[test]
    fn what_is_rejected_is_never_passed_unless_it_is_off_by_less_than_a_point() {
        for seed in 0..8 {
            let finding = asked(&study(2000, seed, |stated, _| stated - 0.06));
            let p = finding.value(super::super::P_VALUE).unwrap();
            assert_eq!(p <= 0.05, finding.verdict >= Verdict::Warn, "{}", finding.headline);
            assert!(!finding.headline.contains("chance") || p > 0.05, "{}", finding.headline);
        }
    }

    #[test]
    fn many_groups_do_not_hide_that_it_is_too_sure() {
        let mut fake = study(2400, 3, |stated, _| stated - 0.12);
        for (index, sample) in fake.samples.iter_mut().enumerate() {
            for column in 0..9 {
                let value = ["x", "y"][Seed(9).at(column).at(index as u64).rng().below(2)];
                sample.attributes.insert(format!("a{column}"), value.into());
            }
        }
        let finding = asked(&fake);
        assert_eq!(finding.verdict, Verdict::Fail, "{}", finding.headline);
        assert!(finding.headline.starts_with("Of all pictures, it is too sure"), "{}", finding.headline);
    }

    #[test]
    fn copies_that_are_wrong_together_are_no_evidence_of_their_own() {
        // Five copies each, right or wrong together; stated as it is.
        let rejected = (0..20).filter(|&seed| {
            let mut fake = study(1600, seed, |stated, _| stated);
            let test = fake.split.test.clone();
            for (place, &index) in test.iter().enumerate() {
                fake.samples[index].group = Some((place / 5).to_string());
                fake.samples[index].attributes.clear();
            }
            let answers = fake.answers.get_mut(&Subset::Test).unwrap();
            for unit in (0..test.len()).collect::<Vec<_>>().chunks(5) {
                let said_right = |at: usize| {
                    let class = fake.samples[test[at]].class;
                    answers.probabilities[2 * at + class] > 0.5
                };
                let first_right = said_right(unit[0]);
                let row = [answers.probabilities[2 * unit[0]], answers.probabilities[2 * unit[0] + 1]];
                let (high, low) = (row[0].max(row[1]), row[0].min(row[1]));
                for &at in unit {
                    let class = fake.samples[test[at]].class;
                    let named = if first_right { class } else { 1 - class };
                    answers.probabilities[2 * at + named] = high;
                    answers.probabilities[2 * at + 1 - named] = low;
                }
            }
            asked(&fake).value(super::super::P_VALUE).unwrap() <= 0.05
        });
        // Exact binomial: of 20 with .05 each at most 4, 99.7 times out of 100.
        let rejected = rejected.count();
        assert!(rejected <= 4, "{rejected}");
    }

    #[test]
    fn the_error_is_that_of_the_evaluation() {
        let fake = study(400, 6, |stated, _| stated - 0.1);
        fake.with(|case| {
            let answers = &case.answers[&Subset::Test];
            let labelled = case.labelled(answers).unwrap();
            let predicted = Predicted::of(case, answers, &labelled);
            let members: Vec<usize> = (0..answers.indices.len()).collect();
            let error = predicted.calibration_error(&members, predicted.right());
            let expected = Calibration::of(&labelled, Calibration::DEFAULT_BINS).expected_error;
            assert!((error - expected).abs() < 1e-12, "{error} {expected}");
        });
    }
}
