//! Whether a model beats the simple ones, in words: for the page, the terminal and the model card.

use candor_analysis::baseline::{Baseline, BaselineComparison, BaselineScore, Verdict};
use candor_analysis::interval::Difference;

use crate::figures::{self, signed};

/// The simple model that says what not looking reaches.
const MOST_FREQUENT: &str = "most-frequent";

/// Whether the model beats the best of the simple ones and by how much, in a sentence: for the lines at the top.
pub(crate) fn verdict_in_short(model: &str, comparison: &BaselineComparison) -> String {
    verdict(model, comparison, in_short(comparison))
}

/// The same with both tests, and with what follows where the model is no better.
pub fn baseline_verdict(model: &str, comparison: &BaselineComparison) -> String {
    let needless = comparison.verdict != Verdict::Better && best_beats_chance(comparison);
    let follows =
        if needless { " As far as these pictures tell, no network is needed for them." } else { "" };
    verdict(model, comparison, in_full(comparison)) + follows
}

/// `difference` goes on from “by” and from “the difference is”.
fn verdict(model: &str, comparison: &BaselineComparison, difference: String) -> String {
    let Some(best) = comparison.best() else { return String::new() };
    let named =
        format!("{}, {}", title(best), figures::per_cent(best.accuracy.value, best.accuracy.pictures));
    let best = match comparison.baselines.len() {
        1 => format!("the simple model ({named})"),
        several => format!("the best of {several} simple models ({named})"),
    };
    let sentence = match (comparison.verdict, comparison.is_of_equals()) {
        (Verdict::Better, true) => format!("{model} beats {best} by {difference}."),
        (Verdict::Better, false) => {
            format!("{model} is more often right than {best}; the difference is {difference}.")
        }
        (Verdict::NoClearDifference, _) => {
            format!("{model} does not clearly beat {best}: the difference is {difference}.")
        }
        (Verdict::Worse, _) => format!("{model} is worse than {best}: the difference is {difference}."),
    };
    sentence + &unequal(comparison)
}

/// What makes the comparison unfair to the simple models, in sentences: then nothing was beaten.
fn unequal(comparison: &BaselineComparison) -> String {
    let (some, all) = (comparison.learned_from as u64, comparison.training_pictures as u64);
    let models = if comparison.baselines.len() == 1 { "The simple model" } else { "The simple models" };
    let mut sentences = String::new();
    if some != all {
        sentences += &format!(
            " {models} learned from only {} of its {} training pictures: this is not a comparison of equals.",
            figures::count(some),
            figures::count(all)
        );
    }
    if comparison.epoch_chosen_here {
        sentences +=
            " Its best epoch was chosen on these pictures, which flatters it: compare on test pictures.";
    }
    sentences
}

/// Whether the best simple model has clearly learned more than the most frequent class would reach.
fn best_beats_chance(comparison: &BaselineComparison) -> bool {
    let frequent = comparison.baselines.iter().find(|score| score.id == MOST_FREQUENT);
    // The best of several is flattered by being chosen: its interval has to lie above the other one as a whole.
    let chance = frequent.map_or(0.0, |score| score.accuracy.interval.high);
    comparison.best().is_some_and(|best| best.accuracy.interval.low > chance)
}

/// What the simple models learned from, in a sentence.
pub(crate) fn learned_from(comparison: &BaselineComparison) -> String {
    let (some, all) = (comparison.learned_from as u64, comparison.training_pictures as u64);
    let pictures = match some == all {
        true => format!("the network's {} training pictures", figures::count(all)),
        false => {
            format!("{} of the network's {} training pictures", figures::count(some), figures::count(all))
        }
    };
    format!(
        "They learned from {pictures}, reduced to 16×16 pixels or less, and predicted the same pictures as it. The best of them \
         was chosen on these pictures; the interval of the difference and the p-values take that into account."
    )
}

/// A baseline's name, within a sentence.
pub(crate) fn title(score: &BaselineScore) -> &str {
    Baseline::find(&score.id).map_or(&score.id, |baseline| baseline.title)
}

/// What a baseline sees.
pub(crate) fn sees(score: &BaselineScore) -> &'static str {
    Baseline::find(&score.id).map_or("something of the picture", |baseline| baseline.view.words())
}

/// `7.5 points (95% interval 6.1 to 8.9, p = .001)`
fn in_short(comparison: &BaselineComparison) -> String {
    match &comparison.difference {
        Some(difference) => {
            let points = points_with_interval(difference);
            format!("{}, p {})", points.trim_end_matches(')'), p_value(difference.p_value))
        }
        None => in_full(comparison),
    }
}

/// `7.5 points (95% interval 6.1 to 8.9); p = .001 by paired bootstrap, p < .001 by McNemar's test`
fn in_full(comparison: &BaselineComparison) -> String {
    let mcnemar = p_value(comparison.mcnemar.p_value);
    match &comparison.difference {
        Some(difference) => format!(
            "{}; p {} by paired bootstrap, p {mcnemar} by McNemar's test",
            points_with_interval(difference),
            p_value(difference.p_value)
        ),
        None => {
            let points =
                100.0 * (comparison.model.value - comparison.best().map_or(0.0, |best| best.accuracy.value));
            format!("{} points; p {mcnemar} by McNemar's test", signed(format!("{points:.0}")))
        }
    }
}

