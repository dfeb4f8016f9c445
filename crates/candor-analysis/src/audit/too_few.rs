//! Are there enough evaluated pictures for what is to be said?

use candor_core::Subset;

use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Series, Topic, Unit, Verdict};
use crate::evaluate::Accuracy;

pub(super) static CHECK: Check = Check {
    id: "too-few",
    title: "Too few pictures",
    topic: Topic::SoundData,
    cost: Cost::Cheap,
    permutes: false,
    asks: "How exactly do so many evaluated pictures give the accuracy?",
    how: "From the number of evaluated pictures (of units, where pictures belong together) and the accuracy: the 95% interval, and \
          the smallest difference between two accuracies that would be detected four times out of five at the level .05, \
          2.8 · √(2 p (1 − p) / n), by the normal approximation.",
    fail_means: "The accuracy may be off by more than anybody would claim as an effect.",
    misleads: "It takes pictures of different units as independent. Two models evaluated on the same pictures can be told apart a \
               little better than this says.",
    reference: "Cohen, Statistical power analysis for the behavioral sciences (1988), chapter 6",
    scale: Scale {
        pass: "The 95% interval of the accuracy reaches at most 6 points to each side.",
        inconclusive: "Nothing was evaluated.",
        warn: "It reaches more than 6 points to each side.",
        fail: "It reaches more than 12 points to each side.",
    },
    run,
};

/// Half widths of the interval above which it warns, and fails.
const WARN: f64 = 0.06;
const FAIL: f64 = 0.12;
/// Two-sided 5 % and 80 % power: 1.96 + 0.84 standard errors.
const STANDARD_ERRORS: f64 = 2.8;

/// The smallest difference of two shares near `share`, each from `n` independent pictures, that is found four times of five.
pub fn smallest_difference(share: f64, n: f64) -> f64 {
    // Of 0 or 1 the normal approximation knows no spread: take what one error more would give.
    let share = share.clamp(1.0 / (n + 2.0), 1.0 - 1.0 / (n + 2.0));
    STANDARD_ERRORS * (2.0 * share * (1.0 - share) / n).sqrt()
}

fn run(case: &Case<'_>, _: &dyn Learner) -> Result<Finding, AuditErrorKind> {
    let Some((subset, answers)) = case.judged() else {
        return Ok(Finding::inconclusive(
            "The network was not evaluated on any picture.",
            "Evaluate it: candor evaluate.",
        ));
    };
    let pictures = answers.indices.len();
    let independent = case.independent(&answers.indices);
    let Accuracy { value: accuracy, interval, .. } = case.accuracy(answers).expect("something was predicted");
    let half = interval.width() / 2.0;
    let difference = smallest_difference(accuracy, independent as f64);
    let verdict = match half {
        half if half > FAIL => Verdict::Fail,
        half if half > WARN => Verdict::Warn,
        _ => Verdict::Pass,
    };
    let headline = format!("{} {}", exactness(pictures, independent, subset, half), detectable(difference));
    let (meaning, advice) = match verdict {
        Verdict::Pass => ("There are enough pictures to say roughly how good the network is.", String::new()),
        _ => (
            "The accuracy could have come out quite differently on other pictures of the same kind. Smaller differences \
             between models, classes or groups cannot be told from chance.",
            format!(
                "For ±{:.0} points evaluate on about {} independent pictures.",
                100.0 * WARN,
                needed(accuracy)
            ),
        ),
    };
    let curve = |n: usize| (n as f64, 100.0 * smallest_difference(accuracy, n as f64));
    Ok(Finding::new(verdict, headline, meaning)
        .advice(advice)
        .used(format!("the predictions for {pictures} {subset} pictures"))
        .figure("independent evaluated pictures", independent as f64, Unit::Count)
        .figure_within("accuracy", accuracy, interval, Unit::Share)
        .figure("smallest difference that could be detected", difference, Unit::Points)
        .with_series(Series {
            title: "The smallest difference that could be detected".to_owned(),
            x: "independent evaluated pictures".to_owned(),
            y: Some("difference, points".to_owned()),
            points: [50, 100, 200, 400, 800, 1600].map(curve).to_vec(),
            mark: (50..=1600).contains(&independent).then_some(independent as f64),
        }))
}

/// `300 test pictures of 40 units give the accuracy to ±7 points.`
fn exactness(pictures: usize, independent: usize, subset: Subset, half: f64) -> String {
    let noun = if pictures == 1 { "picture" } else { "pictures" };
    let gives = if pictures == 1 { "gives" } else { "give" };
    let of = match independent {
        _ if independent == pictures => String::new(),
        1 => " of 1 unit".to_owned(),
        _ => format!(" of {independent} units"),
    };
    format!("{pictures} {subset} {noun}{of} {gives} the accuracy to ±{:.0} points.", (100.0 * half).ceil())
}

/// What difference could be detected, rounded up; no two accuracies differ by more than 100 points.
fn detectable(difference: f64) -> String {
    match (100.0 * difference).ceil() {
        points if points > 100.0 => {
            "No difference from another accuracy on as many pictures could be detected.".to_owned()
        }
        points => format!(
            "From another accuracy on as many pictures only differences of {points:.0} {} or more could be detected.",
            if points == 1.0 { "point" } else { "points" }
        ),
    }
}

/// Pictures that give an accuracy to ± [`WARN`], in tens: no more digits than are meant.
fn needed(accuracy: f64) -> usize {
    let pictures = (accuracy * (1.0 - accuracy)).max(0.05) * (1.96 / WARN).powi(2);
    10 * (pictures / 10.0).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Bright, Fake};
    use super::*;

    #[test]
    fn few_pictures_fail_many_pass_and_groups_count_once() {
        let asked = |fake: &Fake| fake.with(|case| CHECK.run(case, &Bright(fake)).unwrap());
        assert_eq!(asked(&Fake::bright(40)).verdict, Verdict::Fail);
        let mut fake = Fake::bright(800);
        assert_eq!(asked(&fake).verdict, Verdict::Pass);
        fake.samples.iter_mut().enumerate().for_each(|(i, sample)| sample.group = Some((i / 80).to_string()));
        let finding = asked(&fake);
        assert_eq!(
            (finding.verdict, finding.value("independent evaluated pictures")),
            (Verdict::Fail, Some(10.0))
        );
        assert!(finding.advice.contains("about 60 independent"), "{}", finding.advice);
        assert!(finding.headline.starts_with("200 test pictures of 10 units give"), "{}", finding.headline);
    }

    #[test]
    fn no_difference_above_one_hundred_points_is_written() {
        for pictures in [8, 16, 24, 40, 80, 800] {
            let mut fake = Fake::bright(pictures);
            fake.answer(|index| index / 8 % 2 == 0);
            let headline = fake.with(|case| CHECK.run(case, &Bright(&fake)).unwrap()).headline;
            let points: Vec<f64> =
                headline.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
            assert!(points[1..].iter().all(|&points| points <= 100.0), "{headline}");
        }
        assert!(detectable(1.98).starts_with("No difference"));
        assert_eq!(exactness(1, 1, Subset::Test, 0.5), "1 test picture gives the accuracy to ±50 points.");
    }

    #[test]
    fn the_smallest_difference_is_that_of_the_textbook() {
        // Two proportions near .5 with 392 each: 10 points (Cohen's h = .2, power .80).
        assert!((smallest_difference(0.5, 392.0) - 0.1).abs() < 0.001);
    }
}
