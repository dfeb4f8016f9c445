//! Does it know when it may be wrong: stated probabilities against the share of right answers, overall and by subgroup.

use candor_core::{Rng, Seed};

use super::attributes::groupings;
use super::{
    Answers, AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Series, Table, Topic, Unit, Verdict,
};
use crate::LabelledPredictions;
use crate::evaluate::{Calibration, Interval};
use crate::interval::holm;

pub(super) static CHECK: Check = Check {
    id: "calibration",
    title: "Calibration",
    topic: Topic::ForWhom,
    cost: Cost::Cheap,
    permutes: false,
    asks: "Is it right as often as it says, and for every group of pictures?",
    how: "The expected calibration error with 15 bins, for all judged pictures and for each group of at least 50 that the \
          source tells apart. Even a model that is right exactly as often as it says has an error above 0 on so many \
          pictures: its answers are dealt out 199 times as right with the probability that it states, which gives the error \
          that chance alone makes, and a p-value, corrected by Holm for all groups.",
    fail_means: "The probabilities that it states are far from the truth: “95% sure” does not mean wrong one time in twenty.",
    misleads: "Only the probability of the named class is looked at. A model may be well calibrated and useless, or badly \
               calibrated and right; calibration on pictures of another kind can be far worse.",
    reference: "Guo, Pleiss, Sun & Weinberger, On calibration of modern neural networks, ICML (2017); Bröcker & Smith, \
                Increasing the reliability of reliability diagrams, Weather and Forecasting 22 (2007), consistency resampling; \
                Pleiss et al., On fairness and calibration, NeurIPS (2017)",
    scale: Scale::UNWRITTEN,
    run,
};

const ID: &str = "calibration";
/// Fewer pictures say nothing of probabilities.
const LEAST: usize = 50;
/// Error beyond that of chance from which it is told, and from which it fails.
const WARN: f64 = 0.03;
const FAIL: f64 = 0.12;
/// Where chance alone gives more than this one time in twenty, seeing nothing says nothing.
const TOO_COARSE: f64 = 0.12;
const CLEAR: f64 = 0.05;
const DEALINGS: usize = 199;

/// How well the probabilities of some of the pictures hold.
struct Reading {
    name: String,
    pictures: usize,
    error: f64,
    /// Mean probability that it states, and the share of right answers.
    stated: f64,
    right: Interval,
    accuracy: f64,
    /// What chance alone gives a model that is right as often as it says.
    by_chance: Vec<f64>,
    p_value: f64,
}

impl Reading {
    fn expected(&self) -> f64 {
        self.by_chance.iter().sum::<f64>() / self.by_chance.len() as f64
    }

    /// What remains of the error without that of chance.
    fn excess(&self) -> f64 {
        (self.error - self.expected()).max(0.0)
    }

    fn verdict(&self) -> Verdict {
        let mut chance = self.by_chance.clone();
        chance.sort_by(f64::total_cmp);
        let one_in_twenty = chance[chance.len() * 19 / 20];
        match () {
            () if self.p_value <= CLEAR && self.excess() >= FAIL => Verdict::Fail,
            () if self.p_value <= CLEAR && self.excess() >= WARN => Verdict::Warn,
            () if one_in_twenty > TOO_COARSE => Verdict::Inconclusive,
            () => Verdict::Pass,
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
                "The network was judged on fewer than {LEAST} pictures: too few to say whether its probabilities hold."
            ),
            "Judge it on more pictures: raise --validation-share or --test-share, or add pictures.",
        ));
    };
    let parts = parts(case, answers);
    let mut readings = Vec::new();
    for (number, (name, members)) in parts.iter().enumerate() {
        case.tell(ID, number, parts.len())?;
        let Some(predictions) = case.labelled(&select(answers, members)) else { continue };
        readings.push(reading(name, &predictions, case.seed(ID).at(number as u64)));
    }
    let p_values: Vec<f64> = readings.iter().map(|reading| reading.p_value).collect();
    readings.iter_mut().zip(holm(&p_values)).for_each(|(reading, p_value)| reading.p_value = p_value);
    let Some(predictions) = case.labelled(answers).filter(|_| !readings.is_empty()) else {
        return Ok(Finding::inconclusive(
            "The saved answers are no probabilities that add up to 1.",
            "Judge the model again: candor evaluate.",
        ));
    };
    let used = format!("the answers for {} {subset} pictures", answers.indices.len());
    Ok(finding(&readings, &predictions).used(used))
}

/// All pictures, then each group that is large enough: places among the answers.
fn parts(case: &Case<'_>, answers: &Answers) -> Vec<(String, Vec<usize>)> {
    let mut parts = vec![("all pictures".to_owned(), (0..answers.indices.len()).collect())];
    for grouping in groupings(case) {
        for (group, name) in grouping.names.iter().enumerate() {
            let here = |&at: &usize| grouping.of[answers.indices[at]] == Some(group);
            let members: Vec<usize> = (0..answers.indices.len()).filter(here).collect();
            if members.len() >= LEAST {
                parts.push((format!("{}: {name}", grouping.what), members));
            }
        }
    }
    parts
}

fn select(answers: &Answers, members: &[usize]) -> Answers {
    let width = answers.probabilities.len() / answers.indices.len();
    let row = |&at: &usize| answers.probabilities[at * width..(at + 1) * width].iter().copied();
    Answers {
        indices: members.iter().map(|&at| answers.indices[at]).collect(),
        probabilities: members.iter().flat_map(row).collect(),
    }
}