/// `7.5 points (95% interval 6.1 to 8.9)`, with the digits that the interval supports.
pub fn points_with_interval(difference: &Difference) -> String {
    let interval = difference.interval;
    let decimals = if 100.0 * interval.width() > 4.0 { 0 } else { 1 };
    let points = |share: f64| signed(format!("{:.decimals$}", 100.0 * share));
    let (value, low, high) = (points(difference.value), points(interval.low), points(interval.high));
    let unit = if value == "1" || value == "−1" { "point" } else { "points" };
    format!("{value} {unit} (95% interval {low} to {high})")
}

/// `= .034`, `< .001`.
pub fn p_value(value: f64) -> String {
    match value {
        v if v < 0.001 => "< .001".to_owned(),
        v if v >= 0.9995 => "= 1".to_owned(),
        v if v < 0.1 => format!("= {:.3}", v).replacen("0.", ".", 1),
        v => format!("= {:.2}", v).replacen("0.", ".", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candor_analysis::evaluate::{Accuracy, Interval};
    use candor_analysis::interval::{McNemar, Measure};

    fn comparison(verdict: Verdict, value: f64, half: f64) -> BaselineComparison {
        let interval = Interval { low: value - half, high: value + half };
        BaselineComparison {
            model: Accuracy::of_counts(900, 1_000),
            learned_from: 7_000,
            training_pictures: 7_000,
            epoch_chosen_here: false,
            baselines: vec![BaselineScore { id: "border".into(), accuracy: Accuracy::of_counts(800, 1_000) }],
            left_out: vec![],
            best: "border".into(),
            difference: Some(Difference { measure: Measure::Accuracy, value, interval, p_value: 0.0342 }),
            mcnemar: McNemar::of_counts(10, 110),
            verdict,
        }
    }

    #[test]
    fn the_verdict_is_said_in_plain_words() {
        let cases = [
            (
                Verdict::Better,
                0.1,
                0.013,
                "The network beats the simple model (the border model, 80%) by 10.0 points",
            ),
            (Verdict::Better, 0.1, 0.013, "by 10.0 points (95% interval 8.7 to 11.3); p = .034 by paired"),
            (
                Verdict::Better,
                0.1,
                0.05,
                "by 10 points (95% interval 5 to 15); p = .034 by paired bootstrap, p < .001",
            ),
            (
                Verdict::NoClearDifference,
                0.01,
                0.05,
                "does not clearly beat the simple model (the border model, 80%)",
            ),
            (Verdict::NoClearDifference, 0.01, 0.05, "the difference is 1 point (95% interval −4 to 6); p"),
            (Verdict::NoClearDifference, 0.01, 0.05, "no network is needed"),
            (Verdict::Worse, -0.1, 0.05, "The network is worse than the simple model"),
        ];
        for (verdict, value, half, words) in cases {
            let sentence = baseline_verdict("The network", &comparison(verdict, value, half));
            assert!(sentence.contains(words), "{words}: {sentence}");
        }
        let short = verdict_in_short("The network", &comparison(Verdict::Better, 0.1, 0.05));
        assert!(short.ends_with("by 10 points (95% interval 5 to 15, p = .034)."), "{short}");
    }

    #[test]
    fn where_simple_models_learned_nothing_either_they_do_not_make_a_network_needless() {
        let mut found = comparison(Verdict::NoClearDifference, 0.01, 0.05);
        found
            .baselines
            .push(BaselineScore { id: MOST_FREQUENT.into(), accuracy: found.baselines[0].accuracy });
        let sentence = baseline_verdict("The network", &found);
        assert!(!sentence.contains("no network is needed"), "{sentence}");
    }

    #[test]
    fn simple_models_that_learned_from_fewer_pictures_are_never_beaten() {
        for verdict in [Verdict::Better, Verdict::NoClearDifference, Verdict::Worse] {
            let fewer = BaselineComparison { learned_from: 2_000, ..comparison(verdict, 0.1, 0.01) };
            for sentence in [baseline_verdict("The network", &fewer), verdict_in_short("The network", &fewer)]
            {
                let unequal = "learned from only 2,000 of its 7,000 training pictures: this is not a comparison of equals";
                assert!(sentence.contains(unequal) && !sentence.contains("beats"), "{sentence}");
            }
            assert!(learned_from(&fewer).contains("2,000 of the network's 7,000 training pictures"));
            assert!(!baseline_verdict("The network", &comparison(verdict, 0.1, 0.01)).contains("equals"));
        }
    }

    #[test]
    fn a_network_whose_epoch_was_chosen_on_these_pictures_beats_nothing() {
        let here = BaselineComparison { epoch_chosen_here: true, ..comparison(Verdict::Better, 0.1, 0.01) };
        let sentence = baseline_verdict("The network", &here);
        assert!(
            sentence.contains("chosen on these pictures, which flatters it") && !sentence.contains("beats"),
            "{sentence}"
        );
    }

    #[test]
    fn several_simple_models_are_counted() {
        let mut found = comparison(Verdict::Better, 0.1, 0.01);
        found
            .baselines
            .push(BaselineScore { id: "thumbnail".into(), accuracy: Accuracy::of_counts(700, 1_000) });
        let sentence = baseline_verdict("The network", &found);
        assert!(
            sentence.starts_with("The network beats the best of 2 simple models (the border model, 80%)"),
            "{sentence}"
        );
    }

    #[test]
    fn p_values_have_the_digits_that_matter() {
        for (value, text) in [(0.00001, "< .001"), (0.0123, "= .012"), (0.5, "= .50"), (1.0, "= 1")] {
            assert_eq!(p_value(value), text);
        }
    }
}
