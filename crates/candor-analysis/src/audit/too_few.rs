//! Are there enough judged pictures for what is to be said?

use super::{AuditErrorKind, Case, Check, Cost, Finding, Learner, Scale, Series, Topic, Unit, Verdict};
use crate::evaluate::Interval;

pub(super) static CHECK: Check = Check {
    id: "too-few",
    title: "Too few pictures",
    topic: Topic::SoundData,
    cost: Cost::Cheap,
    permutes: false,
    asks: "How small a difference could so many judged pictures show at all?",
    how: "From the number of judged pictures (of groups, where pictures belong together) and the accuracy: Wilson's interval, and \
          the smallest difference between two accuracies that would be found four times out of five at the level .05, \
          2.8 · √(2 p (1 − p) / n), by the normal approximation.",
    fail_means: "The accuracy may be off by more than anybody would claim as an effect.",
    misleads: "It takes pictures of different groups as independent. Two models judged on the same pictures can be told apart a \
               little better than this says.",
    reference: "Cohen, Statistical power analysis for the behavioral sciences (1988), chapter 6",
    scale: Scale::UNWRITTEN,
    run,
};

/// Half widths of the interval from which it is told.
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
            "The network was not judged on any picture.",
            "Judge it: candor evaluate.",
        ));
    };
    let pictures = answers.indices.len();
    let (independent, accuracy) = (case.independent(&answers.indices), answers.accuracy(&case.labels()));
    let interval = Interval::of_share(accuracy, independent);
    let half = interval.width() / 2.0;
    let difference = smallest_difference(accuracy, independent as f64);
    let verdict = match half {
        half if half > FAIL => Verdict::Fail,
        half if half > WARN => Verdict::Warn,
        _ => Verdict::Pass,
    };
    let headline = format!(
        "{pictures} {subset} pictures{} give the accuracy to ±{:.0} points; differences below {:.0} points would go unseen.",
        if independent < pictures { format!(" of {independent} groups") } else { String::new() },
        100.0 * half,
        (100.0 * difference).ceil()
    );
    let (meaning, advice) = match verdict {
        Verdict::Pass => ("There are enough pictures to say roughly how good the network is.", String::new()),
        _ => (
            "The accuracy could have come out quite differently on other pictures of the same kind. Differences between \
             models, classes or groups that are smaller than this say nothing.",
            format!(
                "For ±{:.0} points judge on about {} independent pictures.",
                100.0 * WARN,
                needed(accuracy)
            ),
        ),
    };
    let curve = |n: usize| (n as f64, 100.0 * smallest_difference(accuracy, n as f64));
    Ok(Finding::new(verdict, headline, meaning)
        .advice(advice)
        .used(format!("the answers for {pictures} {subset} pictures"))
        .figure("independent judged pictures", independent as f64, Unit::Count)
        .figure_within("accuracy", accuracy, interval, Unit::Share)
        .figure("smallest difference that would be seen", difference, Unit::Points)
        .with_series(Series {
            title: "The smallest difference that would be seen".to_owned(),
            x: "independent judged pictures".to_owned(),
            y: Some("difference, points".to_owned()),
            points: [50, 100, 200, 400, 800, 1600].map(curve).to_vec(),
            mark: (50..=1600).contains(&independent).then_some(independent as f64),
        }))
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
            (finding.verdict, finding.value("independent judged pictures")),
            (Verdict::Fail, Some(10.0))
        );
        assert!(finding.advice.contains("about 60 independent"), "{}", finding.advice);
    }

    #[test]
    fn the_smallest_difference_is_that_of_the_textbook() {
        // Two proportions near .5 with 392 each: 10 points (Cohen's h = .2, power .80).
        assert!((smallest_difference(0.5, 392.0) - 0.1).abs() < 0.001);
    }
}