fn reading(name: &str, predictions: &LabelledPredictions, seed: Seed) -> Reading {
    let pictures = predictions.len();
    let right = (0..pictures).filter(|&at| predictions.truth()[at] == predictions.predicted()[at]).count();
    let error = error_of(predictions);
    let by_chance: Vec<f64> =
        (0..DEALINGS).map(|deal| error_of(&dealt(predictions, &mut seed.at(deal as u64).rng()))).collect();
    let as_large = by_chance.iter().filter(|&&chance| chance >= error).count();
    Reading {
        name: name.to_owned(),
        pictures,
        error,
        stated: (0..pictures).map(|at| f64::from(predictions.confidence(at))).sum::<f64>() / pictures as f64,
        right: Interval::wilson(right as u64, pictures as u64),
        accuracy: right as f64 / pictures as f64,
        by_chance,
        p_value: (1 + as_large) as f64 / (1 + DEALINGS) as f64,
    }
}

fn error_of(predictions: &LabelledPredictions) -> f64 {
    Calibration::of(predictions, Calibration::DEFAULT_BINS).expected_error
}

/// The same answers, each right with the probability that it states.
fn dealt(predictions: &LabelledPredictions, rng: &mut Rng) -> LabelledPredictions {
    let classes = predictions.classes().len();
    let truth = |at: usize| {
        let said = predictions.predicted()[at];
        let right = rng.unit() < f64::from(predictions.confidence(at));
        if right { said } else { (said + 1) % classes }
    };
    let truth: Vec<usize> = (0..predictions.len()).map(truth).collect();
    let probabilities =
        (0..predictions.len()).flat_map(|at| predictions.probabilities(at).iter().copied()).collect();
    LabelledPredictions::new(predictions.classes().to_vec(), truth, probabilities)
        .expect("only the truth was changed, within the classes")
}

fn finding(readings: &[Reading], predictions: &LabelledPredictions) -> Finding {
    let all = &readings[0];
    // A group is told in place of all pictures only where it is worse by a verdict; that it is small is no news.
    let told = readings[1..].iter().filter(|one| one.verdict() > all.verdict().max(Verdict::Inconclusive));
    let order =
        |a: &&Reading, b: &&Reading| a.verdict().cmp(&b.verdict()).then(a.excess().total_cmp(&b.excess()));
    let worst = told.max_by(order).unwrap_or(all);
    let verdict = worst.verdict();
    let (meaning, advice) = words(verdict);
    let finding = Finding::new(verdict, headline(worst), meaning)
        .advice(advice)
        .figure("expected calibration error", all.error, Unit::Points)
        .figure("of which chance alone would make", all.expected(), Unit::Points)
        .figure("p of a model that is right as often as it says, corrected", all.p_value, Unit::PValue)
        .figure("mean probability that it states", all.stated, Unit::Share)
        .figure_within("share of right answers", all.accuracy, all.right, Unit::Share)
        .with_table(table(readings));
    let curve = reliability(predictions);
    // A single bin is no curve: its figures are in the table.
    if curve.points.len() > 1 { finding.with_series(curve) } else { finding }
}

fn headline(worst: &Reading) -> String {
    let per_cent = |share: f64| format!("{:.0}%", 100.0 * share);
    let (stated, accuracy) = (per_cent(worst.stated), per_cent(worst.accuracy));
    match worst.verdict() {
        Verdict::Pass => {
            format!("It says {stated} on average and is right in {accuracy}: that holds within chance.")
        }
        Verdict::Inconclusive => {
            format!("{} pictures are too few to say whether its probabilities hold.", worst.pictures)
        }
        _ => format!(
            "Of {}, it is {}: it says {stated} on average and is right in {accuracy} (off by {:.0} points in the bins).",
            worst.name,
            worst.direction(),
            100.0 * worst.error
        ),
    }
}

fn words(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("On pictures like these, its probabilities may be read as such.", ""),
        Verdict::Inconclusive => (
            "Whether “90% sure” means right nine times out of ten cannot be told. That is no good sign and no bad one.",
            "Judge it on more pictures before its probabilities are shown to anybody.",
        ),
        _ => (
            "Its probabilities may order the answers, but they may not be read as chances of being right.",
            "Do not show or threshold its probabilities as they are. Where it is too sure, train for fewer epochs or with \
             --label-smoothing; where it is not sure enough, for more. Or use only the order of the answers.",
        ),
    }
}

/// What it states against how often that is right, of the bins with enough answers.
fn reliability(predictions: &LabelledPredictions) -> Series {
    let calibration = Calibration::of(predictions, Calibration::DEFAULT_BINS);
    let filled = calibration.bins.iter().filter(|bin| bin.pictures >= 5);
    let point = |bin: &crate::evaluate::ReliabilityBin| Some((bin.confidence?, bin.accuracy?));
    Series {
        title: "Right answers against stated probability (where both agree it holds)".to_owned(),
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
            points(reading.expected()),
            format!("{:.3}", reading.p_value),
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
    fn right_as_often_as_it_says_passes_and_of_ten_draws_hardly_one_is_told() {
        let told =
            (0..10).filter(|&seed| asked(&study(2400, seed, |stated, _| stated)).verdict > Verdict::Pass);
        assert!(told.count() <= 1);
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
}
